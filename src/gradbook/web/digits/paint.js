// Values as pixels: 0 shows the paper, light or dark; values further from 0 are stronger.

/** @type {Map<string, number[]>} */
const tones = new Map() // since the page became light or dark
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => tones.clear())

/** A colour of the page's style, as red, green and blue.
 * @param {string} name @returns {number[]}
 */
function tone(name) {
  const known = tones.get(name)
  if (known) return known
  const found = Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1), 16)
  tones.set(name, [found >> 16, (found >> 8) & 255, found & 255])
  return tone(name)
}

/** @param {HTMLCanvasElement} canvas @param {number} rows @param {number} columns @param {(pixels: Uint8ClampedArray) => void} paint */
function painted(canvas, rows, columns, paint) {
  if (canvas.width !== columns) canvas.width = columns
  if (canvas.height !== rows) canvas.height = rows
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"))
  const image = context.createImageData(columns, rows)
  paint(image.data)
  context.putImageData(image, 0, 0)
}

/** Values of either sign, in two colours.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values @param {number} rows @param {number} columns @param {number} most
 */
export function tint(canvas, values, rows, columns, most) {
  const [below, above] = [tone("--low"), tone("--high")]
  painted(canvas, rows, columns, pixels => {
    for (let k = 0; k < rows * columns; k++) {
      const value = values[k] ?? 0
      pixels.set(value < 0 ? below : above, 4 * k)
      pixels[4 * k + 3] = most > 0 ? 255 * Math.min(Math.abs(value) / most, 1) : 0
    }
  })
}

/** Amounts from 0 to 1 of one colour.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} amounts @param {number} rows @param {number} columns @param {number[]} colour
 */
export function ink(canvas, amounts, rows, columns, colour) {
  painted(canvas, rows, columns, pixels => {
    for (let k = 0; k < rows * columns; k++) {
      pixels.set(colour, 4 * k)
      pixels[4 * k + 3] = 255 * (amounts[k] ?? 0)
    }
  })
}

/** Bytes as they are: light on black, or in colours.
 * @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} bytes @param {[number, number, number]} shape
 */
export function picture(canvas, bytes, [channels, rows, columns]) {
  const size = rows * columns
  painted(canvas, rows, columns, pixels => {
    for (let k = 0; k < size; k++) {
      for (let c = 0; c < 3; c++) pixels[4 * k + c] = bytes[(channels === 3 ? c : 0) * size + k] ?? 0
      pixels[4 * k + 3] = 255
    }
  })
}

/** The page's own colour of ink, as red, green and blue. */
export function inkColour() {
  const found = getComputedStyle(document.body).color.match(/\d+/g) ?? []
  return found.slice(0, 3).map(Number)
}
