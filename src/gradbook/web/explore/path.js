// The way from a number to the result: a box for each row of cells, and links as wide as what passes.

import { byId, draw, make, say } from "../view/dom.js"
import { mark, tr, trCount } from "../view/language.js"
import { between, shown, signed, stepped } from "./amounts.js"
import { called } from "./sentence.js"

const [MOST, COLUMNS, DEEP] = [8, 6, 2] // boxes, and how many side by side and one above the other
const [TALL, APART] = [96, 32]
const OVER = 84 // pixels by which a link bends
const [WIDE, NARROW, GAP] = [118, 92, 8]
const [LONG, LONGEST] = [10, 12] // letters of a value in a box
const [WIDEST, LEAST] = [14, 2] // pixels of a link
const ALL = 0.995 // of a change, rounded
const REST = -1 // the box of those that there is no room for

/**
 * @typedef {{id: number, cells: number[], also: number[]}} Box `also`: cells that only lead to these
 * @typedef {{from: number, to: number, share: number}} Way
 * @typedef {{boxes: Box[], ways: Way[], column: Map<number, number>, cells: number[]}} Layout
 */

export class Path {
  /** @param {import("./exploration.js").Exploration} model @param {HTMLElement} box @param {HTMLElement} opened where cells are listed */
  constructor(model, box, opened) {
    this.model = model
    this.box = box
    this.opened = opened
    this.layouts = /** @type {Map<string, Layout>} */ (new Map())
    this.wide = WIDE // of each box
    this.shown = /** @type {Layout | null} */ (null)
    this.parts = /** @type {[Box, HTMLElement[]][]} */ ([])
    this.links = draw("svg", { "aria-hidden": "true" })
    this.around = make("div", { class: "boxes" })
    box.append(this.around)
    new ResizeObserver(() => this.redraw()).observe(box)
    addEventListener("keydown", event => event.key === "Escape" && this.close())
  }

  /** The boxes that are drawn for this number, chosen once, so that nothing moves while it is dragged.
   * @returns {Layout}
   */
  get layout() {
    const key = `${this.model.chosen} ${this.model.result}`
    const known = this.layouts.get(key) ?? laidOut(this.model)
    this.layouts.set(key, known)
    return known
  }

  /** Of what the result changes by, the share that passes the box with the largest below all of it.
   * @returns {[number, string] | null}
   */
  get through() {
    const { layout, model } = this
    const inner = layout.boxes.filter(({ id, cells }) => id !== REST && !cells.includes(model.chosen) && !cells.includes(model.result))
    const shares = inner.map(box => /** @type {[number, string]} */ ([model.share(model.chosen, box.cells), nameOf(model, box)]))
    const [best] = shares.filter(([share]) => share < ALL).sort((a, b) => b[0] - a[0])
    return best ?? null
  }

  update() {
    const { model, layout } = this
    if (layout !== this.shown) this.redraw()
    const slopes = model.forward(model.chosen)
    const { step } = model.values[model.chosen]
    for (const [box, [value, change]] of this.parts) {
      const all = box.cells.map(k => model.at(k))
      const form = model.forms[box.cells[0]]
      const words = all.length > 1 ? between(all[0], all[all.length - 1], form, (LONGEST * this.wide) / WIDE) : shown(all[0], form)
      say(value, box.id === REST ? "" : words)
      const letters = (words.length * WIDE) / this.wide
      value.classList.toggle("long", letters > LONG)
      value.classList.toggle("longest", letters > LONGEST)
      const changes = box.cells.map(k => slopes[k] * step)
      const most = changes.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0)
      const isInput = box.cells[0] === model.chosen
      const effect = isInput ? `+${stepped(step, form)}` : signed(most, form, box.cells.includes(model.result) ? 3 : 2)
      say(change, box.id === REST ? "" : all.length > 1 ? tr("up to {change}", { change: effect }) : effect)
    }
    this.drawLinks()
  }

  /** Draw the boxes anew. */
  redraw() {
    const { model, layout, box } = this
    const width = box.clientWidth
    if (!width) return
    this.shown = layout
    const last = Math.max(...layout.column.values())
    const room = Math.floor((width - (COLUMNS - 1) * GAP) / COLUMNS)
    const wide = room < NARROW ? WIDE : Math.min(WIDE, room)
    this.wide = wide
    const apart = last ? Math.min(60, Math.max(GAP, (width - (last + 1) * wide) / last)) : 0
    const height = DEEP * TALL + (DEEP - 1) * APART
    this.places = new Map(layout.boxes.map(it => {
      const column = layout.boxes.filter(other => layout.column.get(other.id) === layout.column.get(it.id)).sort((a, b) => above(layout, a) - above(layout, b))
      const first = (height - column.length * TALL - (column.length - 1) * APART) / 2
      return [it.id, { x: (layout.column.get(it.id) ?? 0) * (wide + apart), y: first + column.indexOf(it) * (TALL + APART), wide }]
    }))
    this.parts = layout.boxes.map(it => this.boxOf(it))
    this.around.style.setProperty("width", `${(last + 1) * wide + last * apart}px`)
    this.around.replaceChildren(this.links, ...this.parts.map(([, parts]) => parts[2]))
    const total = model.content.formulas.length
    say(byId("path-heading"), tr("From {input} to {result}", { input: called(model.values[model.chosen]), result: called(model.values[model.result]) }))
    const count = layout.cells.length - 1
    say(byId("about-path"), [tr("{some} of the {all} formulas", { some: count, all: total }), trCount("folded into {count} box", "folded into {count} boxes", layout.boxes.length - 1), tr("purple: what {step} more does to each", { step: stepped(model.values[model.chosen].step, model.forms[model.chosen]) }), mark("click a box: its cells")].join("  ·  "))
    this.close()
    this.update()
  }

  /** @param {Box} it @returns {[Box, HTMLElement[]]} @private */
  boxOf(it) {
    const { model } = this
    const { chosen, result } = model
    const kind = it.cells.includes(chosen) ? " from" : it.cells.includes(result) ? " to" : ""
    const [value, change] = [make("b"), make("b", { class: "change" })]
    const isMany = it.cells.length > 1 && it.id !== REST
    const name = make("span", { class: "label" }, nameOf(model, it))
    const parts = [name, ...(isMany ? [make("span", {}, trCount("{count} cell", "{count} cells", it.cells.length))] : []), value, change, make("small", {}, placeOf(model, it))]
    const button = make("button", { type: "button", class: `box${kind}`, title: `${nameOf(model, it)}\n${placeOf(model, it)}`, onclick: () => this.open(it) }, ...parts)
    const { x, y, wide } = this.places?.get(it.id) ?? { x: 0, y: 0, wide: WIDE }
    for (const [name, pixels] of Object.entries({ left: x, top: y, width: wide })) button.style.setProperty(name, `${pixels}px`)
    return [it, [value, change, button]]
  }

  /** @private */
  drawLinks() {
    const { model, layout } = this
    const total = Math.abs(model.slopes[model.chosen])
    const ways = flows(model, layout)
    this.links.replaceChildren(...ways.flatMap(({ from, to, share }) => {
      const [a, b] = [this.places?.get(from), this.places?.get(to)]
      if (!a || !b || b.x <= a.x) return []
      const [start, end, middle] = [a.x + a.wide, b.x, (a.x + a.wide + b.x) / 2]
      const [high, low] = [a.y + TALL / 2, b.y + TALL / 2]
      const isBehind = [...(this.places?.values() ?? [])].some(({ x, y }) => x > a.x && x < b.x && Math.abs(y + TALL / 2 - (high + low) / 2) < TALL / 2)
      const over = isBehind ? OVER : 0 // past the boxes between
      const width = Math.max(LEAST, WIDEST * Math.min(1, total ? Math.abs(share) : 0))
      return [draw("path", { d: `M${start} ${high}C${middle} ${high - over} ${middle} ${low - over} ${end} ${low}`, "stroke-width": width.toFixed(1) })]
    }))
  }

  /** List a box's cells and formulas over the curve.
   * @param {Box} it @private
   */
  open(it) {
    const { model, opened } = this
    const rows = [...it.also, ...it.cells].map(k => {
      const { place, formula, label } = model.values[k]
      return make("tr", {}, make("th", { scope: "row" }, place || label), make("td", {}, make("code", {}, formula || mark("a number"))), make("td", { class: "numeral" }, shown(model.at(k), model.forms[k])))
    })
    opened.replaceChildren(make("button", { type: "button", class: "icon close", "aria-label": mark("Close"), onclick: () => this.close() }, "×"), make("h3", {}, nameOf(model, it)), make("div", { tabindex: 0 }, make("table", {}, ...rows)))
    opened.hidden = false
    opened.querySelector("button")?.focus()
  }

  close() {
    this.opened.hidden = true
  }
}

/** @param {import("./exploration.js").Exploration} model @param {Box} box */
function nameOf(model, { id, cells }) {
  if (id === REST) return tr("and {count} more", { count: cells.length })
  return (cells.length === 1 && called(model.values[cells[0]])) || model.content.groups[id].label || placeOf(model, { id, cells, also: [] })
}

/** @param {import("./exploration.js").Exploration} model @param {Box} box */
function placeOf(model, { id, cells, also }) {
  const place = id === REST ? "" : cells.length > 1 ? model.content.groups[id].place : model.values[cells[0]].place.replace(/^'(.*)'!/, (_, title) => `${title.replaceAll("''", "'")} `).replace("!", " ")
  return also.length ? `${place} + ${also.length}` : place
}

// What is drawn ------------------------------------------------------------------

/** The boxes between the chosen number and the result, and the column of each.
 * @param {import("./exploration.js").Exploration} model @returns {Layout}
 */
function laidOut(model) {
  const cells = model.between(model.chosen)
  const on = new Set(cells)
  const links = model.content.links.filter(([from, to]) => on.has(from) && on.has(to))
  const all = merged(model, cells, links)
  const ends = all.filter(it => it.cells.includes(model.chosen) || it.cells.includes(model.result))
  const shares = new Map(all.map(it => [it.id, Math.abs(model.share(model.chosen, it.cells))]))
  const inner = all.filter(it => !ends.includes(it)).sort((a, b) => (shares.get(b.id) ?? 0) - (shares.get(a.id) ?? 0) || b.cells[0] - a.cells[0])
  for (let kept = Math.min(inner.length, MOST); kept >= 0; kept--) {
    const [some, left] = [inner.slice(0, kept), inner.slice(kept)]
    const rest = left.length ? [{ id: REST, cells: left.flatMap(it => [...it.also, ...it.cells]).sort((a, b) => a - b), also: [] }] : []
    const boxes = [...ends, ...some, ...rest].sort((a, b) => first(a) - first(b))
    const ways = waysOf(links, boxes)
    const column = columnsOf(boxes, ways)
    const end = boxes.find(it => it.cells.includes(model.result))
    if (end) column.set(end.id, Math.max(0, ...boxes.filter(it => it !== end).map(({ id }) => (column.get(id) ?? 0) + 1)))
    const columns = [...column.values()]
    const fits = boxes.length <= MOST + 1 && Math.max(...columns) < COLUMNS && columns.every(it => columns.filter(other => other === it).length <= DEEP)
    if (fits || !kept) return { boxes, ways, column, cells }
  }
  throw new Error("no box at all")
}

/** Cells by their groups; a row that only leads to one cell, such as its sum, is part of that box.
 * @param {import("./exploration.js").Exploration} model @param {number[]} cells @param {import("./exploration.js").Link[]} links
 * @returns {Box[]}
 */
function merged(model, cells, links) {
  const { groups, content } = model
  const groupOf = (/** @type {number} */ k) => groups[k]
  const boxes = new Map(cells.map(k => [groupOf(k), /** @type {Box} */ ({ id: groupOf(k), cells: [], also: [] })]))
  const on = new Set(cells)
  for (const box of boxes.values()) box.cells = content.groups[box.id].values.filter(k => on.has(k))
  for (const box of [...boxes.values()]) {
    if (box.cells.length < 2 || box.cells.includes(model.result)) continue
    const users = new Set(links.filter(([from, to]) => groupOf(from) === box.id && groupOf(to) !== box.id).map(([, to]) => groupOf(to)))
    const [only] = [...users].map(id => boxes.get(id))
    if (users.size !== 1 || !only || only.cells.length > 1 || only.also.length) continue
    only.also = box.cells
    boxes.delete(box.id)
  }
  return [...boxes.values()]
}

/** The place of a box in the order of computation.
 * @param {Box} box
 */
const first = ({ cells, also }) => Math.min(...cells, ...also)

/** @param {Box[]} boxes */
const homes = boxes => new Map(boxes.flatMap(({ id, cells, also }) => [...cells, ...also].map(k => /** @type {[number, number]} */ ([k, id]))))

/** @param {import("./exploration.js").Link[]} links @param {Box[]} boxes @returns {Way[]} */
function waysOf(links, boxes) {
  const home = homes(boxes)
  const ways = new Set(links.map(([from, to]) => `${home.get(from)} ${home.get(to)}`))
  return [...ways].map(it => it.split(" ").map(Number)).filter(([from, to]) => from !== to).map(([from, to]) => ({ from, to, share: 0 }))
}

/** The column of each box: one more than the last of those that lead to it, in their order.
 * @param {Box[]} boxes @param {Way[]} ways
 */
function columnsOf(boxes, ways) {
  const column = new Map(boxes.map(({ id }) => [id, 0]))
  const rank = new Map(boxes.map(({ id }, k) => [id, k]))
  for (const { id } of boxes) {
    for (const { from, to } of ways) if (to === id && (rank.get(from) ?? 0) < (rank.get(to) ?? 0)) column.set(id, Math.max(column.get(id) ?? 0, (column.get(from) ?? 0) + 1))
  }
  return column
}

/** How far down a box belongs: below those that lead to it.
 * @param {Layout} layout @param {Box} box @returns {number}
 */
function above({ boxes, ways }, box) {
  const before = ways.filter(({ to }) => to === box.id).map(({ from }) => boxes.findIndex(({ id }) => id === from))
  return before.reduce((sum, rank) => sum + rank, 0) / (before.length || 1)
}

/** How much of the result's change passes from box to box, as a share.
 * @param {import("./exploration.js").Exploration} model @param {Layout} layout @returns {Way[]}
 */
function flows(model, { boxes }) {
  const home = homes(boxes)
  const slopes = model.forward(model.chosen)
  const total = model.slopes[model.chosen]
  const ways = /** @type {Map<string, Way>} */ (new Map())
  for (const [a, b, line] of model.content.links) {
    const [from, to] = [home.get(a), home.get(b)]
    if (from === undefined || to === undefined || from === to) continue
    const way = ways.get(`${from} ${to}`) ?? { from, to, share: 0 }
    const part = slopes[a] * model.machine.at(line) * model.slopes[b]
    way.share += total && Number.isFinite(part) ? part / total : 0
    ways.set(`${from} ${to}`, way)
  }
  return [...ways.values()]
}
