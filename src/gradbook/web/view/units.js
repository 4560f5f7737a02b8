// A network whose layers are columns of units, drawn as pictures or with its numbers: lines, the lit
// path, units, the unit that opens in place, the factors that stand on the path, and the card.

import { draw, make, nameText, nameWords, say, set } from "./dom.js"
import { CHIP, LABEL, along, cardIn, labelSome, overlap, pathOfWay } from "./field.js"
import { fixed, plainName } from "./factors.js"
import { isOutweighed } from "./line.js"
import { mark, tr, typed } from "./language.js"
import { reached } from "./values.js"

const OPENED = { side: 136, wide: 272, row: 25, most: 3 } // as wide as a product that is written out
const CARD = { width: 190, height: 112 }
const WIDTHS = { few: [1.7, 6.5], many: [1.15, 5] } // of lines: pixels for each 1 of a weight, and at most
const DOT = 1.9
const CAPTION = 34 // pixels at the foot of the field, for the words below it
const [NAMED, NUMBERED, WIDE] = [34, 16, 44] // pixels: larger boxes have a name, or at least a number
const LONG = 6 // letters below a name, beyond which it is written smaller

/**
 * @typedef {import("./field.js").Spot} Spot
 * @typedef {import("./field.js").Way} Way
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./factors.js").Reading} Reading
 * @typedef {import("./drawing.js").Drawing} Drawing
 */

export class Units {
  /** @param {Drawing} drawing @param {Field} field @param {import("./field.js").Room} room */
  constructor(drawing, field, room) {
    this.drawing = drawing
    this.model = drawing.model
    this.field = field
    this.room = room
    this.isNarrow = room.isNarrow
    this.chips = draw("g")
    this.leaders = draw("g") // from chips to the path, behind everything else
    this.arrow = draw("marker", { id: "back", viewBox: "0 0 10 12", refX: 10, refY: 6, markerWidth: 10, markerHeight: 12, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" },
      draw("path", { d: "M0 0L10 6L0 12Z" }))
    this.dot = draw("g", { class: "at-line", visibility: "hidden" }, draw("path"), draw("circle", { r: 5 }))
    this.canvas = make("canvas", { width: 2 * OPENED.side, height: 2 * OPENED.side })
    this.rows = make("dl")
    this.title = make("b")
    this.opened = make("div", { class: "opened", hidden: true, "aria-hidden": "true" }, this.canvas, this.title, this.rows)
    this.lines = ["value", "slope", "of", "next"].map(kind => make("p", { class: kind }))
    this.card = make("div", { class: "card", hidden: true, role: "status" }, ...this.lines)
    this.places = /** @type {Map<string, {left: number, top: number}[] | null>} */ (new Map()) // of factors, by their weight
    this.loose = field.isPicture ? [] : field.ways.filter(({ weight, label }) => weight !== null && !label) // whose numbers come and go
    this.labels = /** @type {Map<Way, SVGElement>} */ (new Map())
    this.labelled = -1 // the weight whose path has numbers
    this.names = /** @type {Map<import("./field.js").Unit, string>} */ (new Map())
    const last = Math.max(...field.spots.map(it => (it.kind === "output" ? it.column : 0)))
    const outputs = field.spots.filter(({ kind }) => kind === "output").length
    for (const { unit, column, kind } of field.spots) {
      const name = drawing.names[unit.values[0]]
      const feature = kind === "input" && drawing.pictures.grid.features.length ? drawing.pictures.grid.features[field.spots.filter(it => it.column === 0).findIndex(it => it.unit === unit)] : ""
      this.names.set(unit, feature || (kind === "output" && outputs === 1 && column === last ? name.letter : plainName(name)))
    }
  }

  /** All parts of the drawing, in the order in which they cover each other. */
  parts() {
    const { field } = this
    const glows = field.ways.map(way => this.glow(way))
    const edges = field.ways.map(way => this.edge(way))
    const units = field.spots.flatMap(spot => (field.isPicture ? [this.picture(spot)] : this.boxes(spot)))
    const labels = field.isPicture ? [] : field.ways.flatMap(way => this.label(way))
    const gaps = field.gaps.map(({ x, y, count }) => draw("text", { x, y, class: "caption", "text-anchor": "middle" }, `⋮ ${tr("{count} more", { count })}`))
    return [draw("defs", {}, this.arrow), ...glows, ...(field.isPicture ? [] : this.ends()), ...edges, this.leaders, this.dot, ...units, ...labels, ...gaps, this.chips]
  }

  /** The drawing's own elements over the picture. */
  get covers() {
    return [this.opened, this.card]
  }

  /** @param {Way} way @private */
  glow(way) {
    const glow = draw("path", { d: pathOfWay(way, this.field.isPicture), class: "glow" })
    this.drawing.marks.push([glow, this.litBy(way)])
    return glow
  }

  /** @param {Way} way @returns {(lit: Set<number>) => boolean} @private */
  litBy({ weight, ends: [source, goal] }) {
    const both = [source.values[source.values.length - 1], goal.values[0]]
    return lit => (weight !== null && lit.has(weight)) || both.every(value => lit.has(value))
  }

  /** @param {Way} way @private */
  edge(way) {
    const { drawing } = this
    const { weight, ends } = way
    const d = pathOfWay(way, this.field.isPicture)
    const line = draw("path", { d, class: "line" })
    drawing.ways.push([line, weight, [ends]])
    const isLit = this.litBy(way)
    if (weight === null) {
      const group = draw("g", { class: "edge plain" }, line)
      drawing.marks.push([group, isLit])
      return group
    }
    drawing.lines.push([line, weight])
    const group = draw("g", { class: "edge", ...drawing.handle(weight) }, draw("path", { d, class: "hit" }), line)
    group.dataset.ends = ends.map(it => it.values[0]).join(" ")
    drawing.handles.push([group, weight])
    drawing.marks.push([group, isLit])
    return group
  }

  /** How wide a line is.
   * @param {number} value
   */
  widthOf(value) {
    const [each, most] = this.field.isMany || this.isNarrow ? WIDTHS.many : WIDTHS.few
    return this.field.isPicture ? Math.max(0.8, Math.min(most, 0.7 + Math.abs(value) * each)) : Math.min(4.5, 1 + Math.abs(value) * 2.2)
  }

  // Pictures --------------------------------------------------------------------

  /** A unit as its picture, with its name outside.
   * @param {Spot} spot @private
   */
  picture({ unit, halves: [box], kind }) {
    const { drawing, field } = this
    const line = unit.values[unit.values.length - 1]
    const { left, top, width, height } = box
    const hasPicture = drawing.pictures.lines.has(line)
    const group = draw("g", { class: `unit seen f-${drawing.names[line].kind}`, ...drawing.handle(line) },
      draw("rect", { x: left, y: top, width, height, rx: width > 50 ? 9 : 8, class: hasPicture ? "shape" : "shape plain" }))
    if (!hasPicture && width > 34) group.append(drawing.number(line, left + width / 2, top + height / 2 + 4, "middle"))
    const words = this.names.get(unit) ?? ""
    const isBeside = field.isMany && !this.isNarrow && kind !== "hidden"
    const place = isBeside ? kind === "input" ? { x: left - 10, y: top + height / 2 + 5, "text-anchor": "end" } : { x: left + width + 10, y: top + height / 2 + 5 }
      : { x: left + width / 2, y: top + height + (field.isMany ? 12.5 : this.isNarrow ? 16 : 18), "text-anchor": "middle" }
    group.append(draw("text", { ...place, class: `name${field.isMany && !isBeside ? " tiny" : ""}` }, words))
    drawing.handles.push([group, line])
    drawing.marks.push([group, lit => lit.has(line)])
    return group
  }

  // Numbers ---------------------------------------------------------------------

  /** A unit as boxes with its sum and its activation, or an error with its target.
   * @param {Spot} spot @private
   */
  boxes({ unit, halves, small, kind }) {
    const parts = halves.map((half, k) => this.box(unit.values[unit.values.length - halves.length + k], half, kind))
    if (kind === "output" && halves.length > 1 && !this.isNarrow && halves[1].left > halves[0].left + halves[0].width) {
      const [first, last] = [halves[0], halves[halves.length - 1]]
      const frame = draw("rect", { x: first.left - 8, y: first.top - 8, width: last.left + last.width - first.left + 16, height: first.height + 16, rx: 15, class: "unit-frame" })
      this.drawing.marks.push([frame, lit => unit.values.every(line => lit.has(line))])
      parts.unshift(frame)
    }
    if (small && unit.above !== null) parts.push(...this.small(unit.above, small, halves[0], kind === "error"))
    return parts
  }

  /** @param {number} line @param {import("./field.js").Box} box @param {string} kind @private */
  box(line, { left, top, width, height }, kind) {
    const { drawing } = this
    const name = drawing.names[line]
    const isFine = kind === "error" || kind === "loss"
    const group = draw("g", { class: `unit f-${name.kind}`, ...drawing.handle(line) }, draw("rect", { x: left, y: top, width, height, rx: 10, class: "shape" }),
      ...(height > NAMED && width > NAMED ? [draw("text", { x: left + width / 2, y: top + height / 2 - (height > 56 ? 9 : 4), class: `name k-${name.kind}`, "text-anchor": "middle" }, ...nameText(kind === "loss" ? { ...name, below: "" } : name, name.below.length > LONG ? 11 : 16))] : []),
      ...(height > NUMBERED && width > WIDE ? [drawing.number(line, left + width / 2, top + height / 2 + (height > 56 ? 17 : height > NAMED ? 15 : 5), "middle", isFine ? (this.isNarrow ? 4 : 6) : 4)] : []))
    drawing.handles.push([group, line])
    drawing.marks.push([group, lit => lit.has(line)])
    return group
  }

  /** A bias below its unit, or a target beside its error.
   * @param {number} line @param {import("./field.js").Box} box @param {import("./field.js").Box} unit @param {boolean} isTarget @private
   */
  small(line, { left, top, width, height }, unit, isTarget) {
    const { drawing } = this
    const name = drawing.names[line]
    const [x, y] = [left + width, top + height / 2]
    const elbow = isTarget ? [draw("path", { d: `M${x} ${y}H${unit.left + 14}V${y > unit.top ? unit.top + unit.height : unit.top}`, class: "link" })] : []
    const group = draw("g", { class: `unit f-${name.kind}${isTarget ? "" : " bias"}`, ...drawing.handle(line) },
      draw("rect", { x: left, y: top, width, height, rx: 8, class: "shape" }),
      draw("text", { x: left + (isTarget ? 14 : 4), y: y + 5, class: `name k-${name.kind}` }, ...nameText(name, isTarget ? 15 : 13)),
      drawing.number(line, left + width - (isTarget ? 12 : 4), y + 5, "end", isTarget ? 2 : 4))
    drawing.handles.push([group, line])
    drawing.marks.push([group, lit => lit.has(line)])
    return [...elbow, group]
  }

  /** The links between sums, activations, errors and the loss.
   * @private
   */
  ends() {
    const { spots } = this.field
    const middle = (/** @type {import("./field.js").Box} */ { top, height }) => top + height / 2
    const link = (/** @type {string} */ d, /** @type {number[]} */ lines) => {
      const [glow, path] = ["glow", "link"].map(kind => draw("path", { d, class: kind }))
      for (const part of [glow, path]) this.drawing.marks.push([part, lit => lines.every(line => lit.has(line))])
      return [glow, path]
    }
    return spots.flatMap(({ unit, halves, kind }) => {
      const own = halves[halves.length - 1]
      const links = kind === "output" && !this.isNarrow ? halves.slice(1).flatMap((half, k) => link(`M${halves[k].left + halves[k].width} ${middle(half)}H${half.left}`, unit.values.slice(k, k + 2))) : []
      const read = spots.filter(it => it.kind !== "output" && it.kind !== "hidden" && it.kind !== "input" && it.unit.from.length && this.reads(it, unit))
      for (const { unit: goal, halves: [box], kind: what } of read) {
        const lines = [unit.values[unit.values.length - 1], goal.values[0]]
        if (what === "loss" && kind === "error") {
          const isAbove = own.top < box.top
          links.push(...link(`M${own.left + own.width / 2} ${isAbove ? own.top + own.height : own.top}V${isAbove ? box.top : box.top + box.height}`, lines))
        } else links.push(...link(`M${own.left + own.width} ${middle({ ...own, top: halves[0].top, height: own.top + own.height - halves[0].top })}H${(own.left + own.width + box.left) / 2}V${middle(box)}H${box.left}`, lines))
      }
      return links
    })
  }

  /** Whether a unit reads another of the column before.
   * @param {Spot} goal @param {import("./field.js").Unit} source @private
   */
  reads({ unit, column }, source) {
    const { columns } = this.model.content
    return unit.from.some(([row, , back = 1]) => columns[column - back]?.units[row] === source)
  }

  /** A weight's name above its number, on its line.
   * @param {Way} way @private
   */
  label(way) {
    const { drawing } = this
    const { weight } = way
    if (weight === null) return []
    const width = this.isNarrow ? LABEL.narrow : LABEL.wide
    const group = draw("g", { class: "label", "data-line": weight }, draw("rect", { width, height: LABEL.height, rx: 7, class: "paper" }),
      draw("text", { x: width / 2, y: 12, class: "name", "text-anchor": "middle" }, ...nameText(drawing.names[weight], 14)),
      drawing.number(weight, width / 2, 34, "middle"))
    this.labels.set(way, group)
    this.putLabel(way)
    group.addEventListener("pointerenter", () => drawing.point(weight))
    group.addEventListener("pointerleave", () => drawing.point(null))
    group.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => drawing.grab(event, weight))
    drawing.marks.push([group, lit => lit.has(weight)])
    drawing.labelled.push([group, weight])
    return [group]
  }

  /** @param {Way} way @private */
  putLabel(way) {
    const group = this.labels.get(way)
    if (!group) return
    set(group, "transform", way.label ? `translate(${way.label.left} ${way.label.top})` : "")
    set(group, "visibility", way.label ? "visible" : "hidden")
  }

  /** Where not all numbers have room, those of the lit path have, then those of the weights beside it.
   * @param {import("./factors.js").Place} place @private
   */
  labelPath({ weight, unit }) {
    const { drawing, field, loose } = this
    if (!loose.length || weight === this.labelled) return
    this.labelled = weight
    const lit = reached(weight, drawing.feeds)
    const own = loose.filter(way => way.weight === weight)
    const path = loose.filter(way => this.litBy(way)(lit))
    const beside = loose.filter(({ ends }) => ends[1] === unit)
    labelSome(field, loose, [...new Set([...own, ...path, ...beside])], this.isNarrow)
    for (const way of loose) this.putLabel(way)
    drawing.tell()
  }

  // What follows the pointer ------------------------------------------------------

  /** Show the moment's numbers: on the path, on the card, in the unit that is open.
   * @param {Reading | null} reading @param {number | null} pointed @param {number} chosen
   */
  update(reading, pointed, chosen) {
    const { field } = this
    const line = pointed ?? chosen
    const isWeight = this.model.slopeOf.has(line)
    const held = pointed ?? (this.isNarrow && this.drawing.isFocused ? this.model.chosen : null) // a finger points at nothing
    const spot = field.isPicture && held !== null ? field.spots.find(({ unit }) => unit.values.includes(held)) : undefined
    this.open(spot ?? (field.isPicture && this.model.look === "numbers" && !this.isNarrow && pointed === null && reading ? field.spots.find(({ unit }) => unit === reading.place.unit) : undefined))
    if (reading) this.labelPath(reading.place)
    const way = field.ways.find(({ weight }) => weight === line)
    const isShown = (field.isPicture || field.isLoose) && isWeight && way !== undefined && !way.label && (pointed !== null || this.drawing.isFocused || this.isNarrow)
    this.showCard(isShown && reading && reading.place.weight === line ? reading : null, way)
    const chips = field.isPicture || this.isNarrow || !reading ? [] : this.factors(reading)
    this.chips.replaceChildren(...chips.map(([chip]) => chip))
    this.leaders.replaceChildren(...chips.map(([, leader]) => leader))
    const own = spot ? new Set(spot.unit.values) : null
    const carried = reading?.place.source?.values.slice(-1)[0]
    for (const [group, weight] of this.drawing.handles) {
      group.classList.toggle("carried", weight === carried && !field.isPicture)
      group.classList.toggle("end", field.isPicture && Boolean(reading?.place.unit.values.includes(weight)))
      if (group.classList.contains("edge")) group.classList.toggle("own", Boolean(own && /** @type {any} */ (group).dataset.ends?.split(" ").some((/** @type {string} */ it) => own.has(Number(it)))) || weight === line)
    }
    this.drawing.box.classList.toggle("open", Boolean(spot))
  }

  /** The card of a weight, and the line to it.
   * @param {Reading | null} reading @param {Way | undefined} way @private
   */
  showCard(reading, way) {
    this.dot.setAttribute("visibility", reading && way ? "visible" : "hidden")
    this.card.hidden = !reading || !way || this.isNarrow
    if (!reading || !way) return
    const name = plainName(this.drawing.names[reading.place.weight])
    const said = [`${name} = ${fixed(reading.value, 4)}`, `∂E/∂${name} = ${fixed(reading.mean, 4)}`,
      isOutweighed(reading) ? tr("mean of {count}: the other {others} outweigh it", { count: reading.count, others: reading.count - 1 }) : reading.count > 1 ? tr("mean of {count}, times η {rate}", { count: reading.count, rate: typed(reading.rate) }) : "", tr("next: {value}", { value: fixed(reading.next, 4) })]
    this.lines.forEach((line, k) => say(line, said[k]))
    const middle = along(way, 0.5)
    const ends = this.field.spots.filter(({ unit }) => way.ends.includes(unit)).map(({ halves: [box] }) => box)
    const spoken = [...ends, ...Array.from({ length: 9 }, (_, k) => curvePoint(way, k / 8)).map(({ x, y }) => ({ left: x - 2, top: y - 2, width: 4, height: 4 }))]
    const place = cardIn(this.field, this.room, CARD, spoken)
    Object.assign(this.card.style, { left: `${place.left}px`, top: `${place.top}px` })
    const [path, circle] = this.dot.children
    set(circle, "cx", String(middle.x))
    set(circle, "cy", String(middle.y))
    const x = Math.max(place.left + 10, Math.min(middle.x, place.left + place.width - 14))
    const y = place.top > middle.y ? place.top : place.top + place.height
    set(path, "d", this.isNarrow ? "" : `M${middle.x} ${middle.y}L${x} ${y}`)
  }

  /** Open a unit in place: its picture with the samples, and the weights that reach it.
   * @param {Spot | undefined} spot @private
   */
  open(spot) {
    const { drawing } = this
    const line = spot?.unit.values[spot.unit.values.length - 1] ?? -1
    this.opened.hidden = !spot || !drawing.pictures.lines.has(line)
    if (!spot || this.opened.hidden) return
    const reads = this.field.ways.filter(({ ends, weight }) => ends[1] === spot.unit && weight !== null)
      .map(({ ends, weight }) => {
        const [own, read] = [weight ?? 0, ends[0].values[ends[0].values.length - 1]].map(it => this.model.at(it))
        return { name: nameWords(drawing.names[weight ?? 0]), by: ` · ${this.names.get(ends[0])}`, factors: `${fixed(own, 4)} · ${read < 0 ? `(${fixed(read, 4)})` : fixed(read, 4)} = `, product: own * read }
      })
    reads.sort((a, b) => Math.abs(b.product) - Math.abs(a.product))
    const shown = reads.slice(0, reads.length > OPENED.most ? OPENED.most - 1 : OPENED.most)
    const rows = shown.map(({ name, by, factors, product }) => [make("dt", {}, name, by), make("dd", {}, make("span", {}, factors), fixed(product, 3))])
    if (shown.length < reads.length) rows.push([make("dt", {}, tr("{count} more", { count: reads.length - shown.length })), make("dd", {}, "")])
    if (spot.unit.above !== null) rows.push([make("dt", {}, nameWords(drawing.names[spot.unit.above])), make("dd", {}, fixed(this.model.at(spot.unit.above), 3))])
    this.rows.replaceChildren(...rows.flat())
    say(this.title, this.names.get(spot.unit) ?? "")
    const [box] = spot.halves
    const high = OPENED.side + (rows.length ? 16 + OPENED.row * rows.length : 0)
    const wide = rows.length ? OPENED.wide : OPENED.side
    const left = Math.max(4, Math.min(this.room.width - wide - 4, box.left + box.width / 2 - wide / 2))
    const top = Math.max(4, Math.min(this.room.height - high - CAPTION, box.top + box.height / 2 - OPENED.side / 2))
    Object.assign(this.opened.style, { left: `${left}px`, top: `${top}px`, width: `${wide}px` })
    drawing.pictures.paintLarge(this.canvas, line, DOT * 2)
  }

  /** The three factors, standing on the path where they arise.
   * @param {Reading} reading @private
   */
  factors({ place, factors }) {
    const { drawing, field } = this
    const spot = field.spots.find(({ unit }) => unit === place.unit)
    const way = field.ways.find(({ weight }) => weight === place.weight)
    if (!spot) return []
    const [first, last] = [spot.halves[0], spot.halves[spot.halves.length - 1]]
    const y = first.top + first.height / 2
    const isOutput = spot.kind === "output"
    const error = isOutput ? field.spots.find(({ kind, row }) => kind === "error" && row === spot.row) : undefined
    const right = last.left + last.width
    const xs = { error: error ? (right + error.halves[0].left) / 2 : right + 20, slope: (first.left + first.width + last.left) / 2, carried: way?.label ? way.label.left + way.label.width / 2 : first.left - 20 }
    const order = [...factors].sort((a, b) => xs[a.kind] - xs[b.kind])
    const key = `${place.weight} ${factors.length}`
    if (!this.places.has(key)) this.places.set(key, this.chipPlaces(order.map(({ kind }) => xs[kind]), spot, way))
    const places = this.places.get(key)
    return !places ? [] : order.map(({ kind, of, to, value }, k) => {
      const { left, top } = places[k]
      const from = Math.max(left + 8, Math.min(xs[kind], left + CHIP.width - 8))
      const label = kind === "carried" ? way?.label : undefined
      const isBelow = top > y
      const foot = isBelow ? (label ? label.top + label.height : y + 8) : label?.top ?? y - 8
      const above = of === null ? (error && to === place.unit.values[place.unit.values.length - 1] ? plainName(drawing.names[error.unit.values[0]]) : "E") : nameOf(drawing.names[of])
      const x = left + CHIP.width / 2
      const leader = draw("g", { class: `chip-on-path c-${kind}` }, draw("path", { d: `M${from} ${isBelow ? top : top + CHIP.height}L${xs[kind]} ${foot}` }))
      return [draw("g", { class: `chip-on-path c-${kind}` }, draw("rect", { x: left, y: top, width: CHIP.width, height: CHIP.height, rx: 10 }),
        ...[[19, `∂${above}/∂${kind === "error" ? nameOf(drawing.names[to]) : plainName(drawing.names[to])}`, "of"], [38, fixed(value, 4), "value"], [54, this.rule(kind, place, to), "rule"]]
          .map(([down, words, kind]) => draw("text", { x, y: top + Number(down), class: kind, "text-anchor": "middle" }, String(words)))), leader]
    })
  }

  /** Where factors have room, as near to the path as possible; null if they would cover something.
   * @param {number[]} xs where they belong @param {Spot} spot of the unit @param {Way | undefined} way of the weight
   * @returns {{left: number, top: number}[] | null} @private
   */
  chipPlaces(xs, { halves: [{ top: high, height }], small }, way) {
    const { field, room } = this
    const taken = [...field.spots.flatMap(it => [...it.halves, ...(it.small ? [it.small] : [])]), ...field.maps.map(({ box }) => box), ...field.ways.flatMap(({ label }) => label ?? []),
      ...field.heads.map(({ x, y, wide }) => ({ left: x - Math.min(wide, 140) / 2, top: y - 16, width: Math.min(wide, 140), height: 32 }))]
    const ups = Array.from({ length: 40 }, (_, k) => high - CHIP.height - 16 - 10 * k).filter(top => top >= 34)
    const downs = Array.from({ length: 40 }, (_, k) => high + height + (small ? 40 : 16) + 10 * k).filter(top => top + CHIP.height < room.height - 30)
    const found = /** @type {{left: number, top: number}[]} */ ([])
    for (const x of xs) {
      let best = Infinity
      let place = { left: 0, top: 0 }
      for (const top of [...ups, ...downs]) {
        for (const aside of CHIP.asides) {
          const box = { left: x + aside - CHIP.width / 2, top, width: CHIP.width, height: CHIP.height }
          if (box.left < 2 || box.left + CHIP.width > room.width - 2 || taken.some(it => it !== way?.label && overlap(box, it, 3)) || (way?.label && overlap(box, way.label, 3))) continue
          const leader = { left: x - 1, top: top < high ? top + CHIP.height : high + height, width: 2, height: top < high ? high - top - CHIP.height : top - high - height }
          const cost = Math.abs(top + CHIP.height / 2 - high - height / 2) + 1.5 * Math.abs(aside) + (top > high ? 20 : 0) + 300 * taken.filter(it => it !== way?.label && overlap(leader, it)).length
          if (cost < best) [best, place] = [cost, { left: box.left, top }]
        }
      }
      if (best === Infinity) return null
      found.push(place)
      taken.push({ ...place, width: CHIP.width, height: CHIP.height })
    }
    return found
  }

  /** Where a factor comes from, in a few letters.
   * @param {string} kind @param {import("./factors.js").Place} place @param {number} to @private
   */
  rule(kind, place, to) {
    const { content } = this.model
    const { names } = this.drawing
    const told = (/** @type {number} */ of, /** @type {number} */ by) => {
      const [, , template] = content.partials.find((/** @type {[number, number, string]} */ it) => it[0] === of && it[1] === by) ?? []
      const words = make("span")
      words.innerHTML = (template ?? "").replace(/⟦(\d+)⟧/g, (/** @type {string} */ _, /** @type {string} */ line) => names[Number(line)].letter)
      return /mfrac|msup|mtable|munder/.test(template ?? "⟦") ? "" : words.textContent.replaceAll("\u2061", "").trim()
    }
    if (kind === "carried") return place.source ? tr("{value} of {unit}", { value: names[place.source.values[place.source.values.length - 1]].letter, unit: this.names.get(place.source) ?? "" }) : mark("a bias: 1")
    if (kind === "slope") return told(place.unit.values[1], to) || tr("slope at {unit}", { unit: this.names.get(place.unit) ?? "" })
    const feeds = /** @type {number[]} */ (this.drawing.feeds.get(to) ?? [])
    return (feeds.length === 1 && told(feeds[0], to)) || (feeds.length > 1 ? tr("from {count} paths", { count: feeds.length }) : mark("the error here"))
  }
}

/** A name, of an activation only its letter.
 * @param {import("./dom.js").Name} name
 */
const nameOf = name => (name.kind === "activations" ? name.letter : plainName(name))

/** A point of a curve that leaves and arrives level.
 * @param {Way} way @param {number} part
 */
function curvePoint({ from, to }, part) {
  return { x: from.x + (to.x - from.x) * (1.5 * part * (1 - part) + part ** 3), y: from.y + (to.y - from.y) * (3 * part ** 2 - 2 * part ** 3) }
}
