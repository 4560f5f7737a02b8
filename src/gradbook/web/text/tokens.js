// Tokens of a sequence: their numbers, and the 0s and 1s that networks read, as `gradbook/net/tokens.py` has them.

const NONE = -1 // of a step whose error doesn't count

/**
 * @typedef {import("../machine/training.js").Sample} Sample
 * @typedef {{kinds: number, classes: number}} Coding how many tokens there are, and how many classes where targets go by their numbers
 */

/** How a network's samples are given by numbers, where its input is tokens.
 * @param {Pick<import("./fit.js").Net, "tokens" | "input" | "shapes" | "loss">} net @param {import("./statement.js").Grammar} grammar
 * @returns {Coding | null}
 */
export function codingOf({ tokens, input, shapes, loss }, { losses }) {
  const [classes] = shapes[shapes.length - 1]
  return tokens ? { kinds: input[1], classes: losses[loss].ofAll && classes > 1 ? classes : 0 } : null
}

/** A 1 at each place, and 0s beside it.
 * @param {number[]} places @param {number} count
 */
export const ones = (places, count) => places.flatMap(place => Array.from({ length: count }, (_, k) => Number(k === place)))

/** The places of the 1s in rows of so many 0s and 1s; nothing where a row is anything else.
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

/** A sample by numbers, as far as its targets are classes.
 * @param {Sample} sample @param {Coding} coding @returns {Sample}
 */
export function byNumber([inputs, targets], { kinds, classes }) {
  const known = classes ? tokensIn(targets, classes, targets.length > classes) : null
  return [tokensIn(inputs, kinds) ?? inputs, known ?? targets]
}

/** The reverse, where the numbers can be meant; else what is wrong with them.
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
