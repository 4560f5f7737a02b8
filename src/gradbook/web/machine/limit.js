// The largest learning rate at which a network trains: the same search as in `rates/sweep.py`.

import { filled, general } from "../text/wording.js"
import { grouped, numeral, trCount } from "../view/language.js"

/**
 * @typedef {{
 *   decade: number, decades: number, row: number, stride: number, far: number, patience: number,
 *   rateDigits: number, saidDigits: number, words: Record<string, string>,
 * }} LimitTable what `limit_table` writes
 * @typedef {{rate: number | null, beyond: number | null, reliable: number | null, failing: number[], tried: number}} Limit
 * @typedef {Generator<number, any, boolean>} Asking yields rates, and receives whether they train
 */

/** Searches the range in which rates cease to train, one rate after the other.
 * @param {LimitTable} table @returns {Generator<number, Limit, boolean>}
 */
export function* largest(table) {
  const search = new Search(table)
  const border = yield* search.firstBorder()
  if (border !== null) {
    yield* search.lookAbove(border)
    yield* search.lookBelow(border)
  }
  return search.limit()
}

/** The places tried so far, and whether each of them trains. */
class Search {
  /** @param {LimitTable} table */
  constructor(table) {
    this.table = table
    this.tried = /** @type {Map<number, boolean>} */ (new Map())
  }

  /** @param {number} place @returns {Generator<number, boolean, boolean>} */
  *try(place) {
    if (!this.tried.has(place)) this.tried.set(place, yield this.rateAt(place))
    return this.tried.get(place) ?? false
  }

  /** @param {number} place */
  rateAt(place) {
    return Number((10 ** (place / this.table.decade)).toPrecision(this.table.rateDigits))
  }

  get isPatient() {
    return this.tried.size < this.table.patience
  }

  /** The place of a rate that trains, while the next one doesn't.
   * @returns {Asking}
   */
  *firstBorder() {
    const { decade, decades } = this.table
    const isUp = yield* this.try(0)
    for (let k = 1; k <= decades; k++) {
      const place = isUp ? k * decade : -k * decade
      if ((yield* this.try(place)) === isUp) continue
      const good = isUp ? place - decade : place
      return yield* this.between(good, good + decade)
    }
    return null
  }

  /** Bisect between a rate that trains and a larger one that doesn't.
   * @param {number} good @param {number} bad @returns {Asking}
   */
  *between(good, bad) {
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2)
      if (yield* this.try(middle)) good = middle
      else bad = middle
    }
    return good
  }

  /** Try neighbour after neighbour until a row of them fails; then farther away.
   * @param {number} top @returns {Asking}
   */
  *lookAbove(top) {
    const { row, far, stride } = this.table
    while (this.isPatient) {
      let place = top + 1
      while (place <= top + row && !(yield* this.try(place))) place += 1
      if (place <= top + row) {
        top = place
        continue
      }
      let found = top + far
      while (found > top + row && !(yield* this.try(found))) found -= stride
      if (found <= top + row) return
      const next = found + stride
      top = (yield* this.try(next)) ? next : yield* this.between(found, next)
    }
  }

  /** Try lower rates in the same way, until a row of them trains.
   * @param {number} bottom @returns {Asking}
   */
  *lookBelow(bottom) {
    const { row, far, stride } = this.table
    while (this.isPatient) {
      let place = bottom
      while (place > bottom - row && (yield* this.try(place))) place -= 1
      if (place > bottom - row) {
        bottom = yield* this.below(place)
        continue
      }
      let found = bottom - far
      while (found < bottom - row && (yield* this.try(found))) found += stride
      if (found >= bottom - row) return
      bottom = yield* this.below(found)
    }
  }

  /** The place of the next rate below that trains.
   * @param {number} failing @returns {Asking}
   */
  *below(failing) {
    let good = failing - 1
    while (!(yield* this.try(good))) {
      good -= this.table.stride
      if (!this.isPatient) return good
    }
    return yield* this.between(good, failing)
  }

  /** @returns {Limit} */
  limit() {
    const places = [...this.tried.keys()].sort((a, b) => a - b)
    const good = places.filter(place => this.tried.get(place))
    const bad = places.filter(place => !this.tried.get(place))
    const tried = places.length
    if (!good.length) return { rate: null, beyond: this.rateAt(bad[0]), reliable: null, failing: [], tried }
    const top = good[good.length - 1]
    const said = (/** @type {number | undefined} */ place) => (place === undefined ? null : this.rateAt(place))
    return {
      rate: this.rateAt(top), tried,
      beyond: said(bad.find(place => place > top)),
      reliable: said(good.filter(place => !bad.length || place < bad[0]).pop()),
      failing: bad.filter(place => place < top).map(place => this.rateAt(place)),
    }
  }
}

/** The finding in a sentence or two.
 * @param {Limit} limit @param {number} epochs @param {LimitTable} table
 */
export function limitWords({ rate, beyond, reliable, failing, tried }, epochs, table) {
  const values = { epochs: trCount("{number} epoch", "{number} epochs", epochs, { number: grouped(epochs) }), tried: BigInt(tried) }
  const say = (/** @type {string} */ kind, /** @type {Record<string, number>} */ rates = {}) =>
    filled(table.words[kind], { ...values, ...Object.fromEntries(Object.entries(rates).map(([name, it]) => [name, numeral(general(it))])) })
  if (rate === null) return say(tried ? "none" : "none tried", { low: beyond ?? 0 })
  if (beyond === null) return say("all", { rate })
  const most = about(rate, table, false)
  if (reliable === null) return say("patchy", { rate: most })
  const least = about(reliable, table, true)
  return say(!failing.length ? "clear" : least === most ? "near" : "ragged", { reliable: least, rate: most })
}

/** A rate in as few digits as a ragged border allows; rounded down if all lower rates are meant.
 * @param {number} rate @param {LimitTable} table @param {boolean} isDown
 */
function about(rate, { rateDigits, saidDigits }, isDown) {
  const [mantissa, power] = rate.toExponential(rateDigits - 1).split("e")
  const unit = 10 ** (rateDigits - saidDigits)
  const shown = Math.floor((Number(mantissa.replace(".", "")) + (isDown ? 0 : unit / 2)) / unit)
  return Number(`${shown}e${Number(power) - saidDigits + 1}`)
}
