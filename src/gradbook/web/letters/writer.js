// A network that learns lines letter by letter: its training, line by line, and what it writes.

import { Random } from "../machine/chance.js"

/**
 * @typedef {import("../wasm/engine.js").WasmEngine} WasmEngine
 * @typedef {{alphabet: string, context: number, rate: number, training: string[], heldOut: string[], start: Record<string, Float32Array>, attention: Attention[]}} Letters
 *   the lines to learn from, in their order, and those that are held out
 * @typedef {{heads: number, size: number}} Attention a layer's heads, and how many shares they have
 */

const END = 0 // the token before the first letter and after the last, as in gradbook/lab/texts.py
const MOST = 64 // steps at once

export class Writer {
  /** @param {WasmEngine} engine @param {Letters} letters */
  constructor(engine, letters) {
    this.engine = engine
    this.letters = letters
    this.kinds = letters.alphabet.length + 1
    this.numbers = letters.context * this.kinds // of a line
    this.shares = letters.attention.reduce((sum, { size }) => sum + size, 0) // of a line; they come before what follows
    const { training, heldOut } = letters
    this.lines = this.kept(training)
    this.test = this.kept(heldOut)
    this.begun = engine.keep(Float32Array, this.numbers)
    this.said = engine.keep(Float32Array, Math.max(heldOut.length, 1) * (this.shares + this.numbers))
    this.order = engine.keep(BigInt64Array, MOST)
    this.rates = engine.keep(Float64Array, MOST)
    this.losses = engine.keep(Float64Array, MOST)
    this.right = engine.keep(Int32Array, MOST)
    const as = (/** @type {number} */ value) => engine.kept(new Float32Array(letters.context).fill(value))
    engine.fill("job", engine.job, { batch: 1, scale: as(1), shift: as(0) }) // numbers are not scaled
    this.done = 0
    this.begin()
  }

  /** Start again from the initial weights, with the update's memories empty. */
  begin() {
    const { engine, letters } = this
    this.done = 0
    const none = Object.entries(engine.table.arrays).map(([name, [, size]]) => [name, new Float32Array(size)])
    engine.restore({ ...Object.fromEntries(none), ...letters.start })
  }

  /** @param {string} line @returns {number[]} */
  encoded(line) {
    return [END, ...[...line].map(letter => this.letters.alphabet.indexOf(letter) + 1), END]
  }

  /** The letters of lines as 0s and 1s, and those that follow each; after a line's end all are 0.
   * @param {string[]} lines @private
   */
  kept(lines) {
    const { engine, kinds, numbers, letters: { context } } = this
    const [given, wanted] = [0, 1].map(() => new Float32Array(lines.length * numbers))
    lines.forEach((line, k) => this.encoded(line).slice(0, context + 1).forEach((token, step, all) => {
      if (step < all.length - 1) given[k * numbers + step * kinds + token] = 1
      if (step) wanted[k * numbers + (step - 1) * kinds + token] = 1
    }))
    return { given: engine.kept(given), wanted: engine.kept(wanted), count: lines.length }
  }

  /** Take so many of a training's `all` steps, at a rate that falls to 0; returns the loss of each.
   * @param {number} steps @param {number} all @returns {number[]}
   */
  learn(steps, all) {
    const { engine, lines, letters, order, rates, losses, right } = this
    const count = Math.min(steps, MOST, all - this.done)
    const numbers = Array.from({ length: count }, (_, k) => this.done + k)
    order.values.set(numbers.map(it => BigInt(it % lines.count)))
    rates.values.set(numbers.map(it => letters.rate * (1 - it / all)))
    engine.train({ images: count, numbers: lines.given, targets: lines.wanted, order, rates, losses, right })
    this.done += count
    return [...losses.values.slice(0, count)]
  }

  /** @param {any} given @param {number} images @private */
  predict(given, images) {
    this.engine.predict({ images, numbers: given, outputs: this.said, targets: 0, order: 0, rates: 0, losses: 0, right: 0 })
    return this.said.values
  }

  /** The loss per letter of the held-out lines: the mean over lines of each line's mean. */
  testLoss() {
    const { test, kinds, numbers, letters: { context } } = this
    const said = this.predict(test.given, test.count)
    const wanted = test.wanted.values
    let sum = 0
    for (let k = 0; k < test.count; k++) {
      let [loss, steps] = [0, 0]
      for (let step = 0; step < context; step++) {
        const first = k * numbers + step * kinds
        const token = wanted.subarray(first, first + kinds).indexOf(1)
        if (token < 0) continue
        loss -= Math.log(Math.max(said[(k + 1) * this.shares + first + token], Number.MIN_VALUE))
        steps += 1
      }
      sum += loss / steps
    }
    return sum / test.count
  }

  /** The probability of each token to come next.
   * @param {number[]} tokens those so far @returns {number[]}
   */
  next(tokens) {
    return this.look(tokens).next(tokens.length - 1)
  }

  /** A line in the network: the shares of attention, layer by layer, and what comes after each token.
   * @param {number[]} tokens
   */
  look(tokens) {
    const { begun, kinds, letters: { attention } } = this
    begun.values.fill(0)
    tokens.forEach((token, step) => (begun.values[step * kinds + token] = 1))
    const said = this.predict(begun, 1)
    let end = 0
    const shares = attention.map(({ size }) => said.slice(end, (end += size)))
    const next = (/** @type {number} */ step) => [...said.slice(end + step * kinds, end + (step + 1) * kinds)]
    return { shares, next }
  }

  /** Lines like those that it learned; at temperature 0, always with the likeliest letter.
   * @param {number} count @param {number} temperature @param {number | string} seed
   */
  write(count, temperature, seed) {
    const random = new Random(seed)
    return Array.from({ length: count }, () => this.line(random, temperature))
  }

  /** @param {Random} random @param {number} temperature @private */
  line(random, temperature) {
    const { alphabet, context } = this.letters
    const tokens = [END]
    while (tokens.length <= context) {
      const token = chosen(this.next(tokens), random, temperature)
      if (token === END) break
      tokens.push(token)
    }
    return tokens.slice(1).map(token => alphabet[token - 1]).join("")
  }
}

/** Draw a token at random; a higher temperature makes unlikely ones likelier.
 * @param {number[]} shares @param {Random} random @param {number} temperature
 */
export function chosen(shares, random, temperature) {
  const most = Math.max(...shares)
  if (!temperature) return shares.indexOf(most)
  const weights = shares.map(share => (share / most) ** (1 / temperature))
  let left = random.random() * weights.reduce((sum, weight) => sum + weight, 0)
  const found = weights.findIndex(weight => (left -= weight) < 0)
  return found < 0 ? shares.indexOf(most) : found
}
