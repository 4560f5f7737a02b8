// The table of a class: searched, filtered by verdict, sorted by any column, while it may grow.

const VERDICTS = ["unreadable", "wrong", "frozen", "unfinished", "right", "forward pass", "no network"]
const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare

/** A book's row, what else on the page is about it, and what it is sorted by: numbers as numbers.
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
    this.titles = this.heads.map(head => head.textContent)
    this.tools = tools
    this.entries = /** @type {Map<number, Entry>} */ (new Map())
    this.column = -1
    this.isDown = true
    this.heads.forEach((head, column) => this.giveButton(head, column))
    if (tools) this.listen(tools)
  }

  /** A book's row, new or in the place of its earlier one.
   * @param {number} number @param {HTMLTableRowElement} row @param {HTMLElement | null} part
   */
  put(number, row, part) {
    this.entries.get(number)?.row.replaceWith(row)
    const verdict = row.cells[this.titles.indexOf("verdict")]?.textContent ?? ""
    const said = row.textContent?.toLowerCase() ?? ""
    const keys = this.titles.map((title, k) => key(title ?? "", row.cells[k]?.textContent ?? ""))
    this.entries.set(number, { row, part, number, verdict, said, keys })
  }

  /** Put the rows into their order, and show those that are asked for. */
  show() {
    const entries = [...this.entries.values()].sort((a, b) => this.order(a, b))
    let next = this.body.firstElementChild
    for (const { row } of entries) {
      if (row === next) next = next.nextElementSibling
      else this.body.insertBefore(row, next) // what stays keeps its focus
    }
    this.filter()
  }

  /** No book is left. */
  clear() {
    this.entries.clear()
    this.body.replaceChildren()
  }

  /** @param {Entry} a @param {Entry} b @private */
  order(a, b) {
    const [one, other] = [a.keys[this.column], b.keys[this.column]]
    if (one === undefined || other === undefined || one === other) return a.number - b.number
    if (one === Infinity || other === Infinity) return one === Infinity ? 1 : -1
    const found = typeof one === "number" ? one - Number(other) : compare(one, String(other))
    return this.isDown ? found : -found
  }

  /** @param {HTMLTableCellElement} head @param {number} column @private */
  giveButton(head, column) {
    const button = document.createElement("button")
    button.type = "button"
    button.append(...head.childNodes)
    button.addEventListener("click", () => this.sortBy(column))
    head.append(button)
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
    const chosen = pressed.map(chip => /** @type {HTMLButtonElement} */ (chip).value)
    let count = 0
    for (const { row, part, verdict, said } of this.entries.values()) {
      const isMeant = !chosen.length || chosen.includes(verdict)
      row.hidden = !(isMeant && words.every(word => said.includes(word)))
      if (part) part.hidden = row.hidden
      count += Number(!row.hidden)
    }
    const output = this.tools?.querySelector("output")
    if (output) output.textContent = `${count} of ${this.entries.size}`
  }
}

/** What a cell is sorted by; what has no number comes last.
 * @param {string} title @param {string} words
 */
function key(title, words) {
  if (title === "verdict") return VERDICTS.includes(words) ? VERDICTS.indexOf(words) : Infinity
  if (title === "points") return words ? Number(words) : Infinity
  if (title !== "gradients") return words
  const [right, of] = words.replaceAll(",", "").split(" of ").map(Number.parseFloat)
  return of ? Number(right) / of : Infinity
}
