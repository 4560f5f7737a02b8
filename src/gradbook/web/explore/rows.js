// The numbers, those that matter most first: each is dragged, typed over and put back.

import { draw, make, put, say, set, takesNumbers } from "../view/dom.js"
import { mark, tr, trCount } from "../view/language.js"
import { bare, exact, read, shown } from "./amounts.js"
import { percents } from "./sentence.js"

const [TALL, AROUND, MOST] = [57, 70, 11] // pixels of a row, and of what is above and below all of them
const NARROW = 1015 // pixels, up to which the page scrolls
const [HALF, FULL] = [67, 56] // of a bar: its room, and the longest when numbers are sorted
const STEPS = /** @type {Record<string, number>} */ ({ ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 })

export class Rows {
  /** @param {import("./exploration.js").Exploration} model @param {HTMLElement} box */
  constructor(model, box) {
    this.model = model
    this.box = box
    this.list = make("ol", { class: "rows" })
    this.again = make("button", { type: "button", class: "quiet", onclick: () => this.sort() }, mark("sort again"))
    this.scale = make("span", { class: "remark" }, mark("1 % more → result"))
    this.more = make("button", { type: "button", class: "quiet more", onclick: () => this.turn() })
    box.append(make("p", { class: "beside" }, this.scale, this.again), this.list, this.more)
    this.order = model.content.inputs.map((_, k) => k)
    this.page = 0
    this.full = 0 // rows of a page
    this.rows = /** @type {Row[]} */ ([])
    new ResizeObserver(() => this.size !== this.rows.length && this.lay()).observe(box)
    this.most = 1
    this.sort()
    model.chosen = this.order[0]
  }

  /** How many numbers there is room for. */
  get size() {
    const room = innerWidth <= NARROW ? MOST : Math.max(3, Math.min(MOST, Math.floor((this.box.clientHeight - AROUND) / TALL)))
    return Math.min(room, this.order.length - this.page * room, room)
  }

  /** @private */
  longest() {
    return Math.max(1e-12, ...this.order.map(k => Math.abs(this.model.percent(k))).filter(Number.isFinite))
  }

  /** The order in which numbers matter now; headers stay last. */
  sort() {
    const { model, order } = this
    const isLast = (/** @type {number} */ k) => Number(model.values[k].is_header)
    order.sort((a, b) => isLast(a) - isLast(b) || model.weight(b) - model.weight(a) || a - b)
    this.most = this.longest()
    this.page = 0
    this.lay()
  }

  /** Show the next numbers; after the last, the first. */
  turn() {
    this.page = (this.page + 1) * this.full >= this.order.length ? 0 : this.page + 1
    this.lay()
    this.model.choose(this.rows[0].k)
  }

  /** @private */
  lay() {
    this.page = Math.min(this.page, Math.floor((this.order.length - 1) / Math.max(1, this.size)))
    this.full = Math.max(this.full, this.size)
    const first = this.page * this.full
    this.rows = this.order.slice(first, first + this.full).map((k, rank) => new Row(this.model, k, first + rank + 1))
    this.list.replaceChildren(...this.rows.map(row => row.element))
    this.update()
  }

  update() {
    const { model, order } = this
    for (const row of this.rows) row.update(this.most)
    const isSorted = order.every((k, rank) => !rank || model.values[k].is_header || model.weight(order[rank - 1]) >= model.weight(k) * (1 - 1e-9))
    this.again.hidden = isSorted
    this.scale.hidden = !isSorted
    const left = order.length - this.rows.length
    this.more.hidden = !left
    const others = order.filter(k => !this.rows.some(row => row.k === k))
    const most = Math.max(0, ...others.map(k => Math.abs(model.percent(k))).filter(Number.isFinite))
    const words = trCount("{count} more number, {most}", "{count} more numbers, at most {most}", left, { most: percents(most) })
    say(this.more, `▸ ${words}`)
  }
}

class Row {
  /** @param {import("./exploration.js").Exploration} model @param {number} k @param {number} rank */
  constructor(model, k, rank) {
    this.model = model
    this.k = k
    const { label, place, note } = model.values[k]
    const form = model.forms[k]
    const name = label || place
    this.restore = make("button", { type: "button", class: "restore", onclick: () => model.put([k, model.file[k]]) }, tr("restore {value}", { value: shown(model.file[k], form) }))
    this.place = make("small", {}, label ? note || shortPlace(place, model) : note)
    this.field = make("input", { class: "amount", "aria-label": name, onfocus: () => this.write(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.type(event) })
    this.slider = make("input", { type: "range", step: "any", "aria-label": name, oninput: () => this.move(model.onGrid(k, Number(this.slider.value))), onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event) })
    this.bar = draw("rect", { y: 1, height: 10, rx: 2 })
    this.share = make("b", { class: "share" })
    const bars = draw("svg", { viewBox: `0 0 ${2 * HALF} 12`, "aria-hidden": "true" }, draw("path", { d: `M${HALF} 0V12` }), this.bar)
    this.element = make("li", { onpointerdown: () => model.choose(k), onfocusin: () => model.choose(k) },
      make("p", {}, make("b", { class: "rank" }, String(rank)), make("b", { class: "name", title: `${name}\n${place}` }, name), this.place, this.restore, this.field),
      make("p", {}, this.slider, bars, this.share))
    takesNumbers(this.field, value => this.move(value), { parse: text => read(text, form) })
  }

  /** @param {number} value */
  move(value) {
    this.model.put([this.k, value])
  }

  /** The number as it is typed. */
  write() {
    this.field.value = bare(this.model.at(this.k), this.model.forms[this.k])
  }

  /** Up and down in the field.
   * @param {KeyboardEvent} event
   */
  type(event) {
    if (!["ArrowUp", "ArrowDown"].includes(event.key)) return
    this.key(event)
    event.stopImmediatePropagation()
    this.write()
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { model, k } = this
    const steps = STEPS[event.key]
    if (steps) this.move(model.onGrid(k, model.at(k) + steps * (event.shiftKey ? 10 : 1) * model.values[k].step))
    else if (event.key === "Backspace" || event.key === "Delete") this.move(model.file[k])
    else return
    event.preventDefault()
  }

  /** @param {number} most the longest bar's per cent */
  update(most) {
    const { model, k, slider } = this
    const [value, [low, high], percent] = [model.at(k), model.ranges[k], model.percent(k)]
    this.element.classList.toggle("on", model.chosen === k)
    const isMoved = model.isMoved(k)
    this.restore.hidden = !isMoved
    this.place.hidden = isMoved
    put(this.field, shown(value, isMoved ? exact(value, model.forms[k]) : model.forms[k]))
    set(slider, "min", String(low))
    set(slider, "max", String(high))
    slider.value = String(value)
    set(slider, "aria-valuetext", shown(value, model.forms[k]))
    slider.style.setProperty("--v", `${(100 * (value - low)) / (high - low)}%`)
    const length = Number.isFinite(percent) ? Math.min(HALF - 2, Math.abs(percent / most) * FULL) : 0
    set(this.bar, "x", (percent < 0 ? HALF - length : HALF).toFixed(1))
    set(this.bar, "width", length.toFixed(1))
    const kind = percent < 0 ? "falls" : "rises"
    set(this.bar, "class", kind)
    set(this.share, "class", `share ${kind}`)
    say(this.share, Number.isFinite(percent) ? percents(percent) : "–")
  }
}

/** The cell alone, if all numbers are on one sheet.
 * @param {string} place @param {import("./exploration.js").Exploration} model
 */
function shortPlace(place, { content }) {
  const sheets = new Set(content.inputs.filter(it => !it.is_header).map(it => it.place.replace(/![^!]*$/, "")))
  return sheets.size > 1 ? place : place.replace(/^.*!/, "")
}

