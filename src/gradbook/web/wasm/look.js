// One image in the network: every layer's values, and each value's own sum.

import { probabilities, targets } from "./viewer.js"
import { flatNumber, placeOf, sizeOf, weightedSum } from "./window.js"

/** @typedef {import("./window.js").Shown} Shown */
/** @typedef {import("./window.js").Place} Place */
/** @typedef {Record<string, Float32Array>} Weights */

const IMAGE = -1

/** @param {number} number @param {Float32Array} values @returns {[number, Float32Array]} */
const entry = (number, values) => [number, values]

/** How the error is computed, from the page's table.
 * @typedef {object} ErrorTable
 * @property {string} words which loss it is
 * @property {number} place its index in the module's output
 * @property {number} image where the image's gradients begin
 * @property {number} last the number of the value that it is computed from
 * @property {number} smoothing
 * @property {boolean} isEntropy
 * @property {number} over how many errors it is the mean of
 */

/** @typedef {{layers: Shown[], image: [number, number, number], ending: string, error: ErrorTable, view: {scale: number[], shift: number[], outputs: number}}} Content */

export class Look {
  /** @param {Content} content @param {Uint8Array} image @param {Float32Array} given the module's output for it @param {number} target the class whose error it is */
  constructor(content, image, given, target) {
    this.content = content
    this.image = image
    this.target = target
    const some = (/** @type {number} */ first, /** @type {number} */ number) => given.subarray(first, first + this.size(number))
    const numbers = content.layers.map((_, number) => number)
    /** @type {Map<number, Float32Array>} */
    this.values = new Map([[IMAGE, this.given()], ...numbers.map(number => entry(number, some(content.layers[number]?.first ?? 0, number)))])
    /** @type {Map<number, Float32Array>} */
    this.gradients = new Map([[IMAGE, some(content.error.image, IMAGE)], ...numbers.flatMap(number => {
      const first = content.layers[number]?.gradient ?? null
      return first === null ? [] : [entry(number, some(first, number))]
    })])
    this.error = given[content.error.place] ?? NaN
    this.outputs = given.subarray(given.length - content.view.outputs)
    this.sure = probabilities(this.outputs, content.ending)
  }

  /** The target of each output, with label smoothing. */
  get wanted() {
    const { error, view } = this.content
    return targets(this.target, view.outputs).map(target => (1 - error.smoothing) * target + error.smoothing / view.outputs)
  }

  /** Each output, as a share if it is the logarithm of one. */
  get said() {
    return Array.from(this.outputs, output => (this.content.ending === "log softmax" ? Math.exp(output) : output))
  }

  /** @param {number} number */
  size(number) {
    return sizeOf(this.shape(number))
  }

  /** The image as the network's input. */
  given() {
    return Float32Array.from(this.image, (byte, k) => byte * this.scaling(k).scale + this.scaling(k).shift)
  }

  /** How a byte of the image is scaled.
   * @param {number} number
   */
  scaling(number) {
    const { scale, shift } = this.content.view
    const channel = Math.floor(number / (this.image.length / scale.length))
    return { scale: scale[channel] ?? 0, shift: shift[channel] ?? 0 }
  }

  /** A byte of the image, and how it is scaled.
   * @param {Place} place
   */
  pixel(place) {
    const number = flatNumber(place, this.shape(IMAGE))
    return { byte: this.image[number] ?? 0, ...this.scaling(number) }
  }

  /** @param {number} number @returns {[number, number, number]} */
  shape(number) {
    return this.content.layers[number]?.shape ?? this.content.image
  }

  /** A single value; 0 outside of the map.
   * @param {number} number @param {Place} place
   */
  at(number, place) {
    return this.one(this.values, number, place)
  }

  /** The derivative of the error by that value.
   * @param {number} number @param {Place} place
   */
  gradientAt(number, place) {
    return this.one(this.gradients, number, place)
  }

  /** @param {Map<number, Float32Array>} kind @param {number} number @param {Place} place */
  one(kind, number, { channel, row, column }) {
    const [channels, rows, columns] = this.shape(number)
    if (channel < 0 || row < 0 || column < 0 || channel >= channels || row >= rows || column >= columns) return 0
    return kind.get(number)?.[flatNumber({ channel, row, column }, [channels, rows, columns])] ?? 0
  }

  /** @param {number} number @param {{row: number, column: number}} place */
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

  /** What batch normalisation uses for a channel: mean, deviation, scale and shift.
   * @param {number} number @param {number} channel @param {Weights} weights
   */
  statistics(number, channel, weights) {
    const layer = /** @type {Shown} */ (this.content.layers[number])
    const [mean = 0, variance = 0, scale = 0, shift = 0] = layer.statistics.map(name => weights[name]?.[channel] ?? 0)
    return { mean, deviation: Math.sqrt(variance + layer.epsilon), scale, shift }
  }

  /** A group of a layer's values, normalised by their mean and deviation.
   * @param {number} number @param {number[]} group the values' own numbers @param {number} epsilon
   */
  group(number, group, epsilon) {
    const own = group.map(k => this.values.get(number)?.[k] ?? 0)
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length
    const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length
    const deviation = Math.sqrt(variance + epsilon)
    return { normal: own.map(value => (value - mean) / deviation), deviation }
  }

  /** The place of a layer's largest value.
   * @param {number} number @returns {Place}
   */
  largest(number) {
    const values = this.values.get(number) ?? new Float32Array(1)
    const found = values.indexOf(values.reduce((most, value) => Math.max(most, value), -Infinity))
    return placeOf(found, this.shape(number))
  }
}
