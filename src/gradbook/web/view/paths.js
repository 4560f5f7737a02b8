// Which values go into which, and how that is shown between cells of maps.

/** @typedef {import("./layout.js").Cell} Cell */

/** What multiplies the values that dropout leaves.
 * @param {{masks: import("../machine/masks.js").MaskTable[]}} content
 */
export const masks = content =>
  new Map(content.masks.flatMap(({ lines, kept }) => lines.flatMap((line, k) => kept[k].map(value => /** @type {[number, number]} */ ([value, line])))))

/** Which values each value feeds.
 * @param {[number, number, string][]} partials
 */
export function feeds(partials) {
  const found = new Map()
  for (const [of, to] of partials) found.set(to, [...(found.get(to) ?? []), of])
  return found
}

/** All values on the way from one to the error.
 * @param {number} from @param {Map<number, number[]>} feeds
 */
export function reached(from, feeds) {
  const found = new Set([from])
  for (const value of found) for (const fed of feeds.get(value) ?? []) found.add(fed)
  return found
}

/** The lines that a formula mentions.
 * @param {string} template
 */
export const mentioned = template => [...template.matchAll(/⟦(\d+)⟧/g)].map(found => Number(found[1]))

/** Two lines from the corners of some cells to those that are made of them.
 * @param {Cell[]} from @param {Cell[]} to
 */
export function beam(from, to) {
  const top = (/** @type {Cell[]} */ cells) => Math.min(...cells.map(cell => cell.y))
  const foot = (/** @type {Cell[]} */ cells) => Math.max(...cells.map(cell => cell.y + cell.size))
  const [right, left] = [Math.max(...from.map(cell => cell.x + cell.size)), Math.min(...to.map(cell => cell.x))]
  return `M${right} ${top(from)}L${left} ${top(to)}M${right} ${foot(from)}L${left} ${foot(to)}`
}

/** The cell of the same column that lies next in a direction, by rows and columns of cells.
 * @param {Map<number, Cell>} cells @param {Cell} from @param {[across: number, down: number]} direction
 * @returns {Cell | null}
 */
export function neighbour(cells, from, [across, down]) {
  let [best, least] = [/** @type {Cell | null} */ (null), Infinity]
  for (const cell of cells.values()) {
    const [x, y] = [cell.x - from.x, cell.y - from.y]
    const ahead = x * across + y * down
    const aside = Math.abs(x * down) + Math.abs(y * across)
    if (cell.column !== from.column || ahead <= 0 || aside > from.size / 2) continue
    if (ahead < least) [best, least] = [cell, ahead]
  }
  return best
}
