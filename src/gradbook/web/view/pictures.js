// A picture in each unit: its values over the plane in colours, over a line as a curve, or over the
// samples as dots. One canvas behind the drawing contains all of them.

import { make } from "./dom.js"
import { CELLS, css, reachOf, scaleOf, tint, tonesOf } from "./grid.js"
import { mark } from "./language.js"

const STRENGTH = 0.9 // of the colours at both ends
const [DOT, INSET] = [1.6, 5]

/** @typedef {{line: number, box: import("./field.js").Box, path: Path2D, middle: number, isOnGrid: boolean}} Picture */

export class Pictures {
  /** @param {import("./model.js").Model} model @param {import("./grid.js").Grid} grid */
  constructor(model, grid) {
    this.model = model
    this.grid = grid
    this.canvas = make("canvas", { class: "pictures", "aria-hidden": "true" })
    this.small = make("canvas", { width: CELLS, height: CELLS })
    this.image = /** @type {ImageData | null} */ (null)
    this.lines = new Set(/** @type {number[]} */ ([]))
    this.pictures = /** @type {Picture[]} */ ([])
    this.scale = 1
    this.tones = /** @type {number[][]} */ ([])
    this.inks = new Uint32Array(256)
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.tones = []
      model.changed()
    })
  }

  /** Which values have a picture. */
  renew() {
    const { content, samples } = this.model
    const each = new Set(samples.length > 1 ? content.each : [])
    const all = content.columns.flatMap((/** @type {import("./field.js").Column} */ it) => it.units.map(unit => unit?.values[unit.values.length - 1] ?? -1))
    this.lines = new Set(all.filter((/** @type {number} */ line) => line >= 0 && content.names[line].kind !== "errors" && (this.grid.lines.has(line) || each.has(line))))
  }

  /** What the pictures show, as a phrase. */
  get words() {
    const over = [mark("each unit shows its output for each sample"), mark("each unit shows its output along the input"), mark("each unit shows its output over the plane")]
    return this.pictures.length ? over[this.grid.lines.size ? this.grid.dimensions : 0] : ""
  }

  /** Put pictures into boxes of a drawing.
   * @param {{line: number, box: import("./field.js").Box}[]} places @param {number} width @param {number} height of the drawing
   */
  place(places, width, height) {
    this.scale = devicePixelRatio || 1
    this.canvas.width = Math.ceil(width * this.scale)
    this.canvas.height = Math.ceil(height * this.scale)
    this.canvas.style.width = `${width}px`
    this.pictures = places.flatMap(({ line, box }) => {
      if (!this.lines.has(line)) return []
      const path = /** @type {any} */ (new Path2D())
      path.roundRect(box.left, box.top, box.width, box.height, box.width > 50 ? 9 : 8)
      return [{ line, box, path, middle: this.grid.middle(line), isOnGrid: this.grid.lines.has(line) }]
    })
    this.paint()
  }

  /** One picture by itself, with the samples on it.
   * @param {HTMLCanvasElement} canvas @param {number} line @param {number} dot the radius of a sample
   */
  paintLarge(canvas, line, dot) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"))
    const { width, height } = canvas
    const picture = { line, box: { left: 0, top: 0, width, height }, path: new Path2D(), middle: this.grid.middle(line), isOnGrid: this.grid.lines.has(line) }
    context.clearRect(0, 0, width, height)
    if (!picture.isOnGrid || this.grid.dimensions < 2) return this.graph(context, picture)
    this.heat(context, picture)
    const outputs = this.model.content.plane?.classes
    for (const [[x, y], targets] of this.model.samples) {
      context.beginPath()
      context.arc(this.grid.share(x) * width, (1 - this.grid.share(y)) * height, dot, 0, 7)
      context.fillStyle = css(this.tones[outputs && String(targets) === String(outputs[0]) ? 0 : 2])
      context.strokeStyle = css(this.tones[1])
      context.lineWidth = 1.4
      context.fill()
      context.stroke()
    }
  }

  paint() {
    const context = this.canvas.getContext("2d")
    if (!context || !this.pictures.length) return
    if (!this.tones.length) {
      this.tones = tonesOf(this.canvas.isConnected ? this.canvas : document.body)
      this.inks = scaleOf(this.tones, STRENGTH)
    }
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, this.canvas.width, this.canvas.height)
    context.setTransform(this.scale, 0, 0, this.scale, 0, 0)
    for (const picture of this.pictures) {
      context.save()
      context.clip(picture.path)
      if (picture.isOnGrid && this.grid.dimensions === 2) this.heat(context, picture)
      else this.graph(context, picture)
      context.restore()
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {Picture} picture @private */
  heat(context, { line, box, middle }) {
    const pixels = this.small.getContext("2d")
    const values = this.grid.values(line)
    this.image ??= pixels.createImageData(CELLS, CELLS)
    const { image } = this
    if (!image) return
    tint(values, this.inks, new Uint32Array(image.data.buffer), { middle, reach: reachOf(values, middle) })
    pixels.putImageData(image, 0, 0)
    context.drawImage(this.small, box.left, box.top, box.width, box.height)
  }

  /** @param {CanvasRenderingContext2D} context @param {Picture} picture @private */
  graph(context, { line, box: { left, top, width, height }, middle, isOnGrid }) {
    const { machine } = this.model.training
    const values = isOnGrid ? this.grid.values(line) : machine.values.subarray(machine.places[line], machine.places[line] + machine.samples)
    const reach = reachOf(values, middle)
    const x = (/** @type {number} */ k) => left + INSET + ((k + 0.5) / values.length) * (width - 2 * INSET)
    const y = (/** @type {number} */ value) => top + height / 2 - ((value - middle) / reach) * (height / 2 - INSET)
    context.fillStyle = css(this.tones[1])
    context.fillRect(left, top, width, height)
    context.strokeStyle = context.fillStyle = css(this.tones[2])
    context.beginPath()
    if (isOnGrid) values.forEach((value, k) => context.lineTo(x(k), y(value)))
    else values.forEach((value, k) => context.rect(x(k) - DOT / 2, y(value) - DOT / 2, DOT, DOT))
    context.lineWidth = 1.8
    if (isOnGrid) context.stroke()
    else context.fill()
    context.globalAlpha = 0.3
    context.fillRect(left, y(middle) - 0.4, width, 0.8)
  }
}
