// The network as text: read as it is typed, its mistakes marked at their places, and built when it is right.

import { kept, tableOf } from "../build/table.js"
import { digits } from "../text/wording.js"
import { read } from "../text/reader.js"
import { statements, TextError } from "../text/statement.js"
import { byId, make, say } from "./dom.js"

/**
 * @typedef {import("../text/fit.js").Net} Net
 * @typedef {import("../text/fit.js").Parameter} Parameter
 * @typedef {import("../build/values.js").Building} Building
 */

const MOST_STEPS = 200 // that can be undone

export class Editor {
  /** @param {import("./model.js").Model} model @param {Building} building @param {(table: any, start: number[]) => void} rebuild */
  constructor(model, building, rebuild) {
    this.model = model
    this.building = building
    this.rebuild = rebuild
    this.box = byId("text")
    this.gutter = byId("line-numbers")
    this.mark = byId("wrong-line")
    this.message = byId("text-said")
    this.written = this.box.value
    this.known = new Map() // values of weights, by their tensor
    this.net = read(this.written, building.grammar)
    this.read = [this.written] // every text that was in order, the latest last
    this.box.addEventListener("input", () => this.take())
    byId("undo").addEventListener("click", () => this.undo())
    byId("text-as-written").addEventListener("click", () => this.replace(this.written))
    this.number(null)
    this.approve()
  }

  /** Read the text as it is; build it if it is in order. @private */
  take() {
    const text = this.box.value
    try {
      const net = read(text, this.building.grammar)
      if (text !== this.read[this.read.length - 1]) this.read = [...this.read, text].slice(-MOST_STEPS)
      this.build(net, text)
      this.number(null)
      this.approve()
    } catch (error) {
      if (!(error instanceof TextError)) throw error
      this.number(error.line)
      this.refuse(error)
    }
    byId("undo").disabled = this.read.length < 2 && text === this.read[0]
  }

  /** @param {Net} net @param {string} text @private */
  build(net, text) {
    const { model, building } = this
    const layers = layersOf(text, building)
    if (JSON.stringify(net) === JSON.stringify(this.net)) return
    this.remember()
    const { plane, most, criteria } = model.content
    const isNew = JSON.stringify(net.samples) !== JSON.stringify(this.net.samples) && net.samples.length > 0
    const samples = kept(model.samples, plane?.classes ?? null, net, building)
    const table = tableOf(isNew ? net : { ...net, samples: [] }, samples.length > 1 || most > 1 ? samples : net.samples.length ? net.samples : samples, building)
    Object.assign(table, { criteria, layers })
    this.net = net
    this.rebuild(table, this.starts(table))
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

  /** Back to the text before the latest change that was in order. */
  undo() {
    const latest = this.read[this.read.length - 1]
    if (this.box.value === latest && this.read.length > 1) this.read.pop()
    const text = this.read.pop() ?? this.written
    this.replace(text)
  }

  /** @param {string} text @private */
  replace(text) {
    this.box.value = text
    this.take()
    this.box.focus()
  }

  // What is seen -------------------------------------------------------------------

  /** Number the lines, and mark the one that is wrong.
   * @param {number | null} wrong @private
   */
  number(wrong) {
    const count = this.box.value.split(/\r\n|\r|\n/).length
    this.box.rows = count + 1
    const numbers = Array.from({ length: count }, (_, k) =>
      make("span", { class: k + 1 === wrong ? "wrong" : null }, String(k + 1)))
    this.gutter.replaceChildren(...numbers)
    this.mark.hidden = wrong === null
    if (wrong !== null) this.mark.style.setProperty("--line-above", String(wrong - 1))
  }

  /** @private */
  approve() {
    const { parameters } = this.net
    const size = parameters.reduce((sum, it) => sum + names(it).length, 0)
    this.box.setAttribute("aria-invalid", "false")
    this.message.classList.remove("refused")
    say(this.message, `in order: ${size} ${size === 1 ? "weight" : "weights and biases"}, η = ${digits(this.net.rate).replace(/\.0$/, "")}`)
  }

  /** @param {TextError} error @private */
  refuse({ line, column, message }) {
    this.box.setAttribute("aria-invalid", "true")
    this.message.classList.add("refused")
    const place = make("button", { type: "button", class: "place", onclick: () => this.goTo(line, column) }, `line ${line}, column ${column}`)
    this.message.replaceChildren(place, `: ${message}`)
  }

  /** Put the cursor there, and choose the word.
   * @param {number} line @param {number} column @private
   */
  goTo(line, column) {
    const lines = this.box.value.split("\n")
    const before = lines.slice(0, line - 1).reduce((/** @type {number} */ sum, /** @type {string} */ it) => sum + it.length + 1, 0)
    const row = [...lines[line - 1]]
    const start = before + row.slice(0, column - 1).join("").length
    const word = /^\S*/.exec(row.slice(column - 1).join(""))?.[0] ?? ""
    this.box.focus()
    this.box.setSelectionRange(start, start + word.length)
  }
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
  return [...statements(text, grammar)].map(it => it.words.map(({ word }) => word))
    .filter(([first]) => isOther(first)).map(words => `${words.join(" ")}\n`).join("")
}
