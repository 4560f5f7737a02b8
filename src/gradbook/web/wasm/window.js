// One place of a map, taken apart: what its window reads, what each was multiplied with, their sum.

/** A value that layers make, as the page's table has it.
 * @typedef {object} Shown
 * @property {string} name
 * @property {string} words
 * @property {[number, number, number]} shape channels, rows, columns
 * @property {number} first its place among all that is looked at
 * @property {string} kind conv, dense, maxpool, avgpool, batchnorm or other
 * @property {number[]} reads the numbers of the values it is made of; −1 is the image
 * @property {string} weights the array's name, or none
 * @property {string} biases
 * @property {{size: [number, number], stride: [number, number], pad: [number, number], dilation: [number, number]} | null} window
 * @property {number} groups
 * @property {string} function
 * @property {string[]} statistics mean, variance, scale and shift of a batch normalisation
 * @property {number} epsilon
 */

/** @typedef {{channel: number, row: number, column: number}} Place */
/** @typedef {{place: Place, value: number, weight: number, product: number}} Term */
/** @typedef {{rows: Term[][], channel: number, sum: number}} Slice one channel of a window */
/** @typedef {{slices: Slice[], bias: number, sum: number}} Sum */

/** The places under a window at one of its places, row by row; those in the padding too.
 * @param {Shown} shown @param {Place} place
 */
export function under({ window }, { row, column }) {
  if (!window) return []
  const { size: [down, across], stride, pad, dilation } = window
  return Array.from({ length: down }, (_, y) =>
    Array.from({ length: across }, (_, x) => ({
      row: row * stride[0] - pad[0] + y * dilation[0],
      column: column * stride[1] - pad[1] + x * dilation[1],
    })))
}

/** The weighted sum at one place.
 * @param {Shown} shown @param {Place} place @param {[number, number, number]} shape of what it reads
 * @param {(place: Place) => number} read what lies outside is 0
 * @param {Float32Array} weights @param {Float32Array | null} biases
 * @returns {Sum}
 */
export function weightedSum(shown, place, shape, read, weights, biases) {
  const bias = biases ? biases[biases.length === 1 ? 0 : place.channel] ?? 0 : 0
  const slices = shown.kind === "dense"
    ? flat(shape, place.channel, read, weights)
    : convolved(shown, place, shape[0], read, weights)
  return { slices, bias, sum: slices.reduce((sum, slice) => sum + slice.sum, bias) }
}

/** @param {Shown} shown @param {Place} place @param {number} channels @param {(place: Place) => number} read @param {Float32Array} weights */
function convolved(shown, place, channels, read, weights) {
  const own = channels / shown.groups
  const from = Math.floor(place.channel / (shown.shape[0] / shown.groups)) * own
  const places = under(shown, place)
  const area = places.length * (places[0]?.length ?? 0)
  return Array.from({ length: own }, (_, k) => {
    const start = (place.channel * own + k) * area
    const rows = places.map((line, y) => line.map((there, x) =>
      term({ channel: from + k, ...there }, read, weights[start + y * line.length + x] ?? 0)))
    return slice(from + k, rows)
  })
}

/** @param {[number, number, number]} shape @param {number} unit @param {(place: Place) => number} read @param {Float32Array} weights */
function flat([channels, down, across], unit, read, weights) {
  return Array.from({ length: channels }, (_, channel) => {
    const rows = Array.from({ length: down }, (_, row) => Array.from({ length: across }, (_, column) => {
      const number = (channel * down + row) * across + column
      return term({ channel, row, column }, read, weights[unit * channels * down * across + number] ?? 0)
    }))
    return slice(channel, rows)
  })
}

/** @param {Place} place @param {(place: Place) => number} read @param {number} weight @returns {Term} */
function term(place, read, weight) {
  const value = read(place)
  return { place, value, weight, product: value * weight }
}

/** @param {number} channel @param {Term[][]} rows @returns {Slice} */
function slice(channel, rows) {
  return { channel, rows, sum: rows.flat().reduce((sum, each) => sum + each.product, 0) }
}
