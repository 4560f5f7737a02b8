// Values in a drawing: their numbers and slopes, and how they are pointed at, chosen and changed.

import { draw, say, set, short } from "./dom.js"
import { fixed } from "./factors.js"

const PULL = 2 // pixels that a pointer moves before a number changes

/** @typedef {{line: number, isBack: boolean, gone: Set<number>}} Pass a step of a pass */

export class ValueDrawing {
  /** @param {import("./model.js").Model} model @param {HTMLElement} box */
  constructor(model, box) {
    this.model = model
    this.box = box
    this.names = model.content.names
    this.isHeld = false
    this.lighted = "" // what is lit up, and whether the rest is dimmed
    this.feeds = feeds(model.content.partials)
    this.texts = /** @type {[SVGTextElement, number, boolean, number?][]} */ ([])
    this.marks = /** @type {[Element, (lit: Set<number>) => boolean][]} */ ([])
    this.handles = /** @type {[Element, number][]} */ ([])
    this.labelled = /** @type {[Element, number][]} */ ([])
    this.step = /** @type {Pass | null} */ (null)
  }

  /** Forget what was drawn, and take the tables of the current network. */
  clear() {
    const { content } = this.model
    Object.assign(this, { names: content.names, feeds: feeds(content.partials), texts: [], marks: [], handles: [], labelled: [], lighted: "" })
  }

  /** @param {number} line @param {number} x @param {number} y @param {string} anchor @param {number} [decimals] always so many */
  number(line, x, y, anchor, decimals) {
    const text = draw("text", { x, y, class: "number", "text-anchor": anchor })
    this.texts.push([text, line, false, decimals])
    return text
  }

  /** ∂E/∂ of a value.
   * @param {number} line @param {number} x @param {number} y @param {string} anchor
   */
  slope(line, x, y, anchor) {
    const text = draw("text", { x, y, class: "slope k-gradients", "text-anchor": anchor })
    this.texts.push([text, line, true])
    return text
  }

  /** The attributes with which a value is pointed at, chosen and, if it is free, changed.
   * @param {number} line
   */
  handle(line) {
    const free = this.model.isFree(line)
    return {
      tabindex: 0,
      role: free ? "slider" : "button",
      "data-line": line,
      onpointerenter: () => this.point(line),
      onpointerleave: () => this.point(null),
      onfocus: () => this.choose(line),
      onpointerdown: (/** @type {PointerEvent} */ event) => this.grab(event, line),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event, line),
    }
  }

  /** @param {number | null} line */
  point(line) {
    if (this.isHeld) return
    this.model.pointed = line
    this.model.changed()
  }

  /** @param {number} line */
  choose(line) {
    this.model.chosen = line
    this.model.pointed = null
    this.model.changed()
  }

  /** Choose it, and change it by moving up and down.
   * @param {PointerEvent} event @param {number} line
   */
  grab(event, line) {
    this.choose(line)
    if (!this.model.isFree(line) || event.button) return
    const value = this.model.at(line)
    const target = /** @type {Element} */ (event.currentTarget)
    const grain = this.grainOf(value)
    this.isHeld = true
    const move = (/** @type {Event} */ moved) => {
      const by = this.pulled(event, /** @type {PointerEvent} */ (moved))
      if (Math.abs(by) > PULL) this.model.put(line, rounded(value + by * grain, grain / 100))
    }
    const end = () => {
      this.isHeld = false
      removeEventListener("pointermove", move)
    }
    addEventListener("pointermove", move)
    addEventListener("pointerup", end, { once: true })
    addEventListener("pointercancel", end, { once: true })
    if (target.classList.contains("label")) this.focusOn(line)
  }

  /** How much a pixel changes a number.
   * @param {number} _value
   */
  grainOf(_value) {
    return 0.01
  }

  /** How far a number was pulled, in pixels; a finger scrolls instead.
   * @param {PointerEvent} from @param {PointerEvent} to
   */
  pulled(from, to) {
    return to.pointerType === "touch" ? 0 : from.clientY - to.clientY
  }

  /** @param {number} line */
  shows(line) {
    return this.handles.some(([, of]) => of === line)
  }

  /** @param {number} line */
  focusOn(line) {
    const found = this.handles.find(([, of]) => of === line)
    if (found) /** @type {SVGElement} */ (found[0]).focus({ preventScroll: true })
    else this.choose(line)
  }

  /** @param {KeyboardEvent} event @param {number} line */
  key(event, line) {
    const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }
    const step = steps[/** @type {keyof typeof steps} */ (event.key)]
    if (!step || !this.model.isFree(line)) return this.move(event, line)
    event.preventDefault()
    const value = this.model.at(line)
    const grain = this.grainOf(value) * (event.shiftKey ? 0.1 : 1)
    this.model.put(line, rounded(value + step * grain, this.grainOf(value) * 1e-4))
  }

  /** Move to another value by keys, where a drawing has that.
   * @param {KeyboardEvent} _event @param {number} _line
   */
  move(_event, _line) {}

  /** Show the current numbers, and describe every value to those who hear it. */
  sayNumbers() {
    const { model } = this
    for (const [text, line, isSlope, decimals] of this.texts) {
      const value = isSlope ? this.slopeOf(line) : model.shownAt(line)
      say(text, decimals ? fixed(value, Number(value.toFixed(decimals)) === value || decimals > 3 ? decimals : 4) : (isSlope ? "∂ " : "") + short(value))
    }
    for (const [handle, line] of this.handles) {
      const value = model.at(line)
      const said = this.names[line].said
      if (model.isFree(line)) {
        set(handle, "aria-label", said)
        set(handle, "aria-valuenow", String(value))
        set(handle, "aria-valuetext", short(value))
      } else set(handle, "aria-label", `${said} = ${short(value)}`)
    }
  }

  /** @param {number} line */
  slopeOf(line) {
    return this.model.slopeAt(line)
  }

  /** Show a step of a pass: its value, and the values of earlier steps.
   * @param {Pass | null} step
   */
  wave(step) {
    this.step = step
    this.lighted = ""
    for (const [element, line] of [...this.handles, ...this.labelled]) {
      element.classList.toggle("now", step !== null && this.isNow(step.line, line))
      element.classList.toggle("coming", step !== null && !step.isBack && !step.gone.has(line) && this.model.content.formulas[line] !== undefined)
      element.classList.toggle("back", step !== null && step.isBack && step.gone.has(line))
    }
    this.box.classList.remove("dimmed")
    if (step) for (const [element] of this.marks) element.classList.remove("lit")
  }

  /** Whether a value is shown as the one of this step.
   * @param {number} line of the step @param {number} own
   */
  isNow(line, own) {
    return line === own
  }

  /** The value whose path is highlighted. */
  get litFrom() {
    return this.model.shown
  }

  /** Highlight the path from the shown value to the error, and nothing else. */
  lightUp() {
    if (this.step) return
    const shown = this.litFrom
    const isOn = shown !== this.model.content.loss
    const dims = isOn && (this.model.pointed !== null || this.box.contains(document.activeElement))
    const key = `${shown} ${dims}`
    if (key === this.lighted) return
    this.lighted = key
    const lit = reached(shown, this.feeds)
    this.box.classList.toggle("dimmed", dims)
    for (const [element, isLit] of this.marks) element.classList.toggle("lit", isOn && isLit(lit))
    for (const [element, line] of [...this.handles, ...this.labelled]) element.classList.toggle("chosen", line === shown)
    this.showWindow(shown)
  }

  /** Show what a value is computed from, where a drawing has that.
   * @param {number} _line
   */
  showWindow(_line) {}
}

/** A number of so many grains.
 * @param {number} value @param {number} grain
 */
const rounded = (value, grain) => Number((Math.round(value / grain) * grain).toPrecision(12))

// Which values feed which -------------------------------------------------------

/** Which values each value feeds.
 * @param {[number, number, string][]} partials
 */
export function feeds(partials) {
  const found = new Map()
  for (const [of, to] of partials) found.set(to, [...(found.get(to) ?? []), of])
  return found
}

/** All values on the path from one to the error.
 * @param {number} from @param {Map<number, number[]>} feeds
 */
export function reached(from, feeds) {
  const found = new Set([from])
  for (const value of found) for (const fed of feeds.get(value) ?? []) found.add(fed)
  return found
}

/** The lines that a formula mentions.
 * @param {string} template
 */
export const mentioned = template => [...template.matchAll(/⟦(\d+)⟧/g)].map(found => Number(found[1]))
