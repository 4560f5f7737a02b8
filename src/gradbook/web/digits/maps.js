// Every layer's maps, as they are computed, and the filters beside them.

import { byId, make, set } from "../view/dom.js"
import { under } from "../wasm/window.js"
import { Filters } from "./filters.js"
import { tint } from "./paint.js"

/** @typedef {import("../wasm/window.js").Shown & {letter: string, below: string, colour: string}} Layer */
/** @typedef {import("../wasm/window.js").Place} Place */
/** @typedef {{layer: number, place: Place}} Chosen */
/** @typedef {{canvas: HTMLCanvasElement, holder: HTMLElement, frame: HTMLElement}} MapOf */

export class MapsPanel {
  /** @param {Layer[]} layers @param {[number, number, number]} image @param {(chosen: Chosen) => void} choose */
  constructor(layers, image, choose) {
    this.layers = layers
    this.image = image
    this.choose = choose
    const whole = /** @type {Layer} */ (/** @type {any} */ ({ shape: image, letter: "i", below: "", colour: "inputs", words: "the image, as it comes in" }))
    this.filters = layers.map(layer => (Filters.has(layer) ? new Filters(layer) : null))
    /** @type {Map<number, MapOf[]>} */
    this.maps = new Map() // of each layer; those of the image are number −1
    byId("maps").append(this.row(whole, -1), ...layers.map((layer, number) => this.row(layer, number)))
  }

  /** @param {Layer} layer @param {number} number */
  row(layer, number) {
    const [channels, rows, columns] = layer.shape
    const isList = rows * columns === 1
    const maps = Array.from({ length: isList ? 1 : channels }, (_, channel) => mapOf(number, channel, isList))
    this.maps.set(number, maps)
    const strip = make("div", { class: isList ? "maps values" : "maps", onclick: (/** @type {MouseEvent} */ event) => this.clicked(event, number) }, ...maps.map(map => map.holder))
    const filters = this.filters[number]
    return make("div", { class: "layer" },
      make("h3", {}, nameOf(layer), make("span", { class: "words" }, layer.words), make("span", { class: "remark" }, layer.shape.filter((side, k) => k === 0 || !isList).join(" × "))),
      strip, ...(filters ? [filters.element] : []))
  }

  /** @param {MouseEvent} event @param {number} layer */
  clicked(event, layer) {
    const canvas = event.target
    if (layer < 0 || !(canvas instanceof HTMLCanvasElement)) return
    const channel = Number(canvas.dataset.channel)
    const column = Math.min(Math.floor((event.offsetX / canvas.clientWidth) * canvas.width), canvas.width - 1)
    const row = Math.min(Math.floor((event.offsetY / canvas.clientHeight) * canvas.height), canvas.height - 1)
    const isList = this.isList(layer)
    this.choose({ layer, place: isList ? { channel: column, row: 0, column: 0 } : { channel, row, column } })
  }

  /** @param {number} layer */
  isList(layer) {
    const shape = this.layers[layer]?.shape ?? [0, 0, 0]
    return shape[1] * shape[2] === 1
  }

  /** @param {Map<number, Float32Array>} values of each layer, the image's as number −1 */
  update(values) {
    for (const [number, own] of values) {
      const maps = this.maps.get(number) ?? []
      const most = own.reduce((found, value) => Math.max(found, Math.abs(value)), 0)
      const size = own.length / maps.length
      const [rows, columns] = this.isList(number) ? [1, size] : this.sides(number)
      maps.forEach(({ canvas }, k) => tint(canvas, own.subarray(k * size, (k + 1) * size), rows, columns, most))
    }
  }

  /** @param {Record<string, Float32Array>} weights by the names of their arrays */
  learned(weights) {
    this.filters.forEach((filters, number) => {
      const own = weights[this.layers[number]?.weights ?? ""]
      if (own) filters?.update(own)
    })
  }

  clear() {
    this.update(new Map([...this.maps.keys()].map(number => [number, new Float32Array(this.size(number))])))
  }

  /** @param {number} number */
  size(number) {
    const [channels, rows, columns] = this.layers[number]?.shape ?? this.image
    return channels * rows * columns
  }

  /** @param {number} number @returns {[number, number]} */
  sides(number) {
    const [, rows, columns] = this.layers[number]?.shape ?? this.image
    return [rows, columns]
  }

  /** Frame a place, and the windows of what it reads.
   * @param {Chosen | null} chosen
   */
  frame(chosen) {
    for (const maps of this.maps.values()) for (const { frame } of maps) frame.hidden = true
    const layer = chosen && this.layers[chosen.layer]
    if (!chosen || !layer) return
    this.mark(chosen.layer, chosen.place, chosen.place, "chosen")
    const lines = under(layer, chosen.place)
    const [first, last] = [lines[0]?.[0], lines.at(-1)?.at(-1)]
    for (const read of layer.reads) {
      const { channel: own } = chosen.place
      for (const channel of layer.kind === "conv" ? groupOf(layer, own, this.channels(read)) : [own]) {
        if (layer.kind !== "dense") this.mark(read, { ...chosen.place, ...first, channel }, last ?? chosen.place, "read")
      }
    }
  }

  /** @param {number} number */
  channels(number) {
    return (this.layers[number]?.shape ?? this.image)[0]
  }

  /** @param {number} layer @param {{channel: number, row: number, column: number}} from @param {{row: number, column: number}} to @param {string} kind */
  mark(layer, from, to, kind) {
    const isList = this.isList(layer)
    const map = this.maps.get(layer)?.[isList ? 0 : from.channel]
    if (!map) return
    const { width, height } = map.canvas
    const [left, right] = isList ? [from.channel, from.channel] : [from.column, to.column]
    map.frame.hidden = false
    set(map.frame, "class", `frame ${kind}`)
    map.frame.style.left = `${(100 * left) / width}%`
    map.frame.style.width = `${(100 * (right - left + 1)) / width}%`
    map.frame.style.top = isList ? "0" : `${(100 * from.row) / height}%`
    map.frame.style.height = isList ? "100%" : `${(100 * (to.row - from.row + 1)) / height}%`
  }
}

/** @param {number} number @param {number} channel @param {boolean} isList @returns {MapOf} */
function mapOf(number, channel, isList) {
  const canvas = make("canvas", { "data-channel": channel, role: "img", "aria-label": isList ? "values" : `map ${channel + 1}` })
  const frame = make("i", { class: "frame", hidden: true })
  return { canvas, frame, holder: make("span", { class: "map" }, canvas, frame) }
}

/** The channels that an output channel of a convolution reads.
 * @param {Layer} layer @param {number} channel @param {number} all
 */
function groupOf(layer, channel, all) {
  const own = all / layer.groups
  const first = Math.floor(channel / (layer.shape[0] / layer.groups)) * own
  return Array.from({ length: own }, (_, k) => first + k)
}

/** @param {{letter: string, below: string, colour: string}} layer */
export function nameOf({ letter, below, colour }) {
  return make("span", { class: `name k-${colour}` }, make("i", {}, letter), ...(below ? [make("sub", {}, below)] : []))
}
