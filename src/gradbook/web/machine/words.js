// What each word of the lines means, in double precision.
//
// A word writes n numbers from m[o] on. Its operands are pairs of a place and a stride: a value
// per sample has stride 1, and one that all samples share has 0.

/** @typedef {(m: Float64Array, o: number, n: number, args: Int32Array) => void} Word */

/** @param {(a: number) => number} f @returns {Word} */
const one = f => (m, o, n, args) => {
  const [a, p] = args
  for (let k = 0; k < n; k++) m[o + k] = f(m[a + k * p])
}

/** @param {(a: number, b: number) => number} f @returns {Word} */
const two = f => (m, o, n, args) => {
  const [a, p, b, q] = args
  for (let k = 0; k < n; k++) m[o + k] = f(m[a + k * p], m[b + k * q])
}

/** Applied from the first operand to the last.
 * @param {(a: number, b: number) => number} f @returns {Word}
 */
const folded = f => (m, o, n, args) => {
  for (let k = 0; k < n; k++) {
    let y = m[args[0] + k * args[1]]
    for (let j = 2; j < args.length; j += 2) y = f(y, m[args[j] + k * args[j + 1]])
    m[o + k] = y
  }
}

/** ln(e^a + e^b), computed relative to the larger.
 * @param {number} a @param {number} b
 */
function logAddExp(a, b) {
  if (a === b) return a + Math.LN2
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))
}

/** The share of a normal distribution below x: by the series of its integral or, far below zero,
* where that would lose digits against ½, by the continued fraction of the tail.
 * @param {number} x @returns {number}
 */
function normalShare(x) {
  const bell = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  if (x > 2) return 1 - normalShare(-x)
  let found = 0
  if (x < -2) {
    for (let k = 100; k > 0; k--) found = k / (found - x)
    return bell / (found - x)
  }
  for (let term = x, k = 1; Math.abs(term) > 1e-17; k += 2, term *= (x * x) / k) found += term
  return 0.5 + bell * found
}

/** @type {Word} The sum over the samples; of an operand that they share, its one value. */
function total(m, o, n, args) {
  const [a, , count] = args
  let sum = 0
  for (let k = 0; k < count; k++) sum += m[a + k]
  m[o] = sum
}

/** @type {Word} 1 where operand `which` is the largest; a tie goes to the first. */
function isLargest(m, o, n, args) {
  const which = args[0]
  for (let k = 0; k < n; k++) {
    const mine = m[args[1 + 2 * which] + k * args[2 + 2 * which]]
    let is = 1
    for (let j = 0; 2 * j + 1 < args.length; j++) {
      const other = m[args[1 + 2 * j] + k * args[2 + 2 * j]]
      if (j < which ? !(mine > other) : j > which && !(mine >= other)) is = 0
    }
    m[o + k] = is
  }
}

/** @type {Record<string, Word>} */
export const WORDS = {
  copy: one(a => a),
  repeat: one(a => a),
  total,
  add: (m, o, n, [a, p, b, q]) => {
    for (let k = 0; k < n; k++) m[o + k] = m[a + k * p] + m[b + k * q]
  },
  subtract: (m, o, n, [a, p, b, q]) => {
    for (let k = 0; k < n; k++) m[o + k] = m[a + k * p] - m[b + k * q]
  },
  multiply: (m, o, n, [a, p, b, q]) => {
    for (let k = 0; k < n; k++) m[o + k] = m[a + k * p] * m[b + k * q]
  },
  divide: two((a, b) => a / b),
  negate: one(a => -a),
  power: two((a, b) => (b === 2 ? a * a : a ** b)),
  exp: one(Math.exp),
  log: one(Math.log),
  sqrt: one(Math.sqrt),
  sin: one(Math.sin),
  cos: one(Math.cos),
  atan: one(Math.atan),
  tanh: one(Math.tanh),
  normal_share: one(normalShare),
  floor: one(Math.floor),
  whole: one(a => Math.floor(Math.abs(a - Math.round(a)) < 1e-14 * Math.abs(a) ? Math.round(a) : a)), // as a spreadsheet rounds down
  relu: one(a => Math.max(a, 0)),
  softplus: one(a => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)))),
  log_sum_exp: folded(logAddExp),
  choose: (m, o, n, [c, r, a, p, b, q]) => {
    for (let k = 0; k < n; k++) m[o + k] = m[c + k * r] > 0 ? m[a + k * p] : m[b + k * q]
  },
  sum_of_all: folded((a, b) => a + b),
  largest: folded(Math.max),
  is_largest: isLargest,
}
