// The names of a network's values, and how they are written.

import { isSequence } from "../text/window.js"

/**
 * @typedef {{stem: string, of?: ValueName, layer?: number, word?: string, index?: number[], step?: number}} ValueName
 * @typedef {import("../text/forms.js").Layer} Layer
 * @typedef {Record<string, import("../text/statement.js").Card>} Cards
 */

/** The name of one value of many.
 * @param {ValueName} name @param {number[]} index each from 1 @returns {ValueName}
 */
export const at = (name, index) => (name.of ? { ...name, of: at(name.of, index) } : { ...name, index })

/** The same name at a step of a sequence or, without one, at all steps.
 * @param {ValueName} name @param {number} [step] @returns {ValueName}
 */
export const atStep = (name, step) => (name.of ? { ...name, of: atStep(name.of, step) } : { ...name, step })

/** Every place of a tensor, row by row.
 * @param {number[]} shape @returns {number[][]}
 */
export function placesOf([size, ...rest]) {
  if (size === undefined) return [[]]
  const inner = placesOf(rest)
  return Array.from({ length: size }, (_, k) => inner.map(place => [k, ...place])).flat()
}

/** The names of a tensor's values, in that order; a single channel isn't numbered.
 * @param {ValueName} name @param {number[]} shape @returns {ValueName[]}
 */
export function elements(name, shape) {
  if (isSequence(shape)) {
    return placesOf(shape).map(([first, second, last]) =>
      (last === undefined ? atStep(at(name, [second + 1]), first + 1) : atStep(at(name, [first + 1]), last + 1)))
  }
  const skip = shape.length === 3 && shape[0] === 1 ? 1 : 0
  return placesOf(shape).map(place => at(name, place.slice(skip).map(k => k + 1)))
}

/** A name as text: h1, a_h1, c2_1_3, E_total.
 * @param {ValueName} name @returns {string}
 */
export function said({ stem, of, word, layer, index = [], step }) {
  const parts = [of ? said(of) : "", word, layer, ...index].filter(part => part !== undefined && part !== "")
  return `${stem}${of || word ? "_" : ""}${parts.join("_")}${mark(step)}`
}

/** @param {number} [step] */
const mark = step => (step === undefined ? "" : `(${step})`)

/** Its number among those of its kind, if there are several.
 * @param {number} index @param {number[]} peers
 */
const numbered = (index, peers) => (peers.length > 1 && peers.includes(index) ? { layer: peers.indexOf(index) + 1 } : {})

/** The places of the layers that share a letter with it, or its kind.
 * @param {Layer[]} layers @param {number} index @param {Cards} cards
 */
function peersOf(layers, index, cards) {
  const letter = (/** @type {Layer} */ { card }) => cards[card].letter ?? card
  const last = lastOf(layers, index, cards)
  return layers.flatMap((layer, k) => (letter(layer) === letter(layers[index]) && k !== last ? [k] : []))
}

/** The name of something that a layer has besides its values: a mean, a mask.
 * @param {string} stem @param {Layer[]} layers @param {number} index @param {Cards} cards @returns {ValueName}
 */
export const ofLayer = (stem, layers, index, cards) => ({ stem, ...numbered(index, peersOf(layers, index, cards)) })

/** The names of the input's values, and then of each layer's.
 * @param {Layer[]} layers @param {Cards} cards @param {number[][]} shapes @returns {ValueName[]}
 */
export function layerNames(layers, cards, shapes) {
  const names = /** @type {ValueName[]} */ ([{ stem: "i" }])
  layers.forEach((layer, k) => names.push(layerName(layers, k, names[k], cards, shapes[k])))
  return names
}

/** @param {Layer[]} layers @param {number} index @param {ValueName} before @param {Cards} cards @param {number[]} shape @returns {ValueName} */
function layerName(layers, index, before, cards, shape) {
  const { letter: stem, lastLetter, namesAfter, state } = cards[layers[index].card]
  if (!stem) return before
  if (namesAfter) return { stem, of: before }
  if (lastLetter && index === lastOf(layers, index, cards)) return { stem: lastLetter }
  if (!state) return ofLayer(stem, layers, index, cards)
  const name = inLayer(state, layers, index, cards)
  return layers[index].all ? name : atStep(name, shape[2])
}

/** A name from the grammar, with the number of this layer.
 * @param {ValueName} name @param {Layer[]} layers @param {number} index @param {Cards} cards @returns {ValueName}
 */
export const inLayer = (name, layers, index, cards) => (name.of
  ? { ...name, of: inLayer(name.of, layers, index, cards) }
  : { ...name, ...ofLayer(name.stem, layers, index, cards) })

/** The last layer with this layer's letter, if the kind has another letter for its last one.
 * @param {Layer[]} layers @param {number} index @param {Cards} cards
 */
const lastOf = (layers, index, cards) => Math.max(-1, ...layers.flatMap(({ card }, k) =>
  (cards[card].lastLetter && cards[card].letter === cards[layers[index].card].letter ? [k] : [])))

/** @param {ValueName} name @param {Record<string, string>} kinds by stem @returns {import("../view/dom.js").Name} */
export function written(name, kinds) {
  const kind = kinds[name.stem]
  return { said: said(name), letter: name.stem, below: below(name), kind, math: math(name, kind) }
}

/** The name as MathML: its letter, the subscript, and a square as in σ².
 * @param {ValueName} name @param {string} kind
 */
function math(name, kind) {
  const [stem] = name.stem
  const letter = `<mi class="k-${kind}">${stem}</mi>`
  const low = lowered(name)
  if (stem === name.stem) return low ? `<msub class="k-${kind}">${letter}<mrow>${low}</mrow></msub>` : letter
  return low ? `<msubsup class="k-${kind}">${letter}<mrow>${low}</mrow><mn>2</mn></msubsup>` : `<msup>${letter}<mn>2</mn></msup>`
}

/** @param {ValueName} name */
const numbers = ({ layer, index = [], step }) => [layer, ...index].filter(part => part !== undefined).join(",") + mark(step)

/** The subscript after the letter.
 * @param {ValueName} name @returns {string}
 */
function below(name) {
  return name.of ? name.of.stem + below(name.of) : (name.word ?? "") + numbers(name)
}

/** @param {ValueName} name @returns {string} */
function lowered(name) {
  if (name.of) return `<mi>${name.of.stem}</mi>${lowered(name.of)}`
  const digits = numbers(name)
  return (name.word ? `<mtext>${name.word}</mtext>` : "") + (digits ? `<mn>${digits}</mn>` : "")
}
