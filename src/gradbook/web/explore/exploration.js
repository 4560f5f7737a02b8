// What the page knows: a result, the numbers behind it, and the slopes between them.

import { Machine } from "../machine/machine.js"
import { roundUp } from "../view/curve.js"
import { settled, tidied } from "./amounts.js"

const NUDGES = { exact: [1e-4, 1e-3], rounded: [1e-2, 2e-2] } // of a number, and how far that may be from a slope
const [NOISE, FINER] = [1e-11, 8] // of a result, and a nudge by which corners are told from bends
const STEPS_OF_0 = 20 // to either side

/**
 * @typedef {{label: string, place: string, line: number, form: import("./amounts.js").Form, formula: string, jumps: string, value: number, step: number, note: string, is_header: boolean}} Value what derivatives/exploration.py writes
 * @typedef {[from: number, to: number, line: number]} Link
 * @typedef {{title: string, inputs: Value[], formulas: Value[], groups: {label: string, place: string, values: number[]}[], lines: import("../machine/machine.js").Line[], links: Link[]}} Given
 */

export class Exploration {
  /** @param {Given} content */
  constructor(content) {
    this.content = content
    this.values = [...content.inputs, ...content.formulas]
    this.count = content.inputs.length
    this.groups = /** @type {number[]} */ ([]) // of each value
    content.groups.forEach(({ values }, group) => values.forEach(k => (this.groups[k] = group)))
    this.machine = new Machine(content.lines, [], 1)
    this.everything = this.machine.order(content.lines.map((_, k) => k))
    this.orders = /** @type {Record<number, number[]>} */ ({}) // of computation, by results
    this.back = [...content.links].reverse()
    this.slopes = new Float64Array(this.values.length) // of the result by every value
    this.ranges = /** @type {[number, number][]} */ ([])
    this.listeners = /** @type {(() => void)[]} */ ([])
    this.result = this.values.length - 1
    this.chosen = 0
    this.restoreAll()
    this.file = this.values.map((_, k) => this.at(k))
    this.forms = this.values.map(({ form }, k) => settled(form, this.file[k]))
    this.ranges = content.inputs.map((value, k) => rangeOf(value, this.forms[k]))
  }

  /** @param {number} k */
  at(k) {
    return this.machine.at(this.values[k].line)
  }

  /** @param {number} k */
  isMoved(k) {
    return this.at(k) !== this.file[k]
  }

  get hasMoved() {
    return this.content.inputs.some((_, k) => this.isMoved(k))
  }

  /** Change numbers.
   * @param {[number, number][]} changes
   */
  put(...changes) {
    for (const [k, value] of changes) {
      this.machine.fill(this.values[k].line, value)
      const range = this.ranges[k]
      if (range && (value < range[0] || value > range[1])) this.ranges[k] = [Math.min(range[0], value), Math.max(range[1], value)]
    }
    this.compute()
  }

  restoreAll() {
    this.put(...this.content.inputs.map(({ value }, k) => /** @type {[number, number]} */ ([k, value])))
  }

  /** @param {number} k */
  choose(k) {
    if (k === this.chosen) return
    this.chosen = k
    this.say()
  }

  /** @param {number} k */
  ask(k) {
    this.result = k
    this.compute()
  }

  /** @private */
  compute() {
    this.machine.run(this.everything)
    this.slopes = this.backward()
    this.say()
  }

  /** @private */
  say() {
    for (const listener of this.listeners) listener()
  }

  /** The slope of the result by every value: each formula's slope, times the result's by the formula. */
  backward() {
    const slopes = new Float64Array(this.values.length)
    slopes[this.result] = 1
    for (const [from, to, line] of this.back) if (slopes[to]) slopes[from] += slopes[to] * this.machine.at(line)
    return slopes
  }

  /** The slope of every value by a number, also without the ways through some values.
   * @param {number} source @param {Set<number>} [closed]
   */
  forward(source, closed = new Set()) {
    const slopes = new Float64Array(this.values.length)
    slopes[source] = 1
    for (const [from, to, line] of this.content.links) if (slopes[from] && !closed.has(to)) slopes[to] += slopes[from] * this.machine.at(line)
    return slopes
  }

  /** The share of a number's effect that passes some values.
   * @param {number} k @param {number[]} through
   */
  share(k, through) {
    return 1 - this.forward(k, new Set(through))[this.result] / this.slopes[k]
  }

  /** How many per cent the result changes if a number changes by 1 %; NaN where one of them is 0, and of
   * a date.
   * @param {number} k
   */
  percent(k) {
    const part = (this.slopes[k]) * (this.at(k) / this.at(this.result))
    return this.at(k) && !this.forms[k].is_date ? part : NaN
  }

  /** How much a number matters: what the result does if all of it, or a step, is added.
   * @param {number} k
   */
  weight(k) {
    const size = this.forms[k].is_date ? STEPS_OF_0 : Math.max(Math.abs(this.at(k)), this.values[k].step)
    const weight = Math.abs(this.slopes[k]) * size
    return Number.isFinite(weight) ? weight : 0
  }

  /** Look at results at other values of a number, all others as they are.
   * @template Found
   * @param {number} k @param {(at: (value: number) => number) => Found} look @returns {Found}
   */
  probe(k, look) {
    const { machine, result } = this
    const [line, wanted] = [this.values[k].line, this.values[result].line]
    const kept = machine.values.slice()
    const order = this.orders[result] ??= machine.order([wanted])
    const answer = look(value => {
      machine.fill(line, value)
      machine.run(order)
      return machine.at(wanted)
    })
    machine.values.set(kept)
    return answer
  }

  /** Whether a nudge to either side changes the result as the slope says.
   * @param {number} k
   */
  isConfirmed(k) {
    const [value, slope, now] = [this.at(k), this.slopes[k], this.at(this.result)]
    const isRounded = this.between(k).some(it => this.values[it].jumps.includes("ROUND"))
    const [nudge, close] = isRounded ? NUDGES.rounded : NUDGES.exact
    const step = (Math.abs(value) || this.values[k].step) * nudge
    const [low, high, bend, finer] = this.probe(k, at => {
      const [low, high] = [at(value - step), at(value + step)]
      return [low, high, Math.abs(high - 2 * now + low) / step, (FINER * Math.abs(at(value + step / FINER) - 2 * now + at(value - step / FINER))) / step]
    })
    const nudged = (high - low) / (2 * step)
    const near = close * Math.max(Math.abs(slope), Math.abs(nudged)) + (NOISE * Math.abs(now)) / step
    const hasCorner = bend > Math.max(near, close * bend) && finer > bend / 2
    return Math.abs(nudged - slope) <= near && !hasCorner
  }

  /** Every value that a number changes and that the result depends on, the number first.
   * @param {number} k
   */
  between(k) {
    const [after, before] = [new Set([k]), new Set([this.result])]
    for (const [from, to] of this.content.links) if (after.has(from)) after.add(to)
    for (const [from, to] of this.back) if (before.has(to)) before.add(from)
    return [...after].filter(it => before.has(it)).sort((a, b) => a - b)
  }

  /** A number on the grid of its steps.
   * @param {number} k @param {number} value
   */
  onGrid(k, value) {
    const { step } = this.values[k]
    return tidied(Math.round(value / step) * step)
  }
}

/** From half a number to one and a half of it, and of a percentage from 0.7 to 1.4 times it, with round
 * ends.
 * @param {Value} value @param {import("./amounts.js").Form} form @returns {[number, number]}
 */
function rangeOf({ value, step }, form) {
  const [least, most] = form.is_percent ? [Math.SQRT1_2, Math.SQRT2] : [0.5, 1.5]
  if (form.is_date || !value || !Number.isFinite(value)) return [value - STEPS_OF_0 * step, value + STEPS_OF_0 * step]
  const [low, high] = [value * least, value * most].sort((a, b) => a - b)
  const grid = Math.max(roundUp((high - low) / 7), step)
  const [first, last] = [low, high].map(end => tidied(Math.round(end / grid) * grid))
  return [Math.min(first, value), Math.max(last, value)]
}
