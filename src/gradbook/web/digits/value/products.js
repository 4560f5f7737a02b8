// Products and their sum, as grids or as rows; each number leads to its value.

import { exact, make, short } from "../../view/dom.js"
import { pieces } from "../../view/language.js"
import { PHRASES } from "../phrases.js"

/** @typedef {import("../../wasm/window.js").Place} Place */
/** @typedef {import("../../wasm/window.js").Slice} Slice */
/** @typedef {import("../../wasm/window.js").Term} Term */
/** @typedef {{layer: number, place: Place}} Chosen */
/** @typedef {{value: string, weight: string}} Words what both factors are called */

const MOST_GRIDS = 3 // channels of a window that are shown in full
const MOST_TERMS = 12 // products that are shown one by one
const LARGEST_GRID = 25 // places

export class Products {
  /** @param {(chosen: Chosen) => void} choose */
  constructor(choose) {
    this.choose = choose
  }

  /** Windows as grids if they are small enough, else the largest products.
   * @param {number} layer whose values are multiplied @param {Slice[]} slices @param {Words} words
   */
  of(layer, slices, words) {
    return Products.isGrid(slices) ? this.grids(layer, slices, words) : [this.terms(layer, slices.flatMap(slice => slice.rows.flat()), words)]
  }

  /** The channels with the largest sums, each as three grids, and the sum of the others.
   * @param {number} layer @param {Slice[]} slices @param {Words} words
   */
  grids(layer, slices, words) {
    const [shown, others] = largest(slices, slice => slice.sum, MOST_GRIDS)
    const left = make("p", { class: "remark" }, PHRASES.moreChannels(others.length, short(total(others.map(slice => slice.sum)))))
    return [...shown.map(slice => this.grid(layer, slice, words)), ...(others.length ? [left] : [])]
  }

  /** @param {number} layer @param {Slice} slice @param {Words} words */
  grid(layer, { channel, rows, sum }, words) {
    const products = make("span", {}, ...pieces(PHRASES.products, { sum: figure(sum) }))
    return make("div", { class: "slide" },
      table(PHRASES.grid(words.value, channel + 1), rows, term => this.way(layer, term.place, term.value), term => term.value),
      table(PHRASES.factor(words.weight), rows, term => short(term.weight), term => term.weight),
      table(products, rows, term => short(term.product), term => term.product))
  }

  /** The window of one channel in full, and the sum of each channel.
   * @param {number} layer @param {Slice[]} slices @param {number} channel @param {Words} words @param {(channel: number) => void} turn
   * @returns {Node[]}
   */
  window(layer, slices, channel, words, turn) {
    const shown = slices.find(slice => slice.channel === channel) ?? slices[0]
    if (!shown) return []
    const others = slices.map(slice => make("button", { type: "button", "aria-pressed": String(slice === shown), onclick: () => turn(slice.channel) }, ...pieces(PHRASES.ofChannel, { channel: String(slice.channel + 1), sum: figure(slice.sum) })))
    return [this.grid(layer, shown, words), ...(slices.length > 1 ? [make("div", { class: "channels" }, ...others)] : [])]
  }

  /** Whether windows are small enough to be shown in full.
   * @param {Slice[]} slices
   */
  static isGrid(slices) {
    const area = slices[0]?.rows.flat().length ?? 0
    return area > 1 && area <= LARGEST_GRID && (slices[0]?.rows.length === 1 || (slices[0]?.rows[0]?.length ?? 0) > 1)
  }

  /** The largest products, one row each.
   * @param {number} layer @param {Term[]} terms @param {Words} words
   */
  terms(layer, terms, words) {
    const [shown, others] = largest(terms, term => term.product, MOST_TERMS)
    const rows = shown.map(term => make("tr", {},
      make("th", { scope: "row" }, where(term.place)), make("td", {}, this.way(layer, term.place, term.value)),
      make("td", {}, short(term.weight)), make("td", {}, short(term.product))))
    const rest = total(others.map(term => term.product))
    const last = make("tr", {}, make("th", { scope: "row", colspan: 3 }, PHRASES.smaller(others.length)), make("td", {}, short(rest)))
    const head = make("thead", {}, make("tr", {}, ...["", words.value, words.weight, PHRASES.product].map(each => make("th", { scope: "col" }, each))))
    return make("table", { class: "terms" }, head, make("tbody", {}, ...rows, ...(others.length ? [last] : [])))
  }

  /** A number that leads to its value.
   * @param {number} layer @param {Place} place @param {number} value @param {boolean} [isMarked]
   */
  way(layer, place, value, isMarked = false) {
    const choose = () => this.choose({ layer, place })
    return make("button", { type: "button", class: isMarked ? "way marked" : "way", title: exact(value), onclick: choose }, short(value))
  }
}

/** The largest ones, and the others.
 * @template T @param {T[]} all @param {(one: T) => number} size @param {number} most
 */
function largest(all, size, most) {
  const ordered = [...all].sort((a, b) => Math.abs(size(b)) - Math.abs(size(a)))
  return /** @type {const} */ ([ordered.slice(0, most), ordered.slice(most)])
}

/** @param {number[]} numbers */
const total = numbers => numbers.reduce((sum, number) => sum + number, 0)

/** A short number; its tooltip has seven digits.
 * @param {number} value
 */
export const figure = value => make("span", { class: "figure", title: exact(value) }, short(value))

/** A table whose cells are coloured by their values.
 * @template T @param {string | Node} words @param {T[][]} rows @param {(each: T) => Node | string} cell @param {(each: T) => number} [value]
 */
export function table(words, rows, cell, value) {
  const most = value ? rows.flat().reduce((found, each) => Math.max(found, Math.abs(value(each))), 0) : 0
  const lines = rows.map(row => make("tr", {}, ...row.map(each => {
    const place = make("td", {}, cell(each))
    if (value) {
      place.className = value(each) < 0 ? "below" : "above"
      place.title = exact(value(each))
      place.style.setProperty("--share", String(most ? Math.abs(value(each)) / most : 0))
    }
    return place
  })))
  return make("table", { class: "grid" }, make("caption", {}, words), make("tbody", {}, ...lines))
}

/** @param {Place} place */
function where({ channel, row, column }) {
  return row || column ? `${channel + 1}, ${row + 1}, ${column + 1}` : `${channel + 1}`
}
