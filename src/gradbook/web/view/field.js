// Where units, maps, lines and labels stand in the field: as pictures, with their numbers or, if a
// network has maps or no picture to show, as boxes that are as large as they fit.

/**
 * @typedef {{values: number[], above: number | null, from: [row: number, weight: number | null, back?: number][]}} Unit what it reads, and how many columns before
 * @typedef {(number | null)[][]} Plane the lines of a channel's values, row by row
 * @typedef {{words: string[], layers: number[], left_out: number, units: (Unit | null)[], maps: Plane[][], titles?: string[][]}} Column the titles are those of maps
 * @typedef {{left: number, top: number, width: number, height: number}} Box
 * @typedef {{width: number, height: number, isNarrow: boolean}} Room
 * @typedef {{x: number, y: number}} Point
 * @typedef {{unit: Unit, column: number, row: number, halves: Box[], small: Box | null, kind: "input" | "hidden" | "output" | "error" | "loss"}} Spot
 * @typedef {{from: Point, to: Point, weight: number | null, ends: [Unit, Unit], label: Box | null, isSkip: boolean, column: number}} Way
 * @typedef {{x: number, y: number, column: number, wide: number, isLoss?: boolean}} Head above a column, or below it
 * @typedef {{x: number, y: number, count: number}} Gap units that are left out
 * @typedef {{plane: Plane, title: string, column: number, size: number, box: Box}} Map one plane of a column, whose cells are squares of this size
 * @typedef {{isPicture: boolean, isLoose?: boolean, isTight?: boolean, isMany: boolean, spots: Spot[], ways: Way[], heads: Head[], gaps: Gap[], maps: Map[]}} Field loose
 *   if not every weight's number has a place, tight if boxes are too narrow for their numbers
 */

const FULL = { width: 776, height: 632 } // the size for which the measures below were made
const PICTURE = { side: 64, least: 22, pitch: 116, pairs: [140, 184], left: 56, right: 56, top: 112, foot: 32, head: 86, lift: 46 }
const LOWEST = 420 // pixels of a field whose heads have room above them
const FEW = 5 // units in the highest column, with names below them and room for the card
const LEANS = { few: [1.09, 0.97, 0.94], many: [0.83, 1.17, 0.99] } // shares of the gaps: the first, between hidden layers, the last
const LOW = { top: 42, foot: 26, head: 20, lift: 0 } // within another page
const NARROW = { side: 44, pitch: 76, pairs: [110, 110], left: 38, right: 24, top: 40, foot: 6, head: 14 }
const NUMBERS = { half: 66, input: 64, error: 80, tall: 68, least: 44, apart: 40, edge: 16, right: 12, first: 198, pitch: 256, last: 454, names: 548, gap: 84, end: 48 }
const SLIM = { half: 58, input: 50, error: 58, tall: 60, least: 44, apart: 10, edge: 4, right: 6, first: 76, pitch: 180, last: 256, names: 322, gap: 50, end: 10 }
export const LABEL = { wide: 64, narrow: 50, height: 38 }
const PLACES = [0.5, 0.3, 0.7, 0.38, 0.62, 0.22, 0.78] // of a label along its line
const LEAST = 0.95 // share of its size to which a box with numbers shrinks
const BIAS = 84 // the width of a bias with its name
const LOOSE = { half: 72, input: 64, error: 80, tall: 62, shortest: 9, pitch: 150, cell: 40, largest: 16, apart: 14, title: 18, gap: 20, lines: 3, widest: 90, top: 116, foot: 44, edge: 10, head: 86, bias: 24, small: BIAS, letter: 6.6 }
const LOOSE_SLIM = { ...LOOSE, half: 58, input: 50, error: 58, tall: 56, pitch: 76, cell: 26, apart: 10, gap: 8, lines: 3, widest: 40, top: 52, foot: 10, edge: 4, head: 18, small: 74, letter: 0 }
export const ARCS = { apart: 18, step: 26 } // between attention's shares and their arcs, and from step to step
const SMALL_MAP = 9 // cells along a side: larger maps have smaller cells
const PAIR = 1.28 // times the usual distance: two units beside three, whose lines then leave room for six labels
export const CHIP = { width: 104, height: 62, asides: [0, -15, 15, -30, 30, -45, 45, -60, 60, -80, 80, -100, 100, -120, 120] } // of a factor that stands on the path

/** @param {Column[]} columns @param {Room} room @param {boolean} asNumbers @param {Set<number>} errors the lines of errors
 * @param {boolean} hasPictures whether units have any @returns {Field}
 */
export function fieldOf(columns, room, asNumbers, errors, hasPictures) {
  const numbers = asNumbers ? numbersIn(columns, room, errors) : null
  if (numbers || (hasPictures && !asNumbers)) return numbers ?? picturesIn(columns, room, errors)
  const boxes = boxesIn(columns, room, errors)
  return boxes.isTight && hasPictures ? picturesIn(columns, room, errors) : boxes
}

/** @param {Column} column @param {Set<number>} errors */
const isError = ({ units }, errors) => units.some(unit => unit && errors.has(unit.values[0]))

/** @param {number} k @param {number} last the column of outputs @returns {"input" | "hidden" | "output"} */
const kindOf = (k, last) => (k === 0 ? "input" : k < last ? "hidden" : "output")

/** Columns of pictures, from the inputs to the outputs.
 * @param {Column[]} all @param {Room} room @param {Set<number>} errors @returns {Field}
 */
function picturesIn(all, room, errors) {
  const rules = { ...PICTURE, ...(room.isNarrow ? NARROW : room.height < LOWEST ? LOW : {}) }
  const columns = all.filter(column => !isError(column, errors))
  const most = Math.max(...columns.map(({ units }) => units.length))
  const isMany = most > FEW || columns.length > 6
  const grown = room.isNarrow ? 1 : Math.max(1, Math.min(room.width / FULL.width, room.height / FULL.height))
  const height = room.height - rules.top - rules.foot
  const pitch = Math.min(rules.pitch * grown, height / most)
  const name = isMany ? 15 : 22
  const side = Math.round(Math.max(rules.least, Math.min(rules.side * grown, pitch - name, (room.width - rules.left - rules.right) / columns.length / 1.5)))
  const [left, right] = [isMany && !room.isNarrow ? 70 : rules.left * grown, room.width - rules.right * grown - (room.isNarrow ? 0 : isMany ? 12 : 6) - side]
  const shares = columns.slice(1).map((_, k, { length }) => (isMany ? LEANS.many : LEANS.few)[length < 3 ? 1 : k === 0 ? 0 : k === length - 1 ? 2 : 1])
  const total = shares.reduce((a, b) => a + b, 0) || 1
  const xs = columns.map((_, k) => left + (right - left) * shares.slice(0, k).reduce((a, b) => a + b, 0) / total)
  const middle = rules.top + (isMany ? (height - name + 4) / 2 : Math.min(207 * grown, (height - 20) / 2))
  const spots = columns.flatMap(({ units }, k) => {
    const own = units.length === 2 ? Math.min(rules.pairs[k ? 1 : 0] * grown, height / 2) : pitch
    const raised = k || isMany || room.isNarrow || units.length > 2 ? middle : middle - rules.lift // so that the card has room below
    return units.flatMap((unit, row) => {
      const y = raised + (row - (units.length - 1) / 2) * own
      return unit ? [/** @type {Spot} */ ({ unit, column: k, row, halves: [{ left: xs[k], top: y - side / 2, width: side, height: side }], small: null, kind: kindOf(k, columns.length - 1) })] : []
    })
  })
  const gaps = columns.flatMap(({ units, left_out: count }, k) => units.flatMap((unit, row) =>
    (unit ? [] : [{ x: xs[k] + side / 2, y: middle + (row - (units.length - 1) / 2) * pitch, count }])))
  const step = columns.length > 1 ? Math.min(...xs.slice(1).map((x, k) => x - xs[k])) : room.width
  const heads = columns.map((_, k) => ({ x: xs[k] + side / 2, y: isMany && !room.isNarrow ? rules.head - 10 : rules.head, column: k, wide: step }))
  return { isPicture: true, isMany, spots, gaps, heads, ways: waysBetween(columns, spots), maps: [] }
}

/** Columns of boxes with numbers, up to the error; null if they don't fit.
 * @param {Column[]} columns @param {Room} room @param {Set<number>} errors @returns {Field | null}
 */
function numbersIn(columns, room, errors) {
  const rules = room.isNarrow ? SLIM : NUMBERS
  const isStacked = room.isNarrow // a unit's sum above its activation
  const first = columns.findIndex(column => isError(column, errors))
  const [inner, ends] = [columns.slice(0, first), columns.slice(first)]
  const isPlain = ends.length <= 2 && columns.every(({ units, maps, left_out: missing }) => !missing && !maps.length
    && units.every(unit => unit && unit.values.length <= 2 && unit.from.every(([, , back = 1]) => back === 1)))
  if (!isPlain) return null
  const most = Math.max(...inner.map(({ units }) => units.length), ends[0].units.length)
  const grown = room.isNarrow ? 1 : room.height / FULL.height
  const pitch = most > 1 ? Math.min(rules.pitch, (rules.last + (most > 2 ? 40 : 0) - rules.first) / (most - 1)) * grown : 0
  const tall = Math.min(isStacked && most > 3 ? 48 : rules.tall, pitch ? pitch - 26 : rules.tall)
  if (tall < rules.least) return null
  const wide = (/** @type {Column} */ { units }, /** @type {number} */ k) => {
    const count = isStacked ? 1 : Math.max(...units.map(unit => unit?.values.length ?? 1))
    return k === 0 ? rules.input : count * rules.half + (k === inner.length - 1 ? (count - 1) * rules.apart : 0)
  }
  const widths = [...inner.map(wide), rules.error]
  const spare = room.width - rules.edge - rules.right - widths.reduce((a, b) => a + b, 0)
  const gap = (spare - Math.max(rules.end, Math.min(56, spare / 5.3))) / (inner.length - 1)
  if (gap < rules.gap) return null
  const middle = most > 1 ? rules.first * grown + pitch * (most - 1) / 2 : room.height / 2
  let x = rules.edge
  const lefts = widths.map((width, k) => {
    const left = x
    x += width + (k < inner.length - 1 ? gap : k === inner.length - 1 ? room.width - rules.right - rules.error - (x + width) : 0)
    return left
  })
  const place = (/** @type {number} */ count, /** @type {number} */ row) => middle + (row - (count - 1) / 2) * pitch * (count === 2 && most === 3 ? PAIR : 1)
  const spots = /** @type {Spot[]} */ ([])
  inner.forEach(({ units }, k) => units.forEach((unit, row) => {
    if (!unit) return
    const [y, kind] = [place(units.length, row), kindOf(k, inner.length - 1)]
    const apart = kind === "output" ? rules.apart : 0
    const high = isStacked && unit.values.length > 1 ? tall / 2 + 8 : tall
    const halves = unit.values.map((_, j) => (isStacked && k ? { left: lefts[k], top: y - high * unit.values.length / 2 + j * high, width: rules.half, height: high }
      : { left: lefts[k] + j * (rules.half + apart), top: y - tall / 2, width: k ? rules.half : rules.input, height: tall }))
    const bias = unit.above === null ? null : { left: isStacked ? lefts[k] - 6 : kind === "output" ? lefts[k] + rules.half - BIAS : lefts[k] + (widths[k] - BIAS) / 2, top: y + (isStacked ? high * unit.values.length / 2 : tall / 2) + 3, width: isStacked ? 70 : BIAS, height: 20 }
    spots.push({ unit, column: k, row, halves, small: bias, kind })
  }))
  const left = lefts[inner.length]
  const [own, whole] = ends.length > 1 ? ends : [null, ends[0]]
  own?.units.forEach((unit, row) => {
    if (!unit) return
    const y = place(own.units.length, row)
    const isLast = row === own.units.length - 1 && row > 0
    const to = y + (isLast ? -1 : 1) * (pitch >= 180 || !pitch ? 64 : tall / 2 + 17)
    const small = unit.above === null || isStacked ? null : { left: left - 76, top: to - 14, width: 76, height: 28 }
    spots.push({ unit, column: first, row, halves: [{ left, top: y - tall / 2, width: rules.error, height: tall }], small, kind: "error" })
  })
  const count = own?.units.length ?? 0
  const at = !own ? middle : count % 2 ? Math.min(place(count, count - 1) + Math.max(pitch, 128), rules.last * grown + 30) : middle
  whole.units.forEach(unit => unit && spots.push({ unit, column: columns.length - 1, row: 0, halves: [{ left, top: at - tall / 2, width: rules.error, height: tall }], small: null, kind: "loss" }))
  const last = Math.max(...spots.flatMap(({ halves: [box], small, kind }) => [box.top + box.height, ...(small && kind !== "error" ? [small.top + small.height - 6] : [])]))
  const heads = [...inner.map((_, k) => ({ x: lefts[k] + widths[k] / 2, y: Math.max(rules.names * grown, last + 30), column: k, wide: Math.min(gap + 60, 180) }))]
  const ways = waysBetween(inner, spots)
  const boxes = spots.flatMap(({ halves, small }) => [...halves, ...(small ? [small] : [])])
  if (boxes.some((box, k) => boxes.some((other, j) => j < k && overlap(box, other)))) return null
  if (!hasRoom(ways, spots, room.isNarrow ? LABEL.narrow : LABEL.wide)) return null
  return { isPicture: false, isMany: false, spots, gaps: [], heads: [...heads, { x: left + rules.error / 2, y: heads[0].y, column: first, wide: 90, isLoss: true }], ways, maps: [] }
}

/** Columns of boxes and of maps side by side, each as large as it fits.
 * @param {Column[]} all @param {Room} room @param {Set<number>} errors @returns {Field}
 */
function boxesIn(all, room, errors) {
  const columns = all.map(packed)
  const rules = room.isNarrow ? LOOSE_SLIM : LOOSE
  const [height, space] = [room.height - rules.top - rules.foot, room.width - 2 * rules.edge]
  const middle = rules.top + height / 2
  const kinds = columns.map((column, k) => (k === 0 ? "input" : !isError(column, errors) ? "hidden" : k === columns.length - 1 ? "loss" : "error"))
  const last = kinds.lastIndexOf("hidden")
  const lengths = columns.map(({ units }) => Math.max(1, ...units.map(unit => unit?.values.length ?? 1)))
  const cells = columns.map(column => cellIn(column, height, { ...rules, cell: rules.cell * Math.max(1, room.height / FULL.height) }))
  const hasAbove = columns.map(({ units }) => units.some(unit => unit && unit.above !== null))
  const widthsAt = (/** @type {number} */ share, /** @type {number} */ least) => columns.map((column, k) => (column.maps.length ? mapsWidth(column, cells[k] * share, rules)
    : Math.max(share, least) * Math.max(k === 0 ? rules.input : k > last ? rules.error : rules.half * counts[k], hasAbove[k] && least === LEAST ? rules.small : 0)))
  const sum = (/** @type {number[]} */ all) => all.reduce((a, b) => a + b, 0)
  let share = 1
  const shares = columns.map((_, k) => (k === columns.length - 1 ? 0 : columns[k + 1].units.some(unit => unit?.from.some(([, weight]) => weight !== null)) ? rules.lines : 1)) // of the gaps
  let counts = lengths
  let least = LEAST
  const isTooWide = () => sum(widthsAt(share, least)) + rules.gap * sum(shares) > space
  const shrink = () => {
    for (share = 1; share > 0.2 && isTooWide();) share -= 0.04
  }
  shrink()
  if (isTooWide()) { // then only the last value of each unit is drawn, and that as small as need be
    counts = lengths.map(() => 1)
    shrink()
    while (least > 0.2 && isTooWide()) least -= 0.05
  }
  const widths = widthsAt(share, least)
  const gap = Math.max(rules.gap, Math.min(rules.widest, (space - sum(widths)) / Math.max(1, sum(shares))))
  let x = Math.max(rules.edge, (room.width - sum(widths) - gap * sum(shares)) / 2)
  const lefts = widths.map((width, k) => (x += width + gap * shares[k]) - width - gap * shares[k])
  const spots = /** @type {Spot[]} */ ([])
  const gaps = /** @type {Gap[]} */ ([])
  columns.forEach(({ units, left_out: count }, k) => {
    const isAbove = hasAbove[k] && least === LEAST
    const pitch = Math.min(rules.pitch, height / units.length)
    const tall = Math.max(rules.shortest, Math.min(rules.tall, pitch - (isAbove ? rules.bias : 0) - 8))
    units.forEach((unit, row) => {
      const y = middle + (row - (units.length - 1) / 2) * pitch - (isAbove && tall > 20 ? rules.bias / 2 : 0)
      if (!unit) return gaps.push({ x: lefts[k] + widths[k] / 2, y: y + 4, count })
      const values = unit.values.slice(-counts[k])
      const width = Math.min(widths[k] / values.length, k > last ? rules.error : rules.half)
      const left = lefts[k] + (widths[k] - width * values.length) / 2
      const small = unit.above === null || tall <= 20 || !isAbove ? null : { left: left + (width * values.length - rules.small) / 2, top: y + tall / 2 + 3, width: rules.small, height: rules.bias - 4 }
      spots.push({ unit, column: k, row, halves: values.map((_, j) => ({ left: left + j * width, top: y - tall / 2, width, height: tall })), small, kind: /** @type {Spot["kind"]} */ (k === last ? "output" : kinds[k]) })
    })
  })
  const maps = columns.flatMap((column, k) => planesIn(column, k, lefts[k], middle, cells[k] * share, rules))
  const middles = lefts.map((left, k) => left + widths[k] / 2)
  const heads = middles.slice(0, last + 2).map((at, k) => ({ x: Math.min(at, room.width - 50), y: rules.head, column: k, isLoss: k > last, wide: Math.min(...[middles[k - 1], middles[k + 1]].flatMap(it => (it === undefined ? [] : [Math.abs(it - at)]))) }))
  const ways = waysBetween(columns, spots)
  const taken = maps.map(({ box }) => box)
  const arePlaced = columns.map((_, k) => hasRoom(ways.filter(({ column, isSkip }) => column === k && !isSkip), spots, room.isNarrow ? LABEL.narrow : LABEL.wide, taken))
  return { isPicture: false, isLoose: arePlaced.includes(false), isTight: least < LEAST, isMany: ways.length > 60, spots, gaps, heads, ways, maps }
}

/** A column whose rows of titled planes stand side by side where they are no wider than its widest row.
 * @param {Column} column @returns {Column}
 */
function packed(column) {
  const { maps, titles } = column
  if (!titles) return column
  const wide = (/** @type {Plane[]} */ planes, /** @type {string[]} */ own) => planes.reduce((sum, plane, k) => sum + across(plane, 26, own[k], LOOSE.letter) + LOOSE.apart, 0)
  const widest = Math.max(...maps.map((planes, k) => wide(planes, titles[k])))
  const rows = /** @type {{maps: Plane[], titles: string[]}[]} */ ([])
  maps.forEach((planes, k) => {
    const last = rows[rows.length - 1]
    if (last && wide(last.maps, last.titles) + wide(planes, titles[k]) <= widest) rows[rows.length - 1] = { maps: [...last.maps, ...planes], titles: [...last.titles, ...titles[k]] }
    else rows.push({ maps: planes, titles: titles[k] })
  })
  return { ...column, maps: rows.map(it => it.maps), titles: rows.map(it => it.titles) }
}

/** How large a column's cells can be.
 * @param {Column} column @param {number} height @param {typeof LOOSE} rules
 */
function cellIn({ maps, titles }, height, { cell, largest, apart, title }) {
  const rows = maps.map(planes => Math.max(...planes.map(plane => plane.length)))
  const side = Math.max(0, ...maps.flat().map(plane => Math.max(plane.length, plane[0].length)))
  const between = apart * (maps.length - 1) + (titles ? title * maps.length : 0)
  return Math.min(side > SMALL_MAP ? largest : cell, (height - between) / Math.max(1, rows.reduce((a, b) => a + b, 0)))
}

/** Whether a plane contains attention's shares, which are drawn as arcs, too.
 * @param {string} [title]
 */
export const isShares = title => Boolean(title?.startsWith("a_share"))

/** The room that a plane takes, with its title and its arcs.
 * @param {Plane} plane @param {number} size @param {string} title @param {number} letter the width of one of its letters
 */
const across = (plane, size, title, letter) => Math.max(letter * title.length, plane[0].length * size + (isShares(title) ? ARCS.apart + plane.length * Math.max(ARCS.step, size) : 0))

/** How wide a column of maps is, a sum's planes beside its activation's.
 * @param {Column} column @param {number} size @param {typeof LOOSE} rules
 */
function mapsWidth({ maps, titles }, size, { apart, letter }) {
  return Math.max(...maps.map((planes, channel) => planes.reduce((sum, plane, k) => sum + across(plane, size, titles?.[channel][k] ?? "", letter) + apart, -apart)))
}

/** The planes of a column, its channels below each other.
 * @param {Column} column @param {number} k @param {number} left @param {number} middle @param {number} size @param {typeof LOOSE} rules @returns {Map[]}
 */
function planesIn({ maps, titles }, k, left, middle, size, { apart, letter, title: above }) {
  const highs = maps.map(planes => size * Math.max(...planes.map(plane => plane.length)) + (titles ? above : 0))
  let y = middle - (highs.reduce((a, b) => a + b, 0) + apart * (maps.length - 1)) / 2
  return maps.flatMap((planes, channel) => {
    const top = y + (titles ? above : 0)
    y += highs[channel] + apart
    let x = left
    return planes.map((plane, j) => {
      const title = titles?.[channel][j] ?? ""
      const box = { left: x, top, width: plane[0].length * size, height: plane.length * size }
      x += across(plane, size, title, letter) + apart
      return { plane, title, column: k, size, box }
    })
  })
}

/** The lines between units, from the columns that read to those that are read.
 * @param {Column[]} columns @param {Spot[]} spots @returns {Way[]}
 */
function waysBetween(columns, spots) {
  const of = new Map(spots.map(spot => [spot.unit, spot]))
  return columns.flatMap((column, k) => column.units.flatMap(unit => (unit?.from ?? []).flatMap(([row, weight, back = 1]) => {
    const source = columns[k - back]?.units[row]
    const [from, to] = [source && of.get(source), unit && of.get(unit)]
    if (!source || !unit || !from || !to) return []
    const [out, into] = [from.halves[from.halves.length - 1], to.halves[0]]
    const y = (/** @type {Spot} */ { halves }) => (halves[0].top + halves[halves.length - 1].top + halves[halves.length - 1].height) / 2
    return [{ from: { x: out.left + out.width, y: y(from) }, to: { x: into.left, y: y(to) }, weight, ends: /** @type {[Unit, Unit]} */ ([source, unit]), label: null, isSkip: back > 1, column: k }]
  })))
}

/** Give each weight's number a place on its line: in the middle of straight lines, at 30 % of crossing
* ones, elsewhere if it would cover another. Returns whether all of them have room; if not, none gets one.
 * @param {Way[]} ways @param {Spot[]} spots @param {number} width of a label @param {Box[]} [others] to be left free
 */
function hasRoom(ways, spots, width, others = []) {
  const taken = [...others, ...boxesOf(spots)]
  const straightFirst = ways.filter(way => way.weight !== null).sort((a, b) => Math.abs(a.to.y - a.from.y) - Math.abs(b.to.y - b.from.y))
  const isPlaced = straightFirst.every(way => placeLabel(way, width, taken))
  if (!isPlaced) for (const way of straightFirst) way.label = null
  return isPlaced
}

/** @param {Spot[]} spots */
const boxesOf = spots => spots.flatMap(({ halves, small }) => [...halves, ...(small ? [small] : [])])

/** @param {Way} way @param {number} width @param {Box[]} taken */
function placeLabel(way, width, taken) {
  const isStraight = Math.abs(way.to.y - way.from.y) < 2
  const places = isStraight ? PLACES : [...PLACES.slice(1), PLACES[0]]
  const boxes = places.map(part => along(way, part)).map(({ x, y }) => ({ left: x - width / 2, top: y - LABEL.height / 2, width, height: LABEL.height }))
  way.label = boxes.find(box => !taken.some(other => overlap(box, other))) ?? null
  if (way.label) taken.push(way.label)
  return way.label !== null
}

/** Give as many weights' numbers a place as have room, the first ones first, where not all of a column have one.
 * @param {Field} field @param {Way[]} loose all without a place of their own @param {Way[]} some of them @param {boolean} isNarrow
 */
export function labelSome({ spots, ways, maps }, loose, some, isNarrow) {
  for (const way of loose) way.label = null
  const taken = [...boxesOf(spots), ...maps.map(({ box }) => box), ...ways.flatMap(({ label }) => label ?? [])]
  for (const way of some) placeLabel(way, isNarrow ? LABEL.narrow : LABEL.wide, taken)
}

/** @param {Way} way @param {number} part */
export const along = ({ from, to }, part) => ({ x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part })

/** @param {Box} a @param {Box} b @param {number} [apart] */
export const overlap = (a, b, apart = 0) =>
  a.left < b.left + b.width + apart && b.left < a.left + a.width + apart && a.top < b.top + b.height + apart && b.top < a.top + a.height + apart

/** A line as a path: a curve between pictures, straight between numbers.
 * @param {Way} way @param {boolean} isCurve
 */
export function pathOfWay({ from, to, isSkip }, isCurve) {
  const middle = (to.x - from.x) / 2
  const lift = isSkip ? -Math.min(90, middle / 2) : 0
  return isCurve || isSkip ? `M${from.x} ${from.y}C${from.x + middle} ${from.y + lift} ${to.x - middle} ${to.y + lift} ${to.x} ${to.y}` : `M${from.x} ${from.y}L${to.x} ${to.y}`
}

/** Where the card stands: below the inputs or below the outputs, over nothing that it speaks of.
 * @param {Field} field @param {Room} room @param {{width: number, height: number}} card @param {Box[]} spoken @returns {Box}
 */
export function cardIn({ spots, maps }, room, card, spoken) {
  const [low, high] = [room.height - card.height - 46, 108]
  const right = room.width - card.width - 20
  const places = [[20, low], [right, low], [20, high], [right, high], [(room.width - card.width) / 2, low]].map(([left, top]) => ({ left, top, ...card }))
  const boxes = [...spots.flatMap(({ halves }) => halves), ...maps.map(({ box }) => box)]
  const cost = (/** @type {Box} */ place) => boxes.filter(it => overlap(place, { ...it, height: it.height + 20 })).length + 10 * spoken.filter(it => overlap(place, it, 4)).length
  return places.reduce((best, place) => (cost(place) < cost(best) ? place : best))
}
