// A line letter by letter, and where each looks: arcs to earlier letters, the thicker the larger
// the share of attention, and the shares of the letter that is pointed at.

import { byId, draw, exact, make, say, set } from "../view/dom.js"
import { numeral } from "../view/language.js"
import { PHRASES } from "./phrases.js"

/** @typedef {import("./writer.js").Attention} Attention */

const MEAN = -1 // of all heads
const [LABELS, BOX, TOP] = [58, 34, 12] // pixels: names of heads, a letter's box, above the arcs
const [NARROWEST, WIDEST] = [36, 84] // room for a letter
const ROW = 24 // of the table
const THICKEST = 14

export class ArcsPanel {
  /** @param {Attention[]} layers their heads @param {number} context how many letters there may be @param {() => void} turned to another letter */
  constructor(layers, context, turned) {
    this.heads = layers.flatMap(({ heads }, layer) => Array.from({ length: heads }, (_, head) => ({ layer, head })))
    this.layers = layers
    this.context = context
    this.turned = turned
    this.head = MEAN
    this.letters = [""]
    this.chosen = 0
    /** @type {number | null} */
    this.peeked = null
    /** @type {Float32Array[]} */
    this.shares = []
    this.svg = draw("svg", { "aria-hidden": "true" })
    this.row = make("div", { class: "letters", onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event), onpointerleave: () => this.peek(null) })
    this.table = make("table", { class: "shares" })
    this.stage = make("div", { class: "stage" }, this.svg, this.row, this.table)
    byId("arcs").append(this.stage)
    byId("which-heads").append(...[MEAN, ...this.heads.keys()].map(head => this.choice(head)))
    new ResizeObserver(() => this.lay()).observe(byId("arcs"))
  }

  /** The letter whose arcs are shown. */
  get at() {
    return this.peeked ?? this.chosen
  }

  /** @param {number} head */
  choice(head) {
    const pick = () => {
      this.head = head
      this.paint()
    }
    return make("label", {}, make("input", { type: "radio", name: "head", checked: head === MEAN, onchange: pick }), this.nameOf(head))
  }

  /** @param {number} head */
  nameOf(head) {
    const { layer = 0, head: own = 0 } = this.heads[head] ?? {}
    return head === MEAN ? PHRASES.mean : this.layers.length > 1 ? `${layer + 1}.${own + 1}` : String(own + 1)
  }

  /** Show a line; its last letter is the chosen one if the line is another than before.
   * @param {string[]} letters @param {Float32Array[]} shares of each layer
   */
  show(letters, shares) {
    const isOther = letters.join() !== this.letters.join()
    this.shares = shares
    if (isOther) {
      this.letters = letters
      this.chosen = letters.length - 1
      this.peeked = null
      this.row.replaceChildren(...letters.map((letter, k) => this.box(letter, k)))
      this.lay()
    } else this.paint()
  }

  /** @param {string} letter @param {number} place */
  box(letter, place) {
    return make("button", { type: "button", "aria-label": letter || PHRASES.start, onclick: () => this.choose(place), onfocus: () => this.choose(place), onpointerenter: (/** @type {PointerEvent} */ event) => event.pointerType === "mouse" && this.peek(place) }, letter || "·")
  }

  /** @param {number} place */
  choose(place) {
    this.chosen = place
    this.peek(null)
  }

  /** @param {number | null} place */
  peek(place) {
    this.peeked = place
    this.paint()
    this.turned()
  }

  /** @param {KeyboardEvent} event */
  key({ key }) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[key]
    if (way) this.row.children[Math.min(Math.max(this.chosen + way, 0), this.letters.length - 1)].focus()
  }

  /** The share of a letter in what another attends to.
   * @param {number} head @param {number} to @param {number} from @returns {number}
   */
  share(head, to, from) {
    if (head === MEAN) return this.heads.reduce((sum, _, k) => sum + this.share(k, to, from), 0) / Math.max(this.heads.length, 1)
    const { layer, head: own } = /** @type {{layer: number, head: number}} */ (this.heads[head])
    return this.shares[layer]?.[(own * this.context + to) * this.context + from] ?? 0
  }

  /** Give every letter its place. */
  lay() {
    const { clientWidth, clientHeight } = byId("arcs")
    const { length } = this.letters
    this.step = Math.min(Math.max((clientWidth - LABELS) / length, NARROWEST), WIDEST)
    this.base = Math.max(clientHeight - ROW * (this.heads.length + 1) - BOX - 12, 0)
    const width = Math.floor(LABELS + this.step * length)
    this.stage.style.width = `${width}px`
    set(this.svg, "width", String(width))
    set(this.svg, "height", String(this.base))
    Object.assign(this.row.style, { top: `${this.base}px`, height: `${BOX}px` })
    this.table.style.top = `${this.base + BOX + 8}px`
    ;[...this.row.children].forEach((box, k) => Object.assign(box.style, { left: `${this.middle(k) - BOX / 2}px`, width: `${BOX}px` }))
    this.paint()
  }

  /** @param {number} place */
  middle(place) {
    return LABELS + (place + 0.5) * (this.step ?? 0)
  }

  paint() {
    const { at, base = 0, letters } = this
    ;[...this.row.children].forEach((box, k) => {
      box.classList.toggle("chosen", k === at)
      box.classList.toggle("read", k < at)
      box.tabIndex = k === this.chosen ? 0 : -1
    })
    const pairs = letters.flatMap((_, to) => letters.slice(0, to + 1).map((_, from) => ({ to, from })))
    const ordered = [...pairs.filter(({ to }) => to !== at), ...pairs.filter(({ to }) => to === at)]
    this.svg.replaceChildren(...ordered.map(({ to, from }) => {
      const share = this.share(this.head, to, from)
      const [x, y] = [this.middle(from), this.middle(to)]
      const d = from === to ? `M${x - 5} ${base}c-12 -34 22 -34 10 0` : `M${x} ${base}A${(y - x) / 2} ${Math.min((y - x) / 2, base - TOP)} 0 0 1 ${y} ${base}`
      return draw("path", { d, class: to === at ? "own" : "", "stroke-width": (0.4 + THICKEST * share).toFixed(1) })
    }))
    this.table.replaceChildren(make("tbody", {}, ...[MEAN, ...this.heads.keys()].map(head => make("tr", { class: head === this.head ? "shown" : "" },
      make("th", { scope: "row" }, head === MEAN ? PHRASES.mean : PHRASES.head(this.nameOf(head))),
      ...letters.map((_, from) => {
        const cell = make("td")
        if (from > at) return cell
        const share = this.share(head, at, from)
        cell.title = exact(share)
        cell.style.setProperty("--share", String(share))
        say(cell, numeral(share.toFixed(2).replace(/^0/, "")))
        return cell
      })))))
  }
}
