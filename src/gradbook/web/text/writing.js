// Layers as the text form says them.

import { padWords, short } from "./window.js"
import { digits } from "./wording.js"

/**
 * @typedef {import("./layers.js").Layer} Layer
 * @typedef {import("./statement.js").Grammar} Grammar
 */

/** @param {number} value */
const plain = value => digits(value).replace(/\.0$/, "")

/** conv 2 3x3 no bias, as short as it can be.
 * @param {Layer} layer @param {Grammar} grammar
 */
export function layerWords(layer, grammar) {
  const { kind, word } = layer
  switch (kind) {
    case "dense": return `dense ${layer.width}${bias(layer, grammar)}`
    case "conv": return `conv ${layer.width} ${layer.size?.join("x")}${moves(layer)}${bias(layer, grammar)}`
    case "pool": return `${word}pool ${layer.size ? short(layer.size) : "all"}${moves(layer)}`
    case "batchnorm":
    case "layernorm":
    case "placenorm": return kind + epsilon(layer, grammar)
    case "groupnorm": return `groupnorm ${layer.groups}${epsilon(layer, grammar)}`
    case "dropout": return `dropout ${plain(layer.rate)}${layer.isByChannel ? " channels" : ""}`
    case "flatten": return kind
    case "add": return `add back ${layer.back[0]}`
    case "go": return `go back ${layer.back[0]}`
    case "concat": return `concat back ${back(layer.back).join(" ")}`
    default: return word === "leaky relu" && layer.slope !== grammar.usualSlope ? `${word} ${plain(layer.slope)}` : word
  }
}

/** @param {Layer} layer @param {Grammar} grammar */
const bias = (layer, grammar) => (layer.bias === grammar.usualBias ? "" : ` ${layer.bias}`)

/** @param {Layer} layer @param {Grammar} grammar */
const epsilon = (layer, grammar) => (layer.epsilon === grammar.usualEpsilon ? "" : ` epsilon ${plain(layer.epsilon)}`)

/** A 0 that stands first, and alone, goes without saying.
 * @param {number[]} numbers
 */
const back = ([first, ...others]) => (first || others.includes(0) ? [first, ...others] : others)

/** What a window is told besides its size, as far as it isn't usual.
 * @param {Layer} layer
 */
function moves({ kind, stride, pad, dilation, groups, ceil, zeros }) {
  const isUsual = !stride || (kind === "conv" && stride.every(it => it === 1))
  const said = [
    ...(isUsual ? [] : [`stride ${short(stride)}`]),
    ...(pad !== "same" && pad.every(it => it === 0) ? [] : [`pad ${padWords(pad)}`]),
    ...(dilation.every(it => it === 1) ? [] : [`dilation ${short(dilation)}`]),
    ...(groups > 1 ? [`groups ${groups}`] : []), ...(ceil ? ["ceil"] : []), ...(zeros ? ["zeros"] : []),
  ]
  return said.map(it => ` ${it}`).join("")
}
