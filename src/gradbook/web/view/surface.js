// What the network says to every point of the plane, as it trains, and the samples on it.

import { Machine } from "../machine/machine.js"

const CELLS = 56 // along each side
const MARGIN = 0.12 // around the samples
const POINT = 5

export class SurfacePanel {
  /** @param {import("./model.js").Model} model @param {HTMLCanvasElement} canvas @param {() => number} chosenClass */
  constructor(model, canvas, chosenClass) {
    this.model = model
    this.canvas = canvas
    this.plane = model.content.plane
    this.chosenClass = chosenClass
    this.machine = new Machine([], [], 0)
    this.order = /** @type {number[]} */ ([])
    this.of = /** @type {object | null} */ (null)
    this.low = -1
    this.high = 1
    this.tones = this.readTones()
    this.image = /** @type {ImageData | null} */ (null)
    this.small = document.createElement("canvas")
    this.small.width = this.small.height = CELLS
    canvas.addEventListener("click", event => this.add(event))
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.tones = this.readTones()
      this.model.changed()
    })
    this.renew()
  }

  /** Of the network that there is now, if it says anything of a plane. */
  renew() {
    const { content } = this.model
    this.plane = content.plane
    this.of = null
    if (!this.plane) return
    this.machine = new Machine(content.lines, everywhere(content), CELLS * CELLS)
    this.order = this.machine.order([this.plane.share])
    for (const { lines } of content.masks) for (const line of lines) this.machine.fill(line, 1)
  }

  /** The colours of the first class, of what lies between, and of the second.
   * @private
   */
  readTones() {
    return ["--inputs", "--paper", "--weights"].map(name => colour(this.canvas, name))
  }

  update() {
    if (!this.plane) return
    if (this.of !== this.model.training) this.lookAround()
    for (const line of this.model.content.weights) this.machine.fill(line, this.model.training.machine.at(line))
    this.machine.run(this.order)
    this.paint()
  }

  /** How much of the plane is seen: all samples, and a little more.
   * @private
   */
  lookAround() {
    this.of = this.model.training
    const far = Math.max(1e-9, ...this.model.samples.flatMap(([inputs]) => inputs.map(Math.abs)))
    const low = Math.min(0, ...this.model.samples.flatMap(([inputs]) => inputs))
    this.low = low < 0 ? -far * (1 + MARGIN) : -far * MARGIN * 2
    this.high = far * (1 + (low < 0 ? MARGIN : 2 * MARGIN))
    const [across, up] = this.model.content.inputs
    for (let k = 0; k < CELLS * CELLS; k++) {
      this.machine.put(across, k, this.coordinate(k % CELLS))
      this.machine.put(up, k, this.coordinate(CELLS - 1 - Math.floor(k / CELLS)))
    }
  }

  /** The middle of a cell.
   * @param {number} cell @private
   */
  coordinate(cell) {
    return this.low + ((cell + 0.5) / CELLS) * (this.high - this.low)
  }

  /** @private */
  paint() {
    const side = this.canvas.width
    const context = this.canvas.getContext("2d")
    const pixels = this.small.getContext("2d")
    if (!context || !pixels) return
    this.image ??= pixels.createImageData(CELLS, CELLS)
    for (let k = 0; k < CELLS * CELLS; k++) blend(this.tones, this.machine.at(this.plane.share, k), this.image.data, 4 * k)
    pixels.putImageData(this.image, 0, 0)
    context.clearRect(0, 0, side, side)
    context.imageSmoothingEnabled = true
    context.drawImage(this.small, 0, 0, side, side)
    this.model.samples.forEach((sample, k) => this.mark(context, sample, k === this.model.sample))
  }

  /** @param {CanvasRenderingContext2D} context @param {import("./model.js").Sample} sample
   * @param {boolean} isChosen @private
   */
  mark(context, [inputs, targets], isChosen) {
    const { tones } = this
    const [x, y] = inputs.map(value => ((value - this.low) / (this.high - this.low)) * this.canvas.width)
    const [zero, one] = this.plane.classes.map((/** @type {number[]} */ wanted) => distance(targets, wanted))
    context.beginPath()
    context.arc(x, this.canvas.width - y, isChosen ? POINT + 3 : POINT, 0, 7)
    context.fillStyle = css(one < zero ? tones[2] : tones[0])
    context.strokeStyle = css(tones[1])
    context.lineWidth = isChosen ? 4 : 2
    context.fill()
    context.stroke()
  }

  /** A sample where it was clicked.
   * @param {MouseEvent} event @private
   */
  add(event) {
    const { content, samples } = this.model
    const box = this.canvas.getBoundingClientRect()
    const [right, up] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height]
    const inputs = [right, up].map(part => Math.round((this.low + part * (this.high - this.low)) * 1000) / 1000)
    if (samples.length >= content.most) return
    const wanted = this.plane.classes[this.chosenClass()]
    this.model.extend([inputs, [...wanted]])
  }
}

/** The lines that have a value for every point: whatever depends on the inputs.
 * @param {{lines: import("../machine/machine.js").Line[], inputs: number[]}} content
 */
function everywhere({ lines, inputs }) {
  const found = new Set(inputs)
  lines.forEach(([word, ...operands], k) => {
    const from = word === "is_largest" ? operands.slice(1) : operands
    if (word !== "leaf" && word !== "constant" && word !== "total" && from.some(j => found.has(j))) found.add(k)
  })
  return [...found]
}

/** @param {number[]} one @param {number[]} other */
const distance = (one, other) => one.reduce((sum, value, k) => sum + (value - other[k]) ** 2, 0)

/** A variable of the page's style, as red, green and blue.
 * @param {Element} element @param {string} name
 */
function colour(element, name) {
  const hex = getComputedStyle(element).getPropertyValue(name).trim()
  return [1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16))
}

/** @param {number[]} tone */
const css = tone => `rgb(${tone.join(" ")})`

/** From the first tone over the second to the third, into a pixel; nothing where it is no number.
 * @param {number[][]} tones @param {number} share @param {Uint8ClampedArray} pixels @param {number} place
 */
function blend(tones, share, pixels, place) {
  const at = Math.min(1, Math.max(0, share))
  const from = tones[1]
  const to = at < 0.5 ? tones[0] : tones[2]
  const part = Math.abs(at - 0.5) * 1.3
  for (let k = 0; k < 3; k++) pixels[place + k] = from[k] + part * (to[k] - from[k])
  pixels[place + 3] = Number.isFinite(share) ? 255 : 0
}
