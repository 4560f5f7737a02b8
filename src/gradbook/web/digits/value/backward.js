// The gradient that arrives at a value: the later values it comes from, derivatives, and their sum.

import { exact, make, short } from "../../view/dom.js"
import { feeds } from "../../wasm/feeding.js"
import { pieces } from "../../view/language.js"
import { nameOf } from "../columns.js"
import { PHRASES } from "../phrases.js"
import { figure, Products } from "./products.js"

/** @typedef {import("../columns.js").Layer} Layer */
/** @typedef {import("../../wasm/look.js").Look} Look */
/** @typedef {import("./products.js").Chosen} Chosen */
/** @typedef {import("./panel.js").Explained} Explained */

export class Backward {
  /** @param {Layer[]} layers @param {string[]} classes */
  constructor(layers, classes) {
    this.layers = layers
    this.classes = classes
  }

  /** @param {Layer} layer @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Explained} */
  shown(layer, { layer: number, place }, look, weights) {
    if (!look.gradients.has(number)) return { head: [gradientOf(layer)], body: [make("p", { class: "remark" }, PHRASES.takenIn(layer.words))], parts: [], result: [] }
    const arrived = look.gradientAt(number, place)
    const head = [gradientOf(layer), " = ", make("b", { title: exact(arrived) }, short(arrived))]
    if (number === look.content.error.last) return { head, body: this.begun(place.channel, look), parts: [], result: [] }
    const fed = feeds(look, number, place, weights)
    const parts = fed.flatMap(({ layer: reader, slices }) => Products.parts(reader, slices, { value: PHRASES.gradient, weight: PHRASES.slopes[this.layers[reader]?.kind ?? ""] ?? PHRASES.slope }))
    const from = fed.map(({ layer: reader, sum }) => {
      const its = /** @type {Layer} */ (this.layers[reader])
      return make("p", { class: "from" }, ...pieces(PHRASES.arrives, { value: nameOf(its), layer: its.words, sum: figure(sum) }))
    })
    const total = fed.reduce((sum, own) => sum + own.sum, 0)
    return { head, body: [], parts, result: [...from, make("p", { class: "result" }, ...pieces(parts.length > 1 ? PHRASES.together : PHRASES.sum, { sum: figure(total) }))] }
  }

  /** Where the gradients begin: the error itself.
   * @param {number} unit @param {Look} look
   */
  begun(unit, look) {
    const { isEntropy, over, words } = look.content.error
    const [said, wanted] = [look.said[unit] ?? 0, look.wanted[unit] ?? 0]
    const loss = make("p", { class: "remark" }, PHRASES.error(words, this.classes[look.target] ?? "", short(look.error)))
    if (!isEntropy) return [make("p", { class: "formula-of" }, PHRASES.outputTarget(short(said), short(wanted))), loss]
    const difference = `${short(said)} − ${short(wanted)}`
    const whole = over > 1 ? `(${difference}) / ${over}` : difference
    return [make("p", { class: "formula-of" }, whole), make("p", { class: "remark" }, PHRASES.surer(this.classes[unit] ?? "", over)), loss]
  }
}

/** @param {Layer} layer */
function gradientOf(layer) {
  return make("span", { class: "gradient" }, "∂", make("i", {}, "E"), " / ∂", nameOf(layer))
}
