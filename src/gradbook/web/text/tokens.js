// Tokens of a sequence: their numbers, and the 0s and 1s that networks read, as in `net/tokens.py`.

const NONE = -1 // for a step without a target

/**
 * @typedef {import("../machine/training.js").Sample} Sample
 * @typedef {{kinds: number, classes: number}} Coding how many tokens there are, and how many classes if targets are their numbers
 */

/** The numbers of tokens and classes, if a network's input is tokens.
 * @param {Pick<import("./fit.js").Net, "tokens" | "input" | "shapes" | "loss">} net @param {import("./statement.js").Grammar} grammar
 * @returns {Coding | null}
 */
export function codingOf({ tokens, input, shapes, loss }, { losses }) {
  const [classes] = shapes[shapes.length - 1]
  return tokens ? { kinds: input[1], classes: losses[loss].ofAll && classes > 1 ? classes : 0 } : null
}

/** A row for each place: a 1 there, and 0s elsewhere.
 * @param {number[]} places @param {number} count
 */
export const ones = (places, count) => places.flatMap(place => Array.from({ length: count }, (_, k) => Number(k === place)))

/** The places of the 1s in rows of so many 0s and 1s; null if a row is anything else.
 * @param {number[]} values @param {number} count @param {boolean} [mayBeNone] @returns {number[] | null}
 */
export function tokensIn(values, count, mayBeNone = false) {
  const found = Array.from({ length: values.length / count }, (_, k) => {
    const row = values.slice(k * count, (k + 1) * count)
    const place = row.indexOf(1)
    const isOne = row.every((it, j) => it === Number(j === place))
    return isOne && (place >= 0 || mayBeNone) ? place : NaN
  })
  return found.some(Number.isNaN) ? null : found
}

/** A sample by numbers, the targets only if they are classes.
 * @param {Sample} sample @param {Coding} coding @returns {Sample}
 */
export function byNumber([inputs, targets], { kinds, classes }) {
  const known = classes ? tokensIn(targets, classes, targets.length > classes) : null
  return [tokensIn(inputs, kinds) ?? inputs, known ?? targets]
}

/** The reverse, or what is wrong with the numbers.
 * @param {Sample} sample @param {Coding} coding @param {number} outputs @returns {Sample | {what: string, value: number, count: number}}
 */
export function spelledOut([inputs, targets], { kinds, classes }, outputs) {
  const areClasses = classes > 0 && targets.length === outputs / classes
  const mayBeNone = outputs > classes
  const wrong = (/** @type {number[]} */ values, /** @type {number} */ count, /** @type {number} */ least) => values.find(it => !(Number.isInteger(it) && it >= least && it < count))
  const token = wrong(inputs, kinds, 0)
  if (token !== undefined) return { what: "token", value: token, count: kinds }
  const other = areClasses ? wrong(targets, classes, mayBeNone ? NONE : 0) : undefined
  if (other !== undefined) return { what: "class", value: other, count: classes }
  return [ones(inputs, kinds), areClasses ? ones(targets, classes) : targets]
}
