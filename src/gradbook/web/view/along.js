// What the loss, or another result, is while one number alone changes, with its slope as a tangent: the
// point is dragged along the curve. Beside it, in the page of networks, every weight's slope.

import { alike, roundUp } from "./curve.js"
import { byId, draw, make, nameWords, say, set } from "./dom.js"
import { fixed, plainName } from "./factors.js"
import { mark, numeral, pieces, tr } from "./language.js"

const FRAME = { left: 40, right: 10, top: 16, bottom: 24 }
const [POINTS, FEWEST, QUICK] = [60, 8, 12] // values along a curve; while training runs, as many as so many milliseconds allow
const MOST = 14 // slopes: of more, those of the layer of the chosen weight
const KEYS = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 })

/** The values of a result while one number changes, and all else stays.
 * @param {import("./model.js").Model} model @param {number} line @param {number} result @param {number[]} values of the number
 */
function resultsAlong(model, line, result, values) {
  const { machine } = model.training
  const order = machine.order([result])
  const kept = machine.values.slice()
  const results = values.map(value => {
    if (model.isData(line)) machine.put(line, model.sample, value)
    else machine.fill(line, value)
    machine.run(order)
    return machine.at(result, model.sample)
  })
  machine.values.set(kept)
  return results
}

export class Along {
  /** @param {import("./model.js").Model} model @param {HTMLElement} box @param {number} least of the axis, on both sides of 0
   * @param {number} height of the curve, in pixels
   */
  constructor(model, box, least, height) {
    this.model = model
    this.size = { width: 300, height }
    this.box = box
    this.least = least
    this.line = /** @type {number | null} */ (null)
    this.reach = 0
    this.curve = draw("path", { class: "loss-along" })
    this.tangent = draw("path", { class: "tangent" })
    this.now = draw("circle", { r: 5.5, class: "at" })
    this.axes = draw("g", { class: "axes" })
    this.words = [draw("text", { class: "slope-said" }), draw("text", { class: "weight-said" })]
    this.svg = draw("svg", { role: "slider", tabindex: 0 }, this.axes, this.curve, this.tangent, this.now, ...this.words)
    box.replaceChildren(this.svg)
    new ResizeObserver(() => box.clientWidth !== this.size.width && model.changed()).observe(box)
    this.drawn = "" // which axes
    this.pause = 0 // milliseconds that a value along the curve takes
    this.isHeld = false
    const drag = (/** @type {PointerEvent} */ event) => {
      if (this.line === null || !this.isHeld) return
      const { left, width } = this.svg.getBoundingClientRect()
      const share = (((event.clientX - left) / width) * this.size.width - FRAME.left) / (this.size.width - FRAME.left - FRAME.right)
      model.put(this.line, Number((this.reach * (2 * Math.min(1, Math.max(0, share)) - 1)).toPrecision(3)))
    }
    this.svg.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      this.svg.setPointerCapture(event.pointerId)
      this.isHeld = true
      drag(event)
    })
    this.svg.addEventListener("pointermove", drag)
    for (const kind of ["pointerup", "pointercancel"]) this.svg.addEventListener(kind, () => (this.isHeld = false))
    this.svg.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const way = KEYS[event.key]
      if (!way || this.line === null) return
      event.preventDefault()
      model.put(this.line, model.at(this.line) + (way * this.reach) / 50)
    })
  }

  /** @param {number | null} line the number @param {number} result @param {number} slope of the result there @param {boolean} isRunning */
  update(line, result, slope, isRunning) {
    const { model } = this
    this.line = line
    this.svg.toggleAttribute("hidden", line === null)
    if (line === null) return
    const count = isRunning ? Math.max(FEWEST, Math.min(POINTS, Math.floor(QUICK / this.pause))) : POINTS
    this.size.width = this.box.clientWidth || this.size.width
    const { width, height } = this.size
    set(this.svg, "viewBox", `0 0 ${width} ${height}`)
    const { said, ...name } = model.content.names[line]
    const [own, now] = [model.at(line), model.at(result)]
    if (!this.isHeld) this.reach = Math.max(this.least, roundUp(Number.isFinite(own) ? Math.abs(own) * 1.2 || 1 : 1))
    const { reach } = this
    const across = Array.from({ length: count + 1 }, (_, k) => reach * ((2 * k) / count - 1))
    const begun = performance.now()
    const values = resultsAlong(model, line, result, across)
    this.pause = (performance.now() - begun) / count
    const finite = values.filter(Number.isFinite)
    const low = Math.min(0, ...finite)
    const seen = Number.isFinite(now) ? now : low
    const high = Math.max(seen, Math.min(Math.max(...finite), low + 2.1 * (seen - low || 1)), 1e-12)
    const step = roundUp((high - low) / 3)
    const first = Math.floor(low / step) * step
    const ticks = Array.from({ length: Math.max(4, Math.ceil((high - first) / step - 1e-9) + 1) }, (_, k) => first + k * step)
    const x = (/** @type {number} */ value) => FRAME.left + (width - FRAME.left - FRAME.right) * (value + reach) / (2 * reach)
    const y = (/** @type {number} */ value) => height - FRAME.bottom - (height - FRAME.top - FRAME.bottom) * (value - first) / (ticks[ticks.length - 1] - first)
    this.drawAxes(ticks, reach, x, y)
    const inside = (/** @type {number} */ value) => Math.max(-20, Math.min(height - FRAME.bottom, y(value)))
    set(this.curve, "d", values.map((value, k) => (Number.isFinite(value) ? `${Number.isFinite(values[k - 1]) ? "L" : "M"}${x(across[k]).toFixed(1)} ${inside(value).toFixed(1)}` : "")).join(""))
    const isThere = [own, now, slope].every(Number.isFinite)
    const [left, top] = isThere ? [x(own), y(now)] : [x(0), y(low)]
    const [dx, dy] = [x(1) - x(0), (y(1) - y(0)) * slope]
    const shrunk = 50 / Math.hypot(dx, dy || 1e-9)
    set(this.tangent, "d", isThere ? `M${left - dx * shrunk} ${top - dy * shrunk}L${left + dx * shrunk} ${top + dy * shrunk}` : "")
    set(this.now, "visibility", isThere ? "visible" : "hidden")
    set(this.now, "cx", String(left))
    set(this.now, "cy", String(top))
    say(this.words[0], tr("slope {value}", { value: fixed(slope, 4) }))
    say(this.words[1], tr("at {weight} = {value}", { weight: plainName(name), value: fixed(own, 4) }))
    const long = Math.max(...this.words.map(text => text.getComputedTextLength()))
    const isLeft = left - 12 - long < FRAME.left
    const side = isLeft ? Math.min(left + 14, width - long) : left - 12
    this.words.forEach((text, k) => {
      set(text, "text-anchor", isLeft ? "start" : "end")
      set(text, "x", String(side))
      set(text, "y", String(Math.max(14 + 16 * k, Math.min(height - 52 + 16 * k, top - 26 + 16 * k + (isLeft && slope > 0 ? 48 : 0)))))
    })
    set(this.svg, "aria-label", tr("{result} as {weight} alone changes", { result: model.content.names[result].said, weight: said }))
    set(this.svg, "aria-valuenow", String(own))
    set(this.svg, "aria-valuetext", `${fixed(own, 4)}: ${fixed(now, 4)}`)
  }

  /** @param {number[]} ticks @param {number} reach @param {(value: number) => number} x @param {(value: number) => number} y @private */
  drawAxes(ticks, reach, x, y) {
    const { width, height } = this.size
    const key = `${ticks} ${reach} ${width}`
    if (key === this.drawn) return
    this.drawn = key
    const across = [-1, -0.5, 0, 0.5, 1].map(part => part * reach)
    this.axes.replaceChildren(...ticks.flatMap(tick => [draw("path", { d: `M${FRAME.left} ${y(tick)}H${width - FRAME.right}` }), draw("text", { x: 34, y: y(tick) + 4, "text-anchor": "end" }, alike(tick, ticks))]),
      ...across.map(value => draw("text", { x: x(value), y: height - 6, "text-anchor": "middle" }, numeral(String(value).replace("-", "−")))))
  }
}

export class AlongPanel {
  /** @param {import("./model.js").Model} model @param {(line: number) => void} choose */
  constructor(model, choose) {
    this.model = model
    this.choose = choose
    this.box = byId("along")
    this.slopes = byId("every-slope")
    this.curve = new Along(model, this.box.children[1], 2, 264)
    this.rows = /** @type {[number, HTMLElement, Node][]} */ ([])
    this.listed = ""
    this.content = model.content
    this.of = /** @type {import("./dom.js").Name | null} */ (null)
  }

  /** @param {number | null} weight @param {boolean} isRunning */
  update(weight, isRunning) {
    if (this.box.hidden) return
    const { model, box } = this
    this.list(weight)
    this.curve.update(weight, model.content.loss, weight === null ? 0 : model.at(model.slopeOf.get(weight) ?? weight), isRunning)
    if (weight === null) return
    const name = model.content.names[weight]
    if (this.of !== name) box.firstElementChild.replaceChildren(...pieces(mark("{loss} as {weight} alone changes"), { loss: make("i", {}, "E"), weight: plainName(name) }))
    this.of = name
    say(box.lastElementChild, plainName(name))
  }

  /** Every weight and its slope, in two columns.
   * @param {number | null} chosen @private
   */
  list(chosen) {
    const { model } = this
    const { columns } = model.content
    const layers = columns.map((/** @type {import("./field.js").Column} */ { units }) => units.flatMap(unit => [...(unit?.from ?? []).map(it => it[1]), ...(unit?.above === undefined ? [] : [unit?.above])]).filter(it => it !== null && model.slopeOf.has(Number(it))))
    const all = [...new Set(/** @type {number[]} */ (layers.flat()))].sort((a, b) => a - b)
    const near = /** @type {number[]} */ (layers.find((/** @type {(number | null)[]} */ it) => it.includes(chosen)) ?? [])
    const some = all.length <= MOST ? all : near.sort((a, b) => a - b).slice(0, MOST)
    if (`${some}` !== this.listed || model.content !== this.content) {
      Object.assign(this, { listed: `${some}`, content: model.content })
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
