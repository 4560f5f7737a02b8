// The page: unpacks what it carries, starts its worker, and lets the parts follow each other.

import { byId, make, say } from "../view/dom.js"
import { probabilities } from "../wasm/answers.js"
import { asSeen } from "../wasm/framing.js"
import { Look } from "../wasm/look.js"
import { AnswerPanel } from "./answer.js"
import { LearningPanel } from "./learning.js"
import { Link } from "./link.js"
import { MapsPanel } from "./maps.js"
import { OwnPanel } from "./own.js"
import { Pad } from "./pad.js"
import { picture } from "./paint.js"
import { SumPanel } from "./sum.js"
import { arrays, bytes, canUnpack, moduleOf } from "./unpack.js"

/** @typedef {{image: Uint8Array, sure: number[]}} Looked */
/** @typedef {import("./maps.js").Chosen} Chosen */

const OLD = "This page computes with WebAssembly and its vectors, which this browser doesn't have: open it in a newer one (any since 2023 will do)."

class Page {
  /** @param {any} content @param {Record<string, Float32Array>} weights @param {Link} link */
  constructor(content, weights, link) {
    this.content = content
    this.weights = weights
    this.link = link
    /** @type {Look | null} */
    this.look = null
    /** @type {Uint8Array | null} */
    this.image = null
    this.isLooking = false
    /** @type {import("../wasm/plane.js").Plane | null} */
    this.waiting = null // what was drawn since the last frame
    /** @type {number | undefined} */
    this.frame = undefined
    /** @type {any[]} */
    this.own = []
    /** @type {Chosen} */
    this.chosen = { layer: 0, place: middle(content.layers[0].shape) }
    this.answer = new AnswerPanel(content)
    this.maps = new MapsPanel(content.layers, content.image, chosen => this.choose(chosen))
    this.sum = new SumPanel(content.layers, chosen => this.choose(chosen))
    this.pad = new Pad(plane => this.drawn(plane))
    this.ownPanel = new OwnPanel(content, plane => this.prepared(plane), own => this.read(own), image => this.take(image))
    this.listen()
    this.maps.learned(weights)
    this.choose(this.chosen)
  }

  listen() {
    const { link } = this
    link.on("looked", told => this.looked(told))
    link.on("read", told => this.reading(told.outputs))
    link.on("failed", ({ why }) => say(byId("problem"), why))
    link.on("weights", ({ values }) => {
      this.weights = values
      this.maps.learned(values)
      this.again()
    })
  }

  /** @param {import("../wasm/plane.js").Plane} plane */
  prepared(plane) {
    const [, rows, columns] = this.content.image
    return asSeen(plane, rows, columns, this.content.framing)
  }

  /** @param {import("../wasm/plane.js").Plane} plane */
  drawn(plane) {
    this.waiting = plane
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined
      if (this.waiting) this.show(this.prepared(this.waiting))
      this.waiting = null
    })
  }

  /** An image instead of a drawing.
   * @param {Uint8Array} image
   */
  take(image) {
    this.waiting = null
    this.pad.wipe()
    this.show(image)
  }

  /** Look at an image, as soon as the one before it is looked at.
   * @param {Uint8Array | null} image
   */
  show(image) {
    this.image = image
    if (!image) {
      this.look = null
      this.update()
    } else if (!this.isLooking) {
      this.isLooking = true
      this.link.tell("look", { image })
    }
  }

  again() {
    this.show(this.image)
  }

  /** @param {{image: Uint8Array, values: Float32Array}} told */
  looked({ image, values }) {
    this.isLooking = false
    if (this.image && !same(this.image, image)) return this.show(this.image)
    if (!this.image) return
    this.look = new Look(this.content, image, values)
    this.update()
  }

  update() {
    const { look } = this
    this.answer.update(look)
    if (look) this.maps.update(look.values)
    else this.maps.clear()
    this.sum.update(this.chosen, look, this.weights)
  }

  /** @param {Chosen} chosen */
  choose(chosen) {
    this.chosen = chosen
    this.maps.frame(chosen)
    this.sum.update(chosen, this.look, this.weights)
  }

  /** @param {any[]} own */
  read(own) {
    this.own = own
    const size = own[0].image.length
    const images = new Uint8Array(own.length * size)
    own.forEach(({ image }, k) => images.set(image, k * size))
    this.link.tell("read", { images })
    this.take(own[0].image)
  }

  /** @param {Float32Array} outputs */
  reading(outputs) {
    const each = this.content.view.outputs
    this.ownPanel.show(this.own, this.own.map((_, k) => probabilities(outputs.subarray(k * each, (k + 1) * each), this.content.ending)))
  }
}

/** @param {[number, number, number]} shape */
const middle = ([, rows, columns]) => ({ channel: 0, row: Math.floor(rows / 2), column: Math.floor(columns / 2) })

/** @param {Uint8Array} one @param {Uint8Array} other */
const same = (one, other) => one.every((byte, k) => byte === other[k])

/** Buttons with images to read, for whoever doesn't draw.
 * @param {Page} page @param {Uint8Array} images
 */
function offer(page, images) {
  const size = page.content.image.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1)
  for (let k = 0; k < images.length / size; k++) {
    const image = images.slice(k * size, (k + 1) * size)
    const canvas = make("canvas", { "aria-hidden": "true" })
    picture(canvas, image, page.content.image)
    const take = () => page.take(image)
    byId("samples").append(make("button", { type: "button", "aria-label": `image ${k + 1}`, onclick: take }, canvas))
  }
}

/** @param {any} content @param {Link} link @param {Page} page */
async function teach({ training, classes, image }, link, page) {
  const [test, labels, images, own] = await Promise.all([training.test, training.testLabels, training.images, training.labels].map(bytes))
  const [tested, numbers] = [labels, own].map(each => new Int32Array(/** @type {Uint8Array} */ (each).buffer))
  const wanted = training.wanted ? targets(numbers, training.wanted) : numbers
  const told = {
    module: await moduleOf(training.module), plan: training.plan, images, wanted,
    start: await arrays(training.start), test: { images: test, labels: tested },
  }
  new LearningPanel(link, { classes, image }, { told, epochs: training.plan.rates.length, test: /** @type {Uint8Array} */ (test), labels: /** @type {Int32Array} */ (tested) }, () => page.again())
}

/** @param {Int32Array | undefined} labels @param {number[][]} wanted */
const targets = (labels, wanted) => Float32Array.from([...(labels ?? [])].flatMap(label => wanted[label] ?? []))

async function open() {
  const content = JSON.parse(byId("content").textContent)
  if (typeof WebAssembly === "undefined" || !canUnpack) return say(byId("problem"), OLD)
  const module = await moduleOf(content.module)
  if (!WebAssembly.validate(module.code)) return say(byId("problem"), OLD)
  const values = await arrays(content.values)
  const link = new Link(byId("worker").textContent)
  const page = new Page(content, values, link)
  const opened = new Promise(done => link.on("opened", done))
  link.tell("open", { module, view: content.view, values })
  if (content.samples) offer(page, await bytes(content.samples))
  await opened
  document.body.setAttribute("data-ready", "")
  if (content.training) await teach(content, link, page)
}

open()
