// How a window goes over rows and columns, as in `gradbook/graph/window.py`.

/**
 * @typedef {{size: number[], stride: number[], pad: number[], dilation: number[]}} Window
 * the first of two numbers is for rows; the first two of four pads come before the input
 */

/** Whether a shape is a sequence: steps x features, or features x 1 x steps.
 * @param {number[]} shape
 */
export const isSequence = ({ length, 1: rows, 2: steps }) => length === 2 || (length === 3 && rows === 1 && steps > 1)

/** The span from the first to the last that it reads, along rows (0) or columns (1).
 * @param {Pick<Window, "size" | "dilation">} window @param {number} axis
 */
export const reach = ({ size, dilation }, axis) => (size[axis] - 1) * dilation[axis] + 1

/** How many places it has down and across.
 * @param {Window} window @param {number[]} area @returns {number[]}
 */
export function places(window, area) {
  const { stride, pad } = window
  return area.map((length, axis) => Math.floor((length + pad[axis] + pad[axis + 2] - reach(window, axis)) / stride[axis]) + 1)
}

/** The window's rows, or columns, that lie in the input, each with its position there.
 * @param {Window} window @param {number} axis @param {number} place @param {number} length
 * @param {number[]} [counted] of the padding before and after @returns {[own: number, at: number][]}
 */
export function insideAlong({ size, stride, pad, dilation }, axis, place, length, counted = [0, 0]) {
  const [first, gap] = [place * stride[axis] - pad[axis], dilation[axis]]
  const begin = Math.max(0, Math.ceil((-counted[0] - first) / gap))
  const end = Math.min(size[axis] - 1, Math.floor((length - 1 + counted[1] - first) / gap))
  return Array.from({ length: Math.max(0, end - begin + 1) }, (_, k) => [begin + k, first + (begin + k) * gap])
}

/** The window's places that lie in the input, each with its position there.
 * @param {Window} window @param {number[]} place @param {number[]} area @returns {{own: number[], at: number[]}[]}
 */
export function inside(window, place, area) {
  const [down, across] = area.map((length, axis) => insideAlong(window, axis, place[axis], length))
  return down.flatMap(([i, row]) => across.map(([j, column]) => ({ own: [i, j], at: [row, column] })))
}

const MOST_CHECKED = 100_000 // places at an edge

/** Whether it reads only padding at some place.
 * @param {Window} window @param {number[]} area
 */
export function readsNothing(window, area) {
  const most = places(window, area)
  return area.some((length, axis) => {
    if (window.dilation[axis] <= length) return false
    const begun = Math.min(most[axis], window.pad[axis], MOST_CHECKED)
    return Array.from({ length: begun }, (_, k) => insideAlong(window, axis, k, length)).some(found => !found.length)
  })
}

/** The padding that gives it a place for each step that begins in the input.
 * @param {Omit<Window, "pad">} window @param {number[]} area
 */
export function samePad(window, area) {
  const missing = area.map((length, axis) =>
    Math.max((Math.ceil(length / window.stride[axis]) - 1) * window.stride[axis] + reach(window, axis) - length, 0))
  const before = missing.map(it => Math.floor(it / 2))
  return [...before, ...missing.map((it, axis) => it - before[axis])]
}

/** The padding of a window that may also end beyond the padding after the input.
 * @param {Window} window @param {number[]} area
 */
export function overhang(window, area) {
  const ends = area.map((length, axis) => {
    const [before, after, step, span] = [window.pad[axis], window.pad[axis + 2], window.stride[axis], reach(window, axis)]
    const most = Math.ceil((length + before + after - span) / step) + 1
    const count = (most - 1) * step >= length + before ? most - 1 : most
    return Math.max(after, (count - 1) * step + span - length - before)
  })
  return [...window.pad.slice(0, 2), ...ends]
}

// How the text form writes it.

/** @param {number[]} pair */
export const short = pair => (pair[0] === pair[1] ? String(pair[0]) : pair.join("x"))

/** @param {number[] | "same"} pad */
export function padWords(pad) {
  if (pad === "same") return pad
  return pad[0] !== pad[2] || pad[1] !== pad[3] ? pad.join("x") : short(pad.slice(0, 2))
}

/** Its size, and its dilation if it has any.
 * @param {Pick<Window, "size" | "dilation">} window
 */
export function windowWords({ size, dilation }) {
  return size.join("x") + (dilation.every(it => it === 1) ? "" : ` with dilation ${short(dilation)}`)
}
