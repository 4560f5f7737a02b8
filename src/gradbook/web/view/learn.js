// A tour of ten steps, each with a task and a check; and questions about the current network.

import { restore, stateOf } from "./address.js"
import { byId, fillIn, formula, make, nameWords, say } from "./dom.js"
import { mark } from "./language.js"
import { PHRASES } from "./phrases.js"
import { judge, questions, reason } from "./questions.js"

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./questions.js").Question} Question
 * @typedef {Record<string, any>} Memory of what was seen since a step began
 * @typedef {{key: keyof typeof PHRASES.tour, text: string, asks?: string, isDone?: (model: Model, seen: Memory) => any}} Step
 */

const SQUARES = "sigmoid\nloss half squared error\nrate 1\n"
const WORKED = `input 2\ndense 2 no bias\nsigmoid\ndense 2 no bias\n${SQUARES}weights 0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55\nsample 0.05 0.1 -> 0.5 0.5\n`
const EQUAL = `input 2\ndense 2 no bias\nsigmoid\ndense 1 no bias\n${SQUARES}weights 0.3 0.3 0.3 0.3 0.3 0.3\nsample 0.1 0.9 -> 0.1\n`
const ALONE = "input 2\ndense 1\nsigmoid\nloss binary cross-entropy\nrate 1\nseed 1\nsample 0 0 -> 0\nsample 0 1 -> 1\nsample 1 0 -> 1\nsample 1 1 -> 0\n"
const IMAGE = "input 1x4x4\nconv 1 3x3\nflatten\ndense 1\nrate 0.1\nseed 2\nsample 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 -> 1\n"

/** @param {Model} model @param {number} column */
const firstTwo = ({ content }, column) => content.columns[column].units.slice(0, 2).map((/** @type {any} */ it) => it.values[0])

/** @type {Step[]} */
const STEPS = [
  { key: "forward", text: WORKED, asks: "sum" },
  { key: "error", text: WORKED, asks: "error" },
  { key: "chain", text: WORKED, asks: "chain" },
  { key: "chains", text: WORKED, isDone: ({ content, chosen }, seen) => {
    seen.first ??= chosen // by the step before
    seen.weights ??= new Set()
    if (content.weights.includes(chosen) && chosen !== seen.first) seen.weights.add(chosen)
    return seen.weights.size >= 3 && content.weights.slice(0, 4).some((/** @type {number} */ it) => seen.weights.has(it))
  } },
  { key: "update", text: WORKED, asks: "update", isDone: ({ epoch }) => epoch > 1 },
  { key: "rates", text: WORKED, isDone: (model, seen) => {
    seen[model.judge().verdict] = true
    return seen["too slow"] && Object.keys(seen).some(it => /oscillates|overshoots|diverges|saturated/.test(it))
  } },
  { key: "dead", text: WORKED, isDone: model => model.rate >= 1000 && model.epoch > 1 && [...model.slopeOf.values()].every(line => Math.abs(model.at(line)) < 1e-3) },
  { key: "symmetry", text: EQUAL, isDone: (model, seen) => {
    const [one, other] = firstTwo(model, 1).map((/** @type {number} */ line) => model.at(line))
    seen.isAlike ||= model.epoch >= 20 && one === other
    return seen.isAlike && Math.abs(one - other) > 0.01
  } },
  { key: "hidden", text: ALONE, isDone: ({ content, training, epoch }, seen) => {
    const isHidden = content.columns.some((/** @type {any} */ it) => it.words[0] === mark("hidden"))
    seen.isStuck ||= !isHidden && epoch >= 100 && training.loss > 0.6
    return seen.isStuck && isHidden && training.loss < 0.1
  } },
  { key: "shared", text: IMAGE, isDone: ({ content, chosen, start, written, stateOf: places }) => {
    const kernel = new Set(content.windows.flatMap((/** @type {any} */ it) => it.channels.flat(2).map((/** @type {any} */ read) => read?.[1])))
    const place = places.get(chosen) ?? -1
    return kernel.has(chosen) && start[place] !== written[place]
  } },
]

export class LearnPanel {
  /** @param {Model} model @param {import("./editor.js").Editor | null} editor @param {import("./controls.js").Controls} controls */
  constructor(model, editor, controls) {
    this.model = model
    this.editor = editor
    this.controls = controls
    this.steps = STEPS.map(it => ({ ...it, seen: {}, isDone: false, check: it.isDone }))
    this.step = 0 // of the tour
    this.isTour = false
    this.isAnswered = false
    this.result = make("p")
    this.before = /** @type {import("./address.js").State | null} */ (null)
    this.question = /** @type {Question | null} */ (null)
    this.asked = 0
    this.right = 0
    this.learned = () => {} // called when a step or a question is done, for reports
    this.box = make("aside", { id: "learn", hidden: true, tabindex: -1, "aria-label": PHRASES.learn.title })
    this.box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this.close())
    byId("network").before(this.box)
    byId("help").lastElementChild.append(
      ...(editor ? [make("button", { type: "button", id: "tour", onclick: () => this.begin() }, PHRASES.learn.tour)] : []),
      make("button", { type: "button", id: "questions", onclick: () => this.quiz() }, PHRASES.learn.questions))
    model.listeners.push(() => this.follow())
  }

  /** Begin the tour where it was left; the previous network comes back at the end. */
  begin() {
    this.before ??= stateOf(this.model, this.editor)
    this.go(this.step)
  }

  /** @param {number} step */
  go(step) {
    const { model } = this
    const { text, key, asks } = this.steps[step]
    this.isTour = false // until all of the step is there
    this.step = step
    this.controls.stop()
    this.editor?.box.replace(text)
    Object.assign(model, { start: [...model.written], rate: model.content.startRate, batch: 0 })
    model.begin(structuredClone(model.content.samples))
    this.steps[step].seen = {}
    this.ask(asks ? questions(model).find(it => it.kind === asks) ?? null : null)
    const [title, what] = PHRASES.tour[key]
    this.show(`${step + 1}/${this.steps.length} ${title}`, what, [
      ...(step ? [this.button("back", () => this.go(step - 1))] : []),
      ...(step < this.steps.length - 1 ? [this.button("next", () => this.go(step + 1))] : []),
    ])
    this.isTour = true
    this.follow()
  }

  /** Ask a random question, of each kind in turn. */
  quiz() {
    this.isTour = false
    const all = questions(this.model)
    const kinds = [...new Set(all.map(it => it.kind))]
    const some = all.filter(it => it.kind === kinds[this.asked % kinds.length])
    this.ask(some[Math.floor(Math.random() * some.length)] ?? null)
    this.asked += 1
    this.show(PHRASES.learn.question, this.question ? "" : PHRASES.learn.none, this.question ? [this.button("another", () => this.quiz())] : [])
  }

  /** @param {Question | null} question @private */
  ask(question) {
    this.question = question
    this.isAnswered = !question
    if (question && question.kind !== "sum") this.model.chosen = question.of
    this.model.changed()
  }

  /** @param {keyof typeof PHRASES.learn} what @param {() => void} act @private */
  button(what, act) {
    return make("button", { type: "button", id: `learn-${what}`, onclick: act }, PHRASES.learn[what])
  }

  /** @param {string} title @param {string} words @param {Element[]} ways @private */
  show(title, words, ways) {
    this.result = make("p", { role: "status", class: "learned" })
    const close = this.button("close", () => this.close())
    this.box.replaceChildren(make("h2", {}, title, close), ...(words ? [make("p", {}, words)] : []), ...this.form(), this.result, make("p", { class: "own" }, ...ways))
    this.box.hidden = false
    this.box.focus({ preventScroll: true })
  }

  /** @private */
  form() {
    const { question, model } = this
    if (!question) return []
    const { names } = model.content
    const asked = question.root === null ? nameWords(names[question.of])
      : formula(`<mfrac><mrow><mo>∂</mo>${names[question.root].math}</mrow><mrow><mo>∂</mo>${names[question.of].math}</mrow></mfrac>`)
    const field = make("input", { id: "answer", inputmode: "decimal", autocomplete: "off", "aria-label": PHRASES.learn.answer })
    const line = fillIn(PHRASES.questions[/** @type {keyof typeof PHRASES.questions} */ (question.kind)], [asked, ...question.names.map(it => nameWords(names[it]))])
    return [make("form", { class: "own", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault()
      this.answer(field.value)
    } }, make("p", {}, ...line), field, make("button", { id: "learn-check" }, PHRASES.learn.check))]
  }

  /** @param {string} text @private */
  answer(text) {
    const { question, model } = this
    const given = Number(text.trim().replace(",", ".").replace("−", "-"))
    if (!question) return
    if (!text.trim() || Number.isNaN(given)) return say(this.result, PHRASES.learn.noNumber)
    const found = judge(question, given)
    this.result.classList.toggle("is-right", found === true)
    if (found === true) {
      this.isAnswered = true
      if (!this.isTour) this.right += 1
      say(this.result, !this.isTour ? `${PHRASES.learn.right} ${this.right}/${this.asked}` : PHRASES.learn.right)
      model.changed()
      this.learned()
    } else {
      this.result.replaceChildren(...(found ? fillIn(reason(found), found.names.map(it => nameWords(model.content.names[it]))) : [PHRASES.learn.wrong]))
    }
  }

  /** Hide what is asked for; a step is done once its check succeeds. */
  follow() {
    const { question, model, isAnswered } = this
    const isAsking = !this.box.hidden && question !== null && !isAnswered
    document.body.classList.toggle("asking", isAsking)
    for (const element of document.querySelectorAll(".asked")) element.classList.remove("asked", "of-slope")
    if (isAsking) {
      for (const element of document.querySelectorAll(`.net [data-line="${question.of}"]`)) {
        if (question.kind !== "update") element.classList.add("asked", ...(question.kind === "chain" ? ["of-slope"] : []))
      }
    }
    const step = this.steps[this.step]
    if (this.box.hidden || !this.isTour) return
    if (!step.isDone) {
      step.isDone = (!step.asks || isAnswered) && (!step.check || step.check(model, step.seen))
      if (!step.isDone) return
      this.learned()
    }
    this.result.classList.add("is-right")
    say(this.result, step === this.steps[this.steps.length - 1] ? PHRASES.learn.finished : PHRASES.learn.done)
  }

  /** Go back to the network from before the tour. */
  close() {
    this.box.hidden = true
    this.question = null
    this.controls.stop()
    if (this.before) restore(this.model, this.editor, this.before)
    this.before = null
    this.model.changed()
  }
}
