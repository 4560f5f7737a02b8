// Amounts of ink in rows and columns: cropping, resizing, wider and thinner strokes.
// The page's twin of data/photo.py, which explains the steps.

/** @typedef {{amount: Float32Array, rows: number, columns: number}} Plane */
/** @typedef {{top: number, left: number, bottom: number, right: number}} Box */

const SPECK = 0.02 // of the largest stroke's area: what is smaller is dirt

/** @param {Plane} plane @param {number} row @param {number} column */
export function at(plane, row, column) {
  const inside = row >= 0 && column >= 0 && row < plane.rows && column < plane.columns
  return inside ? plane.amount[row * plane.columns + column] ?? 0 : 0
}

/** @param {number} rows @param {number} columns @param {(row: number, column: number) => number} value @returns {Plane} */
export function filled(rows, columns, value) {
  const amount = new Float32Array(rows * columns)
  for (let k = 0; k < amount.length; k++) amount[k] = value(Math.floor(k / columns), k % columns)
  return { amount, rows, columns }
}

/** The box around all ink above that amount; null if there is none.
 * @param {Plane} plane @param {number} least @returns {Box | null}
 */
export function extent(plane, least) {
  const box = { top: plane.rows, left: plane.columns, bottom: 0, right: 0 }
  for (let row = 0; row < plane.rows; row++) {
    for (let column = 0; column < plane.columns; column++) {
      if (at(plane, row, column) <= least) continue
      box.top = Math.min(box.top, row)
      box.left = Math.min(box.left, column)
      box.bottom = Math.max(box.bottom, row + 1)
      box.right = Math.max(box.right, column + 1)
    }
  }
  return box.bottom ? box : null
}

/** @param {Plane} plane @param {Box} box */
export function cut(plane, { top, left, bottom, right }) {
  return filled(bottom - top, right - left, (row, column) => at(plane, top + row, left + column))
}

/** How wide strokes are: twice their area over the length of their outline.
 * @param {Plane} plane
 */
export function strokeWidth(plane) {
  let [area, outline] = [0, 0]
  for (let row = -1; row < plane.rows; row++) {
    for (let column = -1; column < plane.columns; column++) {
      const here = at(plane, row, column)
      area += here
      outline += Math.hypot(at(plane, row + 1, column) - here, at(plane, row, column + 1) - here)
    }
  }
  return (2 * area) / outline
}

/** Strokes wider by so many places on each side, or thinner.
 * @param {Plane} plane @param {number} steps
 */
export function grown(plane, steps) {
  const margin = Math.max(steps, 0)
  const pick = steps > 0 ? Math.max : Math.min
  let made = filled(plane.rows + 2 * margin, plane.columns + 2 * margin, (row, column) =>
    at(plane, row - margin, column - margin))
  for (let number = 0; number < Math.abs(steps); number++) {
    const before = made
    const near = neighbours(number % 2 === 1)
    made = filled(before.rows, before.columns, (row, column) =>
      near.reduce((found, [y, x]) => pick(found, at(before, row + y, column + x)), at(before, row, column)))
  }
  return made
}

/** @param {boolean} corners @returns {[number, number][]} */
function neighbours(corners) {
  const sides = /** @type {[number, number][]} */ ([[-1, 0], [0, -1], [0, 1], [1, 0]])
  return corners ? [...sides, [-1, -1], [-1, 1], [1, -1], [1, 1]] : sides
}

/** The plane without specks far smaller than the largest stroke; ink that touches is one stroke.
 * @param {Plane} plane @param {number} least
 */
export function withoutSpecks(plane, least) {
  const labels = new Int32Array(plane.amount.length)
  const areas = [0]
  for (let place = 0; place < labels.length; place++) {
    if (labels[place] || (plane.amount[place] ?? 0) <= least) continue
    areas.push(flood(plane, labels, place, areas.length, least))
  }
  const largest = areas.reduce((most, area) => Math.max(most, area))
  return filled(plane.rows, plane.columns, (row, column) => {
    const area = areas[labels[row * plane.columns + column] ?? 0] ?? 0
    return area > 0 && area >= SPECK * largest ? at(plane, row, column) : 0
  })
}

/** Label all ink that touches; returns its area.
 * @param {Plane} plane @param {Int32Array} labels @param {number} start @param {number} label @param {number} least
 */
function flood(plane, labels, start, label, least) {
  const waiting = [start]
  labels[start] = label
  let area = 0
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    area++
    const [row, column] = [Math.floor(place / plane.columns), place % plane.columns]
    for (const [y, x] of neighbours(true)) {
      const next = (row + y) * plane.columns + column + x
      if (at(plane, row + y, column + x) > least && !labels[next]) {
        labels[next] = label
        waiting.push(next)
      }
    }
  }
  return area
}

/** Resized to this longest side: a smaller plane by averages, a larger one by bicubic curves.
 * @param {Plane} plane @param {number} side
 */
export function resized(plane, side) {
  const longest = Math.max(plane.rows, plane.columns)
  const [rows, columns] = [plane.rows, plane.columns].map(n => Math.max(1, toEven((n * side) / longest)))
  const how = side < longest ? BOX : BICUBIC
  const across = turned(along(plane, /** @type {number} */ (columns), how))
  const made = turned(along(across, /** @type {number} */ (rows), how))
  return filled(made.rows, made.columns, (row, column) => Math.min(Math.max(at(made, row, column), 0), 1))
}

/** A picture's plane of bytes resized, without keeping its proportions.
 * @param {Plane} plane @param {number} rows @param {number} columns
 */
export function brought(plane, rows, columns) {
  const [down, across] = [plane.rows / rows, plane.columns / columns].map(ratio => Math.max(Math.trunc(ratio / GAP), 1))
  const small = inBytes(reduced(plane, down ?? 1, across ?? 1))
  const wide = inBytes(along(small, columns, BICUBIC, plane.columns / (across ?? 1)))
  return turned(inBytes(along(turned(wide), rows, BICUBIC, plane.rows / (down ?? 1))))
}

/** @param {Plane} plane @returns {Plane} */
const inBytes = plane => ({ ...plane, amount: plane.amount.map(amount => Math.min(Math.max(Math.round(amount), 0), 255)) })

/** Each block of places replaced by its mean; the last blocks may be smaller.
 * @param {Plane} plane @param {number} down @param {number} across
 */
function reduced(plane, down, across) {
  return filled(Math.ceil(plane.rows / down), Math.ceil(plane.columns / across), (row, column) => {
    const [bottom, right] = [Math.min((row + 1) * down, plane.rows), Math.min((column + 1) * across, plane.columns)]
    let sum = 0
    for (let y = row * down; y < bottom; y++) for (let x = column * across; x < right; x++) sum += at(plane, y, x)
    return sum / ((bottom - row * down) * (right - column * across))
  })
}

/** @typedef {{support: number, weight: (x: number) => number}} Filter */

const GAP = 3 // times its final size: as far as this a picture is reduced in blocks

/** @type {Filter} */
const BOX = { support: 0.5, weight: x => (x > -0.5 && x <= 0.5 ? 1 : 0) }

/** @type {Filter} */
const BICUBIC = { support: 2, weight: x => cubic(Math.abs(x), -0.5) }

/** @param {number} x @param {number} a */
function cubic(x, a) {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
}

/** Every row resampled to so many places, as Pillow does it.
 * @param {Plane} plane @param {number} columns @param {Filter} filter @param {number} [width] of the row, if its last place isn't whole
 */
function along(plane, columns, filter, width = plane.columns) {
  const scale = width / columns
  const wide = Math.max(scale, 1)
  const made = new Float32Array(plane.rows * columns)
  for (let column = 0; column < columns; column++) {
    const middle = (column + 0.5) * scale
    const first = Math.max(Math.trunc(middle - filter.support * wide + 0.5), 0)
    const end = Math.min(Math.trunc(middle + filter.support * wide + 0.5), plane.columns)
    const weights = Array.from({ length: end - first }, (_, k) => filter.weight((k + first - middle + 0.5) / wide))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (let row = 0; row < plane.rows; row++) {
      const sum = weights.reduce((sum, weight, k) => sum + (weight / total) * at(plane, row, first + k), 0)
      made[row * columns + column] = sum
    }
  }
  return { amount: made, rows: plane.rows, columns }
}

/** @param {Plane} plane */
const turned = plane => filled(plane.columns, plane.rows, (row, column) => at(plane, column, row))

/** The nearest whole number; of two equally near ones, the even one.
 * @param {number} x
 */
export function toEven(x) {
  const low = Math.floor(x)
  return x - low === 0.5 ? low + (low % 2) : Math.round(x)
}
