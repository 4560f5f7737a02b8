// "Teach it your 7": images of the reader, added to the training images.

import { Random } from "../machine/chance.js"
import { copies } from "../picture/copies.js"
import { byId, make, save, say } from "../view/dom.js"
import { table } from "./own.js"
import { picture } from "./paint.js"
import { PHRASES } from "./phrases.js"

/** @typedef {{image: Uint8Array, label: number, copies: Uint8Array, read: HTMLElement}} Taught */
/** @typedef {(labels: number[]) => Int32Array | Float32Array} Wanted the targets of images with these labels */

export const MOST = 2_000 // images, as in wasm/training.js
const FIRST_SHOWN = 6 // copies

export class TeachPanel {
  /** @param {{classes: string[], image: [number, number, number]}} content @param {import("./learning.js").LearningPanel} learning @param {Wanted} wanted @param {() => Uint8Array | null} now the image that is looked at @param {(image: Uint8Array, label: number) => void} look */
  constructor({ classes, image }, learning, wanted, now, look) {
    this.classes = classes
    this.shape = image
    this.learning = learning
    this.wanted = wanted
    this.now = now
    this.look = look
    /** @type {Taught[]} */
    this.all = []
    this.random = new Random(7)
    byId("teach-class").append(...classes.map((name, number) => make("option", { value: number }, name)))
    byId("teach-add").addEventListener("click", () => this.take())
    byId("teach-save").addEventListener("click", () => this.save())
    const field = byId("teach-open")
    field.addEventListener("change", () => this.open(field.files[0]))
  }

  get size() {
    return this.shape[0] * this.shape[1] * this.shape[2]
  }

  take() {
    const image = this.now()
    const count = this.copiesWanted()
    if (!image) return this.tell(PHRASES.nothingDrawn)
    if (!count) return this.tell(PHRASES.noCopies(MOST))
    const label = Number(byId("teach-class").value)
    if (this.add(image, label, count)) this.tell(PHRASES.added(count, this.classes[label] ?? "", this.learning.next))
  }

  /** How many copies are wanted; 0 if the field has no allowed number. */
  copiesWanted() {
    const count = Number(byId("teach-copies").value)
    return Number.isInteger(count) && count >= 1 && count <= MOST ? count : 0
  }

  /** @param {Uint8Array} image @param {number} label @param {number} count @returns {boolean} whether they fit */
  add(image, label, count) {
    const left = MOST - this.all.reduce((sum, own) => sum + own.copies.length / this.size, 0)
    if (count > left) this.tell(PHRASES.full(MOST, left))
    else {
      this.all.push({ image: image.slice(), label, copies: copies(image, this.shape, count, this.random), read: make("span") })
      this.changed()
    }
    return count <= left
  }

  /** @param {Taught} one */
  remove(one) {
    this.all = this.all.filter(own => own !== one)
    this.changed()
    this.tell(PHRASES.removed(this.classes[one.label] ?? ""))
    byId("teach-add").focus()
  }

  changed() {
    const { all, size } = this
    const images = new Uint8Array(all.reduce((sum, own) => sum + own.copies.length, 0))
    /** @type {number[]} */
    const labels = []
    for (const { copies: own, label } of all) {
      images.set(own, labels.length * size)
      labels.push(...Array.from({ length: own.length / size }, () => label))
    }
    this.learning.add({ images, wanted: this.wanted(labels) })
    byId("taught").replaceChildren(...all.map(one => this.card(one)))
    byId("teach-save").disabled = !all.length
    this.ask()
  }

  /** Asks how each is read now; `update` gets the answer. */
  ask() {
    const { all, size } = this
    const images = new Uint8Array(all.length * size)
    all.forEach(({ image }, k) => images.set(image, k * size))
    if (all.length) this.learning.link.tell("read", { about: "taught", images })
  }

  /** @param {number[]} answers the class of each, or −1 if the network can't read yet */
  update(answers) {
    answers.forEach((answer, k) => {
      const one = this.all[k]
      if (one) say(one.read, answer < 0 ? PHRASES.notYet : PHRASES.isRead(this.classes[answer] ?? ""))
      if (one) one.read.className = answer === one.label ? "read right" : "read"
    })
  }

  /** @param {Taught} one */
  card(one) {
    const { image, label, copies: own, read } = one
    const name = this.classes[label] ?? ""
    const each = Array.from({ length: Math.min(own.length / this.size, FIRST_SHOWN) }, (_, k) => {
      const canvas = make("canvas", { "aria-hidden": "true" })
      picture(canvas, own.subarray(k * this.size, (k + 1) * this.size), this.shape)
      return canvas
    })
    return make("li", {},
      make("button", { type: "button", "aria-label": PHRASES.yours(name), onclick: () => this.look(image, label) }, ...each),
      make("span", {}, PHRASES.own(name, own.length / this.size)), read,
      make("button", { type: "button", "aria-label": PHRASES.removeOne(name), onclick: () => this.remove(one) }, PHRASES.remove))
  }

  /** Saves a row for each: its label and its pixels. */
  save() {
    const [channels, rows, columns] = this.shape
    const pixels = (/** @type {Uint8Array} */ image) => Array.from({ length: this.size }, (_, k) => image[(k % channels) * rows * columns + Math.floor(k / channels)])
    const lines = this.all.map(({ image, label }) => [label, ...pixels(image)].join(","))
    save(PHRASES.fileName, new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }))
  }

  /** @param {File | undefined} file */
  async open(file) {
    if (!file) return
    byId("teach-open").value = ""
    try {
      const found = table(await file.text(), file.name, this.shape)
      found.forEach(({ label }, k) => {
        if (label === null) throw new Error(PHRASES.unlabelled(k + 1))
        if (!Number.isInteger(label) || label < 0 || label >= this.classes.length) throw new Error(PHRASES.noClass(k + 1, this.classes.length - 1))
      })
      const count = this.copiesWanted()
      if (!count) return this.tell(PHRASES.noCopies(MOST))
      if (found.every(({ image, label }) => this.add(image, label ?? 0, count))) this.tell(PHRASES.opened(found.length))
    } catch (error) {
      this.tell(`${file.name}: ${error instanceof Error ? error.message : error}`)
    }
  }

  /** @param {string} words */
  tell(words) {
    say(byId("teach-said"), words)
  }
}
