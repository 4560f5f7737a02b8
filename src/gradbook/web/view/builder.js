// The network changed by clicks and keys, by way of its text: a control above each column, the number of
// hidden layers, and in the settings a menu that adds a layer, the loss, the update and the samples.

import { inserted, removed, RESORTS, reworded, spans, usualWords, withSetting, withWord } from "../text/edit.js"
import { begins } from "../text/reader.js"
import { byId, make, say } from "./dom.js"
import { mark, tr, trCount } from "./language.js"
import { lossWords } from "./line.js"
import { PHRASES } from "./phrases.js"

const HIDDEN = ["dense 4", "tanh"] // if there is no hidden layer to copy
const EDGE = 4 // pixels beside a head
const ROOM = 142 // pixels between two columns: in less, a head has two rows

/**
 * @typedef {import("../text/edit.js").Span} Span
 * @typedef {import("../text/forms.js").Form} Form
 */

export class Builder {
  /** @param {import("./model.js").Model} model @param {import("./editor.js").Editor} editor @param {import("./drawing.js").Drawing} drawing */
  constructor(model, editor, drawing) {
    this.model = model
    this.editor = editor
    this.drawing = drawing
    this.grammar = editor.building.grammar
    this.shown = "" // which text and how many samples
    this.all = /** @type {Span[]} */ ([])
    this.layers = /** @type {Span[]} */ ([])
    this.heads = byId("heads")
    this.depth = byId("depth")
    this.settings = byId("settings")
    this.said = byId("builder-said")
    drawing.relaid = () => (this.shown = "") // its heads come with the next frame, when the text is the network's
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
    this.heads.replaceChildren(...this.drawing.heads.flatMap(head => this.head(head)))
    this.spread()
    const hidden = Math.max(0, this.sums.length - 1)
    this.depth.replaceChildren(...this.pair(PHRASES.hidden, "hidden", hidden, 0, to => (to > hidden ? this.addHidden() : this.removeHidden()),
      make("span", {}, trCount("{count} hidden layer", "{count} hidden layers", hidden))))
    this.settings.replaceChildren(...this.choices())
    if (key) /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${key}"]`))?.focus({ preventScroll: true })
  }

  /** Make heads smaller until none covers another: in two rows, with their first word, without words. @private */
  spread() {
    const all = [...this.heads.children].map(head => ({ head, x: parseFloat(head.style.left), step: head.clientWidth > Number(head.dataset.wide) ? 1 : 0 }))
    for (let tries = 0; tries < 3 * all.length; tries++) {
      for (const { head, x, step } of all) {
        head.classList.toggle("in-rows", step > 0)
        const label = head.matches("p") ? head : head.querySelector(".kind > span")
        if (step && head.matches(".of-loss")) say(head, this.grammar.called?.[this.editor.net.loss] ?? this.editor.net.loss)
        if (step > 1) say(label, label.textContent.split(" ")[0])
        if (step > 2) label.style.visibility = "hidden"
        const half = head.clientWidth / 2 + EDGE
        head.style.left = `${Math.max(half, Math.min(x, this.drawing.room.width - half))}px`
      }
      const boxes = all.map(({ head }) => [...head.children, head].map(it => it.getBoundingClientRect()).filter(({ width }) => width).reduce((a, b) => ({ left: Math.min(a.left, b.left), right: Math.max(a.right, b.right) }), { left: Infinity, right: -Infinity }))
      const k = boxes.findIndex(({ right }, j) => boxes[j + 1]?.left < right + EDGE / 2 && Math.min(all[j].step, all[j + 1].step) < 3)
      if (k < 0) return
      const [one, other] = [all[k], all[k + 1]].sort((a, b) => a.step - b.step || b.head.clientWidth - a.head.clientWidth)
      if (one.step < 3) one.step += 1
      else other.step += 1
    }
  }

  get input() {
    return /** @type {Span} */ (this.all.find(it => begins(it.statement) === "input"))
  }

  /** @param {Span} span */
  words({ statement }) {
    return statement.words.map(it => it.word).join(" ")
  }

  /** The control of a column: its units and its activation, or whatever its layers are.
   * @param {import("./drawing.js").Head} head @private
   */
  head({ x, y, column, wide, isLoss }) {
    const { content } = this.model
    const { layers, words } = content.columns[column]
    const { net } = this.editor
    const forms = this.layers.flatMap((span, k) => (this.formOf(span) ? [k] : []))
    const owners = net.owners.flatMap((/** @type {number} */ first, /** @type {number} */ k) => (first === k ? [k] : []))
    const own = /** @type {number[]} */ ([...new Set(layers.map((/** @type {number} */ layer) => forms[owners.indexOf(net.owners[layer])]))]).filter(k => k !== undefined)
    const sum = own.find(k => this.grammar.cards[this.formOf(this.layers[k])?.card ?? ""]?.sums)
    const at = { class: "head", "data-wide": wide }
    const placed = (/** @type {HTMLElement} */ element) => {
      Object.assign(element.style, { left: `${x}px`, top: `${y}px` })
      return [element]
    }
    if (isLoss) return placed(make("p", { ...at, class: "head of-loss" }, lossWords(content)))
    if (!column || !layers.length) return placed(make("p", at, column ? words.join(" ") : mark("inputs")))
    const isLast = sum !== undefined && sum === this.sums[this.sums.length - 1]
    const activation = own.find(k => this.formOf(this.layers[k])?.card === "activation")
    const counted = sum === undefined ? null : this.counted(this.layers[sum], sum, this.formOf(this.layers[sum]))
    const now = activation === undefined ? "" : begins(this.layers[activation].statement)
    const called = activation === undefined ? sum === undefined ? this.words(this.layers[own[0]] ?? this.input) : "" : this.grammar.forms[now].words
    const label = isLast && wide < ROOM && this.drawing.room.width < ROOM * 4 ? mark("output") : isLast ? `${mark("output")}${called ? ` · ${called}` : ""}` : counted ? [counted.value, called].filter(Boolean).join(" · ") : called || words.join(" ")
    const menu = make("span", { class: `kind${isLast ? " last" : ""}` }, make("span", {}, label), this.kinds(own, activation, counted))
    return placed(make("div", at, ...(counted && !isLast ? this.pair(counted.what, `${sum}`, counted.value, counted.least, counted.put, menu) : [menu])))
  }

  /** The menu of a column: another activation, one unit more or fewer, or no layer here.
   * @param {number[]} own @param {number | undefined} activation @param {ReturnType<Builder["counted"]>} counted @private
   */
  kinds(own, activation, counted) {
    const [first] = own
    const place = activation ?? first ?? 0
    const now = activation === undefined ? "" : begins(this.layers[activation].statement)
    const forms = Object.entries(this.grammar.forms).filter(([, { card }]) => card === "activation")
    const option = (/** @type {string} */ value, /** @type {string} */ words) => make("option", { value, selected: value === now }, words)
    const menu = make("select", { "aria-label": PHRASES.ofLayer(PHRASES.activation, place + 1), "data-key": `kind ${place}`, onchange: () => act(menu.value) },
      ...(activation === undefined ? [option("", mark("no activation"))] : []),
      make("optgroup", { label: PHRASES.groups.activations }, ...forms.map(([word, { words }]) => option(word, words))),
      make("optgroup", { label: mark("this layer") }, ...(counted ? [option("more", mark("one unit more")), ...(counted.value > counted.least ? [option("fewer", mark("one unit fewer"))] : [])] : []),
        ...(activation === undefined ? [] : [option("bare", mark("remove the activation"))]), option("remove", mark("remove the layer"))))
    const act = (/** @type {string} */ word) => {
      if (!word) return
      if (word === "more" || word === "fewer") return counted?.put(counted.value + (word === "more" ? 1 : -1))
      if (word === "bare" && activation !== undefined) return this.remove(activation)
      if (word === "remove") return this.remove(first, own[own.length - 1] + 1)
      if (activation !== undefined) return this.put(reworded(this.text, this.layers[activation], this.grammar.forms[word].words))
      this.insert(first, [this.grammar.forms[word].words])
      this.render()
    }
    return menu
  }

  /** @param {Span} span @returns {Form | undefined} @private */
  formOf({ statement }) {
    return this.grammar.forms[begins(statement)]
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

  /** @param {string} what @param {string} key @param {number} value @param {number} least @param {(to: number) => void} act @param {Node} between @private */
  pair(what, key, value, least, act, between) {
    return [
      this.button("−", PHRASES.change(what, value, value - 1), `less ${key}`, () => act(value - 1), value <= least), between,
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

  /** The fields of the settings: a layer to add, loss, update, and the number of samples. @private */
  choices() {
    const { grammar, model } = this
    const net = this.editor.net
    const count = model.samples.length
    const setting = (/** @type {string} */ word, /** @type {string[]} */ known, /** @type {string} */ now) =>
      make("label", { class: "setting" }, word, this.menu(word, word, known.map(it => /** @type {[string, string]} */ ([it, it])), now, to => this.put(withSetting(this.text, word, to, grammar))))
    const built = Object.entries(grammar.forms).filter(([, { isUnbuilt }]) => !isUnbuilt)
    const groups = /** @type {[string, (form: Form) => boolean][]} */ ([
      [PHRASES.groups.dense, it => it.card === "dense"],
      [PHRASES.groups.activations, it => it.card === "activation"],
      [PHRASES.groups.others, it => it.card !== "dense" && it.card !== "activation"],
    ])
    const after = this.words(this.place < 0 ? this.input : this.layers[this.place])
    const menu = this.menu(PHRASES.addLayer(after), "add", [["", mark("add …")]], "", word => word && this.add(grammar.forms[word]))
    menu.append(...groups.map(([label, isOf]) => make("optgroup", { label }, ...built.filter(([, form]) => isOf(form))
      .map(([value, { words }]) => make("option", { value }, words)))))
    return [
      make("label", { class: "setting" }, mark("layer"), menu), setting("loss", Object.keys(grammar.losses), net.loss), setting("update", Object.keys(grammar.rates), net.update.kind),
      make("span", { class: "pair" }, ...this.pair(PHRASES.samples, "samples", count, 1, to => this.resample(to), make("span", {}, tr("{count} samples", { count })))),
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

  /** @param {number} first @param {number} [end] @private */
  remove(first, end = first + 1) {
    let text = this.text
    for (let k = end - 1; k >= first; k--) {
      const all = spans(text, this.grammar)
      text = removed(text, all.filter(it => it.isLayer)[k], all)
    }
    this.put(text, this.order.filter(k => k === null || k < first || k >= end))
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

  /** Where layers are added: before the last that sums. @private */
  get place() {
    const sums = this.sums
    return sums.length ? sums[sums.length - 1] - 1 : this.layers.length - 1
  }

  /** Add a layer with its usual settings, or with smaller ones if those don't fit.
   * @param {Form} form @private
   */
  add(form) {
    const at = this.place
    for (let resort = 0; resort < RESORTS; resort++) if (this.insert(at, [usualWords(form, this.grammar, resort)])) return
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
}
