// What was looked at: every layer's values of one image, and each value's own sum.

import { probabilities } from "./answers.js"
import { weightedSum } from "./window.js"

/** @typedef {import("./window.js").Shown} Shown */
/** @typedef {import("./window.js").Place} Place */
/** @typedef {Record<string, Float32Array>} Weights */

const IMAGE = -1

export class Look {
  /** @param {{layers: Shown[], image: [number, number, number], ending: string, view: {scale: number[], shift: number[], outputs: number}}} content @param {Uint8Array} image @param {Float32Array} values */
  constructor(content, image, values) {
    this.content = content
    this.image = image
    /** @type {Map<number, Float32Array>} */
    this.values = new Map([[IMAGE, this.given()]])
    content.layers.forEach((layer, number) => {
      const [channels, rows, columns] = layer.shape
      this.values.set(number, values.subarray(layer.first, layer.first + channels * rows * columns))
    })
    this.sure = probabilities(values.subarray(values.length - content.view.outputs), content.ending)
  }

  /** The image as it comes in. */
  given() {
    const { scale, shift } = this.content.view
    const each = this.image.length / scale.length
    return Float32Array.from(this.image, (byte, k) => {
      const channel = Math.floor(k / each)
      return byte * (scale[channel] ?? 0) + (shift[channel] ?? 0)
    })
  }

  /** @param {number} number @returns {[number, number, number]} */
  shape(number) {
    return this.content.layers[number]?.shape ?? this.content.image
  }

  /** One value; outside of its map it is 0.
   * @param {number} number @param {Place} place
   */
  at(number, place) {
    const [channels, rows, columns] = this.shape(number)
    const { channel, row, column } = place
    if (channel < 0 || row < 0 || column < 0 || channel >= channels || row >= rows || column >= columns) return 0
    return this.values.get(number)?.[(channel * rows + row) * columns + column] ?? 0
  }

  /** @param {number} number @param {Place} place */
  inside(number, { row, column }) {
    const [, rows, columns] = this.shape(number)
    return row >= 0 && column >= 0 && row < rows && column < columns
  }

  /** The weighted sum that a convolution or a dense layer makes at a place.
   * @param {number} number @param {Place} place @param {Weights} weights
   */
  sum(number, place, weights) {
    const layer = /** @type {Shown} */ (this.content.layers[number])
    const read = /** @type {number} */ (layer.reads[0])
    const biases = layer.biases ? weights[layer.biases] ?? null : null
    const own = weights[layer.weights] ?? new Float32Array()
    return weightedSum(layer, place, this.shape(read), there => this.at(read, there), own, biases)
  }

  /** What a batch normalisation makes a value of: its channel's mean, deviation, scale and shift.
   * @param {number} number @param {number} channel @param {Weights} weights
   */
  statistics(number, channel, weights) {
    const layer = /** @type {Shown} */ (this.content.layers[number])
    const [mean = 0, variance = 0, scale = 0, shift = 0] = layer.statistics.map(name => weights[name]?.[channel] ?? 0)
    return { mean, deviation: Math.sqrt(variance + layer.epsilon), scale, shift }
  }

  /** The place of a layer's largest value.
   * @param {number} number @returns {Place}
   */
  largest(number) {
    const values = this.values.get(number) ?? new Float32Array(1)
    const found = values.indexOf(values.reduce((most, value) => Math.max(most, value), -Infinity))
    const [, rows, columns] = this.shape(number)
    return { channel: Math.floor(found / (rows * columns)), row: Math.floor(found / columns) % rows, column: found % columns }
  }
}
