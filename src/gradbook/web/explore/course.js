// The result over the number in hand: its curve with the tangent, on axes that the slider's range fixes.

import { roundUp } from "../view/curve.js"
import { draw, say, set } from "../view/dom.js"
import { tr } from "../view/language.js"
import { shown, signed, stepped, tidied } from "./amounts.js"
import { called } from "./sentence.js"

const FRAME = { left: 44, right: 18, top: 12, bottom: 40 }
const LETTER = 7.6 // pixels, of a number at an axis
const [POINTS, HALVINGS] = [120, 30] // of a curve, and of an interval in which it jumps
const POLE = 2 // times the usual heights, beyond which a curve leaves its axis
const WORK = 2e6 // values that are computed to find jumps
const REACH = 0.21 // of the width: the tangent to either side
const [WORDS, LINE] = [12, 16] // pixels from the point to its words, and of one of their lines

export class Course {
  /** @param {import("./exploration.js").Exploration} model @param {HTMLElement} box */
  constructor(model, box) {
    this.model = model
    this.box = box
    this.drawn = "" // which axes
    this.left = FRAME.left // of the curve
    this.others = "" // for which numbers beside its own
    this.points = /** @type {[number, number][]} */ ([])
    this.axes = draw("g", { class: "axes" })
    this.curve = draw("path", { class: "course" })
    this.drop = draw("path", { class: "drop" })
    this.tangent = draw("path", { class: "tangent" })
    this.before = draw("circle", { r: 5, class: "before" })
    this.now = draw("circle", { r: 6, class: "at" })
    this.words = ["big", "", "was"].map(kind => draw("text", { class: kind }))
    this.below = draw("text", { class: "axis", "text-anchor": "middle" })
    this.svg = draw("svg", { role: "img" }, this.axes, this.below, this.curve, this.drop, this.tangent, this.before, this.now, ...this.words)
    box.replaceChildren(this.svg)
    const drag = (/** @type {PointerEvent} */ event) => {
      if (!this.svg.hasPointerCapture(event.pointerId)) return
      const [low, high] = model.ranges[model.chosen]
      const { left, width } = this.svg.getBoundingClientRect()
      const share = (event.clientX - left - this.left) / (width - this.left - FRAME.right)
      model.put([model.chosen, model.onGrid(model.chosen, low + Math.max(0, Math.min(1, share)) * (high - low))])
    }
    this.svg.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      this.svg.setPointerCapture(event.pointerId)
      drag(event)
    })
    this.svg.addEventListener("pointermove", drag)
    new ResizeObserver(() => this.update()).observe(box)
  }

  update() {
    const { model } = this
    const { chosen, result, forms } = model
    const { clientWidth: width, clientHeight: height } = this.box
    if (!width || !height) return
    const [low, high] = model.ranges[chosen]
    const others = JSON.stringify([chosen, result, low, high, ...model.content.inputs.map((_, k) => (k === chosen ? 0 : model.at(k)))])
    if (others !== this.others) this.points = coursed(model, chosen, low, high) // which doesn't change with the number itself
    this.others = others
    const { points } = this
    const y = axis(...usual(points.map(([, it]) => it)), height - FRAME.bottom, FRAME.top, 4)
    const up = y.ticks.map(tick => shown(tick, tickForm(y.ticks, forms[result])))
    this.left = Math.max(FRAME.left, 14 + LETTER * Math.max(...up.map(it => it.length)))
    const x = axis(low, high, this.left, width - FRAME.right, width < 500 ? 4 : 7, true)
    set(this.svg, "viewBox", `0 0 ${width} ${height}`)
    this.drawAxes(x, y, width, height)
    set(this.curve, "d", path(points, x.to, y.to))
    const [value, now, slope] = [model.at(chosen), model.at(result), model.slopes[chosen]]
    const isThere = [value, now].every(Number.isFinite)
    const [left, top] = isThere ? [x.to(value), y.to(now)] : [0, 0]
    const hasSlope = isThere && Number.isFinite(slope)
    set(this.drop, "d", isThere ? `M${left} ${top}V${height - FRAME.bottom}` : "")
    set(this.tangent, "d", hasSlope ? tangent(left, top, (slope * (y.to(1) - y.to(0))) / (x.to(1) - x.to(0)), width, height, this.left) : "")
    for (const [name, at] of [["cx", left], ["cy", top]]) set(this.now, String(name), String(at))
    set(this.now, "visibility", isThere ? "visible" : "hidden")
    const step = model.values[chosen].step
    const lines = [
      isThere ? tr("{height} at {value}", { height: shown(now, forms[result]), value: shown(value, forms[chosen]) }) : "",
      hasSlope ? tr("tangent: {change} per {step}", { change: signed(slope * step, forms[result], 3), step: stepped(step, forms[chosen]) }) : "",
      this.sayBefore(x, y),
    ]
    this.words.forEach((text, k) => say(text, lines[k]))
    this.place(left, top, slope < 0, width, height)
    set(this.svg, "aria-label", tr("{result} as {number} alone changes", { result: called(model.values[result]), number: called(model.values[chosen]) }))
  }

  /** Where the number of the file is on the curve, if others are as they were, too.
   * @param {Axis} x @param {Axis} y @private
   */
  sayBefore(x, y) {
    const { model } = this
    const { chosen, result, file, forms } = model
    const was = model.probe(chosen, at => at(file[chosen]))
    const isShown = model.isMoved(chosen) && Number.isFinite(was)
    set(this.before, "visibility", isShown ? "visible" : "hidden")
    if (!isShown) return ""
    const [left, top] = [x.to(file[chosen]), y.to(was)]
    set(this.before, "cx", String(left))
    set(this.before, "cy", String(top))
    this.was = [left, top]
    return was === file[result] ? tr("in the file: {value}", { value: shown(was, forms[result]) }) : shown(was, forms[result])
  }

  /** Put the words where the curve leaves room.
   * @param {number} left @param {number} top @param {boolean} isFalling @param {number} width @param {number} height @private
   */
  place(left, top, isFalling, width, height) {
    const long = Math.max(...this.words.slice(0, 2).map(text => text.getComputedTextLength()))
    const isRight = isFalling ? left + WORDS + long < width : left - WORDS - long < this.left
    const side = isRight ? Math.min(left + WORDS, width - long) : Math.max(left - WORDS, Math.min(long, width)) // never out of sight
    const above = isFalling === isRight || !isRight
    const base = Math.max(FRAME.top + 4, Math.min(height - FRAME.bottom - 2 * LINE, above ? top - 34 : top + 24))
    this.words.forEach((text, k) => {
      set(text, "text-anchor", isRight ? "start" : "end")
      set(text, "x", String(side))
      set(text, "y", String(base + LINE * k))
    })
    const [was, value] = [this.words[2], this.was ?? [0, 0]]
    const isOver = value[0] + WORDS + was.getComputedTextLength() > width
    set(was, "text-anchor", isOver ? "end" : "start")
    set(was, "x", String(value[0] + (isOver ? -WORDS : WORDS)))
    set(was, "y", String(value[1] + (isFalling === isOver ? 20 : -8)))
  }

  /** @param {Axis} x @param {Axis} y @param {number} width @param {number} height @private */
  drawAxes(x, y, width, height) {
    const { model } = this
    const { chosen, result, forms, values } = model
    const key = JSON.stringify([x.ticks, y.ticks, width, height, chosen, result])
    if (key === this.drawn) return
    this.drawn = key
    const [across, up] = [tickForm(x.ticks, forms[chosen]), tickForm(y.ticks, forms[result])]
    this.axes.replaceChildren(
      ...y.ticks.flatMap(tick => [draw("path", { d: `M${this.left} ${y.to(tick)}H${width - FRAME.right}` }), draw("text", { x: this.left - 8, y: y.to(tick) + 4, "text-anchor": "end" }, shown(tick, up))]),
      ...x.ticks.map(tick => {
        const words = shown(tick, across)
        return draw("text", { x: Math.min(x.to(tick), width - (LETTER * words.length) / 2), y: height - FRAME.bottom + 17, "text-anchor": "middle" }, words)
      }))
    say(this.below, tr("{number}, all other numbers as they are", { number: called(values[chosen]) }))
    set(this.below, "x", String((this.left + width - FRAME.right) / 2))
    set(this.below, "y", String(height - 5))
  }
}

/** The ends of the heights, but not of those at a pole.
 * @param {number[]} heights @returns {[number, number]}
 */
function usual(heights) {
  const seen = heights.filter(Number.isFinite).sort((a, b) => a - b)
  if (!seen.length) return [0, 1]
  const [low, high] = [0.1, 0.9].map(part => seen[Math.floor(part * (seen.length - 1))])
  const more = POLE * (high - low || Math.abs(high) || 1)
  return [Math.max(seen[0], low - more), Math.min(seen[seen.length - 1], high + more)]
}

/** @typedef {{ticks: number[], to: (value: number) => number}} Axis */

/** An axis between two places, with ticks at round values; its ends are ticks unless they are fixed.
 * @param {number} low @param {number} high @param {number} from @param {number} to @param {number} count @param {boolean} [isFixed]
 * @returns {Axis}
 */
function axis(low, high, from, to, count, isFixed = false) {
  const span = high - low || Math.abs(high) || 1
  const step = roundUp(span / count)
  const [round, last] = isFixed ? [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)] : [Math.floor(low / step + 1e-9), Math.max(Math.ceil(high / step - 1e-9), Math.floor(low / step + 1e-9) + 1)]
  const ticks = Array.from({ length: last - round + 1 }, (_, k) => tidied((round + k) * step))
  const [first, end] = isFixed ? [low, low + span] : [round * step, last * step]
  return { ticks, to: value => from + ((to - from) * (value - first)) / (end - first) }
}

/** How the ticks of an axis are shown: with as many decimals as their step has.
 * @param {number[]} ticks @param {import("./amounts.js").Form} form
 */
function tickForm(ticks, form) {
  const step = Math.abs((ticks[1] ?? ticks[0] * 2) - ticks[0]) * (form.is_percent ? 100 : 1)
  const decimals = Math.min(12, Math.max(0, -Math.floor(Math.log10(step || 1) + 1e-9)))
  return { ...form, decimals, is_grouped: Math.max(...ticks.map(Math.abs)) >= 1e4, isFree: false, before: "", after: "" }
}

/** The points of a curve; where it jumps, the two ends of the jump with none between.
 * @param {import("./exploration.js").Exploration} model @param {number} k @param {number} low @param {number} high
 */
function coursed(model, k, low, high) {
  const across = Array.from({ length: POINTS + 1 }, (_, n) => low + ((high - low) * n) / POINTS)
  const mayJump = model.between(k).some(it => model.values[it].jumps)
  const halvings = Math.min(HALVINGS, Math.floor(WORK / POINTS / model.everything.length))
  return model.probe(k, at => {
    const points = across.map(value => /** @type {[number, number]} */ ([value, at(value)]))
    return mayJump ? points.flatMap((point, n) => [...(n ? jump(at, points[n - 1], point, halvings) : []), point]) : points
  })
}

/** The ends of a jump between two points, by halving; none if the curve is only steep there.
 * @param {(value: number) => number} at @param {[number, number]} from @param {[number, number]} to @param {number} halvings
 * @returns {[number, number][]}
 */
function jump(at, from, to, halvings) {
  let [a, b] = [from, to]
  if (a[1] === b[1]) return []
  for (let n = 0; n < halvings; n++) {
    const middle = (a[0] + b[0]) / 2
    const height = at(middle)
    if (Math.abs(height - a[1]) > Math.abs(b[1] - height)) b = [middle, height]
    else a = [middle, height]
  }
  return Math.abs(b[1] - a[1]) > Math.abs(to[1] - from[1]) / 2 ? [a, [b[0], NaN], b] : []
}

/** @param {[number, number][]} points @param {(value: number) => number} x @param {(value: number) => number} y */
const path = (points, x, y) => points.map(([a, b], k) => (Number.isFinite(b) ? `${k && Number.isFinite(points[k - 1][1]) ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}` : "")).join("")

/** A line through a point, within the picture.
 * @param {number} left @param {number} top @param {number} slope @param {number} width @param {number} height @param {number} least
 */
function tangent(left, top, slope, width, height, least) {
  const reach = Math.min(REACH * width, (0.4 * height) / Math.max(Math.abs(slope), 1e-9))
  const [from, to] = [-1, 1].map(way => Math.max(least - left, Math.min(width - FRAME.right - left, way * reach)))
  return `M${left + from} ${top + from * slope}L${left + to} ${top + to * slope}`
}

