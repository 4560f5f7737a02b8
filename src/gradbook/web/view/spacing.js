// The positions of units and of the labels of their weights: the rules of every drawing, which
// targets/drawing/spacing.py explains. A test compares the two.

const LEFT_OUT = 0.7 // the share of a full unit that is reserved for those left out

/**
 * @typedef {{
 *   pitch: number, apart: number, stub: number, steep: number, slant: number, slope: number, widest: number, captions: number,
 * }} Rules
 * @typedef {{
 *   along: number, before: number, after: number, cells: boolean[], follows: boolean, fan: number,
 *   label: number[], gap: number, caption: number,
 * }} Size of a column: along the way from inputs to error, and across it from unit to unit
 * @typedef {{left: number, across: number[], ports: number[], labels: number, lines: number}} Placed
 */

/** The position of every column. Lines grow into the room that is left; if the drawing is wider than
* `most`, they become up to half as long.
 * @param {Size[]} columns @param {Rules} rules @param {number} [room] @param {number} [most]
 * @returns {Placed[]}
 */
export function spaced(columns, rules, room = 0, most = Infinity) {
  const pitches = pitchesOf(columns, rules)
  const across = columns.map(({ cells }, k) => middles(cells, pitches[k]))
  const ports = columns.map(({ fan, label }) => Array.from({ length: fan }, (_, k) => (k - (fan - 1) / 2) * label[1]))
  const stubs = columns.map(column => stub(column, rules))
  const slants = columns.slice(1).map((goal, k) =>
    slant(columns[k], goal, rules, climb([columns[k], goal], [across[k], across[k + 1]], ports[k])))
  const named = slants.flatMap((_, k) => (columns[k].fan ? [k] : []))
  const total = sum(columns.map(column => column.along)) + sum(stubs.slice(0, -1)) + sum(slants)
  const spare = (Math.max(room - total, 0) + Math.min(most - total, 0)) / Math.max(named.length, 1)
  for (const k of named) {
    const least = Math.min(slants[k], Math.max(rules.slant, slants[k] / 2))
    slants[k] = Math.max(least, Math.min(slants[k] + spare, Math.max(rules.widest, slants[k])))
  }
  let next = 0
  return columns.map((column, k) => {
    const left = next
    const lines = left + column.along + stubs[k]
    next = lines + (slants[k] ?? 0)
    return { left, across: across[k], ports: ports[k], labels: lines - column.label[0], lines }
  })
}

/** The distance between units: the same in all columns, except those whose labels need more, and those
* whose units follow from such.
 * @param {Size[]} columns @param {Rules} rules
 */
function pitchesOf(columns, rules) {
  const base = Math.max(rules.pitch, ...columns.map(({ before, after }) => before + after + rules.apart))
  const found = columns.map(({ fan, label }) => Math.max(base, fan * label[1] + rules.apart))
  for (let begin = 0, end = 1; end <= columns.length; end++) {
    if (columns[end]?.follows) continue
    found.fill(Math.max(...found.slice(begin, end)), begin, end)
    begin = end
  }
  return found
}

/** @param {boolean[]} cells @param {number} pitch */
function middles(cells, pitch) {
  const rooms = cells.map(cell => (cell ? pitch : LEFT_OUT * pitch))
  const steps = rooms.slice(1).map((one, k) => (rooms[k] + one) / 2)
  let at = -sum(steps) / 2
  return cells.map((_, k) => (k ? (at += steps[k - 1]) : at))
}

/** How far the steepest line climbs, from its label to its unit.
 * @param {Size[]} pair @param {number[][]} across @param {number[]} ports
 */
function climb(pair, across, ports) {
  const [starts, goals] = pair.map(({ cells }, k) => across[k].filter((_, j) => cells[j]))
  return Math.max(0, ...starts.flatMap(start => ports.map((port, j) => Math.abs(start + port - goals[j]))))
}

/** The length from a column to the end of its labels.
 * @param {Size} column @param {Rules} rules
 */
function stub({ fan, label }, rules) {
  return fan ? Math.max(rules.stub, rules.steep * fan * label[1] / 2) + label[0] : 0
}

/** The length from the labels to the next column, so that the words below stay apart.
 * @param {Size} column @param {Size} goal @param {Rules} rules @param {number} most
 */
function slant(column, goal, rules, most) {
  const wanted = column.fan ? Math.max(rules.slant, Math.min(rules.slope * most, rules.widest)) : column.gap
  const words = column.caption ? (column.caption + goal.caption) / 2 + rules.captions : 0
  return Math.max(wanted, words - (column.along + goal.along) / 2 - stub(column, rules))
}

/** The width that words below each column may have: both share the space between two columns.
 * @param {number[]} middles @param {number[]} longest of their words @param {number} apart @param {number} widest
 */
export function captionWidths(middles, longest, apart, widest) {
  const free = middles.slice(1).map((middle, k) => middle - middles[k] - apart - (longest[k] + longest[k + 1]) / 2)
  return longest.map((own, k) => Math.max(own, Math.min(widest, own + Math.min(free[k - 1] ?? Infinity, free[k] ?? Infinity))))
}

/** A phrase in lines of at most this width, unless a single word is wider.
 * @param {string} phrase @param {number} most @param {(words: string) => number} wide
 */
export function wrapped(phrase, most, wide) {
  const lines = /** @type {string[]} */ ([])
  for (const word of phrase.split(" ")) {
    const last = lines[lines.length - 1]
    if (lines.length && wide(`${last} ${word}`) <= most) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** @param {number[]} numbers */
const sum = numbers => numbers.reduce((a, b) => a + b, 0)
