// The chosen book's sheets: a click on a formula shows on which numbers it depends, and how strongly.

import { byId, make, save, say } from "../view/dom.js"

/** @typedef {{title: string, html: string}} Sheet
 * @typedef {{sheets: Sheet[], shown: number, result: string, list: string, problem: string}} Derived
 * @typedef {{name: string, file: File}} Book
 */

export class Cells {
  /** @param {import("./python.js").Python} python */
  constructor(python) {
    this.python = python
    this.book = /** @type {Book | null} */ (null)
    this.result = ""
    this.shown = 0
    this.box = byId("cells")
    this.box.addEventListener("toggle", () => this.open())
    byId("grid").addEventListener("click", (/** @type {Event} */ event) => this.click(event))
    byId("grid").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") this.click(event)
    })
    byId("derived").addEventListener("click", () => this.save())
  }

  /** Take another book; its sheets are read when they are opened: at once if it has no network.
   * @param {Book} book @param {boolean} isOpen
   */
  choose(book, isOpen) {
    this.book = book
    this.result = ""
    byId("grid").replaceChildren()
    this.box.open = isOpen
    this.open()
  }

  /** @private */
  open() {
    if (this.box.open && this.book && !byId("grid").childElementCount) this.derive("")
  }

  /** @param {Event} event @private */
  click(event) {
    const cell = /** @type {HTMLElement} */ (event.target).closest("td[data-cell]")
    if (cell instanceof HTMLElement && cell.dataset.cell) this.derive(cell.dataset.cell)
  }

  /** Show the derivatives of a cell; of the likeliest result without one.
   * @param {string} result @private
   */
  async derive(result) {
    const { book } = this
    if (!book) return
    say(byId("cells-problem"), "")
    byId("sensitivities").classList.add("pending")
    try {
      const bytes = new Uint8Array(await book.file.arrayBuffer())
      const derived = JSON.parse(await this.python.ask("derive", book.name, bytes, result))
      if (book === this.book) this.show(derived)
    } catch (error) {
      say(byId("cells-problem"), error instanceof Error ? error.message : String(error))
    } finally {
      byId("sensitivities").classList.remove("pending")
    }
  }

  /** @param {Derived} derived @private */
  show(derived) {
    say(byId("cells-problem"), derived.problem)
    if (!derived.sheets.length) return
    this.result = derived.result
    this.shown = derived.shown
    const tabs = derived.sheets.map(({ title }, k) =>
      make("button", { type: "button", role: "tab", onclick: () => this.turn(k) }, title))
    byId("sheets").replaceChildren(...(tabs.length > 1 ? tabs : []))
    const grids = derived.sheets.map(({ html }) => {
      const grid = make("div", { class: "sheet", tabindex: 0 })
      grid.innerHTML = html // made by gradbook, with all foreign text escaped
      for (const cell of grid.querySelectorAll("td[data-cell]")) cell.tabIndex = 0
      return grid
    })
    byId("grid").replaceChildren(...grids)
    this.turn(this.shown)
    byId("sensitivities").innerHTML = derived.list
    byId("derived").hidden = !derived.result
  }

  /** Show one of the sheets.
   * @param {number} sheet @private
   */
  turn(sheet) {
    this.shown = sheet
    for (const [k, tab] of [...byId("sheets").children].entries()) tab.setAttribute("aria-selected", String(k === sheet))
    for (const [k, grid] of [...byId("grid").children].entries()) grid.hidden = k !== sheet
  }

  /** Save the copy with derivatives. @private */
  async save() {
    const { book, result } = this
    if (!book || !result) return
    const button = byId("derived")
    button.disabled = true
    try {
      const bytes = new Uint8Array(await book.file.arrayBuffer())
      const [content, said] = await this.python.ask("write_derivatives", book.name, bytes, result)
      say(byId("cells-problem"), said)
      if (content.length) save(`derivatives-${book.name.split("/").pop() ?? ""}`, new Blob([content]))
    } catch (error) {
      say(byId("cells-problem"), error instanceof Error ? error.message : String(error))
    } finally {
      button.disabled = false
    }
  }
}
