// A drawing as a network sees it: cropped, scaled, with the usual width of the pen, and centred.
// The page's twin of `as_seen` in data/photo.py; a test compares the two.

import { at, brought, cut, extent, filled, grown, resized, strokeWidth, toEven, withoutSpecks } from "./plane.js"

/** @typedef {import("./plane.js").Plane} Plane */

/** How pictures are prepared for the model.
 * @typedef {{side: number, byMass: boolean} | null} Framing
 */

const FAINTEST = 0.02 // of full strength: fainter ink counts as paper
const EXTENT = 0.06 // of full strength: a box encloses all ink above this
const FINE = 6 // times the final size: at this size strokes are made wider or thinner
const [THIN, USUAL, THICK] = [1.35, 1.7, 4.4] // widths of a stroke, in pixels of the small image
const LEAST_SIDE = 6
const BRIGHTEST = 255
const GREY = [0.299, 0.587, 0.114] // weights of red, green and blue in grey, after ITU-R 601

/** Bytes, row by row; null if nothing is drawn.
 * @param {Plane} drawn @param {number} rows @param {number} columns @param {Framing} framing
 */
export function asSeen(drawn, rows, columns, framing) {
  const inked = withoutSpecks(drawn, FAINTEST)
  const box = extent(inked, FAINTEST)
  if (!box || Math.max(box.bottom - box.top, box.right - box.left) < LEAST_SIDE) return null
  return framing ? placed(scaled(cut(inked, box), framing.side), rows, columns, framing) : stretched(drawn, rows, columns)
}

/** @param {Plane} plane @param {number} side */
function scaled(plane, side) {
  if (Math.max(plane.rows, plane.columns) === side) return plane
  let inked = cutTo(plane)
  if (Math.max(inked.rows, inked.columns) > FINE * side) inked = resized(inked, FINE * side)
  const small = resized(cutTo(usualPen(inked, side)), side)
  const most = small.amount.reduce((found, amount) => Math.max(found, amount), 0)
  return filled(small.rows, small.columns, (row, column) => at(small, row, column) / most)
}

/** @param {Plane} plane */
function cutTo(plane) {
  const box = extent(plane, EXTENT)
  return box ? cut(plane, box) : plane
}

/** The drawing with another pen, if its own would be too thin or too thick in the small image.
 * @param {Plane} plane @param {number} side
 */
function usualPen(plane, side) {
  const scale = side / Math.max(plane.rows, plane.columns)
  const width = strokeWidth(plane) * scale
  const wanted = width < THIN ? USUAL : width > THICK ? THICK : width
  return grown(plane, toEven((wanted - width) / scale / 2))
}

/** The drawing centred in an empty image; a centre of mass lies in the pixel just after the middle.
 * @param {Plane} plane @param {number} rows @param {number} columns @param {{side: number, byMass: boolean}} framing
 */
function placed(plane, rows, columns, { byMass }) {
  const top = start(plane.rows, rows, byMass, (row, column) => at(plane, row, column), plane.columns)
  const left = start(plane.columns, columns, byMass, (column, row) => at(plane, row, column), plane.rows)
  const image = filled(rows, columns, (row, column) => at(plane, row - top, column - left))
  return Uint8Array.from(image.amount, amount => toEven(amount * BRIGHTEST))
}

/** Where it begins along one side.
 * @param {number} own @param {number} all @param {boolean} byMass
 * @param {(place: number, across: number) => number} amount @param {number} across
 */
function start(own, all, byMass, amount, across) {
  const first = byMass ? Math.ceil(Math.floor(all / 2) - centre(own, amount, across)) : Math.floor((all - own) / 2)
  return Math.min(Math.max(first, 0), all - own)
}

/** @param {number} own @param {(place: number, across: number) => number} amount @param {number} across */
function centre(own, amount, across) {
  let [total, moment] = [0, 0]
  for (let place = 0; place < own; place++) {
    let sum = 0
    for (let k = 0; k < across; k++) sum += amount(place, k)
    total += sum
    moment += sum * (place + 0.5)
  }
  return moment / total
}

/** A picture that is only resized, for networks whose images aren't framed.
 * @param {{data: ArrayLike<number>, rows: number, columns: number}} picture red, green, blue and alpha of each pixel
 * @param {[number, number, number]} image channels, rows and columns of the network's input
 */
export function asItIs({ data, rows, columns }, [channels, down, across]) {
  const part = (/** @type {number} */ place, /** @type {number} */ k) => data[4 * place + k] ?? 0
  const grey = (/** @type {number} */ place) => Math.round(GREY.reduce((sum, share, k) => sum + share * part(place, k), 0))
  const planes = Array.from({ length: channels }, (_, k) => (/** @type {number} */ place) => (channels === 1 ? grey(place) : part(place, k)))
  const made = planes.map(plane => brought(filled(rows, columns, (row, column) => plane(row * columns + column)), down, across))
  return Uint8Array.from(made.flatMap(({ amount }) => [...amount]))
}

/** A drawing that is only resized, for networks whose images aren't framed.
 * @param {Plane} plane @param {number} rows @param {number} columns
 */
function stretched(plane, rows, columns) {
  const image = filled(rows, columns, (row, column) => mean(plane, row, column, plane.rows / rows, plane.columns / columns))
  return Uint8Array.from(image.amount, amount => toEven(amount * BRIGHTEST))
}

/** @param {Plane} plane @param {number} row @param {number} column @param {number} down @param {number} across */
function mean(plane, row, column, down, across) {
  let [sum, count] = [0, 0]
  for (let y = Math.floor(row * down); y < (row + 1) * down; y++) {
    for (let x = Math.floor(column * across); x < (column + 1) * across; x++, count++) sum += at(plane, y, x)
  }
  return sum / count
}
