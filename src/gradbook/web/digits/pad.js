// The paper to draw on: by mouse, finger, stylus or keys.

import { Paper, SIDE } from "../picture/pen.js"
import { ink, inkColour } from "./paint.js"
import { byId } from "../view/dom.js"

/** @typedef {import("../picture/pen.js").Point} Point */

const STEP = SIDE / 28 // of the pen, per key press
const PALE = 0.3 // strength of an image below the paper
/** @type {Record<string, [number, number]>} */
const WAYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }

export class Pad {
  /** @param {(plane: import("../picture/plane.js").Plane) => void} changed */
  constructor(changed) {
    this.changed = changed
    this.paper = new Paper()
    /** @type {HTMLCanvasElement} */
    this.canvas = byId("pad")
    this.nib = byId("nib")
    /** @type {Point} */
    this.at = { x: SIDE / 2, y: SIDE / 2 } // of the pen that keys move
    this.isDown = false
    this.beneath = new Float32Array(SIDE * SIDE)
    /** @type {Map<number, Point>} */
    this.pens = new Map() // by pointer: where each was last
    this.listen()
    this.show()
  }

  listen() {
    const { canvas } = this
    canvas.addEventListener("pointerdown", event => this.down(event))
    canvas.addEventListener("pointermove", event => this.move(event))
    for (const kind of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, event => this.pens.delete(/** @type {PointerEvent} */ (event).pointerId))
    }
    canvas.addEventListener("keydown", event => this.key(event))
    byId("clear").addEventListener("click", () => this.clear())
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show())
  }

  clear() {
    this.paper.clear()
    this.update()
  }

  /** Clear the paper, and show the image that is read instead below it, pale.
   * @param {Uint8Array} image @param {[number, number, number]} shape
   */
  lay(image, shape) {
    this.paper.clear()
    this.beneath = pale(image, shape)
    this.show()
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button) return
    this.canvas.setPointerCapture(event.pointerId)
    this.nib.hidden = true
    const at = this.place(event)
    this.pens.set(event.pointerId, at)
    this.stroke(at, at)
  }

  /** @param {PointerEvent} event */
  move(event) {
    let from = this.pens.get(event.pointerId)
    if (!from) return
    const all = event.getCoalescedEvents?.() ?? []
    for (const one of all.length ? all : [event]) {
      const to = this.place(one)
      this.paper.stroke(from, to)
      from = to
    }
    this.pens.set(event.pointerId, from)
    this.update()
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const way = WAYS[event.key]
    if (way) this.go(way)
    else if (event.key === " ") this.isDown = !this.isDown
    else if (event.key === "Delete" || event.key === "Backspace") this.clear()
    else return
    event.preventDefault()
    if (this.isDown && !way) this.stroke(this.at, this.at)
    this.nib.hidden = false
    this.nib.className = this.isDown ? "down" : ""
    this.nib.style.left = `${(100 * this.at.x) / SIDE}%`
    this.nib.style.top = `${(100 * this.at.y) / SIDE}%`
  }

  /** @param {[number, number]} way */
  go([along, down]) {
    const from = this.at
    const within = (/** @type {number} */ x) => Math.min(Math.max(x, 0), SIDE)
    this.at = { x: within(from.x + along), y: within(from.y + down) }
    if (this.isDown) this.stroke(from, this.at)
  }

  /** @param {MouseEvent} event @returns {Point} */
  place(event) {
    const box = this.canvas.getBoundingClientRect()
    return {
      x: ((event.clientX - box.left) / box.width) * SIDE,
      y: ((event.clientY - box.top) / box.height) * SIDE,
    }
  }

  /** @param {Point} from @param {Point} to */
  stroke(from, to) {
    this.paper.stroke(from, to)
    this.update()
  }

  update() {
    this.beneath.fill(0)
    this.show()
    this.changed({ amount: this.paper.amount, rows: SIDE, columns: SIDE })
  }

  show() {
    const amount = this.paper.isBlank ? this.beneath : this.paper.amount
    ink(this.canvas, amount, SIDE, SIDE, inkColour())
  }
}

/** An image as large as the paper, with ink where it is bright.
 * @param {Uint8Array} image @param {[number, number, number]} shape
 */
function pale(image, [, rows, columns]) {
  const side = Math.max(rows, columns)
  const [top, left] = [Math.floor((side - rows) / 2), Math.floor((side - columns) / 2)]
  return Float32Array.from({ length: SIDE * SIDE }, (_, k) => {
    const row = Math.floor((Math.floor(k / SIDE) * side) / SIDE) - top
    const column = Math.floor(((k % SIDE) * side) / SIDE) - left
    const isInside = row >= 0 && column >= 0 && row < rows && column < columns
    return isInside ? (PALE * (image[row * columns + column] ?? 0)) / 255 : 0
  })
}
