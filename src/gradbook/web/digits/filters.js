// The filters of each convolution, to look at: one picture for each map that it makes.

import { make } from "../view/dom.js"
import { tint } from "./paint.js"

/** @typedef {import("./maps.js").Layer} Layer */

const GAP = 1 // between the kernels of a filter that reads several channels

export class Filters {
  /** @param {Layer} layer */
  constructor(layer) {
    this.layer = layer
    this.canvases = Array.from({ length: layer.shape[0] }, (_, k) => make("canvas", { role: "img", "aria-label": `filter ${k + 1}` }))
    this.element = make("details", { class: "filters" }, make("summary", {}, "filters"), make("div", { class: "maps" }, ...this.canvases))
  }

  /** Whether there is anything to see: a kernel of more than one place.
   * @param {Layer} layer
   */
  static has(layer) {
    return layer.kind === "conv" && layer.window !== null && layer.window.size[0] * layer.window.size[1] > 1
  }

  /** @param {Float32Array} weights [map][channel][row][column] */
  update(weights) {
    const [rows, columns] = this.layer.window?.size ?? [1, 1]
    const size = weights.length / this.canvases.length
    const most = weights.reduce((found, weight) => Math.max(found, Math.abs(weight)), 0)
    this.canvases.forEach((canvas, k) => {
      const plane = laidOut(weights.subarray(k * size, (k + 1) * size), rows, columns)
      tint(canvas, plane.values, plane.rows, plane.columns, most)
      canvas.style.aspectRatio = `${plane.columns} / ${plane.rows}`
    })
  }
}

/** Kernels side by side, in about as many rows as columns.
 * @param {Float32Array} weights @param {number} rows @param {number} columns
 */
function laidOut(weights, rows, columns) {
  const count = weights.length / (rows * columns)
  const across = Math.ceil(Math.sqrt(count))
  const wide = across * (columns + GAP) - GAP
  const high = Math.ceil(count / across) * (rows + GAP) - GAP
  const values = new Float32Array(wide * high)
  weights.forEach((weight, k) => {
    const [kernel, place] = [Math.floor(k / (rows * columns)), k % (rows * columns)]
    const row = Math.floor(kernel / across) * (rows + GAP) + Math.floor(place / columns)
    values[row * wide + (kernel % across) * (columns + GAP) + (place % columns)] = weight
  })
  return { values, rows: high, columns: wide }
}
