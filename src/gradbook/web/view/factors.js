// The chain of one weight in three factors: the error that reaches its unit, the slope there, and what
// the weight carries. All numbers are of one moment and of one sample; the means are of all samples.

import { numeral } from "./language.js"

const NUDGE = 1e-5
const APART = 1e-6 // of the error: less between the slopes on both sides is rounding

/**
 * @typedef {import("./field.js").Column} Column
 * @typedef {import("./field.js").Unit} Unit
 * @typedef {{kind: "error" | "slope" | "carried", of: number | null, to: number, value: number}} Factor the derivative of `of`, by `to`
 * @typedef {{weight: number, unit: Unit, source: Unit | null, column: number, row: number, from: [column: number, row: number] | null}} Place of a weight
 * @typedef {{
 *   place: Place, factors: Factor[], product: number, nudged: number, sides: [below: number, above: number] | null, value: number, mean: number, next: number,
 *   sample: number, count: number, rate: number, epoch: number,
 * }} Reading
 */

/** Where a weight or a bias is, if it is used at one place.
 * @param {Column[]} columns @param {number} weight @returns {Place | null}
 */
export function placeOf(columns, weight) {
  const found = /** @type {Place[]} */ ([])
  columns.forEach(({ units }, column) => units.forEach((unit, row) => {
    if (!unit) return
    if (unit.above === weight && unit.values.length) found.push({ weight, unit, source: null, column, row, from: null })
    for (const [place, own, back = 1] of unit.from) {
      const source = columns[column - back]?.units[place]
      if (own === weight && source) found.push({ weight, unit, source, column, row, from: [column - back, place] })
    }
  }))
  return found.length === 1 ? found[0] : null
}

/** The partial derivatives that chains multiply, by "of to".
 * @param {any} content @returns {Map<string, number>}
 */
export function partialsOf({ chains }) {
  const found = new Map()
  const gather = (/** @type {import("./chain.js").Tree} */ { kind, of, to, value, parts = [] }) => {
    if (kind === "partial") found.set(`${of} ${to}`, value)
    for (const part of parts) gather(part)
  }
  for (const [, tree] of chains) gather(tree)
  return found
}

/** The weight that speaks for a value: itself, or of a unit the one with the largest mean slope that
* leaves it, else that reaches it.
 * @param {import("./model.js").Model} model @param {number} line @returns {number | null}
 */
export function weightFor(model, line) {
  const { columns } = model.content
  if (model.slopeOf.has(line)) return line
  const [out, into] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])]
  columns.forEach((/** @type {Column} */ { units }, /** @type {number} */ k) => units.forEach(unit => unit?.from.forEach(([row, weight, back = 1]) => {
    if (weight === null || !model.slopeOf.has(weight)) return
    if (columns[k - back].units[row]?.values.includes(line)) out.push(weight)
    if (unit.values.includes(line)) into.push(weight)
  })))
  return steepest(model, out.length ? out : into)
}

/** @param {import("./model.js").Model} model @param {number[]} weights */
export function steepest(model, weights) {
  const size = (/** @type {number} */ weight) => Math.abs(model.at(model.slopeOf.get(weight) ?? weight)) || 0
  return weights.reduce((/** @type {number | null} */ best, weight) => (best === null || size(weight) > size(best) ? weight : best), null)
}

/** The sample whose slope is the largest.
 * @param {import("./model.js").Model} model @param {number} weight
 */
export function steepestSample(model, weight) {
  const { content, samples, training: { machine } } = model
  const line = content.sampleSlopes[weight] ?? content.slopes[weight]
  const size = (/** @type {number} */ k) => Math.abs(machine.at(line, k)) || 0
  return samples.reduce((best, _, k) => (size(k) > size(best) ? k : best), 0)
}

/** Everything that is said of a weight; null if it is used at several places, or not trained.
 * @param {import("./model.js").Model} model @param {number} weight @param {Map<string, number>} partials @returns {Reading | null}
 */
export function readingOf(model, weight, partials) {
  const { content, sample, samples, training, rate, epoch } = model
  const place = placeOf(content.columns, weight)
  const slope = model.slopeOf.get(weight)
  if (!place || slope === undefined) return null
  const at = (/** @type {number} */ line) => training.machine.at(line, sample)
  const { unit: { values }, source } = place
  const [sum, own] = values
  const through = own === undefined ? undefined : partials.get(`${own} ${sum}`)
  const isAlone = content.partials.every((/** @type {[number, number, string]} */ [of, to]) => to !== sum || of === own) // a softmax reads every sum
  const isThree = through !== undefined && content.slopes[own] !== undefined && values.length === 2 && isAlone
  const reached = isThree ? own : sum
  const factors = /** @type {Factor[]} */ ([
    { kind: "error", of: null, to: reached, value: at(content.slopes[reached]) },
    ...(isThree ? [{ kind: "slope", of: own, to: sum, value: at(through) }] : []),
    { kind: "carried", of: sum, to: weight, value: source ? at(source.values[source.values.length - 1]) : 1 },
  ])
  const [, next] = content.state.find((/** @type {number[]} */ [leaf]) => leaf === weight)
  const product = at(content.sampleSlopes[weight] ?? content.slopes[weight])
  return {
    place, factors, product, nudged: training.measured(weight, NUDGE, sample).slope, sides: cornerAt(model, weight), value: at(weight), mean: at(slope), next: at(next),
    sample, count: samples.length, rate, epoch,
  }
}

/** The slopes below and above a weight if they differ: by how much doesn't depend on the nudge then, as it does on a curve.
 * @param {import("./model.js").Model} model @param {number} weight @returns {[below: number, above: number] | null}
 */
function cornerAt({ content, sample, training }, weight) {
  const error = training.machine.at(content.sampleLoss, sample)
  const [sides, closer] = [NUDGE, NUDGE / 10].map(size => {
    const { below, above } = training.measured(weight, size, sample)
    return /** @type {[number, number]} */ ([(error - below) / size, (above - error) / size])
  })
  const [apart, nearer] = [sides, closer].map(([below, above]) => Math.abs(above - below))
  return apart > APART * Math.max(1, Math.abs(error)) && nearer > apart / 2 ? sides : null
}

// Numbers as they are printed ------------------------------------------------------

/** With so many decimals; very small and large ones by their power of ten.
 * @param {number} value @param {number} decimals
 */
export function fixed(value, decimals) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞"
  const size = Math.abs(value)
  const isPlain = size === 0 || (size >= 10 ** (1 - decimals) && size < 1e5)
  const whole = size >= 1000 ? Math.max(0, decimals - 3) : size >= 10 ? Math.max(0, decimals - 1) : decimals
  return numeral((isPlain ? value.toFixed(whole) : value.toExponential(Math.max(1, decimals - 3))).replaceAll("-", "−").replace("e+", "e"))
}

export const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"

/** A name in plain text: w₅, h₃.
 * @param {import("./dom.js").Name} name
 */
export const plainName = ({ letter, below }) => letter + below.replace(/\d/g, digit => SUBSCRIPTS[Number(digit)])
