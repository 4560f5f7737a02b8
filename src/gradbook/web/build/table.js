// Everything that the page shows of a network, in the form of `targets/page/` and `report/play_page.py`.

import { Random } from "../machine/chance.js"
import { wrongTargets } from "../text/fit.js"
import { product } from "../text/layers.js"
import { byNumber, codingOf, ones, tokensIn } from "../text/tokens.js"
import { filled } from "../text/wording.js"
import { Chains } from "./chains.js"
import { columns } from "./columns.js"
import { windows } from "./layers.js"
import { at, atStep, said, written } from "./names.js"
import { featuresOf, labelled, points } from "./points.js"
import { Values } from "./values.js"

/**
 * @typedef {import("../text/fit.js").Net} Net
 * @typedef {import("./values.js").Building} Building
 * @typedef {import("../machine/training.js").Sample} Sample
 */

const PLANE = 2 // coordinates, and classes

/** @param {Net} net @param {Sample[]} given samples to train on, where the network's text has none
 * @param {Building} building @returns {any}
 */
export function tableOf(net, given, building) {
  const plane = planeOf(net, building, net.samples.length ? net.samples : given)
  const isMadeUp = !net.samples.length && !given.length
  const samples = net.samples.length ? net.samples : given.length ? given : plane ? labelled(points(building.usualSet), plane.classes) : [drawnSample(net, building)]
  const drops = net.layers.some(({ card, rate }) => card === "dropout" && rate > 0)
  const isSeveral = samples.length > 1 || drops || (plane !== null && !net.samples.length)
  const [classes] = net.shapes[net.shapes.length - 1]
  const isMasked = isSeveral || samples.some(([, targets]) => targets.some((_, k) =>
    k % classes === 0 && targets.slice(k, k + classes).every(it => it === 0)))
  const values = new Values(net, isSeveral, building, isMasked)
  const { lines } = values
  const { trained, chains, slopes, forward } = derived(values, building.longestChain)
  const state = nextOf(values, trained, chains, building)
  const least = leastOf(values, building)
  const isForward = net.layers.every(({ card }) => !values.cards[card].mixesSamples) // whose outputs follow from the inputs alone
  const share = plane && isSeveral && isForward ? lines.say(plane.share, { x1: values.outputs[0], x2: values.outputs[1] }) : null
  const startOf = startValues(net, building)
  const drawing = columns(values, samples.length, building)
  return {
    inputs: values.inputs, targets: values.targets, outputs: values.outputs, weights: values.parameters.flat(),
    trained: trained.map(weight => [weight, chains.slope(weight)]),
    state: state.map(([leaf, next]) => [leaf, next, startOf.get(values.called(leaf)) ?? 0]),
    rate: values.rate, count: values.count, loss: values.loss, sampleLoss: values.sampleLoss, least,
    isMasked, steps: isMasked && values.objective.ofAll && values.totals.length > 1 ? values.totals.length : 0, coding: codingOf(net, building.grammar), seed: net.seed, masks: values.masks, startRate: net.rate, epochs: building.epochs, samples: structuredClone(samples), madeUp: isMadeUp ? madeUp(net, building) : "", most: isSeveral ? building.most : 1,
    chains: chains.order.map(value => [value, chains.made.get(value), chains.roots.get(value)]),
    windows: windowsOf(values), gates: gatesOf(values, chains, trained),
    plane: share === null || !plane ? null : { share, classes: plane.classes },
    names: Object.fromEntries(named(values, forward, drawing.flatMap(({ maps }) => maps.flat(3))).map(([line, name]) => [line, written(name, building.kinds)])),
    formulas: Object.fromEntries(forward.map(({ line, template }) => [line, template])),
    partials: slopes.map(({ of, to, template }) => [of, to, template]),
    columns: drawing,
    lines: lines.lines, each: [...lines.each],
  }
}

/** @param {Values} values @param {number} longest chain */
function derived(values, longest) {
  const { lines, loss, sampleLoss, net, parameters } = values
  const trained = parameters.flatMap((own, k) => (net.parameters[k].fixed ? [] : own))
  const forward = needed(values)
  const onTheWay = reached(forward, trained, [loss])
  const towards = new Map(forward.filter(it => onTheWay.has(it.line)).map(({ line }) => [line, values.slopes(line, it => onTheWay.has(it))]))
  const chains = new Chains(lines, towards, trained, loss, sampleLoss, values.count, longest)
  const slopes = [...[...towards.values()].flat(), ...toTheInputs(values, forward, chains)]
  return { trained, forward, slopes, chains }
}

/** The values that outputs and error are computed from, in the order of computation.
 * @param {Values} values
 */
function needed({ made, outputs, loss }) {
  const wanted = new Set([...outputs, loss])
  const all = [...made.values()].sort((a, b) => a.line - b.line)
  for (const value of [...all].reverse()) if (wanted.has(value.line)) for (const it of mentioned(value)) wanted.add(it)
  return all.filter(value => wanted.has(value.line))
}

/** The values that a formula mentions.
 * @param {import("./values.js").Value} value
 */
const mentioned = ({ template }) => [...template.matchAll(/⟦(\d+)⟧/g)].map(found => Number(found[1]))

/** The names of all shown values: computed and drawn ones, weights, and an update's memories.
 * @param {Values} values @param {import("./values.js").Value[]} forward @param {(number | null)[]} drawn
 */
function named(values, forward, drawn) {
  const { names, made, columns, masks } = values
  const shown = new Set([...columns.flat(), ...drawn, ...masks.flatMap(it => it.lines), ...forward.flatMap(it => [it.line, ...mentioned(it)])])
  const isLeaf = (/** @type {number} */ line) => !made.has(line)
  return [...names].filter(([line]) => isLeaf(line) || shown.has(line))
}

/** For every place of every convolution, the values that it reads, its weights and their products.
 * @param {Values} values
 */
function windowsOf(values) {
  const { net, columns, lines } = values
  return net.layers.flatMap(({ card }, index) => ((values.cards[card].like ?? card) === "conv" ? windows(values, index) : []).map(({ reads, inputs, size, bias }, k) => {
    const channels = Array.from({ length: inputs }, (_, c) => Array.from({ length: size[0] }, (_, i) => Array.from({ length: size[1] }, (_, j) => {
      const read = reads.find(it => it.channel === c && it.own[0] === i && it.own[1] === j)
      return read ? [read.value, read.weight, lines.make("multiply", read.weight, read.value)] : null
    })))
    return { value: columns[index + 1][k], bias: bias ?? null, channels }
  }))
}

/** The values that a value's pattern has partials for.
 * @param {import("./values.js").Value} value
 */
const sources = ({ pattern, places }) => Object.keys(pattern.partials).flatMap(place => places[place] ?? [])

/** Adds chains of inputs and of what is computed from inputs alone; returns their partials.
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

/** The next value of each weight, and then of each memory of the update.
 * @param {Values} values @param {number[]} trained @param {Chains} chains @param {Building} building
 * @returns {[leaf: number, next: number][]}
 */
function nextOf(values, trained, chains, { updates }) {
  const { net, lines, rate } = values
  const { kind, ...settings } = net.update
  const words = [kind, ...Object.keys(settings).filter(name => settings[name] === true)].join(" ")
  const memory = new Map()
  const weights = values.parameters.flat()
  const state = /** @type {[number, number][]} */ ([])
  for (const weight of weights) {
    if (!trained.includes(weight)) {
      state.push([weight, weight])
      continue
    }
    const decay = net.decay[values.names.get(weight)?.stem ?? ""] ?? 0
    const rule = updates[`${words}${decay ? " with decay" : ""}`]
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
  return [true, false].flatMap(isWeight => state.filter(([leaf]) => weights.includes(leaf) === isWeight))
}

/** The loss of perfect outputs.
 * @param {Values} values @param {Building} building
 */
function leastOf({ net, lines, targets, count }, { least }) {
  if (!least[net.loss]) return lines.constant(0)
  const alone = lines.say(least[net.loss], { t: targets }, targets.length)
  return count === null ? alone : lines.make("divide", lines.make("total", alone), count)
}

/** For each layer of activations, the gradients that arrive and that pass, and its derivatives.
 * @param {Values} values @param {Chains} chains @param {number[]} trained
 */
function gatesOf(values, chains, trained) {
  const { outputs, names, made } = values
  const byName = new Map([...names].map(([line, name]) => [said(name), line]))
  const layers = /** @type {Map<string, {given: number, made: number}[]>} */ (new Map())
  for (const line of [...made.keys()].sort((a, b) => a - b)) {
    const name = names.get(line)
    const given = name?.stem === "a" && name.of ? byName.get(said(name.of)) : undefined
    if (!name || given === undefined || !chains.towards.has(given) || !chains.towards.has(line)) continue
    const layer = said(atStep(at(name, [])))
    layers.set(layer, [...(layers.get(layer) ?? []), { given, made: line }])
  }
  return [...layers.values()].flatMap(pairs => {
    const isAlone = pairs.every(it => String(Object.values(values.made.get(it.made)?.places ?? {}).flat()) === String(it.given))
    const passing = pairs.map(({ given }) => chains.slope(given))
    return [{
      covers: dependOn(values.lines.lines, passing, trained.map(weight => chains.slope(weight))),
      hidden: !pairs.some(it => outputs.includes(it.made)),
      slopes: isAlone ? pairs.map(it => values.slopes(it.made, to => to === it.given)[0].formula) : [],
      arriving: pairs.map(it => chains.slope(it.made)), passing,
    }]
  })
}

/** Whether every end is computed from one of the sources.
 * @param {import("../machine/machine.js").Line[]} lines @param {number[]} sources @param {number[]} ends
 */
function dependOn(lines, sources, ends) {
  const found = new Set(sources)
  lines.forEach(([word, ...operands], k) => {
    const from = word === "is_largest" ? operands.slice(1) : operands
    if (word !== "leaf" && word !== "constant" && from.some(it => found.has(it))) found.add(k)
  })
  return ends.every(line => found.has(line))
}

// Initial values ------------------------------------------------------------------

/** Every parameter's initial value by its name: the given one, or else the usual one.
 * @param {Net} net @param {Building} building
 */
function startValues(net, { grammar }) {
  const found = new Map()
  const random = new Random(net.seed)
  const used = /** @type {Record<string, number>} */ ({})
  const { weights } = grammar.kinds
  for (const { role, shape, first, fans, start } of net.parameters) {
    const size = product(shape)
    const reach = Math.sqrt(6 / (fans[0] + fans[1]))
    for (let k = 0; k < size; k++) {
      const drawn = role === weights ? rounded(random.uniform(-reach, reach), grammar.drawnDecimals) : start?.[k] ?? grammar.starts[role] ?? 0
      used[role] = first + k - 1
      found.set(`${role}${first + k}`, net.start[role]?.[used[role]] ?? drawn)
    }
  }
  return found
}

/** @param {number} value @param {number} decimals */
const rounded = (value, decimals) => Number(value.toFixed(decimals))

/** The message about made-up samples, and how to give others.
 * @param {Net} net @param {Building} building
 */
function madeUp(net, building) {
  const { messages, mostShown } = building.grammar
  const coding = codingOf(net, building.grammar)
  const sample = drawnSample(net, building)
  const isLong = sample.flat().length > mostShown
  const [inputs, targets] = coding ? byNumber(sample, coding) : sample
  const line = isLong ? messages.ANY_SAMPLE : `sample ${inputs.join(" ")} -> ${targets.join(" ")}`
  return filled(messages.MADE_UP, { line, other: messages.DROPPED })
}

/** The sample of a network that has none.
 * @param {Net} net @param {Building} building @returns {Sample}
 */
function drawnSample({ seed, tokens, input, shapes, outputs, loss }, { grammar }) {
  const random = new Random(`sample ${seed}`)
  const some = (/** @type {number} */ count) => Array.from({ length: count }, () => rounded(random.random(), 2))
  const inputs = tokens ? ones(Array.from({ length: input[0] }, () => random.below(input[1])), input[1]) : some(product(shapes[0]))
  if (!grammar.losses[loss].ofAll) return [inputs, some(outputs)]
  const [classes] = shapes[shapes.length - 1]
  const wanted = Array.from({ length: outputs / classes }, () => random.below(classes))
  return [inputs, wanted.flatMap(one => Array.from({ length: classes }, (_, k) => Number(k === one)))]
}

// Points of a plane -----------------------------------------------------------------

/** How the network's outputs classify points of a plane, if they do.
 * @param {Net} net @param {Building} building @param {Sample[]} samples
 */
function planeOf({ shapes, outputs, ending, loss }, { planes, grammar }, samples) {
  const { ofAll } = grammar.losses[loss]
  if (shapes[0].length > 1 || featuresOf(shapes[0][0], samples).length < PLANE || outputs > PLANE || (outputs === 1 && ofAll)) return null
  return planes[`${outputs} ${ending}${ofAll ? " of all" : ""}`] ?? planes[outputs]
}

/** The samples, if another network can use them; points of a plane get the targets of its classes.
 * @param {Sample[]} samples @param {number[][] | null} classes that they have @param {Net} net @param {Building} building
 */
export function kept(samples, classes, net, building) {
  const plane = planeOf(net, building, samples)
  const found = samples.map(([inputs, targets]) => {
    const which = classes && plane ? classes.findIndex(it => String(it) === String(targets)) : -1
    return /** @type {Sample} */ ([inputs, which >= 0 && plane ? [...plane.classes[which]] : targets])
  })
  const fits = found.every(([inputs, targets]) => inputs.length === product(net.shapes[0]) &&
    targets.length === net.outputs && !(net.tokens && !tokensIn(inputs, net.input[1])) && !wrongTargets(targets, net, building.grammar))
  return fits ? found : []
}
