// The columns of the drawing: units, the weights between them, and what stands below each column.

import { digits } from "../text/wording.js"

/**
 * @typedef {import("./values.js").Values} Values
 * @typedef {import("./values.js").Building} Building
 * @typedef {import("../view/layout.js").Column} Column
 * @typedef {{values: number[][], words: string[], above: number[] | null, weights: number[] | null, isFresh: boolean, isEach: boolean}} Stage
 */

/** @param {Values} values @param {number} samples @param {Building} building @returns {Column[]} */
export function columns(values, samples, building) {
  const stages = [...layerStages(values, building), ...lossStages(values, samples)]
  return stages.map((stage, k) => column(stage, stages[k - 1], building.shown))
}

/** @param {Partial<Stage> & {values: number[][], words: string[]}} stage @returns {Stage} */
const stageOf = stage => ({ above: null, weights: null, isFresh: false, isEach: false, ...stage })

/** An activation stands beside the sums that it is of.
 * @param {Values} values @param {Building} building
 */
function layerStages(values, building) {
  const { net } = values
  const stages = [stageOf({ values: values.inputs.map(it => [it]), words: ["input"] })]
  net.layers.forEach((layer, k) => {
    const made = values.columns[k + 1]
    const last = stages[stages.length - 1]
    const words = layerWords(layer, building.grammar)
    if (layer.kind === "activation" && last.isFresh) {
      last.values = last.values.map((own, j) => [...own, made[j]])
      last.words = [...last.words, words]
      last.isFresh = false
    } else if (layer.kind === "activation") {
      stages.push(stageOf({ values: made.map(it => [it]), words: [words], isFresh: true, isEach: true }))
    } else {
      const [weights, biases] = net.parameters.flatMap((it, j) => (it.layer === k ? [values.parameters[j]] : []))
      const above = biases ? made.map((_, j) => biases[biases.length > 1 ? j : 0]) : null
      stages.push(stageOf({ values: made.map(it => [it]), words: [role(net.layers, k), words], above, weights, isFresh: true }))
    }
  })
  return stages
}

/** @param {import("../text/reader.js").Layer} layer @param {import("../text/statement.js").Grammar} grammar */
export function layerWords(layer, grammar) {
  if (layer.kind === "dense") return `dense ${layer.width}${layer.bias === grammar.usualBias ? "" : ` ${layer.bias}`}`
  const isUsual = layer.word !== "leaky relu" || layer.slope === grammar.usualSlope
  return isUsual ? layer.word : `${layer.word} ${digits(layer.slope).replace(/\.0$/, "")}`
}

/** @param {import("../text/reader.js").Layer[]} layers @param {number} index */
function role(layers, index) {
  const sums = layers.flatMap((layer, k) => (layer.kind === "dense" ? [k] : []))
  if (index === sums[sums.length - 1]) return "output"
  return sums.length === 2 ? "hidden" : `hidden ${sums.indexOf(index) + 1}`
}

/** @param {Values} values @param {number} samples */
function lossStages({ net, errors, loss, targets, patterns }, samples) {
  const mean = samples > 1 ? [`mean over ${samples} samples`] : []
  if (!errors.length) return [stageOf({ values: [[loss]], words: [net.loss, ...mean] })]
  const within = () => (patterns[`all of ${net.loss}`].value[0] === "every" ? "sum" : "mean")
  const words = mean.length ? mean : errors.length > 1 ? [within()] : []
  return [
    stageOf({ values: errors.map(it => [it]), words: [net.loss], above: targets, isEach: true }),
    stageOf({ values: [[loss]], words }),
  ]
}

/** Of a long column the first units are drawn, and the last.
 * @param {number} count @param {number[]} shown @returns {(number | null)[]}
 */
function places(count, [most, first]) {
  const all = Array.from({ length: count }, (_, k) => k)
  return count <= most ? all : [...all.slice(0, first), null, count - 1]
}

/** @param {Stage} stage @param {Stage | undefined} before @param {number[]} shown @returns {Column} */
function column({ values, words, above, weights, isEach }, before, shown) {
  const drawn = places(values.length, shown)
  const sources = before ? places(before.values.length, shown) : []
  const width = before?.values.length ?? 0
  return {
    maps: [], words, left_out: values.length - drawn.filter(k => k !== null).length,
    units: drawn.map(place => place === null ? null : {
      values: values[place],
      above: above ? above[place] : null,
      from: sources.flatMap((source, row) => {
        if (source === null || (isEach && source !== place)) return []
        return [/** @type {[number, number | null]} */ ([row, weights ? weights[place * width + source] : null])]
      }),
    }),
  }
}
