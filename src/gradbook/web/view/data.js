// What the network learns from: points drawn by rule and seed, or samples of one's own; some may be
// held out as a test, and more may be made of a point's coordinates as inputs.

import { FEATURES, featuresOf, labelled, made, points, SETS } from "../build/points.js"
import { Random } from "../machine/chance.js"
import { reworded, spans } from "../text/edit.js"
import { begins } from "../text/reader.js"
import { wrongTargets } from "../text/fit.js"
import { byId, make, say } from "./dom.js"
import { mark, numeral, tr } from "./language.js"

/** @typedef {import("./model.js").Sample} Sample */

const SHARES = [0, 0.2, 0.5] // of the samples that are held out
/** @type {Record<keyof typeof SETS, string>} */
const SET_NAMES = {
  halves: mark("halves"), xor: mark("xor"), circle: mark("circle"), gaussians: mark("gaussians"), spiral: mark("spiral"),
  slope: mark("slope"), hills: mark("hills"), sine: mark("sine"),
}
const BASE = 2 // coordinates, before what is made of them

export class DataPanel {
  /** @param {import("./model.js").Model} model @param {import("./editor.js").Editor | null} editor @param {(words: string) => void} tell */
  constructor(model, editor, tell) {
    this.model = model
    this.editor = editor
    this.tell = tell
    this.own = /** @type {Sample[] | null} */ (null) // from a file
    this.sets = byId("sets") ?? make("select")
    this.sets.append(...Object.entries(SET_NAMES).map(([kind, words]) => make("option", { value: kind }, words)))
    const field = (/** @type {string} */ id, /** @type {string} */ words, /** @type {any} */ input) => make("label", { id: `${id}-label` }, `${words} `, input)
    this.seed = make("input", { type: "number", id: "data-seed", min: 0, step: 1, value: 0 })
    this.noise = make("input", { type: "range", id: "data-noise", min: 0, max: 0.5, step: 0.05, value: 0 })
    this.held = make("select", { id: "data-test" }, ...SHARES.map(share => make("option", { value: share }, share ? numeral(`${share * 100} %`) : mark("none"))))
    this.boxes = Object.keys(FEATURES).slice(BASE).map(name => make("input", { type: "checkbox", value: name }))
    this.made = make("span", { class: "remark" })
    this.features = make("fieldset", { class: "paints", id: "features" }, make("legend", {}, mark("more inputs")),
      ...this.boxes.map(box => make("label", {}, box, ` ${box.value}`)), this.made)
    byId("said").before(make("div", { class: "own" }, field("seed", mark("seed"), this.seed), field("noise", mark("noise"), this.noise), field("test", mark("held out as a test"), this.held)), this.features)
    for (const input of [this.sets, this.seed, this.noise, ...this.boxes]) input.addEventListener("change", () => this.apply())
    this.sets.addEventListener("change", () => (this.own = null))
    this.held.addEventListener("change", () => this.use(this.all))
    this.shown = "" // the set that was chosen when the fields last fitted
    this.drawnBy = "0" // the seed that the test was drawn by
    this.tests = model.tests
    model.listeners.push(() => this.follow())
    this.fit()
  }

  /** All samples there are, those of the test too, in the order in which they were before some were held out. @private */
  get all() {
    const { samples, tests } = this.model
    const held = heldOut(this.drawnBy, samples.length + tests.length, tests.length)
    const [own, others] = [samples.values(), tests.values()]
    return Array.from({ length: samples.length + tests.length }, (_, k) => /** @type {Sample} */ ((held.has(k) ? others : own).next().value))
  }

  /** Whatever is held out now, by use or by a link, was drawn by the seed of now; a link may have chosen another set. @private */
  follow() {
    if (this.tests !== this.model.tests) this.drawnBy = this.seed.value
    this.tests = this.model.tests
    if (this.shown !== this.sets.value) this.fit()
  }

  /** What the network that there is now can be given. */
  fit() {
    this.shown = this.sets.value
    const { content, samples } = this.model
    const found = content.columns[0].maps.length ? [] : featuresOf(content.inputs.length, samples)
    const isPoint = found.length > 0 && content.most > 1
    if (byId("point-sets")) byId("point-sets").hidden = !isPoint
    this.features.hidden = found.length < BASE || !this.editor
    for (const box of this.boxes) box.checked = found.includes(box.value)
    say(this.made, found.length > BASE ? found.map((name, k) => `i${k + 1} = ${name}`).join(", ") : "")
    for (const input of [this.seed, this.noise]) input.parentElement.hidden = !isPoint || !this.sets.value
    this.held.parentElement.hidden = content.most === 1
  }

  /** Samples of one's own.
   * @param {Sample[]} samples
   */
  take(samples) {
    this.own = samples
    this.sets.value = ""
    this.use(samples)
  }

  /** Draw the points anew, and let the network have the inputs that they come with. */
  apply() {
    const { model } = this
    const kind = this.sets.value
    const { isValue } = SETS[kind] ?? {}
    const drawn = kind ? points(kind, Number(this.seed.value) || 0, Number(this.noise.value)) : []
    const isPlane = kind ? drawn[0].length > BASE : this.model.content.inputs.length >= BASE
    const features = [...Object.keys(FEATURES).slice(0, isPlane ? BASE : 1), ...(isPlane ? this.boxes.filter(box => box.checked).map(box => box.value) : [])]
    /** @type {Sample[]} */
    const written = kind ? labelled(drawn, null) : this.own ?? (features.length > BASE || model.content.inputs.length > BASE ? this.all : structuredClone(model.content.samples))
    const samples = written.map(([inputs, targets]) => /** @type {Sample} */ ([made(features, inputs), targets]))
    if (kind && isValue && this.refused(samples)) return this.fit()
    model.before("")
    const { before } = model
    model.before = () => {} // it is one change
    try {
      if (features.length !== model.content.inputs.length && !this.widen(features.length, samples, kind)) return
      const { classes } = model.content.plane ?? {}
      if (kind && !isValue && !classes) return this.tell(tr("{kind} has two classes: end with one output, or two with softmax", { kind }))
      this.use(samples.map(([inputs, targets]) => [inputs, kind && !isValue ? [...classes[targets[0]]] : targets]))
      this.tell("")
    } finally {
      model.before = before
      this.fit()
    }
  }

  /** Another number of inputs in the network's text.
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

  /** Whether the loss can't learn such values; then it says so.
   * @param {Sample[]} samples @private
   */
  refused(samples) {
    const { content } = this.model
    const net = this.editor?.net
    const isWrong = net && samples.some(([, targets]) => wrongTargets(targets, net, /** @type {any} */ (this.editor).building.grammar))
    const isRefused = content.outputs.length > 1 || isWrong
    if (isRefused) {
      this.tell(tr("{kind} has one value at each point, also below 0: end with dense 1 and loss mean squared error", { kind: this.sets.value }))
      this.sets.value = ""
    }
    return isRefused
  }

  /** Train with all but those that are held out, which a seed draws.
   * @param {Sample[]} all
   */
  use(all) {
    const count = Math.min(Math.round(all.length * Number(this.held.value)), all.length - 1)
    const held = heldOut(this.seed.value, all.length, count)
    this.model.begin(all.filter((_, k) => !held.has(k)), all.filter((_, k) => held.has(k)))
    this.fit()
  }
}

/** Which of so many samples are held out, as a seed draws them.
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
