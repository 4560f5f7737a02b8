// The state of the page: the current network, its samples, its rate, and what was chosen.

import { featuresOf, made } from "../build/points.js"
import { Training } from "../machine/training.js"
import { atOnce, judged, trying } from "../machine/verdict.js"
import { byNumber, ones, tokensIn } from "../text/tokens.js"
import { digits } from "../text/wording.js"
import { everywhere } from "./grid.js"

/** @typedef {import("../machine/training.js").Sample} Sample */
/** @typedef {import("./chain.js").Tree} Tree */
/** @typedef {{verdict: string, trains: boolean, least: number, losses: number[], pull: number}} Judgement */

const [FIRST, TRIED] = [50, 100] // epochs of a trial of a rate, and the milliseconds that it may take
const MOST_LOSSES = 4_000 // kept for the curve: of more, every second one

export class Model {
  /** @param {any} content what the page was given */
  constructor(content) {
    this.content = content
    this.written = /** @type {number[]} */ ([])
    this.start = /** @type {number[]} */ ([])
    this.rate = content.startRate
    this.batch = 0 // samples per update; 0 for all of them
    this.mixesSamples = false
    this.sample = Math.max(0, content.samples.findIndex((/** @type {Sample} */ [inputs]) => inputs.some(Boolean))) // the current one
    this.isMean = false // whether numbers are the mean of all samples
    this.chosen = content.loss
    this.pointed = /** @type {number | null} */ (null)
    this.listeners = /** @type {(() => void)[]} */ ([])
    this.redraw = () => {} // draws the samples of a rule anew
    this.before = (/** @type {string} */ _kind) => {} // called before a change by the reader
    this.stateOf = new Map()
    this.slopeOf = new Map()
    this.shared = new Map() // chains of values that are computed once for all samples
    this.samples = /** @type {Sample[]} */ ([])
    this.tests = /** @type {Sample[]} */ ([]) // that are held out
    this.testLosses = /** @type {[epoch: number, loss: number][]} */ ([])
    this.tester = /** @type {Training | null} */ (null)
    this.look = "" // what units show, numbers or pictures; empty for what is usual
    this.usualLook = "numbers"
    this.findUsualLook = () => {} // by the network and its samples
    this.isForward = false // whether a pass is still on its way to the error
    this.isSampleChosen = false // by the reader; else it is the one with the largest slope
    this.aim = /** @type {number | null} */ (null) // the step of a sequence whose error alone is shown
    this.dropsNothing = false // whether values are shown without dropout
    this.losses = /** @type {[epoch: number, loss: number][]} */ ([])
    this.judging = 0 // milliseconds that the last judgement took
    this.judgement = /** @type {Judgement | null} */ (null)
    this.everything = /** @type {number[]} */ ([])
    this.written = content.state.map((/** @type {number[]} */ it) => it[2])
    this.training = new Training(content, content.samples, this.written)
    this.take(content, this.written)
  }

  /** Begin anew with a network and its initial state.
   * @param {any} content @param {number[]} start
   */
  take(content, start) {
    const before = this.content
    const chosen = before.names[this.chosen]?.said
    this.adopt(content, start)
    this.rate = content.startRate // which is kept equal to the rate in the text
    const again = Object.keys(content.names).find(line => before !== content && content.names[line].said === chosen)
    this.chosen = again ? Number(again) : firstOfTheLast(content.columns) ?? content.trained[content.trained.length - 1]?.[0] ?? content.loss
    this.restart(structuredClone(content.samples))
  }

  /** @param {any} content @param {number[]} start @private */
  adopt(content, start) {
    if (content !== this.content) this.aim = null
    this.content = content
    content.slopes = Object.fromEntries(content.chains.map(
      (/** @type {[number, {value: number}]} */ [line, chain]) => [line, chain.value]))
    content.sampleSlopes = Object.fromEntries(content.chains.flatMap(
      (/** @type {[number, {kind: string, parts: {value: number}[]}]} */ [line, { kind, parts }]) => (kind === "mean" ? [[line, parts[0].value]] : [])))
    this.written = content.state.map((/** @type {number[]} */ it) => it[2])
    this.start = [...start]
    this.stateOf = new Map(content.state.map((/** @type {number[]} */ [leaf], /** @type {number} */ k) => [leaf, k]))
    this.slopeOf = new Map(content.trained)
    this.shared = new Map(content.chains.flatMap((/** @type {[number, Tree, number]} */ [line, tree, root]) =>
      (root === content.loss && tree.kind !== "mean" && content.sampleLoss !== root ? [[line, tree]] : [])))
    const alone = everywhere(content)
    this.mixesSamples = content.outputs.some((/** @type {number} */ line) => !alone.has(line))
    this.pointed = null
  }

  /** A copy of everything that may be changed; later changes don't affect it. */
  get state() {
    const { content, start, rate, batch, samples, tests, sample, chosen, losses, epoch, training } = this
    return { content, start: [...start], rate, batch, samples, tests, sample, chosen, losses: [...losses], epoch, values: training.state }
  }

  set state({ content, start, rate, batch, samples, tests = [], sample, chosen, losses, epoch, values }) {
    this.adopt(content, start)
    Object.assign(this, { rate, batch, sample, chosen, losses: [...losses] })
    this.train(samples, values, epoch)
    this.hold(tests)
    this.changed()
  }

  /** Begin anew, with these samples, and those held out.
   * @param {Sample[]} samples @param {Sample[]} [tests]
   */
  begin(samples, tests = this.tests) {
    this.before("")
    this.restart(samples, tests)
  }

  /** @param {Sample[]} samples @param {Sample[]} [tests] @private */
  restart(samples, tests = this.tests) {
    this.train(samples, this.start, 1)
    this.hold(tests)
    this.losses = /** @type {[number, number][]} */ ([[1, this.training.learned]])
    this.changed()
  }

  /** @param {Sample[]} samples @param {number[]} values @param {number} epoch @private */
  train(samples, values, epoch) {
    this.samples = samples
    this.sample = Math.min(this.sample, samples.length - 1)
    this.training = new Training(this.content, samples, values)
    Object.assign(this.training, { epoch, rate: this.rate, batch: this.usedBatch, dropsNothing: this.dropsNothing, aim: this.aim })
    this.everything = this.training.machine.order(this.content.lines.map((/** @type {any} */ _, /** @type {number} */ k) => k))
    this.training.evaluate()
    this.judgement = null
  }

  /** Set the held-out samples, if they fit this network.
   * @param {Sample[]} tests @private
   */
  hold(tests) {
    const { content } = this
    const fits = content.count !== null && tests.every(([inputs, targets]) => inputs.length === content.inputs.length && targets.length === content.targets.length)
    this.tests = fits ? tests : []
    this.testLosses = []
    this.tester = this.tests.length ? new Training(content, this.tests, this.start) : null
  }

  /** The loss of the held-out samples, with the current weights and without dropout. */
  testLoss() {
    const { tester } = this
    if (!tester) return NaN
    tester.state = this.training.state
    for (const { lines } of this.content.masks) for (const line of lines) tester.machine.fill(line, 1)
    tester.machine.run(tester.forward)
    return tester.loss
  }

  /** Continue with other samples.
   * @param {Sample[]} samples
   */
  goOn(samples) {
    this.before("")
    this.train(samples, this.training.state, this.epoch)
    this.reconsider()
  }

  /** Continue with one more sample.
   * @param {Sample} sample
   */
  extend(sample) {
    this.goOn([...this.samples, sample])
  }

  get epoch() {
    return this.training.epoch
  }

  /** Whether numbers were changed before the first step. */
  get isEdited() {
    return this.start.some((value, k) => value !== this.written[k])
  }

  /** Take one step, and show it. */
  step() {
    this.advance()
    this.changed()
  }

  /** Take one step. */
  advance() {
    this.training.step()
    this.losses.push([this.epoch, this.training.learned])
    if (this.losses.length > MOST_LOSSES) this.losses = this.losses.filter((_, k) => k % 2 === 0)
  }

  /** Go back to the initial weights, and from there to those of the text. */
  reset() {
    this.before("")
    if (this.epoch === 1) this.start = [...this.written]
    this.restart(this.samples)
  }

  /** @param {number} rate */
  setRate(rate) {
    this.before("rate")
    this.rate = rate
    this.training.rate = rate
    this.training.evaluate()
    this.judgement = null
    this.changed()
  }

  /** The batch size in use; 0 for all samples, also if a network that mixes samples would get a
   * batch of one.
   */
  get usedBatch() {
    const { batch, mixesSamples, samples: { length } } = this
    return batch < length && !(mixesSamples && (batch === 1 || length % batch === 1)) ? batch : 0
  }

  /** @param {number} batch */
  setBatch(batch) {
    this.before("batch")
    this.batch = batch
    this.training.batch = this.usedBatch
    this.judgement = null
    this.changed()
  }

  /** Show every value with dropout, or without.
   * @param {boolean} dropsNothing
   */
  evaluate(dropsNothing) {
    this.dropsNothing = this.training.dropsNothing = dropsNothing
    this.training.evaluate()
    this.changed()
  }

  /** Show the error of one step of a sequence alone, or all of it.
   * @param {number | null} step
   */
  setAim(step) {
    this.aim = this.training.aim = step
    this.training.evaluate()
    this.changed()
  }

  /** @param {number} line @returns {boolean} */
  isFree(line) {
    return this.stateOf.has(line) || this.isData(line)
  }

  /** @param {number} line */
  isData(line) {
    return this.content.inputs.includes(line) || this.content.targets.includes(line)
  }

  /** Change a weight, an input or a target.
   * @param {number} line @param {number} value
   */
  put(line, value) {
    if (!Number.isFinite(value)) return
    if (this.isData(line)) this.putData(this.sample, line, value)
    else {
      this.before(`value ${line}`)
      this.training.machine.fill(line, value)
      const place = this.stateOf.get(line)
      if (this.epoch === 1 && place !== undefined) this.start[place] = value
    }
    this.reconsider()
  }

  /** @param {number} sample @param {number} line @param {number} value */
  putData(sample, line, value) {
    const kind = this.content.inputs.includes(line) ? 0 : 1
    const place = (kind ? this.content.targets : this.content.inputs).indexOf(line)
    this.before(`value ${line} of ${sample}`)
    const { coding } = this.content
    if (coding && !kind) return this.putToken(sample, place, value)
    const changed = /** @type {Sample} */ (structuredClone(this.samples[sample]))
    changed[kind][place] = value
    const features = kind || place > 1 ? [] : featuresOf(this.content.inputs.length, this.samples)
    if (features.length > 2) changed[0] = made(features, changed[0])
    this.place(sample, kind, changed)
  }

  /** Set the token of a step, by raising one of its inputs.
   * @param {number} sample @param {number} place among the inputs @param {number} value @private
   */
  putToken(sample, place, value) {
    const { kinds } = this.content.coding
    const [inputs, targets] = this.samples[sample]
    const tokens = tokensIn(inputs, kinds)
    if (!tokens || value <= 0) return
    tokens[Math.floor(place / kinds)] = place % kinds
    this.place(sample, 0, [ones(tokens, kinds), targets])
  }

  /** Move a sample elsewhere; while it is dragged, this is one change.
   * @param {number} sample @param {Sample} moved
   */
  move(sample, moved) {
    this.before(`place of ${sample}`)
    this.place(sample, 0, moved)
    this.place(sample, 1, moved)
    this.reconsider()
  }

  /** @param {number} sample @param {number} kind 0 for inputs, 1 for targets @param {Sample} changed */
  place(sample, kind, changed) {
    this.samples = this.samples.map((it, k) => (k === sample ? changed : it))
    this.training.samples = this.samples
    const lines = /** @type {number[]} */ (kind ? this.content.targets : this.content.inputs)
    changed[kind].forEach((it, k) => this.training.machine.put(lines[k], sample, it))
  }

  /** Compute everything again after a change from outside. */
  reconsider() {
    this.training.evaluate()
    this.losses[this.losses.length - 1] = [this.epoch, this.training.learned]
    this.judgement = null
    this.changed()
  }

  /** The losses and the verdict of this rate from the start.
   * @returns {Judgement}
   */
  judge() {
    if (this.judgement) return this.judgement
    const begun = performance.now()
    this.judgement = atOnce(this.judgeAt(this.rate))
    this.judging = performance.now() - begun
    return this.judgement
  }

  /** The same for a rate, one epoch at a time.
   * @param {number} rate @returns {Generator<void, Judgement>}
   */
  *judgeAt(rate) {
    const fresh = new Training(this.content, this.samples, this.start)
    fresh.batch = this.usedBatch
    const found = yield* trying(fresh, rate, this.content.epochs, this.content.gates)
    return { losses: found.losses, least: found.least, pull: found.sizes[0], ...judged(found, this.content.criteria, this.usedBatch > 0) }
  }

  /** Whether the loss stays a number and falls in the first epochs at a rate from the start.
   * @param {number} rate
   */
  falls(rate) {
    const fresh = new Training(this.content, this.samples, this.start)
    Object.assign(fresh, { rate, batch: this.usedBatch })
    fresh.evaluate()
    const first = fresh.learned
    const until = performance.now() + TRIED
    for (let k = 0; k < FIRST && Number.isFinite(fresh.learned) && performance.now() < until; k++) fresh.step()
    return Number.isFinite(fresh.learned) && fresh.learned < first
  }

  /** Whether training has learned enough, in more epochs than the judgement foresees.
   * @param {Judgement} judgement
   */
  hasLearned({ least, losses }) {
    const [[, start]] = this.losses
    const left = Math.max(this.training.learned - least, 0) / (start - least)
    return this.epoch > losses.length && start > least && left <= this.content.criteria.enough
  }

  /** Whether the samples are the ones that were made up. */
  get hasMadeUp() {
    return this.content.madeUp !== "" && JSON.stringify(this.samples) === JSON.stringify(this.content.samples)
  }

  /** Whether units show their numbers, not their pictures. */
  get isAsNumbers() {
    return (this.look || this.usualLook) === "numbers"
  }

  /** The value that is shown: the one pointed at, or else the chosen one. */
  get shown() {
    return this.pointed ?? this.chosen
  }

  /** The value of a line for the current sample.
   * @param {number} line
   */
  at(line) {
    return this.training.machine.at(line, this.sample)
  }

  /** @param {boolean} isMean */
  showMean(isMean) {
    this.isMean = isMean
    this.changed()
  }

  /** A value as it is shown: of the current sample, or the mean of all.
   * @param {number} line
   */
  shownAt(line) {
    const { training: { machine }, samples: { length } } = this
    if (!this.isMean) return machine.at(line, this.sample)
    let sum = 0
    for (let k = 0; k < length; k++) sum += machine.at(line, k)
    return sum / length
  }

  /** The derivative of the error by a value: of the current sample, or the mean of all.
   * @param {number} line
   */
  slopeAt(line) {
    const { slopes, sampleSlopes } = this.content
    const tree = this.isMean ? undefined : this.shared.get(line)
    const slope = this.isMean ? slopes[line] : sampleSlopes[line] ?? slopes[line]
    return tree ? this.share(tree) : slope === undefined ? NaN : this.shownAt(slope)
  }

  /** What the current sample adds to a chain that passes through values computed once for all samples.
   * @param {Tree} tree @returns {number} @private
   */
  share({ kind, of, to = 0, value, parts = [] }) {
    if (kind === "mean") return this.at(parts[0].value)
    if (kind === "sum") return parts.reduce((sum, part) => sum + this.share(part), 0)
    if (kind === "product") return parts.reduce((product, part) => product * this.share(part), 1)
    return kind === "worked" && of === this.content.loss ? this.slopeAt(to) : this.at(value)
  }

  /** Compute every line, also those that training doesn't need. */
  computeAll() {
    this.training.machine.run(this.everything)
  }

  changed() {
    for (const listener of this.listeners) listener()
  }
}

/** The first weight of the last layer that has any: its chain is the shortest.
 * @param {import("./field.js").Column[]} columns
 * @returns {number | null}
 */
function firstOfTheLast(columns) {
  const weights = columns.flatMap(({ units }) => {
    const first = units[0]?.from.find(([, weight]) => weight !== null)
    return first ? [first[1]] : []
  })
  return weights[weights.length - 1] ?? null
}

/** The network's text form, with its current weights and samples.
 * @param {Model} model
 */
export function textOf({ content, rate, samples, training }) {
  const { coding, roles } = content
  const lines = withRate(content.layers, rate, rate !== content.startRate).trimEnd().split("\n")
  for (const [letter, role] of Object.entries(roles)) {
    const own = content.weights.filter((/** @type {number} */ line) => content.names[line].letter === letter)
    const values = own.map((/** @type {number} */ line) => training.machine.at(line))
    if (values.length) lines.push(`${role} ${values.join(" ")}`)
  }
  for (const sample of samples) {
    const [inputs, targets] = coding ? byNumber(sample, coding) : sample
    lines.push(`sample ${inputs.join(" ")} -> ${targets.join(" ")}`)
  }
  return `${lines.join("\n")}\n`
}

/** The text of a network with another rate, in its line or in a new one.
 * @param {string} text @param {number} rate @param {boolean} isSaid also if the text has no rate
 */
export function withRate(text, rate, isSaid) {
  const said = digits(rate).replace(/\.0$/, "")
  const line = /^(\s*rate\s+)\S+/m
  if (line.test(text)) return text.replace(line, `$1${said}`)
  return isSaid ? `${text.trimEnd()}\nrate ${said}\n` : text
}
