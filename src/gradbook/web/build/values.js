// The values of a dense network, from the inputs to E_total: each a pattern with others at its places.

import { Lines } from "./lines.js"
import { at, layerNames, said } from "./names.js"

/**
 * @typedef {import("./names.js").ValueName} ValueName
 * @typedef {import("./lines.js").Places} Places
 * @typedef {import("../text/fit.js").Net} Net
 * @typedef {{
 *   value: any, partials: Record<string, any>,
 *   formulas: Record<string, string[]>, slopes: Record<string, Record<string, string>>,
 * }} Pattern
 * @typedef {{
 *   grammar: import("../text/statement.js").Grammar, patterns: Record<string, Pattern>,
 *   updates: Record<string, Record<string, any>>, least: Record<string, any>,
 *   planes: Record<string, {share: any, classes: number[][]}>, sets: Record<string, [number, number, number][]>,
 *   usualSet: string, most: number, epochs: number, longestTop: number, longestChain: number,
 *   shown: number[], kinds: Record<string, string>,
 * }} Building what `report/play/building.py` writes
 * @typedef {{of: number, to: number, formula: number, template: string}} Slope
 * @typedef {{line: number, template: string, pattern: Pattern, places: Places, count: number}} Value
 */

export class Values {
  /** @param {Net} net @param {boolean} isSeveral whether samples come from outside, so many at most @param {Building} building */
  constructor(net, isSeveral, building) {
    this.net = net
    this.patterns = building.patterns
    this.longestTop = building.longestTop
    this.isCross = net.loss === building.grammar.smoothed
    this.isBinary = !this.isCross && net.loss in building.grammar.endings
    const { update } = net
    const [beta1, beta2] = update.betas
    this.lines = new Lines({ smoothing: net.smoothing, momentum: update.momentum, beta1, beta2, epsilon: update.epsilon })
    this.names = /** @type {Map<number, ValueName>} */ (new Map())
    this.made = /** @type {Map<number, Value>} */ (new Map())
    this.layerNames = layerNames(net.layers)
    this.isSeveral = isSeveral
    this.inputs = this.leaves("i", net.shapes[0][0], isSeveral)
    this.targets = this.leaves("t", net.outputs, isSeveral)
    this.parameters = net.parameters.map(it => this.leaves(it.role, it.shape.reduce((a, b) => a * b), false, it.first))
    this.rate = this.leaf({ stem: "η" })
    this.count = isSeveral ? this.leaf({ stem: "N" }) : null
    this.columns = [this.inputs] // of every layer its values
    net.layers.forEach((_, k) => this.columns.push(this.layer(k)))
    this.outputs = this.columns[this.columns.length - 1]
    this.errors = /** @type {number[]} */ ([])
    this.sampleLoss = this.error()
    this.loss = this.count === null ? this.sampleLoss
      : this.value({ stem: "E", word: "total" }, "mean", { x: this.sampleLoss, N: this.count })
  }

  /** @param {ValueName} name @param {boolean} [each] @private */
  leaf(name, each = false) {
    const line = this.lines.leaf(each)
    this.names.set(line, name)
    return line
  }

  /** @param {string} stem @param {number} count @param {boolean} each @param {number} [first] @private */
  leaves(stem, count, each, first = 1) {
    return Array.from({ length: count }, (_, k) => this.leaf({ stem, index: first + k }, each))
  }

  /** A value with a name: its line, and what it is made of.
   * @param {ValueName} name @param {string} kind of pattern @param {Places} places @param {number} [slope] of leaky relu @private
   */
  value(name, kind, places, slope) {
    const pattern = this.patterns[kind]
    const count = Math.max(1, ...Object.values(places).map(it => (Array.isArray(it) ? it.length : 1)))
    if (slope !== undefined) this.lines.settings.slope = slope
    const line = this.lines.say(pattern.value, places, count)
    const own = { ...places, ...(slope === undefined ? {} : { slope: this.lines.constant(slope) }) }
    this.names.set(line, name)
    this.made.set(line, { line, template: this.formula(pattern, own, count), pattern, places: own, count })
    return line
  }

  /** What each unit of a layer is.
   * @param {number} index @private
   */
  layer(index) {
    const layer = this.net.layers[index]
    const given = this.columns[index]
    const name = this.layerNames[index + 1]
    if (layer.kind === "dense") return this.sums(index, given, name)
    if (layer.word.endsWith("softmax")) return this.shares(index, layer.word, given, name)
    const slope = layer.word === "leaky relu" ? layer.slope : undefined
    return given.map((x, k) => this.value(at(name, k + 1), layer.word, { x }, slope))
  }

  /** @param {number} index @param {number[]} given @param {ValueName} name @private */
  sums(index, given, name) {
    const [weights, biases] = this.net.parameters.flatMap((it, k) => (it.layer === index ? [this.parameters[k]] : []))
    return Array.from({ length: weights.length / given.length }, (_, k) => {
      const w = weights.slice(k * given.length, (k + 1) * given.length)
      const bias = /** @type {Places} */ (biases ? { b: biases[biases.length > 1 ? k : 0] } : {})
      return this.value(at(name, k + 1), biases ? "sum" : "sum no bias", { w, x: given, ...bias })
    })
  }

  /** By way of ln Σ e^o, which softmax measures every value from.
   * @param {number} index @param {string} word @param {number[]} given @param {ValueName} name @private
   */
  shares(index, word, given, name) {
    const L = this.value({ stem: "L", of: this.layerNames[index] }, `logarithm of ${word}`, { x: given })
    const made = given.map((x, k) => this.value(at(name, k + 1), word, { x, L }))
    Object.assign(this.made.get(L)?.places ?? {}, { a: made }) // by which its slopes are said
    this.total = L
    return made
  }

  /** One sample's error; of a single sample it is all of the error. @private */
  error() {
    const { net, targets: t, outputs } = this
    const whole = { stem: "E", word: this.isSeveral ? "sample" : "total" }
    const before = this.columns[this.columns.length - 2]
    if (this.isCross) {
      const kind = `${net.loss} of ${net.ending}${net.smoothing ? " smoothed" : ""}`
      return this.value(whole, kind, { t, x: before, y: outputs, L: this.total ?? 0 })
    }
    this.errors = outputs.map((y, k) =>
      this.value({ stem: "E", index: k + 1 }, net.loss, this.isBinary ? { t: t[k], x: before[k], y } : { t: t[k], x: y }))
    if (this.errors.length > 1) return this.value(whole, `all of ${net.loss}`, { x: this.errors })
    return this.isSeveral ? this.errors[0] : this.value(whole, "alone", { x: this.errors[0] })
  }

  // Formulas --------------------------------------------------------------------

  /** @param {Pattern} pattern @param {Places} places @param {number} count @private */
  formula({ formulas }, places, count) {
    const pieces = this.sized(formulas, count)
    if (pieces.length === 1) return this.filled(pieces[0], places, count)
    const [before, each, between, after] = pieces
    const terms = Array.from({ length: count }, (_, k) => this.filled(each.replaceAll("*⟧", `.${k}⟧`), places, count))
    return this.filled(before, places, count) + terms.join(this.filled(between, places, count)) + this.filled(after, places, count)
  }

  /** What is written of so many values.
   * @template T @param {Record<string, T>} sizes @param {number} count @returns {T} @private
   */
  sized(sizes, count) {
    return (count > this.longestTop && sizes.many) || (count > 1 && sizes.few) || sizes.one || sizes.few
  }

  /** With lines at the places that have a name, and numbers at others.
   * @param {string} template @param {Places} places @param {number} count @private
   */
  filled(template, places, count) {
    return template.replace(/⟦([a-zA-Z]+)(?:\.(\d+))?⟧/g, (_, name, k) => {
      const found = places[name]
      const line = Array.isArray(found) ? found[Number(k)] : found
      if (line !== undefined && this.names.has(line)) return `⟦${line}⟧`
      return numeral(name === "n" ? count : line === undefined ? this.lines.settings[name] : this.lines.lines[line][1])
    })
  }

  /** The partials of a value towards those that change with a weight.
   * @param {number} of @param {(line: number) => boolean} isOnTheWay @returns {Slope[]}
   */
  slopes(of, isOnTheWay) {
    const made = this.made.get(of)
    if (!made) return []
    const { pattern, places, count } = made
    return Object.keys(pattern.partials).flatMap(place => {
      const all = [places[place]].flat()
      return all.flatMap((to, k) => (to === undefined || !isOnTheWay(to) ? [] : [this.slope(of, to, place, k, pattern, places, count)]))
    })
  }

  /** @param {number} of @param {number} to @param {string} place @param {number} k @param {Pattern} pattern
   * @param {Places} places @param {number} count @returns {Slope} @private
   */
  slope(of, to, place, k, { partials, slopes }, places, count) {
    const own = /** @type {Record<string, number>} */ ({ y: of })
    for (const [name, lines] of Object.entries(places)) own[name] = Array.isArray(lines) ? lines[k] : lines
    if (typeof own.slope === "number") this.lines.settings.slope = this.lines.lines[own.slope][1]
    const formula = this.lines.say(partials[place], own, count)
    return { of, to, formula, template: this.filled(this.sized(slopes, count)[place], own, count) }
  }

  /** @param {number} line */
  called(line) {
    return said(/** @type {ValueName} */ (this.names.get(line)))
  }
}

/** A number within a formula.
 * @param {number} value
 */
const numeral = value => (value < 0 ? '<mo form="prefix">−</mo>' : "") + `<mn>${Math.abs(value)}</mn>`
