// The graph of formulas: a box for each value, with its number and its slope, and lines from what a
// formula mentions to its value.

import { draw, nameText } from "../view/dom.js"
import { mark } from "../view/language.js"
import { ValueDrawing } from "../view/values.js"

const TALL = 58 // of a box
const JITTER = 8 // pixels by which the room may change without a new drawing
const GAPS = { sideways: [30, 54], upright: [40, 40] } // between columns, at least and at most, beside the signs
const ACROSS = 14 // between boxes side by side, if columns go downwards
const MARGIN = 6
const SMALLEST = 0.75 // share of its size to which a drawing shrinks before it scrolls
const LARGEST = 1.35 // and to which it grows
const SIGN = { size: 13, tall: 20, pad: 6, inside: 5 } // of an operation; so much of it is in its box

/**
 * @typedef {{line: number, column: number, height: number, width: number, sign: string, wide: number}} Place of a value: its box, and its operation
 * @typedef {{from: number, to: number, past: [column: number, height: number][]}} Line between two values, and where it passes other columns
 * @typedef {{pitch: number, places: Place[], lines: Line[]}} Graph what report/formula_page.py writes
 * @typedef {{x: number, y: number}} Point
 */

export class FormulaDrawing extends ValueDrawing {
  /** @param {import("../view/model.js").Model} model @param {HTMLElement} box @param {HTMLElement} hint that says that it scrolls */
  constructor(model, box, hint) {
    super(model, box)
    this.hint = hint
    this.room = 0
    this.ways = /** @type {[path: SVGPathElement, from: number, to: number][]} */ ([])
    new ResizeObserver(() => this.relaid()).observe(box)
    this.relaid()
  }

  /** Draw the current formulas. */
  renew() {
    this.room = 0
    this.relaid()
  }

  relaid() {
    const room = this.box.clientWidth
    if (!room || (this.room && Math.abs(room - this.room) < JITTER)) return
    this.clear()
    this.room = room
    this.ways = []
    this.render()
    this.update()
    this.lightUp()
  }

  update() {
    this.sayNumbers()
  }

  /** The result changes as it changes itself.
   * @param {number} line
   */
  slopeOf(line) {
    const { loss, sampleLoss } = this.model.content
    return line === loss || line === sampleLoss ? 1 : this.model.slopeAt(line)
  }

  /** A hundredth of a number's first digit, or a tenth of it if it is less than 1: 0.09 changes by 0.001.
   * @param {number} value
   */
  grainOf(value) {
    const power = value ? Math.floor(Math.log10(Math.abs(value)) + 1e-9) : 0
    return 10 ** (power < 0 ? power - 1 : power - 2)
  }

  /** A finger changes numbers sideways, and scrolls up and down.
   * @param {PointerEvent} from @param {PointerEvent} to
   */
  pulled(from, to) {
    const across = to.clientX - from.clientX
    return to.pointerType === "touch" ? across : across + from.clientY - to.clientY
  }

  /** @private */
  render() {
    const graph = /** @type {Graph} */ (this.model.content.graph)
    const sideways = laid(graph, false, this.room)
    const upright = laid(graph, true, this.room)
    const fits = (/** @type {{width: number}} */ it) => this.room / it.width
    const found = fits(sideways) < SMALLEST && fits(upright) > fits(sideways) ? upright : sideways
    const { width, height, isUpright } = found
    const shown = Math.max(SMALLEST * width, Math.min(width * LARGEST, this.room))
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width: shown, role: "group", class: "net", "aria-label": mark("The graph: every number, and every value computed from them") })
    const paths = graph.lines.map(line => this.line(line, found))
    svg.append(...paths, ...graph.places.map(place => this.value(place, found.at(place.column, place.height), isUpright)))
    this.hint.hidden = shown <= this.room
    this.box.replaceChildren(svg)
    this.model.changed() // for the parts around it
  }

  /** @param {Line} line @param {ReturnType<typeof laid>} found @private */
  line({ from, to, past }, { at, edge, isUpright }) {
    const points = [edge(from, 1), ...past.map(([column, height]) => at(column, height)), edge(to, -1)]
    const path = draw("path", { d: curve(points, isUpright), class: "line" })
    const group = draw("g", { class: "edge plain" }, path)
    this.ways.push([path, from, to])
    this.marks.push([group, lit => lit.has(from) && lit.has(to)])
    return group
  }

  /** A box with a name, its number and its slope; what is computed has its operation at the side
   * where lines arrive.
   * @param {Place} place @param {Point} middle @param {boolean} isUpright @private
   */
  value({ line, width, sign, wide }, { x, y }, isUpright) {
    const name = this.names[line]
    const [left, top] = [x - width / 2, y - TALL / 2]
    const group = draw("g", { class: `unit f-${name.kind}`, ...this.handle(line) },
      draw("rect", { x: left, y: top, width, height: TALL, rx: sign ? 12 : TALL / 2, class: "shape" }),
      draw("text", { x, y: top + 19, class: `name k-${name.kind}`, "text-anchor": "middle" }, ...nameText(name, 16)),
      this.number(line, x, top + 35, "middle"), this.slope(line, x, top + 50, "middle"))
    if (sign) group.append(...badge(sign, wide, isUpright ? { x, y: top + SIGN.inside - SIGN.tall / 2 } : { x: left + SIGN.inside - signWidth(wide) / 2, y }))
    this.handles.push([group, line])
    this.marks.push([group, lit => lit.has(line)])
    return group
  }

  /** On a screen lower than the graph, a pass moves along with its values.
   * @param {import("../view/values.js").Pass | null} step
   */
  wave(step) {
    super.wave(step)
    const now = step && this.handles.find(([, line]) => line === step.line)
    now?.[0].scrollIntoView({ block: "nearest", inline: "nearest" })
  }

  /** The lines to a value, or from it to those that it feeds.
   * @param {number} line @param {boolean} isBack
   */
  waysOf(line, isBack) {
    return this.ways.filter(([, from, to]) => (isBack ? from : to) === line).map(([path]) => path)
  }
}

/** @param {number} wide the width of a sign, as a share of its size; 0 if there is none */
const signWidth = wide => (wide ? Math.max(SIGN.tall, wide * SIGN.size + 2 * SIGN.pad) : 0)

/** The sign of an operation, at the edge of a box.
 * @param {string} sign @param {number} wide @param {Point} middle
 */
function badge(sign, wide, { x, y }) {
  const width = signWidth(wide)
  return [
    draw("rect", { x: x - width / 2, y: y - SIGN.tall / 2, width, height: SIGN.tall, rx: SIGN.tall / 2, class: "sign-box" }),
    draw("text", { x, y: y + 4.7, class: "operation", "text-anchor": "middle" }, sign),
  ]
}

/** Where everything stands: columns side by side or, if they are upright, one below the other.
 * @param {Graph} graph @param {boolean} isUpright @param {number} room into which gaps grow
 */
export function laid({ places, lines, pitch }, isUpright, room) {
  const [widths, before] = [[], []].map(it => /** @type {number[]} */ (it)) // of boxes, and of signs before them
  for (const { column, width, wide } of places) {
    widths[column] = Math.max(widths[column] ?? 0, width)
    before[column] = Math.max(before[column] ?? 0, wide && Math.max(0, (isUpright ? SIGN.tall : signWidth(wide)) - SIGN.inside))
  }
  const wide = Math.max(...widths)
  const middles = /** @type {number[]} */ ([])
  const [least, most] = isUpright ? GAPS.upright : GAPS.sideways
  const taken = [...widths, ...before].reduce((sum, part) => sum + part, 2 * MARGIN)
  const gap = Math.min(most, Math.max(least, (room - taken) / (widths.length - 1)))
  let end = MARGIN
  widths.forEach((width, k) => {
    const along = isUpright ? TALL : width
    middles[k] = end + (k && gap) + before[k] + along / 2
    end = middles[k] + along / 2
  })
  const heights = [...places.map(({ height }) => height), ...lines.flatMap(({ past }) => past.map(([, height]) => height))]
  const [low, high] = [Math.min(...heights), Math.max(...heights)]
  const stretch = isUpright ? (wide + ACROSS) / pitch : 1
  const half = isUpright ? wide / 2 : TALL / 2
  const at = (/** @type {number} */ column, /** @type {number} */ height) => {
    const across = MARGIN + half + (height - low) * stretch
    return isUpright ? { x: across, y: middles[column] } : { x: middles[column], y: across }
  }
  const byLine = new Map(places.map(place => [place.line, place]))
  const edge = (/** @type {number} */ line, /** @type {number} */ side) => {
    const { column, height, width, wide: sign } = /** @type {Place} */ (byLine.get(line))
    const { x, y } = at(column, height)
    const over = side < 0 && sign ? (isUpright ? SIGN.tall : signWidth(sign)) - SIGN.inside : 0
    return isUpright ? { x, y: y + side * (TALL / 2 + over) } : { x: x + side * (width / 2 + over), y }
  }
  const along = end + MARGIN
  const across = (high - low) * stretch + 2 * (half + MARGIN)
  return { at, edge, isUpright, width: isUpright ? across : along, height: isUpright ? along : across }
}

/** A curve through points that leaves each of them along the way.
 * @param {Point[]} points @param {boolean} isUpright
 */
function curve([first, ...others], isUpright) {
  let [d, before] = [`M${first.x} ${first.y}`, first]
  for (const { x, y } of others) {
    const [a, b] = isUpright ? [`${before.x} ${(before.y + y) / 2}`, `${x} ${(before.y + y) / 2}`] : [`${(before.x + x) / 2} ${before.y}`, `${(before.x + x) / 2} ${y}`]
    d += `C${a} ${b} ${x} ${y}`
    before = { x, y }
  }
  return d
}
