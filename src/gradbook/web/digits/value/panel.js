// One value in detail: how it is computed, or the gradient that arrives at it; and its choice.

import { byId, make } from "../../view/dom.js"
import { Backward } from "./backward.js"
import { PHRASES } from "../phrases.js"
import { Forward } from "./forward.js"
import { Sliding } from "./sliding.js"

/** @typedef {import("../maps.js").Layer} Layer */
/** @typedef {import("../../wasm/look.js").Look} Look */
/** @typedef {import("./products.js").Chosen} Chosen */

export class ValuePanel {
  /** @param {Layer[]} layers @param {Layer} image @param {string[]} classes @param {(chosen: Chosen) => void} choose */
  constructor(layers, image, classes, choose) {
    this.layers = layers
    this.image = image
    this.forward = new Forward(layers, choose, channel => this.turn(channel))
    this.sliding = new Sliding(layers, choose)
    this.backward = new Backward(layers, classes, choose)
    this.picker = new Picker(layers, image, choose)
    this.body = make("div", { "aria-live": "polite" })
    /** @type {Chosen | null} */
    this.chosen = null
    byId("sum").append(this.picker.form, this.sliding.element, this.body)
    this.again = () => {}
  }

  /** Show another channel of what is read.
   * @param {number} channel
   */
  turn(channel) {
    this.forward.channel = channel
    this.again()
    this.body.querySelector(".channels [aria-pressed=true]")?.focus({ preventScroll: true })
  }

  /** The channel of what is read that is shown: the one last chosen, if this value reads it.
   * @param {Chosen} chosen @param {Look | null} look @param {Record<string, Float32Array>} weights
   */
  channelOf({ layer: number, place }, look, weights) {
    const layer = this.layers[number]
    if (!look || layer?.kind !== "conv") return place.channel
    const { slices } = look.sum(number, place, weights)
    const { channel } = this.forward
    return slices.some(slice => slice.channel === channel) ? channel : slices[0]?.channel ?? 0
  }

  /** @param {Chosen} chosen @param {Look | null} look @param {Record<string, Float32Array>} weights @param {boolean} isBackward */
  update(chosen, look, weights, isBackward) {
    this.again = () => this.update(chosen, look, weights, isBackward)
    this.picker.show(chosen)
    this.forward.channel = this.channelOf(chosen, look, weights)
    this.sliding.update(chosen, isBackward ? null : look, this.forward.channel)
    this.body.setAttribute("aria-live", this.sliding.isSliding ? "off" : "polite")
    if (!look) return this.body.replaceChildren(make("p", { class: "remark" }, PHRASES.drawFirst))
    const way = isBackward ? this.backward : this.forward
    const focused = this.ways().indexOf(/** @type {HTMLElement} */ (document.activeElement))
    this.body.replaceChildren(...way.shown(this.layers[chosen.layer] ?? this.image, chosen, look, weights))
    if (focused >= 0) this.focus(chosen === this.chosen ? focused : 0)
    this.chosen = chosen
  }

  /** The numbers that lead to other values. @returns {HTMLElement[]} */
  ways() {
    return [...this.body.querySelectorAll(".way")]
  }

  /** Keeps the keyboard's focus on a number, by default the first.
   * @param {number} number
   */
  focus(number) {
    const next = this.ways()[number] ?? this.ways()[0] ?? this.picker.layer
    next.focus({ preventScroll: true })
  }
}

/** Fields that choose a value, by keyboard or by pointer. */
class Picker {
  /** @param {Layer[]} layers @param {Layer} image @param {(chosen: Chosen) => void} choose */
  constructor(layers, image, choose) {
    this.layers = layers
    this.image = image
    this.choose = choose
    const option = (/** @type {Layer} */ layer, /** @type {number} */ number) => make("option", { value: number }, `${layer.name}: ${layer.words}`)
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
