// Whether the parts of a network that was read fit each other, and what follows from them.

import { layerWords } from "./forms.js"
import { parametersOf, reads, termsOf } from "./layers.js"
import { codingOf, spelledOut } from "./tokens.js"
import { isSequence } from "./window.js"
import { digits, filled } from "./wording.js"

/**
 * @typedef {import("./reader.js").Draft} Draft
 * @typedef {import("./statement.js").Grammar} Grammar
 * @typedef {import("./wording.js").Said} Said
 * @typedef {import("./layers.js").Spec & {layer: number, first: number}} Parameter
 * @typedef {{
 *   owners: number[], input: number[], tokens: boolean, shapes: number[][], layers: import("./reader.js").Layer[], parameters: Parameter[], outputs: number,
 *   ending: string, loss: string, smoothing: number, update: import("./reader.js").Update,
 *   decay: Record<string, number>, rate: number, seed: number, start: Record<string, number[]>,
 *   samples: import("../machine/training.js").Sample[], name: string,
 * }} Net
 */

const FILES = "a page can't open a file by itself: drop the CSV file onto it, or write 'sample' lines"
const TOO_MANY = "{size:,} {what}: a page builds at most {most:,}"
const EPSILON = 1e-9 // by which the sum of targets of cross-entropy may differ from 1

/** @param {Draft} draft @param {Grammar} grammar @returns {Net} */
export function checked(draft, grammar) {
  const { settings, shapes, layers } = draft
  const last = layers[layers.length - 1]
  const ending = last?.card === "activation" ? last.kind : ""
  const update = settings.update ?? { kind: Object.keys(grammar.rates)[0] }
  /** @type {Net} */
  const net = {
    owners: layers.map((_, k) => draft.owners.get(k) ?? k), // for each layer, the one whose weights it uses
    input: settings.input, tokens: settings.tokens, shapes, layers, ending, update, samples: settings.tokens ? [] : draft.samples, start: draft.start,
    parameters: parameters(draft, grammar),
    outputs: Number(product(shapes[shapes.length - 1])),
    loss: settings.loss ?? grammar.meant[ending],
    smoothing: settings.smoothing ?? 0,
    decay: settings.decay ?? grammar.decayed[update.kind] ?? {},
    rate: settings.rate ?? grammar.rates[update.kind],
    seed: settings.seed ?? 0,
    name: settings.name ?? "",
  }
  new Check(net, draft, grammar).all()
  return net
}

/** @param {Draft} draft @param {Grammar} grammar */
function parameters({ layers, shapes, owners }, grammar) {
  const counts = /** @type {Record<string, number>} */ (Object.fromEntries(grammar.roles.map(role => [role, 0])))
  return layers.flatMap((layer, k) => (owners.has(k) ? [] : parametersOf(layer, shapes[k], grammar)).map(spec => {
    const first = counts[spec.role] + 1
    counts[spec.role] += Number(product(spec.shape))
    return { ...spec, layer: k, first }
  }))
}

/** How many parameters of a kind there are.
 * @param {Net} net @param {string} role
 */
export function count(net, role) {
  return net.parameters.filter(it => it.role === role).reduce((sum, it) => sum + Number(product(it.shape)), 0)
}

/** @param {number[]} sizes */
const product = sizes => sizes.reduce((all, size) => all * BigInt(size), 1n)

/** Reports every misfit at its statement. */
class Check {
  /** @param {Net} net @param {Draft} draft @param {Grammar} grammar */
  constructor(net, draft, grammar) {
    this.net = net
    this.draft = draft
    this.grammar = grammar
  }

  all() {
    this.sizes()
    this.loss()
    this.start()
    this.samples()
    this.decay()
    this.settings()
    if (this.net.tokens) this.spellOut()
    this.refusals()
  }

  /** Turns samples of token numbers into 0s and 1s. */
  spellOut() {
    const { net, draft, grammar } = this
    const [steps] = net.input
    net.samples = draft.samples.map((sample, k) => {
      const refuse = (/** @type {string} */ message, /** @type {Record<string, Said>} */ values) =>
        this.tell(`sample ${k + 1}`, message, values)
      if (sample[0].length !== steps) refuse("COUNT", { given: counted(sample[0].length, "token"), wanted: counted(steps, "token") })
      const found = spelledOut(sample, /** @type {import("./tokens.js").Coding} */ (codingOf(net, grammar)), net.outputs)
      if (Array.isArray(found)) return found
      const { what, value, count } = found
      return refuse("UNKNOWN", { what, value: digits(value).replace(/\.0$/, ""), count: filled("{count:,}", { count: BigInt(count) }), last: BigInt(count - 1) })
    })
    this.samples()
  }

  /** @param {string} part @param {string} message @param {Record<string, Said>} [values] @returns {never} */
  fail(part, message, values = {}) {
    const { places, layers } = this.draft
    const line = places.get(part) ?? places.get(layers.length ? `layer ${layers.length}` : "input")
    if (!line) throw new Error(message)
    return line.fail(message, values, 0)
  }

  /** The same, with the part's name before it.
   * @param {string} part @param {string} message @param {Record<string, Said>} values @returns {never}
   */
  tell(part, message, values) {
    return this.fail(part, `${part}: ${filled(this.grammar.messages[message], values)}`)
  }

  sizes() {
    const { shapes, parameters, tokens, input } = this.net
    if (tokens && shapes[0].length === input.length) this.fail("input", "TOKENS_UNREAD")
    this.uses()
    shapes.forEach((shape, k) => this.room(k ? `layer ${k}` : "input", "values", product(shape)))
    for (const it of parameters) this.room(`layer ${it.layer + 1}`, "parameters", product(it.shape))
    this.inAll("values", shapes.map(product))
    this.inAll("parameters", parameters.map(it => product(it.shape)))
    this.rows()
    if (!parameters.length) this.fail("input", "NOTHING_TO_TRAIN")
    this.branches()
  }

  /** Every layer's values must lead to the outputs. */
  branches() {
    const { layers } = this.net
    const leads = new Set([layers.length])
    for (let k = layers.length; k > 0; k--) {
      if (leads.has(k)) for (const value of reads(layers[k - 1], k - 1)) leads.add(value)
    }
    const nowhere = Math.max(0, ...layers.map((_, k) => (leads.has(k + 1) ? 0 : k + 1)))
    if (nowhere) this.fail(`layer ${nowhere}`, "LEADS_NOWHERE", { layer: BigInt(nowhere) })
  }

  /** A layer that is applied again must get inputs that fit its weights. */
  uses() {
    const { layers, shapes, owners } = this.draft
    layers.forEach((layer, k) => {
      const first = owners.get(k) ?? k
      const { ties } = this.grammar.cards[layer.card]
      if (ties) return this.tie(k, first, ties)
      const [own, theirs] = [k, first].map(it => JSON.stringify(parametersOf(layer, shapes[it], this.grammar)))
      if (own === theirs) return
      this.tell(`layer ${k + 1}`, "OTHER_WEIGHTS", {
        first: BigInt(first + 1), before: shapes[first].join("x"), given: shapes[k].join("x") })
    })
  }

  /** A layer that uses the weights of another kind of layer must fit them, too.
   * @param {number} k @param {number} first @param {string} ties
   */
  tie(k, first, ties) {
    const { layers, shapes } = this.draft
    const [word] = layerWords(layers[k], this.grammar).split(" ")
    const [own, theirs] = [k, first].map(it => parametersOf(layers[it], shapes[it], this.grammar)[0].shape.slice(0, 2).join("x"))
    const said = k === first ? "NONE_TIED" : own === theirs ? "" : "OTHER_TIED"
    if (said) this.tell(`layer ${k + 1}`, said, { word, ties, layer: BigInt(first + 1), own, theirs })
  }

  /** @param {string} part @param {string} what @param {bigint} size */
  room(part, what, size) {
    const most = BigInt(this.grammar.mostValues)
    if (size > most) this.fail(part, "TOO_WIDE", { size, what, most })
  }

  /** @param {string} what @param {bigint[]} sizes */
  inAll(what, sizes) {
    const [size, most] = [sizes.reduce((all, one) => all + one, 0n), BigInt(this.grammar.mostInAll)]
    if (size > most) this.fail("input", "TOO_MUCH", { size, what, most })
  }

  /** Limits activations in a row, because all of them are named after the same values. */
  rows() {
    let length = 0
    this.net.layers.forEach((layer, k) => {
      const { namesAfter, passesOn } = this.grammar.cards[layer.card]
      length = namesAfter || passesOn ? length + 1 : 0
      if (length > this.grammar.mostInARow) this.fail(`layer ${k + 1}`, "TOO_MANY_IN_A_ROW", { most: BigInt(this.grammar.mostInARow) })
    })
  }

  loss() {
    const { shapes, loss, ending, smoothing } = this.net
    const last = shapes[shapes.length - 1]
    if (last.length !== 1 && !(last.length === 3 && isSequence(last))) this.fail("loss", "FLAT_OUTPUT", { shape: last.join("x") })
    const { ending: wanted, ofAll } = this.grammar.losses[loss]
    if (wanted && ending.replace(/^log /, "") !== wanted) this.fail("loss", "PROBABILITIES", { loss, ending: wanted })
    if (!(smoothing >= 0 && smoothing < 1)) this.fail("loss", "SMOOTHING_RANGE", { value: smoothing })
    if (smoothing && !ofAll) this.fail("loss", "SMOOTHING_OF", { loss })
  }

  start() {
    for (const role of this.grammar.roles) {
      const values = this.net.start[role]
      if (!values) continue
      const wanted = count(this.net, role)
      if (values.length === wanted) continue
      const names = [...(wanted ? [`${role}1`] : []), ...(wanted > 1 ? [`${role}${wanted}`] : [])]
      this.fail(role, "START_COUNT", { given: counted(values.length, "start value"), numbered: names.join(" … ") || `no ${role}` })
    }
  }

  samples() {
    const { samples, shapes, outputs } = this.net
    samples.forEach(([inputs, targets], k) => {
      const part = `sample ${k + 1}`
      this.length(part, "input", inputs.length, Number(product(shapes[0])))
      this.length(part, "target", targets.length, outputs)
      const wrong = wrongTargets(targets, this.net, this.grammar)
      if (wrong) this.fail(part, wrong.message, { ...wrong.values, other: this.draft.settings.loss ? "" : this.grammar.messages.OTHER_LOSS })
    })
  }

  /** @param {string} part @param {string} what @param {number} given @param {number} wanted */
  length(part, what, given, wanted) {
    if (given !== wanted) this.fail(part, "SAMPLE_LENGTH", { part, given: counted(given, what), wanted: BigInt(wanted) })
  }

  decay() {
    for (const role of this.grammar.roles) {
      const decay = this.draft.settings.decay?.[role]
      if (decay === undefined) continue
      if (!(decay >= 0)) this.fail("decay", "DECAY_RANGE", { value: decay })
      if (!count(this.net, role)) this.fail("decay", "NO_DECAY", { role })
    }
  }

  settings() {
    const { rate, seed, name } = this.net
    if (!(rate >= 0)) this.fail("rate", "RATE_RANGE", { value: rate })
    if (seed > this.grammar.largestSeed) this.fail("seed", "SEED_RANGE", { most: BigInt(this.grammar.largestSeed), value: BigInt(seed) })
    this.phrase("name", name)
    this.phrase("data", this.draft.settings.table ?? "")
  }

  /** @param {string} part @param {string} words */
  phrase(part, words) {
    const longest = this.grammar.longestName
    if (/[;#]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(words) || [...words].length > longest) {
      this.fail(part, "UNPRINTABLE", { part, words, most: BigInt(longest) })
    }
  }

  /** Refuses what only the command can do. */
  refusals() {
    const { shapes, parameters, layers, outputs } = this.net
    const { mostWeights, mostSingles } = this.grammar
    if ("table" in this.draft.settings) this.fail("data", FILES)
    const weights = parameters.reduce((sum, it) => sum + product(it.shape), 0n)
    if (weights > mostWeights) this.fail("layer", TOO_MANY, { size: weights, what: "weights and biases", most: BigInt(mostWeights) })
    const made = layers.map((layer, k) => BigInt(termsOf(layer, shapes[k], shapes[k + 1], this.grammar)))
    const size = made.reduce((sum, it) => sum + it, product(shapes[0]) + BigInt(outputs) + weights)
    if (size > mostSingles) this.fail("layer", TOO_MANY, { size, what: "single values and products", most: BigInt(mostSingles) })
  }
}

/** What is wrong with targets for a network's loss, if anything.
 * @param {number[]} targets @param {Pick<Net, "loss" | "shapes">} net @param {Grammar} grammar
 * @returns {{message: string, values: Record<string, Said>} | null}
 */
export function wrongTargets(targets, { loss, shapes }, grammar) {
  const { ending, ofAll } = grammar.losses[loss]
  if (!ending) return null
  if (ofAll) {
    const wrong = wrongShares(targets, shapes[shapes.length - 1][0])
    if (wrong) return wrong
  }
  return targets.every(t => t >= 0 && t <= 1) ? null : { message: "NO_PROBABILITY", values: {} }
}

/** Checks each step of a sequence; those without a target have only 0s.
 * @param {number[]} targets @param {number} classes @returns {{message: string, values: Record<string, Said>} | null}
 */
function wrongShares(targets, classes) {
  const all = Array.from({ length: targets.length / classes }, (_, k) => targets.slice(k * classes, (k + 1) * classes).reduce((sum, it) => sum + it, 0))
  const totals = all.length > 1 ? all.filter(Boolean) : all
  if (!totals.length) return { message: "NO_STEP_LEFT", values: {} }
  const total = totals.find(it => Math.abs(it - 1) > EPSILON)
  return total === undefined ? null : { message: "NOT_ONE", values: { total } }
}

/** @param {number} number @param {string} what */
const counted = (number, what) => filled("{number} {what}{s}", { number: BigInt(number), what, s: number === 1 ? "" : "s" })
