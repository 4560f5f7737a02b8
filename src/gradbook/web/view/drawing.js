// The network: units in columns, a line for each weight, and on each its numbers as they are now.

import { draw, nameText, say, set, short } from "./dom.js"

const HALF = 74 // a half of a unit: a sum, or an activation
const TALL = 58
const SMALL = { width: 82, height: 40 } // of a bias or a target
const NARROW = 620 // pixels: below, the network goes from top to bottom
const MOST_LABELS = 12 // between two columns
const FRACTIONS = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82]
const LABEL = { width: 86, height: 34 }
const SMALLEST = 0.85 // of its size, that the drawing shrinks to before it scrolls
const LONGEST_CAPTION = 17 // characters
const PLAIN = 48 // a gap that no weight has to stand in

/**
 * @typedef {{values: number[], above: number | null, from: [number, number | null][]}} Unit
 * @typedef {{words: string[], left_out: number, units: (Unit | null)[]}} Column
 * @typedef {{x: number, y: number, unit: Unit, width: number}} Spot
 * @typedef {{a: number[], b: number[], row: number, weight: number | null, ends: [Unit, Unit]}} Way
 */

export class Drawing {
  /** @param {import("./model.js").Model} model @param {HTMLElement} box */
  constructor(model, box) {
    this.model = model
    this.box = box
    this.names = model.content.names
    this.room = 0
    this.upright = false
    this.isHeld = false
    this.lighted = "" // what is lit up, and whether the rest is dimmed
    this.feeds = feeds(model.content.partials)
    this.texts = /** @type {[SVGTextElement, number, boolean][]} */ ([])
    this.marks = /** @type {[Element, (lit: Set<number>) => boolean][]} */ ([])
    this.handles = /** @type {[Element, number][]} */ ([])
    this.lines = /** @type {[Element, number][]} */ ([])
    this.labelled = /** @type {[Element, number][]} */ ([])
    new ResizeObserver(() => this.relaid()).observe(box)
    this.relaid()
  }

  relaid() {
    const room = this.box.clientWidth
    const upright = room < NARROW && this.needed() <= room
    if (!room || (this.room && upright === this.upright && Math.abs(room - this.room) < 24)) return
    Object.assign(this, { room, upright, texts: [], marks: [], handles: [], lines: [], labelled: [] })
    this.lighted = ""
    this.render()
    this.update()
    this.lightUp()
  }

  /** @private */
  render() {
    const { spots, width, height } = this.placed()
    const room = this.box.clientWidth - 2
    const ways = this.ways(spots)
    const svg = draw("svg", {
      viewBox: `0 0 ${width} ${height}`, width: Math.max(SMALLEST * width, Math.min(width, room)), role: "group", class: "net",
      "aria-label": "The network: every value and every weight",
    })
    const groups = ways.map(way => this.edge(way))
    svg.append(...groups, ...this.labels(ways, spots))
    for (const spot of spots.flat()) if (spot) svg.append(...this.unit(spot))
    svg.append(...this.captions(spots, height))
    this.box.replaceChildren(svg)
  }

  /** How wide the network is from top to bottom.
   * @private
   */
  needed() {
    const columns = /** @type {Column[]} */ (this.model.content.columns)
    return Math.max(...columns.map(column => column.units.length * (unitWidth(column) + besideUnits(column) + 4)))
  }

  /** Where every unit stands.
   * @private
   */
  placed() {
    const columns = /** @type {Column[]} */ (this.model.content.columns)
    const wide = columns.map(unitWidth)
    const most = Math.max(...columns.map(c => c.units.length))
    const hasAbove = columns.some(c => c.units.some(u => u?.above != null))
    if (this.upright) {
      const beside = columns.map(besideUnits)
      const width = this.room - 2
      const spots = columns.map((column, k) => {
        const step = Math.min(wide[k] + beside[k] + 60, width / column.units.length)
        return column.units.map((unit, j) => unit && {
          unit, width: unit.values.length * HALF,
          x: width / 2 + (j - (column.units.length - 1) / 2) * step - beside[k] / 2,
          y: 44 + k * 150,
        })
      })
      return { spots, width, height: 44 + (columns.length - 1) * 150 + 60 }
    }
    const step = Math.max(hasAbove ? 128 : 84, Math.min(128, 520 / most))
    const total = wide.reduce((a, b) => a + b, 0)
    const named = columns.map(c => c.units.some(u => u?.from.some(([, weight]) => weight !== null)))
    const weighted = named.filter(Boolean).length
    const plain = (columns.length - 1 - weighted) * PLAIN
    const gap = Math.max(LABEL.width + 16, Math.min(260, (this.room - total - plain - 8) / Math.max(weighted, 1)))
    const width = total + weighted * gap + plain + 8
    const height = most * step + 58 + (hasAbove ? 24 : 0)
    let left = 4
    const spots = columns.map((column, k) => {
      const x = left + wide[k] / 2
      left += wide[k] + (named[k + 1] ? gap : PLAIN)
      return column.units.map((unit, j) => unit && {
        unit, width: unit.values.length * HALF, x,
        y: (hasAbove ? 24 : 0) + (most * step) / 2 + (j - (column.units.length - 1) / 2) * step,
      })
    })
    return { spots, width, height }
  }

  /** @param {(Spot | null)[][]} spots @returns {Way[]} @private */
  ways(spots) {
    const found = /** @type {Way[]} */ ([])
    spots.forEach((column, k) => column.forEach(spot => {
      for (const [row, weight] of spot ? spot.unit.from : []) {
        const source = spots[k - 1][row]
        if (!spot || !source) continue
        const [a, b] = this.upright
          ? [[source.x, source.y + TALL / 2], [spot.x, spot.y - TALL / 2]]
          : [[source.x + source.width / 2, source.y], [spot.x - spot.width / 2, spot.y]]
        found.push({ a, b, row, weight, ends: [source.unit, spot.unit] })
      }
    }))
    return found
  }

  /** @param {Way} way @private */
  edge({ a, b, weight, ends }) {
    const d = `M${a.join(" ")}L${b.join(" ")}`
    const line = draw("path", { d, class: "line" })
    const [source, goal] = [ends[0].values[ends[0].values.length - 1], ends[1].values[0]]
    const isLit = (/** @type {Set<number>} */ lit) =>
      weight !== null && lit.has(weight) ? true : lit.has(source) && lit.has(goal)
    if (weight === null) {
      const group = draw("g", { class: "edge plain" }, line)
      this.marks.push([group, isLit])
      return group
    }
    this.lines.push([line, weight])
    const group = draw("g", { class: "edge", ...this.handle(weight) }, draw("path", { d, class: "hit" }), line)
    this.handles.push([group, weight])
    this.marks.push([group, isLit])
    return group
  }

  /** The weights' names and numbers, each on its line, where they have room.
   * @param {Way[]} ways @param {(Spot | null)[][]} spots @private
   */
  labels(ways, spots) {
    const groups = spots.map((_, k) => ways.filter(w => w.weight !== null && spots[k].some(s => s?.unit === w.ends[1])))
    return groups.flatMap(group => {
      const found = group.length <= MOST_LABELS ? bestPlaces(group) : null
      return group.map((way, k) => this.label(way, found ? found[k] : point(way, 0.5), !found))
    })
  }

  /** @param {Way} way @param {number[]} at @param {boolean} isQuiet shown only while it is chosen @private */
  label(way, [x, y], isQuiet) {
    const weight = /** @type {number} */ (way.weight)
    const group = draw("g", { class: isQuiet ? "label quiet" : "label" })
    group.append(
      draw("rect", { x: x - LABEL.width / 2, y: y - 18, width: LABEL.width, height: LABEL.height, rx: 8, class: "paper" }),
      draw("text", { x: x - 38, y: y - 3, class: `name k-${this.names[weight].kind}` }, ...nameText(this.names[weight], 15)),
      this.number(weight, x + 38, y - 3, "end"),
    )
    if (this.model.slopeOf.has(weight)) group.append(this.slope(weight, x + 38, y + 12, "end"))
    group.addEventListener("pointerenter", () => this.point(weight))
    group.addEventListener("pointerleave", () => this.point(null))
    group.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.grab(event, weight))
    this.marks.push([group, lit => lit.has(weight)])
    this.labelled.push([group, weight])
    return group
  }

  /** @param {Spot} spot @private */
  unit({ unit, x, y, width }) {
    const parts = unit.values.map((line, k) => this.half(line, {
      x: x - width / 2 + k * HALF, y: y - TALL / 2,
      round: [k === 0, k === unit.values.length - 1],
    }))
    if (unit.above === null) return parts
    const [left, top] = this.upright
      ? [x + width / 2 + 8, y - SMALL.height / 2 - 6]
      : [x - SMALL.width / 2, y - TALL / 2 - SMALL.height - 6]
    const link = this.upright
      ? `M${x + width / 2} ${y}h8` : `M${x} ${y - TALL / 2}v-6`
    return [draw("path", { d: link, class: "link" }), this.small(unit.above, left, top), ...parts]
  }

  /** @param {number} line @param {{x: number, y: number, round: boolean[]}} where @private */
  half(line, { x, y, round }) {
    const name = this.names[line]
    const group = draw("g", { class: `unit f-${name.kind}`, ...this.handle(line) },
      draw("path", { d: pill(x, y, HALF, TALL, round), class: "shape" }),
      draw("text", { x: x + HALF / 2, y: y + 19, class: `name k-${name.kind}`, "text-anchor": "middle" }, ...nameText(name, 16)),
      this.number(line, x + HALF / 2, y + 35, "middle"))
    if (this.model.content.slopes[line] !== undefined) group.append(this.slope(line, x + HALF / 2, y + 50, "middle"))
    this.handles.push([group, line])
    this.marks.push([group, lit => lit.has(line)])
    return group
  }

  /** A bias or a target.
   * @param {number} line @param {number} x @param {number} y @private
   */
  small(line, x, y) {
    const name = this.names[line]
    const { width, height } = SMALL
    const group = draw("g", { class: `unit f-${name.kind}`, ...this.handle(line) },
      draw("rect", { x, y, width, height, rx: 12, class: "shape" }),
      draw("text", { x: x + 7, y: y + 17, class: `name k-${name.kind}` }, ...nameText(name, 14)),
      this.number(line, x + width - 6, y + 17, "end"))
    if (this.model.slopeOf.has(line)) group.append(this.slope(line, x + width - 6, y + 32, "end"))
    this.handles.push([group, line])
    this.marks.push([group, lit => lit.has(line)])
    return group
  }

  /** @param {(Spot | null)[][]} spots @param {number} height @private */
  captions(spots, height) {
    if (this.upright) return []
    return spots.map((column, k) => {
      const spot = column.find(it => it)
      const { words, left_out: more } = this.model.content.columns[k]
      const said = more ? [...words, `${more} more`] : words
      return draw("text", { x: spot?.x ?? 0, y: height - 32, class: "caption", "text-anchor": "middle" },
        ...lined(said).map((/** @type {string} */ word, /** @type {number} */ j) =>
          draw("tspan", { x: spot?.x ?? 0, dy: j ? 14 : 0 }, word)))
    })
  }

  /** @param {number} line @param {number} x @param {number} y @param {string} anchor @private */
  number(line, x, y, anchor) {
    const text = draw("text", { x, y, class: "number", "text-anchor": anchor })
    this.texts.push([text, line, false])
    return text
  }

  /** ∂E/∂ of a value.
   * @param {number} line @param {number} x @param {number} y @param {string} anchor @private
   */
  slope(line, x, y, anchor) {
    const text = draw("text", { x, y, class: "slope k-gradients", "text-anchor": anchor })
    this.texts.push([text, this.model.content.slopes[line], true])
    return text
  }

  /** What lets a value be pointed at, chosen, and changed where it is free.
   * @param {number} line @private
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

  /** @param {number | null} line @private */
  point(line) {
    if (this.isHeld) return
    this.model.pointed = line
    this.model.changed()
  }

  /** @param {number} line @private */
  choose(line) {
    this.model.chosen = line
    this.model.pointed = null
    this.model.changed()
  }

  /** Choose it, and change it by moving up and down.
   * @param {PointerEvent} event @param {number} line @private
   */
  grab(event, line) {
    this.choose(line)
    if (!this.model.isFree(line) || event.button) return
    const [from, value] = [event.clientY, this.model.at(line)]
    const target = /** @type {Element} */ (event.currentTarget)
    this.isHeld = true
    const move = (/** @type {Event} */ moved) => {
      const by = from - /** @type {PointerEvent} */ (moved).clientY
      if (Math.abs(by) > 2) this.model.put(line, Math.round((value + by * 0.01) * 1e4) / 1e4)
    }
    const end = () => {
      this.isHeld = false
      removeEventListener("pointermove", move)
    }
    if (event.pointerType !== "touch") addEventListener("pointermove", move)
    addEventListener("pointerup", end, { once: true })
    addEventListener("pointercancel", end, { once: true })
    if (target.classList.contains("label")) this.focusOn(line)
  }

  /** @param {number} line */
  focusOn(line) {
    const found = this.handles.find(([, of]) => of === line)
    if (found) /** @type {SVGElement} */ (found[0]).focus({ preventScroll: true })
    else this.choose(line)
  }

  /** @param {KeyboardEvent} event @param {number} line @private */
  key(event, line) {
    const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }
    const step = steps[/** @type {keyof typeof steps} */ (event.key)]
    if (step && this.model.isFree(line)) {
      event.preventDefault()
      const by = step * (event.shiftKey ? 0.001 : 0.01)
      this.model.put(line, Math.round((this.model.at(line) + by) * 1e6) / 1e6)
    }
  }

  /** Put in the numbers as they are. */
  update() {
    const { model } = this
    for (const [text, line, isSlope] of this.texts) {
      say(text, (isSlope ? "∂ " : "") + short(model.at(line)))
    }
    const most = Math.max(1e-9, ...this.lines.map(([, weight]) => Math.abs(model.at(weight))))
    for (const [line, weight] of this.lines) {
      const value = model.at(weight)
      set(line, "stroke-width", (1 + 4 * Math.min(1, Math.abs(value) / most) || 1).toFixed(1))
      line.classList.toggle("negative", value < 0)
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

  /** Light up the way from what is shown to the error, and nothing else. */
  lightUp() {
    const { shown } = this.model
    const isOn = shown !== this.model.content.loss
    const dims = isOn && (this.model.pointed !== null || this.box.contains(document.activeElement))
    const key = `${shown} ${dims}`
    if (key === this.lighted) return
    this.lighted = key
    const lit = reached(shown, this.feeds)
    this.box.classList.toggle("dimmed", dims)
    for (const [element, isLit] of this.marks) element.classList.toggle("lit", isOn && isLit(lit))
    for (const [element, line] of [...this.handles, ...this.labelled]) element.classList.toggle("chosen", line === shown)
  }
}

/** @param {Column} column */
const unitWidth = column => Math.max(...column.units.map(unit => unit?.values.length ?? 1)) * HALF

/** What biases or targets take beside their units.
 * @param {Column} column
 */
const besideUnits = column => (column.units.some(unit => unit?.above != null) ? SMALL.width + 8 : 0)

/** Words in lines that are not much longer than a unit is wide.
 * @param {string[]} phrases
 */
function lined(phrases) {
  const lines = /** @type {string[]} */ ([])
  for (const phrase of phrases) {
    lines.push("")
    for (const word of phrase.split(" ")) {
      const longer = `${lines[lines.length - 1]} ${word}`.trim()
      if (longer.length > LONGEST_CAPTION && lines[lines.length - 1]) lines.push(word)
      else lines[lines.length - 1] = longer
    }
  }
  return lines
}

/** Which values each value feeds.
 * @param {[number, number, string][]} partials
 */
function feeds(partials) {
  const found = new Map()
  for (const [of, to] of partials) found.set(to, [...(found.get(to) ?? []), of])
  return found
}

/** All values on the way from one to the error.
 * @param {number} from @param {Map<number, number[]>} feeds
 */
function reached(from, feeds) {
  const found = new Set([from])
  for (const value of found) for (const fed of feeds.get(value) ?? []) found.add(fed)
  return found
}

/** @param {Way} way @param {number} fraction */
const point = ({ a, b }, fraction) => a.map((start, k) => start + fraction * (b[k] - start))

/** Where labels are farthest apart, if they have room: all at one part of their lines, or those of
 * every other row at another.
 * @param {Way[]} ways
 */
function bestPlaces(ways) {
  let [best, most] = [/** @type {number[][] | null} */ (null), 0]
  const pairs = FRACTIONS.flatMap((even, k) => FRACTIONS.slice(k).map(odd => [even, odd]))
  for (const pair of pairs) {
    const places = ways.map(way => point(way, pair[way.row % 2]))
    const room = Math.min(roomOf(places), 8) - Math.abs(pair[0] - pair[1])
    if (room > most) [best, most] = [places, room]
  }
  return best
}

/** The least room between two labels.
 * @param {number[][]} places
 */
function roomOf(places) {
  let least = Infinity
  places.forEach(([x, y], k) => places.slice(k + 1).forEach(([u, v]) => {
    least = Math.min(least, Math.max(Math.abs(x - u) - LABEL.width, Math.abs(y - v) - LABEL.height + 3))
  }))
  return least
}

/** A box that is round at its ends.
 * @param {number} x @param {number} y @param {number} width @param {number} height @param {boolean[]} round
 */
function pill(x, y, width, height, [left, right]) {
  const r = 20
  const [end, foot] = [x + width, y + height]
  const east = right ? `H${end - r}Q${end} ${y} ${end} ${y + r}V${foot - r}Q${end} ${foot} ${end - r} ${foot}` : `H${end}V${foot}`
  const west = left ? `H${x + r}Q${x} ${foot} ${x} ${foot - r}V${y + r}Q${x} ${y} ${x + r} ${y}` : `H${x}V${y}`
  return `M${left ? x + r : x} ${y}${east}${west}Z`
}
