// Reads a network's text, statement by statement, as the command does.

import { checked } from "./fit.js"
import { atLeast, readSettings } from "./forms.js"
import { output, readLayer, reads, readsChecked, readsSteps } from "./layers.js"
import { statements, TextError } from "./statement.js"
import { didYouMean, filled } from "./wording.js"

/**
 * @typedef {import("./statement.js").Statement} Statement
 * @typedef {import("./statement.js").Grammar} Grammar
 * @typedef {import("../machine/training.js").Sample} Sample
 * @typedef {import("./forms.js").Layer} Layer
 * @typedef {{kind: string, [setting: string]: any}} Update a kind and its settings
 * @typedef {{
 *   shapes: number[][], layers: Layer[], samples: Sample[], start: Record<string, number[]>,
 *   settings: Record<string, any>, places: Map<string, Statement>,
 *   again: {first: number, end: number}[], owners: Map<number, number>,
 * }} Draft what has been read so far
 */

/** The network that a text describes; a mistake is thrown with its place.
 * @param {string} text @param {Grammar} grammar
 */
export function read(text, grammar) {
  const length = [...text].length
  if (length > grammar.longestText) {
    const values = { size: BigInt(length), most: BigInt(grammar.longestText) }
    throw new TextError(filled(grammar.messages.TOO_LONG, values), 1, 1)
  }
  /** @type {Draft} */
  const draft = { shapes: [], layers: [], samples: [], start: {}, settings: {}, places: new Map(), again: [], owners: new Map() }
  for (const line of statements(text, grammar)) readStatement(draft, line)
  if (!draft.shapes.length) throw new TextError(grammar.messages.NO_LAYERS, 1, 1)
  return checked(draft, grammar)
}

const AGAIN = "again"

/** @param {Draft} draft @param {Statement} line */
function readStatement(draft, line) {
  const { grammar } = line
  const word = meaning(grammar, line.next)
  const isLayer = Object.hasOwn(grammar.forms, word)
  if (!isLayer && word !== AGAIN && !grammar.words.includes(word)) {
    if (line.words[1]?.word === "=") line.fail("A_FORMULA", { word: line.next })
    const { instead } = grammar.synonyms
    if (Object.hasOwn(instead, word)) line.fail("NOT_A_LINE", { word: line.next, advice: instead[word] })
    const hint = didYouMean(word, grammar.words, grammar.closeEnough) || grammar.messages.SEE_HELP
    line.fail("UNKNOWN_LAYER", { word: line.next, hint })
  }
  if (!draft.shapes.length && word !== "input" && word !== "name") line.fail("BEFORE_INPUT", { word })
  line.take()
  if (word === AGAIN) takeAgain(draft, line)
  else if (isLayer) takeLayer(draft, line, word)
  else if (word in grammar.kinds) start(draft, line, grammar.kinds[word])
  else STATEMENTS[word](draft, line)
  line.end()
}

/** A statement's first word, in the grammar's spelling.
 * @param {Statement} statement
 */
export const begins = ({ words, grammar }) => meaning(grammar, words[0].word)

/** A word in the grammar's spelling; capitals and a colon after it don't matter.
 * @param {Grammar} grammar @param {string} word
 */
const meaning = ({ synonyms }, word) => ours(synonyms.layers, word.toLowerCase().replace(/:$/, ""))

/** @param {Record<string, string>} synonyms @param {string} word */
const ours = (synonyms, word) => {
  const plain = word.toLowerCase()
  return Object.hasOwn(synonyms, plain) ? synonyms[plain] : plain
}

/** @param {string} word @param {string[]} known @param {Grammar} grammar */
function hint(word, known, grammar) {
  return didYouMean(word, known, grammar.closeEnough) || filled(grammar.messages.KNOWN, { known: known.join(", ") })
}

/** @param {Draft} draft @param {string} key @param {any} value @param {Statement} line */
function set(draft, key, value, line) {
  if (key in draft.settings) line.fail("TWICE", { word: line.words[0].word }, 0)
  draft.settings[key] = value
  draft.places.set(key, line)
}

/** @param {Draft} draft @param {Statement} line @param {string} word */
function takeLayer(draft, line, word) {
  checkDepth(draft, line)
  addLayer(draft, readLayer(line, word, draft.shapes[draft.layers.length]), line)
}

/** @param {Draft} draft @param {Statement} line */
function checkDepth({ layers }, line) {
  const { mostLayers } = line.grammar
  if (layers.length >= mostLayers) line.fail("TOO_DEEP", { most: BigInt(mostLayers) }, 0)
}

/** @param {Draft} draft @param {Layer} layer @param {Statement} line @param {number} [first] the layer that it repeats */
function addLayer(draft, layer, line, first = draft.layers.length) {
  checkDepth(draft, line)
  const index = draft.layers.length
  const owner = ownerOf(draft, layer, first, line.grammar)
  if (owner !== index) draft.owners.set(index, owner)
  const given = readsChecked(layer, index, line)
  draft.layers.push(layer)
  if (readsSteps(layer, line.grammar) && draft.shapes[0].length === 2) layOut(draft, line)
  else draft.shapes.push(output(layer, given.map(value => draft.shapes[value]), line))
  draft.places.set(`layer ${index + 1}`, line)
}

/** The layer whose weights it uses: the last one before it that it is tied to, if any.
 * @param {Draft} draft @param {Layer} layer @param {number} first @param {Grammar} grammar
 */
function ownerOf({ layers, owners }, { card }, first, { cards, forms }) {
  const { ties } = cards[card]
  if (!ties) return first
  const tied = layers.map(it => it.card).lastIndexOf(forms[ties].card)
  return tied < 0 ? layers.length : owners.get(tied) ?? tied
}

/** Lays out the input's steps x features as sequences, and works out the layers' shapes again; an
* error names its layer, which may be further up.
 * @param {Draft} draft @param {Statement} line
 */
function layOut({ shapes, layers }, line) {
  const [steps, features] = shapes[0]
  shapes.splice(0, shapes.length, [features, 1, steps])
  layers.forEach((layer, k) => {
    line.about = `layer ${k + 1}: `
    shapes.push(output(layer, reads(layer, k).map(value => shapes[value]), line))
  })
  line.about = ""
}

/** Repeats the last layers; each use is a layer like any other.
 * @param {Draft} draft @param {Statement} line
 */
function takeAgain(draft, line) {
  const times = line.whole("again's number of times")
  const said = line.option("back") ? line.whole("again's number of layers") : null
  line.end()
  const end = draft.layers.length
  const summing = Math.max(-1, ...draft.layers.flatMap(({ card }, k) => (line.grammar.cards[card].sums ? [k] : [])))
  if (said === null && summing < 0) line.fail("NOTHING_BEFORE", {}, 0)
  const layers = said ?? end - summing
  checkBack(draft, line, layers)
  for (const [what, value] of /** @type {[string, number][]} */ ([["again's number of layers", layers], ["again's number of times", times]])) {
    if (value < 1) line.fail("NOT_FROM", { what, least: 1n, value: BigInt(value) }, 0)
  }
  const first = end - layers
  for (let use = 1; use < times; use++) {
    for (let k = 0; k < layers; k++) {
      addLayer(draft, draft.layers[first + k], line, first + k)
    }
  }
  if (times > 1) draft.again.push({ first, end: draft.layers.length })
}

/** Refuse to repeat layers that don't exist, or that are already repeated.
 * @param {Draft} draft @param {Statement} line @param {number} layers
 */
function checkBack(draft, line, layers) {
  const end = draft.layers.length
  if (layers > end) {
    const there = end ? `only ${end} ${end === 1 ? "is" : "are"}` : "none is"
    line.fail("TOO_FAR", { back: `${layers} layer${layers === 1 ? "" : "s"}`, there }, 0)
  }
  const known = draft.again.find(one => one.end > end - layers)
  if (known) line.fail("APPLIED_ALREADY", { layer: BigInt(Math.max(known.first, end - layers) + 1) }, 0)
}

// Everything else -------------------------------------------------------------

/** @param {Draft} draft @param {Statement} line @param {string} role */
function start(draft, line, role) {
  draft.start[role] = [...(draft.start[role] ?? []), ...line.values("a start value")]
  draft.places.set(role, line)
}

/** @param {Statement} line @param {string} question */
function phrase(line, question) {
  if (!line.next) line.fail(question)
  return line.rest()
}

/** @type {Record<string, (draft: Draft, line: Statement) => void>} */
const STATEMENTS = {
  input(draft, line) {
    const tokens = line.option("tokens")
    set(draft, "input", tokens ? tokensSize(line) : line.lengths("the input", 3, "2 or 1x28x28"), line)
    draft.settings.tokens = tokens
    draft.shapes = [draft.settings.input]
  },
  name: (draft, line) => set(draft, "name", phrase(line, "WHICH_NAME"), line),
  rate(draft, line) {
    const isLearning = line.words[0].word.toLowerCase() === "learning"
    if (isLearning && !line.option("rate:")) line.option("rate")
    set(draft, "rate", line.value("the rate"), line)
  },
  seed: (draft, line) => set(draft, "seed", line.whole("the seed"), line),
  sample(draft, line) {
    if ("table" in draft.settings) line.fail("TABLE_ALREADY", {}, 0)
    const inputs = line.values("an input", "->")
    if (!line.option("->")) line.fail("NO_TARGETS")
    draft.samples.push([inputs, line.values("a target")])
    draft.places.set(`sample ${draft.samples.length}`, line)
  },
  data(draft, line) {
    if (draft.samples.length) line.fail("SAMPLES_ALREADY", {}, 0)
    set(draft, "table", phrase(line, "WHICH_FILE"), line)
    draft.places.set("data", line)
  },
  loss(draft, line) {
    const { synonyms } = line.grammar
    const losses = Object.keys(line.grammar.losses)
    const loss = ours(synonyms.losses, line.rest("smoothing"))
    if (!losses.includes(loss)) {
      line.fail(loss ? "UNKNOWN_LOSS" : "WHICH_LOSS", { word: loss, hint: hint(loss, losses, line.grammar) }, 1)
    }
    set(draft, "loss", loss, line)
    draft.settings.smoothing = line.option("smoothing") ? line.value("smoothing") : 0
  },
  update(draft, line) {
    set(draft, "update", update(line), line)
  },
  decay(draft, line) {
    const decay = line.value("decay")
    const known = (draft.settings.decay ??= {})
    draft.places.set("decay", line)
    for (const role of named(line)) {
      if (role in known) line.fail("DECAY_ALREADY", {}, 0)
      known[role] = decay
    }
  },
}

/** The number of tokens, and of different ones.
 * @param {Statement} line
 */
function tokensSize(line) {
  const steps = line.whole("the number of tokens")
  if (!line.option("of")) line.fail("OF_HOW_MANY")
  return [steps, line.whole("the number of different tokens")].map(it => atLeast(line, "the input's tokens", 1, it))
}

/** The kinds of parameters that are named, or weights if none is.
 * @param {Statement} line
 */
function named(line) {
  const { kinds } = line.grammar
  const found = []
  while (line.next) {
    if (!Object.hasOwn(kinds, line.next)) line.fail("UNKNOWN_KIND", { word: line.next, hint: hint(line.next, Object.keys(kinds), line.grammar) })
    found.push(kinds[line.take()])
  }
  return found.length ? found : [kinds.weights]
}

/** @param {Statement} line @returns {Update} */
function update(line) {
  const { grammar } = line
  const kind = ours(grammar.synonyms.updates, line.next)
  const rules = Object.keys(grammar.rates)
  if (!rules.includes(kind)) line.fail(kind ? "UNKNOWN_UPDATE" : "WHICH_UPDATE", { word: kind, hint: hint(kind, rules, grammar) })
  line.take()
  return { kind, ...readSettings(line, { card: "", words: kind, fields: grammar.updates[kind] }) }
}
