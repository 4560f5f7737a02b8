// The result against one number: the curve, where the number is now, and the tangent there, whose
// slope is the derivative. The number is dragged along the curve.

import { draw, say, set, short } from "../view/dom.js"
import { tr } from "../view/language.js"

const POINTS = 120 // pieces of the curve
const SIZE = { width: 420, height: 210 }
const FRAME = { left: 8, right: 8, top: 14, bottom: 26 }
const KEYS = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 })
const SPREAD = 1.1 // of the tangent's and the curve's height, beyond which the tangent is cut off

export class AgainstPanel {
  /** @param {import("../view/model.js").Model} model @param {HTMLElement} box @param {HTMLElement} words */
  constructor(model, box, words) {
    this.model = model
    this.words = words
    this.line = /** @type {number | null} */ (null) // the number
    this.range = /** @type {[number, number]} */ ([0, 1])
    this.curve = draw("path", { class: "gone" })
    this.tangent = draw("path", { class: "tangent" })
    this.foot = draw("path", { class: "foot" })
    this.now = draw("circle", { r: 6, class: "now" })
    this.ends = [draw("text", { "text-anchor": "start" }), draw("text", { "text-anchor": "end" })]
    this.svg = draw("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "slider", tabindex: 0 },
      this.foot, this.tangent, this.curve, this.now, ...this.ends)
    box.replaceChildren(this.svg)
    this.svg.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      this.svg.setPointerCapture(event.pointerId)
      this.drag(event)
    })
    this.svg.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (this.svg.hasPointerCapture(event.pointerId)) this.drag(event)
    })
    this.svg.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const way = KEYS[event.key]
      if (!way || this.line === null) return
      event.preventDefault()
      this.model.put(this.line, this.model.at(this.line) + way * (this.range[1] - this.range[0]) / 100)
    })
  }

  /** Give the number the value below the pointer.
   * @param {PointerEvent} event @private
   */
  drag(event) {
    if (this.line === null) return
    const box = this.svg.getBoundingClientRect()
    const across = ((event.clientX - box.left) / box.width) * SIZE.width
    const share = (across - FRAME.left) / (SIZE.width - FRAME.left - FRAME.right)
    const [from, to] = this.range
    const value = from + Math.min(1, Math.max(0, share)) * (to - from)
    this.model.put(this.line, Number(value.toPrecision(3)))
  }

  update() {
    const { model } = this
    const line = model.isFree(model.chosen) ? model.chosen : this.line ?? model.content.trained[0]?.[0] ?? null
    if (line === null) return
    const value = model.at(line)
    const [from, to] = this.range
    if (line !== this.line || value < from || value > to) {
      const room = Math.abs(value) || 1
      this.range = /** @type {[number, number]} */ ([value - room, value + room])
    }
    this.line = line
    this.draw(line, value)
  }

  /** The result as it is shown, where the number has other values. @private
   * @param {number} line
   */
  results(line) {
    const { model, range: [from, to] } = this
    const { machine } = model.training
    const { loss, sampleLoss } = model.content
    const result = model.isMean ? loss : sampleLoss ?? loss
    const order = machine.order([result])
    const kept = machine.values.slice()
    const found = /** @type {[number, number][]} */ ([])
    for (let k = 0; k <= POINTS; k++) {
      const x = from + (k / POINTS) * (to - from)
      if (model.isData(line)) machine.put(line, model.sample, x)
      else machine.fill(line, x)
      machine.run(order)
      found.push([x, machine.at(result, model.sample)])
    }
    machine.values.set(kept)
    return { found, now: machine.at(result, model.sample), result }
  }

  /** @param {number} line @param {number} value @private */
  draw(line, value) {
    const { model, range: [from, to] } = this
    const { found, now, result } = this.results(line)
    const heights = found.map(([, y]) => y).filter(Number.isFinite)
    const [least, most] = [Math.min(...heights), Math.max(...heights)]
    const room = most - least || Math.abs(most) || 1
    const x = (/** @type {number} */ it) => FRAME.left + ((it - from) / (to - from)) * (SIZE.width - FRAME.left - FRAME.right)
    const y = (/** @type {number} */ it) => SIZE.height - FRAME.bottom - ((it - least) / room) * (SIZE.height - FRAME.top - FRAME.bottom)
    const slope = model.slopeAt(line)
    this.curve.setAttribute("d", way(found, x, y))
    this.tangent.setAttribute("d", tangent({ x: value, y: now }, slope, [from, to], [least - room * (SPREAD - 1), most + room * (SPREAD - 1)], x, y))
    this.foot.setAttribute("d", `M${FRAME.left} ${SIZE.height - FRAME.bottom}H${SIZE.width - FRAME.right}M${x(value)} ${SIZE.height - FRAME.bottom}v-6`)
    this.now.setAttribute("visibility", Number.isFinite(now) ? "visible" : "hidden")
    this.now.setAttribute("cx", String(x(value)))
    this.now.setAttribute("cy", String(y(now)))
    this.ends.forEach((end, k) => {
      end.setAttribute("x", String(k ? SIZE.width - FRAME.right : FRAME.left))
      end.setAttribute("y", String(SIZE.height - 8))
      say(end, short(this.range[k]))
    })
    const { names } = model.content
    const said = { result: names[result].said, number: names[line].said, value: short(value), height: short(now), slope: short(slope) }
    const words = tr("{result} is {height} where {number} is {value}; there the curve has the slope {slope}, the derivative.", said)
    say(this.words, words)
    set(this.svg, "aria-label", tr("{result} against {number}", said))
    set(this.svg, "aria-valuetext", words)
    set(this.svg, "aria-valuenow", String(value))
    set(this.svg, "aria-valuemin", String(from))
    set(this.svg, "aria-valuemax", String(to))
  }
}

/** A path through the points, with a gap where there is no number.
 * @param {[number, number][]} points @param {(it: number) => number} x @param {(it: number) => number} y
 */
function way(points, x, y) {
  let isOn = false
  return points.map(([at, height]) => {
    const begun = isOn
    isOn = Number.isFinite(height)
    return isOn ? `${begun ? "L" : "M"}${x(at).toFixed(1)} ${y(height).toFixed(1)}` : ""
  }).join("")
}

/** The tangent, as far as it is in the frame; "" where there is none.
 * @param {{x: number, y: number}} point @param {number} slope
 * @param {[number, number]} range @param {[number, number]} heights
 * @param {(it: number) => number} x @param {(it: number) => number} y
 */
function tangent(point, slope, range, heights, x, y) {
  if (!Number.isFinite(slope) || !Number.isFinite(point.y)) return ""
  const at = (/** @type {number} */ height) => point.x + (height - point.y) / slope
  const cuts = slope ? [at(heights[0]), at(heights[1])].sort((a, b) => a - b) : range
  const ends = [Math.max(range[0], cuts[0]), Math.min(range[1], cuts[1])]
  const [a, b] = ends.map(it => `${x(it).toFixed(1)} ${y(point.y + slope * (it - point.x)).toFixed(1)}`)
  return `M${a}L${b}`
}
