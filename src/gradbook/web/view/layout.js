// The positions of units, maps and the lines between them, if some layers are maps: geometry alone.

import { grouped, tr } from "./language.js"
import { captionWidths, spaced, wrapped } from "./spacing.js"

export const HALF = 66 // the width of half a unit: a sum, or an activation
export const TALL = 58
const SMALLEST = 0.8 // share of its size to which lines grow shorter
const PAD = 4 // between a label and its line
const NUMBER = 58 // the widest that is usual
const NAME = 15 // the size of a name beside a line
const LINES = { full: 34, short: 18 } // the height of a label: with its gradient, without
const HIGHEST = 640 // of a column, beyond which labels leave their gradients out
const BELOW = 0.72 // the size of a subscript, as a share of the name
const SMALL_LINK = 6 // between a unit and its bias or target
const PLAIN = 30 // a gap without labels
const MAPS_GAP = 38
const MAPS_APART = 26
const TITLE = 18 // above the first map of a column
const WORDS = 12.5
const CAPTIONS = { gap: 22, step: 14, apart: 8, widest: 150 }
const SKIPS = { step: 14, apart: 5 } // lines around columns: the distance between two, and from the columns
const MARGIN = 4
const RULES = { pitch: 84, apart: 12, stub: 16, steep: 0.35, slant: 54, slope: 0.45, widest: 240, captions: CAPTIONS.apart }

/**
 * @typedef {import("./dom.js").Name} Name
 * @typedef {import("./spacing.js").Size} Size
 * @typedef {import("./spacing.js").Placed} Placed
 * @typedef {{values: number[], above: number | null, from: [row: number, weight: number | null, back?: number][]}} Unit what it reads, and how many columns before
 * @typedef {(number | null)[][]} Plane the lines of a channel's values, row by row
 * @typedef {{words: string[], layers: number[], left_out: number, units: (Unit | null)[], maps: Plane[][], titles?: string[][]}} Column the titles are those of maps
 * @typedef {{left: number, top: number, width: number, height: number}} Box
 * @typedef {{unit: Unit, halves: Box[], above: Box | null}} Spot
 * @typedef {{x: number, y: number, words: string, isOfLoss?: boolean}} Caption
 * @typedef {{x: number, y: number, size: number, line: number, column: number}} Cell
 * @typedef {{plane: Plane, x: number, y: number, size: number}} ArcPlace where shares are drawn as arcs
 * @typedef {{box: Box, hasSlope: boolean}} Label
 * @typedef {{pieces: number[][][], weight: number | null, label: Label | null, ends: [Unit, Unit][]}} Way a line, interrupted by its label
 * @typedef {{
 *   spots: Spot[], ways: Way[], captions: Caption[], titles: Caption[], steps: Caption[], cells: Cell[][], arcs: ArcPlace[], width: number, height: number,
 *   spans: [from: number, to: number][],
 * }} Layout `spans` are where columns begin and end along their row
 * @typedef {Record<string, string>} Widths characters by their width, as a share of the font size
 */

/** Columns from left to right.
 * @param {Column[]} columns @param {Record<number, Name>} names @param {Widths} widths @param {number} room
 */
export const layoutOf = (columns, names, widths, room) => new Arrangement(columns, names, widths).layout(room)

/** The greatest width that words may have.
 * @param {Widths} widths @returns {(words: string) => number} as a share of the font size
 */
function measure(widths) {
  const found = new Map(Object.entries(widths).flatMap(([wide, all]) =>
    [...all].map(character => /** @type {[string, number]} */ ([character, Number(wide)]))))
  const other = Number(Object.keys(widths).find(wide => widths[wide] === ""))
  return words => [...words].reduce((wide, character) => wide + (found.get(character) ?? other), 0)
}

class Arrangement {
  /** @param {Column[]} columns @param {Record<number, Name>} names @param {Widths} widths */
  constructor(columns, names, widths) {
    this.columns = columns
    this.lengths = columns.map(column => HALF * Math.max(0, ...column.units.map(unit => unit?.values.length ?? 0)))
    this.names = names
    const ems = measure(widths)
    this.wide = (/** @type {string} */ words) => WORDS * ems(words)
    this.nameWide = (/** @type {Name} */ { letter, below }) => NAME * (ems(letter) + BELOW * ems(below))
    this.longest = columns.map(({ words }) => Math.max(0, ...words.flatMap(phrase => phrase.split(" ").map(this.wide))))
    this.sizes = columns.map((_, k) => this.size(k))
  }

  /** @param {number} room @returns {Layout} */
  layout(room) {
    const { columns, sizes } = this
    const placed = spaced(sizes, RULES, room - 2 * MARGIN, room / SMALLEST - 2 * MARGIN)
    const skips = skipsOf(columns)
    const first = Math.min(...sizes.map((size, k) => edge(size, placed[k], -1)), ...columns.map(column => -mapsHeight(column) / 2 - (column.titles ? TITLE : 0)))
    const last = Math.max(...sizes.map((size, k) => edge(size, placed[k], 1)), ...columns.map(column => mapsHeight(column) / 2))
    const middle = MARGIN + (skips.length && (skips.length + 0.5) * SKIPS.step) - first
    const written = this.captions(placed, middle + last)
    const out = (/** @type {number} */ side) => written.map(({ x, words }) => side * x + this.wide(words) / 2)
    const left = MARGIN + Math.max(0, ...out(-1))
    const at = (/** @type {number} */ along, /** @type {number} */ across) => [left + along, middle + across]
    const spots = columns.map((column, k) => column.units.map((unit, j) => unit && this.spot(unit, placed[k], k, j, at)))
    const captions = [...this.leftOut(placed, at), ...written.map(caption => ({ ...caption, x: left + caption.x }))]
    const width = left + Math.max(placed[placed.length - 1].left + sizes[sizes.length - 1].along, ...out(1)) + MARGIN
    const spans = placed.map((it, k) => /** @type {[number, number]} */ ([0, sizes[k].along].map(along => left + it.left + along)))
    return {
      captions, spans, width, height: Math.max(middle + last + MARGIN, ...captions.map(({ y }) => y + 6)),
      spots: spots.flatMap(column => column.flatMap(spot => spot ?? [])),
      ways: [...this.ways(placed, at), ...skips.map((skip, k) => this.skip(skip, placed, k + 1, first, at))],
      titles: columns.flatMap((column, k) => mapTitles(column, left + placed[k].left, middle)),
      cells: columns.map((column, k) => mapCells(column, k, left + placed[k].left, middle)),
      steps: columns.flatMap((column, k) => this.steps(column, left + placed[k].left, middle)),
      arcs: columns.flatMap((column, k) => mapArcs(column, left + placed[k].left, middle)),
    }
  }

  /** @param {number} k @returns {Size} @private */
  size(k) {
    const [column, goal, caption] = [this.columns[k], this.columns[k + 1], this.longest[k]]
    const small = Math.max(0, ...column.units.map(unit => this.small(unit)))
    const weights = (goal?.units ?? []).flatMap(unit => unit?.from.flatMap(([, weight, back = 1]) => (weight !== null && back === 1 ? [weight] : [])) ?? [])
    const fan = weights.length ? (goal?.units ?? []).filter(Boolean).length : 0
    const missing = column.left_out ? this.wide(leftOutWords(column)) : 0
    return {
      along: column.maps.length ? mapsWidth(column) : Math.max(missing, this.lengths[k]),
      before: column.maps.length ? 0 : TALL / 2 + small, after: column.maps.length ? 0 : TALL / 2,
      cells: column.units.map(unit => unit !== null), follows: isFollowing(column),
      fan, label: fan ? this.label(column, weights, fan) : [0, 0],
      gap: column.maps.length || goal?.maps.length ? MAPS_GAP : PLAIN, caption,
    }
  }

  /** The size of a label, along and across.
   * @param {Column} column @param {number[]} weights @param {number} fan @private
   */
  label(column, weights, fan) {
    const name = Math.max(...weights.map(weight => this.nameWide(this.names[weight])))
    const isHigh = column.units.length * fan * LINES.full > HIGHEST
    return [PAD + name + PAD + NUMBER + PAD, isHigh ? LINES.short : LINES.full]
  }

  /** The space that a bias or a target takes above its unit, with the link between them.
   * @param {Unit | null} unit @private
   */
  small(unit) {
    return unit && unit.above !== null ? SMALL_LINK + smallHeight(this.names[unit.above]) : 0
  }

  /** @param {Unit} unit @param {Placed} placed @param {number} k @param {number} row @param {(along: number, across: number) => number[]} at @returns {Spot} @private */
  spot(unit, placed, k, row, at) {
    const halves = unit.values.map((_, number) => {
      const [x, y] = at(placed.left + this.inset(k) + number * HALF, placed.across[row])
      return { left: x, top: y - TALL / 2, width: HALF, height: TALL }
    })
    if (unit.above === null) return { unit, halves, above: null }
    const [{ left, top }] = halves
    const height = smallHeight(this.names[unit.above])
    return { unit, halves, above: { left: left + (halves.length - 1) * HALF / 2, top: top - SMALL_LINK - height, width: HALF, height } }
  }

  /** The lines from units to those of the next column that read them.
   * @param {Placed[]} placed @param {(along: number, across: number) => number[]} at @returns {Way[]} @private
   */
  ways(placed, at) {
    return this.columns.flatMap((column, k) => column.units.flatMap((unit, row) => (unit?.from ?? []).flatMap(([place, weight, back = 1]) => {
      const source = this.columns[k - back]?.units[place]
      if (back !== 1 || !source || !unit) return []
      const [own, goal] = [placed[k - 1], placed[k]]
      const side = own.left + this.sizes[k - 1].along
      const start = [at(side - this.inset(k - 1), own.across[place]), at(side, own.across[place])]
      const end = [at(goal.left, goal.across[row]), at(goal.left + this.inset(k), goal.across[row])]
      const ends = /** @type {[Unit, Unit][]} */ ([[source, unit]])
      if (weight === null) return [/** @type {Way} */ ({ pieces: [[...start, ...end]], weight, label: null, ends })]
      const across = own.across[place] + own.ports[column.units.slice(0, row).filter(Boolean).length]
      const pieces = [[...start, at(own.labels, across)], [at(own.lines, across), ...end]]
      return [/** @type {Way} */ ({ pieces, weight, label: this.labelBox(this.sizes[k - 1], own, across, at), ends })]
    })))
  }

  /** @param {Size} size @param {Placed} placed @param {number} across @param {(along: number, across: number) => number[]} at @returns {Label} @private */
  labelBox({ label: [along, room] }, placed, across, at) {
    const [x, y] = at(placed.labels + PAD, across)
    return { box: { left: x, top: y - room / 2, width: along - 2 * PAD, height: room }, hasSlope: room > LINES.short }
  }

  /** The margin of the units in a column, which words may make wider.
   * @param {number} k @private
   */
  inset(k) {
    return this.lengths[k] && (this.sizes[k].along - this.lengths[k]) / 2
  }

  /** A line around the columns between, from one column to another that also reads it.
   * @param {Skip} skip @param {Placed[]} placed @param {number} number @param {number} outmost
   * @param {(along: number, across: number) => number[]} at @returns {Way} @private
   */
  skip({ source, goal, ends }, placed, number, outmost, at) {
    const across = outmost - number * SKIPS.step
    const row = (/** @type {number} */ k) => placed[k].across[0]
    const begin = placed[source].left + this.sizes[source].along
    const [out, into] = [begin + SKIPS.apart, placed[goal].left - SKIPS.apart]
    const pieces = [[
      at(begin, row(source)), at(out, row(source)), at(out, across),
      at(into, across), at(into, row(goal)), at(placed[goal].left, row(goal)),
    ]]
    return { pieces, weight: null, label: null, ends }
  }

  /** @param {Placed[]} placed @param {(along: number, across: number) => number[]} at @returns {Caption[]} @private */
  leftOut(placed, at) {
    return this.columns.flatMap((column, k) => column.units.flatMap((unit, row) => {
      if (unit) return []
      const [x, y] = at(placed[k].left + this.sizes[k].along / 2, placed[k].across[row])
      return [{ x, y: y + 4, words: leftOutWords(column) }]
    }))
  }

  /** The numbers of steps below a sequence, with arrows between them below states, which are passed on.
   * @param {Column} column @param {number} left @param {number} middle @returns {Caption[]} @private
   */
  steps(column, left, middle) {
    const size = column.maps.length ? cellSize(column) : 0
    if (size < 30) return []
    return planesAt(column, left, middle).flatMap(({ plane, title, x, y }) => {
      const goesOn = /^a_(h|state)/.test(title)
      const line = plane[0][0]
      if ((title && !goesOn) || line === null || !this.names[line].said.endsWith("(1)")) return []
      const words = plane[0].flatMap((_, k) => [...(k && goesOn ? ["→"] : []), String(k + 1)])
      const step = goesOn ? size / 2 : size
      return words.map((word, k) => ({ x: x + size / 2 + k * step, y: y + plane.length * size + 11, words: word }))
    })
  }

  /** The words below each column.
   * @param {Placed[]} placed @param {number} bottom @returns {Caption[]} @private
   */
  captions(placed, bottom) {
    const middles = placed.map(({ left }, k) => left + this.sizes[k].along / 2)
    const widths = captionWidths(middles, this.longest, CAPTIONS.apart, CAPTIONS.widest)
    return this.columns.flatMap(({ words }, k) => words.flatMap(phrase => wrapped(phrase, widths[k], this.wide))
      .map((line, j) => ({ x: middles[k], y: bottom + CAPTIONS.gap + j * CAPTIONS.step, words: line, isOfLoss: k === this.columns.length - 1 })))
  }
}

/** @param {Column} column */
const leftOutWords = column => `⋮ ${tr("{count} more", { count: grouped(column.left_out) })}`

/** The height of a bias, which has a gradient, or of a target, which has none.
 * @param {Name} name
 */
const smallHeight = name => (name.kind === "weights" ? 52 : 38)

/** Whether each unit follows from the one in its row of the column before.
 * @param {Column} column
 */
const isFollowing = ({ units }) => units.some(Boolean) && units.every((unit, row) => !unit || (
  unit.from.some(([, , back = 1]) => back === 1)
    && unit.from.every(([place, weight, back = 1]) => weight === null && (back > 1 || place === row))))

/** How far a column reaches across, in one direction.
 * @param {Size} size @param {Placed} placed @param {number} direction
 */
function edge({ before, after, cells, fan, label }, { across }, direction) {
  if (!cells.length) return 0
  const own = direction < 0 ? [across[0], before] : [across[across.length - 1], after]
  return own[0] + direction * Math.max(own[1], fan * label[1] / 2)
}

/** @typedef {{source: number, goal: number, ends: [Unit, Unit][]}} Skip */

/** The connections that come from farther back than the column before.
 * @param {Column[]} columns @returns {Skip[]}
 */
function skipsOf(columns) {
  const found = /** @type {Map<string, Skip>} */ (new Map())
  columns.forEach((column, goal) => column.units.forEach(unit => unit?.from.forEach(([row, , back = 1]) => {
    const from = columns[goal - back].units[row]
    if (back === 1 || !from) return
    const key = `${goal - back} ${goal}`
    if (!found.has(key)) found.set(key, { source: goal - back, goal, ends: [] })
    found.get(key)?.ends.push([from, unit])
  })))
  return [...found.values()]
}

/** A line's pieces as a path.
 * @param {number[][][]} pieces
 */
export const pathOf = pieces => pieces.map(piece => `M${piece.map(point => point.join(" ")).join("L")}`).join("")

// Maps ------------------------------------------------------------------------

/** How large a cell is, so that a map is neither tiny nor a page wide.
 * @param {Column} column
 */
function cellSize({ maps }) {
  const side = Math.max(...maps.flat().flatMap(plane => [plane.length, plane[0].length]))
  return side <= 5 ? 40 : side <= 9 ? 32 : 14
}

/** @param {Column} column */
function mapsWidth(column) {
  const size = cellSize(column)
  return Math.max(...column.maps.map((names, channel) => names.reduce((sum, plane, k) => sum + planeWidth(plane, size, column.titles?.[channel][k]) + MAPS_APART, -MAPS_APART)))
}

/** Whether a plane contains attention's shares, which are drawn as arcs, too.
 * @param {string} [title]
 */
const isShares = title => Boolean(title?.startsWith("a_share"))

/** @param {Plane} plane @param {number} size @param {string} [title] */
const planeWidth = (plane, size, title) => plane[0].length * size * (isShares(title) ? 2 : 1) + (isShares(title) ? MAPS_APART : 0)

/** How high the planes of a channel are.
 * @param {Plane[]} names @param {number} size
 */
const highest = (names, size) => Math.max(...names.map(plane => plane.length)) * size

/** @param {Column} column */
function mapsHeight(column) {
  const size = cellSize(column)
  return column.maps.reduce((sum, names) => sum + highest(names, size) + MAPS_APART, 0)
}

/** The position of each plane: channels below each other, a sum's maps beside its activation's.
 * @param {Column} column @param {number} left @param {number} middle
 * @returns {{plane: Plane, title: string, x: number, y: number}[]}
 */
function planesAt(column, left, middle) {
  const { maps, titles } = column
  const size = cellSize(column)
  let y = middle - (mapsHeight(column) - MAPS_APART) / 2
  return maps.flatMap((names, channel) => {
    const top = y
    y += highest(names, size) + MAPS_APART
    let right = left - MAPS_APART
    return names.map((plane, k) => {
      const [x, title] = [right + MAPS_APART, titles?.[channel][k] ?? ""]
      right = x + planeWidth(plane, size, title)
      return { plane, title, x, y: top }
    })
  })
}

/** A cell for each value that there is.
 * @param {Column} column
 * @param {number} place of the column
 * @param {number} left
 * @param {number} middle
 * @returns {Cell[]}
 */
function mapCells(column, place, left, middle) {
  if (!column.maps.length) return []
  const size = cellSize(column)
  return planesAt(column, left, middle).flatMap(({ plane, x, y }) => plane.flatMap((row, i) => row.flatMap((line, j) =>
    line === null ? [] : [{ line, size, column: place, x: x + j * size, y: y + i * size }])))
}

/** The titles above planes.
 * @param {Column} column @param {number} left @param {number} middle @returns {Caption[]}
 */
function mapTitles(column, left, middle) {
  if (!column.titles) return []
  return planesAt(column, left, middle).map(({ title, x, y }) => ({ x, y: y - 6, words: title }))
}

/** Where shares are drawn as arcs, beside their matrix.
 * @param {Column} column @param {number} left @param {number} middle @returns {ArcPlace[]}
 */
function mapArcs(column, left, middle) {
  if (!column.titles) return []
  const size = cellSize(column)
  return planesAt(column, left, middle).filter(({ title }) => isShares(title))
    .map(({ plane, x, y }) => ({ plane, x: x + plane[0].length * size + MAPS_APART, y, size }))
}

/** A box that is round at its ends, left or right.
 * @param {Box} box @param {boolean[]} round
 */
export function pill({ left, top, width, height }, [first, last]) {
  const [right, foot] = [left + width, top + height]
  const corners = /** @type {[boolean, number, number][]} */ ([[first, left, top], [last, right, top], [last, right, foot], [first, left, foot]])
  const way = corners.map(([isRound, x, y], k) => {
    const r = isRound ? 20 : 0
    const [into, out] = [[[0, 1], [1, 0]], [[-1, 0], [0, 1]], [[0, -1], [-1, 0]], [[1, 0], [0, -1]]][k]
    return `${k ? "L" : "M"}${x + r * into[0]} ${y + r * into[1]}Q${x} ${y} ${x + r * out[0]} ${y + r * out[1]}`
  })
  return `${way.join("")}Z`
}
