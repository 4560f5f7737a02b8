// The gradient that arrives at a value: the later values it comes from, derivatives, and their sum.

import { make, short } from "../../view/dom.js"
import { feeds } from "../../wasm/feeding.js"
import { pieces } from "../../view/language.js"
import { nameOf } from "../maps.js"
import { PHRASES } from "../phrases.js"
import { Products } from "./products.js"

/** @typedef {import("../maps.js").Layer} Layer */
/** @typedef {import("../../wasm/look.js").Look} Look */
/** @typedef {import("./products.js").Chosen} Chosen */

export class Backward {
  /** @param {Layer[]} layers @param {string[]} classes @param {(chosen: Chosen) => void} choose */
  constructor(layers, classes, choose) {
    this.layers = layers
    this.classes = classes
    this.products = new Products(choose)
  }

  /** @param {Layer} layer @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Node[]} */
  shown(layer, { layer: number, place }, look, weights) {
    if (!look.gradients.has(number)) return [make("p", { class: "formula-of" }, gradientOf(layer)), make("p", { class: "remark" }, PHRASES.takenIn(layer.words))]
    const value = make("b", {}, short(look.gradientAt(number, place)))
    const head = make("p", { class: "value-of" }, gradientOf(layer), " = ", value, " ", make("span", { class: "remark" }, layer.words))
    if (number === look.content.error.last) return [head, ...this.begun(place.channel, look)]
    const parts = feeds(look, number, place, weights)
    const said = parts.flatMap(part => this.part(part))
    const total = parts.reduce((sum, { sum: own }) => sum + own, 0)
    return [head, ...said, make("p", { class: "result" }, ...pieces(parts.length > 1 ? PHRASES.together : PHRASES.sum, { sum: short(total) }))]
  }

  /** The gradient that arrives through one of the layers that read it.
   * @param {import("../../wasm/feeding.js").Fed} fed @returns {Node[]}
   */
  part({ layer: reader, slices, sum }) {
    const layer = /** @type {Layer} */ (this.layers[reader])
    const head = make("p", { class: "from" }, ...pieces(PHRASES.arrives, { value: nameOf(layer), layer: layer.words, sum: make("b", {}, short(sum)) }))
    return [head, ...this.products.of(reader, slices, { value: PHRASES.gradient, weight: PHRASES.slopes[layer.kind] ?? PHRASES.slope })]
  }

  /** Where the gradients begin: the error itself.
   * @param {number} unit @param {Look} look
   */
  begun(unit, look) {
    const { isEntropy, over, words } = look.content.error
    const [said, wanted] = [look.said[unit] ?? 0, look.wanted[unit] ?? 0]
    const of = this.classes[unit] ?? ""
    const loss = make("p", { class: "remark" }, PHRASES.error(words, this.classes[look.target] ?? "", short(look.error)))
    if (!isEntropy) return [make("p", { class: "formula-of" }, PHRASES.outputTarget(short(said), short(wanted))), loss]
    const difference = `${short(said)} − ${short(wanted)}`
    const whole = over > 1 ? `(${difference}) / ${over}` : difference
    return [make("p", { class: "formula-of" }, whole), make("p", { class: "remark" }, PHRASES.surer(of, over)), loss]
  }
}

/** @param {Layer} layer */
function gradientOf(layer) {
  return make("span", { class: "gradient" }, "∂", make("i", {}, "E"), " / ∂", nameOf(layer))
}
