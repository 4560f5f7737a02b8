// The training: go and pause, how far it is, its losses, and the images that are misread.

import { byId, draw, make, say } from "../view/dom.js"
import { percent } from "./answer.js"
import { picture } from "./paint.js"

/** @typedef {import("./link.js").Link} Link */

const MOST_SHOWN = 24 // misread images
const [WIDTH, HEIGHT] = [360, 120]

export class LearningPanel {
  /** @param {Link} link @param {{classes: string[], image: [number, number, number]}} content @param {{told: any, epochs: number, test: Uint8Array, labels: Int32Array}} given @param {() => void} changed */
  constructor(link, content, given, changed) {
    this.link = link
    this.content = content
    this.given = given
    this.isGoing = false
    this.isReady = false
    this.button = byId("go")
    this.button.disabled = false
    this.button.addEventListener("click", () => (this.isGoing ? this.go(false) : this.begin()))
    byId("again").addEventListener("click", () => this.again())
    link.on("trained", told => this.trained(told))
    link.on("tested", told => this.tested(told))
    link.on("prepared", ({ steps }) => (this.steps = steps))
    link.on("failed", () => this.go(false))
    this.changed = changed
    this.steps = 1
    /** @type {number[]} */
    this.losses = []
    this.seen = { images: 0, right: 0, epoch: 0 } // of the epoch under way
    this.isOver = false
    this.clear()
  }

  clear() {
    this.losses = []
    this.seen = { images: 0, right: 0, epoch: 0 }
    this.isOver = false
    for (const name of ["epoch", "loss", "right", "tested", "speed"]) say(byId(name), "–")
    byId("misread").replaceChildren()
    this.plot()
  }

  begin() {
    if (!this.isReady || this.isOver) this.prepare()
    this.go(true)
  }

  prepare() {
    this.clear()
    this.link.tell("prepare", this.given.told)
    this.isReady = true
  }

  again() {
    this.go(false)
    this.prepare()
  }

  /** Train by other settings from now on, from the start.
   * @param {{plan: {rates: number[][]}}} told
   */
  renew(told) {
    this.go(false)
    this.given.told = told
    this.given.epochs = told.plan.rates.length
    this.isReady = false
    this.clear()
    say(this.button, "Train")
  }

  /** @param {boolean} going */
  go(going) {
    this.isGoing = going
    say(this.button, going ? "Pause" : this.losses.length && !this.isOver ? "Go on" : "Train")
    this.link.tell("go", { going })
  }

  /** @param {{epoch: number, step: number, images: number, right: number, losses: number[], seconds: number, isOver: boolean}} told */
  trained({ epoch, images, right, losses, seconds, isOver }) {
    if (epoch !== this.seen.epoch) this.seen = { images: 0, right: 0, epoch }
    this.seen.images += images
    this.seen.right += right
    this.losses.push(...losses)
    const done = this.losses.length / this.steps
    say(byId("epoch"), `${Math.min(done, this.given.epochs).toFixed(1)} of ${this.given.epochs}`)
    say(byId("loss"), (losses.at(-1) ?? NaN).toFixed(4))
    say(byId("right"), percent(this.seen.right / this.seen.images))
    say(byId("speed"), Math.round(images / seconds).toLocaleString("en"))
    this.plot()
    if (isOver) {
      this.isOver = true
      this.isGoing = false
      say(this.button, "Train")
    }
  }

  /** @param {{misread: {number: number, answer: number}[], count: number}} told */
  tested({ misread, count }) {
    const right = `${((100 * (count - misread.length)) / count).toFixed(2)} %`
    say(byId("tested"), right)
    const shown = misread.slice(0, MOST_SHOWN).map(one => this.card(one))
    const words = `${misread.length} of ${count.toLocaleString("en")} others are misread${misread.length > shown.length ? `, ${shown.length} of them here` : ""}`
    byId("misread").replaceChildren(make("p", { class: "remark" }, words), make("ul", { class: "cards" }, ...shown))
    this.changed()
  }

  /** @param {{number: number, answer: number}} one */
  card({ number, answer }) {
    const { image, classes } = this.content
    const size = image[0] * image[1] * image[2]
    const canvas = make("canvas", { role: "img", "aria-label": "a misread image" })
    picture(canvas, this.given.test.subarray(number * size, (number + 1) * size), image)
    const is = classes[this.given.labels[number] ?? 0]
    return make("li", {}, canvas, make("span", {}, `${is} read as ${classes[answer]}`))
  }

  /** The losses so far, on a scale of powers of ten. */
  plot() {
    const all = this.steps * this.given.epochs
    const stride = Math.max(1, Math.floor(this.losses.length / WIDTH))
    const points = this.losses.flatMap((loss, k) => (k % stride ? [] : [`${((k / Math.max(all, 1)) * WIDTH).toFixed(1)},${height(loss).toFixed(1)}`]))
    const lines = [1, 0.1, 0.01].map(loss => draw("g", {},
      draw("line", { x1: 0, x2: WIDTH, y1: height(loss), y2: height(loss), class: "rule" }),
      draw("text", { x: WIDTH, y: height(loss) - 3, "text-anchor": "end" }, String(loss))))
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "loss of each step so far" }, ...lines, draw("polyline", { points: points.join(" "), class: "gone" }))
    byId("losses").replaceChildren(svg)
  }
}

/** @param {number} loss */
function height(loss) {
  const share = (Math.log10(Math.min(Math.max(loss, 0.003), 4)) - Math.log10(0.003)) / (Math.log10(4) - Math.log10(0.003))
  return HEIGHT - 4 - share * (HEIGHT - 18)
}
