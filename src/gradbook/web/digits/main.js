// The page: unpacks its data, starts its worker, and keeps its parts in step with each other.

import { byId, make, say } from "../view/dom.js"
import { Tabs } from "../view/tabs.js"
import { numeral } from "../view/language.js"
import { likeliest, probabilities } from "../wasm/viewer.js"
import { feeds, regionsFed } from "../wasm/feeding.js"
import { asSeen } from "../picture/framing.js"
import { Look } from "../wasm/look.js"
import { regionsRead } from "../wasm/window.js"
import { AnswerPanel, canRead } from "./answer.js"
import { LearningPanel } from "./learning.js"
import { ColumnsPanel } from "./columns.js"
import { OwnPanel } from "./own.js"
import { Pad } from "./pad.js"
import { picture } from "./paint.js"
import { PHRASES } from "./phrases.js"
import { RecipePanel } from "./recipe.js"
import { mapsRead } from "./stages.js"
import { TeachPanel } from "./teach.js"
import { arrays, bytes, canUnpack, Link, moduleOf } from "./link.js"
import { ValuePanel } from "./value/panel.js"
import { WaysPanel } from "./ways.js"
import { WrongPanel } from "./wrong.js"

/** @typedef {{image: Uint8Array, sure: number[]}} Looked */
/** @typedef {import("./columns.js").Chosen} Chosen */

const NO_LAYER = /** @type {import("./columns.js").Layer} */ (/** @type {any} */ ({ name: "i", letter: "i", below: "", colour: "inputs", words: PHRASES.theImage, kind: "image", reads: [] }))

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
    /** @type {{image: Uint8Array, target: number | null} | null} */
    this.asked = null // what the worker is looking at
    /** @type {import("../picture/plane.js").Plane | null} */
    this.waiting = null // what was drawn since the last frame
    /** @type {number | undefined} */
    this.frame = undefined
    /** @type {any[]} */
    this.own = []
    /** @type {Chosen} */
    this.first = { layer: mostTelling(content.layers), place: { channel: 0, row: 0, column: 0 } }
    this.chosen = this.first
    this.shown = this.first // the chosen one, or what is pointed at
    /** @type {import("./answer.js").Skill} */
    this.skill = { right: content.skill.right, count: content.skill.count, isUntrained: content.skill.isUntrained }
    this.answer = new AnswerPanel(content)
    const image = { ...NO_LAYER, shape: content.image }
    const choose = (/** @type {Chosen} */ chosen) => this.choose(chosen)
    this.ways = new WaysPanel(content.classes, () => this.update(), () => this.again())
    this.columns = new ColumnsPanel(content.layers, image, content.classes, choose, chosen => this.peek(chosen ?? this.chosen))
    this.value = new ValuePanel(content.layers, image, content.classes, chosen => this.follow(chosen))
    this.pad = content.image[0] === 1 ? new Pad(plane => this.drawn(plane)) : null // only grey images can be drawn
    this.ownPanel = new OwnPanel(content, plane => this.prepared(plane), own => this.read(own), (image, label) => this.take(image, label))
    this.listen()
    this.update()
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.update())
  }

  listen() {
    const { link } = this
    link.on("looked", told => this.looked(told))
    link.on("read", told => told.about || this.reading(told.outputs))
    link.on("failed", ({ why }) => say(byId("problem"), why))
    link.on("weights", ({ values }) => {
      this.weights = values
      this.again()
    })
  }

  get isReading() {
    return canRead(this.skill, this.content.classes.length)
  }

  /** Record the measured accuracy: so many of the held-out images are read correctly.
   * @param {number} right @param {number} count
   */
  measured(right, count) {
    const isLearning = !this.isReading
    this.skill = { ...this.skill, right: right / count, count }
    if (isLearning || !this.isReading) this.update()
  }

  /** @param {import("../picture/plane.js").Plane} plane */
  prepared(plane) {
    const [, rows, columns] = this.content.image
    return asSeen(plane, rows, columns, this.content.framing)
  }

  /** @param {import("../picture/plane.js").Plane} plane */
  drawn(plane) {
    this.waiting = plane
    this.ways.forgetLabel()
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined
      if (this.waiting) this.show(this.prepared(this.waiting))
      this.waiting = null
    })
  }

  /** Shows an image instead of a drawing, with its class if that is known.
   * @param {Uint8Array} image @param {number | null} [label]
   */
  take(image, label = null) {
    this.waiting = null
    this.pad?.lay(image, this.content.image)
    this.ways.aim(label)
    this.show(image)
  }

  /** Look at an image, as soon as the one before it is finished.
   * @param {Uint8Array | null} image
   */
  show(image) {
    this.image = image
    if (!image) {
      this.look = null
      this.update()
    } else if (!this.asked) {
      this.asked = { image, target: this.ways.chosen }
      this.link.tell("look", this.asked)
    }
  }

  again() {
    this.show(this.image)
  }

  /** @param {{image: Uint8Array, target: number, values: Float32Array}} told */
  looked({ image, target, values }) {
    const { asked } = this
    this.asked = null
    if (!this.image) return
    if (asked?.image !== this.image || asked.target !== this.ways.chosen) return this.show(this.image)
    const isFirst = !this.look && this.chosen === this.first
    this.look = new Look(this.content, image, values, target)
    if (isFirst) this.chosen = this.shown = { layer: this.first.layer, place: this.look.largest(this.first.layer) }
    this.update()
  }

  update() {
    const { look } = this
    this.answer.update(look, this.skill)
    this.ways.update(look, this.isReading)
    this.columns.update(look, this.ways.isBackward)
    this.point(this.shown)
  }

  /** @param {Chosen} chosen */
  choose(chosen) {
    this.chosen = chosen
    this.point(chosen)
  }

  /** Choose a value that was named, whose column then shows its layer.
   * @param {Chosen} chosen
   */
  follow(chosen) {
    this.chosen = chosen
    this.columns.open(chosen.layer)
    this.point(chosen)
  }

  /** @param {Chosen} chosen */
  peek(chosen) {
    if (JSON.stringify(chosen) !== JSON.stringify(this.shown)) this.point(chosen)
  }

  /** Show a value, for as long as nothing else is pointed at.
   * @param {Chosen} chosen
   */
  point(chosen) {
    this.shown = chosen
    this.columns.frame(chosen, this.regions(chosen), this.ties(chosen))
    this.value.update(chosen, this.look, this.weights, this.ways.isBackward)
  }

  /** The maps that the value is computed from, or that it feeds, with their shares of the sum.
   * @param {Chosen} chosen @returns {import("./columns.js").Tie[]}
   */
  ties({ layer: number, place }) {
    const { look, weights } = this
    const layer = this.content.layers[number]
    if (!look) return []
    if (this.ways.isBackward) return feeds(look, number, place, weights).flatMap(fed => tied(fed.layer, fed.slices))
    if (!layer) return []
    if (layer.sums) return tied(layer.reads[0], look.sum(number, place, weights).slices)
    return mapsRead(layer, place.channel, read => look.shape(read)).map(({ read, channel }) => ({ layer: read, channel, amount: 1 }))
  }

  /** The parts of maps that the value is computed from, or that it feeds.
   * @param {Chosen} chosen
   */
  regions({ layer: number, place }) {
    const { look } = this
    if (look && this.ways.isBackward) return regionsFed(look, feeds(look, number, place, this.weights))
    const { layers, image } = this.content
    const layer = layers[number]
    return layer ? regionsRead(layer, place, read => layers[read]?.shape ?? image) : []
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
    this.ownPanel.show(this.own, this.shares(outputs), this.isReading)
  }

  /** How sure it is of each class, image by image.
   * @param {Float32Array} outputs
   */
  shares(outputs) {
    const each = this.content.view.outputs
    return Array.from({ length: outputs.length / each }, (_, k) => probabilities(outputs.subarray(k * each, (k + 1) * each), this.content.ending))
  }
}

/** The layer that is looked at first: the first windows over several maps, or over the image.
 * @param {import("./columns.js").Layer[]} layers
 */
function mostTelling(layers) {
  const found = layers.findIndex(({ sums, window, groups, reads }) => sums === "window" && groups === 1 && reads[0] !== -1 && window && window.size[0] > 1)
  return Math.max(found, 0)
}

/** The shares of a layer's maps in a sum.
 * @param {number} layer @param {import("../wasm/window.js").Slice[]} slices
 */
function tied(layer, slices) {
  /** @type {Map<number, number>} */
  const amounts = new Map()
  for (const { place, product } of slices.flatMap(({ rows }) => rows.flat())) amounts.set(place.channel, (amounts.get(place.channel) ?? 0) + product)
  return [...amounts].map(([channel, amount]) => ({ layer, channel, amount }))
}

/** Buttons with images to read instead of a drawing.
 * @param {Page} page @param {Uint8Array} images @param {number[]} labels
 */
function offer(page, images, labels) {
  const size = page.content.image.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1)
  for (let k = 0; k < images.length / size; k++) {
    const image = images.slice(k * size, (k + 1) * size)
    const canvas = make("canvas", { "aria-hidden": "true" })
    picture(canvas, image, page.content.image)
    const take = () => page.take(image, labels[k])
    byId("samples").append(make("button", { type: "button", "aria-label": PHRASES.image(k + 1), onclick: take }, canvas))
  }
}

/** @param {any} content @param {Link} link @param {Page} page */
async function teach({ training, classes, image, skill }, link, page) {
  const [pixels, labels, images, own] = await Promise.all([training.test, training.testLabels, training.images, training.labels].map(bytes))
  const [tested, numbers] = [labels, own].map(each => new Int32Array(/** @type {Uint8Array} */ (each).buffer))
  const wanted = (/** @type {Iterable<number>} */ each) => (training.wanted ? targets(each, training.wanted) : Int32Array.from(each))
  const test = { images: /** @type {Uint8Array} */ (pixels), labels: /** @type {Int32Array} */ (tested) }
  const told = { module: await moduleOf(training.module), plan: training.plan, images, wanted: wanted(numbers ?? []), start: await arrays(training.start), test }
  const look = (/** @type {Uint8Array} */ its, /** @type {number} */ label) => page.take(its, label)
  const wrong = new WrongPanel({ classes, image }, test, look)
  const learning = new LearningPanel(link, told, skill.isUntrained ? null : page.weights)
  const taught = new TeachPanel({ classes, image }, learning, wanted, () => page.image, look)
  link.on("tested", ({ misread, count }) => {
    say(byId("tested"), numeral(`${((100 * (count - misread.length)) / count).toFixed(2)} %`))
    wrong.update(misread)
    page.measured(count - misread.length, count)
    taught.ask()
  })
  link.on("read", ({ about, outputs }) => about && taught.update(page.shares(outputs).map(sure => (page.isReading ? likeliest(sure) : -1))))
  new RecipePanel(training.recipe, told, renewed => learning.renew(renewed))
}

/** @param {Iterable<number>} labels @param {number[][]} wanted */
const targets = (labels, wanted) => Float32Array.from([...labels].flatMap(label => wanted[label] ?? []))

async function open() {
  new Tabs(/** @type {HTMLElement} */ (document.querySelector(".side")), true)
  const content = JSON.parse(byId("content").textContent)
  if (typeof WebAssembly === "undefined" || !canUnpack) return say(byId("problem"), PHRASES.oldBrowser)
  const module = await moduleOf(content.module)
  if (!WebAssembly.validate(module.code)) return say(byId("problem"), PHRASES.oldBrowser)
  const values = await arrays(content.values)
  const link = new Link(byId("worker").textContent)
  const page = new Page(content, values, link)
  const opened = new Promise(done => link.on("opened", done))
  link.tell("open", { module, view: content.view, values })
  if (content.samples) offer(page, await bytes(content.samples.images), content.samples.labels)
  await opened
  byId("samples").querySelector("button")?.click()
  performance.mark("ready")
  if (content.training) await teach(content, link, page)
}

open()
