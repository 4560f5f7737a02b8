// The reader's own images: pictures, folders of them, tables of pixels.

import { byId, make, say } from "../view/dom.js"
import { asItIs } from "../picture/framing.js"
import { percent } from "./answer.js"
import { picture } from "./paint.js"
import { PHRASES } from "./phrases.js"

/** @typedef {{name: string, image: Uint8Array, label: number | null}} Own */

const MOST = 500 // at once
const LONGEST = 280 // pixels of the longer side, as of the paper
const LONGEST_AS_IS = 2_000 // if it is not searched for a drawing

export class OwnPanel {
  /** @param {{classes: string[], image: [number, number, number], framing: import("../picture/framing.js").Framing}} content @param {(plane: import("../picture/plane.js").Plane) => Uint8Array | null} prepared @param {(own: Own[]) => void} read @param {(image: Uint8Array, label: number | null) => void} look */
  constructor(content, prepared, read, look) {
    this.content = content
    this.prepared = prepared
    this.read = read
    this.look = look
    const files = byId("files")
    files.addEventListener("change", () => this.take([...files.files]))
    addEventListener("dragover", event => event.preventDefault())
    addEventListener("drop", event => this.dropped(event))
  }

  /** @param {DragEvent} event */
  async dropped(event) {
    event.preventDefault()
    const entries = [...(event.dataTransfer?.items ?? [])].flatMap(item => item.webkitGetAsEntry() ?? [])
    const files = await Promise.all(entries.map(filesOf))
    this.take(files.flat())
  }

  /** @param {File[]} files */
  async take(files) {
    /** @type {Own[]} */
    const own = []
    /** @type {string[]} */
    const problems = []
    for (const file of files.slice(0, MOST)) {
      try {
        own.push(...(isTable(file) ? table(await file.text(), file.name, this.content.image) : [await this.pictureOf(file)]))
      } catch (error) {
        problems.push(`${file.name}: ${error instanceof Error ? error.message : error}`)
      }
    }
    if (files.length > MOST || own.length > MOST) problems.push(PHRASES.firstAlone(MOST))
    say(byId("said"), [...problems.slice(0, 3), ...(problems.length > 3 ? [PHRASES.more(problems.length - 3)] : [])].join("; "))
    if (own.length) this.read(own.slice(0, MOST))
  }

  /** @param {File} file @returns {Promise<Own>} */
  async pictureOf(file) {
    const { image: shape, framing } = this.content
    if (shape[0] !== 1 && shape[0] !== 3) throw new Error(PHRASES.channels(shape[0]))
    const bitmap = await createImageBitmap(file).catch(() => null)
    if (!bitmap) throw new Error(PHRASES.noPicture)
    const image = framing ? this.prepared(plane(pixels(bitmap, LONGEST))) : asItIs(pixels(bitmap, LONGEST_AS_IS), shape)
    if (!image) throw new Error(PHRASES.nothing)
    return { name: file.name, image, label: null }
  }

  /** @param {Own[]} own @param {number[][]} sure @param {boolean} isReading */
  show(own, sure, isReading) {
    byId("cards").replaceChildren(...own.map(({ name, image, label }, k) => {
      const shares = sure[k] ?? []
      const best = shares.indexOf(Math.max(...shares))
      const canvas = make("canvas", { role: "img", "aria-label": name })
      picture(canvas, image, this.content.image)
      const words = isReading ? `${this.content.classes[best]} ${percent(shares[best] ?? 0)}` : PHRASES.notYet
      return make("li", {}, make("button", { type: "button", title: name, onclick: () => this.look(image, label) }, canvas, make("span", {}, words)))
    }))
  }
}

/** @param {File} file */
const isTable = file => /\.(csv|tsv|txt)$/i.test(file.name)

/** Rows of pixels from 0 to 255; if there is one more column, the first is a label.
 * @param {string} text @param {string} name @param {[number, number, number]} image @returns {Own[]}
 */
export function table(text, name, image) {
  const size = image[0] * image[1] * image[2]
  const rows = text.split(/\r?\n/).filter(line => line.trim()).map(line => line.split(/[,;\t ]+/).map(Number))
  const numbers = rows.filter((row, k) => k > 0 || row.every(Number.isFinite)) // the first row may be a heading
  return numbers.map((row, k) => {
    if (row.length !== size && row.length !== size + 1) throw new Error(PHRASES.columns(k + 1, row.length, size))
    const pixels = row.slice(-size)
    if (!pixels.every(pixel => pixel >= 0 && pixel <= 255)) throw new Error(PHRASES.pixels(k + 1))
    return { name: PHRASES.ofRow(name, k + 1), image: byChannel(pixels, image[0]), label: row.length > size ? row[0] ?? null : null }
  })
}

/** A table has red, green and blue side by side, an image has them one after the other.
 * @param {number[]} pixels @param {number} channels
 */
function byChannel(pixels, channels) {
  const each = pixels.length / channels
  return Uint8Array.from({ length: pixels.length }, (_, k) => pixels[(k % each) * channels + Math.floor(k / each)] ?? 0)
}

/** A picture's pixels, on white, its longer side at most so long.
 * @param {ImageBitmap} bitmap @param {number} longest
 */
function pixels(bitmap, longest) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height))
  const [columns, rows] = [bitmap.width, bitmap.height].map(side => Math.max(1, Math.round(side * scale)))
  const canvas = make("canvas", { width: columns, height: rows })
  const context = canvas.getContext("2d")
  context.fillStyle = "#fff"
  context.fillRect(0, 0, columns, rows)
  context.drawImage(bitmap, 0, 0, columns, rows)
  return { data: /** @type {Uint8ClampedArray} */ (context.getImageData(0, 0, columns, rows).data), rows: rows ?? 1, columns: columns ?? 1 }
}

/** How much each pixel differs from the paper, which is the median grey of the picture's border.
 * @param {{data: Uint8ClampedArray, rows: number, columns: number}} picture @returns {import("../picture/plane.js").Plane}
 */
function plane({ data, rows, columns }) {
  const part = (/** @type {number} */ k) => data[k] ?? 0
  const grey = Float32Array.from({ length: data.length / 4 }, (_, k) => (part(4 * k) + part(4 * k + 1) + part(4 * k + 2)) / 765)
  return { amount: apart(grey, rows, columns), rows, columns }
}

/** @param {Float32Array} grey @param {number} rows @param {number} columns */
function apart(grey, rows, columns) {
  const rim = [...grey].filter((_, k) => k < columns || k >= (rows - 1) * columns || k % columns === 0 || k % columns === columns - 1)
  const paper = rim.sort((a, b) => a - b)[Math.floor(rim.length / 2)] ?? 1
  const most = grey.reduce((found, value) => Math.max(found, Math.abs(value - paper)), 0)
  return grey.map(value => {
    const amount = most > 0.07 ? Math.abs(value - paper) / most : 0
    return amount < 0.2 ? 0 : amount
  })
}

/** All files that were dropped, including those in folders.
 * @param {FileSystemEntry} entry @returns {Promise<File[]>}
 */
async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((done, failed) => /** @type {FileSystemFileEntry} */ (entry).file(done, failed))]
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader()
  /** @type {FileSystemEntry[]} */
  const inside = await new Promise((done, failed) => reader.readEntries(done, failed))
  return (await Promise.all(inside.map(filesOf))).flat()
}
