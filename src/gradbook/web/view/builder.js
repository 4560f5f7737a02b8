// The network as a row of layers, changed by clicks and keys by way of its text.

import { inserted, moved, removed, RESORTS, reworded, spans, usualWords, withSetting, withWord } from "../text/edit.js"
import { begins } from "../text/reader.js"
import { make, say } from "./dom.js"
import { PHRASES } from "./phrases.js"

const HIDDEN = ["dense 4", "tanh"] // if there is no hidden layer to copy
const MOVES = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 })
const SLACK = 6 // pixels that a pointer may move before it drags

/**
 * @typedef {import("../text/edit.js").Span} Span
 * @typedef {import("../text/forms.js").Form} Form
 */

export class Builder {
  /** @param {import("./model.js").Model} model @param {import("./editor.js").Editor} editor @param {HTMLElement} box
   * @param {HTMLElement} training where loss and update are chosen
   */
  constructor(model, editor, box, training) {
    this.model = model
    this.editor = editor
    this.grammar = editor.building.grammar
    this.at = /** @type {number | null} */ (null) // the layer after which others are added; -1 is the input
    this.shown = "" // which text and how many samples
    this.all = /** @type {Span[]} */ ([])
    this.layers = /** @type {Span[]} */ ([])
    this.row = make("ol", { class: "layers", "aria-label": PHRASES.layers })
    this.settings = make("div", { class: "bar" })
    this.training = training
    this.said = make("p", { role: "status", id: "builder-said" })
    box.append(this.settings, this.row, this.said, make("p", { id: "builder-hint", class: "unseen" }, PHRASES.hint))
    box.addEventListener("focusin", event => this.choose(/** @type {Element} */ (event.target).closest("li")))
    this.update()
  }

  get text() {
    return this.editor.box.latest
  }

  update() {
    const key = `${this.model.samples.length} ${this.text}`
    if (key === this.shown) return
    this.shown = key
    say(this.said, "")
    this.render()
  }

  /** @param {string} [focus] what to focus, if not the current element @private */
  render(focus) {
    const key = focus ?? (/** @type {HTMLElement | null} */ (document.activeElement))?.dataset.key
    this.all = spans(this.text, this.grammar)
    this.layers = this.all.filter(it => it.isLayer)
    if (this.at !== null && this.at >= this.layers.length) this.at = null
    const input = make("li", { class: "chip", "data-k": -1 }, make("button", { type: "button", class: "grip", "data-key": "grip -1",
      "aria-label": PHRASES.layer(0, this.words(this.input)) }, this.words(this.input)))
    this.row.replaceChildren(input, ...this.layers.map((span, k) => this.chip(span, k)))
    this.settings.replaceChildren(...this.fields())
    this.training.replaceChildren(...this.choices())
    this.mark()
    if (key) /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${key}"]`))?.focus({ preventScroll: true })
  }

  get input() {
    return /** @type {Span} */ (this.all.find(it => begins(it.statement) === "input"))
  }

  /** @param {Span} span */
  words({ statement }) {
    return statement.words.map(it => it.word).join(" ")
  }

  /** @param {Span} span @param {number} k @private */
  chip(span, k) {
    const words = this.words(span)
    const form = this.formOf(span)
    const called = PHRASES.layer(k + 1, words)
    const isActivation = form?.card === "activation"
    const grip = make("button", {
      type: "button", class: "grip", "data-key": `grip ${k}`, "aria-label": called, "aria-describedby": "builder-hint", title: PHRASES.hint,
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event, k),
      onpointerdown: (/** @type {PointerEvent} */ event) => this.drag(event, k),
    }, isActivation ? "⠿" : words)
    return make("li", { class: "chip", "data-k": k }, grip,
      ...(isActivation ? [this.kinds(span, k)] : this.steppers(span, k, form)),
      this.button("×", PHRASES.remove(called), `remove ${k}`, () => this.remove(k)))
  }

  /** @param {Span} span @returns {Form | undefined} @private */
  formOf({ statement }) {
    return this.grammar.forms[begins(statement)]
  }

  /** The menu of activations, made from their cards.
   * @param {Span} span @param {number} k @private
   */
  kinds(span, k) {
    const now = begins(span.statement)
    const forms = Object.entries(this.grammar.forms).filter(([, { card }]) => card === "activation")
    return this.menu(PHRASES.ofLayer(PHRASES.activation, k + 1), `kind ${k}`, forms.map(([word, { words }]) => [word, words]), now,
      word => this.put(reworded(this.text, span, this.grammar.forms[word].words)))
  }

  /** + and −, if the first setting of a layer is a whole number.
   * @param {Span} span @param {number} k @param {Form | undefined} form @private
   */
  steppers(span, k, form) {
    const found = this.counted(span, k, form)
    return found ? this.pair(found.what, `${k}`, found.value, found.least, found.put) : []
  }

  /** A layer's first setting, if it is a whole number, and how to change it.
   * @param {Span} span @param {number} k @param {Form | undefined} form @private
   */
  counted(span, k, form) {
    const [first] = form ? form.fields ?? [] : [null]
    const field = typeof first === "number" ? this.grammar.fields[first] : null
    const place = form ? form.words.split(" ").length : 1
    const value = Number(span.statement.words[place]?.word)
    if (form && field?.kind !== "whole" && !(field?.kind === "both" && value)) return null
    return {
      what: PHRASES.ofLayer(field ? this.grammar.called?.[field.what] ?? field.what : PHRASES.times, k + 1), value, least: field?.least ?? 1,
      put: (/** @type {number} */ to) => this.put(withWord(this.text, span, place, String(to))),
    }
  }

  /** The activation of the first hidden layer. @private */
  get usualActivation() {
    const [first, other] = this.layers.filter(it => this.formOf(it)?.card === "activation")
    return other ? this.words(first) : HIDDEN[1]
  }

  /** @param {string} what @param {string} key @param {number} value @param {number} least @param {(to: number) => void} act @private */
  pair(what, key, value, least, act) {
    return [
      this.button("−", PHRASES.change(what, value, value - 1), `less ${key}`, () => act(value - 1), value <= least),
      this.button("+", PHRASES.change(what, value, value + 1), `more ${key}`, () => act(value + 1)),
    ]
  }

  /** @param {string} sign @param {string} label @param {string} key @param {() => void} act @param {boolean} [isOff] @private */
  button(sign, label, key, act, isOff = false) {
    return make("button", { type: "button", class: "sign", "aria-label": label, title: label, "data-key": key, "aria-disabled": isOff && "true", onclick: () => isOff || act() }, sign)
  }

  /** @param {string} label @param {string} key @param {[value: string, words: string][]} options @param {string} now @param {(value: string) => void} act @private */
  menu(label, key, options, now, act) {
    const menu = make("select", { "aria-label": label, "data-key": key, onchange: () => act(menu.value) },
      ...options.map(([value, words]) => make("option", { value, selected: value === now }, words)))
    return menu
  }

  /** The fields after the layers: the menu that adds another, and how many are hidden. @private */
  fields() {
    const { grammar } = this
    const hidden = Math.max(0, this.sums.length - 1)
    const built = Object.entries(grammar.forms).filter(([, { isUnbuilt }]) => !isUnbuilt)
    const groups = /** @type {[string, (form: Form) => boolean][]} */ ([
      [PHRASES.groups.dense, it => it.card === "dense"],
      [PHRASES.groups.activations, it => it.card === "activation"],
      [PHRASES.groups.others, it => it.card !== "dense" && it.card !== "activation"],
    ])
    const menu = this.menu("", "add", [["", ""]], "", word => word && this.add(grammar.forms[word]))
    menu.append(...groups.map(([label, isOf]) => make("optgroup", { label }, ...built.filter(([, form]) => isOf(form))
      .map(([value, { words }]) => make("option", { value }, words)))))
    return [
      menu,
      make("span", { class: "pair" }, ...between(this.pair(PHRASES.hidden, "hidden", hidden, 0, to => (to > hidden ? this.addHidden() : this.removeHidden())),
        `${PHRASES.hidden} ${hidden}`)),
    ]
  }

  /** The fields for loss, update and the number of samples. @private */
  choices() {
    const { grammar, model } = this
    const net = this.editor.net
    const count = model.samples.length
    const setting = (/** @type {string} */ word, /** @type {string[]} */ known, /** @type {string} */ now) =>
      make("label", {}, `${word} `, this.menu(word, word, known.map(it => /** @type {[string, string]} */ ([it, it])), now, to => this.put(withSetting(this.text, word, to, grammar))))
    return [
      setting("loss", Object.keys(grammar.losses), net.loss),
      setting("update", Object.keys(grammar.rates), net.update.kind),
      make("span", { class: "pair" }, ...between(this.pair(PHRASES.samples, "samples", count, 1, to => this.resample(to)), `${PHRASES.samples} ${count}`)),
    ]
  }

  /** Which layers have weights that sum.
   * @private
   */
  get sums() {
    return this.layers.flatMap((span, k) => (this.grammar.cards[this.formOf(span)?.card ?? ""]?.sums ? [k] : []))
  }

  // What a click does ---------------------------------------------------------

  /** @param {string} text @param {(number | null)[]} [order] of all statements of layers, what each was before
   * @param {string} [focus] @returns {boolean} whether it was taken
   */
  put(text, order, focus) {
    const forms = this.layers.flatMap((span, k) => (this.formOf(span) ? [k] : []))
    const own = order?.filter(k => k === null || forms.includes(k)).map(k => (k === null ? null : forms.indexOf(k)))
    const { said, isRefused } = this.editor.put(text, own)
    say(this.said, said)
    this.said.classList.toggle("refused", isRefused)
    this.shown = `${this.model.samples.length} ${this.text}`
    this.render(isRefused ? undefined : focus)
    return !isRefused
  }

  /** @private */
  get order() {
    return /** @type {(number | null)[]} */ (this.layers.map((_, k) => k))
  }

  /** @param {number} k @param {number} goal @private */
  move(k, goal) {
    if (goal < 0 || goal >= this.layers.length || goal === k) return
    const order = this.order
    order.splice(goal, 0, ...order.splice(k, 1))
    this.put(moved(this.text, this.layers, k, goal), order, `grip ${goal}`)
  }

  /** @param {number} first @param {number} [end] @private */
  remove(first, end = first + 1) {
    let text = this.text
    for (let k = end - 1; k >= first; k--) {
      const all = spans(text, this.grammar)
      text = removed(text, all.filter(it => it.isLayer)[k], all)
    }
    const focus = end - first > 1 ? undefined : `grip ${Math.min(first, this.layers.length - 2)}`
    this.put(text, this.order.filter(k => k === null || k < first || k >= end), focus)
  }

  /** Insert statements after a layer, or after the input.
   * @param {number} at @param {string[]} statements @private
   */
  insert(at, statements) {
    const text = statements.reduce((/** @type {string} */ said, words, k) => {
      const all = spans(said, this.grammar)
      const place = at + k
      return inserted(said, place < 0 ? this.input : all.filter(it => it.isLayer)[place], words)
    }, this.text)
    const order = this.order
    order.splice(at + 1, 0, ...statements.map(() => null))
    return this.put(text, order)
  }

  /** Where layers are added: after the chosen one, else before the last that sums. @private */
  get place() {
    const sums = this.sums
    return this.at ?? (sums.length ? sums[sums.length - 1] - 1 : this.layers.length - 1)
  }

  /** Add a layer with its usual settings, or with smaller ones if those don't fit.
   * @param {Form} form @private
   */
  add(form) {
    const at = this.place
    for (let resort = 0; resort < RESORTS; resort++) {
      if (!this.insert(at, [usualWords(form, this.grammar, resort)])) continue
      if (this.at !== null) this.at = at + 1
      return this.mark()
    }
  }

  /** Add a hidden layer like the last, before the output layer. @private */
  addHidden() {
    const [last, before] = [...this.sums].reverse()
    const block = before === undefined ? [] : this.layers.slice(before, last).map(it => this.words(it))
    const isDense = before !== undefined && this.formOf(this.layers[before])?.card === "dense"
    this.insert(last - 1, isDense ? block : [HIDDEN[0], this.usualActivation])
  }

  /** Remove the last hidden layer and what follows it, up to the output layer. @private */
  removeHidden() {
    const [last, before] = [...this.sums].reverse()
    this.remove(before, last)
  }

  /** Add a copy of the current sample, or remove the current sample.
   * @param {number} to how many @private
   */
  resample(to) {
    const { model } = this
    const { samples, sample } = model
    const most = this.editor.building.most
    if (to > most) return say(this.said, PHRASES.tooMany(most))
    say(this.said, "")
    this.editor.resample(to > samples.length ? [...samples, structuredClone(samples[sample])] : samples.filter((_, k) => k !== sample))
    if (to > samples.length) {
      model.sample = to - 1
      model.changed()
    }
    this.update()
  }

  // Choosing and moving -------------------------------------------------------

  /** @param {Element | null} chip @private */
  choose(chip) {
    if (!chip) return
    this.at = Number(chip.getAttribute("data-k"))
    this.mark()
  }

  /** @private */
  mark() {
    for (const chip of this.row.children) chip.classList.toggle("chosen", Number(chip.dataset.k) === this.at)
    const words = this.words(this.place < 0 ? this.input : this.layers[this.place])
    const menu = this.settings.firstElementChild
    menu?.setAttribute("aria-label", PHRASES.addLayer(words))
    menu?.firstElementChild?.replaceChildren(PHRASES.add(words))
  }

  /** @param {KeyboardEvent} event @param {number} k @private */
  key(event, k) {
    const by = MOVES[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey || !(by || event.key === "Delete")) return
    event.preventDefault()
    if (by) this.move(k, k + by)
    else this.remove(k)
  }

  /** @param {PointerEvent} event @param {number} k @private */
  drag(event, k) {
    if (event.button) return
    const { clientX: x, clientY: y } = event
    const chips = /** @type {HTMLElement[]} */ ([...this.row.children].slice(1))
    const places = chips.map(chip => chip.getBoundingClientRect())
    let goal = k
    const follow = (/** @type {PointerEvent} */ { clientX, clientY }) => {
      if (goal === k && Math.hypot(clientX - x, clientY - y) < SLACK) return
      goal = nearest(places, clientX, clientY)
      chips[k].style.transform = `translate(${clientX - x}px, ${clientY - y}px)`
      chips.forEach((chip, j) => {
        chip.classList.toggle("dragged", j === k)
        chip.classList.toggle("goal", j === goal && j !== k)
      })
    }
    const end = (/** @type {PointerEvent} */ { type }) => {
      removeEventListener("pointermove", follow)
      removeEventListener("pointerup", end)
      removeEventListener("pointercancel", end)
      for (const chip of chips) chip.classList.remove("dragged", "goal")
      chips[k].style.transform = ""
      if (type === "pointerup") this.move(k, goal)
    }
    addEventListener("pointermove", follow)
    addEventListener("pointerup", end)
    addEventListener("pointercancel", end)
  }
}

/** @param {Node[]} pair @param {string} words */
const between = ([less, more], words) => [less, words, more]

/** The place whose middle is nearest to a point.
 * @param {DOMRect[]} places @param {number} x @param {number} y
 */
function nearest(places, x, y) {
  const far = places.map(({ left, top, width, height }) => Math.hypot(left + width / 2 - x, top + height / 2 - y))
  return far.indexOf(Math.min(...far))
}
