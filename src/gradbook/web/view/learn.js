// A tour of five steps that one follows by doing, docked beside the network; and questions about it.

import { restore, stateOf } from "./address.js"
import { byId, fillIn, formula, make, nameWords, say } from "./dom.js"
import { readNumber } from "./language.js"
import { PHRASES } from "./phrases.js"
import { judge, questions, reason, says } from "./questions.js"

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./questions.js").Question} Question
 * @typedef {Record<string, any>} Memory of what was seen since a step began
 * @typedef {{key: keyof typeof PHRASES.tour, look: string, isDone: (model: Model, seen: Memory) => any}} Step
 */

/** What one does at each step, in which view, and when it is done.
 * @type {Step[]}
 */
const STEPS = [
  { key: "watch", look: "pictures", isDone: ({ epoch }, seen) => epoch > (seen.epoch ??= epoch) + 20 },
  { key: "point", look: "pictures", isDone: ({ pointed, slopeOf }) => pointed !== null && slopeOf.has(pointed) },
  { key: "drag", look: "pictures", isDone: ({ training: { state }, epoch }, seen) => {
    if (seen.epoch !== epoch) Object.assign(seen, { epoch, state })
    return state.some((value, k) => Math.abs(value - seen.state[k]) > 0.05)
  } },
  { key: "back", look: "numbers", isDone: ({ chosen, content, epoch }, seen) => {
    seen.first ??= chosen
    seen.values ??= new Set()
    if (chosen !== seen.first && content.slopes[chosen] !== undefined) seen.values.add(chosen)
    return seen.values.size >= 2 && epoch > 0
  } },
  { key: "rate", look: "pictures", isDone: ({ rate }, seen) => {
    seen.low = Math.min(seen.low ?? rate, rate)
    seen.high = Math.max(seen.high ?? rate, rate)
    return seen.high > 3 * seen.low
  } },
]

export class LearnPanel {
  /** @param {Model} model @param {import("./editor.js").Editor | null} editor @param {import("./controls.js").Controls} controls */
  constructor(model, editor, controls) {
    this.model = model
    this.editor = editor
    this.controls = controls
    this.steps = STEPS.map(it => ({ ...it, seen: /** @type {Memory} */ ({}), isDone: false, check: it.isDone }))
    this.step = 0 // of the tour
    this.isTour = false
    this.isAnswered = false
    this.result = make("p")
    this.before = /** @type {import("./address.js").State | null} */ (null)
    this.question = /** @type {Question | null} */ (null)
    this.asked = 0
    this.right = 0
    this.watch = new MutationObserver(() => this.cover()) // for numbers that are written while a question is asked
    this.box = make("aside", { id: "learn", hidden: true, tabindex: -1, "aria-label": PHRASES.learn.title })
    addEventListener("keydown", event => event.key === "Escape" && !this.box.hidden && this.close())
    byId("help").lastElementChild.append(
      make("button", { type: "button", id: "tour", onclick: () => this.begin() }, PHRASES.learn.tour),
      make("button", { type: "button", id: "questions", onclick: () => this.quiz() }, PHRASES.learn.questions))
    model.listeners.push(() => this.follow())
  }

  /** Begin the tour where it was left, on a plane with points; at its end the page is as before. */
  begin() {
    const { model, editor } = this
    this.before ??= stateOf(model, editor)
    if (editor && model.usualLook !== "pictures") restore(model, editor, { ...this.before, ...editor.building.opening, start: [] })
    this.go(this.step)
  }

  /** @param {number} step */
  go(step) {
    const { model } = this
    const { key, look } = this.steps[step]
    this.step = step
    this.ask(null)
    if (step) this.controls.stop()
    this.steps[step].seen = {}
    model.look = look
    const [title, what] = PHRASES.tour[key]
    this.show(`${step + 1}/${this.steps.length} ${title}`, what, [
      ...(step ? [this.button("back", () => this.go(step - 1))] : []),
      ...(step < this.steps.length - 1 ? [this.button("next", () => this.go(step + 1))] : [this.button("close", () => this.close())]),
    ])
    this.isTour = true
    model.changed()
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
    if (question) this.model.isSampleChosen = true
    this.model.changed()
  }

  /** @param {keyof typeof PHRASES.learn} what @param {() => void} act @private */
  button(what, act) {
    return make("button", { type: "button", id: `learn-${what}`, onclick: act }, PHRASES.learn[what])
  }

  /** @param {string} title @param {string} words @param {Element[]} ways @private */
  show(title, words, ways) {
    this.result = make("p", { role: "status", class: "learned" })
    const close = make("button", { type: "button", class: "icon", id: "learn-end", title: PHRASES.learn.close, onclick: () => this.close() }, "×")
    this.box.replaceChildren(make("h2", {}, title), close, ...(words ? [make("p", {}, words)] : []), ...this.form(), this.result, make("p", { class: "own" }, ...ways))
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
    const given = readNumber(text)
    if (!question) return
    if (Number.isNaN(given)) return say(this.result, PHRASES.learn.noNumber)
    const found = judge(question, given)
    this.result.classList.toggle("is-right", found === true)
    if (found === true) {
      this.isAnswered = true
      if (!this.isTour) this.right += 1
      say(this.result, !this.isTour ? `${PHRASES.learn.right} ${this.right}/${this.asked}` : PHRASES.learn.right)
      model.changed()
    } else {
      this.result.replaceChildren(...(found ? fillIn(reason(found), found.names.map(it => nameWords(model.content.names[it]))) : [PHRASES.learn.wrong]))
    }
  }

  /** Hide what is asked for; a step is done once its check succeeds. */
  follow() {
    const { question, model, isAnswered } = this
    const isAsking = !this.box.hidden && question !== null && !isAnswered
    for (const element of document.querySelectorAll(".asked")) element.classList.remove("asked")
    if (isAsking && question.kind !== "update") for (const element of document.querySelectorAll(`.net [data-line="${question.of}"]`)) element.classList.add("asked")
    if (isAsking) this.watch.observe(document.body, { subtree: true, childList: true, characterData: true })
    else this.watch.disconnect()
    this.cover(isAsking ? question.answer : null)
    const step = this.steps[this.step]
    if (this.box.hidden || !this.isTour) return
    if (!step.isDone) {
      step.isDone = Boolean(step.check(model, step.seen))
      if (!step.isDone) return
    }
    this.result.classList.add("is-right")
    say(this.result, step === this.steps[this.steps.length - 1] ? PHRASES.learn.finished : PHRASES.learn.done)
  }

  /** Cover the answer wherever it is written.
   * @param {number | null} [answer] @private
   */
  cover(answer = this.question?.answer ?? null) {
    for (const element of document.querySelectorAll(".covered")) element.classList.remove("covered")
    if (answer === null) return
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const { data, parentElement } = /** @type {Text} */ (texts.currentNode)
      if (says(data, answer) && !this.box.contains(parentElement)) parentElement?.classList.add("covered")
    }
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
