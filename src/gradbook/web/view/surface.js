// The network's output at every point of the plane as it trains, or that of a unit pointed at, with
// the samples on it; for one input, a curve with the samples.

import { made } from "../build/points.js"
import { byId, make, nameWords, say, short } from "./dom.js"
import { CELLS, css, reachOf, scaleOf, tint, tonesOf } from "./grid.js"
import { mark, tr } from "./language.js"

const POINT = 7
const FEW = 20 // among fewer samples the current one is marked
const PALE = 0.6 // so that points are visible on it
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
    this.caption = make("p", { class: "remark", id: "plane-said" })
    this.span = { middle: 0, reach: 1 } // of the values of a curve
    this.small = make("canvas", { width: CELLS, height: CELLS })
    this.tones = tonesOf(canvas)
    this.inks = scaleOf(this.tones, PALE)
    canvas.after(this.caption)
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

  /** The line that is shown: a unit that is pointed at or chosen, or the network's output. @private */
  get line() {
    const { content, shown } = this.model
    return this.grid.lines.has(shown) ? shown : content.plane?.share ?? content.outputs[0]
  }

  update() {
    const { canvas, grid, line } = this
    const context = canvas.getContext("2d")
    if (!context || !grid.lines.has(line)) return
    context.clearRect(0, 0, canvas.width, canvas.height)
    this.ink = getComputedStyle(canvas).color
    const values = grid.values(line)
    const isShare = line === this.model.content.plane?.share
    const middle = isShare ? 0.5 : grid.middle(line)
    if (grid.dimensions === 2) this.paint(context, values, { middle, reach: isShare ? 0.5 : reachOf(values, middle) })
    else this.graph(context, values)
    const { samples, tests, sample: chosen, isMean } = this.model
    this.showsTests.parentElement.hidden = !tests.length
    if (this.showsTests.checked) for (const test of tests) this.mark(context, test, false, true)
    samples.forEach((sample, k) => this.mark(context, sample, k === chosen && !isMean && samples.length < FEW))
    this.say(line, isShare, values)
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
    context.beginPath()
    context.arc(x, y, isChosen ? POINT + 3 : POINT, 0, 7)
    context.fillStyle = this.colour(targets)
    context.strokeStyle = isTest ? this.ink : css(tones[1])
    context.lineWidth = isChosen ? 5 : isTest ? 2.5 : 3
    context.fill()
    context.stroke()
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

  /** Say what is painted, and in which range.
   * @param {number} line @param {boolean} isShare @param {Float64Array} values @private
   */
  say(line, isShare, values) {
    if (isShare) return say(this.caption, mark("the output over the plane"))
    const ends = tr("from {least} to {most}", { least: short(Math.min(...values)), most: short(Math.max(...values)) })
    this.caption.replaceChildren(nameWords(this.model.content.names[line]), `: ${ends}`)
  }

  /** Add a sample where the plane was clicked; with one input, its height is the target.
   * @param {MouseEvent} event @private
   */
  add(event) {
    const { grid } = this
    const { content, samples } = this.model
    const box = this.canvas.getBoundingClientRect()
    const [right, up] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height]
    const tidy = (/** @type {number} */ value) => Math.round(value * 1000) / 1000
    const [x, y] = [right, up].map(part => tidy(grid.low + part * (grid.high - grid.low)))
    if (samples.length >= content.most || (grid.dimensions === 2 && !content.plane)) return
    const half = this.canvas.height / 2
    const height = tidy(this.span.middle + ((2 * up - 1) * half / (half - MARGIN)) * this.span.reach)
    this.model.extend(grid.dimensions === 2 ? [made(grid.features, [x, y]), [...content.plane.classes[this.chosenClass()]]]
      : [[x], content.targets.map(() => height)])
  }
}
