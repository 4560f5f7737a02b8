// The values of later layers that one value feeds, and the derivative of each of them: the chain
// rule at one place. The page's twin of net/work/feeding.py; a test compares the two.

import { Machine } from "../machine/machine.js"
import { around, flatNumber, placeOf, sizeOf, slice, under } from "./window.js"

/** @typedef {import("./window.js").Shown} Shown */
/** @typedef {import("./window.js").Place} Place */
/** @typedef {import("./window.js").Term} Term of a gradient: the gradient there, the slope, their product */
/** @typedef {import("./look.js").Look} Look */
/** @typedef {Record<string, Float32Array>} Weights */
/** @typedef {{row: number, column: number}} Spot */

/** The values of one layer that are fed, those of each channel in their rows.
 * @typedef {{layer: number, slices: import("./window.js").Slice[], sum: number}} Fed
 */

/** All that one value feeds, layer by layer.
 * @param {Look} look @param {number} number of what the value belongs to; −1 is the image
 * @param {Place} place @param {Weights} weights
 * @returns {Fed[]}
 */
export function feeds(look, number, place, weights) {
  return look.content.layers.flatMap((layer, reader) => layer.gradient === null ? [] : layer.reads.flatMap((read, nth) => {
    if (read !== number) return []
    const through = layer.slope ? throughPlace : THROUGH[layer.kind] ?? (() => [])
    const slices = through({ look, layer, reader, read, nth, place, weights })
    return [{ layer: reader, slices, sum: slices.reduce((sum, slice) => sum + slice.sum, 0) }]
  }))
}

/** The parts of maps with the values that are fed; none for layers that a value reaches as a whole.
 * @param {Look} look @param {Fed[]} fed
 */
export function regionsFed(look, fed) {
  const onMaps = fed.filter(({ layer }) => !WHOLE.has(look.content.layers[layer]?.kind ?? ""))
  return onMaps.flatMap(({ layer, slices }) => slices.filter(({ rows }) => rows.flat().length).map(({ channel, rows }) => around(layer, channel, rows.flat().map(term => term.place))))
}

const WHOLE = new Set(["dense", "softmax", "log softmax", "groupnorm", "layernorm"])

/** @typedef {{look: Look, layer: Shown, reader: number, read: number, nth: number, place: Place, weights: Weights}} Way from a value to the layer that reads it */

/** @type {Record<string, (way: Way) => import("./window.js").Slice[]>} */
const THROUGH = {
  conv: throughKernels,
  dense: throughUnits,
  maxpool: way => throughPool(way, spot => Number(isWinner(way, spot))),
  avgpool: way => throughPool(way, spot => 1 / averaged(way.layer, spot, way.look.shape(way.read))),
  softmax: way => throughShares(way, share => share, 1),
  "log softmax": way => throughShares(way, Math.exp, 0),
  concat: way => [alone(way, 1, before(way))],
  groupnorm: way => throughGroup(way, place => place.channel),
  layernorm: way => throughGroup(way, place => flatNumber(place, way.layer.shape)),
  placenorm: way => throughGroup(way, place => place.channel).flatMap(({ rows }) => rows.flat().map(one => slice(one.place.channel, [[one]]))),
}

/** @param {Way} way @param {Place} place @param {number} slope @returns {Term} */
function term({ look, reader }, place, slope) {
  const value = look.gradientAt(reader, place)
  return { place, value, weight: slope, product: value * slope }
}

/** The one place of the layer that the value feeds, in the layer's own shape, which may be flat.
 * @param {Way} way @param {number} [first] the number of its first value
 */
const goesTo = ({ look, layer, read, place }, first = 0) => placeOf(first + flatNumber(place, look.shape(read)), layer.shape)

/** @param {Way} way @param {number} slope @param {number} [first] */
function alone(way, slope, first) {
  const there = goesTo(way, first)
  return slice(there.channel, [[term(way, there, slope)]])
}

/** For each output channel of its group, the places whose windows contain the value.
 * @param {Way} way
 */
function throughKernels(way) {
  const { look, layer, read, place, weights } = way
  const kernels = weights[layer.weights] ?? new Float32Array()
  const [own, wide] = [look.shape(read)[0] / layer.groups, layer.shape[0] / layer.groups]
  const group = Math.floor(place.channel / own)
  const [down, across] = layer.window?.size ?? [1, 1]
  const spots = over(layer, place)
  return Array.from({ length: wide }, (_, k) => {
    const channel = group * wide + k
    const start = (channel * own + (place.channel % own)) * down * across
    return slice(channel, spots.map(line => line.map(({ tap, spot }) =>
      term(way, { channel, ...spot }, kernels[start + tap[0] * across + tap[1]] ?? 0))))
  })
}

/** @param {Way} way */
function throughUnits(way) {
  const { look, layer, read, place, weights } = way
  const own = weights[layer.weights] ?? new Float32Array()
  const [number, size] = [flatNumber(place, look.shape(read)), sizeOf(look.shape(read))]
  return [slice(0, Array.from({ length: layer.shape[0] }, (_, unit) =>
    [term(way, { channel: unit, row: 0, column: 0 }, own[unit * size + number] ?? 0)]))]
}

/** @param {Way} way @param {(spot: Spot) => number} slope */
function throughPool(way, slope) {
  const { channel } = way.place
  return [slice(channel, over(way.layer, way.place).map(line => line.map(({ spot }) =>
    term(way, { channel, ...spot }, isThere(way.layer, spot) ? slope(spot) : 0))))]
}

/** Whether the value is the largest of that window or, of equally large ones, the first.
 * @param {Way} way @param {Spot} spot
 */
function isWinner({ look, layer, read, place }, spot) {
  const inside = under(layer, spot).flat().filter(there => look.inside(read, there))
  const seen = inside.map(there => look.at(read, { channel: place.channel, ...there }))
  const first = inside[seen.indexOf(Math.max(...seen))]
  return first?.row === place.row && first.column === place.column
}

/** How many values an average is taken over: those on the map, and padding that counts as zeros.
 * @param {Shown} layer @param {Spot} spot @param {[number, number, number]} shape of what it reads
 */
export function averaged(layer, spot, [, rows, columns]) {
  const [top, left, bottom, right] = layer.window?.counted ?? [0, 0, 0, 0]
  const counts = (/** @type {Spot} */ { row, column }) => row >= -top && column >= -left && row < rows + bottom && column < columns + right
  return under(layer, spot).flat().filter(counts).length
}

/** The layer's value at the same place, with the derivative of the layer's ops.
 * @param {Way} way
 */
function throughPlace(way) {
  const { look, layer, read, nth, place, weights } = way
  const { lines, given, kept, slopes } = /** @type {NonNullable<Shown["slope"]>} */ (layer.slope)
  const [number, { channel }] = [flatNumber(place, look.shape(read)), goesTo(way)]
  const machine = new Machine(lines, [], 1)
  layer.reads.forEach((other, k) => machine.fill(given[k] ?? 0, look.at(other, placeOf(number, look.shape(other)))))
  kept.forEach((line, k) => {
    const own = weights[layer.statistics[k] ?? ""] ?? new Float32Array(1)
    machine.fill(line, own[own.length > 1 ? channel : 0] ?? 0)
  })
  const slope = slopes[nth] ?? 0
  machine.run(machine.order([slope]))
  return [alone(way, machine.at(slope) ?? 0)]
}

/** Every share depends on each value: if one grows, the others shrink.
 * @param {Way} way @param {(made: number) => number} share @param {0 | 1} power the exponent of the share
 */
function throughShares(way, share, power) {
  const { look, reader, place } = way
  const at = (/** @type {number} */ unit) => ({ channel: unit, row: 0, column: 0 })
  const own = flatNumber(place, look.shape(way.read))
  const mine = share(look.at(reader, at(own)))
  return [slice(0, Array.from({ length: way.layer.shape[0] }, (_, unit) => {
    const rest = Number(unit === own) - mine
    return [term(way, at(unit), rest * share(look.at(reader, at(unit))) ** power)]
  }))]
}

/** Each value of the group depends on it: directly, and through the mean and the deviation.
 * @param {Way} way @param {(place: Place) => number} scaled the number of a value's scale
 */
function throughGroup(way, scaled) {
  const { look, layer, read, place, weights } = way
  const own = flatNumber(place, look.shape(read))
  const group = groupOf(layer, own)
  const { normal, deviation } = look.group(read, group, layer.epsilon)
  const mine = normal[group.indexOf(own)] ?? 0
  const scales = weights[layer.statistics[0] ?? ""] ?? new Float32Array()
  return [slice(place.channel, normal.map((other, k) => {
    const there = placeOf(group[k] ?? 0, layer.shape)
    const rest = Number(group[k] === own) - (1 + mine * other) / group.length
    return [term(way, there, ((scales[scaled(there)] ?? 0) / deviation) * rest)]
  }))]
}

/** The numbers of the values normalised together with one: those of its place, or of its group.
 * @param {Shown} layer @param {number} own
 */
function groupOf({ kind, shape, groups }, own) {
  const size = sizeOf(shape) / groups
  const [first, step] = kind === "placenorm" ? [own % groups, groups] : [Math.floor(own / size) * size, 1]
  return Array.from({ length: size }, (_, k) => first + k * step)
}

/** How many values a concat takes from the layers before this one.
 * @param {Way} way
 */
function before({ look, layer, nth }) {
  return layer.reads.slice(0, nth).reduce((sum, read) => sum + sizeOf(look.shape(read)), 0)
}

/** The windows that contain a place, and its place in each; windows beyond the edge, too.
 * @param {Shown} layer @param {Spot} place
 */
function over({ window }, { row, column }) {
  if (!window) return []
  const { size, stride, pad, dilation } = window
  const [down, across] = [row, column].map((at, axis) => along(at + (pad[axis] ?? 0), size[axis] ?? 1, stride[axis] ?? 1, dilation[axis] ?? 1))
  return (down ?? []).map(([y, r]) => (across ?? []).map(([x, c]) => ({ tap: [y, x], spot: { row: r, column: c } })))
}

/** @param {number} at @param {number} size @param {number} stride @param {number} gap @returns {[number, number][]} */
function along(at, size, stride, gap) {
  const taps = Array.from({ length: size }, (_, k) => size - 1 - k)
  return taps.filter(k => (at - k * gap) % stride === 0).map(k => [k, (at - k * gap) / stride])
}

/** @param {Shown} layer @param {Spot} spot */
const isThere = ({ shape: [, rows, columns] }, { row, column }) => row >= 0 && column >= 0 && row < rows && column < columns

