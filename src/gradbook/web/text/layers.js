// What layers read, output and own, as in their cards in `gradbook/layers/`.

import { layerWords, readForm } from "./forms.js"
import { inside, insideAlong, isSequence, overhang, padWords, places, reach, readsNothing, samePad, windowWords } from "./window.js"

/**
 * @typedef {import("./statement.js").Statement} Statement
 * @typedef {import("./statement.js").Grammar} Grammar
 * @typedef {import("./window.js").Window} Window
 * @typedef {import("./forms.js").Layer} Layer
 * @typedef {{
 *   check?: (line: Statement, layer: Layer) => void,
 *   reads?: (layer: Layer, index: number) => number[],
 *   output?: (layer: Layer, given: number[][], line: Statement) => number[],
 *   parameters?: (layer: Layer, shape: number[], grammar: Grammar) => Spec[],
 * }} Card refuses fields that don't go together; most read the values before them and keep their shape
 * @typedef {{role: string, shape: number[], fans: number[], fixed: boolean, part?: string, start?: number[]}} Spec of a tensor of
 *   parameters: its role, and its initial values if they aren't the usual ones
 */

/** @param {number[]} sizes */
export const product = sizes => sizes.reduce((all, size) => all * size, 1)

/** @param {number[]} shape */
const spell = shape => shape.join("x")

const ELSEWHERE = "a page can't build '{word}' by itself: write the text into a file, and open it with gradbook play FILE.txt"

/** @param {string} bias @param {number} width @param {Grammar} grammar @returns {Spec[]} */
function biasOf(bias, width, { kinds, biases }) {
  const own = biases[bias]
  return own ? [{ role: kinds.biases, shape: [own.shared ? 1 : width], fans: [1, 1], fixed: own.fixed }] : []
}

/** A normalisation: a scale and a shift for each of so many, and whether its groups fit.
 * @param {(shape: number[]) => number} many @param {Card["output"]} [output] @returns {Card}
 */
const norm = (many, output) => ({
  check(line, { card, epsilon }) {
    if (!(epsilon > 0 && epsilon < 1)) line.fail("EPSILON_OF", { word: card, value: epsilon }, 0)
  },
  output,
  parameters: (_, shape, { kinds }) => [kinds.scales, kinds.shifts].map(role => ({ role, shape: [many(shape)], fans: [1, 1], fixed: false })),
})

/** @param {number[]} shape */
const channelsOf = ([channels]) => channels

/** @type {Card} A layer that goes over the steps of a sequence. */
const recurrent = {
  output({ card, width, all }, [shape], line) {
    requireSteps(card, shape, line)
    return all ? [width, 1, shape[2]] : [width]
  },
  parameters: partsOf,
}

/** @type {Card} A layer that slides over all channels. */
const sliding = {
  check(line, layer) {
    const { channels, groups } = layer
    if (channels % groups) line.fail("OUT_OF_GROUPS", { channels: BigInt(channels), groups: BigInt(groups) }, 0)
    layer.pad = padOf(line, layer, layer.kernel)
  },
  output: (layer, [shape], line) => slid(layer, shape, line),
  parameters({ channels, kernel, groups, bias }, [given], grammar) {
    const fans = [given, channels].map(it => (it / groups) * product(kernel))
    return [{ role: grammar.kinds.weights, shape: [channels, given / groups, ...kernel], fans, fixed: false }, ...biasOf(bias, channels, grammar)]
  },
}

/** @param {string} word @param {(role: string, shape: number[]) => Spec} own @returns {Card} adds to each step values for its place */
const placing = (word, own) => ({
  output(_, [shape], line) {
    requireSteps(word, shape, line)
    return shape
  },
  parameters: (_, shape, { kinds }) => [own(kinds.biases, shape)],
})

/** @param {string} role @param {number[]} shape @returns {Spec} */
const aVectorEach = (role, shape) => ({ role, shape: [product(shape)], fans: [1, 1], fixed: false })

const LONGEST_WAVE = 10_000 // times 2π, as in gradbook/layers/sequences.py

/** Sines and cosines of each step's place.
 * @param {number[]} shape
 */
const waves = ([features, , steps]) => Array.from({ length: features * steps }, (_, k) => {
  const feature = Math.floor(k / steps)
  return Math[feature % 2 ? "cos" : "sin"]((k % steps) / LONGEST_WAVE ** ((Math.floor(feature / 2) * 2) / features))
})

/** @type {Record<string, Card>} */
const CARDS = {
  rnn: recurrent,
  gru: recurrent,
  lstm: recurrent,
  attention: {
    output({ heads }, [shape], line) {
      requireSteps("attention", shape, line)
      if (shape[0] % heads) line.fail("HEADS", { features: BigInt(shape[0]), heads: BigInt(heads) }, 0)
      return shape
    },
    parameters: partsOf,
  },
  positionembedding: placing("positions", aVectorEach),
  sinusoids: placing("sinusoids", (role, shape) => ({ ...aVectorEach(role, shape), fixed: true, start: waves(shape) })),
  embedding: sliding,
  unembedding: {
    output({ width }, [shape], line) {
      requireSteps("unembed", shape, line)
      return [width, ...shape.slice(1)]
    },
    parameters: ({ width }, [features], { kinds }) => [{ role: kinds.weights, shape: [features, width, 1, 1], fans: [width, features], fixed: false }],
  },
  dense: {
    output({ width }, [shape], line) {
      if (shape.length !== 1) line.fail("FLAT_ONLY", { word: "dense", shape: spell(shape) }, 0)
      return [width]
    },
    parameters: ({ width, bias }, [given], grammar) =>
      [{ role: grammar.kinds.weights, shape: [width, given], fans: [given, width], fixed: false }, ...biasOf(bias, width, grammar)],
  },
  conv: sliding,
  pool: {
    check(line, layer) {
      if (!layer.size) return
      layer.pad = padOf(line, layer, layer.size)
      if (layer.pad === "same" && layer.ceil) line.fail("SAME_AND_CEIL", {}, 0)
    },
    output: (layer, [shape], line) => slid(layer, shape, line),
  },
  batchnorm: norm(channelsOf),
  groupnorm: norm(channelsOf, (layer, [shape], line) => normed(layer, shape, line)),
  layernorm: norm(product, (layer, [shape], line) => normed(layer, shape, line)),
  placenorm: norm(channelsOf, (layer, [shape], line) => {
    if (shape.length !== 3) line.fail("NO_PLACES", { shape: spell(shape) }, 0)
    return normed({ ...layer, groups: product(shape.slice(1)) }, shape, line, 1)
  }),
  rmsnorm: {
    ...norm(channelsOf, ({ card }, [shape], line) => {
      if (shape[0] === 1) line.fail("GROUPS_OF_ONE", { word: card, shape: spell(shape) }, 0)
      return shape
    }),
    parameters: ({ plain }, shape, { kinds }) => (plain ? [] : [{ role: kinds.scales, shape: [channelsOf(shape)], fans: [1, 1], fixed: false }]),
  },
  prelu: {
    parameters: ({ shared }, shape, { kinds }) => [{ role: kinds.slopes, shape: [shared ? 1 : channelsOf(shape)], fans: [1, 1], fixed: false }],
  },
  numbered: {},
  dropout: {
    check(line, { rate }) {
      if (!(rate >= 0 && rate < 1)) line.fail("DROPOUT_RATE", { value: rate }, 0)
    },
  },
  flatten: { output: (_, [shape]) => [product(shape)] },
  product: {
    reads: alsoBack,
    output({ back }, [shape, earlier], line) {
      const [large, small] = isNoSmaller(shape, earlier) ? [shape, earlier] : [earlier, shape]
      const isPerChannel = large.length === 3 && large[0] === small[0] && product(small) === small[0]
      if (spell(earlier) !== spell(shape) && !isPerChannel) line.fail("MULTIPLIED_SHAPES", { back: BigInt(back), earlier: spell(earlier), shape: spell(shape) }, 0)
      return large
    },
  },
  residual: {
    reads: alsoBack,
    output({ back }, [shape, earlier], line) {
      if (spell(earlier) !== spell(shape)) line.fail("ADDED_SHAPES", { back: BigInt(back), earlier: spell(earlier), shape: spell(shape) }, 0)
      return shape
    },
  },
  concat: {
    check(line, layer) {
      if (!layer.back.includes(0)) layer.back = [0, ...layer.back]
      if (layer.back.length < 2) line.fail("JOINED_NONE", {}, 0)
    },
    reads: ({ back }, index) => back.map((/** @type {number} */ number) => index - number),
    output: (_, [shape, ...others], line) => joined(shape, others, line),
  },
  goback: { reads: ({ back }, index) => [index - back] },
  activation: {
    output({ kind }, [shape], line) {
      if (!line.grammar.mixing.includes(kind) || (shape.length === 3 && isSequence(shape))) return shape
      if (Math.max(1, ...shape.slice(1)) > 1) line.fail("FLAT_ONLY", { word: kind, shape: spell(shape) }, 0)
      return shape.slice(0, 1)
    },
  },
}

/** A layer that no module here knows, by the table that was traced from its card: as its bare word says it, of few flat values.
 * @param {Layer} layer @param {number[]} shape @param {Pick<Grammar, "cards">} grammar
 */
export function tracedOf(layer, shape, { cards }) {
  const { traced, usual } = cards[layer.card]
  const isUsual = Object.entries(usual ?? {}).every(([name, value]) => JSON.stringify(layer[name]) === JSON.stringify(value))
  return isUsual && shape.length === 1 ? traced?.[shape[0]] : undefined
}

/** @type {Card} */
const TRACED = {
  output(layer, [shape], line) {
    const own = tracedOf(layer, shape, line.grammar)
    if (!own) line.fail(ELSEWHERE, { word: line.words[0].word }, 0)
    return /** @type {{shape: number[]}} */ (own).shape
  },
  parameters: (layer, shape, grammar) => tracedOf(layer, shape, grammar)?.parameters ?? [],
}

/** @param {string} card @param {Grammar} grammar @returns {Card | undefined} */
const cardOf = (card, { cards }) => CARDS[card] ?? (cards[card].state ? recurrent : cards[card].traced && TRACED)

/** @param {Layer} layer @param {number} index */
function alsoBack({ back }, index) {
  return [index, index - back]
}

/** @param {number[]} shape @param {number[]} other has fewer values, or as many in no more axes */
const isNoSmaller = (shape, other) => product(shape) > product(other) || (product(shape) === product(other) && shape.length >= other.length)

/** @param {Statement} line @param {string} first its first word, in our own spelling @param {number[]} shape @returns {Layer} */
export function readLayer(line, first, shape) {
  const card = cardOf(line.grammar.forms[first].card, line.grammar)
  if (!card) return line.fail(ELSEWHERE, { word: first }, 0)
  const layer = readForm(line, first, shape)
  if (layer.bits) line.fail(ELSEWHERE, { word: layer.bits }, 0)
  card.check?.(line, layer)
  return layer
}

/** The numbers of the values that it is given: 0 is the input, k the output of layer k.
 * @param {Layer} layer @param {number} index @returns {number[]}
 */
export const reads = (layer, index) => CARDS[layer.card]?.reads?.(layer, index) ?? [index]

/** The same; fails if they would be before the input.
 * @param {Layer} layer @param {number} index @param {Statement} line
 */
export function readsChecked(layer, index, line) {
  const back = Math.max(0, ...[layer.back ?? []].flat())
  if (back > index) {
    const there = ["none is", "only 1 is"][index] ?? `only ${index} are`
    const layers = `${back} layer${back > 1 ? "s" : ""}`
    line.fail("TOO_FAR_BACK", { words: `${layerWords(layer, line.grammar).split(" ")[0]} back ${back}`, layers, there }, 0)
  }
  return reads(layer, index)
}

/** Its output's shape, from those of the values it reads; fails if they don't fit.
 * @param {Layer} layer @param {number[][]} given @param {Statement} line @returns {number[]}
 */
export const output = (layer, given, line) => cardOf(layer.card, line.grammar)?.output?.(layer, given, line) ?? given[0]

/** The tensors of parameters that it owns.
 * @param {Layer} layer @param {number[]} shape @param {Grammar} grammar @returns {Spec[]}
 */
export const parametersOf = (layer, shape, grammar) => cardOf(layer.card, grammar)?.parameters?.(layer, shape, grammar) ?? []

/** Whether it takes steps x features.
 * @param {Layer} layer @param {Grammar} grammar
 */
export const readsSteps = ({ card, row }, { cards }) => Boolean(row || cards[card].readsSteps)

// What several of them share ------------------------------------------------------

/** @param {string} word @param {number[]} shape @param {Statement} line */
function requireSteps(word, shape, line) {
  if (shape.length !== 3 || !isSequence(shape)) line.fail("SEQUENCES_ONLY", { word, shape: spell(shape) }, 0)
}

/** @param {string} word @param {number[]} shape @param {Statement} line */
function requireChannels(word, shape, line) {
  if (shape.length === 3) return
  line.fail("CHANNELS_ONLY", { word, shape: spell(shape), area: shape.length === 2 ? spell(shape) : "28x28" }, 0)
}

/** @param {string} word @param {Layer} layer @param {number[]} shape @param {Statement} line */
function requireGroups(word, { groups, channels }, shape, line) {
  requireChannels(word, shape, line)
  if (shape[0] % groups) line.fail("INTO_GROUPS", { given: BigInt(shape[0]), groups: BigInt(groups), channels: BigInt(channels) }, 0)
}

/** The tensors of a layer with parts, as the grammar lists them.
 * @param {Layer} layer @param {Grammar} grammar
 */
export const tensorsOf = (layer, { cards, kinds }) => (cards[layer.card].tensors ?? []).filter(({ unless, role }) =>
  !(unless && layer[unless]) && (role !== kinds.biases || layer.bias !== "no bias"))

/** @param {Layer} layer @param {number[]} shape @param {Grammar} grammar @returns {Spec[]} */
function partsOf(layer, [features], grammar) {
  const width = layer.width ?? features
  const sized = (/** @type {(number | string)[]} */ sizes) => sizes.map(it => (it === "width" ? width : it === "features" ? features : Number(it)))
  return tensorsOf(layer, grammar).flatMap(({ role, part, shape, fans }) => (role === grammar.kinds.biases
    ? biasOf(layer.bias, sized(shape)[0], grammar)
    : [{ role, shape: sized(shape), fans: sized(fans), fixed: false }]).map(spec => (part ? { ...spec, part } : spec)))
}

/** The padding on all four sides.
 * @param {Statement} line @param {Layer} layer @param {number[]} size
 */
function padOf(line, { pad: given, dilation }, size) {
  if (given === "same") return given
  const [one, other = one, ...ends] = given
  const pad = [one, other, ...(ends.length ? ends : [one, other])]
  const window = { size, dilation }
  const spans = [0, 1].map(axis => reach(window, axis))
  if (pad.some((side, k) => side >= spans[k % 2])) {
    line.fail("TOO_PADDED", { pad: padWords(pad), window: windowWords(window), most: BigInt(Math.min(...spans) - 1) }, 0)
  }
  return pad
}

/** The window that slides over an input of this shape.
 * @param {Layer} layer @param {number[]} shape @returns {Window}
 */
export function windowOf(layer, shape) {
  const area = shape.slice(1)
  const size = layer.kernel ?? layer.size
  if (!size) return { size: area, stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1] }
  const moves = { size, stride: layer.stride ?? size, dilation: layer.dilation }
  const found = { ...moves, pad: layer.pad === "same" ? samePad(moves, area) : layer.pad }
  return layer.ceil ? { ...found, pad: overhang(found, area) } : found
}

/** The divisor of a window's sum: how many values it reads, with the padding that counts.
 * @param {Layer} layer @param {number[]} shape @param {number[]} place
 */
export function divisor(layer, shape, place) {
  const window = windowOf(layer, shape)
  const pad = layer.zeros ? windowOf({ ...layer, ceil: false }, shape).pad : [0, 0, 0, 0]
  return product(shape.slice(1).map((length, axis) =>
    insideAlong(window, axis, place[axis], length, [pad[axis], pad[axis + 2]]).length))
}

/** @param {Layer} layer @param {number[]} shape @param {Statement} line */
function slid(layer, shape, line) {
  const isConv = Boolean(layer.kernel)
  const word = isConv ? (layer.card === "conv" ? "conv" : "embed") : `${layer.kind}pool`
  if (isConv) requireGroups(word, layer, shape, line)
  else requireChannels(word, shape, line)
  const [window, area] = [windowOf(layer, shape), shape.slice(1)]
  const found = places(window, area)
  const isPadded = window.pad.some(it => it > 0)
  const told = { word, window: windowWords(window), shape: spell(shape) }
  if (Math.min(...found) < 1) line.fail("LARGER_WINDOW", { ...told, pad: isPadded ? ` with pad ${padWords(window.pad)}` : "" }, 0)
  if (isPadded && readsNothing(window, area)) line.fail("PADDING_ALONE", told, 0)
  return [isConv ? layer.channels : shape[0], ...found]
}

/** @param {Layer} layer @param {number[]} shape @param {Statement} line @param {number} [parts] into which its channels are divided */
function normed({ card, groups = 1 }, shape, line, parts = groups) {
  if (shape[0] % parts) line.fail("GROUPS_OF_CHANNELS", { channels: BigInt(shape[0]), groups: BigInt(groups) }, 0)
  if (product(shape) === groups) line.fail("GROUPS_OF_ONE", { word: card, shape: spell(shape) }, 0)
  return shape
}

/** @param {number[]} shape @param {number[][]} others @param {Statement} line */
function joined(shape, others, line) {
  const tail = spell(shape.slice(1))
  for (const other of others) {
    if (other.length !== shape.length || spell(other.slice(1)) !== tail) {
      line.fail("JOINED_SHAPES", { earlier: spell(other), shape: spell(shape) }, 0)
    }
  }
  return [[shape, ...others].reduce((sum, [channels]) => sum + channels, 0), ...shape.slice(1)]
}

/** How many values and products its values are computed from.
 * @param {Layer} layer @param {number[]} shape @param {number[]} made @param {Grammar} grammar
 */
export function termsOf(layer, shape, made, grammar) {
  const parts = tensorsOf(layer, grammar)
  if (!parts.length) {
    const weights = parametersOf(layer, shape, grammar).find(({ role }) => role === grammar.kinds.weights)
    if (weights) return product(weights.shape) * product(made.slice(1))
    return product(made) * (layer.card === "pool" ? product(windowOf(layer, shape).size) : 1)
  }
  const sizes = partsOf(layer, shape, grammar).map(it => product(it.shape))
  return parts.reduce((sum, { role, later }, k) => sum + (role === grammar.kinds.weights ? sizes[k] * (shape[2] - (later ? 1 : 0)) : 0), 0)
}

/** The values that a window reads at one place: each one's place in the window, and in the input.
 * @param {Layer} layer @param {number[]} shape @param {number[]} place
 */
export const readAt = (layer, shape, place) => inside(windowOf(layer, shape), place, shape.slice(1))
