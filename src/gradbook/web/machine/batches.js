// Epochs in batches: which samples each update uses, in the order of `gradbook/chance.py`, so that
// a seed shuffles them on a page as on the command line.

import { Machine } from "./machine.js"
import { Counter, dropOut } from "./masks.js"

const ORDER = 3 // the word that separates these numbers from those for other purposes

/** The order of the samples in an epoch.
 * @param {number} seed @param {number} epoch from 0 @param {number} count
 */
export function shuffled(seed, epoch, count) {
  const epochKey = new Counter().with(seed).with(ORDER).with(epoch)
  const keys = Array.from({ length: count }, (_, k) => epochKey.with(k))
  return keys.map((_, k) => k).sort((a, b) => keys[a].high - keys[b].high || keys[a].low - keys[b].low || a - b)
}

/** Takes a network through its samples, so many per update. */
export class Batches {
  /** @param {import("./training.js").Table} table @param {number} size @param {number[]} wanted lines of each update */
  constructor(table, size, wanted) {
    this.table = table
    this.size = size
    this.wanted = wanted
    this.machines = /** @type {Map<number, Machine>} */ (new Map()) // by their number of samples
  }

  /** The state after an epoch.
   * @param {Machine} whole with every sample, the rate and the state before the epoch
   * @param {number} epoch from 0 @returns {number[]}
   */
  run(whole, epoch) {
    const { table, size } = this
    const order = shuffled(table.seed, epoch, whole.samples)
    let state = table.state.map(([leaf]) => whole.at(leaf))
    for (let k = 0; k < order.length; k += size) state = this.update(whole, state, epoch, order.slice(k, k + size))
    return state
  }

  /** @param {Machine} whole @param {number[]} state @param {number} epoch @param {number[]} samples @private */
  update(whole, state, epoch, samples) {
    const { table, wanted } = this
    const machine = this.machineOf(samples.length)
    table.state.forEach(([leaf], k) => machine.fill(leaf, state[k]))
    machine.fill(table.rate, whole.at(table.rate))
    for (const line of [...table.inputs, ...table.targets]) samples.forEach((sample, k) => machine.put(line, k, whole.at(line, sample)))
    dropOut(machine, table, epoch, samples)
    machine.run(wanted)
    return table.state.map(([, next]) => machine.at(next))
  }

  /** @param {number} samples @private */
  machineOf(samples) {
    const { table, machines } = this
    const found = machines.get(samples) ?? new Machine(table.lines, table.each, samples)
    if (table.count !== null) found.fill(table.count, samples)
    machines.set(samples, found)
    return found
  }
}
