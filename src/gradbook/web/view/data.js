// The data to learn from: points drawn by rule and seed, or the reader's own samples; some may be
// held out as a test, and inputs may be computed from a point's coordinates.

import { FEATURES, featuresOf, labelled, made, points, pointsWhere, SETS } from "../build/points.js"
import { Random } from "../machine/chance.js"
import { inserted, removed, reworded, spans, withSetting } from "../text/edit.js"
import { inequality } from "../text/inequality.js"
import { begins } from "../text/reader.js"
import { wrongTargets } from "../text/fit.js"
import { byId, choose, make, say, takesNumbers } from "./dom.js"
import { css, tonesOf } from "./grid.js"
import { mark, numeral, tr } from "./language.js"

/** @typedef {import("./model.js").Sample} Sample */

const DECAYS = [0, 0.001, 0.003, 0.01, 0.03, 0.1]
const THUMB = 58 // the size of a dataset picture, in pixels
const USUAL = ["x²", "y²", "xy"] // further inputs that are offered beside the points; the others are in the settings
const DRAWN = { few: 50, many: 100 } // points of a picture; a spiral needs many
const RARE = "halves" // which is in the settings, too
/** @type {Record<keyof typeof SETS, string>} */
const SET_NAMES = {
  halves: mark("halves"), quadrants: mark("XOR, 100 points"), circle: mark("circle"), gaussians: mark("gaussians"), spiral: mark("spiral"),
  slope: mark("slope"), hills: mark("hills"), sine: mark("sine"),
}
const FORMULA = "formula" // the set of points of the reader's formula
const BASE = 2 // coordinates, from which other inputs are computed
const TASKS = { classes: ["quadrants", "sigmoid", "binary cross-entropy"], values: ["hills", "", "mean squared error"] } // what each begins with

export class DataPanel {
  /** @param {import("./model.js").Model} model @param {import("./editor.js").Editor | null} editor @param {HTMLElement} batch
   * @param {(words: string) => void} tell @param {string} [set] whose points the samples are
   */
  constructor(model, editor, batch, tell, set) {
    this.model = model
    this.editor = editor
    this.tell = tell
    this.own = /** @type {Sample[] | null} */ (null) // from a file
    this.box = byId("point-sets")
    this.pictures = Object.entries(SET_NAMES).map(([kind, words]) => make("label", { class: "set", title: tr("{set}; once more: other points", { set: words }), "data-kind": kind },
      make("input", { type: "radio", name: "sets", value: kind, "aria-label": words, onclick: () => kind === this.shown && this.redraw() }), make("canvas", { width: 2 * THUMB, height: 2 * THUMB, "aria-hidden": "true" })))
    for (const picture of this.pictures) {
      const isRare = picture.dataset.kind === RARE
      if (isRare) picture.firstElementChild.setAttribute("form", "point-sets")
      ;(isRare ? byId("data-fields") : this.box.querySelector(".sets")).append(picture)
    }
    this.task = this.box.elements.task
    for (const input of this.task) input.addEventListener("change", () => this.choose(input.value))
    this.sets = this.box.elements.sets
    this.box.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault())
    this.formula = byId("plane-formula")
    this.formula.addEventListener("change", () => {
      choose(this.sets, this.formula.value.trim() ? FORMULA : TASKS.classes[0])
      this.own = null
      this.apply()
    })
    this.noise = byId("data-noise")
    this.held = byId("data-test")
    this.seed = byId("data-seed")
    this.decay = make("select", { id: "decay", onchange: () => this.settle("decay", this.decay.value) }, ...DECAYS.map(it => make("option", { value: it }, it ? numeral(String(it)) : mark("none"))))
    this.boxes = Object.keys(FEATURES).slice(BASE).map(name => make("input", { type: "checkbox", value: name }))
    this.made = make("p", { class: "remark" })
    this.features = byId("features")
    const chip = (/** @type {HTMLInputElement} */ box) => make("label", {}, box, box.value)
    const others = make("fieldset", { class: "chips", id: "other-features" }, make("legend", {}, mark("more inputs")), ...this.boxes.filter(box => !USUAL.includes(box.value)).map(chip), this.made)
    this.features.append(...Object.keys(FEATURES).slice(0, BASE).map(name => make("span", { class: "chip" }, name)), ...this.boxes.filter(box => USUAL.includes(box.value)).map(chip))
    byId("data-fields").append(batch, others, ...(editor ? [make("label", { class: "setting" }, mark("decay"), this.decay)] : []))
    takesNumbers(this.seed, () => {}, { least: 0, isWhole: true })
    for (const input of [this.seed, this.noise, ...this.boxes]) input.addEventListener("change", () => this.apply())
    for (const input of [this.noise, this.held]) input.addEventListener("input", () => this.sayShares())
    for (const set of this.sets) set.addEventListener("change", () => {
      this.own = null
      this.apply()
    })
    this.held.addEventListener("change", () => this.use(this.all))
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint())
    if (set) this.sets.value = set
    this.shown = "" // the set that was chosen when the fields last fitted
    this.drawnBy = "0" // the seed with which the test was drawn
    this.tests = model.tests
    model.listeners.push(() => this.follow())
    model.redraw = () => this.apply()
    this.paint()
    this.fit()
  }

  /** A picture of each set. @private */
  paint() {
    const tones = tonesOf(this.box)
    for (const label of this.pictures) {
      const pen = label.lastChild.getContext("2d")
      pen.clearRect(0, 0, 2 * THUMB, 2 * THUMB)
      for (const point of points(label.dataset.kind, 0, 0, label.dataset.kind === "spiral" ? DRAWN.many : DRAWN.few)) {
        const [x, y, value] = point.length > BASE ? point : [point[0], point[1], 1]
        const isHigh = value > (SETS[label.getAttribute("data-kind")].isValue ? 0 : 0.5)
        pen.fillStyle = css(tones[isHigh ? 2 : 0])
        pen.beginPath()
        pen.arc(THUMB * (1 + 0.85 * x), THUMB * (1 - 0.85 * y), 4, 0, 7)
        pen.fill()
      }
    }
  }

  /** Draw other points by the rule that is chosen already. @private */
  redraw() {
    this.seed.value = String((Number(this.seed.value) || 0) + 1)
    this.apply()
  }

  /** @private */
  sayShares() {
    say(this.noise.previousElementSibling, numeral(Number(this.noise.value).toFixed(2)))
    say(this.held.previousElementSibling, numeral(`${Math.round(100 * Number(this.held.value))} %`))
  }

  /** @param {keyof typeof TASKS} task @private */
  choose(task) {
    this.sets.value = TASKS[task][0]
    this.own = null
    this.apply(task)
  }

  /** @param {string} word @param {string} value @private */
  settle(word, value) {
    const { editor } = this
    if (editor) this.tell(editor.put(withSetting(editor.state.text, word, value, editor.building.grammar)).said)
  }

  /** All samples, those of the test too, in their order before some were held out. @private */
  get all() {
    const { samples, tests } = this.model
    const held = heldOut(this.drawnBy, samples.length + tests.length, tests.length)
    const [own, others] = [samples.values(), tests.values()]
    return Array.from({ length: samples.length + tests.length }, (_, k) => /** @type {Sample} */ ((held.has(k) ? others : own).next().value))
  }

  /** What is held out now, by `use` or by a link, was drawn with the current seed; a link may have chosen another set. @private */
  follow() {
    if (this.tests !== this.model.tests) this.drawnBy = this.seed.value
    this.tests = this.model.tests
    if (this.shown !== this.sets.value) this.fit()
  }

  /** Show the fields that fit the current network. */
  fit() {
    this.shown = this.sets.value
    const { content, samples } = this.model
    const found = content.columns[0].maps.length ? [] : featuresOf(content.inputs.length, samples)
    const isPoint = found.length > 0 && content.most > 1
    const isOnScreen = isPoint && !this.model.isAsNumbers
    this.box.hidden = !isOnScreen
    for (const [box, hasPlace] of [[this.features, isOnScreen], [byId("other-features"), isPoint]]) box.hidden = !hasPlace || found.length < BASE || !this.editor
    for (const box of this.boxes) box.checked = found.includes(box.value)
    say(this.made, found.length > BASE ? found.map((name, k) => `i${k + 1} = ${name}`).join(", ") : "")
    this.seed.parentElement.hidden = !isPoint || !this.sets.value
    this.noise.parentElement.hidden = !isOnScreen || !this.sets.value
    say(byId("open-more").lastElementChild, this.model.isAsNumbers ? mark("other data, biases, decay") : mark("test share, batch, decay, your own data"))
    this.held.parentElement.hidden = content.most === 1
    const chosen = SETS[this.sets.value]
    const isValue = found.length === 1 || (chosen ? chosen.isValue === true : !content.plane)
    this.formula.hidden = isValue || !this.editor
    for (const label of this.pictures) label.hidden = Boolean(SETS[label.getAttribute("data-kind")].isValue) !== isValue
    this.task.value = isValue ? "values" : "classes"
    this.task[0].closest("div").hidden = !this.editor || found.length < BASE
    if (this.editor) {
      const decay = this.editor.net.decay[/** @type {any} */ (this.editor.building.grammar.kinds).weights] ?? 0
      if (!DECAYS.includes(decay) && ![...this.decay.options].some(it => Number(it.value) === decay)) this.decay.append(make("option", { value: decay }, numeral(String(decay))))
      this.decay.value = String(decay)
    }
    this.sayShares()
  }

  /** Take the reader's own samples.
   * @param {Sample[]} samples
   */
  take(samples) {
    this.own = samples
    choose(this.sets, "")
    this.use(samples)
  }

  /** Draw the points anew, and give the network the inputs and the output layer that they need.
   * @param {keyof typeof TASKS | null} [task] the task that needs another output layer
   */
  apply(task = null) {
    const { model } = this
    const kind = this.sets.value
    const { isValue } = SETS[kind] ?? {}
    const drawn = this.drawn(kind)
    if (!drawn) return
    const isPlane = kind ? drawn[0].length > BASE : this.model.content.inputs.length >= BASE
    const features = [...Object.keys(FEATURES).slice(0, isPlane ? BASE : 1), ...(isPlane ? this.boxes.filter(box => box.checked).map(box => box.value) : [])]
    /** @type {Sample[]} */
    const written = kind ? labelled(drawn, null) : this.own ?? (features.length > BASE || model.content.inputs.length > BASE ? this.all : structuredClone(model.content.samples))
    const samples = written.map(([inputs, targets]) => /** @type {Sample} */ ([made(features, inputs), targets]))
    model.before("")
    const { before } = model
    model.before = () => {} // it is one change
    try {
      if (features.length !== model.content.inputs.length && !this.widen(features.length, samples, kind)) return
      if (kind && !task && (isValue ? this.refuses(samples) : !model.content.plane)) task = isValue ? "values" : "classes"
      if (task && !this.turn(task)) return
      const { classes } = model.content.plane ?? {}
      this.use(samples.map(([inputs, targets]) => [inputs, kind && !isValue ? [...classes[targets[0]]] : targets]))
      this.tell("")
    } finally {
      model.before = before
      this.fit()
    }
  }

  /** The points of a set; nothing, with a message, if the reader's formula can't be read or divides none.
   * @param {string} kind @private
   */
  drawn(kind) {
    const how = /** @type {[number, number]} */ ([Number(this.seed.value) || 0, Number(this.noise.value)])
    if (!kind) return []
    if (kind !== FORMULA) return points(kind, ...how)
    const { value } = this.formula
    let found = null
    try {
      found = pointsWhere(inequality(value), value, ...how)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
    const isDivided = new Set(found?.map(([, , which]) => which)).size > 1
    this.formula.setAttribute("aria-invalid", String(!isDivided))
    if (!found) this.tell(tr("'{words}' isn't understood: write an inequality of x and y, such as {example}", { words: value, example: "y > sin(3x)" }))
    else if (!isDivided) this.tell(tr("'{words}' divides no points: x and y are from −1 to 1", { words: value }))
    return isDivided ? found : null
  }

  /** Change the number of inputs in the network's text.
   * @param {number} count @param {Sample[]} samples @param {string} kind @private
   */
  widen(count, samples, kind) {
    const { model, editor } = this
    if (!editor) {
      this.tell(mark("This page's network can't be changed: make another page, with as many inputs"))
      return false
    }
    const { text } = editor.state
    const span = spans(text, editor.building.grammar).find(({ statement }) => begins(statement) === "input")
    const first = model.content.targets.map((/** @type {number} */ _, /** @type {number} */ k) => Number(k === 0))
    model.samples = samples.map(([inputs, targets]) => [inputs, kind ? first : targets])
    model.tests = []
    const answer = span && editor.put(reworded(text, span, `input ${count}`))
    if (answer?.isRefused) this.tell(answer.said)
    return !answer?.isRefused
  }

  /** Let the network learn classes, or values: change the loss, and one output with or without a sigmoid.
   * @param {keyof typeof TASKS} task @private
   */
  turn(task) {
    const { editor } = this
    const [, activation, loss] = TASKS[task]
    const grammar = /** @type {import("../text/statement.js").Grammar} */ (editor?.building.grammar)
    let text = editor?.state.text ?? ""
    const layers = () => spans(text, grammar).filter(it => it.isLayer)
    const last = editor ? layers().map(it => begins(it.statement)).lastIndexOf("dense") : -1
    if (!editor || last < 0) {
      this.tell(tr("{kind} needs one output: end with {words}", { kind: this.sets.value, words: `dense 1 ${activation}`.trim() }))
      choose(this.sets, "")
      return false
    }
    while (layers().length > last + 1) text = removed(text, layers()[last + 1], spans(text, grammar))
    text = reworded(text, layers()[last], "dense 1")
    if (activation) text = inserted(text, layers()[last], activation)
    const answer = editor.put(withSetting(text, "loss", loss, grammar))
    this.tell(answer.isRefused ? answer.said : "")
    return !answer.isRefused
  }

  /** Whether the network can't learn such values.
   * @param {Sample[]} samples @private
   */
  refuses(samples) {
    const { content } = this.model
    const net = this.editor?.net
    return content.outputs.length > 1 || (net && samples.some(([, targets]) => wrongTargets(targets, net, /** @type {any} */ (this.editor).building.grammar)))
  }

  /** Train with all samples except those held out, which are drawn with the seed.
   * @param {Sample[]} all
   */
  use(all) {
    const count = Math.min(Math.round(all.length * Number(this.held.value)), all.length - 1)
    const held = heldOut(this.seed.value, all.length, count)
    this.model.begin(all.filter((_, k) => !held.has(k)), all.filter((_, k) => held.has(k)))
    this.fit()
  }
}

/** Which of so many samples are held out, drawn with a seed.
 * @param {string} seed @param {number} count @param {number} held how many
 */
function heldOut(seed, count, held) {
  const random = new Random(`test ${seed}`)
  const order = Array.from({ length: count }, (_, k) => k)
  for (let k = count - 1; k > 0; k--) {
    const other = random.below(k + 1)
    ;[order[k], order[other]] = [order[other], order[k]]
  }
  return new Set(order.slice(0, held))
}
