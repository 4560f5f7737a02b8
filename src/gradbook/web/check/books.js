// The page's books, which are checked one by one and listed, and the findings in the chosen one.

import { BookTable, bookRow, commonParts, listLeft, verdictChip } from "../class/table.js"
import { byId, make, save, say } from "../view/dom.js"
import { mark, tr } from "../view/language.js"
import { Cells } from "./cells.js"
import { Stopped } from "./python.js"

const LONGEST = 900 // seconds for a book; most take a few
const BESIDE = /(^|\/)(\.|~\$)/ // lock files beside a book, and hidden files and folders
const STUDENT = 1 // this column is hidden while it is empty
const PHRASES = {
  waiting: mark("to be checked"),
  checking: (/** @type {number} */ seconds) => tr("being checked, {seconds} s", { seconds }),
  stopped: mark("stopped"),
  judged: (/** @type {number} */ some, /** @type {number} */ all) => tr("{some} of {all} checked", { some, all }),
  stop: mark("Stop"),
  stopIt: (/** @type {string} */ name) => tr("Stop checking {name}", { name }),
  noBook: mark("not a workbook"),
  none: mark("It contains no workbook."),
}

/** Python's result for a book.
 * @typedef {{line: string, verdict: string, said: string, cells: string[], html: string, isWrong: boolean}} Found
 * @typedef {{number: number, name: string, file: File | null, state: "waiting" | "checking" | "stopped" | "done",
 *   begun: number, found: Found | null}} Book
 */

export class Books {
  /** @param {import("./python.js").Python} python @param {string[]} endings of workbooks */
  constructor(python, endings) {
    this.python = python
    this.endings = endings
    this.books = /** @type {Map<string, Book>} */ (new Map())
    this.count = 0
    this.isBusy = false
    this.working = Promise.resolve()
    this.isOwnChoice = false
    this.chosen = /** @type {Book | null} */ (null)
    this.sheet = /** @type {HTMLTableElement} */ (document.querySelector("table.books"))
    this.cells = new Cells(python)
    this.table = new BookTable(this.sheet, byId("tools"))
    byId("clear").addEventListener("click", () => this.clear())
    byId("report").addEventListener("click", () => this.saveReport())
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.addEventListener("click", () => this.saveCopy(/** @type {HTMLElement} */ (button)))
    }
    for (const button of document.querySelectorAll("[data-ending]")) {
      button.addEventListener("click", () => this.saveAll(/** @type {HTMLElement} */ (button).dataset.ending ?? ""))
    }
    setInterval(() => this.tick(), 1000)
    this.update()
  }

  /** Show books that were checked before the page was written: no Python is needed for it.
   * @param {(Found & {name: string})[]} given @param {any} summary
   */
  open(given, summary) {
    for (const { name, ...found } of given) {
      const book = { number: this.count++, name, file: null, state: /** @type {const} */ ("done"), begun: 0, found }
      this.books.set(name, book)
      this.show(book)
    }
    this.chooseFirst()
    this.update()
    if (summary) this.showSummary(summary)
  }

  // Checking --------------------------------------------------------------------

  /** Check some files; done once none is waiting.
   * @param {import("../class/files.js").Given[]} given */
  take(given) {
    const inFolders = given.filter(({ name }) => name.includes("/"))
    const isBook = (/** @type {string} */ name) =>
      this.endings.some(ending => name.toLowerCase().endsWith(ending)) && !BESIDE.test(name)
    const left = given.filter(({ name }) => !isBook(name))
    listLeft(byId("left"), left.filter(it => !inFolders.includes(it)).map(({ name }) => `${name}: ${PHRASES.noBook}`))
    say(byId("problem"), given.length && left.length === given.length ? PHRASES.none : "")
    const order = new Intl.Collator(undefined, { numeric: true }).compare
    for (const { name, file } of given.filter(({ name }) => isBook(name)).sort((a, b) => order(a.name, b.name))) {
      const number = this.books.get(name)?.number ?? this.count++
      const book = { number, name, file, state: /** @type {const} */ ("waiting"), begun: 0, found: null }
      this.books.set(name, book)
      this.show(book)
    }
    this.update()
    this.working = this.isBusy ? this.working : this.work()
    return this.working
  }

  /** Check the waiting books one after the other. @private */
  async work() {
    if (this.isBusy) return
    this.isBusy = true
    for (let book; (book = [...this.books.values()].find(it => it.state === "waiting"));) {
      await this.check(book)
      this.update()
    }
    this.isBusy = false
    await this.sumUp()
  }

  /** @param {Book} book @private */
  async check(book) {
    book.state = "checking"
    book.begun = performance.now()
    this.show(book)
    this.update()
    let late = 0
    const clock = setTimeout(() => {
      late = LONGEST
      this.python.stop()
    }, LONGEST * 1000)
    try {
      const content = new Uint8Array(await /** @type {File} */ (book.file).arrayBuffer())
      const found = await this.python.ask("judge", book.name, content)
      book.found = JSON.parse(found)
    } catch (error) {
      if (book.state === "checking") book.found = await this.lost(book, late, error)
    } finally {
      clearTimeout(clock)
    }
    if (book.state === "checking") book.state = book.found ? "done" : "stopped"
    if (this.books.get(book.name) !== book) return // removed, or dropped again
    this.show(book)
    this.chooseFirst()
  }

  /** The result for a book on which the worker died.
   * @param {Book} book @param {number} late @param {unknown} error @private
   */
  async lost(book, late, error) {
    if (!(error instanceof Stopped)) {
      say(byId("problem"), `${book.name}: ${error instanceof Error ? error.message : error}`)
      return null
    }
    return this.python.ask("lose", book.name, late).then(JSON.parse, () => null)
  }

  /** @param {Book} book @private */
  stop(book) {
    const isAtWork = book.state === "checking"
    book.state = "stopped"
    if (isAtWork) this.python.stop()
    this.show(book)
    this.update()
  }

  clear() {
    const isAtWork = [...this.books.values()].some(({ state }) => state === "checking")
    this.books.clear()
    this.table.clear()
    this.chosen = null
    if (isAtWork) this.python.stop()
    listLeft(byId("left"), [])
    say(byId("problem"), "")
    this.update()
  }

  // What is shown ---------------------------------------------------------------

  /** @private */
  tick() {
    for (const book of this.books.values()) if (book.state === "checking") this.show(book)
  }

  /** @private */
  done() {
    return [...this.books.values()].filter(({ found }) => found)
  }

  /** Shows the progress, and the parts of the page that aren't empty. @private */
  update() {
    const all = this.books.size, done = this.done().length
    const isOver = ![...this.books.values()].some(({ state }) => state === "waiting" || state === "checking")
    const bar = byId("progress")
    bar.max = Math.max(all, 1)
    if (all === 1 && !isOver) bar.removeAttribute("value")
    else bar.value = done
    bar.hidden = isOver
    if (!isOver || all < 2) say(byId("said"), isOver ? "" : PHRASES.judged(done, all))
    byId("class").hidden = !all
    byId("tools").hidden = all < 2
    byId("book").hidden = !this.chosen
    byId("common").hidden = true
    document.body.classList.toggle("working", all > 0)
    for (const row of this.sheet.rows) {
      const cell = row.cells[STUDENT]
      if (cell) cell.hidden = !this.done().some(({ found }) => found?.cells[0])
    }
    for (const button of document.querySelectorAll("[data-ending]")) {
      /** @type {HTMLElement} */ (button).hidden = !done || !isOver
    }
  }

  /** Shows a book's row: its progress or its result.
   * @param {Book} book @private
   */
  show(book) {
    const seconds = Math.floor((performance.now() - book.begun) / 1000)
    const state = book.state === "done" ? null : book.state === "checking" ? PHRASES.checking(seconds) : PHRASES[book.state]
    const name = book.found ? make("button", { type: "button", class: "name", onclick: () => this.choose(book, true) }, book.name) : book.name
    const row = bookRow(name, book.found?.cells ?? ["", "", "", ""], state)
    row.classList.toggle("chosen", book === this.chosen)
    if (book.state === "waiting" || book.state === "checking") row.cells[4].append(this.stopper(book))
    this.table.put(book.number, row, null)
    this.table.show()
  }

  /** @param {Book} book @private */
  stopper(book) {
    const label = PHRASES.stopIt(book.name)
    return make("button", { type: "button", class: "stop", "aria-label": label, onclick: () => this.stop(book) }, PHRASES.stop)
  }

  /** Open the first wrong book, or else the first one, unless the reader has chosen another. @private */
  chooseFirst() {
    if (this.isOwnChoice && this.chosen && this.books.get(this.chosen.name) === this.chosen) return
    const done = this.done().sort((a, b) => a.number - b.number)
    const first = done.find(({ found }) => found?.isWrong) ?? done[0]
    if (first && first !== this.chosen) this.choose(first)
  }

  /** Show a book's findings.
   * @param {Book} book @param {boolean} [goesThere]
   */
  choose(book, goesThere = false) {
    const { found } = book
    if (!found) return
    this.isOwnChoice = goesThere
    const before = this.chosen
    this.chosen = book
    for (const one of [before, book]) if (one?.found) this.show(one)
    say(byId("book-heading"), book.name)
    say(byId("book-said"), found.said)
    say(byId("book-problem"), "")
    byId("findings").innerHTML = found.html
    byId("book").hidden = false
    const { file } = book
    const canCopy = { correct: file && found.isWrong, mark: file && found.verdict !== "unreadable" }
    for (const [kind, can] of Object.entries(canCopy)) {
      /** @type {any} */ (document.querySelector(`[data-copy=${kind}]`)).hidden = !can
    }
    byId("cells").hidden = !file
    if (file && before !== book) this.cells.choose({ name: book.name, file }, found.verdict === "no network")
    if (goesThere) byId("book-said").focus()
  }

  /** Shows what all books have in common, once all are checked. @private */
  async sumUp() {
    const lines = this.lines()
    if (lines.length < 2) return this.update()
    const summary = JSON.parse(await this.python.ask("sum_up", lines))
    if (this.isBusy || lines.length !== this.lines().length) return
    this.update()
    this.showSummary(summary)
  }

  /** @param {{said: string, counts: Record<string, number>, verdicts: Record<string, string>,
   *   common: {heading: string, html: string}[]}} summary @private
   */
  showSummary({ said, counts, verdicts, common }) {
    say(byId("said"), said)
    document.querySelector("#tools .chips")?.replaceChildren(...Object.entries(counts).map(([verdict, count]) => verdictChip(verdict, verdicts[verdict], count)))
    this.table.filter()
    byId("common").hidden = !common.length
    byId("common-parts").innerHTML = commonParts(common)
  }

  // What is saved ---------------------------------------------------------------

  /** @private */
  lines() {
    return this.done().map(({ found }) => found?.line ?? "")
  }

  /** @param {string} ending */
  async saveAll(ending) {
    save(`found${ending}`, new Blob([await this.python.ask("write", ending, this.lines())]))
  }

  async saveReport() {
    const { chosen } = this
    if (!chosen?.found) return
    const content = await this.python.ask("write", ".html", [chosen.found.line])
    save(`${fileName(chosen).replace(/\.\w+$/, "")}.html`, new Blob([content]))
  }

  /** @param {HTMLElement} button */
  async saveCopy(button) {
    const { chosen } = this
    const kind = button.dataset.copy ?? ""
    if (!chosen?.found || !chosen.file || button.ariaDisabled === "true") return
    button.ariaDisabled = "true"
    say(byId("book-problem"), "")
    try {
      const bytes = new Uint8Array(await chosen.file.arrayBuffer())
      const [content, said] = await this.python.ask(kind, chosen.name, bytes, chosen.found.line)
      if (this.chosen === chosen) say(byId("book-problem"), said)
      if (content.length) save(`${kind === "mark" ? "marked" : "corrected"}-${fileName(chosen)}`, new Blob([content]))
    } catch (error) {
      say(byId("book-problem"), error instanceof Error ? error.message : String(error))
    } finally {
      button.ariaDisabled = "false"
    }
  }
}

/** @param {Book} book */
const fileName = book => book.name.split("/").pop() ?? ""
