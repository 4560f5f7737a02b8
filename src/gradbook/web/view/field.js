// Where units, lines and labels stand in the field, if every layer is a column of units: as pictures,
// or with their numbers. A drawing that has maps is laid out by layout.js.

/**
 * @typedef {import("./layout.js").Column} Column
 * @typedef {import("./layout.js").Unit} Unit
 * @typedef {import("./layout.js").Box} Box
 * @typedef {{width: number, height: number, isNarrow: boolean}} Room
 * @typedef {{x: number, y: number}} Point
 * @typedef {{unit: Unit, column: number, row: number, halves: Box[], small: Box | null, kind: "input" | "hidden" | "output" | "error" | "loss"}} Spot
 * @typedef {{from: Point, to: Point, weight: number | null, ends: [Unit, Unit], label: Box | null, isSkip: boolean, column: number}} Way
 * @typedef {{x: number, y: number, column: number, wide: number}} Head above a column, or below it
 * @typedef {{x: number, y: number, count: number}} Gap units that are left out
 * @typedef {{isPicture: boolean, side: number, isMany: boolean, spots: Spot[], ways: Way[], heads: Head[], gaps: Gap[], top: number, foot: number}} Field
 */

const FULL = { width: 776, height: 632 } // the size for which the measures below were made
const PICTURE = { side: 64, least: 22, pitch: 116, pairs: [140, 184], left: 56, right: 56, top: 112, foot: 32, head: 86, lift: 46 }
const FEW = 5 // units in the highest column, with names below them and room for the card
const LEANS = { few: [1.09, 0.97, 0.94], many: [0.83, 1.17, 0.99] } // shares of the gaps: the first, between hidden layers, the last
const NARROW = { side: 44, pitch: 76, pairs: [110, 110], left: 38, right: 24, top: 40, foot: 6, head: 14 }
const NUMBERS = { half: 66, input: 64, error: 80, tall: 68, least: 44, apart: 40, edge: 16, right: 12, first: 198, pitch: 256, last: 454, names: 548, gap: 84, end: 48 }
const SLIM = { half: 58, input: 50, error: 58, tall: 60, least: 44, apart: 10, edge: 4, right: 6, first: 76, pitch: 180, last: 256, names: 322, gap: 50, end: 10 }
const LABEL = { wide: 58, narrow: 50, height: 38 }
const PLACES = [0.5, 0.3, 0.7, 0.38, 0.62, 0.22, 0.78] // of a label along its line
export const CHIP = { width: 104, height: 62, above: 50 } // of a factor that stands on the path

/** Whether all layers are columns of units.
 * @param {Column[]} columns
 */
export const areUnits = columns => columns.every(({ maps, units }) => !maps.length && units.length)

/** Whether units are sums and activations alone, each of which reads the column before: what has more is
 * written out by the other drawing.
 * @param {Column[]} columns @param {Set<number>} errors
 */
export const areSimple = (columns, errors) => columns.filter(column => isError(column, errors)).length <= 2
  && columns.every(({ units, left_out: missing }) => !missing && units.every(unit => !unit || (unit.values.length <= 2 && unit.from.every(([, , back = 1]) => back === 1))))

/** @param {Column[]} columns @param {Room} room @param {boolean} asNumbers @param {Set<number>} errors the lines of errors @returns {Field} */
export function fieldOf(columns, room, asNumbers, errors) {
  return (asNumbers && numbersIn(columns, room, errors)) || picturesIn(columns, room, errors)
}

/** @param {Column} column @param {Set<number>} errors */
const isError = ({ units }, errors) => units.some(unit => unit && errors.has(unit.values[0]))

/** @param {number} k @param {number} last the column of outputs @returns {"input" | "hidden" | "output"} */
const kindOf = (k, last) => (k === 0 ? "input" : k < last ? "hidden" : "output")

/** Columns of pictures, from the inputs to the outputs.
 * @param {Column[]} all @param {Room} room @param {Set<number>} errors @returns {Field}
 */
function picturesIn(all, room, errors) {
  const rules = room.isNarrow ? { ...PICTURE, ...NARROW } : PICTURE
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
  return { isPicture: true, side, isMany, spots, gaps, heads, ways: waysBetween(columns, spots), top: rules.top, foot: room.height - rules.foot }
}

/** Columns of boxes with numbers, up to the error; null if they don't fit.
 * @param {Column[]} columns @param {Room} room @param {Set<number>} errors @returns {Field | null}
 */
function numbersIn(columns, room, errors) {
  const rules = room.isNarrow ? SLIM : NUMBERS
  const isStacked = room.isNarrow // a unit's sum above its activation
  const first = columns.findIndex(column => isError(column, errors))
  const [inner, ends] = [columns.slice(0, first), columns.slice(first)]
  const most = Math.max(...inner.map(({ units }) => units.length), ends[0].units.length)
  if (!areSimple(columns, errors)) return null
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
  const place = (/** @type {number} */ count, /** @type {number} */ row) => middle + (row - (count - 1) / 2) * (count === 2 && most === 2 ? pitch : pitch || 0)
  const spots = /** @type {Spot[]} */ ([])
  inner.forEach(({ units }, k) => units.forEach((unit, row) => {
    if (!unit) return
    const [y, kind] = [place(units.length, row), kindOf(k, inner.length - 1)]
    const apart = kind === "output" ? rules.apart : 0
    const high = isStacked && unit.values.length > 1 ? tall / 2 + 8 : tall
    const halves = unit.values.map((_, j) => (isStacked && k ? { left: lefts[k], top: y - high * unit.values.length / 2 + j * high, width: rules.half, height: high }
      : { left: lefts[k] + j * (rules.half + apart), top: y - tall / 2, width: k ? rules.half : rules.input, height: tall }))
    const bias = unit.above === null ? null : { left: lefts[k], top: y + (isStacked ? high * unit.values.length / 2 : tall / 2) + 3, width: rules.half, height: 20 }
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
  const last = Math.max(...spots.map(({ halves }) => halves[0].top + halves[0].height))
  const heads = [...inner.map((_, k) => ({ x: lefts[k] + widths[k] / 2, y: Math.max(rules.names * grown, last + 30), column: k, wide: Math.min(gap + 60, 180) }))]
  const field = { isPicture: false, side: tall, isMany: false, spots, gaps: [], heads: [...heads, { x: left + rules.error / 2, y: heads[0].y, column: first, wide: 90 }],
    ways: waysBetween(inner, spots), top: Math.min(...spots.map(({ halves }) => halves[0].top)), foot: last }
  return hasRoom(field, spots, room.isNarrow ? LABEL.narrow : LABEL.wide) ? field : null
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
* ones, elsewhere if it would cover another. Returns whether all of them have room.
 * @param {Field} field @param {Spot[]} spots @param {number} width of a label
 */
function hasRoom({ ways }, spots, width) {
  const taken = spots.flatMap(({ halves, small }) => [...halves, ...(small ? [small] : [])])
  const straightFirst = ways.filter(way => way.weight !== null).sort((a, b) => Math.abs(a.to.y - a.from.y) - Math.abs(b.to.y - b.from.y))
  return straightFirst.every(way => {
    const isStraight = Math.abs(way.to.y - way.from.y) < 2
    const places = isStraight ? PLACES : [...PLACES.slice(1), PLACES[0]]
    for (const part of places) {
      const { x, y } = along(way, part)
      const box = { left: x - width / 2, top: y - LABEL.height / 2, width, height: LABEL.height }
      if (taken.some(other => overlap(box, other))) continue
      way.label = box
      taken.push(box)
      return true
    }
    return false
  })
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
export function cardIn({ spots }, room, card, spoken) {
  const [low, high] = [room.height - card.height - 46, 108]
  const right = room.width - card.width - 20
  const places = [[20, low], [right, low], [20, high], [right, high], [(room.width - card.width) / 2, low]].map(([left, top]) => ({ left, top, ...card }))
  const boxes = spots.flatMap(({ halves }) => halves)
  const cost = (/** @type {Box} */ place) => boxes.filter(it => overlap(place, { ...it, height: it.height + 20 })).length + 10 * spoken.filter(it => overlap(place, it, 4)).length
  return places.reduce((best, place) => (cost(place) < cost(best) ? place : best))
}
