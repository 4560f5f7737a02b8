// A picture in each unit: its values over the plane in colours, over a line as a curve, or over the
// samples as dots. One canvas behind the drawing contains all of them.

import { make } from "./dom.js"
import { CELLS, css, reachOf, scaleOf, tint, tonesOf } from "./grid.js"
import { pill } from "./layout.js"
import { mark } from "./language.js"

const [DOT, INSET] = [1.6, 5]
const MOST_NUMBERED = 8 // units

/** @typedef {{line: number, box: import("./layout.js").Box, path: Path2D, middle: number, isOnGrid: boolean}} Picture */

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
    const all = content.columns.flatMap((/** @type {import("./layout.js").Column} */ it) => it.units.map(unit => unit?.values[unit.values.length - 1] ?? -1))
    this.lines = new Set(all.filter((/** @type {number} */ line) => line >= 0 && content.names[line].kind !== "errors" && (this.grid.lines.has(line) || each.has(line))))
  }

  /** The default look: pictures, if there are many units over a plane. */
  get usualLook() {
    return this.grid.dimensions === 2 && this.lines.size - this.model.content.inputs.length > MOST_NUMBERED ? "pictures" : ""
  }

  /** What the pictures show, as a phrase. */
  get words() {
    const over = [mark("each unit shows its output for each sample"), mark("each unit shows its output along the input"), mark("each unit shows its output over the plane")]
    return this.pictures.length ? over[this.grid.lines.size ? this.grid.dimensions : 0] : ""
  }

  /** @param {import("./layout.js").Layout} layout */
  place({ spots, width, height, shown, isSmall, isUpright }) {
    const sharp = devicePixelRatio || 1
    this.scale = (shown / width) * sharp
    this.canvas.width = Math.ceil(shown * sharp)
    this.canvas.height = Math.ceil(height * this.scale)
    this.canvas.style.width = `${shown}px`
    this.pictures = spots.flatMap(({ unit, picture: box }) => {
      const line = unit.values[unit.values.length - 1]
      const path = box && new Path2D(pill(box, [isSmall, true], isUpright))
      return box && path ? [{ line, box, path, middle: this.grid.middle(line), isOnGrid: this.grid.lines.has(line) }] : []
    })
    this.paint()
  }

  paint() {
    const context = this.canvas.getContext("2d")
    if (!context || !this.pictures.length) return
    if (!this.tones.length) {
      this.tones = tonesOf(this.canvas.isConnected ? this.canvas : document.body)
      this.inks = scaleOf(this.tones)
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
