// Everything that the page shows of a network, in the form of `targets/page/` and `report/play/`.

import { Random } from "../machine/chance.js"
import { wrongTargets } from "../text/fit.js"
import { Chains } from "./chains.js"
import { columns } from "./columns.js"
import { written } from "./names.js"
import { Values } from "./values.js"

/**
 * @typedef {import("../text/fit.js").Net} Net
 * @typedef {import("./values.js").Building} Building
 * @typedef {import("../machine/training.js").Sample} Sample
 */

const PLANE = 2 // inputs, and classes

/** @param {Net} net @param {Sample[]} given samples to train on, where the network's text has none
 * @param {Building} building @returns {any}
 */
export function tableOf(net, given, building) {
  const plane = planeOf(net, building)
  const samples = net.samples.length ? net.samples : given.length ? given : plane ? labelled(building.sets[building.usualSet], plane.classes) : [drawnSample(net, building)]
  const isSeveral = samples.length > 1 || (plane !== null && !net.samples.length)
  const values = new Values(net, isSeveral, building)
  const { lines } = values
  const { trained, chains, slopes, forward } = derived(values, building.longestChain)
  const state = nextOf(values, trained, chains, building)
  const least = leastOf(values, building)
  const share = plane && isSeveral ? lines.say(plane.share, { x1: values.outputs[0], x2: values.outputs[1] }) : null
  const startOf = startValues(net, building)
  return {
    inputs: values.inputs, targets: values.targets, outputs: values.outputs, weights: values.parameters.flat(),
    trained: trained.map(weight => [weight, chains.slope(weight)]),
    state: state.map(([leaf, next]) => [leaf, next, startOf.get(values.called(leaf)) ?? 0]),
    rate: values.rate, count: values.count, loss: values.loss, sampleLoss: values.sampleLoss, least,
    startRate: net.rate, epochs: building.epochs, samples: structuredClone(samples), most: isSeveral ? building.most : 1,
    chains: chains.order.map(value => [value, chains.made.get(value), chains.count !== null && !lines.each.has(value) ? values.loss : values.sampleLoss]),
    windows: [], gates: gatesOf(values, chains),
    plane: share === null || !plane ? null : { share, classes: plane.classes, sets: building.sets },
    names: Object.fromEntries([...values.names].map(([line, name]) => [line, written(name, building.kinds)])),
    formulas: Object.fromEntries(forward.map(({ line, template }) => [line, template])),
    partials: slopes.map(({ of, to, template }) => [of, to, template]),
    columns: columns(values, samples.length, building),
    lines: lines.lines, each: [...lines.each],
  }
}

/** @param {Values} values @param {number} longest chain */
function derived(values, longest) {
  const { lines, loss, sampleLoss, net, parameters } = values
  const trained = parameters.flatMap((own, k) => (net.parameters[k].fixed ? [] : own))
  const forward = [...values.made.values()]
  const onTheWay = reached(forward, trained, [loss])
  const towards = new Map(forward.filter(it => onTheWay.has(it.line)).map(({ line }) => [line, values.slopes(line, it => onTheWay.has(it))]))
  const chains = new Chains(lines, towards, trained, loss, sampleLoss, values.count, longest)
  const slopes = [...[...towards.values()].flat(), ...toTheInputs(values, forward, chains)]
  return { trained, forward, slopes, chains }
}

/** What a value's pattern has partials towards.
 * @param {import("./values.js").Value} value
 */
const sources = ({ pattern, places }) => Object.keys(pattern.partials).flatMap(place => places[place] ?? [])

/** Chains of the inputs as well, and of what is made of inputs alone; the partials in them.
 * @param {Values} values @param {import("./values.js").Value[]} forward @param {Chains} chains
 */
function toTheInputs(values, forward, chains) {
  const changing = new Set(values.inputs)
  const fed = /** @type {Map<number, import("./values.js").Slope[]>} */ (new Map())
  for (const value of forward) {
    if (!sources(value).some(it => changing.has(it))) continue
    changing.add(value.line)
    for (const slope of values.slopes(value.line, it => changing.has(it) && !chains.reaches(it))) {
      fed.set(slope.to, [...(fed.get(slope.to) ?? []), slope])
    }
  }
  for (const value of [...fed.keys()].sort((a, b) => b - a)) chains.extend(value, fed.get(value) ?? [])
  return [...fed.values()].flat()
}

/** The values between weights and the error.
 * @param {import("./values.js").Value[]} forward @param {number[]} from @param {number[]} to
 */
function reached(forward, from, to) {
  const changing = new Set(from)
  for (const value of forward) if (sources(value).some(it => changing.has(it))) changing.add(value.line)
  const wanted = new Set(to)
  for (const value of [...forward].reverse()) if (wanted.has(value.line)) for (const it of sources(value)) wanted.add(it)
  return new Set([...changing].filter(it => wanted.has(it)))
}

/** What each weight, and what the update remembers of it, is in the next step.
 * @param {Values} values @param {number[]} trained @param {Chains} chains @param {Building} building
 * @returns {[leaf: number, next: number][]}
 */
function nextOf(values, trained, chains, { updates }) {
  const { net, lines, rate } = values
  const { update } = net
  const memory = new Map()
  const state = /** @type {[number, number][]} */ ([])
  for (const weight of values.parameters.flat()) {
    if (!trained.includes(weight)) {
      state.push([weight, weight])
      continue
    }
    const decay = net.decay[values.names.get(weight)?.stem ?? ""] ?? 0
    const rule = updates[`${update.kind}${update.nesterov ? " nesterov" : ""}${decay ? " with decay" : ""}`]
    lines.settings.decay = decay
    const places = { w: weight, g: chains.slope(weight), "η": rate }
    for (const stem of Object.keys(rule)) {
      if (stem === "w") continue
      const key = stem === "k" ? stem : `${stem} ${weight}`
      if (!memory.has(key)) memory.set(key, lines.leaf())
      Object.assign(places, { [stem]: memory.get(key) })
      values.names.set(memory.get(key), stem === "k" ? { stem } : { stem, of: values.names.get(weight) })
    }
    for (const [stem, next] of Object.entries(rule)) {
      const leaf = /** @type {Record<string, number>} */ (places)[stem]
      if (!state.some(([known]) => known === leaf)) state.push([leaf, lines.say(next, places)])
    }
  }
  return state
}

/** The loss of perfect outputs.
 * @param {Values} values @param {Building} building
 */
function leastOf({ net, lines, targets, count }, { least }) {
  if (!least[net.loss]) return lines.constant(0)
  const alone = lines.say(least[net.loss], { t: targets }, targets.length)
  return count === null ? alone : lines.make("divide", lines.make("total", alone), count)
}

/** Of each layer of activations what arrives at it, what passes, and its slopes.
 * @param {Values} values @param {Chains} chains
 */
function gatesOf(values, chains) {
  const { net, columns } = values
  return net.layers.flatMap((layer, k) => {
    const [given, made] = [columns[k], columns[k + 1]]
    if (layer.kind !== "activation" || !chains.towards.has(given[0]) || !chains.towards.has(made[0])) return []
    const own = layer.word.endsWith("softmax") ? [] : made.map((it, j) =>
      values.slopes(it, to => to === given[j])[0].formula)
    return [{
      covers: net.layers.slice(k + 1).every(later => later.kind !== "dense"),
      hidden: k < net.layers.length - 1,
      slopes: own, arriving: made.map(it => chains.slope(it)), passing: given.map(it => chains.slope(it)),
    }]
  })
}

// Where its numbers begin ---------------------------------------------------------

/** Every parameter's start value by its name, as given or else as usual.
 * @param {Net} net @param {Building} building
 */
function startValues(net, { grammar }) {
  const found = new Map()
  const random = new Random(net.seed)
  const used = /** @type {Record<string, number>} */ ({})
  for (const { role, shape, first } of net.parameters) {
    const size = shape.reduce((a, b) => a * b)
    const reach = Math.sqrt(6 / (shape[0] + shape[shape.length - 1]))
    for (let k = 0; k < size; k++) {
      const drawn = role === grammar.kinds.weights ? rounded(random.uniform(-reach, reach), grammar.drawnDecimals) : 0
      used[role] = first + k - 1
      found.set(`${role}${first + k}`, net.start[role]?.[used[role]] ?? drawn)
    }
  }
  return found
}

/** @param {number} value @param {number} decimals */
const rounded = (value, decimals) => Number(value.toFixed(decimals))

/** The sample of a network that has none.
 * @param {Net} net @param {Building} building @returns {Sample}
 */
function drawnSample({ seed, shapes, outputs, loss }, { grammar }) {
  const random = new Random(`sample ${seed}`)
  const some = (/** @type {number} */ count) => Array.from({ length: count }, () => rounded(random.random(), 2))
  const inputs = some(shapes[0][0])
  if (loss !== grammar.smoothed) return [inputs, some(outputs)]
  const wanted = random.below(outputs)
  return [inputs, Array.from({ length: outputs }, (_, k) => Number(k === wanted))]
}

// Points of a plane -----------------------------------------------------------------

/** How the network says the classes of points on a plane, if it does.
 * @param {Net} net @param {Building} building
 */
function planeOf({ shapes, outputs, ending, loss }, { planes, grammar }) {
  const isCross = loss === grammar.smoothed
  if (shapes[0][0] !== PLANE || outputs > PLANE || (outputs === 1 && isCross)) return null
  const isLogs = ending === "log softmax" && isCross
  const said = outputs === 1 ? (ending === "tanh" ? " tanh" : "") : isLogs ? " log softmax" : ""
  return planes[`${outputs}${said}`]
}

/** Points as samples, with the targets of their classes.
 * @param {[number, number, number][]} points @param {number[][]} classes @returns {Sample[]}
 */
export function labelled(points, classes) {
  return points.map(([x, y, which]) => [[x, y], [...classes[which]]])
}

/** The samples as far as another network can go on with them; points of a plane get its own classes.
 * @param {Sample[]} samples @param {number[][] | null} classes that they have @param {Net} net @param {Building} building
 */
export function kept(samples, classes, net, building) {
  const plane = planeOf(net, building)
  const found = samples.map(([inputs, targets]) => {
    const which = classes && plane ? classes.findIndex(it => String(it) === String(targets)) : -1
    return /** @type {Sample} */ ([inputs, which >= 0 && plane ? [...plane.classes[which]] : targets])
  })
  const fits = found.every(([inputs, targets]) => inputs.length === net.shapes[0][0] &&
    targets.length === net.outputs && !wrongTargets(targets, net, building.grammar))
  return fits ? found : []
}
