// The columns of the drawing: units or maps, the weights between them, and the words below each.

import { reads } from "../text/layers.js"
import { layerWords } from "../text/forms.js"
import { own } from "./layers.js"
import { placesOf, said } from "./names.js"
import { stepPlanes, stepRows } from "./sequences.js"
import { isSequence } from "../text/window.js"
import { mark, tr } from "../view/language.js"

/**
 * @typedef {import("./values.js").Values} Values
 * @typedef {import("./values.js").Building} Building
 * @typedef {import("../text/forms.js").Layer} Layer
 * @typedef {import("../view/field.js").Column} Column
 * @typedef {"none" | "all" | "each" | "window" | "laid out" | "branch"} Link how it is connected to the stage before
 * @typedef {{
 *   lines: number[][], planes: number[] | null, words: string[], link: Link, above: number[] | null,
 *   weights: number[] | null, skips: [stage: number, first: number][], isJoined: boolean, layers: number[],
 *   unrolled: import("./sequences.js").StepPlane[][] | null, titles: string[],
 * }} Stage the lines of each of its names, row by row; in maps of shape `planes`, or one unit each
 */

/** @param {Values} values @param {number} samples @param {Building} building @returns {Column[]} */
export function columns(values, samples, building) {
  const stages = [...layerStages(values, building), ...lossStages(values, samples, building)]
  const found = stages.map((stage, k) => column(stage, stages[k - 1], building.shown))
  stages.forEach((stage, k) => stage.skips.forEach(([source, first]) => {
    addReads(found[k], stage, stages[source], k - source, first, building.shown)
  }))
  return found
}

/** @param {Partial<Stage> & {lines: number[][], words: string[]}} stage @returns {Stage} */
const stageOf = stage => ({ planes: null, link: "none", above: null, weights: null, skips: [], isJoined: false, layers: [], unrolled: null, titles: [], ...stage })

/** The stages of the layers; an activation is in the stage of its sums.
 * @param {Values} values @param {Building} building
 */
function layerStages(values, building) {
  const { net } = values
  const stages = [stageOf({ lines: [values.columns[0]], words: [mark("input")], planes: planesOf(net.shapes[0]) })]
  const homes = [0] // the stage of each value
  net.layers.forEach((layer, k) => {
    const last = stages[stages.length - 1]
    const isFresh = last.lines.length === 1 && last.link !== "none" && last.link !== "laid out"
    if (values.cards[layer.card].namesAfter && isFresh) {
      last.lines = [...last.lines, values.columns[k + 1]]
      last.titles = [...last.titles, said(values.layerNames[k + 1])]
      last.words = [...last.words, layerWords(layer, building.grammar)]
      last.layers = [...last.layers, k]
    } else if (isUnrolled(values, layer)) {
      stages.push(...unrolledStages(values, k, layer, building))
    } else if (layer.card !== "flatten" || last.planes) {
      stages.push({ ...layerStage(values, k, layer, homes, building), layers: [k] })
    } else last.layers = [...last.layers, k]
    homes.push(stages.length - 1)
  })
  return stages
}

/** Whether it computes more at the steps of a sequence than its outputs.
 * @param {Values} values @param {Layer} layer
 */
const isUnrolled = ({ cards }, { card }) => Boolean(cards[card].readsSteps)

/** Its outputs at all steps, and the last state by itself if only that is passed on.
 * @param {Values} values @param {number} index @param {Layer} layer @param {Building} building @returns {Stage[]}
 */
function unrolledStages(values, index, layer, building) {
  const { net, columns, cards } = values
  const [given, made] = [net.shapes[index], net.shapes[index + 1]]
  const words = [...(cards[layer.card].sums ? [role(values, index)] : []), layerWords(layer, building.grammar)]
  const all = stageOf({
    lines: [columns[index + 1]], planes: [made[0], 1, given[2]], words, link: "window", layers: [index],
    unrolled: stepPlanes(values, index, own(values, index)), titles: [said(values.layerNames[index + 1])],
  })
  return made.length > 1 ? [all] : [all, stageOf({ lines: [columns[index + 1]], words: [mark("at the last step")], link: "laid out" })]
}

/** The shape of a layer's maps, or null; a shape without channels gets a single one.
 * @param {number[]} shape
 */
const planesOf = shape => (shape.length === 1 ? null : shape.length === 2 ? [1, ...shape] : shape)

/** @param {Values} values @param {number} index @param {Layer} layer @param {number[]} homes @param {Building} building @returns {Stage} */
function layerStage(values, index, layer, homes, building) {
  const { net } = values
  const shape = net.shapes[index + 1]
  const words = [...(values.cards[layer.card].sums ? [role(values, index)] : []), layerWords(layer, building.grammar)]
  const stage = { lines: [values.columns[index + 1]], words, planes: planesOf(shape) }
  if (layer.card === "dense") return stageOf({ ...stage, link: "all", ...denseParts(values, index) })
  if (layer.card === "flatten") return stageOf({ ...stage, link: "laid out" })
  const link = layer.card === "goback" ? "branch" : stage.planes ? "window" : "each"
  const isJoined = layer.card === "concat" && !stage.planes
  const masks = values.masks.find(it => it.layer === index)
  return stageOf({ ...stage, link, isJoined, skips: skipsOf(layer, index, net.shapes, homes, isJoined), above: masks && !stage.planes ? masks.lines : null })
}

/** The stages that it reads besides the one before, or that it concatenates, and where each begins.
 * @param {Layer} layer @param {number} index @param {number[][]} shapes @param {number[]} homes @param {boolean} isJoined
 * @returns {[number, number][]}
 */
function skipsOf(layer, index, shapes, homes, isJoined) {
  let first = 0
  return reads(layer, index).flatMap(value => {
    const begin = first
    if (isJoined) first += shapes[value][0]
    return isJoined || value !== index ? [/** @type {[number, number]} */ ([homes[value], begin])] : []
  })
}

/** @param {Values} values @param {number} index */
function denseParts(values, index) {
  const { columns } = values
  const [weights, biases] = own(values, index)
  return { weights, above: biases ? columns[index + 1].map((_, j) => biases[biases.length > 1 ? j : 0]) : null }
}

/** @param {Values} values @param {number} index */
function role({ net, cards }, index) {
  const sums = net.layers.flatMap(({ card }, k) => (cards[card].sums ? [k] : []))
  if (index === sums[sums.length - 1]) return mark("output")
  return sums.length === 2 ? mark("hidden") : tr("hidden {number}", { number: sums.indexOf(index) + 1 })
}

/** @param {Values} values @param {number} samples @param {Building} building */
function lossStages({ net, errors, loss, targets, objective }, samples, { grammar }) {
  const called = grammar.called?.[net.loss] ?? net.loss
  const mean = samples > 1 ? [tr("mean over {count} samples", { count: samples })] : []
  if (!errors.length) return [stageOf({ lines: [[loss]], words: [called, ...mean], link: "all" })]
  const words = mean.length ? mean : errors.length > 1 ? [objective.summed ? mark("sum") : mark("mean")] : []
  return [
    stageOf({ lines: [errors], words: [called], above: targets, link: "each" }),
    stageOf({ lines: [[loss]], words, link: "all" }),
  ]
}

/** The units that are drawn: of a long column the first ones and the last.
 * @param {number} count @param {number[]} shown @returns {(number | null)[]}
 */
function places(count, [most, first]) {
  const all = Array.from({ length: count }, (_, k) => k)
  return count <= most ? all : [...all.slice(0, first), null, count - 1]
}

/** @param {Stage} stage @param {Stage | undefined} before @param {number[]} shown @returns {Column} */
function column(stage, before, shown) {
  const { lines, words, layers, above, planes, unrolled, titles } = stage
  if (planes && unrolled) {
    const more = lines.slice(1).map((own, k) => [{ title: titles[k + 1], rows: stepRows(own, planes) }])
    const rows = [...unrolled, ...more]
    return { maps: rows.map(row => row.map(it => it.rows)), titles: rows.map(row => row.map(it => it.title)), words, layers, left_out: 0, units: [] }
  }
  if (planes && isSequence(planes)) return { maps: [lines.map(own => stepRows(own, planes))], words, layers, left_out: 0, units: [] }
  if (planes) return { maps: maps(lines, planes), words, layers, left_out: 0, units: [] }
  const drawn = places(lines[0].length, shown)
  return {
    maps: [], words, layers, left_out: lines[0].length - drawn.filter(k => k !== null).length,
    units: drawn.map(place => place === null ? null : {
      values: lines.map(own => own[place]), above: above ? above[place] : null, from: sources(stage, place, before, shown),
    }),
  }
}

/** The units of the column before that one reads: each one's row, and the weight between.
 * @param {Stage} stage @param {number} place @param {Stage | undefined} before @param {number[]} shown
 * @returns {[number, number | null][]}
 */
function sources({ weights, link, isJoined }, place, before, shown) {
  if (!before || before.planes || isJoined || link === "branch") return []
  const width = before.lines[0].length
  return places(width, shown).flatMap((source, row) => {
    if (source === null || (link === "each" && source !== place)) return []
    return [/** @type {[number, number | null]} */ ([row, weights ? weights[place * width + source] : null])]
  })
}

/** Adds connections from a stage `back` columns earlier, the first unit of which is read at `first`.
 * @param {Column} column @param {Stage} stage @param {Stage} source @param {number} back @param {number} first @param {number[]} shown
 */
function addReads(column, stage, source, back, first, shown) {
  if (stage.planes || source.planes) return
  const goals = places(stage.lines[0].length, shown)
  column.units.forEach((unit, k) => places(source.lines[0].length, shown).forEach((place, row) => {
    if (unit && place !== null && place + first === goals[k]) unit.from.push([row, null, back])
  }))
}

/** For each channel, and each name of the stage, rows of values.
 * @param {number[][]} lines @param {number[]} shape
 */
function maps(lines, [channels, rows, across]) {
  return placesOf([channels]).map(([channel]) => lines.map(own => placesOf([rows]).map(([row]) => {
    const begin = (channel * rows + row) * across
    return own.slice(begin, begin + across)
  })))
}
