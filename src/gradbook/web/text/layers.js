// Each layer as a statement: how it is read, what it reads, makes and owns, as `gradbook/net/` has it.

import { inside, insideAlong, overhang, padWords, places, reach, readsNothing, samePad, windowWords } from "./window.js"
import { didYouMean, filled } from "./wording.js"

/**
 * @typedef {import("./statement.js").Statement} Statement
 * @typedef {import("./statement.js").Grammar} Grammar
 * @typedef {import("./window.js").Window} Window
 * @typedef {{
 *   kind: "dense" | "conv" | "pool" | "batchnorm" | "groupnorm" | "layernorm" | "placenorm" | "dropout" | "flatten" | "add" | "concat" | "go" | "activation",
 *   word: string, width: number, bias: string, slope: number, size: number[] | null, stride: number[] | null,
 *   pad: number[] | "same", dilation: number[], ceil: boolean, zeros: boolean, groups: number,
 *   epsilon: number, rate: number, isByChannel: boolean, back: number[],
 * }} Layer what its kind has no use for is as in NOTHING
 * @typedef {{role: string, shape: number[], fans: number[], fixed: boolean}} Spec of a tensor of parameters
 */

/** @type {Layer} */
const NOTHING = {
  kind: "flatten", word: "", width: 0, bias: "", slope: 0, size: null, stride: null, pad: [0, 0, 0, 0], dilation: [1, 1],
  ceil: false, zeros: false, groups: 1, epsilon: 0, rate: 0, isByChannel: false, back: [],
}

/** @param {number[]} sizes */
export const product = sizes => sizes.reduce((all, size) => all * size, 1)

/** @param {number[]} shape */
const spell = shape => shape.join("x")

// Reading -----------------------------------------------------------------------

/** @param {Statement} line @param {string} what @param {number} least @param {number} value */
function atLeast(line, what, least, value) {
  if (value < least) line.fail("NOT_FROM", { what, least: BigInt(least), value: BigInt(value) }, 0)
  return value
}

/** @param {Statement} line @param {string} what @param {number[]} sizes one or two */
const both = (line, what, sizes) => [sizes[0], sizes[sizes.length - 1]].map(it => atLeast(line, what, 1, it))

/** @param {Statement} line @param {string[]} [others] words that could have stood in its place */
function readBias(line, others = []) {
  const { grammar, used } = line
  const biases = Object.keys(grammar.biases)
  const phrase = line.rest()
  if (phrase && !biases.includes(phrase)) {
    const known = [...others, ...biases]
    const hint = didYouMean(phrase, known, grammar.closeEnough) || filled(grammar.messages.ONE_OF, { known: known.join(", ") })
    line.fail("UNKNOWN_CHOICE", { word: phrase, hint }, used)
  }
  return phrase || grammar.usualBias
}

const MOVES = ["stride", "pad", "dilation"]

/** What a window's options say, in any order.
 * @param {Statement} line @param {string[]} options @returns {Record<string, any>}
 */
function readOptions(line, options) {
  const said = /** @type {Record<string, any>} */ ({})
  while (options.includes(line.next)) {
    if (line.next in said) line.fail("SECOND", { word: line.next })
    const word = line.take()
    said[word] = readOption(line, word)
  }
  return said
}

/** @param {Statement} line @param {string} word */
function readOption(line, word) {
  if (word === "ceil" || word === "zeros") return true
  if (word === "groups") return line.whole(word)
  if (word === "pad") return line.option("same") ? "same" : line.wholes(word, [1, 2, 4], "1, 1x0 or 0x0x1x1")
  return line.wholes(word, [1, 2], "2 or 2x1")
}

/** On all four sides.
 * @param {Statement} line @param {number[] | "same"} given @param {{size: number[], dilation: number[]}} window
 */
function readPad(line, given, window) {
  if (given === "same") return given
  const [one, other = one, ...ends] = given
  const pad = [one, other, ...(ends.length ? ends : [one, other])]
  const spans = [0, 1].map(axis => reach(window, axis))
  if (pad.some((side, k) => side >= spans[k % 2])) {
    line.fail("TOO_PADDED", { pad: padWords(pad), window: windowWords(window), most: BigInt(Math.min(...spans) - 1) }, 0)
  }
  return pad
}

/** @param {Statement} line @param {number} channels @param {string[]} options @returns {Layer} */
function readWindows(line, channels, options) {
  const kernel = line.lengths(`${line.words[0].word}'s window`, 2, "3x3")
  const said = readOptions(line, options)
  const bias = readBias(line, options.map(it => `${it} ${it[0].toUpperCase()}`))
  atLeast(line, "conv's number of channels", 1, channels)
  const size = both(line, "conv's window", kernel)
  const stride = both(line, "conv's stride", said.stride ?? [1])
  const dilation = both(line, "conv's dilation", said.dilation ?? [1])
  const groups = atLeast(line, "conv's number of groups", 1, said.groups ?? 1)
  if (channels % groups) line.fail("OUT_OF_GROUPS", { channels: BigInt(channels), groups: BigInt(groups) }, 0)
  const pad = readPad(line, said.pad ?? [0], { size, dilation })
  return { ...NOTHING, kind: "conv", width: channels, size, stride, dilation, groups, pad, bias }
}

/** @param {Statement} line @param {"max" | "avg"} word @returns {Layer} */
function readPool(line, word) {
  if (line.option("all")) return { ...NOTHING, kind: "pool", word }
  const given = line.wholes(`${word}pool's size`, [1, 2], "2 or 2x3")
  const said = readOptions(line, [...MOVES, "ceil", ...(word === "avg" ? ["zeros"] : [])])
  const dilation = both(line, `${word}pool's dilation`, said.dilation ?? [1])
  const size = both(line, `${word}pool's size`, given)
  const stride = said.stride ? both(line, `${word}pool's stride`, said.stride) : null
  const pad = readPad(line, said.pad ?? [0], { size, dilation })
  if (pad === "same" && said.ceil) line.fail("SAME_AND_CEIL", {}, 0)
  return { ...NOTHING, kind: "pool", word, size, stride, pad, dilation, ceil: said.ceil ?? false, zeros: said.zeros ?? false }
}

/** @param {Statement} line @param {"batchnorm" | "groupnorm" | "layernorm" | "placenorm"} kind @param {number} [groups] @returns {Layer} */
function readNorm(line, kind, groups = 1) {
  const epsilon = line.option("epsilon") ? line.value("epsilon") : line.grammar.usualEpsilon
  if (kind === "groupnorm") atLeast(line, "groupnorm's number of groups", 1, groups)
  if (!(epsilon > 0 && epsilon < 1)) line.fail("EPSILON_OF", { word: kind, value: epsilon }, 0)
  return { ...NOTHING, kind, groups, epsilon }
}

/** @param {Statement} line @param {string} phrase whose first word was read */
function secondWord(line, phrase) {
  for (const word of phrase.split(" ").slice(1)) if (!line.option(word)) line.fail("EXPECTED", { phrase })
}

/** @type {Record<string, (line: Statement, shape: number[]) => Layer>} */
const READERS = {
  dense(line) {
    const width = line.whole("dense's width")
    const bias = readBias(line)
    return { ...NOTHING, kind: "dense", width: atLeast(line, "dense's width", 1, width), bias }
  },
  conv: line => readWindows(line, line.whole("conv's number of channels"), [...MOVES, "groups"]),
  depthwise(line, shape) {
    if (shape.length !== 3) line.fail("DEPTHWISE", { shape: spell(shape) }, 0)
    return { ...readWindows(line, shape[0], MOVES), groups: shape[0] }
  },
  maxpool: line => readPool(line, "max"),
  avgpool: line => readPool(line, "avg"),
  batchnorm: line => readNorm(line, "batchnorm"),
  groupnorm: line => readNorm(line, "groupnorm", line.whole("groupnorm's number of groups")),
  instancenorm: (line, shape) => readNorm(line, "groupnorm", shape[0]),
  layernorm: line => readNorm(line, "layernorm"),
  placenorm: line => readNorm(line, "placenorm"),
  dropout(line) {
    const rate = line.value("dropout's rate")
    const isByChannel = line.option("channels")
    if (!(rate >= 0 && rate < 1)) line.fail("DROPOUT_RATE", { value: rate }, 0)
    return { ...NOTHING, kind: "dropout", rate, isByChannel }
  },
  flatten: () => ({ ...NOTHING }),
  add(line) {
    secondWord(line, "add back")
    const what = "add back's number of layers"
    return { ...NOTHING, kind: "add", back: [atLeast(line, what, 1, line.whole(what))] }
  },
  concat(line) {
    secondWord(line, "concat back")
    const back = [line.whole("concat back's number of layers")]
    while (line.next) back.push(line.whole("concat back's number of layers"))
    const all = back.includes(0) ? back : [0, ...back]
    if (all.length < 2) line.fail("JOINED_NONE", {}, 0)
    return { ...NOTHING, kind: "concat", back: all }
  },
  go(line) {
    secondWord(line, "go back")
    const what = "go back's number of layers"
    return { ...NOTHING, kind: "go", back: [atLeast(line, what, 1, line.whole(what))] }
  },
}

/** @param {Statement} line @param {string} first its first word, in our own spelling @param {number[]} shape @returns {Layer} */
export function readLayer(line, first, shape) {
  if (first in READERS) return READERS[first](line, shape)
  const { activations, usualSlope } = line.grammar
  const word = activations.find(it => it.split(" ")[0] === first) ?? first
  secondWord(line, word)
  const slope = word === "leaky relu" && line.next ? line.value("the slope") : usualSlope
  return { ...NOTHING, kind: "activation", word, slope }
}

// What it reads and makes --------------------------------------------------------

/** The numbers of the values that it is given: 0 is the input, k what layer k makes.
 * @param {Layer} layer @param {number} index @returns {number[]}
 */
export function reads({ kind, back }, index) {
  if (kind === "add") return [index, index - back[0]]
  return kind === "concat" || kind === "go" ? back.map(number => index - number) : [index]
}

/** The same, where the layers go back far enough.
 * @param {Layer} layer @param {number} index @param {Statement} line
 */
export function readsChecked(layer, index, line) {
  const back = Math.max(0, ...layer.back)
  if (back > index) {
    const there = ["none stands", "only 1 stands"][index] ?? `only ${index} stand`
    const layers = `${back} layer${back > 1 ? "s" : ""}`
    line.fail("TOO_FAR_BACK", { words: `${layer.kind} back ${back}`, layers, there }, 0)
  }
  return reads(layer, index)
}

/** The window that slides over an input of this shape.
 * @param {Layer} layer @param {number[]} shape @returns {Window}
 */
export function windowOf(layer, shape) {
  const area = shape.slice(1)
  if (!layer.size) return { size: area, stride: [1, 1], pad: [0, 0, 0, 0], dilation: [1, 1] }
  const moves = { size: layer.size, stride: layer.stride ?? layer.size, dilation: layer.dilation }
  const found = { ...moves, pad: layer.pad === "same" ? samePad(moves, area) : layer.pad }
  return layer.ceil ? { ...found, pad: overhang(found, area) } : found
}

/** What the sum of each window is divided by: what it reads, and the padding that counts.
 * @param {Layer} layer @param {number[]} shape @param {number[]} place
 */
export function divisor(layer, shape, place) {
  const window = windowOf(layer, shape)
  const pad = layer.zeros ? windowOf({ ...layer, ceil: false }, shape).pad : [0, 0, 0, 0]
  return product(shape.slice(1).map((length, axis) =>
    insideAlong(window, axis, place[axis], length, [pad[axis], pad[axis + 2]]).length))
}

/** The shape that it makes of those of the values it reads; one that doesn't fit is told.
 * @param {Layer} layer @param {number[][]} given @param {Statement} line @returns {number[]}
 */
export function output(layer, given, line) {
  const [shape, ...others] = given
  switch (layer.kind) {
    case "dense":
      if (shape.length !== 1) line.fail("FLAT_ONLY", { word: "dense", shape: spell(shape) }, 0)
      return [layer.width]
    case "conv":
    case "pool": return slid(layer, shape, line)
    case "groupnorm":
    case "layernorm": return normed(layer, shape, line)
    case "placenorm":
      if (shape.length !== 3) line.fail("NO_PLACES", { shape: spell(shape) }, 0)
      return normed({ ...layer, groups: product(shape.slice(1)) }, shape, line, 1)
    case "flatten": return [product(shape)]
    case "add":
      if (spell(others[0]) !== spell(shape)) {
        line.fail("ADDED_SHAPES", { back: BigInt(layer.back[0]), earlier: spell(others[0]), shape: spell(shape) }, 0)
      }
      return shape
    case "concat": return joined(shape, others, line)
    case "activation":
      if (!isSoftmax(layer)) return shape
      if (Math.max(1, ...shape.slice(1)) > 1) line.fail("FLAT_ONLY", { word: layer.word, shape: spell(shape) }, 0)
      return shape.slice(0, 1)
    default: return shape
  }
}

/** @param {Layer} layer */
export const isSoftmax = ({ kind, word }) => kind === "activation" && word.endsWith("softmax")

/** @param {Layer} layer @param {number[]} shape @param {Statement} line */
function slid(layer, shape, line) {
  const word = layer.kind === "conv" ? "conv" : `${layer.word}pool`
  if (shape.length !== 3) {
    line.fail("CHANNELS_ONLY", { word, shape: spell(shape), area: shape.length === 2 ? spell(shape) : "28x28" }, 0)
  }
  if (layer.kind === "conv" && shape[0] % layer.groups) {
    line.fail("INTO_GROUPS", { given: BigInt(shape[0]), groups: BigInt(layer.groups), channels: BigInt(layer.width) }, 0)
  }
  const [window, area] = [windowOf(layer, shape), shape.slice(1)]
  const found = places(window, area)
  const isPadded = window.pad.some(it => it > 0)
  const told = { word, window: windowWords(window), shape: spell(shape) }
  if (Math.min(...found) < 1) line.fail("LARGER_WINDOW", { ...told, pad: isPadded ? ` with pad ${padWords(window.pad)}` : "" }, 0)
  if (isPadded && readsNothing(window, area)) line.fail("PADDING_ALONE", told, 0)
  return [layer.kind === "conv" ? layer.width : shape[0], ...found]
}

/** @param {Layer} layer @param {number[]} shape @param {Statement} line @param {number} [parts] equal ones that its channels fall into */
function normed({ kind, groups }, shape, line, parts = groups) {
  if (shape[0] % parts) line.fail("GROUPS_OF_CHANNELS", { channels: BigInt(shape[0]), groups: BigInt(groups) }, 0)
  if (product(shape) === groups) line.fail("GROUPS_OF_ONE", { word: kind, shape: spell(shape) }, 0)
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

/** The tensors of parameters that it owns.
 * @param {Layer} layer @param {number[]} shape @param {Grammar} grammar @returns {Spec[]}
 */
export function parametersOf(layer, shape, grammar) {
  const { weights, biases, scales, shifts } = grammar.kinds
  const bias = grammar.biases[layer.bias]
  const own = (/** @type {number} */ width) => (bias ? [{ role: biases, shape: [bias.shared ? 1 : width], fans: [1, 1], fixed: bias.fixed }] : [])
  const ofNorm = (/** @type {number} */ size) => [scales, shifts].map(role => ({ role, shape: [size], fans: [1, 1], fixed: false }))
  switch (layer.kind) {
    case "dense":
      return [{ role: weights, shape: [layer.width, shape[0]], fans: [shape[0], layer.width], fixed: false }, ...own(layer.width)]
    case "conv": {
      const [size, inputs] = [layer.size ?? [], shape[0] / layer.groups]
      const fans = [inputs, layer.width / layer.groups].map(it => it * product(size))
      return [{ role: weights, shape: [layer.width, inputs, ...size], fans, fixed: false }, ...own(layer.width)]
    }
    case "batchnorm":
    case "groupnorm":
    case "placenorm": return ofNorm(shape[0])
    case "layernorm": return ofNorm(product(shape))
    default: return []
  }
}

/** How many values one of its own is put together from.
 * @param {Layer} layer @param {number[]} shape
 */
export function termsOf(layer, shape) {
  if (layer.kind === "dense") return shape[0]
  if (layer.kind === "conv") return (shape[0] / layer.groups) * product(layer.size ?? [])
  return layer.kind === "pool" ? product(windowOf(layer, shape).size) : 1
}

/** Which values a window reads at one place: their own place in the window, and that in what it reads.
 * @param {Layer} layer @param {number[]} shape @param {number[]} place
 */
export const readAt = (layer, shape, place) => inside(windowOf(layer, shape), place, shape.slice(1))
