// Beside the numbers: the loss while one weight alone changes, with its slope as a tangent, and every
// weight's slope.

import { alike, roundUp } from "./curve.js"
import { byId, draw, make, nameWords, say, set } from "./dom.js"
import { fixed, lossAlong, plainName } from "./factors.js"
import { mark, numeral, pieces, tr } from "./language.js"

const SIZE = { width: 300, height: 264 }
const FRAME = { left: 40, right: 10, top: 16, bottom: 24 }
const [POINTS, SLOW] = [60, 12] // values along a curve; milliseconds that they may take while training runs
const REACH = 2 // of the axis around 0, or more for larger weights
const MOST = 14 // slopes: of more, those of the layer of the chosen weight

export class AlongPanel {
  /** @param {import("./model.js").Model} model @param {(line: number) => void} choose */
  constructor(model, choose) {
    this.model = model
    this.choose = choose
    this.box = byId("along")
    this.slopes = byId("every-slope")
    this.curve = draw("path", { class: "loss-along" })
    this.tangent = draw("path", { class: "tangent" })
    this.now = draw("circle", { r: 5.5, class: "at" })
    this.axes = draw("g", { class: "axes" })
    this.words = [draw("text", { class: "slope-said", "text-anchor": "end" }), draw("text", { class: "weight-said", "text-anchor": "end" })]
    this.svg = draw("svg", { role: "img" }, this.axes, this.curve, this.tangent, this.now, ...this.words)
    this.box.children[1].append(this.svg)
    this.drawn = "" // which axes
    this.rows = /** @type {[number, HTMLElement, Node][]} */ ([])
    this.listed = ""
    this.took = 0
    this.of = /** @type {import("./dom.js").Name | null} */ (null)
  }

  /** @param {number | null} weight @param {boolean} isRunning */
  update(weight, isRunning) {
    if (this.box.hidden) return
    this.list(weight)
    const { model } = this
    this.svg.toggleAttribute("hidden", weight === null)
    if (weight === null || (isRunning && this.took > SLOW)) return
    const begun = performance.now()
    SIZE.width = this.box.clientWidth || SIZE.width
    set(this.svg, "viewBox", `0 0 ${SIZE.width} ${SIZE.height}`)
    const name = model.content.names[weight]
    const own = model.at(weight)
    const reach = Math.max(REACH, roundUp(Math.abs(own) * 1.2 || 1))
    const values = lossAlong(model, weight, -reach, reach, POINTS)
    this.took = performance.now() - begun
    const [loss, slope] = [model.training.loss, model.at(model.slopeOf.get(weight) ?? weight)]
    const finite = values.filter(Number.isFinite)
    const low = Math.min(0, ...finite)
    const high = Math.max(loss, Math.min(Math.max(...finite), low + 2.1 * (loss - low || 1)), 1e-12)
    const step = roundUp((high - low) / 3)
    const ticks = Array.from({ length: 4 }, (_, k) => Math.floor(low / step) * step + k * step)
    const x = (/** @type {number} */ value) => FRAME.left + (SIZE.width - FRAME.left - FRAME.right) * (value + reach) / (2 * reach)
    const y = (/** @type {number} */ value) => SIZE.height - FRAME.bottom - (SIZE.height - FRAME.top - FRAME.bottom) * (value - ticks[0]) / (ticks[3] - ticks[0])
    this.drawAxes(ticks, reach, x, y)
    const inside = (/** @type {number} */ value) => Math.max(-20, Math.min(SIZE.height - FRAME.bottom, y(value)))
    set(this.curve, "d", values.map((value, k) => (Number.isFinite(value) ? `${k ? "L" : "M"}${x(-reach + (2 * reach * k) / POINTS).toFixed(1)} ${inside(value).toFixed(1)}` : "")).join("").replace(/^L/, "M"))
    const [dx, dy] = [x(1) - x(0), (y(1) - y(0)) * slope]
    const long = 50 / Math.hypot(dx, dy || 1e-9)
    set(this.tangent, "d", `M${x(own) - dx * long} ${y(loss) - dy * long}L${x(own) + dx * long} ${y(loss) + dy * long}`)
    set(this.now, "cx", String(x(own)))
    set(this.now, "cy", String(y(loss)))
    const isLeft = x(own) < SIZE.width / 2 - 30
    this.words.forEach((text, k) => {
      set(text, "text-anchor", isLeft ? "start" : "end")
      set(text, "x", String(x(own) + (isLeft ? 14 : -12)))
      set(text, "y", String(Math.max(14 + 16 * k, Math.min(SIZE.height - 52 + 16 * k, y(loss) - 26 + 16 * k + (isLeft && slope > 0 ? 48 : 0)))))
    })
    say(this.words[0], tr("slope {value}", { value: fixed(slope, 4) }))
    say(this.words[1], tr("at {weight} = {value}", { weight: plainName(name), value: fixed(own, 4) }))
    set(this.svg, "aria-label", tr("E as {weight} alone changes", { weight: name.said }))
    const title = this.box.firstElementChild
    if (this.of !== name) title?.replaceChildren(...pieces(mark("{loss} as {weight} alone changes"), { loss: make("i", {}, "E"), weight: plainName(name) }))
    this.of = name
    say(this.box.lastElementChild ?? this.box, plainName(name))
  }

  /** @param {number[]} ticks @param {number} reach @param {(value: number) => number} x @param {(value: number) => number} y @private */
  drawAxes(ticks, reach, x, y) {
    const key = `${ticks} ${reach} ${SIZE.width}`
    if (key === this.drawn) return
    this.drawn = key
    const across = [-1, -0.5, 0, 0.5, 1].map(part => part * reach)
    this.axes.replaceChildren(...ticks.flatMap(tick => [draw("path", { d: `M${FRAME.left} ${y(tick)}H${SIZE.width - FRAME.right}` }), draw("text", { x: 34, y: y(tick) + 4, "text-anchor": "end" }, alike(tick, ticks))]),
      ...across.map(value => draw("text", { x: x(value), y: SIZE.height - 6, "text-anchor": "middle" }, numeral(String(value).replace("-", "−")))))
  }

  /** Every weight and its slope, in two columns.
   * @param {number | null} chosen @private
   */
  list(chosen) {
    const { model } = this
    const { columns } = model.content
    const layers = columns.map((/** @type {import("./layout.js").Column} */ { units }) => units.flatMap(unit => [...(unit?.from ?? []).map(it => it[1]), ...(unit?.above === undefined ? [] : [unit?.above])]).filter(it => it !== null && model.slopeOf.has(Number(it))))
    const all = [...new Set(/** @type {number[]} */ (layers.flat()))].sort((a, b) => a - b)
    const near = /** @type {number[]} */ (layers.find((/** @type {(number | null)[]} */ it) => it.includes(chosen)) ?? [])
    const some = all.length <= MOST ? all : near.sort((a, b) => a - b).slice(0, MOST)
    const key = `${some} ${Object.values(model.content.names).length}`
    if (key !== this.listed) {
      this.listed = key
      this.rows = some.map(line => {
        const number = make("span")
        return /** @type {[number, HTMLElement, Node]} */ ([line, make("button", { type: "button", onclick: () => this.choose(line) }, nameWords(model.content.names[line]), number), number])
      })
      this.slopes.children[1].replaceChildren(...this.rows.map(([, row]) => row))
      this.slopes.children[1].className = `rows-${Math.ceil(some.length / 2)}`
    }
    for (const [line, row, number] of this.rows) {
      say(/** @type {Element} */ (number), fixed(model.at(model.slopeOf.get(line) ?? line), 6))
      row.classList.toggle("chosen", line === chosen)
    }
  }
}
