// The network as text: read as it is typed, with its mistakes marked, and built when it has none.

import { kept, tableOf } from "../build/table.js"
import { mistake, TextBox } from "../text/box.js"
import { saysRate, withRate } from "../text/edit.js"
import { begins, read } from "../text/reader.js"
import { statements, TextError } from "../text/statement.js"
import { digits } from "../text/wording.js"
import { numeral, tr, trCount } from "./language.js"

/**
 * @typedef {import("../text/fit.js").Net} Net
 * @typedef {import("../text/fit.js").Parameter} Parameter
 * @typedef {import("../build/values.js").Building} Building
 * @typedef {{said: string, isRefused: boolean}} Answer
 * @typedef {(layer: number) => number | null} Origin of a layer, the one that it was before
 */

export class Editor {
  /** @param {import("./model.js").Model} model @param {Building} building @param {(table: any, start: number[]) => void} rebuild
   * @param {() => void} read is called after every text that was read
   */
  constructor(model, building, rebuild, read) {
    this.model = model
    this.building = building
    this.rebuild = rebuild
    this.origin = /** @type {Origin | null} */ (null)
    /** @type {TextBox} */
    this.box = new TextBox(text => this.take(text), read)
    this.net = this.read(this.box.text)
    this.box.approve(this.words())
    model.listeners.push(() => this.follow())
  }

  /** @param {string} text */
  read(text) {
    return read(text, this.building.grammar)
  }

  /** The latest text without a mistake, and its network. */
  get state() {
    return { text: this.box.latest, net: this.net }
  }

  set state({ text, net }) {
    this.net = net
    this.box.follow(text, this.words())
  }

  /** Write the chosen rate into the text, if the text has no mistake and can express the rate.
   * @private
   */
  follow() {
    const { rate } = this.model
    if (rate === this.net.rate || rate < 0 || !this.box.isInOrder) return
    this.net = { ...this.net, rate }
    this.model.content.startRate = rate
    this.box.follow(withRate(this.box.text, plain(rate), this.building.grammar), this.words())
  }

  /** Build the network that a text describes.
   * @param {string} text @returns {string} @private
   */
  take(text) {
    const net = this.read(text)
    if (text !== this.box.latest) this.model.before(this.origin ? "" : "text")
    return this.words(net) + this.build(net, text)
  }

  /** Take a text that was made by a click, or refuse it as the box would, without any change.
   * @param {string} text @param {(number | null)[]} [order] of the statements of layers, what each was before
   * @returns {Answer}
   */
  put(text, order) {
    let owners
    try {
      this.read(this.box.text)
      owners = own(this.read(text))
    } catch (error) {
      if (!(error instanceof TextError)) throw error
      return { said: mistake(error), isRefused: true }
    }
    const [were, are] = [own(this.net), owners]
    this.origin = (/** @type {number} */ layer) => {
      const k = are.indexOf(layer)
      const before = order ? order[k] : k
      return before === null ? null : were[before] ?? null
    }
    this.box.replace(text)
    this.origin = null
    return { said: this.box.said.slice(this.words().length).replace(/^\. /, ""), isRefused: false }
  }

  /** Continue with other samples; a network of one sample is built anew for several.
   * @param {import("./model.js").Sample[]} samples
   */
  resample(samples) {
    const { model, net, building } = this
    if (samples.length <= model.content.most) return model.goOn(samples)
    model.before("")
    this.renew(tableOf({ ...net, samples: [] }, samples, building), model.content.layers, net, it => it)
  }

  /** Returns a message about samples that were replaced because they didn't fit.
   * @param {Net} net @param {string} text @private
   */
  build(net, text) {
    const { model, building } = this
    if (JSON.stringify(net) === JSON.stringify(this.net)) return ""
    const { plane, most } = model.content
    const isNew = JSON.stringify(net.samples) !== JSON.stringify(this.net.samples) && net.samples.length > 0
    const samples = kept(model.samples, plane?.classes ?? null, net, building)
    const table = tableOf(isNew ? net : { ...net, samples: [] }, samples.length > 1 || most > 1 ? samples : net.samples.length ? net.samples : samples, building)
    const lost = samples.length || net.samples.length ? 0 : model.samples.length
    const [inputs, targets] = [table.inputs, table.targets].map(it => it.length)
    this.renew(table, layersOf(text, building), net, this.origin ?? origins(this.net, net))
    return lost ? replaced(lost, table.samples.length, inputs, targets) : ""
  }

  /** @param {any} table @param {string} layers @param {Net} net @param {Origin} origin @private */
  renew(table, layers, net, origin) {
    const { criteria, roles } = this.model.content
    Object.assign(table, { criteria, roles, layers })
    const start = this.starts(table, net, origin)
    this.net = net
    this.rebuild(table, start)
  }

  /** The initial value of each state: the text's, or else the current one in the layer it comes from.
   * @param {any} table @param {Net} net @param {Origin} origin @private
   */
  starts(table, net, origin) {
    const { content, training } = this.model
    const lines = new Map(content.weights.map((/** @type {number} */ line) => [content.names[line].said, line]))
    const found = new Map()
    for (const it of net.parameters) {
      const was = this.net.parameters.find(({ role, layer }) => role === it.role && layer === origin(it.layer))
      if (net.start[it.role] || !was || !(this.origin || String(it.shape) === String(was.shape))) continue
      const old = names(was)
      names(it).forEach((name, k) => {
        const place = placeIn(k, it.shape, was.shape)
        if (place !== null) found.set(name, training.machine.at(lines.get(old[place]) ?? 0))
      })
    }
    return table.state.map((/** @type {[number, number, number]} */ [leaf, , start]) =>
      found.get(table.names[leaf].said) ?? start)
  }

  /** @private */
  words(net = this.net) {
    const { parameters, rate } = net
    const size = parameters.reduce((sum, it) => sum + names(it).length, 0)
    const isAlone = parameters.every(({ role }) => role === this.building.grammar.kinds.weights)
    const parts = { rate: numeral(plain(rate)) }
    return isAlone || size === 1
      ? trCount("no mistakes: {count} weight, η = {rate}", "no mistakes: {count} weights, η = {rate}", size, parts)
      : tr("no mistakes: {count} weights and biases, η = {rate}", { ...parts, count: size })
  }
}

/** @param {number} value */
const plain = value => digits(value).replace(/\.0$/, "")

/** The message about samples that don't fit, and those that replace them.
 * @param {number} lost @param {number} others @param {number} inputs @param {number} targets
 */
function replaced(lost, others, inputs, targets) {
  const [were, are] = [lost, others].map(it => (it === 1 ? "" : "s"))
  const wanted = `${inputs} input${inputs === 1 ? "" : "s"} and ${targets} target${targets === 1 ? "" : "s"}`
  return `. The ${lost === 1 ? "" : `${lost} `}previous sample${were} did not fit ${wanted}: ` +
    `${others} made-up sample${are} ${others === 1 ? "replaces" : "replace"} ${lost === 1 ? "it" : "them"}, see Samples`
}

/** For a typed text: layers before the first change and after the last are the same as before.
 * @param {Net} old @param {Net} net @returns {Origin}
 */
function origins(old, net) {
  const [were, are] = [old, net].map(it => it.layers.map((layer, k) =>
    JSON.stringify([layer.card, ...it.parameters.filter(own => own.layer === k).map(own => own.shape)])))
  const least = Math.min(were.length, are.length)
  const alike = (/** @type {(k: number) => boolean} */ isSame, most = least) => {
    let k = 0
    while (k < most && isSame(k)) k += 1
    return k
  }
  const before = alike(k => were[k] === are[k])
  const behind = alike(k => were[were.length - 1 - k] === are[are.length - 1 - k], least - before)
  return k => (k >= are.length - behind ? k + were.length - are.length : k < before || were.length === are.length ? k : null)
}

/** The layers that have a statement of their own.
 * @param {Net} net
 */
const own = ({ owners }) => owners.flatMap((first, k) => (first === k ? [k] : []))

/** The place of a tensor's value in a smaller or larger tensor, if it has one.
 * @param {number} k @param {number[]} shape @param {number[]} other
 */
function placeIn(k, shape, other) {
  let [left, place, size] = [k, 0, 1]
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const at = left % shape[axis]
    if (!(at < other[axis])) return null
    place += at * size
    size *= other[axis]
    left = Math.floor(left / shape[axis])
  }
  return place
}

/** @param {Parameter} parameter */
const names = ({ role, first, shape }) =>
  Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => `${role}${first + k}`)

/** The text without start values and samples, which are saved as they then are.
 * @param {string} text @param {Building} building
 */
function layersOf(text, { grammar }) {
  const isOther = (/** @type {string} */ word) => !(word in grammar.kinds) && word !== "sample"
  return [...statements(text, grammar)].filter(it => isOther(begins(it))).map(it => {
    const words = it.words.map(({ word }) => word)
    return `${saysRate(it) ? `rate ${words[words.length - 1]}` : words.join(" ")}\n`
  }).join("")
}
