// The network as text: read as it is typed, its mistakes marked at their places, and built when it is right.

import { kept, tableOf } from "../build/table.js"
import { TextBox } from "../text/box.js"
import { digits } from "../text/wording.js"
import { begins, read, saysRate, withRate } from "../text/reader.js"
import { statements } from "../text/statement.js"

/**
 * @typedef {import("../text/fit.js").Net} Net
 * @typedef {import("../text/fit.js").Parameter} Parameter
 * @typedef {import("../build/values.js").Building} Building
 */

export class Editor {
  /** @param {import("./model.js").Model} model @param {Building} building @param {(table: any, start: number[]) => void} rebuild */
  constructor(model, building, rebuild) {
    this.model = model
    this.building = building
    this.rebuild = rebuild
    this.known = new Map() // values of weights, by their tensor
    this.box = new TextBox(text => this.take(text))
    this.net = read(this.box.text, building.grammar)
    this.box.approve(this.words())
    model.listeners.push(() => this.follow())
  }

  /** Let the text say the rate that was chosen, where it is in order and can say it.
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
   * @param {string} text @private
   */
  take(text) {
    const replaced = this.build(read(text, this.building.grammar), text)
    return this.words() + replaced
  }

  /** Returns what it put in place of something that didn't fit.
   * @param {Net} net @param {string} text @private
   */
  build(net, text) {
    const { model, building } = this
    const layers = layersOf(text, building)
    if (JSON.stringify(net) === JSON.stringify(this.net)) return ""
    this.remember()
    const { plane, most, criteria } = model.content
    const isNew = JSON.stringify(net.samples) !== JSON.stringify(this.net.samples) && net.samples.length > 0
    const samples = kept(model.samples, plane?.classes ?? null, net, building)
    const table = tableOf(isNew ? net : { ...net, samples: [] }, samples.length > 1 || most > 1 ? samples : net.samples.length ? net.samples : samples, building)
    Object.assign(table, { criteria, layers })
    const lost = samples.length || net.samples.length ? 0 : model.samples.length
    const [inputs, targets] = [table.inputs, table.targets].map(it => it.length)
    this.net = net
    this.rebuild(table, this.starts(table))
    return lost ? replaced(lost, table.samples.length, inputs, targets) : ""
  }

  /** Keep the weights as they are, for networks that have them too. @private */
  remember() {
    const lines = this.linesByName(this.model.content)
    for (const it of this.net.parameters) {
      this.known.set(key(it), names(it).map(name => this.model.training.machine.at(lines.get(name) ?? 0)))
    }
  }

  /** What each state begins with: as it was, where the text doesn't say.
   * @param {any} table @private
   */
  starts(table) {
    const found = new Map()
    for (const it of this.net.parameters) {
      const values = this.net.start[it.role] ? undefined : this.known.get(key(it))
      names(it).forEach((name, k) => values && found.set(name, values[k]))
    }
    return table.state.map((/** @type {[number, number, number]} */ [leaf, , start]) =>
      found.get(table.names[leaf].said) ?? start)
  }

  /** @param {any} content @returns {Map<string, number>} @private */
  linesByName({ weights, names }) {
    return new Map(weights.map((/** @type {number} */ line) => [names[line].said, line]))
  }

  /** @private */
  words() {
    const { parameters, rate } = this.net
    const size = parameters.reduce((sum, it) => sum + names(it).length, 0)
    const isAlone = parameters.every(({ role }) => role === this.building.grammar.kinds.weights)
    const what = isAlone ? "weights" : "weights and biases"
    return `in order: ${size} ${size === 1 ? "weight" : what}, η = ${plain(rate)}`
  }
}

/** @param {number} value */
const plain = value => digits(value).replace(/\.0$/, "")

/** What became of samples that don't fit.
 * @param {number} lost @param {number} others @param {number} inputs @param {number} targets
 */
function replaced(lost, others, inputs, targets) {
  const [were, are] = [lost, others].map(it => (it === 1 ? "" : "s"))
  const wanted = `${inputs} input${inputs === 1 ? "" : "s"} and ${targets} target${targets === 1 ? "" : "s"}`
  return `. The ${lost === 1 ? "" : `${lost} `}sample${were} of before did not fit ${wanted}: ` +
    `${others} made-up sample${are} ${others === 1 ? "stands" : "stand"} in ${lost === 1 ? "its" : "their"} place, see Samples`
}

/** A tensor of parameters that another network may have too.
 * @param {Parameter} parameter
 */
const key = ({ role, first, shape }) => `${role}${first} ${shape.join("x")}`

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
