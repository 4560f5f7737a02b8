// What a value is made of: the window it reads, its kernel, their products and what they come to.

import { make, short } from "../../view/dom.js"
import { averaged } from "../../wasm/feeding.js"
import { sources, under } from "../../wasm/window.js"
import { nameOf } from "../maps.js"
import { Products, table } from "./products.js"

/** @typedef {import("../maps.js").Layer} Layer */
/** @typedef {import("../../wasm/window.js").Place} Place */
/** @typedef {import("../../wasm/look.js").Look} Look */
/** @typedef {import("./products.js").Chosen} Chosen */

export class Forward {
  /** @param {(chosen: Chosen) => void} choose */
  constructor(choose) {
    this.products = new Products(choose)
  }

  /** @param {Layer} layer @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Node[]} */
  shown(layer, chosen, look, weights) {
    const value = look.at(chosen.layer, chosen.place)
    const words = make("span", { class: "remark" }, layer.words)
    return [make("p", { class: "value-of" }, nameOf(layer), " = ", make("b", {}, short(value)), " ", words), ...this.made(layer, chosen, look, weights)]
  }

  /** @param {Layer} layer @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Node[]} */
  made(layer, { layer: number, place }, look, weights) {
    if (number < 0) return this.given(place, look)
    switch (layer.kind) {
      case "conv":
      case "dense":
        return this.weighed(layer, look.sum(number, place, weights))
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
      make("p", { class: "remark" }, "the pixel’s brightness, from 0 to 255, as the network was trained to take it")]
  }

  /** @param {Layer} layer @param {import("../../wasm/window.js").Sum} sum */
  weighed(layer, { slices, bias, sum }) {
    const parts = this.products.of(/** @type {number} */ (layer.reads[0]), slices, { value: "value", weight: layer.kind === "conv" ? "kernel" : "weight" })
    const line = make("p", { class: "result" }, `sum ${short(sum - bias)}`, ...(layer.biases ? [`, bias ${short(bias)}: ${short(sum)}`] : []))
    return [...parts, line]
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look */
  pooled(layer, place, look) {
    const read = /** @type {number} */ (layer.reads[0])
    const lines = under(layer, place).map(line => line.map(there => ({ channel: place.channel, ...there })))
    const inside = lines.flat().filter(there => look.inside(read, there)).map(there => look.at(read, there))
    const most = Math.max(...inside)
    const count = averaged(layer, place, look.shape(read))
    const zeros = count > inside.length ? ` and ${count - inside.length} zeros` : ""
    const words = layer.kind === "maxpool" ? "the largest of these" : `the mean of these ${inside.length}${zeros}`
    return [table(words, lines, there => {
      if (!look.inside(read, there)) return ""
      const value = look.at(read, there)
      return this.products.way(read, there, value, layer.kind === "maxpool" && value === most)
    })]
  }

  /** @param {Layer} layer @param {{mean: number, deviation: number, scale: number, shift: number}} statistics @param {Place} place @param {Look} look */
  normal(layer, { mean, deviation, scale, shift }, place, look) {
    return [
      make("p", { class: "formula-of" }, `${short(scale)} · (`, ...this.ways(layer, place, look), ` − ${short(mean)}) / ${short(deviation)} + ${short(shift)}`),
      make("p", { class: "remark" }, "scale · (value − the channel’s mean) / its deviation + shift, all kept from training"),
    ]
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look */
  passed(layer, place, look) {
    const said = this.ways(layer, place, look)
    return [make("p", { class: "formula-of" }, layer.kind === "activation" ? `${layer.words} of ` : "made of ", ...said)]
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look @returns {(Node | string)[]} */
  ways(layer, place, look) {
    const read = sources(layer, place, number => look.shape(number))
    return read.flatMap((source, k) => [...(k ? [" and "] : []), this.products.way(source.read, source.place, look.at(source.read, source.place))])
  }
}
