// One value in detail: how it is computed, or the gradient that arrives at it; and its choice.

import { byId, make, say } from "../../view/dom.js"
import { nameOf } from "../columns.js"
import { Backward } from "./backward.js"
import { PHRASES } from "../phrases.js"
import { Forward } from "./forward.js"
import { Products } from "./products.js"
import { Sliding } from "./sliding.js"

/** @typedef {import("../columns.js").Layer} Layer */
/** @typedef {import("../../wasm/look.js").Look} Look */
/** @typedef {import("./products.js").Chosen} Chosen */
/** @typedef {import("./products.js").Part} Part */

/** How a value comes about: what stands on top, what it is computed from, the parts of its sum, and the sum.
 * @typedef {{head: (Node | string)[], body: Node[], parts: Part[], result: Node[]}} Explained
 */

export class ValuePanel {
  /** @param {Layer[]} layers @param {Layer} image @param {string[]} classes @param {(chosen: Chosen) => void} choose */
  constructor(layers, image, classes, choose) {
    this.layers = layers
    this.image = image
    this.products = new Products(choose)
    this.forward = new Forward(layers, this.products)
    this.backward = new Backward(layers, classes)
    this.sliding = new Sliding(layers, choose)
    this.picker = new Picker(layers, image, choose)
    this.head = make("p", { class: "value-of" })
    this.words = make("p", { class: "remark" })
    const [body, result, chips] = ["body", "results", "channels"].map(name => make("div", { class: name }))
    this.body = body
    this.result = result
    this.chips = chips
    this.work = make("div", { class: "work", "aria-live": "polite" }, this.sliding.figures[0], body, result, this.sliding.figures[1])
    byId("sum").append(make("div", { class: "top" }, this.head, this.words, this.picker.form, this.sliding.buttons), this.work, chips)
    /** @type {Chosen | null} */
    this.chosen = null
    /** @type {number | null} */
    this.channel = null // of what is read or fed, if one was chosen
    this.again = () => {}
  }

  /** Show another part of the sum.
   * @param {Part} part
   */
  turn({ slices }) {
    this.channel = slices[0]?.channel ?? 0
    this.again()
    this.chips.querySelector("[aria-pressed=true]")?.focus({ preventScroll: true })
  }

  /** @param {Chosen} chosen @param {Look | null} look @param {Record<string, Float32Array>} weights @param {boolean} isBackward */
  update(chosen, look, weights, isBackward) {
    this.again = () => this.update(chosen, look, weights, isBackward)
    this.picker.show(chosen)
    const layer = this.layers[chosen.layer] ?? this.image
    say(this.words, layer.words)
    const focused = this.ways().indexOf(/** @type {HTMLElement} */ (document.activeElement))
    const { head, body, parts, result } = look ? (isBackward ? this.backward : this.forward).shown(layer, chosen, look, weights) : { head: [nameOf(layer)], body: [make("p", { class: "remark" }, PHRASES.drawFirst)], parts: [], result: [] }
    if (layer !== this.layers[this.chosen?.layer ?? -1]) this.channel = null
    const part = parts.find(({ slices }) => slices[0]?.channel === this.channel) ?? largest(parts)
    this.head.replaceChildren(...head)
    this.body.replaceChildren(...body, ...(part ? [this.products.shown(part)] : []))
    this.result.replaceChildren(...result)
    this.chips.replaceChildren(...(parts.length > 1 && part ? this.products.chips(parts, part, own => this.turn(own)) : []))
    this.sliding.update(chosen, isBackward ? null : look, part?.slices[0]?.channel ?? chosen.place.channel)
    this.work.setAttribute("aria-live", this.sliding.isSliding ? "off" : "polite")
    if (focused >= 0) this.focus(chosen === this.chosen ? focused : 0)
    this.chosen = chosen
  }

  /** The numbers that lead to other values. @returns {HTMLElement[]} */
  ways() {
    return [...this.work.querySelectorAll(".way")]
  }

  /** Keeps the keyboard's focus on a number, by default the first.
   * @param {number} number
   */
  focus(number) {
    const next = this.ways()[number] ?? this.ways()[0] ?? this.picker.layer
    next.focus({ preventScroll: true })
  }
}

/** @param {Part[]} parts */
const largest = parts => parts.find(({ sum }) => parts.every(other => Math.abs(other.sum) <= Math.abs(sum))) ?? parts[0]

/** Fields that choose a value, by keyboard or by pointer. */
class Picker {
  /** @param {Layer[]} layers @param {Layer} image @param {(chosen: Chosen) => void} choose */
  constructor(layers, image, choose) {
    this.layers = layers
    this.image = image
    this.choose = choose
    const option = (/** @type {Layer} */ layer, /** @type {number} */ number) => make("option", { value: number }, layer.name)
    this.layer = make("select", { "aria-label": PHRASES.picker.layer, onchange: () => this.changed() }, option(image, -1), ...layers.map(option))
    const names = [PHRASES.picker.channel, PHRASES.picker.row, PHRASES.picker.column]
    this.fields = names.map(words => ({ words, field: /** @type {HTMLInputElement} */ (make("input", { type: "number", min: 1, "aria-label": words, onchange: () => this.changed() })) }))
    this.form = make("div", { class: "picker" }, this.layer, ...this.fields.map(({ words, field }) => make("label", {}, words, field)))
  }

  changed() {
    const layer = Number(this.layer.value)
    const shape = this.shape(layer)
    const [channel = 0, row = 0, column = 0] = this.fields.map(({ field }, k) => Math.min(Math.max(Math.round(Number(field.value)) - 1, 0), (shape[k] ?? 1) - 1))
    this.choose({ layer, place: { channel, row, column } })
  }

  /** @param {number} layer */
  shape(layer) {
    return (this.layers[layer] ?? this.image).shape
  }

  /** @param {Chosen} chosen */
  show({ layer, place }) {
    const shape = this.shape(layer)
    this.layer.value = String(layer)
    for (const [k, own] of [place.channel, place.row, place.column].entries()) {
      const field = this.fields[k]?.field
      if (!field) continue
      field.max = String(shape[k])
      field.value = String(own + 1)
      field.disabled = shape[k] === 1
    }
  }
}
