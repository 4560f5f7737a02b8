// Where units, maps and the lines between them stand: geometry alone.

export const HALF = 66 // a half of a unit: a sum, or an activation
export const TALL = 58
export const SMALL = { width: 82, height: 40 } // of a bias or a target
export const LABEL = { width: 82, height: 34 }
const PLAIN = 38 // a gap that no weight has to stand in
const WIDEST = 260 // of a gap
const LINE = 76 // of a line, beside its label, is in sight at least
const ABOVE = 24 // a bias over the uppermost unit
const CAPTIONS = 58
const LAYER = 150 // from one column to the next, from top to bottom
const MAPS_APART = 26
const LONGEST_CAPTION = 17 // characters
const FRACTIONS = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82]

/**
 * @typedef {{values: number[], above: number | null, from: [row: number, weight: number | null, back?: number][]}} Unit what it reads, and how many columns before
 * @typedef {number[][]} Plane the lines of a channel's values, row by row
 * @typedef {{words: string[], left_out: number, units: (Unit | null)[], maps: Plane[][]}} Column
 * @typedef {{x: number, y: number, unit: Unit, width: number}} Spot
 * @typedef {{x: number, y: number, count: number}} Gap units that are left out
 * @typedef {{x: number, y: number, size: number, line: number, column: number}} Cell
 * @typedef {{a: number[], b: number[], row: number, weight: number | null, back: number, ends: [Unit, Unit]}} Way
 * @typedef {{spots: (Spot | null)[][], gaps: Gap[], cells: Cell[][], middles: number[], width: number, height: number}} Layout
 */

/** How wide a network of units is from top to bottom; maps and gaps have no such layout.
 * @param {Column[]} columns
 */
export function uprightWidth(columns) {
  if (columns.some(column => column.maps.length || column.left_out)) return Infinity
  return Math.max(...columns.map(column => column.units.length * (unitWidth(column) + besideUnits(column) + 4)))
}

/** From top to bottom, as on a phone.
 * @param {Column[]} columns
 * @param {number} width
 * @returns {Layout}
 */
export function upright(columns, width) {
  const spots = columns.map((column, k) => {
    const own = unitWidth(column)
    const beside = besideUnits(column)
    const step = Math.min(own + beside + 60, width / column.units.length)
    return column.units.map((unit, j) => unit && {
      unit, width: unit.values.length * HALF,
      x: width / 2 + (j - (column.units.length - 1) / 2) * step - beside / 2,
      y: 44 + k * LAYER,
    })
  })
  return { spots, gaps: [], cells: [], middles: [], width, height: 44 + (columns.length - 1) * LAYER + 60 }
}

/** From left to right, in so much room if that is enough.
 * @param {Column[]} columns
 * @param {number} room
 * @returns {Layout}
 */
export function sideways(columns, room) {
  const wide = columns.map(column => (column.maps.length ? mapsWidth(column) : unitWidth(column)))
  const most = Math.max(...columns.map(column => column.units.length))
  const above = columns.some(column => besideUnits(column)) ? ABOVE : 0
  const step = Math.max(above ? 128 : 84, Math.min(128, 520 / most))
  const tall = Math.max(most * step, ...columns.map(mapsHeight))
  const named = columns.map(column => column.units.some(unit => unit?.from.some(([, weight]) => weight !== null)))
  const weighted = named.filter(Boolean).length
  const plain = (columns.length - 1 - weighted) * PLAIN
  const total = wide.reduce((a, b) => a + b, 0)
  const gap = Math.max(LABEL.width + LINE, Math.min(WIDEST, (room - total - plain - 20) / Math.max(weighted, 1)))
  const middle = above + tall / 2
  let left = 4
  const lefts = wide.map((own, k) => {
    const here = left
    left += own + (named[k + 1] ? gap : PLAIN)
    return here
  })
  return {
    spots: columns.map((column, k) => column.units.map((unit, j) => unit && {
      unit, width: unit.values.length * HALF, x: lefts[k] + wide[k] / 2,
      y: middle + (j - (column.units.length - 1) / 2) * step,
    })),
    gaps: columns.flatMap((column, k) => column.units.flatMap((unit, j) => (unit ? [] : [{
      count: column.left_out, x: lefts[k] + wide[k] / 2, y: middle + (j - (column.units.length - 1) / 2) * step,
    }]))),
    cells: columns.map((column, k) => mapCells(column, k, lefts[k], middle)),
    middles: lefts.map((here, k) => here + wide[k] / 2),
    width: total + weighted * gap + plain + 20,
    height: tall + above + CAPTIONS,
  }
}

/** The lines from units to those that read them.
 * @param {(Spot | null)[][]} spots
 * @param {boolean} isUpright
 * @returns {Way[]}
 */
export function ways(spots, isUpright) {
  const found = /** @type {Way[]} */ ([])
  spots.forEach((column, k) => column.forEach(spot => {
    for (const [row, weight, back = 1] of spot ? spot.unit.from : []) {
      const source = spots[k - back][row]
      if (!spot || !source) continue
      const [a, b] = isUpright
        ? [[source.x, source.y + TALL / 2], [spot.x, spot.y - TALL / 2]]
        : [[source.x + source.width / 2, source.y], [spot.x - spot.width / 2, spot.y]]
      found.push({ a, b, row, weight, back, ends: [source.unit, spot.unit] })
    }
  }))
  return found
}

/** @param {Column} column */
const unitWidth = column => Math.max(...column.units.map(unit => unit?.values.length ?? 1)) * HALF

/** What biases or targets take beside their units.
 * @param {Column} column
 */
const besideUnits = column => (column.units.some(unit => (unit?.above ?? null) !== null) ? SMALL.width + 8 : 0)

// Maps ------------------------------------------------------------------------

/** How large a cell is, so that a map is neither tiny nor a page wide.
 * @param {Column} column
 */
function cellSize({ maps }) {
  const [[[row]]] = maps
  const side = Math.max(row.length, maps[0][0].length)
  return side <= 5 ? 40 : side <= 9 ? 32 : 14
}

/** @param {Column} column */
function mapsWidth(column) {
  const [names] = column.maps
  return names.length * names[0][0].length * cellSize(column) + (names.length - 1) * MAPS_APART
}

/** @param {Column} column */
function mapsHeight(column) {
  if (!column.maps.length) return 0
  return column.maps.length * (column.maps[0][0].length * cellSize(column) + MAPS_APART)
}

/** A cell for each value: channels one under the other, a sum's maps beside its activation's.
 * @param {Column} column
 * @param {number} place of the column
 * @param {number} left
 * @param {number} middle
 * @returns {Cell[]}
 */
function mapCells(column, place, left, middle) {
  if (!column.maps.length) return []
  const size = cellSize(column)
  const top = middle - (mapsHeight(column) - MAPS_APART) / 2
  return column.maps.flatMap((names, channel) => names.flatMap((plane, k) => plane.flatMap((row, i) =>
    row.map((line, j) => ({
      line, size, column: place,
      x: left + k * (row.length * size + MAPS_APART) + j * size,
      y: top + channel * (plane.length * size + MAPS_APART) + i * size,
    })))))
}

/** How far a line that skips columns goes around what lies between. */
const AROUND = 64

/** A line, straight or around the columns that it skips.
 * @param {Way} way @param {boolean} isUpright
 */
export function lineOf({ a, b, back }, isUpright) {
  if (back === 1) return `M${a.join(" ")}L${b.join(" ")}`
  const [x, y] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
  const middle = isUpright ? [x + 2 * AROUND, y] : [x, y - 2 * AROUND]
  return `M${a.join(" ")}Q${middle.join(" ")} ${b.join(" ")}`
}

// Labels ----------------------------------------------------------------------

/** @param {Way} way @param {number} fraction */
export const point = ({ a, b }, fraction) => a.map((start, k) => start + fraction * (b[k] - start))

/** Where labels are farthest apart, if they have room: all at one part of their lines, or those of
 * every other row at another.
 * @param {Way[]} group
 */
export function bestPlaces(group) {
  let [best, most] = [/** @type {number[][] | null} */ (null), 0]
  const pairs = FRACTIONS.flatMap((even, k) => FRACTIONS.slice(k).map(odd => [even, odd]))
  for (const pair of pairs) {
    const places = group.map(way => point(way, pair[way.row % 2]))
    const room = Math.min(roomOf(places), 8) - Math.abs(pair[0] - pair[1])
    if (room > most) [best, most] = [places, room]
  }
  return best
}

/** The least room between two labels.
 * @param {number[][]} places
 */
function roomOf(places) {
  let least = Infinity
  places.forEach(([x, y], k) => places.slice(k + 1).forEach(([u, v]) => {
    least = Math.min(least, Math.max(Math.abs(x - u) - LABEL.width, Math.abs(y - v) - LABEL.height + 3))
  }))
  return least
}

/** Words in lines that are not much longer than a unit is wide.
 * @param {string[]} phrases
 */
export function lined(phrases) {
  const lines = /** @type {string[]} */ ([])
  for (const phrase of phrases) {
    lines.push("")
    for (const word of phrase.split(" ")) {
      const longer = `${lines[lines.length - 1]} ${word}`.trim()
      if (longer.length > LONGEST_CAPTION && lines[lines.length - 1]) lines.push(word)
      else lines[lines.length - 1] = longer
    }
  }
  return lines
}

/** A box that is round at its ends.
 * @param {number} x @param {number} y @param {number} width @param {number} height @param {boolean[]} round
 */
export function pill(x, y, width, height, [left, right]) {
  const r = 20
  const [end, foot] = [x + width, y + height]
  const east = right ? `H${end - r}Q${end} ${y} ${end} ${y + r}V${foot - r}Q${end} ${foot} ${end - r} ${foot}` : `H${end}V${foot}`
  const west = left ? `H${x + r}Q${x} ${foot} ${x} ${foot - r}V${y + r}Q${x} ${y} ${x + r} ${y}` : `H${x}V${y}`
  return `M${left ? x + r : x} ${y}${east}${west}Z`
}
