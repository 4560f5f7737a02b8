// The training: start and pause, the progress, and the losses.

import { byId, draw, say } from "../view/dom.js"
import { grouped, numeral } from "../view/language.js"
import { percent } from "./answer.js"
import { PHRASES } from "./phrases.js"

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("../wasm/worker.js").Own} Own */
/** @typedef {{plan: {rates: number[][]}, start: Record<string, Float32Array>}} Told the data of a training */

const SLOWER = 4 // times lower is the rate of an additional epoch
const [WIDTH, HEIGHT] = [200, 66]

export class LearningPanel {
  /** @param {Link} link @param {Told} told @param {Record<string, Float32Array> | null} trained the weights of a network that was trained before */
  constructor(link, told, trained) {
    this.link = link
    this.told = told
    this.epochs = told.plan.rates.length
    /** @type {Own | null} */
    this.own = null // images of the reader
    /** @type {number[]} */
    this.losses = []
    this.steps = 1
    this.seen = { images: 0, right: 0, epoch: 0 } // of the current epoch
    this.isGoing = false
    this.isOver = false
    this.isReady = true
    this.button = byId("go")
    this.button.disabled = false
    this.button.addEventListener("click", () => (this.isGoing ? this.go(false) : this.begin()))
    byId("again").addEventListener("click", () => this.again())
    link.on("trained", news => this.trained(news))
    link.on("prepared", ({ steps, epochs }) => Object.assign(this, { steps, epochs }))
    link.on("failed", () => this.go(false))
    this.prepare(trained ? { ...told, start: { ...told.start, ...trained }, plan: { ...told.plan, rates: [] } } : told)
    this.isOver = trained !== null
    this.name()
  }

  clear() {
    this.losses = []
    this.seen = { images: 0, right: 0, epoch: 0 }
    this.isOver = false
    for (const name of ["epoch", "loss", "right", "speed"]) say(byId(name), "–")
    this.plot()
  }

  begin() {
    if (!this.isReady) this.prepare(this.told)
    if (this.isOver) this.link.tell("more", { rate: Math.max(...this.told.plan.rates.flat()) / SLOWER })
    this.isOver = false
    this.go(true)
  }

  /** @param {Told} told */
  prepare(told) {
    this.clear()
    say(byId("problem"), "")
    this.link.tell("prepare", { ...told, own: this.own })
    this.isReady = true
  }

  again() {
    this.go(false)
    this.prepare(this.told)
    this.name()
  }

  /** Train with other settings from now on, from the start.
   * @param {Told} told
   */
  renew(told) {
    this.go(false)
    this.told = told
    this.epochs = told.plan.rates.length
    this.isReady = false
    this.clear()
    this.name()
  }

  /** Train on these images as well, instead of those added before.
   * @param {Own} own
   */
  add(own) {
    this.own = own
    this.link.tell("add", own)
  }

  /** @param {boolean} going */
  go(going) {
    this.isGoing = going
    this.name()
    this.link.tell("go", { going })
  }

  name() {
    say(this.button, this.isGoing ? PHRASES.pause : this.next)
  }

  /** The button's label for the next click. */
  get next() {
    return this.isOver ? PHRASES.trainOn : this.losses.length && this.isReady ? PHRASES.goOn : PHRASES.train
  }

  /** @param {{epoch: number, done: number, images: number, right: number, losses: number[], seconds: number, isOver: boolean}} told */
  trained({ epoch, done, images, right, losses, seconds, isOver }) {
    if (epoch !== this.seen.epoch) this.seen = { images: 0, right: 0, epoch }
    this.seen.images += images
    this.seen.right += right
    this.losses.push(...losses)
    say(byId("epoch"), PHRASES.epochs(numeral(done.toFixed(1)), this.epochs))
    say(byId("loss"), numeral((losses.at(-1) ?? NaN).toFixed(4)))
    say(byId("right"), percent(this.seen.right / this.seen.images))
    say(byId("speed"), grouped(Math.round(images / seconds)))
    this.plot()
    if (isOver) {
      this.isReady = losses.every(Number.isFinite)
      this.isOver = this.isReady
      this.isGoing = false
      this.name()
      if (!this.isReady) say(byId("problem"), PHRASES.diverged)
    }
  }

  /** The losses so far, on a log scale. */
  plot() {
    const all = Math.max(this.steps * this.epochs, this.losses.length, 1)
    const stride = Math.max(1, Math.floor(this.losses.length / WIDTH))
    const points = this.losses.flatMap((loss, k) => (k % stride || Number.isNaN(loss) ? [] : [`${((k / all) * WIDTH).toFixed(1)},${height(loss).toFixed(1)}`]))
    const lines = [1, 0.1, 0.01].map(loss => draw("g", {},
      draw("line", { x1: 0, x2: WIDTH, y1: height(loss), y2: height(loss), class: "rule" }),
      draw("text", { x: WIDTH, y: height(loss) - 3, "text-anchor": "end" }, numeral(String(loss)))))
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": PHRASES.loss }, ...lines, draw("polyline", { points: points.join(" "), class: "gone" }))
    byId("losses").replaceChildren(svg)
  }
}

/** @param {number} loss */
function height(loss) {
  const share = (Math.log10(Math.min(Math.max(loss, 0.003), 4)) - Math.log10(0.003)) / (Math.log10(4) - Math.log10(0.003))
  return HEIGHT - 4 - share * (HEIGHT - 18)
}
