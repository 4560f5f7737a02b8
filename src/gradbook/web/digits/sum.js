// One value taken apart: the window it reads, its kernel, their products and what they come to.

import { byId, make, short } from "../view/dom.js"
import { under } from "../wasm/window.js"
import { nameOf } from "./maps.js"

/** @typedef {import("./maps.js").Layer} Layer */
/** @typedef {import("./maps.js").Chosen} Chosen */
/** @typedef {import("../wasm/window.js").Place} Place */
/** @typedef {import("../wasm/window.js").Slice} Slice */
/** @typedef {import("../wasm/window.js").Term} Term */
/** @typedef {import("../wasm/look.js").Look} Look */

const MOST_GRIDS = 3 // channels of a window that are shown in full
const MOST_TERMS = 12 // products that are shown one by one
const LARGEST_GRID = 25 // places

export class SumPanel {
  /** @param {Layer[]} layers @param {(chosen: Chosen) => void} choose */
  constructor(layers, choose) {
    this.layers = layers
    this.choose = choose
    this.panel = byId("sum")
    this.picker = new Picker(layers, choose)
    this.body = make("div", { "aria-live": "polite" })
    this.panel.append(this.picker.form, this.body)
  }

  /** @param {Chosen} chosen @param {Look | null} look @param {Record<string, Float32Array>} weights */
  update(chosen, look, weights) {
    this.picker.show(chosen)
    const layer = this.layers[chosen.layer]
    if (!look || !layer) return this.body.replaceChildren(make("p", { class: "remark" }, "Draw something first."))
    const value = look.at(chosen.layer, chosen.place)
    const head = make("p", { class: "value-of" }, nameOf(layer), " = ", make("b", {}, short(value)), " ", make("span", { class: "remark" }, layer.words))
    this.body.replaceChildren(head, ...this.made(layer, chosen, look, weights))
  }

  /** @param {Layer} layer @param {Chosen} chosen @param {Look} look @param {Record<string, Float32Array>} weights @returns {Node[]} */
  made(layer, chosen, look, weights) {
    const { place } = chosen
    switch (layer.kind) {
      case "conv":
      case "dense":
        return this.weighed(layer, look.sum(chosen.layer, place, weights))
      case "maxpool":
      case "avgpool":
        return this.pooled(layer, place, look)
      case "batchnorm":
        return this.normal(layer, look.statistics(chosen.layer, place.channel, weights), place, look)
      default:
        return this.passed(layer, place, look)
    }
  }

  /** @param {Layer} layer @param {import("../wasm/window.js").Sum} sum */
  weighed(layer, { slices, bias, sum }) {
    const read = /** @type {number} */ (layer.reads[0])
    const area = slices[0]?.rows.flat().length ?? 0
    const isGrid = area > 1 && area <= LARGEST_GRID
    const parts = isGrid ? this.grids(read, slices) : [this.terms(read, slices.flatMap(slice => slice.rows.flat()))]
    const line = make("p", { class: "result" }, `sum ${short(sum - bias)}`, ...(layer.biases ? [`, bias ${short(bias)}: ${short(sum)}`] : []))
    return [...parts, line]
  }

  /** The channels that count most, each as three grids; of the others their sums.
   * @param {number} read @param {Slice[]} slices
   */
  grids(read, slices) {
    const ordered = [...slices].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum))
    const [shown, others] = [ordered.slice(0, MOST_GRIDS), ordered.slice(MOST_GRIDS)]
    const rest = others.reduce((sum, slice) => sum + slice.sum, 0)
    const left = make("p", { class: "remark" }, `and ${others.length} more channels: ${short(rest)}`)
    return [...shown.map(slice => this.grid(read, slice)), ...(others.length ? [left] : [])]
  }

  /** @param {number} read @param {Slice} slice */
  grid(read, { channel, rows, sum }) {
    const kinds = /** @type {const} */ (["value", "weight", "product"])
    const words = { value: `channel ${channel + 1}`, weight: "× kernel", product: `= products, ${short(sum)}` }
    return make("div", { class: "slide" }, ...kinds.map(kind => table(words[kind], rows, term =>
      kind === "value" ? this.way(read, term.place, term.value) : short(term[kind]))))
  }

  /** The products that count most, a row each.
   * @param {number} read @param {Term[]} terms
   */
  terms(read, terms) {
    const ordered = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
    const [shown, others] = [ordered.slice(0, MOST_TERMS), ordered.slice(MOST_TERMS)]
    const rows = shown.map(term => make("tr", {},
      make("th", { scope: "row" }, where(term.place)), make("td", {}, this.way(read, term.place, term.value)),
      make("td", {}, short(term.weight)), make("td", {}, short(term.product))))
    const rest = others.reduce((sum, term) => sum + term.product, 0)
    const last = make("tr", {}, make("th", { scope: "row", colspan: 3 }, `${others.length} smaller ones`), make("td", {}, short(rest)))
    const head = make("thead", {}, make("tr", {}, ...["", "value", "weight", "product"].map(words => make("th", { scope: "col" }, words))))
    return make("table", { class: "terms" }, head, make("tbody", {}, ...rows, ...(others.length ? [last] : [])))
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look */
  pooled(layer, place, look) {
    const read = /** @type {number} */ (layer.reads[0])
    const lines = under(layer, place).map(line => line.map(there => ({ channel: place.channel, ...there })))
    const inside = lines.flat().filter(there => look.inside(read, there)).map(there => look.at(read, there))
    const most = Math.max(...inside)
    const words = layer.kind === "maxpool" ? "the largest of these" : `the mean of these ${inside.length}`
    return [table(words, lines, there => {
      if (!look.inside(read, there)) return ""
      const value = look.at(read, there)
      return this.way(read, there, value, layer.kind === "maxpool" && value === most)
    })]
  }

  /** @param {Layer} layer @param {{mean: number, deviation: number, scale: number, shift: number}} statistics @param {Place} place @param {Look} look */
  normal(layer, { mean, deviation, scale, shift }, place, look) {
    const read = /** @type {number} */ (layer.reads[0])
    const value = this.way(read, place, look.at(read, place))
    return [
      make("p", { class: "formula-of" }, `${short(scale)} · (`, value, ` − ${short(mean)}) / ${short(deviation)} + ${short(shift)}`),
      make("p", { class: "remark" }, "scale · (value − the channel’s mean) / its deviation + shift, all kept from training"),
    ]
  }

  /** @param {Layer} layer @param {Place} place @param {Look} look */
  passed(layer, place, look) {
    const said = layer.reads.filter(read => look.inside(read, place)).flatMap(read => [this.way(read, place, look.at(read, place)), " "])
    return [make("p", { class: "formula-of" }, ...(layer.kind === "activation" ? [`${layer.words} of `] : ["made of "]), ...said)]
  }

  /** A value that leads to its own sum.
   * @param {number} layer @param {Place} place @param {number} value @param {boolean} [isMarked]
   */
  way(layer, place, value, isMarked = false) {
    if (layer < 0) return short(value)
    return make("button", { type: "button", class: isMarked ? "way marked" : "way", onclick: () => this.choose({ layer, place }) }, short(value))
  }
}

/** @template T @param {string} words @param {T[][]} rows @param {(each: T) => Node | string} cell */
function table(words, rows, cell) {
  const lines = rows.map(row => make("tr", {}, ...row.map(each => make("td", {}, cell(each)))))
  return make("table", { class: "grid" }, make("caption", {}, words), make("tbody", {}, ...lines))
}

/** @param {Place} place */
function where({ channel, row, column }) {
  return row || column ? `${channel + 1}, ${row + 1}, ${column + 1}` : `${channel + 1}`
}

/** Fields that choose a value, for keys as for a pointer. */
class Picker {
  /** @param {Layer[]} layers @param {(chosen: Chosen) => void} choose */
  constructor(layers, choose) {
    this.layers = layers
    this.choose = choose
    const options = layers.map((layer, number) => make("option", { value: number }, `${layer.name}: ${layer.words}`))
    this.layer = make("select", { "aria-label": "layer", onchange: () => this.changed() }, ...options)
    const [channel, row, column] = ["channel", "row", "column"].map(words => ({ words, field: make("input", { type: "number", min: 1, "aria-label": words, onchange: () => this.changed() }) }))
    this.fields = /** @type {{words: string, field: HTMLInputElement}[]} */ ([channel, row, column])
    this.form = make("div", { class: "picker" }, this.layer, ...this.fields.map(({ words, field }) => make("label", {}, words, field)))
  }

  changed() {
    const layer = Number(this.layer.value)
    const shape = this.layers[layer]?.shape ?? [1, 1, 1]
    const [channel = 0, row = 0, column = 0] = this.fields.map(({ field }, k) => Math.min(Math.max(Math.round(Number(field.value)) - 1, 0), (shape[k] ?? 1) - 1))
    this.choose({ layer, place: { channel, row, column } })
  }

  /** @param {Chosen} chosen */
  show({ layer, place }) {
    const shape = this.layers[layer]?.shape ?? [1, 1, 1]
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
