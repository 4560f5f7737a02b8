// Every unit's value at each point of a plane, or of a line: the network's own lines, computed with
// the points of a grid as samples.

import { featuresOf, made } from "../build/points.js"
import { Machine } from "../machine/machine.js"

export const CELLS = 40 // along each side of a plane
const [AROUND, ALONE] = [0.12, 1] // the margin around samples, and the range around a single one
const BETWEEN = /sigmoid|^softmax/ // activations with values between 0 and 1

export class Grid {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model
    this.features = /** @type {string[]} */ ([])
    this.machine = new Machine([], [], 0)
    this.order = /** @type {number[]} */ ([])
    this.lines = new Set(/** @type {number[]} */ ([])) // that it knows
    this.shares = new Set(/** @type {number[]} */ ([])) // the values between 0 and 1
    this.of = /** @type {object | null} */ (null)
    this.count = 0
    this.low = -1
    this.high = 1
    this.renew()
  }

  /** Take the tables of the current network. */
  renew() {
    const { content, samples } = this.model
    const isImage = content.columns[0].maps.length > 0
    this.features = isImage ? [] : featuresOf(content.inputs.length, samples)
    this.of = null
    this.shares = new Set(content.columns.flatMap((/** @type {import("./field.js").Column} */ { words, units }) =>
      words.some(word => BETWEEN.test(word)) ? units.map(unit => unit && unit.values[unit.values.length - 1]) : []))
    const all = this.features.length ? everywhere(content) : new Set(/** @type {number[]} */ ([]))
    const units = content.columns.flatMap((/** @type {import("./field.js").Column} */ it) => it.units.flatMap(unit => unit?.values ?? []))
    const wanted = [...units, ...(content.plane ? [content.plane.share] : [])].filter(line => all.has(line))
    this.lines = new Set(wanted)
    this.count = wanted.length ? CELLS ** this.dimensions : 0
    if (!this.count) return
    const sorted = new Machine(content.lines, [], 0).order(wanted)
    this.machine = new Machine(content.lines, [...sorted, ...content.inputs].filter(line => all.has(line)), this.count + 1) // and the place pointed at
    this.order = sorted
    for (const { lines } of content.masks) for (const line of lines) this.machine.fill(line, 1)
  }

  /** 2 for a plane, 1 for a line, 0 if there is nothing to see. */
  get dimensions() {
    return Math.min(2, this.features.length)
  }

  /** Compute it with the current weights. */
  update() {
    if (!this.count) return
    if (this.of !== this.model.training) this.lookAround()
    for (const line of this.model.content.weights) this.machine.fill(line, this.model.training.machine.at(line))
    this.machine.run(this.order)
  }

  /** Set the visible range: all samples, and a margin. @private */
  lookAround() {
    const { samples, training, content } = this.model
    const found = featuresOf(content.inputs.length, samples)
    if (found.length) this.features = found
    this.of = training
    const places = samples.flatMap(([inputs]) => inputs.slice(0, 2))
    const far = Math.max(samples.length > 1 ? 1e-9 : ALONE, ...places.map(Math.abs))
    const isSigned = samples.length < 2 || Math.min(...places) < 0
    this.low = isSigned ? -far * (1 + AROUND) : -far * AROUND * 2
    this.high = far * (1 + (isSigned ? AROUND : 2 * AROUND))
    for (let k = 0; k < this.count; k++) {
      const point = [this.coordinate(k % CELLS), this.coordinate(CELLS - 1 - Math.floor(k / CELLS))]
      made(this.features, point).forEach((value, j) => this.machine.put(content.inputs[j], k, value))
    }
  }

  /** Look at a place, too.
   * @param {number[]} place its coordinates
   */
  pointAt(place) {
    made(this.features, place).forEach((value, j) => this.machine.put(this.model.content.inputs[j], this.count, value))
    this.machine.run(this.order)
  }

  /** A line's value at the place that was pointed at last.
   * @param {number} line
   */
  pointed(line) {
    return this.machine.at(line, this.count)
  }

  /** The middle of a cell.
   * @param {number} cell
   */
  coordinate(cell) {
    return this.low + ((cell + 0.5) / CELLS) * (this.high - this.low)
  }

  /** The value of a line that is neither blue nor orange.
   * @param {number} line
   */
  middle(line) {
    return this.shares.has(line) ? 0.5 : 0
  }

  /** The position of a value in the range, from 0 to 1.
   * @param {number} value
   */
  share(value) {
    return (value - this.low) / (this.high - this.low)
  }

  /** A line's values, cell by cell and row by row from the top.
   * @param {number} line
   */
  values(line) {
    const { machine, count } = this
    const at = machine.places[line]
    return machine.values.subarray(at, at + count)
  }
}

/** The lines that depend on a sample's inputs, but on nothing else in the samples.
 * @param {{lines: import("../machine/machine.js").Line[], inputs: number[], targets: number[]}} content
 */
export function everywhere({ lines, inputs, targets }) {
  const found = new Set(inputs)
  const others = new Set(targets)
  lines.forEach(([word, ...operands], k) => {
    if (word === "leaf" || word === "constant") return
    const from = word === "is_largest" ? operands.slice(1) : operands
    if (from.some(it => others.has(it)) || (word === "total" && found.has(from[0]))) others.add(k)
    else if (from.some(it => found.has(it))) found.add(k)
  })
  return found
}

// Painting ---------------------------------------------------------------------------

/** The page's current colours, light or dark: below 0, at 0 and above.
 * @param {Element} element
 */
export const tonesOf = element => ["--low", "--paper", "--high"].map(name => {
  const hex = getComputedStyle(element).getPropertyValue(name).trim()
  return [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16))
})

/** 256 colours from the first tone over the second to the third, as pixels.
 * @param {number[][]} tones @param {number} [strength] of the colours at both ends
 */
export function scaleOf(tones, strength = 1) {
  const bytes = new Uint8ClampedArray(1024)
  for (let k = 0; k < 256; k++) {
    const share = k / 127.5 - 1
    const to = share < 0 ? tones[0] : tones[2]
    for (let j = 0; j < 3; j++) bytes[4 * k + j] = tones[1][j] + strength * Math.abs(share) * (to[j] - tones[1][j])
    bytes[4 * k + 3] = 255
  }
  return new Uint32Array(bytes.buffer)
}

/** @param {number[]} tone */
export const css = tone => `rgb(${tone.join(" ")})`

/** A picture of values: the middle of the scale is `middle`, its ends lie `reach` away. NaN is
* transparent.
 * @param {Float64Array} values @param {Uint32Array} scale @param {Uint32Array} pixels
 * @param {{middle: number, reach: number}} ends
 */
export function tint(values, scale, pixels, { middle, reach }) {
  const factor = 127.5 / reach
  for (let k = 0; k < pixels.length; k++) {
    const at = (values[k] - middle) * factor + 127.5
    pixels[k] = Number.isNaN(at) ? 0 : scale[at < 0 ? 0 : at > 255 ? 255 : Math.round(at)]
  }
}

/** How far values are from the middle.
 * @param {ArrayLike<number>} values @param {number} middle
 */
export function reachOf(values, middle) {
  let far = 1e-12
  for (let k = 0; k < values.length; k++) {
    const away = Math.abs(values[k] - middle)
    if (away > far && away < Infinity) far = away
  }
  return far
}
