// Products and their sum, as grids or as a row of terms; each number leads to its value.

import { exact, make, short } from "../../view/dom.js"
import { pieces } from "../../view/language.js"
import { tint } from "../paint.js"
import { PHRASES } from "../phrases.js"

/** @typedef {import("../../wasm/window.js").Place} Place */
/** @typedef {import("../../wasm/window.js").Slice} Slice */
/** @typedef {import("../../wasm/window.js").Term} Term */
/** @typedef {{layer: number, place: Place}} Chosen */
/** @typedef {{value: string, weight: string}} Words what both factors are called */
/** @typedef {{layer: number, slices: Slice[], sum: number, words: Words}} Part of a sum: the window of a channel, or all terms of a layer */

const MOST_TERMS = 6 // products that are shown one by one
const LARGEST_GRID = 25 // places

export class Products {
  /** @param {(chosen: Chosen) => void} choose */
  constructor(choose) {
    this.choose = choose
  }

  /** The parts of a sum: each window that is small enough to be shown in full, or everything.
   * @param {number} layer whose values are multiplied @param {Slice[]} slices @param {Words} words
   * @returns {Part[]}
   */
  static parts(layer, slices, words) {
    const part = (/** @type {Slice[]} */ own) => ({ layer, slices: own, sum: own.reduce((sum, slice) => sum + slice.sum, 0), words })
    return isGrid(slices) ? slices.map(slice => part([slice])) : [part(slices)]
  }

  /** A part in full.
   * @param {Part} part
   */
  shown({ layer, slices, words }) {
    const [first] = slices
    return first && isGrid(slices) ? this.grid(layer, first, words) : this.terms(layer, slices.flatMap(slice => slice.rows.flat()), words)
  }

  /** A button for each part: its factors in small, and its sum.
   * @param {Part[]} parts @param {Part} chosen @param {(part: Part) => void} turn
   */
  chips(parts, chosen, turn) {
    return parts.map(part => {
      const { slices: [first], sum } = part
      const factors = first && isGrid(part.slices) ? first.rows.flat().map(term => term.weight) : []
      const canvas = make("canvas", { "aria-hidden": "true", hidden: !factors.length })
      const rows = first?.rows.length ?? 1
      tint(canvas, factors, rows, factors.length / rows || 1, Math.max(...factors.map(Math.abs)))
      const label = PHRASES.ofChannel((first?.channel ?? 0) + 1, short(sum))
      return make("button", { type: "button", "aria-label": label, "aria-pressed": String(part === chosen), onclick: () => turn(part) }, canvas, figure(sum))
    })
  }

  /** @param {number} layer @param {Slice} slice @param {Words} words */
  grid(layer, { channel, rows, sum }, words) {
    const products = make("span", {}, ...pieces(PHRASES.products, { sum: figure(sum) }))
    return make("div", { class: "slide" },
      table(PHRASES.grid(words.value, channel + 1), rows, term => this.way(layer, term.place, term.value), term => term.value),
      table(PHRASES.factor(words.weight), rows, term => short(term.weight), term => term.weight),
      table(products, rows, term => short(term.product), term => term.product))
  }

  /** The largest products, a column each.
   * @param {number} layer @param {Term[]} terms @param {Words} words
   */
  terms(layer, terms, words) {
    const ordered = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
    const [shown, others] = [ordered.slice(0, MOST_TERMS), ordered.slice(MOST_TERMS)]
    const rest = others.reduce((sum, term) => sum + term.product, 0)
    const row = (/** @type {string} */ name, /** @type {(term: Term) => Node | string} */ cell, /** @type {Node | string} */ last = "") =>
      make("tr", {}, name ? make("th", { scope: "row" }, name) : make("td"), ...shown.map(term => make("td", {}, cell(term))), ...(others.length ? [make("td", {}, last)] : []))
    return make("table", { class: "terms" }, make("tbody", {},
      row("", term => where(term.place), PHRASES.smaller(others.length)), row(words.value, term => this.way(layer, term.place, term.value)),
      row(PHRASES.factor(words.weight), term => short(term.weight)), row(PHRASES.equals(PHRASES.product), term => figure(term.product), figure(rest))))
  }

  /** A number that leads to its value.
   * @param {number} layer @param {Place} place @param {number} value @param {boolean} [isMarked]
   */
  way(layer, place, value, isMarked = false) {
    const choose = () => this.choose({ layer, place })
    return make("button", { type: "button", class: isMarked ? "way marked" : "way", title: exact(value), onclick: choose }, short(value))
  }
}

/** Whether windows are small enough to be shown in full.
 * @param {Slice[]} slices
 */
function isGrid(slices) {
  const area = slices[0]?.rows.flat().length ?? 0
  return area > 1 && area <= LARGEST_GRID && (slices[0]?.rows.length === 1 || (slices[0]?.rows[0]?.length ?? 0) > 1)
}

/** A short number; its tooltip has seven digits.
 * @param {number} value
 */
export const figure = value => make("span", { class: "exact", title: exact(value) }, short(value))

/** A table whose cells are coloured by their values.
 * @template T @param {string | Node} words @param {T[][]} rows @param {(each: T) => Node | string} cell @param {(each: T) => number} [value]
 */
export function table(words, rows, cell, value) {
  const most = value ? rows.flat().reduce((found, each) => Math.max(found, Math.abs(value(each))), 0) : 0
  const lines = rows.map(row => make("tr", {}, ...row.map(each => {
    const place = make("td", {}, cell(each))
    if (value) {
      place.className = value(each) < 0 ? "tinted negative" : "tinted"
      place.title = exact(value(each))
      place.style.setProperty("--share", String(most ? Math.abs(value(each)) / most : 0))
    }
    return place
  })))
  return make("table", { class: rows.length > 3 ? "grid fine" : "grid" }, make("caption", {}, words), make("tbody", {}, ...lines))
}

/** @param {Place} place */
function where({ channel, row, column }) {
  return row || column ? `${channel + 1}, ${row + 1}, ${column + 1}` : `${channel + 1}`
}
