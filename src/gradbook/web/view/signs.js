// + and − in the drawing itself: for the units of the layer that is pointed at or focused, and between it and its neighbours.

import { make } from "./dom.js"
import { PHRASES } from "./phrases.js"

const ROOM = 36 // pixels that a row of buttons takes
const WIDE = { units: 92, behind: 32 }
const TIGHT = 80 // pixels between columns: less have no room for their buttons side by side

/**
 * @typedef {{column: number, isBehind: boolean, row: HTMLElement}} Group the units of a column, or what comes behind it
 */

export class Signs {
  /** @param {import("./model.js").Model} model @param {import("./builder.js").Builder} builder @param {import("./drawing.js").Drawing} drawing */
  constructor(model, builder, drawing) {
    this.model = model
    this.builder = builder
    this.drawing = drawing
    this.groups = /** @type {Group[]} */ ([])
    this.near = -1
    this.pressed = ""
    this.placed = /** @type {import("./layout.js").Layout | null} */ (null)
    drawing.box.addEventListener("pointermove", event => this.approach(event))
    drawing.box.addEventListener("pointerdown", event => this.approach(event))
    drawing.box.addEventListener("pointerleave", () => this.show(this.focused()))
    drawing.box.addEventListener("focusin", () => this.show(this.focused()))
    drawing.box.addEventListener("focusout", event => event.relatedTarget || this.show(-1))
  }

  /** Around a new drawing; what was pressed is focused again. */
  update() {
    const { layout } = this.drawing
    if (layout && layout !== this.placed) this.place(layout)
  }

  /** @param {import("./layout.js").Layout} layout @private */
  place(layout) {
    const { isUpright, spans, shown, width } = layout
    const stage = /** @type {HTMLElement} */ (this.drawing.box.firstElementChild)
    this.placed = layout
    const scale = shown / width
    this.groups = this.model.content.columns.flatMap((/** @type {import("./layout.js").Column} */ _, /** @type {number} */ k) => [...this.units(k), ...this.behind(k)])
    for (const { column: k, isBehind, row } of this.groups) {
      const [from, to] = (isBehind ? [spans[k][1], spans[k + 1][0]] : spans[k]).map(it => it * scale)
      const along = (from + to - (isUpright ? ROOM : WIDE[isBehind ? "behind" : "units"])) / 2
      if (isUpright) Object.assign(row.style, { top: `${isBehind ? along : from - ROOM}px`, [isBehind ? "right" : "left"]: "0" })
      else Object.assign(row.style, { left: `${along}px`, top: `${isBehind && to - from < TIGHT ? ROOM : 0}px` })
    }
    stage.append(...this.groups.map(({ row }) => row))
    stage.classList.toggle("signed", !isUpright)
    if (document.activeElement === document.body) /** @type {HTMLElement | null} */ (stage.querySelector(`[data-sign="${this.pressed}"]`))?.focus({ preventScroll: true })
    this.pressed = ""
    this.show(this.near)
  }

  /** @param {number} k @returns {Group[]} @private */
  units(k) {
    const units = this.builder.unitsOf(this.model.content.columns[k].layers)
    if (!units) return []
    const { what, value, least, put } = units
    const buttons = [-1, 1].map(by => this.button(by < 0 ? "−" : "+", `${by} ${k}`, PHRASES.change(what, value, value + by), () => value + by >= least && put(value + by)))
    if (value <= least) buttons[0].setAttribute("aria-disabled", "true")
    return [{ column: k, isBehind: false, row: make("div", { class: "signs" }, buttons[0], make("span", {}, String(value)), buttons[1]) }]
  }

  /** @param {number} k @returns {Group[]} @private */
  behind(k) {
    const { columns } = this.model.content
    if (!columns[k + 1]?.layers.length) return []
    const { maps } = columns[k]
    const { layers } = columns[k].layers.length || !k ? columns[k] : columns[k - 1] // of the last step, which stands apart
    const layer = layers[layers.length - 1] ?? -1
    const button = this.button("+", `behind ${k}`, PHRASES.addHidden(this.builder.called(layer)), () => this.builder.addBehind(layer, maps.length > 0))
    return [{ column: k, isBehind: true, row: make("div", { class: "signs behind" }, button) }]
  }

  /** @param {string} sign @param {string} key @param {string} label @param {() => void} act @private @returns {HTMLElement} */
  button(sign, key, label, act) {
    const press = () => {
      this.pressed = key
      act()
    }
    return make("button", { type: "button", class: "sign", "aria-label": label, title: label, "data-sign": key, onclick: press }, sign)
  }

  /** @param {PointerEvent} event @private */
  approach({ clientX, clientY }) {
    const { layout, box } = this.drawing
    const stage = box.firstElementChild?.getBoundingClientRect()
    if (!layout || !stage) return
    const at = (layout.isUpright ? clientY - stage.top : clientX - stage.left) * layout.width / layout.shown
    const far = layout.spans.map(([from, to]) => Math.max(from - at, at - to))
    this.show(far.indexOf(Math.min(...far)))
  }

  /** The column in which something is focused, or none. @private */
  focused() {
    const { activeElement } = document
    const own = this.groups.find(({ row }) => row.contains(activeElement))
    if (own) return own.column
    const line = Number(activeElement?.getAttribute("data-line") ?? -1)
    return this.model.content.columns.findIndex((/** @type {import("./layout.js").Column} */ { units, maps }) =>
      units.some(unit => unit && (unit.values.includes(line) || unit.above === line)) || maps.flat(3).includes(line))
  }

  /** @param {number} column @private */
  show(column) {
    this.near = column
    for (const { column: k, isBehind, row } of this.groups) row.classList.toggle("near", k === column || (isBehind && k + 1 === column))
  }
}
