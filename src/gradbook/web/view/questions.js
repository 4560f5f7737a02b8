// Questions whose answers are numbers, computed from the page's state, as are typical mistakes.

import { PHRASES } from "./phrases.js"

const [NEAR, LEAST] = [0.005, 5e-5] // the tolerance of an answer: relative, and at least

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./chain.js").Tree} Tree
 * @typedef {{why: string, names: number[], value: number}} Mistake a kind of mistake, the values in it and its result
 * @typedef {{kind: string, of: number, root: number | null, names: number[], answer: number, mistakes: Mistake[]}} Question
 *   of a line; `root` is what it is the derivative of
 */

/** Every question that can be asked of a network, the easier ones first.
 * @param {Model} model @returns {Question[]}
 */
export function questions(model) {
  const { columns } = model.content
  const sums = columns.flatMap((/** @type {any} */ column, /** @type {number} */ k) => column.units.flatMap((/** @type {any} */ unit) =>
    (unit?.from.length && unit.from.every((/** @type {number[]} */ it) => it[1] !== null && !it[2]) ? [{ unit, before: columns[k - 1].units }] : [])))
  const errors = columns.flatMap((/** @type {any} */ column, /** @type {number} */ k) => column.units.flatMap((/** @type {any} */ unit) => error(model, unit, columns[k - 1]?.units)))
  const isHalved = errors.some((/** @type {Question} */ it) => it.mistakes.some(({ why }) => why === "half"))
  const found = [
    ...sums.map((/** @type {any} */ it) => sum(model, it)),
    ...sums.flatMap((/** @type {any} */ it) => activation(model, it)),
    ...errors,
    ...[...model.slopeOf.keys()].reverse().flatMap(weight => [chain(model, weight, isHalved), update(model, weight)]),
  ]
  return found.flatMap(it => (it && Number.isFinite(it.answer) ? [{ ...it, mistakes: it.mistakes.filter((/** @type {Mistake} */ other) => apart(other.value, it.answer)) }] : []))
}

/** @param {number} value @param {number} answer */
const apart = (value, answer) => Number.isFinite(value) && Math.abs(value - answer) > 1e-9 * Math.max(Math.abs(value), Math.abs(answer))

/** Whether a number answers a question, or which mistake it comes from; null if neither.
 * @param {Question} question @param {number} given @returns {true | Mistake | null}
 */
export function judge({ answer, mistakes }, given) {
  const far = (/** @type {number} */ value) => Math.abs(value - given)
  const near = (/** @type {number} */ value) => far(value) <= Math.max(NEAR * Math.abs(value), LEAST)
  const closest = mistakes.filter(it => near(it.value)).sort((a, b) => far(a.value) - far(b.value))[0]
  if (near(answer) && !(closest && far(closest.value) < far(answer))) return true
  return closest ?? null
}

const PRINTED = /(\d+[.,]\d{3,}|\d{2,}[.,]\d+|\d[.,]\d+(?=e))(?:e[−-]?\d+)?/g // with digits enough to give an answer away

/** Whether a text has a number as it is printed, with either sign.
 * @param {string} text @param {number} value
 */
export function says(text, value) {
  return [...text.matchAll(PRINTED)].some(([written, digits]) => {
    const [found, unit] = [written, `1${written.slice(digits.length)}`].map(it => Number(it.replace(",", ".").replace("−", "-")))
    return Math.abs(found - Math.abs(value)) <= 0.5001 * unit * 10 ** -(digits.split(/[.,]/)[1].length)
  })
}

/** @param {string} why @param {number} value @param {...number} names @returns {Mistake} */
const mistake = (why, value, ...names) => ({ why, value, names })

/** @param {Model} model @param {{unit: any, before: any[]}} where @returns {Question} */
function sum(model, { unit, before }) {
  const [of] = unit.values
  const reads = unit.from.map((/** @type {number[]} */ [row, weight]) => [model.at(before[row].values[before[row].values.length - 1]), model.at(weight)])
  const answer = model.at(of)
  const bias = unit.above === null ? 0 : model.at(unit.above)
  const total = (/** @type {(read: number[]) => number} */ term) => reads.reduce((/** @type {number} */ all, /** @type {number[]} */ read) => all + term(read), 0)
  return { kind: "sum", of, root: null, names: [], answer, mistakes: [
    mistake("bias", answer - bias, unit.above),
    mistake("weights", total(read => read[0]) + bias),
    mistake("values", total(read => read[1]) + bias),
    ...reads.map((/** @type {number[]} */ [value, weight]) => mistake("product", answer - value * weight)),
  ] }
}

/** @param {Model} model @param {{unit: any}} where @returns {Question[]} */
function activation(model, { unit }) {
  const [before, of] = unit.values
  if (of === undefined || model.content.names[of].letter !== "a") return []
  const [value, answer] = [model.at(before), model.at(of)]
  const isSigmoid = Math.abs(answer - 1 / (1 + Math.exp(-value))) < 1e-12
  return [{ kind: "activation", of, root: null, names: [before], answer, mistakes: [
    mistake("activation", value, before),
    mistake("exponent", isSigmoid ? 1 - answer : NaN),
    mistake("slope", isSigmoid ? answer * (1 - answer) : 1 - answer ** 2),
  ] }]
}

/** @param {Model} model @param {any} unit @param {any[]} [before] @returns {Question[]} */
function error(model, unit, before) {
  const of = unit?.values[0]
  if (!before || unit?.above === null || !unit?.from.length || !model.content.targets.includes(unit.above)) return []
  const output = before[unit.from[0][0]].values.slice(-1)[0]
  const [answer, apart] = [model.at(of), model.at(unit.above) - model.at(output)]
  const share = answer / apart ** 2 // ½ or 1 for a squared error
  const isSquared = Math.abs(share - 0.5) < 1e-9 || Math.abs(share - 1) < 1e-9
  return [{ kind: "error", of, root: null, names: [unit.above, output], answer, mistakes: isSquared
    ? [share < 0.75 ? mistake("half", 2 * answer) : mistake("noHalf", answer / 2), mistake("square", apart), mistake("square", -apart), mistake("square", apart * share)]
    : [mistake("sign", -answer), mistake("decimal", answer / Math.LN10)] }]
}

/** The question about a weight's chain, for the current sample.
 * @param {Model} model @param {number} of @param {boolean} isHalved whether there is a ½ to cancel @returns {Question | null}
 */
function chain(model, of, isHalved) {
  const { chains, sampleLoss } = model.content
  const [, found, root] = chains.find((/** @type {[number]} */ [line]) => line === of) ?? []
  if (!found) return null
  const inner = found.kind === "mean" ? found.parts[0] : found
  const answer = model.at(inner.value)
  return { kind: "chain", of, root: found.kind === "mean" ? sampleLoss : root, names: [], answer, mistakes: [
    mistake("direction", -answer), ...variants(model, inner),
    ...(isHalved ? [mistake("cancelled", answer / 2), mistake("cancelled", answer * 2)] : []),
  ] }
}

/** The results of a chain if a factor is left out or replaced, or one of several paths is left out.
 * @param {Model} model @param {Tree} tree @returns {Mistake[]}
 */
function variants(model, tree) {
  const parts = tree.parts ?? []
  if (tree.kind === "sum") return parts.map(part => mistake("way", model.at(tree.value) - model.at(part.value)))
  if (tree.kind !== "product") return []
  return parts.flatMap((part, k) => {
    const others = parts.reduce((all, it, j) => (j === k ? all : all * model.at(it.value)), 1)
    const inside = variants(model, part).map(it => ({ ...it, value: it.value * others }))
    if (part.of === undefined || part.to === undefined) return inside
    const [above, below] = [part.of, part.to].map(line => model.content.names[line])
    const isSlope = above.letter === "a"
    const factor = below.kind === "weights" ? "input" : isSlope ? "factor" : above.letter === "E" ? "first" : "weight"
    return [...inside, mistake(factor, others, part.of, part.to), ...(isSlope ? [mistake("itself", others * model.at(part.of), part.of)] : [])]
  })
}

/** The question about a weight after a step of gradient descent.
 * @param {Model} model @param {number} of @returns {Question | null}
 */
function update(model, of) {
  const { training, rate } = model
  if (training.isBatched) return null // the answer would not be a step
  const place = model.stateOf.get(of)
  const [value, slope, answer] = [model.at(of), model.at(model.slopeOf.get(of) ?? 0), training.next[place ?? 0]]
  if (Math.abs(answer - (value - rate * slope)) > 1e-12 * Math.max(1, Math.abs(answer))) return null // it is another rule
  return { kind: "update", of, root: null, names: [], answer, mistakes: [
    mistake("uphill", value + rate * slope), mistake("rate", value - slope), mistake("change", -rate * slope), mistake("change", rate * slope),
    mistake("unchanged", value), mistake("early", value - rate * slopeAfter(model, of)),
  ] }
}

/** A weight's slope if the other weights are updated first, a common mistake.
 * @param {Model} model @param {number} weight
 */
function slopeAfter({ training, slopeOf, content }, weight) {
  const { machine, next, state, order, forward } = training
  const isForward = new Set(forward)
  content.state.forEach((/** @type {number[]} */ [leaf], /** @type {number} */ k) => leaf !== weight && machine.fill(leaf, next[k]))
  machine.run(order.filter(k => !isForward.has(k)))
  const found = machine.at(slopeOf.get(weight) ?? 0)
  training.state = state
  machine.run(order)
  return found
}

/** @param {Mistake} found */
export const reason = found => PHRASES.mistakes[/** @type {keyof typeof PHRASES.mistakes} */ (found.why)]
