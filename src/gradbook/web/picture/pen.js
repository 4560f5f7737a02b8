// Ink on a square of paper: strokes of a round pen, drawn here to be the same in every browser.

export const SIDE = 280 // places of the paper, down and across
export const PEN = 11 // radius, in places

/** @typedef {{x: number, y: number}} Point in places */

/** Amounts of ink from 0 to 1, row by row. */
export class Paper {
  constructor() {
    this.amount = new Float32Array(SIDE * SIDE)
  }

  clear() {
    this.amount.fill(0)
  }

  get isBlank() {
    return this.amount.every(amount => amount === 0)
  }

  /** A straight stroke, or a dot where both ends are the same; its edge is one place wide.
   * @param {Point} from @param {Point} to
   */
  stroke(from, to) {
    const reach = PEN + 1
    const [left, right] = within(Math.min(from.x, to.x) - reach, Math.max(from.x, to.x) + reach)
    const [top, bottom] = within(Math.min(from.y, to.y) - reach, Math.max(from.y, to.y) + reach)
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const ink = PEN + 0.5 - distance({ x: column + 0.5, y: row + 0.5 }, from, to)
        const place = row * SIDE + column
        this.amount[place] = Math.max(this.amount[place] ?? 0, Math.min(Math.max(ink, 0), 1))
      }
    }
  }
}

/** @param {number} low @param {number} high @returns {[number, number]} */
function within(low, high) {
  return [Math.max(Math.floor(low), 0), Math.min(Math.ceil(high), SIDE)]
}

/** The distance from a point to the line between two others.
 * @param {Point} point @param {Point} from @param {Point} to
 */
function distance(point, from, to) {
  const [along, down] = [to.x - from.x, to.y - from.y]
  const length = along * along + down * down
  const share = length ? ((point.x - from.x) * along + (point.y - from.y) * down) / length : 0
  const at = Math.min(Math.max(share, 0), 1)
  return Math.hypot(point.x - from.x - at * along, point.y - from.y - at * down)
}
