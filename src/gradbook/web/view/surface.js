// The network's output at every point of the plane as it trains, or that of a unit pointed at, with
// the samples on it; for one input, a curve with the samples.

import { made } from "../build/points.js"
import { byId, make, say } from "./dom.js"
import { CELLS, css, reachOf, scaleOf, tint, tonesOf } from "./grid.js"
import { mark, numeral, pieces, tr, typed } from "./language.js"

const [POINT, WRONG, RING, NEAR, SMALL] = [4, 6.4, 10, 12, 0.8] // pixels: of a sample, around a wrong one and the current one, of a click on one; how much smaller on a phone
const [PULL, STEP] = [3, 0.02] // pixels that a pointer moves before a point does; of the hairs, by a key
const KEYS = /** @type {Record<string, string>} */ ({ m: "tool-move", 1: "class-1", 2: "class-0", e: "tool-erase" })
const ARROWS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] })
const PALE = 0.8 // so that points are visible on it
const LEAST = 0.8 // of its strongest colour that a plane has, also if all its values are alike
const MARGIN = 22 // above and below a curve

export class SurfacePanel {
  /** @param {import("./model.js").Model} model @param {HTMLCanvasElement} canvas @param {import("./grid.js").Grid} grid */
  constructor(model, canvas, grid) {
    this.image = /** @type {ImageData | null} */ (null)
    this.model = model
    this.canvas = canvas
    this.grid = grid
    this.tools = byId("tools")
    this.hairs = byId("hairs")
    this.aim = byId("aim-words")
    this.count = byId("wrong").firstElementChild
    this.content = /** @type {any} */ (null)
    this.place = /** @type {number[] | null} */ (null) // that is pointed at
    this.order = { machine: /** @type {any} */ (null), lines: /** @type {number[]} */ ([]) } // of each sample's class
    this.path = ""
    this.span = { middle: 0, reach: 1 } // of the values of a curve
    this.small = make("canvas", { width: CELLS, height: CELLS })
    this.tones = /** @type {number[][]} */ ([])
    this.inks = new Uint32Array(256)
    this.ink = ""
    this.readTones()
    this.discrete = byId("discrete")
    this.showsTests = byId("show-tests")
    for (const box of [this.discrete, this.showsTests]) box.addEventListener("change", () => this.update())
    canvas.addEventListener("pointerdown", event => this.press(event))
    canvas.addEventListener("pointermove", event => event.pointerType === "touch" || this.point(this.placeOf(event)))
    canvas.addEventListener("pointerleave", () => this.point(null))
    canvas.addEventListener("blur", () => this.point(null))
    addEventListener("keydown", event => this.key(event), true)
    byId("undo-point").addEventListener("click", () => byId("undo").click())
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.readTones()
      model.changed()
    })
  }

  /** @private */
  readTones() {
    const style = getComputedStyle(this.canvas)
    this.ink = style.color
    this.path = style.getPropertyValue("--gradients")
    this.tones = tonesOf(this.canvas)
    this.inks = scaleOf(this.tones, PALE)
  }

  /** The line that is shown: the network's output. @private */
  get line() {
    const { content } = this.model
    return content.plane?.share ?? content.outputs[0]
  }

  update() {
    const { canvas, grid, line } = this
    const context = canvas.getContext("2d")
    if (!context || !grid.lines.has(line)) return
    context.clearRect(0, 0, canvas.width, canvas.height)
    const values = grid.values(line)
    const isShare = line === this.model.content.plane?.share
    const middle = isShare ? 0.5 : grid.middle(line)
    if (grid.dimensions === 2) this.paint(context, values, { middle, reach: isShare ? Math.min(0.5, reachOf(values, middle) / LEAST) : reachOf(values, middle) })
    else this.graph(context, values)
    const { samples, tests, sample: chosen } = this.model
    this.showsTests.parentElement.hidden = !tests.length
    if (this.showsTests.checked) for (const test of tests) this.mark(context, test, false, true)
    const wrong = this.findWrong()
    samples.forEach((sample, k) => this.mark(context, sample, false, false, wrong.has(k)))
    if (samples.length > 1) this.mark(context, samples[chosen], true)
  }

  /** Say what is wanted, and how many points are still wrong. */
  say() {
    const { content, samples } = this.model
    const isTold = Boolean(content.plane)
    if (content !== this.content) {
      this.content = content
      const colours = { one: make("b", { class: "high" }, mark("orange")), other: make("b", { class: "low" }, mark("blue")) }
      this.aim.replaceChildren(...(isTold ? pieces(mark("The network learns to tell {one} from {other}."), colours)
        : [this.grid.dimensions === 2 ? mark("The network learns the value at each point.") : mark("The network learns the line through the points.")]))
      this.tools.classList.toggle("of-values", !isTold)
    }
    this.count.parentElement.classList.toggle("closed", !isTold)
    if (isTold) this.count.replaceChildren(...pieces(mark("{wrong} of {count} still wrong"), { wrong: make("b", {}, String(this.findWrong().size)), count: String(samples.length) }))
    this.sayPointed()
  }

  /** The samples that are on the wrong side.
   * @returns {Set<number>} @private
   */
  findWrong() {
    const { content: { plane }, samples, training: { machine } } = this.model
    if (!plane) return new Set()
    if (this.order.machine !== machine) this.order = { machine, lines: machine.order([plane.share]) }
    machine.run(this.order.lines)
    return new Set([...samples.keys()].filter(k => (machine.at(plane.share, k) >= 0.5) !== this.isSecond(samples[k])))
  }

  /** Whether a sample belongs to the second class, which is orange.
   * @param {import("./model.js").Sample} sample @private
   */
  isSecond([, targets]) {
    return this.shareOf(targets) >= 0.5
  }

  /** How far targets are on the way from the first class to the second.
   * @param {number[]} targets @private
   */
  shareOf(targets) {
    const [[zero], [one]] = this.model.content.plane.classes
    return targets.length > 1 ? (1 + targets[1] - targets[0]) / 2 : (targets[0] - zero) / (one - zero)
  }

  /** @param {CanvasRenderingContext2D} context @param {Float64Array} values @param {{middle: number, reach: number}} ends @private */
  paint(context, values, ends) {
    const pixels = this.small.getContext("2d")
    this.image ??= pixels.createImageData(CELLS, CELLS)
    const { image } = this
    if (!image) return
    const steps = this.discrete.checked ? values.map(it => ends.middle + Math.sign(it - ends.middle) * ends.reach) : values
    tint(steps, this.inks, new Uint32Array(image.data.buffer), ends)
    pixels.putImageData(image, 0, 0)
    context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height)
  }

  /** @param {CanvasRenderingContext2D} context @param {Float64Array} values @private */
  graph(context, values) {
    const wanted = this.model.samples.map(([, targets]) => targets[0])
    const all = [...values, ...wanted].filter(Number.isFinite)
    const [low, high] = [Math.min(0, ...all), Math.max(...all)]
    this.span = { middle: (low + high) / 2, reach: (high - low) / 2 || 1 }
    const { width } = this.canvas
    context.strokeStyle = css(this.tones[2])
    context.lineWidth = 4
    context.beginPath()
    values.forEach((value, k) => context.lineTo(((k + 0.5) / CELLS) * width, this.height(value)))
    context.stroke()
    context.fillStyle = css(this.tones[2])
    context.globalAlpha = 0.4
    context.fillRect(0, this.height(0), width, 1)
    context.fillRect(this.grid.share(0) * width, 0, 1, this.canvas.height)
    context.globalAlpha = 1
  }

  /** Of the canvas, for one of the screen's. @private */
  get pixel() {
    const { width, clientWidth } = this.canvas
    return (width / (clientWidth || width / 2)) * (clientWidth < 250 ? SMALL : 1)
  }

  /** The height of a value on a curve.
   * @param {number} value @private
   */
  height(value) {
    const half = this.canvas.height / 2
    return half - ((value - this.span.middle) / this.span.reach) * (half - MARGIN)
  }

  /** @param {CanvasRenderingContext2D} context @param {import("./model.js").Sample} sample
   * @param {boolean} isChosen @param {boolean} [isTest] @param {boolean} [isWrong] @private
   */
  mark(context, sample, isChosen, isTest = false, isWrong = false) {
    const { tones } = this
    const [x, y] = this.spotOf(this.homeOf(sample))
    const pixel = this.pixel
    const circle = (/** @type {number} */ radius, /** @type {string} */ stroke, /** @type {number} */ wide) => {
      context.beginPath()
      context.arc(x, y, radius * pixel, 0, 7)
      Object.assign(context, { strokeStyle: stroke, lineWidth: wide * pixel })
      context.stroke()
    }
    if (isChosen) {
      circle(RING, css(tones[1]), 5)
      circle(RING, this.path, 2.4)
    }
    if (isWrong) circle(WRONG, this.ink, 2)
    circle(isChosen ? POINT + 0.6 : POINT, isTest ? this.ink : css(tones[1]), 1.4)
    context.fillStyle = this.colour(sample[1])
    context.fill()
  }

  /** The colour of a sample: that of its class, or between both in proportion to its target.
   * @param {number[]} targets @private
   */
  colour(targets) {
    const { tones, grid } = this
    const classes = this.model.content.plane?.classes
    if (grid.dimensions < 2 || !classes) return css(tones[0])
    const share = this.shareOf(targets)
    const [from, to] = share < 0.5 ? [tones[1], tones[0]] : [tones[1], tones[2]]
    const part = Math.min(1, 0.15 + 1.7 * Math.abs(share - 0.5))
    return css(from.map((it, k) => Math.round(it + part * (to[k] - it))))
  }

  // What a pointer or a key does there ----------------------------------------

  /** A place of the plane, from a pointer's.
   * @param {PointerEvent} event @private
   */
  placeOf(event) {
    const box = this.canvas.getBoundingClientRect()
    const [right, up] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height]
    const { grid, span } = this
    const half = this.canvas.height / 2
    const [x, y] = [right, up].map(part => tidy(grid.low + part * (grid.high - grid.low)))
    return grid.dimensions === 2 ? [x, y] : [x, tidy(span.middle + (((2 * up - 1) * half) / (half - MARGIN)) * span.reach)]
  }

  /** Where a place is on the canvas.
   * @param {number[]} place @private
   */
  spotOf([x, y]) {
    const { grid, canvas } = this
    return [grid.share(x) * canvas.width, grid.dimensions === 2 ? canvas.height * (1 - grid.share(y)) : this.height(y)]
  }

  /** The place of a sample: of one input, its target is the height.
   * @param {import("./model.js").Sample} sample @private
   */
  homeOf([inputs, targets]) {
    return [inputs[0], this.grid.dimensions === 2 ? inputs[1] : targets[0]]
  }

  /** The sample near a place, or −1.
   * @param {number[]} place @private
   */
  near(place) {
    const [across, along] = this.spotOf(place)
    return this.model.samples.findIndex(sample => {
      const [x, y] = this.spotOf(this.homeOf(sample))
      return Math.hypot(x - across, y - along) < NEAR * this.pixel
    })
  }

  /** @param {number[]} place @param {number[]} targets @returns {import("./model.js").Sample} @private */
  sampleAt([x, y], targets) {
    return this.grid.dimensions === 2 ? [made(this.grid.features, [x, y]), targets] : [[x], targets.map(() => y)]
  }

  /** @private */
  get tool() {
    return /** @type {any} */ (this.tools.querySelector(":checked")).value
  }

  /** Choose, drag, add or erase a point, by the tool that is chosen.
   * @param {PointerEvent} event @private
   */
  press(event) {
    if (event.button) return
    const { model, tool } = this
    const place = this.placeOf(event)
    const near = this.near(place)
    if (tool === "erase") return this.erase(near)
    if (tool !== "move" || event.altKey) return this.add(place, Number(tool === "move" ? 1 : tool))
    if (near < 0 || model.samples.length < 2) return
    Object.assign(model, { sample: near, isSampleChosen: true })
    model.changed()
    const isMovable = this.grid.dimensions < 2 || Boolean(model.content.plane)
    const [x, y] = [event.clientX, event.clientY]
    let isMoved = false
    const move = (/** @type {Event} */ it) => {
      const moved = /** @type {PointerEvent} */ (it)
      isMoved ||= Math.hypot(moved.clientX - x, moved.clientY - y) > PULL
      if (isMoved && isMovable) model.move(near, this.sampleAt(this.inside(this.placeOf(moved)), model.samples[near][1]))
    }
    this.canvas.setPointerCapture(event.pointerId)
    this.canvas.addEventListener("pointermove", move)
    const end = () => this.canvas.removeEventListener("pointermove", move)
    for (const kind of ["pointerup", "pointercancel"]) this.canvas.addEventListener(kind, end, { once: true })
  }

  /** A place that is on the plane.
   * @param {number[]} place @private
   */
  inside([x, y]) {
    const { grid: { low, high, dimensions } } = this
    const within = (/** @type {number} */ value) => Math.max(low, Math.min(high, value))
    return [within(x), dimensions === 2 ? within(y) : y]
  }

  /** @param {number[]} place @param {number} which class @private */
  add(place, which) {
    const { content, samples } = this.model
    if (samples.length >= content.most || (this.grid.dimensions === 2 && !content.plane)) return
    this.model.extend(this.sampleAt(place, content.plane ? [...content.plane.classes[which]] : content.targets))
  }

  /** @param {number} sample @private */
  erase(sample) {
    const { model } = this
    if (sample >= 0 && model.samples.length > 1) model.goOn(model.samples.filter((_, k) => k !== sample))
  }

  /** A tool, the erasing of the chosen point, or a step of the hairs.
   * @param {KeyboardEvent} event @private
   */
  key(event) {
    const target = /** @type {Element} */ (event.target)
    if (target.closest("input:not([type=radio], [type=range]), select, textarea") || event.ctrlKey || event.metaKey || event.altKey || !this.tools.checkVisibility()) return
    const id = KEYS[event.key.toLowerCase()]
    if (id) byId(id).click()
    if (target !== this.canvas) return
    if (event.key === "Delete") this.erase(this.model.sample)
    const [right, up] = ARROWS[event.key] ?? [0, 0]
    if (!right && !up) return
    event.preventDefault()
    event.stopPropagation()
    const [x, y] = this.place ?? this.homeOf(this.model.samples[this.model.sample])
    this.point(this.inside([tidy(x + right * STEP), tidy(y + up * STEP)]))
  }

  /** Show the hairs at a place, or nowhere.
   * @param {number[] | null} place
   */
  point(place) {
    this.place = place
    if (place && this.grid.lines.has(this.line)) {
      this.grid.pointAt(place)
      this.sayPointed()
    } else this.hairs.hidden = true
  }

  /** What is at the place pointed at: its coordinates, the output, and of a point its target. @private */
  sayPointed() {
    const { place, canvas, grid, model } = this
    if (!place || !grid.lines.has(this.line)) return
    const { content: { plane, outputs }, samples } = model
    const near = this.near(place)
    const [x, y] = near < 0 ? place : this.homeOf(samples[near])
    const value = near < 0 ? grid.pointed(outputs[0]) : model.training.machine.at(outputs[0], near)
    const share = plane && (near < 0 ? grid.pointed(plane.share) : model.training.machine.at(plane.share, near))
    const two = (/** @type {number} */ it) => numeral(it.toFixed(2).replace(/^-(?=[0.]+$)/, "").replace("-", "−"))
    const [across, along, words] = this.hairs.children
    const [first, second, third] = words.children
    say(first, grid.dimensions === 2 ? `x ${two(x)}  y ${two(y)}` : `x ${two(x)}`)
    second.replaceChildren(tr("output {value}", { value: two(value) }), ...(plane ? [" ", make("span", { class: share >= 0.5 ? "high" : "low" }, share >= 0.5 ? mark("orange") : mark("blue"))] : []))
    say(third, near < 0 ? "" : tr("target {target}, wrong by {error}", { target: typed(samples[near][1][0]), error: two(Math.abs(value - samples[near][1][0])) }))
    const scale = canvas.clientWidth / canvas.width
    const [left, top] = this.spotOf([x, y]).map(it => it * scale)
    across.style.top = `${top}px`
    along.style.left = `${left}px`
    this.hairs.hidden = false
    const [ringed] = [samples[model.sample]].map(it => this.spotOf(this.homeOf(it)).map(at => at * scale))
    const room = { width: canvas.clientWidth - words.offsetWidth - 4, height: canvas.clientHeight - words.offsetHeight - 4 }
    const places = [[left + 12, top + 14], [left - 12 - words.offsetWidth, top + 14], [left + 12, top - 14 - words.offsetHeight], [left - 12 - words.offsetWidth, top - 14 - words.offsetHeight]]
      .map(([a, b]) => [Math.max(4, Math.min(room.width, a)), Math.max(4, Math.min(room.height, b))])
    const covers = (/** @type {number[]} */ [a, b], /** @type {number[]} */ [c, d]) => c > a - RING && c < a + words.offsetWidth + RING && d > b - RING && d < b + words.offsetHeight + RING
    const [a, b] = places.find(it => !covers(it, ringed) && !covers(it, [left, top])) ?? places[0]
    Object.assign(words.style, { left: `${a}px`, top: `${b}px` })
  }
}

/** @param {number} value */
const tidy = value => Math.round(value * 1000) / 1000
