// What a learning rate does: one trial of so many epochs, judged by the table of criteria.

import { even } from "./masks.js"

/**
 * @typedef {any[]} Condition see targets/page/criteria.py
 * @typedef {{
 *   late: [number, number], latest: [number, number], rise: number, bottom: number, asLow: number,
 *   enough: number,
 *   conditions: Record<string, Condition>, broken: Condition, sound: Condition, rests: Condition,
 *   trains: Condition, decisions: [Condition, string][], otherwise: string,
 *   meanings: Record<string, string>, limit: import("./limit.js").LimitTable,
 * }} Criteria
 * @typedef {{covers: boolean, hidden: boolean, slopes: number[], arriving: number[], passing: number[]}} Gate
 * @typedef {{rate: number, least: number, losses: number[], sizes: number[], turns: number[], gates: Opening[]}} Trial
 * @typedef {{covers: boolean, hidden: boolean, share: number, steepest: number}} Opening
 */

/** Train so many epochs, and keep the figures that the verdict needs.
 * @param {import("./training.js").Training} training at its start
 * @param {number} rate
 * @param {number} epochs
 * @param {Gate[]} gates
 * @returns {Generator<void, Trial>} an epoch at a time
 */
export function* trying(training, rate, epochs, gates) {
  const { machine, table } = training
  training.rate = rate
  const slopes = table.trained.map(([, slope]) => slope)
  const [losses, sizes, turns] = [[], [], [NaN]].map(it => /** @type {number[]} */ (it))
  let before = /** @type {number[]} */ ([])
  for (let epoch = 0; epoch < epochs; epoch++) {
    if (epoch) training.step()
    else training.evaluate()
    const gradient = slopes.map(slope => machine.at(slope))
    losses.push(training.loss)
    sizes.push(norm(gradient))
    if (epoch) turns.push(sum(gradient.map((d, k) => d * before[k])))
    before = gradient
    yield
  }
  const read = machine.order([...gates.flatMap(g => [...g.slopes, ...g.arriving, ...g.passing]), table.least])
  machine.run(read)
  return { rate, least: machine.at(table.least), losses, sizes, turns, gates: gates.map(g => opening(machine, g)) }
}

/** The same without pauses.
 * @param {Parameters<typeof trying>} asked
 */
export function trial(...asked) {
  return atOnce(trying(...asked))
}

/** Runs a generator to its end; returns its result.
 * @template Result @param {Generator<void, Result>} going @returns {Result}
 */
export function atOnce(going) {
  for (;;) {
    const { done, value } = going.next()
    if (done) return value
  }
}

/** How much of the gradient a layer lets through, in the last epoch.
 * @param {import("./machine.js").Machine} machine
 * @param {Gate} gate
 * @returns {Opening}
 */
function opening(machine, gate) {
  /** @param {number[]} lines */
  const sizes = lines => {
    const found = []
    for (const line of lines) {
      for (let k = 0; k < machine.samples; k++) found.push(Math.abs(machine.at(line, k)))
    }
    return found
  }
  const [arriving, passing, slopes] = [gate.arriving, gate.passing, gate.slopes].map(sizes)
  const arrives = sum(arriving)
  return {
    covers: gate.covers,
    hidden: gate.hidden,
    share: arrives ? sum(passing) / arrives : 1,
    steepest: slopes.length ? largest(slopes) : 1,
  }
}

/** The verdict on a trial by itself, and whether the rate trains.
 * @param {Trial} found
 * @param {Criteria} criteria
 * @param {boolean} [isNoisy] whether batches are random, so that an oscillating loss says nothing about the rate
 */
export function judged(found, criteria, isNoisy = false) {
  const first = new Case(found, criteria, found.least)
  const judge = new Case(found, criteria, first.attained())
  const said = criteria.decisions.find(([condition, verdict], k) =>
    judge.breaks ? k === 0 : !(isNoisy && verdict === "oscillates") && judge.holds(condition))
  return {
    verdict: said ? said[1] : criteria.otherwise,
    trains: !judge.breaks && judge.holds(criteria.trains),
  }
}

/** A trial, and the lowest loss known to be reached. */
class Case {
  /** @param {Trial} trial @param {Criteria} criteria @param {number} attained */
  constructor(trial, criteria, attained) {
    this.criteria = criteria
    this.trial = trial
    this.measures = measures(trial, criteria, attained)
    this.breaks = this.holds(criteria.broken)
  }

  /** The loss at which it settled, or the lowest possible one. */
  attained() {
    const { losses, least } = this.trial
    const sound = !this.breaks && this.holds(this.criteria.sound)
    const [start, end] = [losses[0], losses[losses.length - 1]]
    const lowest = sound ? smallest(losses) : least
    const near = this.criteria.asLow * (start - lowest)
    const rests = !this.breaks && this.holds(this.criteria.rests) && end - lowest <= near
    return rests && end - least > near ? end : least
  }

  /** @param {string} measure */
  number(measure) {
    return this.measures[measure]()
  }

  /** @param {Condition} condition @returns {boolean} */
  holds([sign, ...parts]) {
    switch (sign) {
      case "is": return this.holds(this.criteria.conditions[parts[0]])
      case "not": return !this.holds(parts[0])
      case "and": return parts.every(part => this.holds(part))
      case "or": return parts.some(part => this.holds(part))
    }
    const [left, right] = [this.number(parts[0]), this.bound(parts[1])]
    switch (sign) {
      case "<": return left < right
      case "<=": return left <= right
      case ">": return left > right
      default: return left >= right
    }
  }

  /** @param {number | string | [number, string]} bound @private */
  bound(bound) {
    if (typeof bound === "number") return bound
    return typeof bound === "string" ? this.number(bound) : bound[0] * this.number(bound[1])
  }
}

/** Every measure of a trial, by its name in the criteria.
 * @param {Trial} trial
 * @param {Criteria} criteria
 * @param {number} attained
 * @returns {Record<string, () => number>}
 */
function measures({ rate, least, losses, sizes, turns, gates }, criteria, attained) {
  const excess = losses.map(loss => Math.max(loss - least, 0))
  const [start, end] = [losses[0], losses[losses.length - 1]]
  const arrived = excess.findIndex(it => it <= criteria.bottom * excess[0])
  const descent = arrived < 0 ? losses.length : arrived + 1
  const lateLosses = last(losses, criteria.late)
  const late = last(excess, criteria.late)
  const onTheWay = turns.slice(1, descent)
  return {
    "rate": () => rate,
    "epochs without numbers": () =>
      losses.filter((loss, k) => !(Number.isFinite(loss) && Number.isFinite(sizes[k]))).length,
    "loss at the start": () => start,
    "loss at the end": () => end,
    "size of that start": () => Math.abs(start),
    "span of the losses": () => largest(losses) - smallest(losses),
    "highest in the last tenth": () => largest(last(losses, criteria.latest)),
    "excess at the start": () => excess[0],
    "excess at the end": () => excess[excess.length - 1],
    "highest excess": () => largest(excess),
    "lowest excess in the last quarter": () => smallest(late),
    "movement in the last quarter": () =>
      largest(late) ? (largest(late) - smallest(late)) / largest(late) : 0,
    "steps in the last quarter": () => lateLosses.length - 1,
    "steps up in the last quarter": () =>
      lateLosses.filter((loss, k) => k > 0 && loss > lateLosses[k - 1]).length,
    "lowest loss possible": () => least,
    "left to learn": () => (start > attained ? Math.max(end - attained, 0) / (start - attained) : 0),
    "gradient at the start": () => sizes[0],
    "last gradient, of the largest": () =>
      largest(sizes) ? sizes[sizes.length - 1] / largest(sizes) : 0,
    "turns of the gradient": () => onTheWay.filter(turn => turn < 0).length,
    "steps on the way down": () => onTheWay.length,
    "rises of the loss": () => rises(excess.slice(0, descent), criteria.rise),
    "least share let through": () => leastOr(gates.map(gate => gate.share)),
    "by one that all gradients pass": () => leastOr(gates.filter(g => g.covers).map(g => g.share)),
    "steepest slope of a hidden layer": () =>
      leastOr(gates.filter(gate => gate.hidden).map(gate => gate.steepest)),
  }
}

/** How often values rise by a tenth above their last low, after having fallen as much.
 * @param {number[]} values
 * @param {number} rise
 */
function rises(values, rise) {
  let [rising, extreme, count] = [false, Infinity, 0]
  for (const value of values) {
    extreme = rising ? Math.max(extreme, value) : Math.min(extreme, value)
    if (rising ? rise * value < extreme : value > rise * extreme) {
      rising = !rising
      extreme = value
      if (rising) count += 1
    }
  }
  return count
}

// Sums and extremes, of arrays of any length.

/** @param {number[]} values @param {[share: number, least: number]} part */
function last(values, [share, least]) {
  return values.slice(-Math.max(least, even(values.length * share)))
}

/** @param {number[]} values */
const sum = values => values.reduce((a, b) => a + b, 0)
/** @param {number[]} values */
const norm = values => Math.sqrt(sum(values.map(value => value * value)))
/** @param {number[]} values */
const largest = values => values.reduce((a, b) => Math.max(a, b), -Infinity)
/** @param {number[]} values */
const smallest = values => values.reduce((a, b) => Math.min(a, b), Infinity)
/** @param {number[]} values */
const leastOr = values => (values.length ? smallest(values) : 1)
