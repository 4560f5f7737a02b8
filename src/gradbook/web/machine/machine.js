// Computes lines: one array of numbers, and the index at which each line's begin.

import { WORDS } from "./words.js"

/** @typedef {[string, ...number[]]} Line a word and its operands, which are earlier lines */

/** A table of lines with room for their values over so many samples. */
export class Machine {
  /**
   * @param {Line[]} lines
   * @param {number[]} each the lines with a value for every sample
   * @param {number} samples
   */
  constructor(lines, each, samples) {
    this.lines = lines
    this.samples = samples
    const wide = new Set(each)
    this.strides = lines.map((_, k) => (wide.has(k) ? 1 : 0))
    this.places = /** @type {number[]} */ ([])
    let room = 0
    for (const stride of this.strides) {
      this.places.push(room)
      room += stride ? samples : 1
    }
    this.values = new Float64Array(room)
    this.commands = lines.map((line, k) => this.command(line, k))
    lines.forEach(([word, value], k) => {
      if (word === "constant") this.fill(k, value)
    })
  }

  /** @param {Line} line @param {number} k @private */
  command([word, ...operands], k) {
    if (word === "leaf" || word === "constant") return null
    const [out, n] = [this.places[k], this.strides[k] ? this.samples : 1]
    const which = word === "is_largest" ? [operands.shift() ?? 0] : []
    const args = operands.flatMap(j => [this.places[j], this.strides[j]])
    if (word === "total") args.push(this.strides[operands[0]] ? this.samples : 1)
    return { run: WORDS[word], out, n, args: Int32Array.from([...which, ...args]) }
  }

  /** The lines that these are computed from, themselves included, in order.
   * @param {number[]} wanted
   * @param {Iterable<number>} [known] lines that are already computed
   */
  order(wanted, known = []) {
    const needed = new Set(wanted)
    const given = new Set(known)
    for (let k = Math.max(...wanted); k >= 0; k--) {
      const [word, ...operands] = this.lines[k]
      if (!needed.has(k) || given.has(k) || word === "constant") continue
      for (const j of word === "is_largest" ? operands.slice(1) : operands) needed.add(j)
    }
    return [...needed].filter(k => this.commands[k] && !given.has(k)).sort((a, b) => a - b)
  }

  /** @param {number[]} order */
  run(order) {
    for (const k of order) {
      const command = this.commands[k]
      if (command) command.run(this.values, command.out, command.n, command.args)
    }
  }

  /** Give a line one value, for all samples.
   * @param {number} line @param {number} value
   */
  fill(line, value) {
    const at = this.places[line]
    this.values.fill(value, at, at + (this.strides[line] ? this.samples : 1))
  }

  /** @param {number} line @param {number} sample @param {number} value */
  put(line, sample, value) {
    this.values[this.places[line] + sample * this.strides[line]] = value
  }

  /** The value of a line, for one sample if it has one per sample.
   * @param {number} line
   * @param {number} [sample]
   */
  at(line, sample = 0) {
    return this.values[this.places[line] + sample * this.strides[line]]
  }
}
