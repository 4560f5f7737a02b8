// The values of layers that read sequences, and where they are drawn, unrolled in time.

import { product } from "../text/layers.js"
import { at, atStep, elements, inLayer, ofLayer, said } from "./names.js"

/**
 * @typedef {import("./values.js").Values} Values
 * @typedef {import("../text/forms.js").Layer} Layer
 * @typedef {[kind: string, which?: number | string, isOfAll?: boolean]} Source where the value at a place comes from: see targets/page/recurrent_steps.py
 * @typedef {[name: import("./names.js").ValueName, kind: string, from: Record<string, Source>]} StepValue
 * @typedef {[first: StepValue[], later: StepValue[]]} StepValues
 */

/** The lines of a sequence, feature by feature, from step to step.
 * @param {number[]} lines @param {number[]} shape
 */
export const byStep = (lines, [features, , steps]) =>
  Array.from({ length: steps }, (_, step) => Array.from({ length: features }, (_, k) => lines[k * steps + step]))

/** A recurrent layer's values at each step, by its card: from the step and from the one before.
 * @param {Values} values @param {number} index @param {number[][]} parameters
 */
export function states(values, index, parameters) {
  const { net, cards, steps } = values
  const layer = net.layers[index]
  const flags = Object.keys(layer).filter(it => it !== "all" && layer[it] === true)
  const card = steps[[layer.card, ...flags, ...(layer.bias === "no bias" ? ["no bias"] : [])].join(" ")]
  const state = said(cards[layer.card].state ?? { stem: "" })
  let before = /** @type {Record<string, number[]>} */ ({})
  const found = byStep(values.columns[index], net.shapes[index]).map((given, step) => {
    const now = /** @type {Record<string, number[]>} */ ({})
    for (const [name, kind, from] of card[step ? 1 : 0]) {
      const own = inLayer(name, net.layers, index, cards)
      now[said(name)] = values.make(Array.from({ length: layer.width }, (_, unit) => ({
        name: atStep(at(own, [unit + 1]), step + 1), kind, count: layer.width,
        places: Object.fromEntries(Object.entries(from).map(([place, source]) => [place, standing(source, unit)])),
      })))
    }
    /** @param {Source} source @param {number} unit */
    function standing([where, which = "", isOfAll], unit) {
      if (where === "given") return given
      if (where === "now" || where === "before") {
        const all = (where === "now" ? now : before)[which]
        return isOfAll ? all : all[unit]
      }
      const tensor = parameters[Number(which)]
      const row = tensor.length / layer.width
      if (where === "weights") return tensor.slice(unit * row, (unit + 1) * row)
      return tensor[tensor.length > 1 ? unit : 0]
    }
    before = now
    return now[state]
  })
  return layer.all ? found[0].flatMap((_, unit) => found.map(it => it[unit])) : found[found.length - 1]
}

/** Attention: queries, keys and values, their scores, the shares from these, and the weighted sums.
 * @param {Values} values @param {number} index @param {number[][]} parameters
 */
export function attended(values, index, parameters) {
  const { net, cards } = values
  const { heads, causal, bias } = net.layers[index]
  const shape = net.shapes[index]
  const [features, , steps] = shape
  const each = bias === "no bias" ? 1 : 2 // tensors of a part
  const names = (/** @type {string} */ stem, /** @type {string} */ word, /** @type {number[]} */ shaped) =>
    elements({ ...ofLayer(stem, net.layers, index, cards), ...(word && { word }) }, shaped)
  /** @param {string} word @param {number} part @param {number[]} lines */
  const sums = (word, part, lines) => {
    const [weights, biases] = parameters.slice(part * each, (part + 1) * each)
    const given = byStep(lines, shape)
    return values.make(names("h", word, shape).map((name, k) => {
      const [unit, step] = [Math.floor(k / steps), k % steps]
      const places = { w: weights.slice(unit * features, (unit + 1) * features), x: given[step] }
      return biases ? { name, kind: "sum", places: { ...places, b: biases[biases.length > 1 ? unit : 0] } } : { name, kind: "sum no bias", places }
    }))
  }
  const [query, key, value] = ["query", "key", "value"].map((word, part) => sums(word, part, values.columns[index]))
  const size = features / heads
  const [queries, keys] = [query, key].map(it => byStep(it, shape))
  const places = Array.from({ length: heads * steps * steps }, (_, k) => [Math.floor(k / steps / steps), Math.floor(k / steps) % steps, k % steps])
  const sees = (/** @type {number[]} */ [, row, column]) => !causal || column <= row
  /** Values of the pairs that attention may use, by their number among all pairs.
   * @param {string} stem @param {string} word @param {(head: number, row: number, column: number, k: number) => Omit<import("./values.js").Wanted, "name">} of
   */
  const among = (stem, word, of) => {
    const seen = places.flatMap((place, k) => (sees(place) ? [k] : []))
    const all = names(stem, word, [heads, steps, steps])
    const made = values.make(seen.map(k => ({ name: all[k], ...of(places[k][0], places[k][1], places[k][2], k) })))
    return new Map(seen.map((k, j) => [k, made[j]]))
  }
  const part = (/** @type {number[]} */ own, /** @type {number} */ head) => own.slice(head * size, (head + 1) * size)
  const scores = among("h", "score", (head, row, column) => ({ kind: "score", places: { w: part(queries[row], head), x: part(keys[column], head) } }))
  /** @param {Map<number, number>} of @param {number} head @param {number} row */
  const inRow = (of, head, row) => Array.from({ length: steps }, (_, column) => of.get((head * steps + row) * steps + column) ?? -1).filter(it => it >= 0)
  const shares = among("a", "share", (head, row, _, k) => ({ kind: "share", places: { own: scores.get(k) ?? 0, x: inRow(scores, head, row) } }))
  for (const [k, line] of shares) { // the derivatives of others are written with these
    const [head, row] = places[k]
    Object.assign(values.made.get(line)?.places ?? {}, { a: inRow(shares, head, row) })
  }
  const mixed = values.make(names("h", "mixed", shape).map((name, k) => {
    const [unit, step] = [Math.floor(k / steps), k % steps]
    const w = inRow(shares, Math.floor(unit / size), step)
    return { name, kind: "sum no bias", places: { w, x: value.slice(unit * steps, unit * steps + w.length) } }
  }))
  return sums("", 3, mixed)
}

// Where they are drawn ------------------------------------------------------------

/** @typedef {{title: string, rows: (number | null)[][]}} StepPlane */

/** A layer's planes of units by steps, as in targets/page/unrolled.py.
 * @param {Values} values @param {number} index @param {number[][]} parameters
 * @returns {StepPlane[][]}
 */
export function stepPlanes(values, index, parameters) {
  return [...merged(byWord(values, inside(values, index, parameters))), ...merged(weightPlanes(values, index, parameters))]
}

/** Puts groups of one plane side by side, as long as they have the same size.
 * @param {StepPlane[][]} groups
 */
function merged(groups) {
  const found = /** @type {StepPlane[][]} */ ([])
  let isOpen = false
  for (const planes of groups) {
    const [last] = found.slice(-1)
    const isAlone = planes.length === 1
    if (isAlone && isOpen && size(last[0]) === size(planes[0])) last.push(...planes)
    else found.push([...planes])
    isOpen = isAlone
  }
  return found
}

/** @param {StepPlane} plane */
const size = ({ rows }) => `${rows.length}x${rows[0].length}`

/** The values between the layer's inputs and its outputs.
 * @param {Values} values @param {number} index @param {number[][]} parameters
 */
function inside({ columns, made }, index, parameters) {
  const seen = new Set([...columns[index], ...parameters.flat()])
  const found = []
  const waiting = [...columns[index + 1]]
  for (let line = waiting.pop(); line !== undefined; line = waiting.pop()) {
    const value = made.get(line)
    if (seen.has(line) || !value) continue
    seen.add(line)
    found.push(line)
    waiting.push(...Object.values(value.places).flat())
  }
  return found.sort((a, b) => a - b)
}

/** The planes grouped by kind, in the order in which each kind's last value is computed.
 * @param {Values} values @param {number[]} lines
 */
function byWord({ names }, lines) {
  const kinds = /** @type {Map<string, number[]>} */ (new Map())
  const named = (/** @type {number} */ line) => /** @type {import("./names.js").ValueName} */ (names.get(line))
  for (const line of lines) {
    const title = said(atStep(at(named(line), [])))
    kinds.set(title, [...(kinds.get(title) ?? []), line])
  }
  const found = /** @type {Map<string, StepPlane[]>} */ (new Map())
  for (const [title, own] of [...kinds].sort(([, a], [, b]) => a[a.length - 1] - b[b.length - 1])) {
    const { word = "" } = innermost(named(own[0]))
    found.set(word, [...(found.get(word) ?? []), ...planesOf(title, own.map(line => [placeOf(innermost(named(line))), line]))])
  }
  return [...found.values()]
}

/** @param {import("./names.js").ValueName} name @returns {import("./names.js").ValueName} */
const innermost = name => (name.of ? innermost(name.of) : name)

/** Head, row and column.
 * @param {import("./names.js").ValueName} name
 */
function placeOf({ index = [], step }) {
  const place = step === undefined ? index : [...index, step]
  return place.length === 3 ? place : [1, ...place]
}

/** One plane, or one for each head.
 * @param {string} title @param {[place: number[], line: number][]} all @returns {StepPlane[]}
 */
function planesOf(title, all) {
  const lines = new Map(all.map(([place, line]) => [place.join(), line]))
  const [heads, rows, columns] = [0, 1, 2].map(axis => Math.max(...all.map(([place]) => place[axis])))
  return Array.from({ length: heads }, (_, head) => ({
    title: heads > 1 ? `${title} ${head + 1}` : title,
    rows: Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => lines.get([head + 1, i + 1, j + 1].join()) ?? null)),
  }))
}

/** The planes of weights, a gate's side by side: a row per unit, and a column per step if there are any.
 * @param {Values} values @param {number} index @param {number[][]} parameters
 */
function weightPlanes({ net }, index, parameters) {
  const tensors = net.parameters.filter(it => it.layer === net.owners[index])
  const made = net.shapes[index + 1]
  const found = /** @type {Map<string, StepPlane[]>} */ (new Map())
  parameters.forEach((lines, k) => {
    const { role, part = "", shape } = tensors[k]
    const gate = part.split("recurrent")[0].replace(/_$/, "")
    const rows = String(shape) === String([product(made)]) ? made[0] : shape[0]
    const across = lines.length / rows
    const plane = { title: `${role} ${part.replaceAll("_", " ")}`.trim(), rows: Array.from({ length: rows }, (_, row) => lines.slice(row * across, (row + 1) * across)) }
    found.set(gate, [...(found.get(gate) ?? []), plane])
  })
  return [...found.values()]
}

/** A row for each feature, a column for each step.
 * @param {number[]} lines @param {number[]} shape
 */
export const stepRows = (lines, [features, , steps]) => Array.from({ length: features }, (_, k) => lines.slice(k * steps, (k + 1) * steps))

/** The shape of the targets: for a sequence, steps × features.
 * @param {number[]} shape
 */
export const wantedShape = shape => (shape.length > 1 ? [shape[2], shape[0]] : [product(shape)])
