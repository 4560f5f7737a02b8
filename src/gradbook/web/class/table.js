// The table of a class: searched, filtered by verdict, sorted by any column, while it may grow.

import { make } from "../view/dom.js"
import { tr } from "../view/language.js"

const MOST_LEFT = 20 // names listed of files that are no workbooks
const VERDICTS = ["unreadable", "wrong", "frozen", "unfinished", "right", "forward", "no"] // by first words
const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare

/** A book's row, the page's part about it, and its sort keys, in which numbers are numbers.
 * @typedef {{row: HTMLTableRowElement, part: HTMLElement | null, number: number, verdict: string,
 *   said: string, keys: (string | number)[]}} Entry
 */

export class BookTable {
  /** @param {HTMLTableElement} table with its headings
   * @param {HTMLElement | null} tools with a field, an output and a button for each verdict
   */
  constructor(table, tools) {
    this.body = /** @type {HTMLTableSectionElement} */ (table.tBodies[0])
    this.heads = [...(table.tHead?.rows[0]?.cells ?? [])]
    this.tools = tools
    this.entries = /** @type {Map<number, Entry>} */ (new Map())
    this.column = -1
    this.isDown = true
    this.heads.forEach((head, column) => this.giveButton(head, column))
    if (tools) this.listen(tools)
  }

  /** Add a book's row, or replace its earlier one.
   * @param {number} number @param {HTMLTableRowElement} row @param {HTMLElement | null} part
   */
  put(number, row, part) {
    this.entries.get(number)?.row.replaceWith(row)
    const verdict = verdictIn(row)
    const said = row.textContent?.toLowerCase() ?? ""
    const keys = this.heads.map((_, k) => key(row.cells[k]))
    this.entries.set(number, { row, part, number, verdict, said, keys })
  }

  /** Sort the rows, and show those that match the search. */
  show() {
    const entries = [...this.entries.values()].sort((a, b) => this.order(a, b))
    let next = this.body.firstElementChild
    for (const { row } of entries) {
      if (row === next) next = next.nextElementSibling
      else this.body.insertBefore(row, next) // rows that stay keep the focus
    }
    this.filter()
  }

  /** Remove all books. */
  clear() {
    this.entries.clear()
    this.body.replaceChildren()
  }

  /** @param {Entry} a @param {Entry} b @private */
  order(a, b) {
    const [one, other] = [a.keys[this.column], b.keys[this.column]]
    if (one === undefined || other === undefined || one === other) return a.number - b.number
    if (one === Infinity || other === Infinity) return one === Infinity ? 1 : -1
    const isNumber = typeof one === "number" && typeof other === "number"
    const found = isNumber ? one - other : compare(String(one), String(other))
    return this.isDown ? found : -found
  }

  /** @param {HTMLTableCellElement} head @param {number} column @private */
  giveButton(head, column) {
    head.append(make("button", { type: "button", onclick: () => this.sortBy(column) }, ...head.childNodes))
  }

  /** @param {number} column */
  sortBy(column) {
    this.isDown = column !== this.column || !this.isDown
    this.column = column
    this.heads.forEach(head => head.removeAttribute("aria-sort"))
    this.heads[column]?.setAttribute("aria-sort", this.isDown ? "ascending" : "descending")
    this.show()
  }

  /** @param {HTMLElement} tools @private */
  listen(tools) {
    tools.hidden = false
    tools.querySelector("input")?.addEventListener("input", () => this.filter())
    tools.addEventListener("click", event => {
      const chip = /** @type {Element} */ (event.target).closest("button[aria-pressed]")
      if (!chip) return
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"))
      this.filter()
    })
  }

  /** Show the books that have all the words, and one of the verdicts if any is chosen. */
  filter() {
    const words = (this.tools?.querySelector("input")?.value ?? "").toLowerCase().split(/\s+/)
    const pressed = [...(this.tools?.querySelectorAll("button[aria-pressed=true]") ?? [])]
    const chosen = pressed.map(chip => /** @type {HTMLButtonElement} */ (chip).value.split(" ")[0])
    let count = 0
    for (const { row, part, verdict, said } of this.entries.values()) {
      const isMeant = !chosen.length || chosen.includes(verdict)
      row.hidden = !(isMeant && words.every(word => said.includes(word)))
      if (part) part.hidden = row.hidden
      count += Number(!row.hidden)
    }
    const output = this.tools?.querySelector("output")
    if (!output) return
    const template = output.dataset.said ?? "{some}/{all}"
    output.textContent = template.replace("{some}", String(count)).replace("{all}", String(this.entries.size))
  }
}

/** A book's row; what its cells say was made by gradbook, with all foreign text escaped.
 * @param {Node | string} name @param {string[]} cells @param {string | null} [state] of a book that isn't judged yet
 */
export function bookRow(name, cells, state = null) {
  const row = make("tr", {}, make("th", { scope: "row", class: "words" }, name))
  for (const html of cells) row.append(Object.assign(make("td", { class: "words" }), { innerHTML: html }))
  if (state !== null) row.cells[2].append(make("span", { class: "soon" }, state))
  return row
}

/** A button that shows only the books with a verdict, and how many there are.
 * @param {string} verdict @param {string} words @param {number} count
 */
export const verdictChip = (verdict, words, count) => make("button", { type: "button", value: verdict, "aria-pressed": "false" },
  make("span", { class: `verdict v-${verdict.split(" ")[0]}` }, words), String(count))

/** What all books have in common, below a heading each.
 * @param {{heading: string, html: string}[]} parts
 */
export const commonParts = parts => parts.map(({ heading, html }) => `<h3>${heading}</h3>${html.replaceAll("h3>", "h4>")}`).join("")

/** List which files aren't workbooks.
 * @param {HTMLElement} box @param {string[]} lines
 */
export function listLeft(box, lines) {
  const more = lines.length - MOST_LEFT
  box.hidden = !lines.length
  box.replaceChildren(...[...lines.slice(0, MOST_LEFT), ...(more > 0 ? [tr("and {count} more", { count: more })] : [])].map(line => make("li", {}, line)))
}

/** The first word of the verdict in a row or a cell, whatever language it is shown in.
 * @param {Element} [there]
 */
function verdictIn(there) {
  return /\bv-(\w+)/.exec(there?.querySelector(".verdict")?.className ?? "")?.[1] ?? ""
}

/** The sort key of a cell: a verdict, the share that is right, a number or words. Empty cells come
 * last.
 * @param {HTMLTableCellElement} [cell]
 */
function key(cell) {
  const words = cell?.textContent ?? ""
  const verdict = verdictIn(cell)
  if (verdict) return VERDICTS.includes(verdict) ? VERDICTS.indexOf(verdict) : Infinity
  if (!words) return Infinity
  if (cell?.querySelector(".of")) {
    const [one = 0, other = 1] = (words.match(/\d[\d.,]*/g) ?? []).map(said => Number(said.replace(/\D/g, "")))
    return Math.min(one, other) / Math.max(one, other, 1) // languages differ in the order of the two
  }
  return /^\d+([.,]\d+)?$/.test(words) ? Number(words.replace(",", ".")) : words
}
