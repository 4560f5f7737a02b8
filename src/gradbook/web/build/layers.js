// How each value of a layer is computed: a pattern, with the values that it reads at its places.

import { divisor, product, readAt, reads, tracedOf } from "../text/layers.js"
import { at, elements, inLayer, ofLayer, placesOf } from "./names.js"
import { attended, byStep, states } from "./sequences.js"

/**
 * @typedef {import("./values.js").Values} Values
 * @typedef {import("./values.js").Wanted} Wanted
 * @typedef {import("../text/forms.js").Layer} Layer
 */

/** The values of a layer: their lines, row by row.
 * @param {Values} values @param {number} index @returns {number[]}
 */
export function layerValues(values, index) {
  const layer = values.net.layers[index]
  const given = values.columns[index]
  const traced = tracedOf(layer, values.net.shapes[index], values)
  if (traced) return looked(values, index, traced)
  if (values.cards[layer.card].state) return states(values, index, own(values, index))
  if (values.cards[layer.card].normalises) return norms(values, index, layer)
  switch (values.cards[layer.card].like ?? layer.card) {
    case "dense": return values.make(sums(values, index, given))
    case "conv": return values.make(windows(values, index).map(({ name, reads, bias }) =>
      sum(name, reads.map(it => it.weight), reads.map(it => it.value), bias)))
    case "unembedding": return values.make(fits(values, index, given))
    case "product": return values.make(times(values, index, layer))
    case "pool": return values.make(pools(values, index, layer))
    case "prelu": return values.make(sloped(values, index))
    case "dropout": return layer.rate ? kept(values, index, layer) : given
    case "flatten": return given
    case "rmsnorm": return rms(values, index, layer)
    case "attention": return attended(values, index, own(values, index))
    case "positionembedding": return values.make(named(values, index).map((name, k) => wanted(name, "added", { x: given[k], before: own(values, index)[0][k] })))
    case "residual": return values.make(added(values, index, layer))
    case "concat":
    case "goback": return values.make(joined(values, index, layer))
    default: return values.mixing.includes(layer.kind) ? shares(values, index, layer) : values.make(activated(values, index, layer))
  }
}

/** What a table that was traced from the layer's card says.
 * @param {Values} values @param {number} index @param {import("../text/statement.js").Traced} traced
 */
function looked(values, index, traced) {
  const { net, cards, columns } = values
  const [names, parameters] = [named(values, index), own(values, index)]
  const made = /** @type {number[]} */ ([])
  const standing = (/** @type {[string, number, number?]} */ [where, k, element = 0]) =>
    (where === "given" ? columns[index][k] : where === "own" ? parameters[k][element] : made[k])
  for (const [name, kind, from] of traced.values) {
    const own = typeof name === "number" ? names[name] : at(inLayer(name[0], net.layers, index, cards), name[1])
    const places = Object.fromEntries(Object.entries(from).map(([place, source]) => [place, standing(source)]))
    made.push(...values.make([wanted(own, kind, places)]))
  }
  return traced.made.map(k => made[k])
}

/** The names of a layer's values.
 * @param {Values} values @param {number} index
 */
const named = (values, index) => elements(values.layerNames[index + 1], values.net.shapes[index + 1])

/** The lines of the parameters that a layer uses, tensor by tensor.
 * @param {Values} values @param {number} index
 */
export const own = ({ net, parameters }, index) => net.parameters.flatMap((it, k) => (it.layer === net.owners[index] ? [parameters[k]] : []))

/** @param {import("./names.js").ValueName} name @param {string} kind @param {import("./lines.js").Places} places @returns {Wanted} */
export const wanted = (name, kind, places) => ({ name, kind, places })

/** @param {import("./names.js").ValueName} name @param {number[]} w @param {number[]} x @param {number | undefined} b */
const sum = (name, w, x, b) => (b === undefined ? wanted(name, "sum no bias", { w, x }) : wanted(name, "sum", { w, x, b }))

/** @param {Values} values @param {number} index @param {number[]} given */
function sums(values, index, given) {
  const [weights, biases] = own(values, index)
  return named(values, index).map((name, k) =>
    sum(name, weights.slice(k * given.length, (k + 1) * given.length), given, biases?.[biases.length > 1 ? k : 0]))
}

/** The score of each token at each step, by the weights of an embedding.
 * @param {Values} values @param {number} index @param {number[]} given
 */
function fits(values, index, given) {
  const [vectors] = own(values, index)
  const [tokens, , steps] = values.net.shapes[index + 1]
  const features = Array.from({ length: values.net.shapes[index][0] }, (_, k) => k)
  return named(values, index).map((name, k) => sum(name,
    features.map(it => vectors[it * tokens + Math.floor(k / steps)]), features.map(it => given[it * steps + (k % steps)]), undefined))
}

/** @param {Values} values @param {number} index @param {Layer} layer */
function times(values, index, layer) {
  const names = named(values, index)
  const [given, earlier] = reads(layer, index).map(value => values.columns[value])
  const at = (/** @type {number[]} */ lines, /** @type {number} */ k) => lines[Math.floor((k * lines.length) / names.length)] // that of its channel
  return names.map((name, k) => {
    const [x, before] = [at(given, k), at(earlier, k)]
    return x === before ? wanted(name, "squared", { x }) : wanted(name, "times", { x, before })
  })
}

/** What a convolution reads at each place of its maps, channel by channel.
 * @param {Values} values @param {number} index
 */
export function windows(values, index) {
  const { net, columns } = values
  const layer = net.layers[index]
  const [before, shape] = [net.shapes[index], net.shapes[index + 1]]
  const [weights, biases] = own(values, index)
  const [rows, across] = layer.kernel
  const inputs = before[0] / layer.groups
  return placesOf(shape).map(([out, ...place], k) => {
    const first = Math.floor((out * layer.groups) / layer.channels) * inputs
    const inside = readAt(layer, before, place)
    const found = Array.from({ length: inputs }, (_, c) => inside.map(({ own: [i, j], at: [row, column] }) => ({
      channel: c, own: [i, j],
      value: columns[index][((first + c) * before[1] + row) * before[2] + column],
      weight: weights[((out * inputs + c) * rows + i) * across + j],
    }))).flat()
    return { name: named(values, index)[k], reads: found, inputs, size: [rows, across], bias: biases?.[biases.length > 1 ? out : 0] }
  })
}

/** @param {Values} values @param {number} index @param {Layer} layer @returns {Wanted[]} */
function pools(values, index, layer) {
  const { net, columns } = values
  const before = net.shapes[index]
  const names = named(values, index)
  return placesOf(net.shapes[index + 1]).map(([channel, ...place], k) => {
    const x = readAt(layer, before, place).map(({ at: [row, column] }) => columns[index][(channel * before[1] + row) * before[2] + column])
    if (layer.kind === "max") return wanted(names[k], "maxpool", { x })
    const n = divisor(layer, before, place)
    return n === 1 ? wanted(names[k], "identity", { x: x[0] }) : wanted(names[k], "avgpool", { x, n: values.number(n) })
  })
}

/** For each group the mean, variance and deviation; then each value normalised, and scaled.
 * @param {Values} values @param {number} index @param {Layer} layer
 */
function norms(values, index, layer) {
  const { net, columns } = values
  const shape = net.shapes[index]
  const [isOfSamples, isOfPlaces] = [values.cards[layer.card].mixesSamples, layer.card === "placenorm"]
  const area = product(shape.slice(1))
  const groups = isOfSamples ? shape[0] : isOfPlaces ? area : layer.groups ?? 1
  const size = product(shape) / groups
  const groupOf = (/** @type {number} */ k) => (isOfPlaces ? k % area : Math.floor(k / size))
  const apart = isOfPlaces ? [1, ...shape.slice(1)] : groups > 1 || isOfSamples ? [groups] : []
  const names = (/** @type {string} */ stem) => elements(ofLayer(stem, net.layers, index, values.cards), apart)
  const x = names("μ").map((_, group) => columns[index].filter((_, k) => groupOf(k) === group))
  const over = isOfSamples && values.count !== null ? "samples" : "group"
  const N = /** @type {import("./lines.js").Places} */ (values.count === null ? {} : { N: values.count })
  const mean = values.make(names("μ").map((name, k) => wanted(name, `mean of ${over}`, { x: x[k], ...N })))
  const variance = values.make(names("σ²").map((name, k) => wanted(name, `variance of ${over}`, { x: x[k], mean: mean[k], ...N })))
  const deviation = values.make(names("s").map((name, k) =>
    ({ name, kind: "deviation", places: { variance: variance[k] }, settings: { varianceEpsilon: layer.epsilon } })))
  const normal = values.make(elements(ofLayer("n", net.layers, index, values.cards), shape).map((name, k) => {
    const group = groupOf(k)
    return { name, kind: "normal", places: { x: columns[index][k], mean: mean[group], deviation: deviation[group] } }
  }))
  const [scales, shifts] = own(values, index)
  const places = product(shape) / scales.length
  return values.make(named(values, index).map((name, k) => {
    const channel = Math.floor(k / places)
    return { name, kind: "scaled", places: { x: normal[k], scale: scales[channel], shift: shifts[channel] } }
  }))
}

/** The channels of each place, divided by the root of their mean square.
 * @param {Values} values @param {number} index @param {Layer} layer
 */
function rms(values, index, { epsilon, plain }) {
  const { net, columns, cards } = values
  const [shape, given] = [net.shapes[index], columns[index]]
  const area = product(shape.slice(1))
  const names = (/** @type {string} */ stem, /** @type {number[]} */ apart) => elements(ofLayer(stem, net.layers, index, cards), apart)
  const sizes = values.make(names("s", shape.length > 1 ? [1, ...shape.slice(1)] : []).map((name, k) => ({
    name, kind: "root of mean square", places: { x: given.filter((_, j) => j % area === k) }, settings: { varianceEpsilon: epsilon } })))
  const over = (/** @type {import("./names.js").ValueName[]} */ all) => values.make(all.map((name, k) =>
    ({ name, kind: "over size", places: { x: given[k], size: sizes[k % area] } })))
  if (plain) return over(named(values, index))
  const normal = over(names("n", shape))
  const [scales] = own(values, index)
  return values.make(named(values, index).map((name, k) =>
    ({ name, kind: "times scale", places: { x: normal[k], scale: scales[Math.floor(k / area)] } })))
}

/** The values that dropout keeps, by random masks.
 * @param {Values} values @param {number} index @param {Layer} layer
 */
function kept(values, index, layer) {
  const { net, columns } = values
  const shape = net.shapes[index]
  const drawn = layer.channels ? shape.slice(0, 1) : shape
  const masks = elements(ofLayer("d", net.layers, index, values.cards), drawn).map(name => values.leaf(name, true))
  const each = product(shape) / masks.length
  const made = values.make(elements(ofLayer("u", net.layers, index, values.cards), shape).map((name, k) =>
    ({ name, kind: "kept", places: { x: columns[index][k], mask: masks[Math.floor(k / each)] } })))
  values.masks.push({
    layer: index, rate: layer.rate, lines: masks, kept: masks.map((_, k) => made.slice(k * each, (k + 1) * each)),
  })
  return made
}

/** @param {Values} values @param {number} index @param {Layer} layer @returns {Wanted[]} */
function added(values, index, layer) {
  const [given, earlier] = reads(layer, index).map(value => values.columns[value])
  return named(values, index).map((name, k) => (given[k] === earlier[k]
    ? wanted(name, "doubled", { x: given[k] })
    : wanted(name, "added", { x: given[k], before: earlier[k] })))
}

/** @param {Values} values @param {number} index @param {Layer} layer @returns {Wanted[]} */
function joined(values, index, layer) {
  const given = reads(layer, index).flatMap(value => values.columns[value])
  return named(values, index).map((name, k) => ({ name, kind: "identity", places: { x: given[k] } }))
}

/** @param {Values} values @param {number} index @returns {Wanted[]} */
function sloped(values, index) {
  const [slopes] = own(values, index)
  const given = values.columns[index]
  return named(values, index).map((name, k) =>
    wanted(name, "prelu", { x: given[k], w: slopes[Math.floor((k * slopes.length) / given.length)] }))
}

/** The sort of number that formulas depend on. @param {number} setting */
const sort = setting => ([-1, 0, 1].includes(setting) ? setting : setting < 0 ? "below 0" : "any")

/** @param {Values} values @param {number} index @param {Layer} layer @returns {Wanted[]} */
function activated(values, index, { card: _card, kind, ...settings }) {
  const written = [kind, ...Object.values(settings).map(sort)].join(" ")
  return named(values, index).map((name, k) => ({ name, kind, written, places: { x: values.columns[index][k] }, settings }))
}

/** Softmax by way of ln Σ e^o, which is subtracted from each value; for a sequence at each step.
 * @param {Values} values @param {number} index @param {Layer} layer
 */
function shares(values, index, { kind }) {
  const shape = values.net.shapes[index + 1]
  const isOfSteps = shape.length > 1
  const of = (/** @type {number[]} */ lines) => (isOfSteps ? byStep(lines, shape) : [lines])
  const given = of(values.columns[index])
  const totals = values.make(given.map((x, k) =>
    ({ name: { stem: "L", of: at(values.layerNames[index], isOfSteps ? [k + 1] : []) }, kind: `logarithm of ${kind}`, places: { x } })))
  const names = named(values, index)
  const places = of(names.map((_, k) => k))
  const made = new Map(values.make(places.flatMap((row, step) => row.map((k, j) =>
    ({ name: names[k], kind, places: { x: given[step][j], L: totals[step] } })))).map((line, j) => [places.flat()[j], line]))
  const lines = names.map((_, k) => made.get(k) ?? 0)
  totals.forEach((L, step) => Object.assign(values.made.get(L)?.places ?? {}, { a: of(lines)[step] })) // its derivatives are written with these
  values.totals = totals
  return lines
}
