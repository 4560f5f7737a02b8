// The network: units in columns, a line for each weight, and their current numbers.

import { arcs } from "./arcs.js"
import { brief, draw, make, nameText, say, set } from "./dom.js"
import { curveOf, layoutOf, pathOf, pill } from "./layout.js"
import { Pictures } from "./pictures.js"
import { mark, pieces } from "./language.js"
import { mentioned, ValueDrawing } from "./values.js"

const THICKEST = { few: 4, many: 1.8 } // pixels of the strongest line, beyond 1
const FEW = 24 // lines
const JITTER = 8 // pixels by which the room may change without a new drawing
const DIRECTIONS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] })
const [BELOW, SMALLEST] = [220, 0.75] // pixels reserved below; the share to which the drawing shrinks for that
const DIGITS = 30 // cells at least so wide contain their number

/**
 * @typedef {import("./layout.js").Box} Box
 * @typedef {import("./layout.js").Spot} Spot
 * @typedef {import("./layout.js").Way} Way
 * @typedef {import("./layout.js").Cell} Cell
 */

export class Drawing extends ValueDrawing {
  /** @param {import("./model.js").Model} model @param {HTMLElement} box
   * @param {HTMLElement} hint that says that it scrolls @param {import("./layout.js").Widths} widths
   * @param {import("./grid.js").Grid} grid
   */
  constructor(model, box, hint, widths, grid) {
    super(model, box)
    this.hint = hint
    this.widths = widths
    this.room = 0
    this.layout = /** @type {import("./layout.js").Layout | null} */ (null)
    this.isUpright = false
    this.digits = /** @type {[SVGTextElement, number][]} */ ([])
    this.lines = /** @type {[Element, number][]} */ ([])
    this.tints = /** @type {[Element, number, number][]} */ ([])
    this.masks = /** @type {Map<number, number>} */ (new Map()) // by the values that they are applied to
    this.areSlopes = false // whether maps are painted with gradients
    this.cells = /** @type {Map<number, Cell>} */ (new Map())
    this.beam = draw("path")
    this.arcs = /** @type {{group: Element, update: () => void}[]} */ ([])
    this.masks = masks(model.content)
    this.pictures = new Pictures(model, grid)
    this.captions = /** @type {[Element, string][]} */ ([])
    this.look = "" // that was chosen when it was laid out
    this.ways = /** @type {[SVGPathElement, number | null, import("./layout.js").Unit[][]][]} */ ([])
    this.legend = new Legend(box, chosen => {
      model.look = chosen
      model.changed()
    })
    new ResizeObserver(() => this.relaid()).observe(box)
    this.relaid()
  }

  /** Draw the current network. */
  renew() {
    this.masks = masks(this.model.content)
    this.room = 0
    this.relaid()
  }

  relaid() {
    const room = this.box.clientWidth
    if (!room || (this.room && Math.abs(room - this.room) < JITTER)) return
    this.clear()
    Object.assign(this, { room, digits: [], lines: [], tints: [], ways: [] })
    this.render()
    this.update()
    this.lightUp()
  }

  /** The greatest height at which all of the drawing is visible. @private */
  get tall() {
    const top = this.box.getBoundingClientRect().top + scrollY
    return innerWidth < 770 ? Infinity : innerHeight - top - BELOW
  }

  /** @private */
  render() {
    this.pictures.renew()
    const layout = layoutOf(this.model.content.columns, this.names, this.widths, this.room, this.pictures.lines, this.model.look || this.pictures.usualLook)
    this.look = this.model.look
    layout.shown *= Math.min(1, Math.max(SMALLEST, this.tall / (layout.height * layout.shown / layout.width)))
    const { width, height, shown } = layout
    this.isUpright = layout.isUpright
    this.isSmall = layout.isSmall
    const svg = draw("svg", {
      viewBox: `0 0 ${width} ${height}`, width: shown, role: "group", class: "net",
      "aria-label": mark("The network: every value and every weight"),
    })
    svg.append(...layout.ways.map(way => this.edge(way)), ...layout.ways.flatMap(way => this.label(way)))
    for (const spot of layout.spots) svg.append(...this.unit(spot))
    this.captions = []
    for (const { x, y, words, isOfLoss } of layout.captions) {
      const text = draw("text", { x, y, class: "caption", "text-anchor": "middle" }, words)
      svg.append(text)
      if (isOfLoss) this.captions.push([text, words]) // which says how many samples there are
    }
    svg.append(...layout.titles.map(({ x, y, words }) => draw("text", { x, y, class: "caption title" }, words)))
    svg.append(...layout.steps.map(({ x, y, words }) => draw("text", { x, y, class: "caption digits step", "text-anchor": "middle" }, words)))
    this.cells = new Map(layout.cells.flat().map(cell => [cell.line, cell]))
    this.arcs = layout.arcs.map(place => arcs(this.model, place, line => this.handle(line)))
    svg.append(...this.arcs.map(({ group }) => group))
    this.beam = draw("path", { class: "beam" })
    svg.append(...layout.cells.flatMap(column => column.map((cell, j) => this.cell(cell, j === 0))), this.beam)
    this.hint.hidden = shown <= this.room
    svg.classList.toggle("small", layout.isSmall)
    this.box.parentElement?.classList.toggle("small-drawing", layout.isSmall)
    this.pictures.place(layout)
    this.box.replaceChildren(make("div", { class: "stage" }, this.pictures.canvas, svg))
    this.legend.show(layout.isSmall, this.lines.length > 0, this.pictures)
    this.layout = layout
    this.model.changed() // for the parts around it
  }

  /** @param {Way} way @private */
  edge({ weight, pieces, ends }) {
    const d = this.isSmall ? curveOf(pieces, this.isUpright) : pathOf(pieces)
    const line = draw("path", { d, class: "line" })
    this.ways.push([line, weight, ends])
    const joins = ends.map(([source, goal]) => [source.values[source.values.length - 1], goal.values[0]])
    const isLit = (/** @type {Set<number>} */ lit) =>
      weight !== null && lit.has(weight) ? true : joins.some(both => both.every(value => lit.has(value)))
    if (weight === null) {
      const group = draw("g", { class: "edge plain" }, line)
      this.marks.push([group, isLit])
      return group
    }
    this.lines.push([line, weight])
    const group = draw("g", { class: "edge", ...this.handle(weight) }, draw("path", { d, class: "hit" }), line)
    this.handles.push([group, weight])
    this.marks.push([group, isLit])
    return group
  }

  /** A weight's name and number, in a gap of its line.
   * @param {Way} way @private
   */
  label({ weight, label }) {
    if (weight === null || !label) return []
    const { left, top, width, height } = label.box
    const [middle, right] = [left + width / 2, left + width]
    const group = draw("g", { class: "label", "data-line": weight }, draw("rect", { x: left, y: top, width, height, class: "paper" }))
    const kind = `name k-${this.names[weight].kind}`
    const rows = this.isUpright ? [13, 28, 41] : label.hasSlope ? [15, 15, 29] : [13.5, 13.5]
    const [name, number, slope] = rows.map(row => top + row)
    const [at, anchor] = this.isUpright ? [middle, "middle"] : [right, "end"]
    group.append(
      draw("text", { x: this.isUpright ? middle : left, y: name, class: kind, "text-anchor": this.isUpright ? "middle" : "start" }, ...nameText(this.names[weight], 15)),
      this.number(weight, at, number, anchor),
    )
    if (label.hasSlope && this.model.slopeOf.has(weight)) group.append(this.slope(weight, at, slope, anchor))
    group.addEventListener("pointerenter", () => this.point(weight))
    group.addEventListener("pointerleave", () => this.point(null))
    group.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.grab(event, weight))
    this.marks.push([group, lit => lit.has(weight)])
    this.labelled.push([group, weight])
    return [group]
  }

  /** @param {Spot} spot @private */
  unit({ unit, halves, above, picture }) {
    if (picture && this.isSmall) return this.seen(unit, picture, above)
    const parts = unit.values.map((line, k) => this.half(line, halves[k], [k === 0, !picture && k === unit.values.length - 1]))
    if (picture) parts.push(this.frame(unit.values[unit.values.length - 1], picture, [false, true]))
    if (unit.above === null || !above) return parts
    const [x, y] = [above.left + above.width / 2, above.top + above.height]
    const link = this.isUpright
      ? `M${above.left} ${above.top + above.height / 2}H${halves[0].left + halves[0].width}`
      : `M${x} ${y}V${halves[0].top}`
    return [draw("path", { d: link, class: "link" }), this.small(unit.above, above), ...parts]
  }

  /** A unit shown as its picture, with its bias in a corner.
   * @param {import("./layout.js").Unit} unit @param {Box} box @param {Box | null} above @private
   */
  seen({ values: [line], above: bias }, box, above) {
    const unit = this.frame(line, box, [true, true])
    unit.append(draw("text", { x: box.left + 5, y: box.top + 14, class: `name halo k-${this.names[line].kind}` }, ...nameText(this.names[line], 14)))
    this.marks.push([unit, lit => lit.has(line)])
    for (const [name, value] of Object.entries(this.handle(line))) {
      if (typeof value === "function") unit.addEventListener(name.slice(2), value)
      else set(unit, name, String(value))
    }
    this.handles.push([unit, line])
    if (bias === null || !above) return [unit]
    const dot = draw("g", { class: `unit corner f-${this.names[bias].kind}`, ...this.handle(bias) },
      draw("rect", { x: above.left, y: above.top, width: above.width, height: above.height, rx: 3, class: "shape" }))
    this.handles.push([dot, bias])
    this.marks.push([dot, lit => lit.has(bias)])
    return [unit, dot]
  }

  /** The frame around a picture.
   * @param {number} line @param {Box} box @param {boolean[]} round @private
   */
  frame(line, box, round) {
    return draw("g", { class: `unit seen f-${this.names[line].kind}` }, draw("path", { d: pill(box, round, this.isUpright), class: "shape" }))
  }

  /** @param {number} line @param {Box} box @param {boolean[]} round @private */
  half(line, box, round) {
    const name = this.names[line]
    const [x, y] = [box.left + box.width / 2, box.top]
    const group = draw("g", { class: `unit f-${name.kind}`, ...this.handle(line) },
      draw("path", { d: pill(box, round, this.isUpright), class: "shape" }),
      draw("text", { x, y: y + 19, class: `name k-${name.kind}`, "text-anchor": "middle" }, ...nameText(name, 16)),
      this.number(line, x, y + 35, "middle"))
    if (box.height > 50 && this.model.content.slopes[line] !== undefined) group.append(this.slope(line, x, y + 50, "middle"))
    this.handles.push([group, line])
    this.marks.push([group, lit => lit.has(line)])
    return group
  }

  /** A bias or a target.
   * @param {number} line @param {Box} box @private
   */
  small(line, { left, top, width, height }) {
    const name = this.names[line]
    const x = left + width / 2
    const group = draw("g", { class: `unit f-${name.kind}`, ...this.handle(line) },
      draw("rect", { x: left, y: top, width, height, rx: 12, class: "shape" }),
      draw("text", { x, y: top + 15, class: `name k-${name.kind}`, "text-anchor": "middle" }, ...nameText(name, 14)),
      this.number(line, x, top + 30, "middle"))
    if (this.model.slopeOf.has(line)) group.append(this.slope(line, x, top + 44, "middle"))
    this.handles.push([group, line])
    this.marks.push([group, lit => lit.has(line)])
    return group
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
    for (const [text, words] of this.captions) say(text, words.replace(/\d+/, String(model.samples.length)))
    this.sayNumbers()
    for (const [text, line] of this.digits) say(text, brief(this.painted(line)))
    for (const { update } of this.arcs) update()
    const thickest = this.lines.length > FEW ? THICKEST.many : THICKEST.few
    const most = Math.max(1e-9, ...this.lines.map(([, weight]) => Math.abs(model.at(weight))))
    for (const [line, weight] of this.lines) {
      const value = model.at(weight)
      set(line, "stroke-width", (1 + thickest * Math.min(1, Math.abs(value) / most) || 1).toFixed(1))
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

/** The choice between numbers and pictures, and the meaning of the colours. */
class Legend {
  /** @param {HTMLElement} box of the drawing @param {(chosen: string) => void} choose */
  constructor(box, choose) {
    this.words = make("span")
    this.looks = ["pictures", "numbers"].map(look => make("input", { type: "radio", name: "look", id: `look-${look}`, onchange: () => choose(look) }))
    const looks = [mark("Picture"), mark("Numbers")]
    this.choice = make("div", { class: "segments", role: "group", "aria-label": mark("units as") }, ...this.looks.map((input, k) => make("label", {}, input, looks[k])))
    const line = (/** @type {string} */ kind) => draw("svg", { width: 26, height: 8, "aria-hidden": "true", class: "edge" }, draw("path", { d: "M0 4H26", class: `line ${kind}`, "stroke-width": 3 }))
    this.lines = make("span", {}, ...pieces(mark("{line} above 0 · {negative} below 0"), { line: line(""), negative: line("negative") }))
    this.box = make("p", { class: "remark legend" }, this.words, this.lines)
    box.after(this.box)
  }

  /** @param {boolean} isSmall @param {boolean} hasLines @param {Pictures} pictures */
  show(isSmall, hasLines, { lines, words }) {
    this.choice.hidden = !lines.size
    this.lines.hidden = !hasLines
    this.looks[Number(!isSmall)].checked = true
    say(this.words, words && hasLines ? `${words} · ` : words)
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
