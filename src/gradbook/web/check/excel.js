// The workbook that is open in Excel, where this page is a task pane: its bytes are judged like those of
// a dropped file, its wrong cells are marked, and the right formulas are written into it.

import { byId, say } from "../view/dom.js"
import { mark, tr } from "../view/language.js"

const SLICE = 1 << 16 // bytes that Excel gives at once
const NO_FILL = "#FFFFFF"
const NAME = "workbook.xlsx"
const PHRASES = {
  notHere: mark("Open this page as a task pane of Excel: here is no open workbook."),
  working: mark("gradbook is working …"),
  corrected: (/** @type {number} */ count) => tr("Cells corrected: {count}", { count }),
  cleared: mark("the marks are gone"),
}

/** What Python says of some cells.
 * @typedef {{sheet: string, cells: string[], fill: string, note: string, formulas: Record<string, string>,
 *   arrays: Record<string, string>}} CellMark
 */

export class OpenWorkbook {
  /** @param {import("./python.js").Python} python @param {import("./books.js").Books} books */
  constructor(python, books) {
    this.python = python
    this.books = books
    this.marks = /** @type {CellMark[]} */ ([])
    /** @type {{sheet: string, cells: string, fills: any[][]}[]} as they were before they were marked */
    this.before = []
    /** @type {string[]} the ids of our comments */
    this.comments = []
    this.isBusy = false
    byId("excel-check").addEventListener("click", () => this.run(() => this.check()))
    byId("excel-correct").addEventListener("click", () => this.run(() => this.correct()))
    byId("excel-clear").addEventListener("click", () => this.run(() => this.clear()))
  }

  /** One task at a time; what goes wrong is said.
   * @param {() => Promise<string>} task @private
   */
  async run(task) {
    if (this.isBusy) return
    this.isBusy = true
    say(byId("excel-problem"), "")
    say(byId("excel-said"), PHRASES.working)
    try {
      say(byId("excel-said"), await task())
    } catch (error) {
      say(byId("excel-said"), "")
      say(byId("excel-problem"), error instanceof Error ? error.message : String(error))
    }
    this.isBusy = false
    byId("excel-correct").hidden = !this.marks.some(it => Object.keys({ ...it.formulas, ...it.arrays }).length)
    byId("excel-clear").hidden = !this.before.length && !this.comments.length
  }

  /** @private */
  async check() {
    const { Office } = /** @type {any} */ (globalThis)
    if (!Office?.context?.document) throw new Error(PHRASES.notHere)
    await this.clear()
    const bytes = await contentOf(Office)
    await this.books.take([{ name: NAME, file: new File([/** @type {BlobPart} */ (bytes)], NAME) }])
    const found = this.books.books.get(NAME)?.found
    if (!found) return ""
    this.marks = JSON.parse(await this.python.ask("cell_marks", found.line))
    await inExcel(context => this.mark(context))
    return found.said
  }

  /** Colour the cells, and note in the first of each what is wrong.
   * @param {any} context @private
   */
  async mark(context) {
    const { workbook } = context
    const places = this.marks.flatMap(({ sheet, cells, fill }) => cells.map(area => ({ sheet, cells: area, fill })))
    const ranges = places.map(({ sheet, cells }) => workbook.worksheets.getItem(sheet).getRange(cells))
    const fills = ranges.map(range => range.getCellProperties({ format: { fill: { color: true } } }))
    await context.sync()
    this.before = places.map(({ sheet, cells }, k) => ({ sheet, cells, fills: fills[k].value }))
    for (const [k, { fill }] of places.entries()) ranges[k].format.fill.color = fill
    const added = this.marks.filter(it => it.note).map(it => {
      const first = it.cells[0].split(":")[0]
      return workbook.comments.add(`'${it.sheet.replaceAll("'", "''")}'!${first}`, it.note)
    })
    for (const comment of added) comment.load("id")
    await context.sync()
    this.comments = added.map(({ id }) => id)
  }

  /** @private */
  async clear() {
    const { before, comments } = this
    this.before = []
    this.comments = []
    this.marks = []
    if (before.length || comments.length) {
      await inExcel(async ({ workbook }) => {
        for (const { sheet, cells, fills } of before) restore(workbook.worksheets.getItem(sheet).getRange(cells), fills)
        for (const id of comments) workbook.comments.getItem(id).delete()
      })
    }
    return PHRASES.cleared
  }

  /** Write the right formulas, and check again. @private */
  async correct() {
    const { marks } = this
    let count = 0
    await this.clear()
    await inExcel(async ({ workbook }) => {
      for (const { sheet, formulas, arrays } of marks) {
        const page = workbook.worksheets.getItem(sheet)
        for (const [cell, formula] of Object.entries(formulas)) {
          page.getRange(cell).formulas = [[formula]]
          count += 1
        }
        for (const [area, formula] of Object.entries(arrays)) { // one formula, which spills over its cells
          page.getRange(area).clear("Contents")
          page.getRange(area.split(":")[0]).formulas = [[formula]]
          count += 1
        }
      }
    })
    return `${PHRASES.corrected(count)}. ${await this.check()}`
  }
}

/** @param {any} range @param {any[][]} fills as Excel gave them */
function restore(range, fills) {
  fills.forEach((row, down) => row.forEach((cell, right) => {
    const { fill } = range.getCell(down, right).format
    const { color } = cell.format.fill
    if (color === NO_FILL) fill.clear()
    else fill.color = color
  }))
}

/** @param {(context: any) => Promise<unknown>} task */
async function inExcel(task) {
  const { Excel } = /** @type {any} */ (globalThis)
  await Excel.run(async (/** @type {any} */ context) => {
    await task(context)
    await context.sync()
  })
}

/** The open workbook as a file, which Excel gives in slices.
 * @param {any} Office @returns {Promise<Uint8Array>}
 */
async function contentOf(Office) {
  const file = await answered(take => Office.context.document.getFileAsync(Office.FileType.Compressed, { sliceSize: SLICE }, take))
  try {
    const slices = []
    for (let k = 0; k < file.sliceCount; k++) {
      const { data } = await answered(take => file.getSliceAsync(k, take))
      slices.push(new Uint8Array(data))
    }
    return new Uint8Array(await new Blob(slices).arrayBuffer())
  } finally {
    file.closeAsync()
  }
}

/** @param {(take: (result: any) => void) => void} ask @returns {Promise<any>} */
function answered(ask) {
  return new Promise((done, fail) => ask(({ status, value, error }) => (status === "failed" ? fail(new Error(error?.message)) : done(value))))
}
