// The window of a convolution or a pool as it slides over a map: its input and its output.

import { make, say } from "../../view/dom.js"
import { regionsRead, sizeOf } from "../../wasm/window.js"
import { mapOf, placed, spotOf } from "../columns.js"
import { tint } from "../paint.js"
import { PHRASES } from "../phrases.js"

/** @typedef {import("../columns.js").Layer} Layer */
/** @typedef {import("../../wasm/look.js").Look} Look */
/** @typedef {import("./products.js").Chosen} Chosen */

const PACE = 350 // milliseconds at a place

export class Sliding {
  /** @param {Layer[]} layers @param {(chosen: Chosen) => void} choose */
  constructor(layers, choose) {
    this.layers = layers
    this.choose = choose
    /** @type {Chosen | null} */
    this.chosen = null
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined
    this.isMoving = false // and not sent elsewhere
    this.read = mapOf("span", { role: "img", "aria-label": PHRASES.values })
    this.made = mapOf("span", { role: "img", "aria-label": PHRASES.values })
    this.words = [this.read, this.made].map(() => make("figcaption", { class: "remark" }))
    this.figures = [this.read, this.made].map((map, k) => make("figure", {}, map.holder, this.words[k]))
    this.made.canvas.addEventListener("click", event => this.clicked(event))
    this.button = make("button", { type: "button", class: "by-itself", onclick: () => (this.timer ? this.stop() : this.start()) }, PHRASES.slide)
    const step = (/** @type {string} */ sign, /** @type {string} */ words, /** @type {number} */ by) => make("button", { type: "button", "aria-label": words, onclick: () => this.step(by) }, sign)
    this.buttons = make("div", { class: "bar-of-buttons" }, step("‹", PHRASES.before, -1), this.button, step("›", PHRASES.after, 1))
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", () => this.stop())
  }

  get isSliding() {
    return this.timer !== undefined
  }

  start() {
    this.timer = setInterval(() => document.hidden || this.move(1), PACE)
    say(this.button, PHRASES.stop)
  }

  stop() {
    clearInterval(this.timer)
    this.timer = undefined
    say(this.button, PHRASES.slide)
  }

  /** @param {number} by */
  step(by) {
    this.stop()
    this.move(by)
  }

  /** Move on by so many places, row by row, and from the end to the start.
   * @param {number} by
   */
  move(by) {
    const { chosen } = this
    const layer = chosen && this.layers[chosen.layer]
    if (!layer) return
    const [, rows, columns] = layer.shape
    const { channel, row, column } = chosen.place
    const all = rows * columns
    const next = (row * columns + column + by + all) % all
    this.isMoving = true
    this.choose({ layer: chosen.layer, place: { channel, row: Math.floor(next / columns), column: next % columns } })
    this.isMoving = false
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    if (!this.chosen) return
    const { layer, place: { channel } } = this.chosen
    this.choose({ layer, place: { channel, ...spotOf(event, this.made.canvas) } })
  }

  /** @param {Chosen} chosen @param {Look | null} look @param {number} channel that it reads */
  update(chosen, look, channel) {
    const layer = this.layers[chosen.layer]
    const isSliding = Boolean(look && layer?.window && sizeOf(layer.shape) > layer.shape[0])
    for (const element of [...this.figures, this.buttons]) element.classList.toggle("away", !isSliding)
    if ((!this.isMoving && chosen !== this.chosen) || !isSliding) this.stop()
    this.chosen = chosen
    if (!look || !layer || !isSliding) return
    const [number, { row, column, channel: own }] = [layer.reads[0] ?? 0, chosen.place]
    this.paint(this.read, look, number, channel)
    this.paint(this.made, look, chosen.layer, own)
    const region = regionsRead(layer, chosen.place, read => look.shape(read)).find(each => each.channel === channel)
    if (region) placed(this.read, region, "read")
    placed(this.made, { left: column, right: column, top: row, bottom: row }, "chosen")
    const names = [PHRASES.reading(channel + 1), PHRASES.making(own + 1)]
    this.words.forEach((words, k) => say(words, names[k] ?? ""))
  }

  /** @param {import("../columns.js").MapOf} map @param {Look} look @param {number} number @param {number} channel */
  paint({ canvas }, look, number, channel) {
    const [, rows, columns] = look.shape(number)
    const values = look.values.get(number) ?? new Float32Array()
    const most = values.reduce((found, value) => Math.max(found, Math.abs(value)), 0)
    tint(canvas, values.subarray(channel * rows * columns, (channel + 1) * rows * columns), rows, columns, most)
  }
}
