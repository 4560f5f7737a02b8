// The columns of maps, from the image to the last layer, and the lines between them.

import { byId, draw, make, say, set } from "../view/dom.js"
import { sizeOf } from "../wasm/window.js"
import { tint } from "./paint.js"
import { PHRASES } from "./phrases.js"
import { firstShown, GAP, laidOut, mapsRead, origin, projected, scaledTo, stagesOf } from "./stages.js"

/** @typedef {import("./stages.js").Layer} Layer */
/** @typedef {import("./stages.js").Stage} Stage */
/** @typedef {import("../wasm/look.js").Look} Look */
/** @typedef {import("../wasm/window.js").Place} Place */
/** @typedef {import("../wasm/window.js").Region} Region */
/** @typedef {{layer: number, place: Place}} Chosen */
/** @typedef {{canvas: HTMLCanvasElement, holder: HTMLElement, frame: HTMLElement}} MapOf */
/** @typedef {{layer: number, channel: number, amount: number}} Tie a map that the chosen value is computed from, or feeds */

const [HEADS, FOOT, MARGIN] = [106, 34, 16] // above the maps, below them, beside them
const MOST_LINES = 1_500 // from one column to another
const THICKEST = 4
/** @type {Record<string, [number, number]>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

export class ColumnsPanel {
  /** @param {Layer[]} layers @param {Layer} image @param {string[]} classes @param {(chosen: Chosen) => void} choose @param {(chosen: Chosen | null) => void} peek at another for as long as it is pointed at */
  constructor(layers, image, classes, choose, peek) {
    this.layers = layers
    this.image = image
    this.choose = choose
    this.peek = peek
    this.stages = stagesOf(layers, image)
    this.shown = this.stages.map(stage => firstShown(stage, layers))
    /** @type {Look | null} */
    this.look = null
    this.isBackward = false
    this.here = { stage: 0, place: { channel: 0, row: 0, column: 0 } } // the chosen value as its column shows it
    this.maps = this.stages.map((stage, number) => Array.from({ length: stage.isUnits ? 1 : stage.channels }, (_, channel) => buttonOf(number, channel, stage.isUnits)))
    this.heads = this.stages.map((_, number) => this.head(number))
    this.rest = draw("path")
    this.lit = draw("g", { class: "lit" })
    this.names = classes.every(name => name.length < 3) ? classes.map(name => draw("text", {}, name)) : [] // beside the last units
    this.svg = draw("svg", { "aria-hidden": "true" }, draw("g", { class: "rest" }, this.rest), this.lit, ...this.names)
    this.field = make("div", { class: "columns" }, this.svg, ...this.stages.map((_, k) => make("div", { class: "layer" }, this.heads[k]?.element ?? "", ...(this.maps[k] ?? []).map(map => map.holder))))
    /** @type {import("./stages.js").Column[]} */
    this.places = []
    this.box = byId("maps")
    this.box.append(this.field)
    this.again = () => {}
    this.listen()
    new ResizeObserver(() => this.lay()).observe(this.box)
  }

  listen() {
    const { field } = this
    field.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => event.pointerType === "mouse" && this.point(this.spot(event)))
    field.addEventListener("pointerleave", () => this.peek(null))
    field.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const found = this.spot(event)
      if (!found) return
      const { stage, place } = found
      if (event.detail) this.choose(this.behind(stage, place))
      else this.go(stage, place.channel) // no pointer says where
    })
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(event))
  }

  /** The name of the layer that a column shows, and a menu if it has several.
   * @param {number} number
   */
  head(number) {
    const { layers } = /** @type {Stage} */ (this.stages[number])
    const [name, kind, size] = ["span", "small", "small"].map(tag => make(tag))
    const options = layers.map(own => make("option", { value: own }, `${this.layer(own).name}: ${this.layer(own).words}`))
    const menu = make("select", { "aria-label": PHRASES.picker.layer, onchange: () => this.turn(number, Number(menu.value)) }, ...options)
    const element = make("label", { class: layers.length > 1 ? "head several" : "head" }, name, kind, size, ...(layers.length > 1 ? [menu] : []))
    const write = () => {
      const shown = this.shown[number] ?? -1
      const layer = this.layer(shown)
      name.replaceChildren(nameOf(layer))
      say(kind, kindOf(this.layer(layers[0] ?? -1)))
      say(size, layer.shape.slice(1).join("×"))
      set(element, "title", layers.map(own => this.layer(own).words).join(" · "))
      menu.value = String(shown)
    }
    write()
    return { element, write }
  }

  /** Show another layer of a column.
   * @param {number} number @param {number} layer
   */
  turn(number, layer) {
    this.shown[number] = layer
    this.heads[number]?.write()
    this.paint(number)
    this.again()
  }

  /** Show the layer of a value.
   * @param {number} layer
   */
  open(layer) {
    const number = this.stageOf(layer)
    if (this.shown[number] !== layer) this.turn(number, layer)
  }

  /** @param {number} number */
  layer(number) {
    return this.layers[number] ?? this.image
  }

  /** @param {number} layer */
  stageOf(layer) {
    return this.stages.findIndex(({ layers }) => layers.includes(layer))
  }

  /** @param {ReturnType<ColumnsPanel["spot"]>} spot */
  point(spot) {
    this.peek(spot && this.behind(spot.stage, spot.place))
  }

  /** The value under the pointer, as its column shows it.
   * @param {MouseEvent} event @returns {{stage: number, place: Place} | null}
   */
  spot(event) {
    const holder = event.target instanceof Element && event.target.closest(".map")
    if (!(holder instanceof HTMLElement)) return null
    const [number, channel] = [Number(holder.dataset.stage), Number(holder.dataset.channel)]
    const map = this.maps[number]?.[channel]
    const column = this.places[number]
    if (!map || !column) return null
    const { row, column: at } = spotOf(event, map.canvas)
    const { isUnits, channels } = /** @type {Stage} */ (this.stages[number])
    if (!isUnits) return { stage: number, place: { channel, row, column: at } }
    const unit = at * column.rows + row
    return unit < channels ? { stage: number, place: { channel: unit, row: 0, column: 0 } } : null
  }

  /** What is chosen with a value: forward, the sum that it was made of.
   * @param {number} number @param {Place} place @returns {Chosen}
   */
  behind(number, place) {
    const [stage, shown] = [/** @type {Stage} */ (this.stages[number]), this.shown[number] ?? -1]
    return this.look && !this.isBackward ? origin(this.layers, stage, shown, place, this.look) : { layer: shown, place }
  }

  /** Arrows go from map to map; with Shift, from value to value.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const way = WAYS[event.key]
    if (!way || !(event.target instanceof HTMLElement) || !event.target.matches(".map")) return
    event.preventDefault()
    const { stage, place } = this.here
    const { shape } = this.layer(this.shown[stage] ?? -1)
    if (event.shiftKey && !this.stages[stage]?.isUnits) {
      const within = (/** @type {number} */ k, /** @type {number} */ all) => Math.min(Math.max(k, 0), all - 1)
      return this.choose(this.behind(stage, { channel: place.channel, row: within(place.row + way[1], shape[1]), column: within(place.column + way[0], shape[2]) }))
    }
    const next = Math.min(Math.max(stage + way[0], 0), this.stages.length - 1)
    const channels = this.stages[next]?.channels ?? 1
    const channel = way[0] ? Math.floor(((place.channel + 0.5) / shape[0]) * channels) : Math.min(Math.max(place.channel + way[1], 0), channels - 1)
    this.go(next, channel)
    this.button(next, channel).focus()
  }

  /** Choose about the same place of another map.
   * @param {number} stage @param {number} channel
   */
  go(stage, channel) {
    const { here, shown } = this
    const [from, to] = [here.stage, stage].map(number => this.layer(shown[number] ?? -1).shape)
    if (from && to) this.choose(this.behind(stage, { ...scaledTo(here.place, from, to), channel }))
  }

  /** @param {number} stage @param {number} channel @returns {HTMLElement} */
  button(stage, channel) {
    const map = this.maps[stage]?.[this.stages[stage]?.isUnits ? 0 : channel]
    return /** @type {MapOf} */ (map).holder
  }

  /** @param {Look | null} look @param {boolean} isBackward */
  update(look, isBackward) {
    this.look = look
    this.isBackward = isBackward
    this.stages.forEach((_, number) => this.paint(number))
  }

  /** @param {number} number of a column */
  paint(number) {
    const [stage, maps, layer] = [/** @type {Stage} */ (this.stages[number]), this.maps[number] ?? [], this.shown[number] ?? -1]
    const kind = this.isBackward ? this.look?.gradients : this.look?.values
    const { shape } = this.layer(layer)
    const values = kind?.get(layer) ?? new Float32Array(sizeOf(shape))
    const most = values.reduce((found, value) => Math.max(found, Math.abs(value)), 0)
    const size = values.length / maps.length
    maps.forEach(({ canvas }, k) => {
      if (!stage.isUnits) return tint(canvas, values.subarray(k * size, (k + 1) * size), shape[1], shape[2], most)
      const rows = this.places[number]?.rows ?? stage.channels
      const across = Math.ceil(stage.channels / rows)
      tint(canvas, Float32Array.from({ length: rows * across }, (_, at) => values[(at % across) * rows + Math.floor(at / across)] ?? 0), rows, across, most)
    })
  }

  /** Put the columns where they fit. */
  lay() {
    const { clientWidth, clientHeight } = this.box
    const { columns, width } = laidOut(this.stages, clientWidth - 2 * MARGIN, clientHeight - HEADS - FOOT)
    this.places = columns.map(column => ({ ...column, x: column.x + MARGIN, top: column.top + HEADS }))
    this.field.style.width = `${width + 2 * MARGIN}px`
    set(this.svg, "width", String(width + 2 * MARGIN))
    set(this.svg, "height", String(clientHeight))
    this.stages.forEach((stage, number) => {
      const column = /** @type {import("./stages.js").Column} */ (this.places[number])
      const head = this.heads[number]?.element
      head.style.left = `${column.x + column.width / 2}px`
      this.maps[number]?.forEach(({ holder }, channel) => {
        const { x, y } = this.corner(number, channel)
        Object.assign(holder.style, { left: `${x}px`, top: `${y}px`, width: `${stage.isUnits ? column.width : column.side}px`, height: `${stage.isUnits ? column.rows * column.side : column.side}px` })
      })
      if (stage.isUnits) this.paint(number)
    })
    this.names.forEach((name, unit) => {
      const { x, y, side } = this.corner(this.stages.length - 1, unit)
      set(name, "x", String(x + side + 4))
      set(name, "y", String(y + side / 2 + 4))
    })
    this.rest.setAttribute("d", this.stages.map((_, number) => this.linesTo(number)).join(""))
    this.again()
  }

  /** Where a map or a unit begins.
   * @param {number} number @param {number} channel
   */
  corner(number, channel) {
    const { x, top, rows, side } = this.places[number] ?? { x: 0, top: 0, rows: 1, side: 0 }
    const step = side + (this.stages[number]?.isUnits ? 0 : GAP)
    return { x: x + Math.floor(channel / rows) * step, y: top + (channel % rows) * step, side }
  }

  /** Lines from all maps that a column's maps read.
   * @param {number} number
   */
  linesTo(number) {
    const stage = /** @type {Stage} */ (this.stages[number])
    const first = this.layers[stage.layers[0] ?? -1]
    if (!first) return ""
    const lines = Array.from({ length: stage.channels }, (_, to) => mapsRead(first, to, read => this.layer(read).shape).map(({ read, channel }) => ({ from: this.stageOf(read), channel, to }))).flat()
    const stride = Math.ceil(lines.length / MOST_LINES)
    return lines.filter((_, k) => k % stride === 0).map(({ from, channel, to }) => this.curve(from, channel, number, to)).join("")
  }

  /** @param {number} from @param {number} channel @param {number} to @param {number} unit */
  curve(from, channel, to, unit) {
    const [begin, end] = [this.corner(from, channel), this.corner(to, unit)]
    const [x, y, u, v] = [begin.x + begin.side, begin.y + begin.side / 2, end.x, end.y + end.side / 2]
    const middle = Math.max((x + u) / 2, u - 60)
    return `M${x} ${y}C${middle} ${y} ${middle} ${v} ${u} ${v}`
  }

  /** Frame a value and the parts of other maps that are related to it, with lines to these maps.
   * @param {Chosen} chosen @param {Region[]} regions @param {Tie[]} ties
   */
  frame({ layer, place }, regions, ties) {
    this.again = () => this.frame({ layer, place }, regions, ties)
    for (const maps of this.maps) for (const { frame, holder } of maps) {
      frame.hidden = true
      holder.classList.remove("chosen", "read")
    }
    for (const region of regions) this.mark(region, "read")
    const { row, column, channel } = place
    this.mark({ layer, channel, top: row, left: column, bottom: row, right: column }, "chosen")
    const number = this.stageOf(layer)
    this.button(this.here.stage, this.here.place.channel).tabIndex = -1
    this.here = { stage: number, place: this.shownPlace(layer, place) }
    this.button(number, channel).tabIndex = 0
    const others = ties.filter(tie => this.stageOf(tie.layer) !== number).sort((a, b) => Math.abs(a.amount) - Math.abs(b.amount))
    const most = Math.abs(others[others.length - 1]?.amount ?? 0) || 1
    this.lit.replaceChildren(...others.map(({ layer: other, channel: its, amount }) => {
      const far = this.stageOf(other)
      const d = far < number ? this.curve(far, its, number, channel) : this.curve(number, channel, far, its)
      return draw("path", { d, class: amount < 0 ? "negative" : "", "stroke-width": (0.7 + (THICKEST * Math.abs(amount)) / most).toFixed(1) })
    }))
  }

  /** Where a column shows a value of one of its layers.
   * @param {number} layer @param {Place} place
   */
  shownPlace(layer, place) {
    const number = this.stageOf(layer)
    return projected(this.layers, /** @type {Stage} */ (this.stages[number]), layer, place, this.shown[number] ?? -1)
  }

  /** @param {Region} region @param {string} kind */
  mark({ layer, channel, top, left, bottom, right }, kind) {
    const number = this.stageOf(layer)
    const stage = /** @type {Stage} */ (this.stages[number])
    const map = this.maps[number]?.[stage.isUnits ? 0 : channel]
    if (!map) return
    map.holder.classList.add(kind)
    if (stage.isUnits) {
      const rows = this.places[number]?.rows ?? stage.channels
      const [row, column] = [channel % rows, Math.floor(channel / rows)]
      return placed(map, { left: column, right: column, top: row, bottom: row }, kind)
    }
    const [begin, end] = [this.shownPlace(layer, { channel, row: top, column: left }), this.shownPlace(layer, { channel, row: bottom, column: right })]
    placed(map, { left: begin.column, right: end.column, top: begin.row, bottom: end.row }, kind)
  }
}

/** Frame a part of a map.
 * @param {MapOf} map @param {{left: number, right: number, top: number, bottom: number}} part @param {string} kind
 */
export function placed({ canvas: { width, height }, frame }, { left, right, top, bottom }, kind) {
  const [from, to, up, down] = [Math.max(left, 0), Math.min(right, width - 1), Math.max(top, 0), Math.min(bottom, height - 1)]
  frame.hidden = false
  set(frame, "class", `frame ${kind}`)
  frame.style.left = `${(100 * from) / width}%`
  frame.style.width = `${(100 * (to - from + 1)) / width}%`
  frame.style.top = `${(100 * up) / height}%`
  frame.style.height = `${(100 * (down - up + 1)) / height}%`
}

/** The place of a canvas that is pointed at.
 * @param {MouseEvent} event @param {HTMLCanvasElement} canvas
 */
export function spotOf({ clientX, clientY }, canvas) {
  const box = canvas.getBoundingClientRect()
  const at = (/** @type {number} */ share, /** @type {number} */ all) => Math.min(Math.max(Math.floor(share * all), 0), all - 1)
  return { row: at((clientY - box.top) / box.height, canvas.height), column: at((clientX - box.left) / box.width, canvas.width) }
}

/** A map with a frame in it.
 * @param {string} tag @param {Record<string, any>} attributes @returns {MapOf}
 */
export function mapOf(tag, attributes) {
  const [canvas, frame] = [make("canvas"), make("i", { class: "frame", hidden: true })]
  return { canvas, frame, holder: make(tag, { class: "map", ...attributes }, canvas, frame) }
}

/** @param {number} number @param {number} channel @param {boolean} isUnits */
function buttonOf(number, channel, isUnits) {
  return mapOf("button", { type: "button", tabindex: -1, "data-stage": number, "data-channel": channel, "aria-label": isUnits ? PHRASES.values : PHRASES.map(channel + 1) })
}

/** @param {{letter: string, below: string, colour: string}} layer */
export function nameOf({ letter, below, colour }) {
  return make("span", { class: `name k-${colour}` }, make("i", {}, letter), ...(below ? [make("sub", {}, below)] : []))
}

/** A layer in a word: conv, dense.
 * @param {Layer} layer
 */
const kindOf = ({ kind, words }) => (kind === "image" ? PHRASES.picture : words.split(" ")[0] ?? "")
