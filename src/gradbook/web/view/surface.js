// The network's output at every point of the plane as it trains, or that of a unit pointed at, with
// the samples on it; for one input, a curve with the samples.

import { made } from "../build/points.js"
import { byId, make, say } from "./dom.js"
import { CELLS, css, reachOf, scaleOf, tint, tonesOf } from "./grid.js"
import { tr } from "./language.js"

const [POINT, RING, NEAR, SMALL] = [4, 10, 12, 0.8] // pixels: of a sample, around the current one, of a click on one; how much smaller on a phone
const PALE = 0.8 // so that points are visible on it
const LEAST = 0.8 // of its strongest colour that a plane has, also if all its values are alike
const MARGIN = 22 // above and below a curve

export class SurfacePanel {
  /** @param {import("./model.js").Model} model @param {HTMLCanvasElement} canvas @param {() => number} chosenClass
   * @param {import("./grid.js").Grid} grid
   */
  constructor(model, canvas, chosenClass, grid) {
    this.image = /** @type {ImageData | null} */ (null)
    this.model = model
    this.canvas = canvas
    this.grid = grid
    this.chosenClass = chosenClass
    this.ringed = byId("ringed")
    this.path = ""
    this.span = { middle: 0, reach: 1 } // of the values of a curve
    this.small = make("canvas", { width: CELLS, height: CELLS })
    this.tones = tonesOf(canvas)
    this.inks = scaleOf(this.tones, PALE)
    this.ink = ""
    this.discrete = byId("discrete")
    this.showsTests = byId("show-tests")
    for (const box of [this.discrete, this.showsTests]) box.addEventListener("change", () => this.update())
    canvas.addEventListener("click", event => this.add(event))
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.readTones()
      model.changed()
    })
  }

  /** @private */
  readTones() {
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
    const style = getComputedStyle(canvas)
    this.ink = style.color
    this.path = style.getPropertyValue("--gradients")
    const values = grid.values(line)
    const isShare = line === this.model.content.plane?.share
    const middle = isShare ? 0.5 : grid.middle(line)
    if (grid.dimensions === 2) this.paint(context, values, { middle, reach: isShare ? Math.min(0.5, reachOf(values, middle) / LEAST) : reachOf(values, middle) })
    else this.graph(context, values)
    const { samples, tests, sample: chosen } = this.model
    this.showsTests.parentElement.hidden = !tests.length
    if (this.showsTests.checked) for (const test of tests) this.mark(context, test, false, true)
    for (const sample of samples) this.mark(context, sample, false)
    if (samples.length > 1) this.mark(context, samples[chosen], true)
  }

  /** Say which sample is ringed. */
  say() {
    const { samples, sample } = this.model
    say(this.ringed, samples.length > 1 ? tr("sample {sample}, below", { sample: sample + 1 }) : "")
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
   * @param {boolean} isChosen @param {boolean} [isTest] @private
   */
  mark(context, [inputs, targets], isChosen, isTest = false) {
    const { tones, canvas, grid } = this
    const x = grid.share(inputs[0]) * canvas.width
    const y = grid.dimensions === 2 ? canvas.height * (1 - grid.share(inputs[1])) : this.height(targets[0])
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
    circle(isChosen ? POINT + 0.6 : POINT, isTest ? this.ink : css(tones[1]), 1.4)
    context.fillStyle = this.colour(targets)
    context.fill()
  }

  /** The colour of a sample: that of its class, or between both in proportion to its target.
   * @param {number[]} targets @private
   */
  colour(targets) {
    const { tones, grid } = this
    const classes = this.model.content.plane?.classes
    if (grid.dimensions < 2 || !classes) return css(tones[0])
    const [[zero], [one]] = classes
    const share = targets.length > 1 ? (1 + targets[1] - targets[0]) / 2 : (targets[0] - zero) / (one - zero)
    const [from, to] = share < 0.5 ? [tones[1], tones[0]] : [tones[1], tones[2]]
    const part = Math.min(1, 0.15 + 1.7 * Math.abs(share - 0.5))
    return css(from.map((it, k) => Math.round(it + part * (to[k] - it))))
  }

  /** Choose the sample that was clicked, or add one there; with one input, its height is the target.
   * @param {MouseEvent} event @private
   */
  add(event) {
    const { grid } = this
    const { content, samples } = this.model
    const box = this.canvas.getBoundingClientRect()
    const [right, up] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height]
    const [across, along] = [right * this.canvas.width, (1 - up) * this.canvas.height]
    const near = samples.findIndex(([inputs, targets]) => Math.hypot(grid.share(inputs[0]) * this.canvas.width - across,
      (grid.dimensions === 2 ? this.canvas.height * (1 - grid.share(inputs[1])) : this.height(targets[0])) - along) < NEAR * this.pixel)
    if (near >= 0 && samples.length > 1) {
      Object.assign(this.model, { sample: near, isSampleChosen: true })
      return this.model.changed()
    }
    const tidy = (/** @type {number} */ value) => Math.round(value * 1000) / 1000
    const [x, y] = [right, up].map(part => tidy(grid.low + part * (grid.high - grid.low)))
    if (samples.length >= content.most || (grid.dimensions === 2 && !content.plane)) return
    const half = this.canvas.height / 2
    const height = tidy(this.span.middle + ((2 * up - 1) * half / (half - MARGIN)) * this.span.reach)
    this.model.extend(grid.dimensions === 2 ? [made(grid.features, [x, y]), [...content.plane.classes[this.chosenClass()]]]
      : [[x], content.targets.map(() => height)])
  }
}
