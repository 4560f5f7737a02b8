// Mistakes on images that it isn't trained on: a confusion matrix, and the misread images.

import { byId, make, say } from "../view/dom.js"
import { picture } from "./paint.js"
import { PHRASES } from "./phrases.js"

/** @typedef {{number: number, answer: number}} Misread */
/** @typedef {{is: number, read: number}} Pair */

const MOST_SHOWN = 24 // misread images
/** @type {Record<string, [number, number]>} */
const WAYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }

export class WrongPanel {
  /** @param {{classes: string[], image: [number, number, number]}} content @param {{images: Uint8Array, labels: Int32Array}} test @param {(image: Uint8Array, label: number) => void} look */
  constructor({ classes, image }, test, look) {
    this.classes = classes
    this.shape = image
    this.test = test
    this.look = look
    /** @type {Misread[]} */
    this.misread = []
    /** @type {Pair | null} */
    this.chosen = null // the kind of mistake that is shown alone
    this.at = { is: 0, read: 0 } // the one cell that Tab reaches
    this.cells = classes.map((_, is) => classes.map((_, read) => this.cell({ is, read })))
    const head = make("tr", {}, make("td"), ...classes.map(name => make("th", { scope: "col" }, name)))
    const rows = this.cells.map((cells, k) => make("tr", {}, make("th", { scope: "row" }, classes[k] ?? ""), ...cells.map(({ place }) => place)))
    const table = make("table", { class: "confusion", onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event) },
      make("caption", {}, PHRASES.confusion), make("thead", {}, head), make("tbody", {}, ...rows))
    this.count = make("p", { class: "remark" })
    this.cards = make("ul", { class: "cards" })
    byId("confusion").replaceChildren(table)
    byId("misread").replaceChildren(this.count, this.cards)
  }

  /** @param {Pair} pair */
  cell(pair) {
    const isFirst = pair.is + pair.read === 0
    const button = make("button", { type: "button", tabindex: isFirst ? 0 : -1, onclick: () => this.choose(pair) })
    const place = make("td", { class: pair.is === pair.read ? "right" : "" }, button)
    return { button, place }
  }

  /** @param {Pair} pair */
  choose(pair) {
    const { chosen } = this
    this.chosen = chosen?.is === pair.is && chosen.read === pair.read ? null : pair
    this.reach(pair)
    this.show()
  }

  /** @param {Pair} pair */
  reach(pair) {
    this.cells[this.at.is]?.[this.at.read]?.button.setAttribute("tabindex", "-1")
    this.at = pair
    this.cells[pair.is]?.[pair.read]?.button.setAttribute("tabindex", "0")
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const way = WAYS[event.key]
    if (!way) return
    event.preventDefault()
    const within = (/** @type {number} */ k) => Math.min(Math.max(k, 0), this.classes.length - 1)
    this.reach({ is: within(this.at.is + way[0]), read: within(this.at.read + way[1]) })
    this.cells[this.at.is]?.[this.at.read]?.button.focus()
  }

  /** @param {Misread[]} misread */
  update(misread) {
    this.misread = misread
    const counts = this.classes.map(() => this.classes.map(() => 0))
    const count = (/** @type {number} */ is, /** @type {number} */ read, /** @type {number} */ by) => {
      const row = counts[is]
      if (row) row[read] = (row[read] ?? 0) + by
    }
    for (const label of this.test.labels) count(label, label, 1)
    for (const { number, answer } of misread) {
      count(this.label(number), this.label(number), -1)
      count(this.label(number), answer, 1)
    }
    this.cells.forEach((cells, is) => {
      const all = Math.max(counts[is]?.reduce((sum, each) => sum + each, 0) ?? 0, 1)
      cells.forEach(({ button, place }, read) => {
        const own = counts[is]?.[read] ?? 0
        say(button, own ? String(own) : "")
        button.setAttribute("aria-label", PHRASES.cell(this.classes[is] ?? "", this.classes[read] ?? "", own))
        place.style.setProperty("--share", String(Math.sqrt(own / all)))
      })
    })
    this.show()
  }

  /** @param {number} number */
  label(number) {
    return this.test.labels[number] ?? 0
  }

  /** Show the misread images, or those of one kind of mistake. */
  show() {
    const { chosen, classes, test } = this
    this.cells.forEach((cells, is) => cells.forEach(({ button }, read) => button.setAttribute("aria-pressed", String(chosen?.is === is && chosen.read === read))))
    const right = chosen && chosen.is === chosen.read ? this.rightOnes(chosen.is) : null
    const found = right ?? this.misread.filter(({ number, answer }) => !chosen || (this.label(number) === chosen.is && answer === chosen.read))
    const words = chosen ? PHRASES.pair(found.length, classes[chosen.is] ?? "", classes[chosen.read] ?? "") : PHRASES.misread(found.length, test.labels.length)
    say(this.count, found.length > MOST_SHOWN ? PHRASES.some(words, MOST_SHOWN) : words)
    this.cards.replaceChildren(...found.slice(0, MOST_SHOWN).map(one => this.card(one)))
  }

  /** @param {number} label @returns {Misread[]} */
  rightOnes(label) {
    const wrong = new Set(this.misread.map(({ number }) => number))
    return [...this.test.labels].flatMap((own, number) => (own === label && !wrong.has(number) ? [{ number, answer: label }] : []))
  }

  /** @param {Misread} one */
  card({ number, answer }) {
    const size = this.shape[0] * this.shape[1] * this.shape[2]
    const image = this.test.images.subarray(number * size, (number + 1) * size)
    const canvas = make("canvas", { "aria-hidden": "true" })
    picture(canvas, image, this.shape)
    const label = this.label(number)
    const words = PHRASES.readAs(this.classes[label] ?? "", this.classes[answer] ?? "")
    return make("li", {}, make("button", { type: "button", onclick: () => this.look(image, label) }, canvas, make("span", {}, words)))
  }
}
