// The network and its current numbers: what is drawn anew for each network or room, and what changes
// from frame to frame; units.js draws its parts.

import { arcs } from "./arcs.js"
import { brief, draw, make, nameWords, say, set } from "./dom.js"
import { ARCS, fieldOf, isShares } from "./field.js"
import { fixed, weightFor } from "./factors.js"
import { Pictures } from "./pictures.js"
import { mark, pieces, tr } from "./language.js"
import { meaning } from "./tips.js"
import { Units } from "./units.js"
import { mentioned, ValueDrawing } from "./values.js"

const JITTER = 1 // pixels by which the room may change without a new drawing
const NARROW = 600 // pixels of a window: what is no wider is a phone
const DIRECTIONS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] })
const DIGITS = 25 // cells at least so wide contain their number

/**
 * @typedef {import("./field.js").Head} Head
 * @typedef {{x: number, y: number, size: number, line: number, column: number}} Cell
 */

export class Drawing extends ValueDrawing {
  /** @param {import("./model.js").Model} model @param {HTMLElement} box @param {import("./grid.js").Grid} grid @param {HTMLElement} words below it
   */
  constructor(model, box, grid, words) {
    super(model, box)
    this.words = words
    this.told = 0 // the line that the words below it are about; -1 for the drawing
    this.room = { width: 0, height: 0 }
    this.units = /** @type {Units | null} */ (null)
    this.heads = /** @type {Head[]} */ ([])
    this.digits = /** @type {[SVGTextElement, number][]} */ ([])
    this.lines = /** @type {[Element, number][]} */ ([])
    this.tints = /** @type {[Element, number, number][]} */ ([])
    this.masks = masks(model.content) // by the values that they are applied to
    this.areSlopes = false // whether maps are painted with gradients
    this.cells = /** @type {Map<number, Cell>} */ (new Map())
    this.beam = draw("path")
    this.arcs = /** @type {{group: Element, update: () => void}[]} */ ([])
    this.pictures = new Pictures(model, grid)
    box.addEventListener("focusout", () => model.changed())
    this.look = "" // that was chosen when it was laid out
    this.ways = /** @type {[SVGPathElement, number | null, import("./field.js").Unit[][]][]} */ ([])
    this.relaid = () => {} // called when heads of columns have other places
    new ResizeObserver(() => this.fit()).observe(box)
    this.fit()
  }

  /** Whether units are shown as pictures, with several values in one mark. */
  get isSmall() {
    return this.units?.field.isPicture === true
  }

  /** Whether a value of the drawing has the focus by keys. */
  get isFocused() {
    return this.box.contains(document.activeElement)
  }

  /** In a picture, a unit's path is that of its steepest weight. */
  get litFrom() {
    const { model } = this
    return (this.isSmall && weightFor(model, model.shown)) || model.shown
  }

  /** Draw the current network. */
  renew() {
    this.masks = masks(this.model.content)
    this.room = { width: 0, height: 0 }
    this.fit()
  }

  /** Draw again, if there is another room. @private */
  fit() {
    const { clientWidth: width, clientHeight: height } = this.box
    const { room } = this
    if (!width || !height || (Math.abs(width - room.width) < JITTER && Math.abs(height - room.height) < JITTER)) return
    this.clear()
    Object.assign(this, { room: { width, height }, digits: [], lines: [], tints: [], ways: [] })
    this.render()
    this.update()
    this.lightUp()
  }

  /** @private */
  render() {
    this.look = this.model.look
    this.pictures.renew()
    this.beam = draw("path", { class: "beam" })
    const svg = this.drawUnits()
    set(svg, "role", "group")
    set(svg, "aria-label", mark("The network: every value and every weight"))
    this.box.replaceChildren(make("div", { class: "stage" }, this.pictures.canvas, svg, ...(this.units?.covers ?? [])))
    this.box.classList.toggle("many", this.units?.field.isMany === true)
    this.box.classList.toggle("as-pictures", this.isSmall)
    this.tell()
    this.relaid()
    this.model.changed() // for the parts around it
  }

  /** @private */
  drawUnits() {
    const { content } = this.model
    const { width, height } = this.room
    const room = { width, height, isNarrow: innerWidth <= NARROW }
    const errors = new Set(Object.keys(content.names).map(Number).filter(line => content.names[line].kind === "errors"))
    const hasPictures = this.pictures.grid.count > 0 && this.pictures.lines.size > 0
    const field = fieldOf(content.columns, room, this.model.isAsNumbers, errors, hasPictures)
    this.units = new Units(this, field, room)
    this.heads = field.heads
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: `net ${field.isPicture ? "of-pictures" : field.maps.length ? "of-numbers of-maps" : "of-numbers"}` })
    svg.append(...this.units.parts(), ...this.maps(field.maps))
    this.pictures.place(field.isPicture ? field.spots.map(({ unit, halves }) => ({ line: unit.values[unit.values.length - 1], box: halves[0] })) : [], width, height)
    return svg
  }

  /** Say anew what the drawing shows. */
  tell() {
    this.told = 0
    this.say()
  }

  /** What the drawing shows, in the line below it; of a value that is pointed at, its meaning and number.
   * @private
   */
  say() {
    const { model } = this
    const line = model.pointed ?? (this.isFocused ? model.chosen : null)
    if (line !== null) {
      this.told = line
      const about = [nameWords(this.names[line]), ": ", ...meaning(model.content, line), ` = ${fixed(model.at(line), 4)}`]
      return this.words.replaceChildren(...about)
    }
    if (this.told === -1) return
    this.told = -1
    const stroke = (/** @type {string} */ kind) => draw("svg", { width: 14, height: 8, "aria-hidden": "true", class: "edge" }, draw("path", { d: "M0 4H14", class: `line ${kind}`, "stroke-width": 3 }))
    const legend = pieces(mark("{line} above 0 · {negative} below 0 · wider = larger"), { line: stroke(""), negative: stroke("negative") })
    const missing = this.units?.loose.filter(({ label }) => !label).length ?? 0
    const count = this.units?.field.ways.filter(({ weight }) => weight !== null).length ?? 0
    const words = this.cells.size ? mark("point at a cell: what it is computed from is framed") : this.isSmall ? this.units?.field.isMany ? mark("point at a unit: it opens in place, nothing moves") : this.pictures.words
      : missing ? tr("{shown} of {count} weights have their number: those of the lit path, and beside it", { shown: count - missing, count })
      : mark("the lit path leads from E back to the chosen weight · point at any weight to light its own")
    this.words.replaceChildren(words, ...(this.isSmall ? [words ? " · " : "", ...legend] : []))
    if (this.words.scrollWidth > this.words.clientWidth) this.words.replaceChildren(...(this.isSmall ? legend : [words.split(" · ")[0]]))
  }

  /** The planes of maps: their titles, the numbers of steps below sequences, cells, and arcs of shares.
   * @param {import("./field.js").Map[]} maps @private
   */
  maps(maps) {
    const cells = maps.map(({ plane, column, size, box: { left, top } }) => plane.flatMap((row, i) => row.flatMap((line, j) =>
      (line === null ? [] : [/** @type {Cell} */ ({ line, size, column, x: left + j * size, y: top + i * size })]))))
    this.cells = new Map(cells.flat().map(cell => [cell.line, cell]))
    this.arcs = maps.filter(({ title }) => isShares(title)).map(({ plane, size, box }) =>
      arcs(this.model, { plane, size: Math.max(size, ARCS.step), x: box.left + box.width + ARCS.apart, middle: box.top + box.height / 2 }, line => this.handle(line)))
    const firsts = new Set(maps.map(({ column }) => cells[maps.findIndex(it => it.column === column)][0]))
    const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ kind, /** @type {string} */ words) => draw("text", { x, y, class: `caption ${kind}`, ...(kind === "title" ? {} : { "text-anchor": "middle" }) }, words)
    return [
      ...maps.filter(({ title }) => title && !this.units?.isNarrow).map(({ title, box: { left, top } }) => text(left, top - 6, "title", title)),
      ...maps.flatMap(({ plane, title, size, box }) => {
        const goesOn = /^a_(h|state)/.test(title) // states, which are passed on from step to step
        const [[line]] = plane
        if (size < DIGITS || (title && !goesOn) || line === null || !this.names[line].said.endsWith("(1)")) return []
        return plane[0].flatMap((_, k) => [...(k && goesOn ? [text(box.left + k * size, box.top + box.height + 12, "step", "→")] : []), text(box.left + (k + 0.5) * size, box.top + box.height + 12, "step", String(k + 1))])
      }),
      ...this.arcs.map(({ group }) => group), ...cells.flatMap(own => own.map(cell => this.cell(cell, firsts.has(cell)))), this.beam,
    ]
  }

  /** Paint the maps with their gradients, or with their values.
   * @param {boolean} areSlopes
   */
  paint(areSlopes) {
    this.areSlopes = areSlopes
    this.box.classList.toggle("slopes", areSlopes)
    this.lighted = ""
    this.update()
    this.lightUp()
  }

  /** One value of a map.
   * @param {Cell} cell @param {boolean} isFirst of its column: Tab leads to this one, arrows to the others @private
   */
  cell({ line, x, y, size, column }, isFirst) {
    const name = this.names[line]
    const tint = draw("rect", { x, y, width: size, height: size, class: "tint" })
    const group = draw("g", { class: `cell f-${name.kind}`, ...this.handle(line), tabindex: this.model.isFree(line) || isFirst ? 0 : -1 },
      draw("rect", { x, y, width: size, height: size, class: "shape" }), tint)
    if (size >= DIGITS) {
      const text = draw("text", { x: x + size / 2, y: y + size / 2 + 4, class: "digits", "text-anchor": "middle" })
      this.digits.push([text, line])
      group.append(text)
    }
    this.tints.push([tint, line, column])
    this.handles.push([group, line])
    this.marks.push([group, lit => lit.has(line)])
    return group
  }

  /** Move from one cell of a map to the next, to which Tab then leads.
   * @param {KeyboardEvent} event @param {number} line
   */
  move(event, line) {
    const [from, direction] = [this.cells.get(line), DIRECTIONS[event.key]]
    const next = from && direction && neighbour(this.cells, from, direction)
    if (!next || this.model.isFree(line)) return
    event.preventDefault()
    for (const [handle, of] of this.handles) {
      if (of === line) handle.setAttribute("tabindex", "-1")
      if (of === next.line) handle.setAttribute("tabindex", "0")
    }
    this.focusOn(next.line)
  }

  /** Show the current numbers. */
  update() {
    const { model } = this
    if (this.look !== model.look) this.renew()
    this.sayNumbers()
    this.say()
    for (const [text, line] of this.digits) say(text, brief(this.painted(line)))
    for (const { update } of this.arcs) update()
    for (const [line, weight] of this.lines) {
      const value = model.at(weight)
      set(line, "stroke-width", (this.units?.widthOf(value) ?? 1).toFixed(1))
      line.classList.toggle("negative", value < 0)
    }
    this.tintMaps()
    for (const [handle, line] of this.handles) {
      const mask = this.masks.get(line)
      if (mask !== undefined) handle.classList.toggle("dropped", model.at(mask) === 0)
    }
  }

  /** What a cell is painted with: its value, or its gradient.
   * @param {number} line @private
   */
  painted(line) {
    const { model, areSlopes } = this
    return areSlopes ? model.slopeAt(line) : model.shownAt(line)
  }

  /** Paint cells the stronger, the farther they are from 0: values among all maps, gradients in their column. @private */
  tintMaps() {
    const found = this.tints.map(([tint, line, column]) => ({ tint, value: this.painted(line), key: this.areSlopes ? column : 0 }))
    const strongest = /** @type {Record<number, number>} */ ({})
    for (const { value, key } of found) strongest[key] = Math.max(strongest[key] ?? 1e-30, Math.abs(value) || 0)
    for (const { tint, value, key } of found) {
      const most = this.areSlopes ? 0.8 : 0.45
      set(tint, "fill-opacity", (most * Math.min(1, Math.abs(value) / strongest[key]) || 0).toFixed(2))
      tint.classList.toggle("rising", this.areSlopes && value > 0)
      tint.classList.toggle("falling", this.areSlopes && value < 0)
    }
  }

  /** In a small drawing a unit stands for all of its values.
   * @param {number} line @param {number} own
   */
  isNow(line, own) {
    return line === own || Boolean(this.isSmall && this.unitOf(line)?.values.includes(own))
  }

  /** The lines to a value, or from it to those that it feeds, or a weight's own.
   * @param {number} line @param {boolean} isBack
   */
  waysOf(line, isBack) {
    const own = this.unitOf(line)
    const isEnd = own && own.values[isBack ? own.values.length - 1 : 0] === line
    return this.ways.filter(([, weight, ends]) => (isEnd ? ends.some(both => both[isBack ? 0 : 1] === own) : isBack && weight === line)).map(([way]) => way)
  }

  /** @param {number} line @private */
  unitOf(line) {
    return this.ways.flatMap(([, , ends]) => ends.flat()).find(unit => unit.values.includes(line))
  }

  /** Mark the cells that a value is computed from or, if maps show gradients, those that it feeds,
* from which its gradient comes.
   * @param {number} line
   */
  showWindow(line) {
    const { formulas } = this.model.content
    const window = new Set(this.areSlopes ? this.feeds.get(line) : mentioned(formulas[line] ?? ""))
    for (const [element, of] of this.handles) element.classList.toggle("read", window.has(of) && this.cells.has(of))
    const others = [...window].flatMap(of => this.cells.get(of) ?? [])
    const own = [this.cells.get(line)].flatMap(cell => cell ?? [])
    const [from, to] = this.areSlopes ? [own, others] : [others, own]
    this.beam.setAttribute("d", from.length && to.length ? beam(from, to) : "")
  }
}

// Which values feed which, and how that is shown between cells of maps -----------

/** The mask of each value that dropout is applied to.
 * @param {{masks: import("../machine/masks.js").MaskTable[]}} content
 */
export const masks = content =>
  new Map(content.masks.flatMap(({ lines, kept }) => lines.flatMap((line, k) => kept[k].map(value => /** @type {[number, number]} */ ([value, line])))))

/** Two lines from the corners of some cells to those that are computed from them.
 * @param {Cell[]} from @param {Cell[]} to
 */
export function beam(from, to) {
  const top = (/** @type {Cell[]} */ cells) => Math.min(...cells.map(cell => cell.y))
  const foot = (/** @type {Cell[]} */ cells) => Math.max(...cells.map(cell => cell.y + cell.size))
  const [right, left] = [Math.max(...from.map(cell => cell.x + cell.size)), Math.min(...to.map(cell => cell.x))]
  return `M${right} ${top(from)}L${left} ${top(to)}M${right} ${foot(from)}L${left} ${foot(to)}`
}

/** The next cell of the same column in a direction, by rows and columns of cells.
 * @param {Map<number, Cell>} cells @param {Cell} from @param {[across: number, down: number]} direction
 * @returns {Cell | null}
 */
export function neighbour(cells, from, [across, down]) {
  let [best, least] = [/** @type {Cell | null} */ (null), Infinity]
  for (const cell of cells.values()) {
    const [x, y] = [cell.x - from.x, cell.y - from.y]
    const ahead = x * across + y * down
    const aside = Math.abs(x * down) + Math.abs(y * across)
    if (cell.column !== from.column || ahead <= 0 || aside > from.size / 2) continue
    if (ahead < least) [best, least] = [cell, ahead]
  }
  return best
}
