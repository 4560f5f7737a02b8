// Whether the parts of a network that was read fit each other, and what follows from them.

import { filled } from "./wording.js"

/**
 * @typedef {import("./reader.js").Draft} Draft
 * @typedef {import("./statement.js").Grammar} Grammar
 * @typedef {import("./wording.js").Said} Said
 * @typedef {{role: string, shape: number[], layer: number, first: number, fixed: boolean}} Parameter
 * @typedef {{
 *   shapes: number[][], layers: import("./reader.js").Layer[], parameters: Parameter[], outputs: number,
 *   ending: string, loss: string, smoothing: number, update: import("./reader.js").Update,
 *   decay: Record<string, number>, rate: number, seed: number, start: Record<string, number[]>,
 *   samples: import("../machine/training.js").Sample[], name: string,
 * }} Net
 */

const IMAGES = "images can't be built in the page: put the text into a file and make a page of that"
const FILES = "a page opens no file by itself: drop the CSV file onto it, or write 'sample' lines"
const MOST_WEIGHTS = 300 // that a drawing holds
const TOO_MANY = "{size} weights and biases: the page draws at most {most}"
const EPSILON = 1e-9 // that targets of cross-entropy may be off 1

/** @param {Draft} draft @param {Grammar} grammar @returns {Net} */
export function checked(draft, grammar) {
  const { settings, shapes, layers } = draft
  const last = layers[layers.length - 1]
  const ending = last?.kind === "activation" ? last.word : ""
  const update = settings.update ?? { kind: Object.keys(grammar.rates)[0], ...structuredClone(grammar.usual), nesterov: false }
  /** @type {Net} */
  const net = {
    shapes, layers, ending, update, samples: draft.samples, start: draft.start,
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
function parameters({ layers, shapes }, grammar) {
  const { weights, biases } = grammar.kinds
  const counts = { [weights]: 0, [biases]: 0 }
  const found = /** @type {Parameter[]} */ ([])
  const add = (/** @type {string} */ role, /** @type {number[]} */ shape, /** @type {number} */ layer, fixed = false) => {
    found.push({ role, shape, layer, first: counts[role] + 1, fixed })
    counts[role] += Number(product(shape))
  }
  layers.forEach((layer, k) => {
    if (layer.kind !== "dense") return
    const bias = grammar.biases[layer.bias]
    add(weights, [layer.width, shapes[k][0]], k)
    if (bias) add(biases, [bias.shared ? 1 : layer.width], k, bias.fixed)
  })
  return found
}

/** How many parameters of a kind there are.
 * @param {Net} net @param {string} role
 */
export function count(net, role) {
  return net.parameters.filter(it => it.role === role).reduce((sum, it) => sum + Number(product(it.shape)), 0)
}

/** @param {number[]} sizes */
const product = sizes => sizes.reduce((all, size) => all * BigInt(size), 1n)

/** Every misfit is told at the statement that it stands in. */
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
    this.refusals()
  }

  /** @param {string} part @param {string} message @param {Record<string, Said>} [values] @returns {never} */
  fail(part, message, values = {}) {
    const { places, layers } = this.draft
    const line = places.get(part) ?? places.get(layers.length ? `layer ${layers.length}` : "input")
    if (!line) throw new Error(message)
    return line.fail(message, values, 0)
  }

  sizes() {
    const { shapes, parameters } = this.net
    shapes.forEach((shape, k) => this.room(k ? `layer ${k}` : "input", "values", product(shape)))
    for (const it of parameters) this.room(`layer ${it.layer + 1}`, "parameters", product(it.shape))
    if (!parameters.length) this.fail("input", "NOTHING_TO_TRAIN")
  }

  /** @param {string} part @param {string} what @param {bigint} size */
  room(part, what, size) {
    const most = BigInt(this.grammar.mostValues)
    if (size > most) this.fail(part, "TOO_WIDE", { size, what, most })
  }

  loss() {
    const { shapes, loss, ending, smoothing } = this.net
    const last = shapes[shapes.length - 1]
    if (last.length !== 1) this.fail("loss", "FLAT_OUTPUT", { shape: last.join("x") })
    const wanted = this.grammar.endings[loss]
    if (wanted && ending.replace(/^log /, "") !== wanted) this.fail("loss", "PROBABILITIES", { loss, ending: wanted })
    if (!(smoothing >= 0 && smoothing < 1)) this.fail("loss", "SMOOTHING_RANGE", { value: smoothing })
    if (smoothing && loss !== this.grammar.smoothed) this.fail("loss", "SMOOTHING_OF", { loss })
  }

  start() {
    for (const role of this.grammar.roles) {
      const values = this.net.start[role]
      if (!values) continue
      const wanted = count(this.net, role)
      if (values.length === wanted) continue
      const names = [...(wanted ? [`${role}1`] : []), ...(wanted > 1 ? [`${role}${wanted}`] : [])]
      this.fail(role, "START_COUNT", { given: counted(values.length, "start value"), numbered: names.join(" … ") || `no ${role} at all` })
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

  /** What the command takes, and the page doesn't. */
  refusals() {
    const { shapes, parameters } = this.net
    if (shapes[0].length > 1) this.fail("input", IMAGES)
    if ("table" in this.draft.settings) this.fail("data", FILES)
    const size = parameters.reduce((sum, it) => sum + product(it.shape), 0n)
    if (size > MOST_WEIGHTS) this.fail("layer", TOO_MANY, { size, most: BigInt(MOST_WEIGHTS) })
  }
}

/** What is wrong with targets for a network's loss, if anything.
 * @param {number[]} targets @param {Pick<Net, "loss">} net @param {Grammar} grammar
 * @returns {{message: string, values: Record<string, Said>} | null}
 */
export function wrongTargets(targets, { loss }, grammar) {
  const total = targets.reduce((sum, target) => sum + target, 0)
  const ending = grammar.endings[loss]
  if (!ending) return null
  if (loss === grammar.smoothed) return Math.abs(total - 1) > EPSILON ? { message: "NOT_ONE", values: { total } } : null
  return targets.every(t => t >= 0 && t <= 1) ? null : { message: "NO_PROBABILITY", values: {} }
}

/** @param {number} number @param {string} what */
const counted = (number, what) => filled("{number} {what}{s}", { number: BigInt(number), what, s: number === 1 ? "" : "s" })
