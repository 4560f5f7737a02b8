// A workbook that trains the current network: a row per epoch, a column per value, all as formulas.

import { Training } from "../machine/training.js"
import { deflated } from "./packed.js"
import { PHRASES } from "./phrases.js"

const EPOCHS = 70
const MOST_COLUMNS = 4_000
const MOST_CELLS = 200_000
const LONGEST = 2_000 // letters of a formula: parts of a longer one get columns of their own
const FIRST = 2 // row of epochs

/** @typedef {[formula: string, binding: number]} Said and its precedence: sum, product, sign or power, alone */

/** @param {Said} said @param {number} atLeast */
const within = ([text, binding], atLeast) => (binding >= atLeast ? text : `(${text})`)
/** @param {string} sign @param {number} binding @returns {(...parts: Said[]) => Said} */
const infix = (sign, binding) => (a, b) => [within(a, binding) + sign + within(b, binding + 1), binding]
/** @param {string} word @returns {(...parts: Said[]) => Said} */
const call = word => (...parts) => [`${word}(${parts.map(([text]) => text)})`, 4]
/** @param {string} text EXP of more than 709 is an error in a sheet */
const exp = text => `EXP(MIN(709,${text}))`

/** Each of the machine's words as a formula.
 * @type {Record<string, (...parts: Said[]) => Said>}
 */
const FORMULAS = {
  copy: a => a, repeat: a => a,
  add: infix("+", 1), subtract: infix("-", 1), multiply: infix("*", 2), divide: infix("/", 2),
  power: (a, b) => [`${within(a, 4)}^${within(b, 4)}`, 3],
  negate: a => [`-${within(a, 4)}`, 3],
  exp: ([a]) => [exp(a), 4],
  log: call("LN"), sqrt: call("SQRT"), tanh: call("TANH"), normal_share: call("NORMSDIST"), floor: call("INT"), largest: call("MAX"),
  relu: ([a]) => [`MAX(0,${a})`, 4],
  softplus: ([a]) => [`MAX(0,${a})+LN(1+${exp(`-ABS(${a})`)})`, 1],
  log_sum_exp: (...all) => {
    const most = `MAX(${all.map(([a]) => a)})`
    return [`${most}+LN(${all.map(([a]) => `EXP(${a}-${most})`).join("+")})`, 1]
  },
  choose: ([a], [b], [c]) => [`IF(${a}>0,${b},${c})`, 4],
}
const WHOLE = ["total", "softplus", "log_sum_exp", "is_largest"] // operands of these get columns of their own

/** The letters of a column, from 0.
 * @param {number} k @returns {string}
 */
const letters = k => (k < 26 ? "" : letters(Math.floor(k / 26) - 1)) + String.fromCharCode(65 + (k % 26))

/** @param {import("./model.js").Model} model */
export async function workbookOf({ content, training, samples, rate }) {
  const book = new Book(content, samples.length)
  const fresh = new Training(content, samples, training.state)
  fresh.rate = rate
  fresh.evaluate()
  return zip(book.files(fresh))
}

/** The lines that a line is computed from.
 * @param {string} word @param {number[]} parts
 */
const operands = (word, parts) => (word === "constant" ? [] : word === "is_largest" ? parts.slice(1) : parts)

/** For each value without a name, the name of the first value that is computed from it.
 * @param {number[]} order @param {any[][]} lines @param {[number, number][]} state
 * @param {Record<number, string>} names
 */
function owners(order, lines, state, names) {
  const found = new Map(state.map(([leaf, next]) => [next, names[leaf]]))
  for (const k of [...order].reverse()) {
    const [word, ...parts] = lines[k]
    for (const j of operands(word, parts)) found.set(j, names[k] ?? found.get(k))
  }
  return found
}

class Book {
  /** @param {any} content @param {number} samples */
  constructor(content, samples) {
    const { lines, state, trained, loss, outputs, rate, count, inputs, targets } = content
    if (content.masks.length) throw new Error(PHRASES.drawsMasks)
    this.content = content
    this.samples = samples
    this.wide = new Set(content.each)
    this.titles = ["epoch"]
    this.cells = /** @type {[line: number, sample: number, formula: string][]} */ ([])
    this.parts = /** @type {Map<string, number>} */ (new Map()) // how many of each value have been named
    this.fixed = /** @type {[title: string, line: number, sample: number][]} */ ([])
    this.said = /** @type {Said[][]} */ ([])
    const names = /** @type {Record<string | number, string>} */ ({})
    for (const line in content.slopes) names[content.slopes[line]] = `∂E/∂${content.names[line].said}`
    for (const [weight, slope] of trained) names[slope] = `∂E/∂${content.names[weight].said}`
    for (const line in content.names) names[line] = content.names[line].said
    this.names = names
    const order = fedBy(lines, [loss, ...outputs, ...trained.map(second), ...state.map(second)])
    this.owners = owners(order, lines, state, names)
    for (const line of [rate, ...(count === null ? [] : [count]), ...inputs, ...targets]) this.leaf(line, true)
    for (const [line] of state) this.leaf(line, false)
    const uses = /** @type {Map<number, number>} */ (new Map())
    const columns = new Set(Object.keys(names).map(Number))
    for (const [word, ...parts] of order.map(k => lines[k])) {
      for (const j of operands(word, parts)) {
        uses.set(j, (uses.get(j) ?? 0) + 1)
        if (WHOLE.includes(word) || (uses.get(j) ?? 0) > 1 && !["copy", "repeat"].includes(lines[j][0])) columns.add(j)
      }
    }
    for (const k of order) if (!this.said[k]) this.line(k, lines[k], columns.has(k))
  }

  /** @param {number} line */
  width(line) {
    return this.wide.has(line) ? this.samples : 1
  }

  /** @param {number} line @param {number} sample */
  title(line, sample) {
    this.names[line] ??= this.part(line)
    return `${this.names[line]}${this.width(line) > 1 ? ` (${sample + 1})` : ""}`
  }

  /** The name of a value that has none of its own.
   * @param {number} line @private
   */
  part(line) {
    const owner = this.owners.get(line) ?? ""
    const count = (this.parts.get(owner) ?? 0) + 1
    this.parts.set(owner, count)
    return `part ${count} of ${owner}`
  }

  /** A number on the sheet Start, or one that begins there and changes from row to row.
   * @param {number} line @param {boolean} isFixed @private
   */
  leaf(line, isFixed) {
    this.said[line] = Array.from({ length: this.width(line) }, (_, sample) => {
      this.fixed.push([this.title(line, sample), line, sample])
      const place = `Start!$B$${this.fixed.length + 1}`
      return isFixed ? [place, 4] : this.column(line, sample, place)
    })
  }

  /** A column whose cells have this formula, in which § is the row.
   * @param {number} line @param {number} sample @param {string} formula @returns {Said} @private
   */
  column(line, sample, formula) {
    this.cells.push([line, sample, formula])
    this.titles.push(this.title(line, sample))
    return [`${letters(this.cells.length)}§`, 4]
  }

  /** @param {number} k @param {any[]} line @param {boolean} isColumn @private */
  line(k, [word, ...parts], isColumn) {
    const all = Array.from({ length: this.width(k) }, (_, sample) => this.formula(word, parts, sample))
    const isShown = word !== "constant" && (isColumn || all.some(([text]) => text.length > LONGEST))
    this.said[k] = isShown ? all.map(([text], sample) => this.column(k, sample, text)) : all
    if (this.cells.length > MOST_COLUMNS || this.cells.length * EPOCHS > MOST_CELLS) throw new Error(PHRASES.tooLarge)
  }

  /** @param {string} word @param {number[]} parts @param {number} sample @returns {Said} @private */
  formula(word, parts, sample) {
    if (word === "constant") return [String(parts[0]).toUpperCase(), parts[0] < 0 ? 3 : 4]
    const at = (/** @type {number} */ j) => this.said[j][this.width(j) > 1 ? sample : 0]
    if (word === "total") {
      const all = this.said[parts[0]]
      return all.length > 1 ? [`SUM(${all[0][0]}:${all[all.length - 1][0]})`, 4] : all[0]
    }
    if (word !== "is_largest") return FORMULAS[word](...parts.map(at))
    const [which, ...others] = parts
    const tests = others.flatMap((j, k) => (k === which ? [] : [`${at(others[which])[0]}>${k < which ? "" : "="}${at(j)[0]}`]))
    return [tests.length ? `IF(AND(${tests}),1,0)` : "1", 4]
  }

  /** @param {Training} training at its first epoch @returns {[name: string, content: string][]} */
  files(training) {
    const { machine } = training
    const next = new Map(this.content.state)
    const everything = machine.order(this.cells.map(([line]) => line))
    const start = this.fixed.map(([title, line, sample], k) => [words(`A${k + 2}`, title), cell(`B${k + 2}`, "", machine.at(line, sample))])
    const rows = [this.titles.map((title, k) => words(`${letters(k)}1`, title))]
    for (let row = FIRST; row < FIRST + EPOCHS; row++) {
      if (row > FIRST) training.step()
      machine.run(everything)
      rows.push([cell(`A${row}`, "", row - 1), ...this.cells.map(([line, sample, formula], k) => {
        const isNext = row > FIRST && next.has(line)
        const said = isNext ? this.said[next.get(line)][0][0] : formula
        return cell(`${letters(k + 1)}${row}`, said.replaceAll("§", String(isNext ? row - 1 : row)), machine.at(line, sample))
      })])
    }
    const types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    const sheets = ["Training", "Start"]
    return [
      ["[Content_Types].xml", `${XML}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="${types}.sheet.main+xml"/>${sheets.map((_, k) => `<Override PartName="/xl/worksheets/sheet${k + 1}.xml" ContentType="${types}.worksheet+xml"/>`).join("")}</Types>`],
      ["_rels/.rels", relations([["officeDocument", "xl/workbook.xml"]])],
      ["xl/_rels/workbook.xml.rels", relations(sheets.map((_, k) => ["worksheet", `worksheets/sheet${k + 1}.xml`]))],
      ["xl/workbook.xml", `${XML}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${sheets.map((name, k) => `<sheet name="${name}" sheetId="${k + 1}" r:id="r${k + 1}"/>`).join("")}</sheets><calcPr calcId="1" fullCalcOnLoad="1"/></workbook>`],
      ["xl/worksheets/sheet1.xml", sheet(rows)],
      ["xl/worksheets/sheet2.xml", sheet([[words("A1", "value"), words("B1", "number")], ...start])],
    ]
  }
}

/** @param {any[]} pair */
const second = pair => pair[1]

/** The lines that these are computed from, themselves included, in order.
 * @param {any[][]} lines @param {number[]} wanted
 */
function fedBy(lines, wanted) {
  const needed = new Set(wanted)
  for (const k of needed) {
    const [word, ...parts] = lines[k]
    if (word !== "constant") for (const j of word === "is_largest" ? parts.slice(1) : parts) needed.add(j)
  }
  return [...needed].sort((a, b) => a - b)
}

// The parts of the file --------------------------------------------------------

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
const SCHEMAS = "http://schemas.openxmlformats.org"
const [MAIN, OFFICE, PACKAGE] = [`${SCHEMAS}/spreadsheetml/2006/main`, `${SCHEMAS}/officeDocument/2006/relationships`, `${SCHEMAS}/package/2006`]

/** @param {string[][]} all */
const relations = all => `${XML}<Relationships xmlns="${PACKAGE}/relationships">${all.map(relation).join("")}</Relationships>`

/** @param {string[]} pair @param {number} k */
const relation = ([type, target], k) => `<Relationship Id="r${k + 1}" Type="${OFFICE}/${type}" Target="${target}"/>`

/** @param {string} place @param {string} text */
const words = (place, text) => `<c r="${place}" t="inlineStr"><is><t>${text}</t></is></c>`

/** @param {string} place @param {string} formula @param {number} value */
const cell = (place, formula, value) =>
  `<c r="${place}">${formula && `<f>${formula.replaceAll(">", "&gt;")}</f>`}${Number.isFinite(value) ? `<v>${value}</v>` : ""}</c>`

const VIEW = '<sheetViews><sheetView workbookViewId="0"><pane xSplit="1" ySplit="1" topLeftCell="B2" state="frozen"/></sheetView></sheetViews>'

/** @param {string[][]} rows */
const sheet = rows => `${XML}<worksheet xmlns="${MAIN}">${VIEW}<sheetData>${rows.map((row, k) => `<row r="${k + 1}">${row.join("")}</row>`).join("")}</sheetData></worksheet>`

/** Files packed into one, as a workbook is.
 * @param {[name: string, content: string][]} files
 */
export async function zip(files) {
  const parts = /** @type {Uint8Array[]} */ ([])
  const list = /** @type {Uint8Array[]} */ ([])
  let [at, size] = [0, 0]
  for (const [name, content] of files) {
    const [bytes, called] = [content, name].map(it => new TextEncoder().encode(it))
    const packed = await deflated(bytes)
    const head = numbers([2, 20], [2, 0x800], [2, 8], [4, 0x210000], [4, checksum(bytes)], [4, packed.length], [4, bytes.length], [2, called.length], [2, 0])
    parts.push(numbers([4, 0x04034b50]), head, called, packed)
    list.push(numbers([4, 0x02014b50], [2, 20]), head, numbers([2, 0], [4, 0], [4, 0], [4, at]), called)
    at += 4 + head.length + called.length + packed.length
    size += 46 + called.length
  }
  const end = numbers([4, 0x06054b50], [4, 0], [2, files.length], [2, files.length], [4, size], [4, at], [2, 0])
  return new Blob(/** @type {any} */ ([...parts, ...list, end]), { type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" })
}

/** Numbers of so many bytes, the lowest first.
 * @param {...[bytes: number, value: number]} all
 */
const numbers = (...all) => Uint8Array.from(all.flatMap(([count, value]) => Array.from({ length: count }, (_, k) => (value >>> (8 * k)) & 255)))

/** CRC-32.
 * @param {Uint8Array} bytes
 */
function checksum(bytes) {
  let sum = -1
  for (const byte of bytes) {
    sum ^= byte
    for (let k = 0; k < 8; k++) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1))
  }
  return ~sum >>> 0
}
