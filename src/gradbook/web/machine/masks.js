// The masks of dropout, drawn by counting: the numbers of `gradbook/chance.py`, so that a
// seed drops the same values on a page as on the command line.

/**
 * @typedef {{layer: number, rate: number, lines: number[], kept: number[][]}} MaskTable of one layer:
 *   its masks in the order in which they are drawn, and the values that each of them is applied to
 */

const STRIDE = /** @type {const} */ ([0x9e3779b9, 0x7f4a7c15])
const FACTORS = /** @type {const} */ ([[0xbf58476d, 0x1ce4e5b9], [0x94d049bb, 0x133111eb]])
const DROPOUT = 1 // the word that separates these numbers from those for other purposes
const PIECES = 4 // of 16 bits in one number
const FINE = 2 ** 16

/** A number of 64 bits, in halves; sums and products wrap around. */
export class Counter {
  constructor(high = 0, low = 0) {
    this.high = high
    this.low = low
  }

  /** @param {number} high @param {number} low */
  add(high, low) {
    const sum = this.low + low
    this.high = (this.high + high + (sum >= 2 ** 32 ? 1 : 0)) >>> 0
    this.low = sum >>> 0
  }

  /** @param {readonly [number, number]} factor @private */
  multiply([high, low]) {
    const [a, b, c, d] = [this.low & 0xffff, this.low >>> 16, low & 0xffff, low >>> 16]
    const [ad, bc] = [a * d, b * c]
    const middle = Math.floor((a * c) / FINE) + (ad % FINE) + (bc % FINE)
    const carried = b * d + Math.floor(ad / FINE) + Math.floor(bc / FINE) + Math.floor(middle / FINE)
    this.high = (Math.imul(this.high, low) + Math.imul(this.low, high) + carried) >>> 0
    this.low = Math.imul(this.low, low) >>> 0
  }

  /** The exclusive or of a number and itself shifted right by so many bits.
   * @param {number} by @private
   */
  fold(by) {
    const low = ((this.low >>> by) | (this.high << (32 - by))) >>> 0
    this.high = (this.high ^ (this.high >>> by)) >>> 0
    this.low = (this.low ^ low) >>> 0
  }

  /** SplitMix64's last steps. */
  mix() {
    this.fold(30)
    this.multiply(FACTORS[0])
    this.fold(27)
    this.multiply(FACTORS[1])
    this.fold(31)
  }

  /** The key that follows from this one and a word.
   * @param {number} word
   */
  with(word) {
    const key = new Counter(this.high, this.low)
    key.add(0, word)
    key.add(...STRIDE)
    key.mix()
    return key
  }
}

/** The masks of one layer for one sample: 0 at random, else the factor that keeps the mean.
 * @param {number} seed @param {number} epoch from 0 @param {number} sample @param {MaskTable} table
 */
export function drawn(seed, epoch, sample, { layer, rate, lines }) {
  const below = Math.min(even(rate * FINE), FINE - 1)
  const steps = new Counter().with(seed).with(DROPOUT).with(epoch).with(sample).with(layer)
  const number = new Counter()
  return lines.map((_, k) => {
    if (k % PIECES === 0) {
      steps.add(...STRIDE)
      number.high = steps.high
      number.low = steps.low
      number.mix()
    }
    const half = k % PIECES < 2 ? number.low : number.high
    const piece = k % 2 ? half >>> 16 : half & 0xffff
    return piece < below ? 0 : 1 / (1 - rate)
  })
}

/** Put the masks of these samples into a machine; `samples` are their numbers among all.
 * @param {import("./machine.js").Machine} machine @param {{masks: MaskTable[], seed: number}} table
 * @param {number} epoch from 0 @param {Iterable<number>} samples
 */
export function dropOut(machine, { masks, seed }, epoch, samples) {
  if (!masks.length) return
  let place = 0
  for (const sample of samples) {
    for (const it of masks) drawn(seed, epoch, sample, it).forEach((value, j) => machine.put(it.lines[j], place, value))
    place += 1
  }
}

/** Rounded as Python does: a half goes to the even number.
 * @param {number} value
 */
export function even(value) {
  const low = Math.floor(value)
  return value - low === 0.5 ? low + (low % 2) : Math.round(value)
}
