// How a value is computed: the window it reads, its kernel, their products and the sum.

import { exact, make, short } from "../../view/dom.js"
import { averaged } from "../../wasm/feeding.js"
import { sources, under } from "../../wasm/window.js"
import { pieces } from "../../view/language.js"
import { nameOf } from "../columns.js"
import { PHRASES } from "../phrases.js"
import { after, ALONE } from "../stages.js"
import { figure, Products, table } from "./products.js"

/** @typedef {import("../columns.js").Layer} Layer */
/** @typedef {import("../../wasm/window.js").Place} Place */
/** @typedef {import("./panel.js").Explained} Explained */
/** @typedef {import("../../wasm/look.js").Look} Look */
/** @typedef {import("./products.js").Chosen} Chosen */
/** @typedef {{mean: number, deviation: number, scale: number, shift: number}} Statistics */

/** How a value that passes through another layer is written.
 * @type {Record<string, (layer: Layer, value: Node, statistics: Statistics) => (Node | string)[]>}
 */
const AFTER = {
  batchnorm: (_, value, statistics) => scaled(statistics, [value]),
  activation: ({ words }, value) => [`${words}(`, value, ")"],
  maxpool: ({ window }, value) => pieces(PHRASES.largest(places(window) - 1), { value }),
  avgpool: ({ window }, value) => pieces(PHRASES.mean(places(window) - 1), { value }),
}

/** @param {Layer["window"]} window */
const places = window => (window ? window.size[0] * window.size[1] : 1)

export class Forward {
  /** @param {Layer[]} layers @param {Products} products */
  constructor(layers, products) {
    this.layers = layers
    this.products = products
  }

  /** @param {Layer} layer @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Explained} */
  shown(layer, chosen, look, weights) {
    const { layer: number, place } = chosen
    const value = look.at(number, place)
    const head = [nameOf(layer), " = ", make("b", { title: exact(value) }, short(value))]
    const then = this.after(chosen, look, weights)
    if (number < 0 || !layer.sums) return { head, body: this.computed(layer, chosen, look, weights), parts: [], result: then }
    const sum = look.sum(number, place, weights)
    const words = { value: PHRASES.value, weight: layer.sums === "window" ? PHRASES.kernel : PHRASES.weight }
    return { head, body: [], parts: Products.parts(layer.reads[0] ?? 0, sum.slices, words), result: [this.total(layer, sum), ...then] }
  }

  /** What isn't a sum of products.
   * @param {Layer} layer @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Node[]}
   */
  computed(layer, { layer: number, place }, look, weights) {
    if (number < 0) return this.given(place, look)
    switch (layer.kind) {
      case "maxpool":
      case "avgpool":
        return this.pooled(layer, place, look)
      case "batchnorm":
        return this.normal(layer, look.statistics(number, place.channel, weights), place, look)
      default:
        return this.passed(layer, place, look)
    }
  }

  /** @param {Place} place @param {Look} look */
  given(place, look) {
    const { byte, scale, shift } = look.pixel(place)
    return [make("p", { class: "formula-of" }, `${short(scale)} · ${byte} ${shift < 0 ? "−" : "+"} ${short(Math.abs(shift))}`),
      make("p", { class: "remark" }, PHRASES.brightness)]
  }

  /** @param {Layer} layer @param {import("../../wasm/window.js").Sum} sum */
  total(layer, { bias, sum }) {
    const parts = { sum: figure(sum - bias), bias: figure(bias), whole: figure(sum) }
    return make("p", { class: "result" }, ...pieces(layer.biases ? PHRASES.withBias : PHRASES.sum, parts))
  }

  /** The layers that follow, one by one: pools that read it, and layers that work on each value alone.
   * @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Node[]}
   */
  after({ layer: number, place }, look, weights) {
    const next = this.layers.findIndex(({ kind, reads }) => reads.length === 1 && reads[0] === number && ALONE.has(kind))
    const layer = this.layers[next]
    const there = layer ? after(layer, place) : place
    if (!layer || number < 0 || !look.inside(next, there)) return []
    const made = this.products.way(next, there, look.at(next, there))
    const rule = AFTER[layer.kind]?.(layer, figure(look.at(number, place)), look.statistics(next, place.channel, weights)) ?? []
    return [make("p", { class: "formula-of then" }, ...pieces(PHRASES.andThen, { name: nameOf(layer), rule: make("span", {}, ...rule), value: made })), ...this.after({ layer: next, place: there }, look, weights)]
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look */
  pooled(layer, place, look) {
    const read = /** @type {number} */ (layer.reads[0])
    const lines = under(layer, place).map(line => line.map(there => ({ channel: place.channel, ...there })))
    const inside = lines.flat().filter(there => look.inside(read, there)).map(there => look.at(read, there))
    const most = Math.max(...inside)
    const count = averaged(layer, place, look.shape(read))
    const words = layer.kind === "maxpool" ? PHRASES.largestOf : PHRASES.meanOf(inside.length, Math.max(count - inside.length, 0))
    return [table(words, lines, there => {
      if (!look.inside(read, there)) return ""
      const value = look.at(read, there)
      return this.products.way(read, there, value, layer.kind === "maxpool" && value === most)
    })]
  }

  /** @param {Layer} layer @param {{mean: number, deviation: number, scale: number, shift: number}} statistics @param {Place} place @param {Look} look */
  normal(layer, statistics, place, look) {
    return [
      make("p", { class: "formula-of" }, ...scaled(statistics, this.ways(layer, place, look))),
      make("p", { class: "remark" }, PHRASES.normal),
    ]
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look */
  passed(layer, place, look) {
    const [first = "", ...others] = this.ways(layer, place, look)
    const value = others.reduce((before, other) => make("span", {}, ...pieces(PHRASES.and, { value: before, other })), first)
    const said = layer.kind === "activation" ? PHRASES.activationOf : PHRASES.madeOf
    return [make("p", { class: "formula-of" }, ...pieces(said, { function: layer.words, value }))]
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look @returns {(Node | string)[]} */
  ways(layer, place, look) {
    const read = sources(layer, place, number => look.shape(number))
    return read.map(source => this.products.way(source.read, source.place, look.at(source.read, source.place)))
  }
}

/** A value, normalised by its channel's statistics from training.
 * @param {Statistics} statistics @param {(Node | string)[]} value
 */
function scaled({ mean, deviation, scale, shift }, value) {
  return [figure(scale), " · (", ...value, " − ", figure(mean), ") / ", figure(deviation), " + ", figure(shift)]
}
