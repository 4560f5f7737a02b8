// Copies of an image, each a little rotated, slanted, stretched and moved, as handwriting varies.

/** @typedef {import("../machine/chance.js").Random} Random */

const [TURN, SLANT, STRETCH, MOVE] = [0.15, 0.12, 0.1, 0.06] // at most: radians, shares, of the side

/** So many copies; the first is the image itself.
 * @param {Uint8Array} image @param {[number, number, number]} shape @param {number} count @param {Random} random
 */
export function copies(image, shape, count, random) {
  const made = new Uint8Array(count * image.length)
  for (let k = 0; k < count; k++) made.set(k ? warped(image, shape, random) : image, k * image.length)
  return made
}

/** @param {Uint8Array} image @param {[number, number, number]} shape @param {Random} random */
function warped(image, [channels, rows, columns], random) {
  const some = (/** @type {number} */ most) => random.uniform(-most, most)
  const [turn, slant, wide, high, along, down] = [some(TURN), some(SLANT), 1 + some(STRETCH), 1 + some(STRETCH), some(MOVE) * columns, some(MOVE) * rows]
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  const [middle, centre] = [(columns - 1) / 2, (rows - 1) / 2]
  const made = new Uint8Array(image.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = [column - middle - along, row - centre - down]
      const from = { x: middle + (cos * x + sin * y) / wide + slant * y, y: centre + (cos * y - sin * x) / high }
      for (let k = 0; k < channels; k++) {
        made[(k * rows + row) * columns + column] = between(image.subarray(k * rows * columns, (k + 1) * rows * columns), rows, columns, from)
      }
    }
  }
  return made
}

/** The value at a point between four pixels; beyond the edge it is 0.
 * @param {Uint8Array} plane @param {number} rows @param {number} columns @param {{x: number, y: number}} point
 */
function between(plane, rows, columns, { x, y }) {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [right, low] = [x - left, y - top]
  const pixel = (/** @type {number} */ row, /** @type {number} */ column) => (row >= 0 && column >= 0 && row < rows && column < columns ? plane[row * columns + column] ?? 0 : 0)
  const above = (1 - right) * pixel(top, left) + right * pixel(top, left + 1)
  const below = (1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1)
  return Math.round((1 - low) * above + low * below)
}
