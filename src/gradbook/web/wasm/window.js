// One place of a map in detail: the values in its window, their factors, and the sum.

/** The values of a layer, from the page's table.
 * @typedef {object} Shown
 * @property {string} name
 * @property {string} words
 * @property {[number, number, number]} shape channels, rows, columns
 * @property {number} first its index in the module's output
 * @property {number | null} gradient the place of the gradients that arrive at it, if any do
 * @property {string} kind conv, dense, maxpool, avgpool, batchnorm, activation, softmax, …
 * @property {"all" | "window" | false} sums what its weighted sums go over, if its values are sums
 * @property {boolean} joins whether it puts the channels of what it reads beside each other
 * @property {number[]} reads the numbers of the values that it reads; −1 is the image
 * @property {string} weights the array's name, or none
 * @property {string} biases
 * @property {{size: [number, number], stride: [number, number], pad: [number, number], dilation: [number, number], counted: [number, number, number, number]} | null} window
 * @property {number} groups
 * @property {string[]} statistics mean, variance, scale and shift of a batch normalisation
 * @property {number} epsilon
 * @property {{lines: import("../machine/machine.js").Line[], given: number[], kept: number[], slopes: number[]} | null} slope
 * the derivative by each value read at its own place, as lines, with its channel's parameters
 */

/** @typedef {{channel: number, row: number, column: number}} Place */
/** @typedef {{place: Place, value: number, weight: number, product: number}} Term */
/** @typedef {{rows: Term[][], channel: number, sum: number}} Slice one channel of a window */
/** @typedef {{slices: Slice[], bias: number, sum: number}} Sum */

/** @param {[number, number, number]} shape */
export const sizeOf = ([channels, rows, columns]) => channels * rows * columns

/** The number of a place, channel by channel, row by row.
 * @param {Place} place @param {[number, number, number]} shape
 */
export const flatNumber = ({ channel, row, column }, [, rows, columns]) => (channel * rows + row) * columns + column

/** @param {number} number @param {[number, number, number]} shape @returns {Place} */
export const placeOf = (number, [, rows, columns]) => ({
  channel: Math.floor(number / (rows * columns)), row: Math.floor(number / columns) % rows, column: number % columns,
})

/** The places under a window at one of its places, row by row; those in the padding too.
 * @param {Shown} shown @param {{row: number, column: number}} place
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

/** The values from which a layer that works on each place alone computes a value.
 * @param {Shown} shown @param {Place} place @param {(read: number) => [number, number, number]} shapeOf
 */
export function sources({ joins, reads, shape }, place, shapeOf) {
  const own = flatNumber(place, shape)
  if (!joins) return reads.map(read => ({ read, place: placeOf(own, shapeOf(read)) }))
  let first = 0
  return reads.flatMap(read => {
    const [at, size] = [own - first, sizeOf(shapeOf(read))]
    first += size
    return at >= 0 && at < size ? [{ read, place: placeOf(at, shapeOf(read)) }] : []
  })
}

/** A part of a map, up to and with its last row and column.
 * @typedef {{layer: number, channel: number, top: number, left: number, bottom: number, right: number}} Region
 */

/** The windows that a value is computed from; none if it reads everything.
 * @param {Shown} shown @param {Place} place @param {(read: number) => [number, number, number]} shapeOf
 * @returns {Region[]}
 */
export function regionsRead(shown, place, shapeOf) {
  if (shown.sums === "all") return []
  const read = shown.reads[0] ?? 0
  const lines = under(shown, place)
  const channels = shown.sums ? groupOf(shown, place.channel, shapeOf(read)[0]) : [place.channel]
  return lines.length
    ? channels.map(channel => around(read, channel, lines.flat()))
    : sources(shown, place, shapeOf).map(source => around(source.read, source.place.channel, [source.place]))
}

/** The smallest region with these places.
 * @param {number} layer @param {number} channel @param {{row: number, column: number}[]} places @returns {Region}
 */
export function around(layer, channel, places) {
  const [rows, columns] = [places.map(({ row }) => row), places.map(({ column }) => column)]
  return { layer, channel, top: Math.min(...rows), left: Math.min(...columns), bottom: Math.max(...rows), right: Math.max(...columns) }
}

/** The channels that an output channel of a convolution reads.
 * @param {Shown} shown @param {number} channel @param {number} all
 */
export function groupOf(shown, channel, all) {
  const own = all / shown.groups
  const first = Math.floor(channel / (shown.shape[0] / shown.groups)) * own
  return Array.from({ length: own }, (_, k) => first + k)
}

/** The weighted sum at one place.
 * @param {Shown} shown @param {Place} place @param {[number, number, number]} shape of what it reads
 * @param {(place: Place) => number} read what lies outside is 0
 * @param {Float32Array} weights @param {Float32Array | null} biases
 * @returns {Sum}
 */
export function weightedSum(shown, place, shape, read, weights, biases) {
  const bias = biases ? biases[biases.length === 1 ? 0 : place.channel] ?? 0 : 0
  const slices = shown.sums === "all"
    ? flat(shape, place.channel, read, weights)
    : convolved(shown, place, shape[0], read, weights)
  return { slices, bias, sum: slices.reduce((sum, slice) => sum + slice.sum, bias) }
}

/** @param {Shown} shown @param {Place} place @param {number} channels @param {(place: Place) => number} read @param {Float32Array} weights */
function convolved(shown, place, channels, read, weights) {
  const places = under(shown, place)
  const area = places.length * (places[0]?.length ?? 0)
  const group = groupOf(shown, place.channel, channels)
  return group.map((channel, k) => {
    const start = (place.channel * group.length + k) * area
    const rows = places.map((line, y) => line.map((there, x) =>
      term({ channel, ...there }, read, weights[start + y * line.length + x] ?? 0)))
    return slice(channel, rows)
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
export function slice(channel, rows) {
  return { channel, rows, sum: rows.flat().reduce((sum, each) => sum + each.product, 0) }
}
