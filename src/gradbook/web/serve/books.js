// A class of workbooks: sends them one by one, and shows a table that grows as they are judged.

import { BookTable, bookRow, commonParts, listLeft, verdictChip } from "../class/table.js"
import { make, say } from "../view/dom.js"
import { mark, tr } from "../view/language.js"
import { element, tell, ask, save } from "./server.js"

const AT_ONCE = 4 // uploads at a time
const PAUSE = 300 // ms between requests for news of a class
const KEPT = "class" // the key under which this tab keeps its class when it is reloaded
const SOON = { awaited: mark("uploading"), waiting: mark("to be checked"), gone: mark("didn’t arrive: drop it again") }
const STUDENT = 1, POINTS = 4 // columns that are hidden while they are empty

/** @typedef {{number: number, name: string, state: "awaited" | "waiting" | "gone" | "done",
 *   verdict: string, cells?: string[]}} Book
 * @typedef {{version: number, books: Book[], pending: number, said: string,
 *   counts: Record<string, number>, verdicts: Record<string, string>}} Growth
 */

export class BookClass {
  constructor() {
    this.number = Number(sessionStorage.getItem(KEPT))
    this.version = 0
    this.known = /** @type {Map<number, Book>} */ (new Map())
    this.looking = 0
    this.waiting = /** @type {(() => Promise<void>)[]} */ ([])
    this.sending = 0
    this.head = /** @type {HTMLTableElement} */ (document.querySelector("table.books"))
    this.table = new BookTable(this.head, element("tools", HTMLElement))
    this.box = element("class", HTMLElement)
    this.problem = element("problem", HTMLElement)
    this.dialog = element("book", HTMLDialogElement)
    this.shown = 0 // the book in the dialog
    this.listen()
    if (this.number) this.look().catch(() => this.forget())
  }

  /** @private */
  listen() {
    for (const id of ["points", "out-of", "hints", "accept-elsewhere", "repeated"]) {
      element(id, HTMLInputElement).addEventListener("change", () => this.again())
    }
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-save]"))) {
      button.addEventListener("click", () =>
        this.make(button, `${this.path()}/${button.dataset["save"]}`, this.problem))
    }
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copy]"))) {
      button.addEventListener("click", () => this.make(button,
        `${this.path()}/books/${this.shown}/${button.dataset["copy"]}`,
        element("book-problem", HTMLElement)))
    }
    element("clear", HTMLElement).addEventListener("click", () => this.clear())
    element("close", HTMLElement).addEventListener("click", () => this.dialog.close())
  }

  path() {
    return `classes/${this.number}`
  }

  /** The options of marking, as the query of an address. */
  ways() {
    const outOf = element("out-of", HTMLInputElement).value
    const repeated = element("repeated", HTMLInputElement).value
    return [
      ...(element("points", HTMLInputElement).checked ? ["points=1"] : []),
      ...(Number(outOf) > 0 ? [`out_of=${encodeURIComponent(outOf)}`] : []),
      ...(element("hints", HTMLInputElement).checked ? ["hints=1"] : []),
      ...(element("accept-elsewhere", HTMLInputElement).checked ? ["accept_elsewhere=1"] : []),
      ...(Number(repeated) > 0 ? [`repeated=${encodeURIComponent(repeated)}`] : []),
    ].join("&")
  }

  // Sending ---------------------------------------------------------------------

  /** Announce the files, then send those that the server accepts.
   * @param {import("../class/files.js").Given[]} given
   */
  async take(given) {
    if (!given.length) return
    try {
      say(this.problem, "")
      if (!this.number) this.begin(await tell("classes", "POST"))
      const files = new Map(given.map(({ name, file }) => [name, file]))
      const books = given.map(({ name, file }) => ({ name, size: file.size }))
      const found = await tell(`${this.path()}/books`, "POST", { books })
      listLeft(element("left", HTMLElement), found.left.map((/** @type {{name: string, why: string}} */ { name, why }) => `${name}: ${why}`))
      for (const { number, given: name } of found.books) {
        const file = files.get(name)
        if (file) this.waiting.push(() => this.send(number, file))
      }
      this.sendMore()
      this.lookSoon()
    } catch (error) {
      say(this.problem, words(error))
    }
  }

  /** @private */
  sendMore() {
    while (this.sending < AT_ONCE) {
      const next = this.waiting.shift()
      if (!next) return
      this.sending += 1
      next().finally(() => {
        this.sending -= 1
        this.sendMore()
      })
    }
  }

  /** Send one book; if it can't be read or sent, show why, and continue with the others.
   * @param {number} number @param {File} file @private
   */
  async send(number, file) {
    const place = `${this.path()}/books/${number}`
    try {
      await ask(place, "PUT", file)
    } catch (error) {
      await ask(place, "DELETE").catch(() => null)
      say(this.problem, `${file.name}: ${words(error)}`)
    }
  }

  // Progress --------------------------------------------------------------------

  /** @param {{class: number}} made @private */
  begin(made) {
    this.number = made.class
    sessionStorage.setItem(KEPT, String(made.class))
  }

  /** Schedule a request for news, in place of an earlier one. */
  lookSoon() {
    clearTimeout(this.looking)
    this.looking = setTimeout(() => this.look().catch(error => say(this.problem, words(error))), PAUSE)
  }

  /** Ask what has changed, and again while there is more to come. */
  async look() {
    const number = this.number
    const ways = this.ways()
    const found = /** @type {Growth} */ (await tell(`${this.path()}?since=${this.version}${ways && `&${ways}`}`))
    if (number !== this.number || ways !== this.ways()) return this.lookSoon()
    this.version = found.version
    this.show(found)
    if (found.pending) this.lookSoon()
    else await this.showCommon()
  }

  /** Fetch everything again, marked with other options. */
  again() {
    this.version = 0
    this.linkPage()
    if (this.number) this.lookSoon()
  }

  /** @private */
  linkPage() {
    const ways = this.ways()
    element("class-page", HTMLAnchorElement).href = `${this.path()}/page${ways && `?${ways}`}`
  }

  /** @param {Growth} found @private */
  show(found) {
    for (const book of found.books) this.known.set(book.number, book)
    for (const book of found.books) this.table.put(book.number, this.row(book), null)
    this.showChips(found)
    this.table.show()
    for (const column of [STUDENT, POINTS]) this.hideIfEmpty(column)
    this.linkPage()
    const done = [...this.known.values()].filter(book => book.state === "done").length
    const bar = element("progress", HTMLProgressElement)
    bar.max = Math.max(this.known.size, 1)
    bar.value = this.known.size - found.pending
    const all = tr("{some} of {all} judged", { some: done, all: this.known.size })
    say(element("said", HTMLElement), found.pending ? all : found.said || all)
    this.box.hidden = !this.known.size
  }

  /** A book's row, with its progress or its result.
   * @param {Book} book @private
   */
  row(book) {
    const name = book.state === "done" ? make("button", { type: "button", class: "name", onclick: () => this.open(book.number) }, book.name) : book.name
    return bookRow(name, book.cells ?? ["", "", "", "", ""], book.state === "done" ? null : SOON[book.state])
  }

  /** @param {number} column @private */
  hideIfEmpty(column) {
    const rows = [...this.head.rows]
    const isEmpty = rows.slice(1).every(row => !row.cells[column]?.textContent)
    for (const row of rows) {
      const cell = row.cells[column]
      if (cell) cell.hidden = isEmpty
    }
  }

  /** Show a button for each verdict; pressed ones stay pressed.
   * @param {Growth} found @private
   */
  showChips({ counts, verdicts }) {
    const box = /** @type {HTMLElement} */ (document.querySelector("#tools .chips"))
    for (const [verdict, count] of Object.entries(counts)) {
      const known = /** @type {HTMLButtonElement | null} */ (box.querySelector(`[value="${verdict}"]`))
      const chip = known ?? box.appendChild(verdictChip(verdict, verdicts[verdict] ?? verdict, count))
      chip.hidden = false
      if (chip.lastChild) chip.lastChild.textContent = String(count)
    }
    for (const chip of /** @type {NodeListOf<HTMLButtonElement>} */ (box.querySelectorAll("button"))) {
      chip.hidden = !(chip.value in counts)
    }
    element("tools", HTMLElement).hidden = this.known.size < 2
  }

  /** Show the class's results and what its books have in common, once all are judged.
   * @private
   */
  async showCommon() {
    const ways = this.ways()
    const parts = /** @type {{heading: string, html: string}[]} */ (
      await tell(`${this.path()}/common${ways && `?${ways}`}`))
    element("common", HTMLElement).innerHTML = commonParts(parts)
  }

  // One book, and all -----------------------------------------------------------

  /** Show all findings in a book.
   * @param {number} number
   */
  async open(number) {
    try {
      const ways = this.ways()
      const found = await tell(`${this.path()}/books/${number}${ways && `?${ways}`}`)
      this.shown = number
      element("book-name", HTMLElement).textContent = found.name
      say(element("book-points", HTMLElement), found.points)
      say(element("book-problem", HTMLElement), "")
      element("findings", HTMLElement).innerHTML = found.html
      this.dialog.showModal()
    } catch (error) {
      say(this.problem, words(error))
    }
  }

  /** Have a file made, which may take a while, and save it.
   * @param {HTMLElement} button @param {string} place @param {HTMLElement} problem @private
   */
  async make(button, place, problem) {
    if (button.ariaDisabled === "true") return
    button.ariaDisabled = "true"
    say(problem, "")
    try {
      const ways = this.ways()
      await save(`${place}${ways && `?${ways}`}`)
    } catch (error) {
      say(problem, words(error))
    } finally {
      button.ariaDisabled = "false"
    }
  }

  /** Remove all books, here and on the disk.
   * @private
   */
  async clear() {
    this.waiting = []
    await ask(this.path(), "DELETE").catch(() => null)
    this.forget()
  }

  /** @private */
  forget() {
    sessionStorage.removeItem(KEPT)
    clearTimeout(this.looking)
    this.number = this.version = 0
    this.known.clear()
    this.table.clear()
    this.box.hidden = true
    element("common", HTMLElement).replaceChildren()
    listLeft(element("left", HTMLElement), [])
  }
}

/** @param {unknown} error */
export function words(error) {
  return error instanceof Error ? error.message : String(error)
}
