// Numbers that are learned: which may move, and towards which result, is asked first; then they follow
// the slopes step by step.

import { byId, make, say, takesNumbers } from "../view/dom.js"
import { mark, pieces, tr } from "../view/language.js"
import { bare, read, rounded, shown } from "./amounts.js"
import { called } from "./sentence.js"

const [PART, MOST] = [0.1, 1_000] // of what is missing that a step makes up for, and steps of a run
const NEAR = 0.1 // of the last digit that is shown

export class Learning {
  /** @param {import("./exploration.js").Exploration} model */
  constructor(model) {
    this.model = model
    this.dialog = byId("learning")
    this.run = byId("run")
    this.report = byId("learned")
    this.target = NaN
    this.moving = /** @type {number[]} */ ([])
    this.steps = 0
    this.isRunning = false
    byId("learn").addEventListener("click", () => this.ask())
    this.run.addEventListener("click", () => (this.isRunning ? this.stop("") : this.begin()))
    byId("cancel").addEventListener("click", () => this.dialog.close())
    this.dialog.addEventListener("submit", () => this.take())
  }

  /** Ask which numbers may move, and where to. */
  ask() {
    const { model } = this
    const form = model.forms[model.result]
    this.stop("")
    if (!Number.isFinite(this.target)) this.target = rounded(model.at(model.result), form)
    const field = make("input", { "aria-label": called(model.values[model.result]), value: bare(this.target, form), onkeydown: (/** @type {Event} */ event) => event.stopPropagation() })
    const question = make("label", { class: "aim" }, ...pieces(mark("{result} should become {value}"), { result: called(model.values[model.result]), value: field }))
    const boxes = model.content.inputs.map((value, k) => make("label", {}, make("input", { type: "checkbox", checked: (this.moving.length ? this.moving : [model.chosen]).includes(k) }), ` ${called(value)} `, make("small", {}, shown(model.at(k), model.forms[k]))))
    byId("questions").replaceChildren(question, make("fieldset", {}, make("legend", {}, mark("These numbers may move, within the ends of their sliders:")), ...boxes))
    takesNumbers(field, value => (this.target = value), { parse: text => read(text, form) })
    this.boxes = boxes.map(box => /** @type {HTMLInputElement} */ (box.querySelector("input")))
    this.dialog.showModal()
    field.select()
  }

  /** @private */
  take() {
    this.moving = (this.boxes ?? []).flatMap((box, k) => (box.checked ? [k] : []))
    this.run.hidden = !this.moving.length
    this.steps = 0
    if (this.moving.length) this.begin()
  }

  /** @private */
  begin() {
    this.isRunning = true
    this.steps = 0
    this.mark()
    const frame = () => {
      if (!this.isRunning) return
      this.step()
      requestAnimationFrame(frame)
    }
    frame()
  }

  /** One step down the slope of the squared distance, each number by the width of its slider. */
  step() {
    const { model, target, moving } = this
    const { result, slopes, ranges, forms } = model
    const now = model.at(result)
    const words = { count: this.steps, result: called(model.values[result]), value: shown(now, forms[result]) }
    if (Math.abs(now - target) <= NEAR * 10 ** -forms[result].decimals / (forms[result].is_percent ? 100 : 1)) return this.stop(tr("reached after {count} steps", words))
    if (this.steps === MOST) return this.stop(tr("stopped after {count} steps", words))
    const free = moving.filter(k => slopes[k] && (now < target === slopes[k] > 0 ? model.at(k) < ranges[k][1] : model.at(k) > ranges[k][0]))
    const size = free.reduce((sum, k) => sum + (slopes[k] * width(ranges[k])) ** 2, 0)
    if (!size) return this.stop(tr("stopped: these numbers can’t move any further", words))
    const before = moving.map(k => /** @type {[number, number]} */ ([k, model.at(k)]))
    model.put(...free.map(k => {
      const moved = model.at(k) + (PART * (target - now) * slopes[k] * width(ranges[k]) ** 2) / size
      return /** @type {[number, number]} */ ([k, Math.max(ranges[k][0], Math.min(ranges[k][1], moved))])
    }))
    this.steps++
    if (Number.isFinite(model.at(result))) return
    model.put(...before)
    this.stop(tr("stopped after {count} steps: then {result} isn’t a number", words))
  }

  /** @param {string} words */
  stop(words) {
    this.isRunning = false
    say(this.report, words)
    this.mark()
  }

  /** @private */
  mark() {
    say(this.run, this.isRunning ? mark("Pause") : mark("Run"))
    this.run.setAttribute("aria-pressed", String(this.isRunning))
  }
}

/** @param {[number, number]} range */
const width = ([low, high]) => high - low
