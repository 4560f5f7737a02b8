// Every layer's maps, as they are computed, and the filters beside them.

import { byId, make, set } from "../view/dom.js"
import { sizeOf } from "../wasm/window.js"
import { tint } from "./paint.js"
import { PHRASES } from "./phrases.js"

/** @typedef {import("../wasm/window.js").Shown & {letter: string, below: string, colour: string}} Layer */
/** @typedef {import("../wasm/window.js").Place} Place */
/** @typedef {import("../wasm/window.js").Region} Region */
/** @typedef {{layer: number, place: Place}} Chosen */
/** @typedef {{canvas: HTMLCanvasElement, holder: HTMLElement, frame: HTMLElement}} MapOf */

export class MapsPanel {
  /** @param {Layer[]} layers @param {Layer} image @param {(chosen: Chosen) => void} choose */
  constructor(layers, image, choose) {
    this.layers = layers
    this.image = image
    this.choose = choose
    this.filters = layers.map(layer => (Filters.has(layer) ? new Filters(layer) : null))
    /** @type {Map<number, MapOf[]>} */
    this.maps = new Map() // of each layer; those of the image are number −1
    byId("maps").append(this.row(image, -1), ...layers.map((layer, number) => this.row(layer, number)))
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
    if (!(canvas instanceof HTMLCanvasElement)) return
    const channel = Number(canvas.dataset.channel)
    const { row, column } = spotOf(event, canvas)
    const isList = this.isList(layer)
    this.choose({ layer, place: isList ? { channel: column, row: 0, column: 0 } : { channel, row, column } })
  }

  /** @param {number} layer */
  isList(layer) {
    const { shape } = this.layers[layer] ?? this.image
    return shape[1] * shape[2] === 1
  }

  /** @param {Map<number, Float32Array>} values of each layer, the image's as number −1; other layers are shown empty */
  update(values) {
    for (const [number, maps] of this.maps) {
      const own = values.get(number) ?? new Float32Array(this.size(number))
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
    this.update(new Map())
  }

  /** @param {number} number */
  size(number) {
    return sizeOf((this.layers[number] ?? this.image).shape)
  }

  /** @param {number} number @returns {[number, number]} */
  sides(number) {
    const [, rows, columns] = (this.layers[number] ?? this.image).shape
    return [rows, columns]
  }

  /** Frame a place, and the parts of other maps that are related to it.
   * @param {Chosen} chosen @param {Region[]} regions
   */
  frame({ layer, place: { channel, row, column } }, regions) {
    for (const maps of this.maps.values()) for (const { frame } of maps) frame.hidden = true
    for (const region of regions) this.mark(region, "read")
    this.mark({ layer, channel, top: row, left: column, bottom: row, right: column }, "chosen")
  }

  /** @param {Region} region @param {string} kind */
  mark({ layer, channel, top, left, bottom, right }, kind) {
    const isList = this.isList(layer)
    const map = this.maps.get(layer)?.[isList ? 0 : channel]
    if (!map) return
    placed(map, isList ? { left: channel, right: channel, top: 0, bottom: 0 } : { left, right, top, bottom }, kind)
  }
}

/** Frame a part of a map.
 * @param {MapOf} map @param {{left: number, right: number, top: number, bottom: number}} part @param {string} kind
 */
export function placed({ canvas: { width, height }, frame }, { left, right, top, bottom }, kind) {
  frame.hidden = false
  set(frame, "class", `frame ${kind}`)
  frame.style.left = `${(100 * left) / width}%`
  frame.style.width = `${(100 * (right - left + 1)) / width}%`
  frame.style.top = `${(100 * top) / height}%`
  frame.style.height = `${(100 * (bottom - top + 1)) / height}%`
}

/** The place of a canvas that was clicked.
 * @param {MouseEvent} event @param {HTMLCanvasElement} canvas
 */
export function spotOf(event, { clientWidth, clientHeight, width, height }) {
  const column = Math.min(Math.floor((event.offsetX / clientWidth) * width), width - 1)
  const row = Math.min(Math.floor((event.offsetY / clientHeight) * height), height - 1)
  return { row, column }
}

/** @param {number} number @param {number} channel @param {boolean} isList @returns {MapOf} */
export function mapOf(number, channel, isList) {
  const canvas = make("canvas", { "data-channel": channel, role: "img", "aria-label": isList ? PHRASES.values : PHRASES.map(channel + 1) })
  const frame = make("i", { class: "frame", hidden: true })
  return { canvas, frame, holder: make("span", { class: "map" }, canvas, frame) }
}

/** @param {{letter: string, below: string, colour: string}} layer */
export function nameOf({ letter, below, colour }) {
  return make("span", { class: `name k-${colour}` }, make("i", {}, letter), ...(below ? [make("sub", {}, below)] : []))
}


const GAP = 1 // between the kernels of a filter that reads several channels

export class Filters {
  /** @param {Layer} layer */
  constructor(layer) {
    this.layer = layer
    this.canvases = Array.from({ length: layer.shape[0] }, (_, k) => make("canvas", { role: "img", "aria-label": PHRASES.filter(k + 1) }))
    this.element = make("details", { class: "filters" }, make("summary", {}, PHRASES.filters), make("div", { class: "maps" }, ...this.canvases))
  }

  /** Whether there is anything to see: a kernel of more than one place.
   * @param {Layer} layer
   */
  static has(layer) {
    return layer.kind === "conv" && layer.window !== null && layer.window.size[0] * layer.window.size[1] > 1
  }

  /** @param {Float32Array} weights [map][channel][row][column] */
  update(weights) {
    const [rows, columns] = this.layer.window?.size ?? [1, 1]
    const size = weights.length / this.canvases.length
    const most = weights.reduce((found, weight) => Math.max(found, Math.abs(weight)), 0)
    this.canvases.forEach((canvas, k) => {
      const plane = laidOut(weights.subarray(k * size, (k + 1) * size), rows, columns)
      tint(canvas, plane.values, plane.rows, plane.columns, most)
      canvas.style.aspectRatio = `${plane.columns} / ${plane.rows}`
    })
  }
}

/** Kernels side by side, in about as many rows as columns.
 * @param {Float32Array} weights @param {number} rows @param {number} columns
 */
function laidOut(weights, rows, columns) {
  const count = weights.length / (rows * columns)
  const across = Math.ceil(Math.sqrt(count))
  const wide = across * (columns + GAP) - GAP
  const high = Math.ceil(count / across) * (rows + GAP) - GAP
  const values = new Float32Array(wide * high)
  weights.forEach((weight, k) => {
    const [kernel, place] = [Math.floor(k / (rows * columns)), k % (rows * columns)]
    const row = Math.floor(kernel / across) * (rows + GAP) + Math.floor(place / columns)
    values[row * wide + (kernel % across) * (columns + GAP) + (place % columns)] = weight
  })
  return { values, rows: high, columns: wide }
}
