// Trains: the values of the latest epoch, and the state that passes from one epoch to the next.

import { Machine } from "./machine.js"
import { Batches } from "./batches.js"
import { dropOut } from "./masks.js"

/**
 * @typedef {[inputs: number[], targets: number[]]} Sample
 * @typedef {{
 *   lines: import("./machine.js").Line[], each: number[], inputs: number[], targets: number[],
 *   outputs: number[], weights: number[], trained: [number, number][],
 *   state: [leaf: number, next: number, start: number][], rate: number, count: number | null,
 *   steps?: number, loss: number, sampleLoss: number, least: number, startRate: number, epochs: number, samples: Sample[], most: number,
 *   seed: number, masks: import("./masks.js").MaskTable[],
 * }} Table what `targets/page/` writes
 */

export class Training {
  /** @param {Table} table @param {Sample[]} samples @param {number[]} start initial value of each state's leaf */
  constructor(table, samples, start) {
    this.table = table
    this.machine = new Machine(table.lines, table.each, samples.length)
    this.epoch = 1
    this.batch = 0 // samples per update; 0 for all of them
    this.batches = /** @type {Batches | null} */ (null)
    this.dropsNothing = false // whether values are shown as after training
    this.aim = /** @type {number | null} */ (null) // the step of a sequence whose error alone is shown
    this.learned = NaN // the training loss, which dropout changes
    this.isAimed = false
    this.next = new Float64Array(start.length)
    const wanted = [table.loss, ...table.outputs, ...table.trained.map(([, slope]) => slope)]
    this.order = this.machine.order([...wanted, ...table.state.map(([, next]) => next)])
    this.forward = this.machine.order([table.loss, ...table.outputs])
    this.samples = samples
    if (table.count !== null) this.machine.fill(table.count, samples.length)
    samples.forEach(([inputs, targets], k) => {
      inputs.forEach((value, j) => this.machine.put(table.inputs[j], k, value))
      targets.forEach((value, j) => this.machine.put(table.targets[j], k, value))
    })
    this.state = start
  }

  /** @returns {number[]} */
  get state() {
    return this.table.state.map(([leaf]) => this.machine.at(leaf))
  }

  set state(values) {
    this.table.state.forEach(([leaf], k) => this.machine.fill(leaf, values[k]))
  }

  /** @param {number} rate */
  set rate(rate) {
    this.machine.fill(this.table.rate, rate)
  }

  get loss() {
    return this.machine.at(this.table.loss)
  }

  /** Compute the epoch's values from the current weights. */
  evaluate() {
    const { machine, next, table } = this
    this.mask(false)
    this.target(null)
    machine.run(this.order)
    this.learned = this.loss
    table.state.forEach(([, following], k) => (next[k] = machine.at(following)))
    if (!this.dropsNothing && this.aim === null) return
    if (this.dropsNothing) this.mask(true)
    this.target(this.aim)
    machine.run(this.order)
  }

  /** Set the targets of one step of a sequence, as if the others had none; or all of them again.
   * @param {number | null} step @private
   */
  target(step) {
    const { machine, table: { targets, steps = 1 }, samples } = this
    if (step === null && !this.isAimed) return
    this.isAimed = step !== null
    samples.forEach(([, wanted], k) => wanted.forEach((value, j) =>
      machine.put(targets[j], k, step === null || Math.floor((j * steps) / targets.length) === step ? value : 0)))
  }

  /** Draw what dropout drops in this epoch, or let it drop nothing.
   * @param {boolean} isOff @private
   */
  mask(isOff) {
    const { machine, table } = this
    if (!isOff) dropOut(machine, table, this.epoch - 1, Array(machine.samples).keys())
    else for (const { lines } of table.masks) for (const line of lines) machine.fill(line, 1)
  }

  /** Update all weights, batch by batch if there are any, then compute the next epoch's values. */
  step() {
    const { machine, table } = this
    this.target(null)
    const next = this.isBatched ? this.inBatches() : this.next
    table.state.forEach(([leaf], k) => machine.fill(leaf, next[k]))
    this.epoch += 1
    this.evaluate()
  }

  /** Whether an epoch is more than one update. */
  get isBatched() {
    return this.batch > 0 && this.batch < this.machine.samples
  }

  /** @private */
  inBatches() {
    const { table, batch } = this
    if (this.batches?.size !== batch) this.batches = new Batches(table, batch, this.machine.order(table.state.map(([, next]) => next)))
    return this.batches.run(this.machine, this.epoch - 1)
  }

  /** The slope of the loss, or of one sample's error, measured by a nudge of one value up and down.
   * @param {number} line a leaf
   * @param {number} size of the nudge
   * @param {number | null} [sample]
   */
  measured(line, size, sample = null) {
    const before = this.machine.at(line)
    const [below, above] = [-size, size].map(nudge => this.lossWith(line, before + nudge, sample))
    return { below, above, slope: (above - below) / (2 * size) }
  }

  /** The loss, or one sample's error, with another value of a leaf, which then is as before.
   * @param {number} line @param {number} value @param {number | null} [sample] @returns {number}
   */
  lossWith(line, value, sample = null) {
    const { machine, table } = this
    const before = machine.at(line)
    machine.fill(line, value)
    machine.run(this.forward)
    const found = sample === null ? this.loss : machine.at(table.sampleLoss, sample)
    machine.fill(line, before)
    machine.run(this.forward)
    return found
  }
}
