// The columns of the screen: a sum or a join, and the layers that work on its maps one by one;
// where its maps are drawn, and which values of a column belong together.

import { groupOf, sources, under } from "../wasm/window.js"

/** @typedef {import("../wasm/window.js").Shown & {letter: string, below: string, colour: string}} Layer */
/** @typedef {import("../wasm/window.js").Place} Place */
/** @typedef {import("../wasm/look.js").Look} Look */

/** Layers in one column; all of them have equally many maps.
 * @typedef {{layers: number[], channels: number, isUnits: boolean}} Stage `isUnits` if its maps are single values
 */

/** Where a column is: the left edge of its maps, and their rows and side.
 * @typedef {{x: number, width: number, rows: number, side: number, top: number}} Column
 */

export const GAP = 3 // between maps
const [LARGEST, SMALLEST] = [64, 16] // sides of a map
const TAPPED = 26 // side where columns scroll, as on a phone, so that a finger hits a map
const PHONE = 600 // pixels
const NARROWEST = 42 // column, as wide as the words above it
const [CLOSEST, FARTHEST] = [10, 110] // between columns
const ROOM = 32 // between them where it is there
const LARGEST_UNIT = 26 // side of a single value
const MOST_UNITS = 32 // below each other

/** What is computed from one value of its map, or from a window of it.
 * @type {Set<string>}
 */
export const ALONE = new Set(["batchnorm", "activation", "maxpool", "avgpool"])

/** @param {Layer[]} layers @param {Layer} image @returns {Stage[]} the first is the image */
export function stagesOf(layers, image) {
  /** @type {Stage[]} */
  const stages = [stage(image, -1)]
  layers.forEach((layer, number) => {
    const last = /** @type {Stage} */ (stages[stages.length - 1])
    const follows = number > 0 && layer.reads.length === 1 && layer.reads[0] === last.layers[last.layers.length - 1]
    if (layer.sums || !follows || layer.shape[0] !== last.channels) stages.push(stage(layer, number))
    else last.layers.push(number)
  })
  return stages
}

/** @param {Layer} layer @param {number} number @returns {Stage} */
const stage = ({ shape: [channels, rows, columns] }, number) => ({ layers: [number], channels, isUnits: rows * columns === 1 })

/** The layer that a column shows at first: the last whose values aren't the answers.
 * @param {Stage} stage @param {Layer[]} all
 */
export function firstShown({ layers }, all) {
  return [...layers].reverse().find(number => !all[number]?.kind.endsWith("softmax")) ?? layers[0] ?? -1
}

/** The largest maps with which all columns fit; where none do, and on a phone, the drawing is wider.
 * @param {Stage[]} stages @param {number} width @param {number} height
 * @returns {{columns: Column[], width: number}}
 */
export function laidOut(stages, width, height) {
  const closest = Math.min(Math.max(width / stages.length - NARROWEST, CLOSEST), ROOM)
  const room = (/** @type {{width: number}} */ size) => Math.max(size.width, NARROWEST)
  const all = (/** @type {number} */ side) => stages.reduce((sum, stage) => sum + room(sized(stage, side, height)), 0)
  const fits = (/** @type {number} */ side) => all(side) + (stages.length - 1) * closest <= width
  let side = LARGEST
  while (side > SMALLEST && !fits(side)) side -= 1
  if (width < PHONE || !fits(side)) side = Math.max(side, TAPPED)
  const sizes = stages.map(stage => sized(stage, side, height))
  const gap = Math.min(Math.max((width - all(side)) / Math.max(stages.length - 1, 1), closest), FARTHEST)
  const whole = all(side) + (stages.length - 1) * gap
  let x = Math.max((width - whole) / 2, 0)
  const columns = sizes.map(size => {
    const column = { ...size, x: Math.round(x + (room(size) - size.width) / 2) }
    x += room(size) + gap
    return column
  })
  return { columns, width: Math.max(whole, width) }
}

/** @param {Stage} stage @param {number} side @param {number} height */
function sized({ channels, isUnits }, side, height) {
  const gap = isUnits ? 0 : GAP
  const most = isUnits ? MOST_UNITS : Math.max(Math.floor((height + gap) / (side + gap)), 1)
  const across = Math.ceil(channels / most)
  const rows = Math.ceil(channels / across)
  const own = isUnits ? Math.max(Math.min(side, LARGEST_UNIT, Math.floor(height / rows)), 6) : side
  return { rows, side: own, width: across * (own + gap) - gap, top: Math.round((height - rows * (own + gap) + gap) / 2) }
}

/** The maps that one of a layer's maps is computed from.
 * @param {Layer} layer @param {number} channel @param {(read: number) => [number, number, number]} shapeOf
 * @returns {{read: number, channel: number}[]}
 */
export function mapsRead(layer, channel, shapeOf) {
  const read = layer.reads[0] ?? -1
  const [all] = shapeOf(read)
  const from = (/** @type {number[]} */ channels) => channels.map(own => ({ read, channel: own }))
  if (layer.sums === "window") return from(groupOf(layer, channel, all))
  if (layer.sums === "all") return from(Array.from({ length: all }, (_, k) => k))
  if (layer.window) return from([channel])
  return sources(layer, { channel, row: 0, column: 0 }, shapeOf).map(({ read: other, place }) => ({ read: other, channel: place.channel }))
}

/** The first window of a pool that contains a place; other layers keep the place.
 * @param {Layer} layer @param {Place} place @returns {Place}
 */
export function after({ window }, { channel, row, column }) {
  if (!window) return { channel, row, column }
  const { size, stride, pad } = window
  const first = (/** @type {number} */ at, /** @type {0 | 1} */ k) => Math.max(Math.ceil((at + pad[k] - size[k] + 1) / stride[k]), 0)
  return { channel, row: first(row, 0), column: first(column, 1) }
}

/** The value that a layer's own comes from: of a pool's window, the largest.
 * @param {Layer} layer @param {Place} place @param {Look} look @returns {Place}
 */
export function before(layer, place, look) {
  if (!layer.window) return place
  const read = layer.reads[0] ?? -1
  const inside = under(layer, place).flat().filter(there => look.inside(read, there))
  const values = inside.map(there => look.at(read, { channel: place.channel, ...there }))
  return { channel: place.channel, ...(inside[values.indexOf(Math.max(...values))] ?? { row: 0, column: 0 }) }
}

/** The value of a column's first layer behind one of a later layer, as far as each is computed
 * from one value or from a window.
 * @param {Layer[]} all @param {Stage} stage @param {number} number @param {Place} place @param {Look} look
 */
export function origin(all, { layers }, number, place, look) {
  let [layer, there] = [number, place]
  while (layer !== layers[0]) {
    const own = /** @type {Layer} */ (all[layer])
    if (!ALONE.has(own.kind)) break
    there = before(own, there, look)
    layer = own.reads[0] ?? -1
  }
  return { layer, place: there }
}

/** The place on the layer that a column shows of a value of another of its layers.
 * @param {Layer[]} all @param {Stage} stage @param {number} number @param {Place} place @param {number} shown
 * @returns {Place}
 */
export function projected(all, { layers }, number, place, shown) {
  const [from, to] = [layers.indexOf(number), layers.indexOf(shown)]
  const between = layers.slice(from + 1, to + 1).map(k => /** @type {Layer} */ (all[k]))
  return between.reduce((there, layer) => after(layer, there), place)
}

/** The same unit or pixel on a map of another size.
 * @param {Place} place @param {[number, number, number]} from @param {[number, number, number]} to @returns {Place}
 */
export function scaledTo({ row, column }, [, rows, columns], [, down, across]) {
  const at = (/** @type {number} */ k, /** @type {number} */ of, /** @type {number} */ all) => Math.min(Math.floor(((k + 0.5) / of) * all), all - 1)
  return { channel: 0, row: at(row, rows, down), column: at(column, columns, across) }
}
