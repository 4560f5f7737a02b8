// The values of a network, from the inputs to E_total: each a pattern with others at its places.

import { Lines } from "./lines.js"
import { layerValues, wanted } from "./layers.js"
import { elements, layerNames, said } from "./names.js"
import { byStep, wantedShape } from "./sequences.js"

/**
 * @typedef {import("./names.js").ValueName} ValueName
 * @typedef {import("./lines.js").Places} Places
 * @typedef {import("../text/fit.js").Net} Net
 * @typedef {{
 *   value: any, partials: Record<string, any>,
 *   formulas: Record<string, string[]>, slopes: Record<string, Record<string, string | string[]>>,
 * }} Pattern
 * @typedef {{
 *   grammar: import("../text/statement.js").Grammar, steps: Record<string, import("./sequences.js").StepValues>, patterns: Record<string, Pattern>,
 *   updates: Record<string, Record<string, any>>, least: Record<string, any>,
 *   planes: Record<string, {share: any, classes: number[][]}>,
 *   usualSet: string, opening: {text: string, rate: number, fields: Record<string, string>}, most: number, epochs: number, longestTop: number, longestChain: number,
 *   shown: number[], kinds: Record<string, string>,
 * }} Building what `report/play_page.py` writes
 * @typedef {{of: number, to: number, formula: number, template: string}} Slope
 * @typedef {{line: number, template: string, pattern: Pattern, places: Places, count: number, settings: Record<string, number>}} Value
 * @typedef {{name: ValueName, kind: string, written?: string, places: Places, settings?: Record<string, number>, count?: number}} Wanted
 *   a value with its pattern, and that of its formulas if it differs
 */

const STARRED = /⟦([a-zA-Z]+)\*⟧/g
const COPY = "identity" // the pattern of a value that equals another but has its own name

export class Values {
  /** @param {Net} net @param {boolean} isSeveral whether samples come from outside, so many at most @param {Building} building
   * @param {boolean} isMasked whether steps of a sequence may have no target
   */
  constructor(net, isSeveral, building, isMasked) {
    this.net = net
    this.patterns = building.patterns
    this.longestTop = building.longestTop
    this.objective = building.grammar.losses[net.loss]
    this.cards = building.grammar.cards
    this.steps = building.steps
    this.mixing = building.grammar.mixing
    const { kind: _kind, ...settings } = net.update
    this.lines = new Lines({ smoothing: net.smoothing, ...settings })
    this.names = /** @type {Map<number, ValueName>} */ (new Map())
    this.made = /** @type {Map<number, Value>} */ (new Map())
    this.masks = /** @type {import("../machine/masks.js").MaskTable[]} */ ([])
    this.layerNames = layerNames(net.layers, this.cards, net.shapes)
    this.isSeveral = isSeveral
    this.inputs = elements({ stem: "i" }, net.input).map(name => this.leaf(name, isSeveral))
    this.targets = elements({ stem: "t" }, wantedShape(net.shapes[net.shapes.length - 1])).map(name => this.leaf(name, isSeveral))
    this.parameters = net.parameters.map(it => this.leaves(it.role, it.shape.reduce((a, b) => a * b), false, it.first))
    this.rate = this.leaf({ stem: "η" })
    this.count = isSeveral ? this.leaf({ stem: "N" }) : null
    this.totals = /** @type {number[]} */ ([]) // ln Σ e^o of the latest softmax, at each step of a sequence
    this.sums = /** @type {Map<number, number[]>} */ (new Map()) // the terms of sums that have no name
    this.isMasked = isMasked
    const isLaidOut = net.input.length !== net.shapes[0].length // steps x features as layers read sequences
    this.columns = [isLaidOut ? byStep(this.inputs, [net.input[0], 1, net.input[1]]).flat() : this.inputs] // the values of every layer
    net.layers.forEach((_, k) => this.columns.push(layerValues(this, k)))
    this.outputs = this.asOutputs(this.columns.length - 1)
    this.errors = /** @type {number[]} */ ([])
    this.sampleLoss = this.error()
    this.loss = this.count === null ? this.sampleLoss
      : this.value({ stem: "E", word: "total" }, "mean", { x: this.sampleLoss, N: this.count })
  }

  /** A layer's values, step by step if they are a sequence.
   * @param {number} k @private
   */
  asOutputs(k) {
    const shape = this.net.shapes[k]
    return shape.length > 1 && this.net.shapes[this.net.shapes.length - 1].length > 1 ? byStep(this.columns[k], shape).flat() : this.columns[k]
  }

  /** @param {ValueName} name @param {boolean} [each] */
  leaf(name, each = false) {
    const line = this.lines.leaf(each)
    this.names.set(line, name)
    return line
  }

  /** @param {string} stem @param {number} count @param {boolean} each @param {number} [first] @private */
  leaves(stem, count, each, first = 1) {
    return Array.from({ length: count }, (_, k) => this.leaf({ stem, index: [first + k] }, each))
  }

  /** @param {number} value */
  number(value) {
    return this.lines.constant(value)
  }

  /** The lines of named values, which are recorded. One that equals a named value becomes its copy.
   * @param {Wanted[]} wanted @returns {number[]}
   */
  make(wanted) {
    const found = wanted.map(it => this.line(it))
    const isNew = found.map((line, k) => {
      if (this.names.has(line) || this.lines.isConstant(line)) return false
      this.record(line, wanted[k])
      return true
    })
    return found.map((line, k) => {
      if (isNew[k]) return line
      const copy = this.lines.make("copy", line)
      this.record(copy, { name: wanted[k].name, kind: COPY, places: { x: line } })
      return copy
    })
  }

  /** @param {Wanted} wanted @private */
  line({ kind, places, settings = {}, count = countOf(places) }) {
    Object.assign(this.lines.settings, settings)
    return this.lines.say(this.patterns[kind].value, places, count)
  }

  /** @param {number} line @param {Wanted} wanted @private */
  record(line, { name, kind, written = kind, places, settings = {}, count = countOf(places) }) {
    const pattern = { ...this.patterns[kind], ...this.patterns[written] }
    const value = { line, template: "", pattern, places, count, settings }
    this.names.set(line, name)
    this.made.set(line, { ...value, template: this.formula(value) })
  }

  /** A single value.
   * @param {ValueName} name @param {string} kind @param {Places} places @private
   */
  value(name, kind, places) {
    return this.make([{ name, kind, places }])[0]
  }

  /** One sample's error; if there is one sample, the whole error. @private */
  error() {
    const { net, targets: t, outputs, objective } = this
    const whole = { stem: "E", word: this.isSeveral ? "sample" : "total" }
    const before = this.asOutputs(this.columns.length - 2)
    if (objective.ofAll) {
      const kind = `${net.loss} of ${net.ending}${net.smoothing ? " smoothed" : ""}`
      const [classes] = net.shapes[net.shapes.length - 1]
      if (this.totals.length === 1) return this.value(whole, kind, { t, x: before, y: outputs, L: this.totals[0] })
      return this.overSteps(whole, kind, this.totals.map((L, k) => {
        const [own, x, y] = [t, before, outputs].map(it => it.slice(k * classes, (k + 1) * classes))
        return { t: own, x, y, L }
      }))
    }
    const names = elements({ stem: "E" }, wantedShape(net.shapes[net.shapes.length - 1]))
    this.errors = this.make(outputs.map((y, k) =>
      wanted(names[k], net.loss, objective.ending ? { t: t[k], x: before[k], y } : { t: t[k], x: y })))
    if (this.errors.length > 1) return this.value(whole, objective.summed ? "all summed" : "all averaged", { x: this.errors })
    return this.isSeveral ? this.errors[0] : this.value(whole, "alone", { x: this.errors[0] })
  }

  /** The mean of the errors of all steps or, if some may have no target, of those that have one.
   * @param {ValueName} whole @param {string} kind @param {(Places & {t: number[]})[]} steps @private
   */
  overSteps(whole, kind, steps) {
    const x = this.make(steps.map((places, k) => wanted({ stem: "E", index: [k + 1] }, kind, places)))
    if (!this.isMasked) return this.value(whole, "all averaged", { x })
    const count = steps.map(({ t }) => t.reduce((sum, it) => this.lines.make("add", sum, it)))
    steps.forEach(({ t }, k) => this.sums.set(count[k], t))
    return this.value(whole, "steps that count", { x, count })
  }

  // Formulas --------------------------------------------------------------------

  /** @param {Value} value @private */
  formula(value) {
    return this.pieced(this.sized(value.pattern.formulas, value.count), value, 0)
  }

  /** A template filled in; if it has pieces, they are repeated for each of several values.
   * @param {string | string[]} template @param {Value} value @param {number} own which of its values it is about @private
   */
  pieced(template, value, own) {
    if (typeof template === "string") return this.filled(template, value, own)
    let found = this.filled(template[0], value, own)
    for (let k = 1; k < template.length; k += 3) {
      const [each, between, after] = template.slice(k, k + 3)
      const many = Math.max(0, ...[...each.matchAll(STARRED)].map(([, name]) => [value.places[name]].flat().length)) || value.count
      const terms = Array.from({ length: many }, (_, j) => this.filled(j ? between + each : each, value, j))
      found += terms.join("") + this.filled(after, value, own)
    }
    return found
  }

  /** The template for so many values.
   * @template T @param {Record<string, T>} sizes @param {number} count @returns {T} @private
   */
  sized(sizes, count) {
    return (count > this.longestTop && sizes.many) || (count > 1 && sizes.few) || sizes.one || sizes.few
  }

  /** A template with lines at the places that have a name, and numbers at others.
   * @param {string} template @param {Value} value @param {number} own @private
   */
  filled(template, { places, count, settings }, own) {
    const brackets = (/** @type {string} */ it) => `<mo stretchy="false">${it === "«" ? "(" : ")"}</mo>`
    return template.replace(/[«»]/g, brackets).replace(/⟦([a-zA-Z]+)\*?⟧/g, (slot, name, place, all) => {
      const found = places[name]
      const line = Array.isArray(found) ? found[own] : found
      if (line !== undefined && this.names.has(line)) return `⟦${line}⟧`
      const terms = line === undefined ? undefined : this.sums.get(line)
      if (terms) {
        const sum = terms.map(it => `⟦${it}⟧`).join(" <mo>+</mo> ")
        const isPart = /<mo>[·+]<\/mo> ?$/.test(all.slice(0, place)) || all.slice(place + slot.length).startsWith("<mo>·")
        return isPart ? brackets("«") + sum + brackets("»") : sum
      }
      if (line !== undefined) return numeral(this.lines.lines[line][1])
      const numbers = /** @type {Record<string, number>} */ ({ ...this.lines.settings, ...settings, n: count, half: count / 2, root: Math.sqrt(count) })
      return numeral(numbers[name])
    })
  }

  /** The partials of a value with respect to those that change with a weight.
   * @param {number} of @param {(line: number) => boolean} isOnTheWay @returns {Slope[]}
   */
  slopes(of, isOnTheWay) {
    const made = this.made.get(of)
    if (!made) return []
    const value = { ...made, places: { y: of, E: of, ...made.places } }
    return Object.keys(made.pattern.partials).flatMap(place => {
      const all = [made.places[place]].flat()
      const own = place === "own" ? undefined : made.places.own // whose partial is another
      return all.flatMap((to, k) => (to === undefined || to === own || !isOnTheWay(to) ? [] : [this.slope(value, to, place, k)]))
    })
  }

  /** @param {Value} value @param {number} to @param {string} place @param {number} k @returns {Slope} @private */
  slope(value, to, place, k) {
    const { line, pattern, places, count, settings } = value
    Object.assign(this.lines.settings, settings)
    const formula = this.lines.say(pattern.partials[place], places, count, k)
    return { of: line, to, formula, template: this.pieced(this.ofSlope(pattern.slopes, count)[place], value, k) }
  }

  /** The template of a derivative; with an even number of values, a fraction is reduced by two.
   * @template T @param {Record<string, T>} sizes @param {number} count @returns {T} @private
   */
  ofSlope(sizes, count) {
    return (count === 2 && sizes.two) || (count % 2 === 0 && sizes.even) || this.sized(sizes, count)
  }

  /** @param {number} line */
  called(line) {
    return said(/** @type {ValueName} */ (this.names.get(line)))
  }
}

/** How many values of a kind there are at the places.
 * @param {Places} places
 */
const countOf = places => Math.max(1, ...Object.values(places).map(it => (Array.isArray(it) ? it.length : 1)))

const DIGITS = 7

/** A number within a formula, as a derivation writes it.
 * @param {number} value
 */
function numeral(value) {
  const sign = value < 0 ? '<mo form="prefix">−</mo>' : ""
  const shown = Number(value.toPrecision(DIGITS))
  const isExact = Math.abs(shown - value) <= 1e-14 * Math.abs(value)
  const [figures, power] = Math.abs(value).toExponential(DIGITS - 1).split("e")
  const exponent = Number(power)
  const tidy = (/** @type {string} */ it) => (isExact && it.includes(".") ? it.replace(/\.?0+$/, "") : it)
  if (value === 0 || (exponent >= -4 && exponent < DIGITS)) {
    return `${sign}<mn>${tidy(Math.abs(value).toFixed(Math.max(0, DIGITS - 1 - exponent)))}</mn>`
  }
  const ten = `<msup><mn>10</mn><mrow>${exponent < 0 ? '<mo form="prefix">−</mo>' : ""}<mn>${Math.abs(exponent)}</mn></mrow></msup>`
  return sign + (tidy(figures) === "1" ? ten : `<mn>${tidy(figures)}</mn><mo>·</mo>${ten}`)
}
