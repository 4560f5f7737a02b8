// The page's state as the fragment of its address: packed there, and read back with every number bit for bit.

import { PHRASES } from "./phrases.js"
import { byId } from "./dom.js"
import { deflated, lettersOf, unpacked } from "./packed.js"

const MOST_LETTERS = 300_000 // of a fragment
const MOST_BYTES = 1_000_000 // that it may unpack to
const LATEST = 1e9 // epoch
const ODD = ["-0", "NaN", "Infinity", "-Infinity"] // numbers that JSON can't say

/**
 * @typedef {import("../machine/training.js").Sample} Sample
 * @typedef {{text: string, rate: number, epoch: number, start: number[], state: number[],
 *   samples: Sample[], sample: number, chosen: string}} State
 */

/** What a fragment says: the letters of a state, and whether only the drawing, Run and the loss are wanted.
 * @param {string} hash
 */
export function fragment(hash) {
  const said = new URLSearchParams(hash.slice(1))
  return { letters: said.get("n"), isEmbedded: said.has("embed") }
}

/** @param {State} state @returns {Promise<string>} */
export async function pack(state) {
  const text = JSON.stringify(state, (_, value) =>
    typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0)) ? value : Object.is(value, -0) ? "-0" : String(value))
  return lettersOf(await deflated(new TextEncoder().encode(text)))
}

/** The state in a fragment's letters; whatever else they hold is refused in a line.
 * @param {string} letters @returns {State}
 */
export function unpack(letters) {
  if (letters.length > MOST_LETTERS) throw new Error(PHRASES.tooLong)
  let found
  try {
    found = JSON.parse(unpacked(letters, MOST_BYTES))
  } catch {
    throw new Error(PHRASES.broken)
  }
  return checked(found)
}

/** @param {any} found @returns {State} */
function checked(found) {
  if (typeof found !== "object" || found === null) throw new Error(PHRASES.broken)
  const { text, chosen, samples } = found
  const isSample = (/** @type {any} */ it) => Array.isArray(it) && it.length === 2
  if (typeof text !== "string" || typeof chosen !== "string" || !Array.isArray(samples) || !samples.every(isSample)) {
    throw new Error(PHRASES.broken)
  }
  const [rate, epoch, sample] = numbers([found.rate, found.epoch, found.sample])
  if (!Number.isFinite(rate) || !isCount(epoch - 1, LATEST) || !isCount(sample, samples.length - 1)) throw new Error(PHRASES.broken)
  return { text, chosen, rate, epoch, sample, start: numbers(found.start), state: numbers(found.state),
    samples: samples.map(([inputs, targets]) => [numbers(inputs), numbers(targets)]) }
}

/** @param {number} value @param {number} most */
const isCount = (value, most) => Number.isInteger(value) && value >= 0 && value <= most

/** @param {any} list @returns {number[]} */
function numbers(list) {
  if (!Array.isArray(list)) throw new Error(PHRASES.broken)
  return list.map(value => {
    if (typeof value !== "number" && !ODD.includes(value)) throw new Error(PHRASES.broken)
    return Number(value)
  })
}

/** The network's text as it stands, or as it was last in order.
 * @param {import("./model.js").Model} model @returns {string}
 */
function textNow({ content }) {
  const box = byId("text")
  return box && box.getAttribute("aria-invalid") !== "true" ? box.value : content.layers
}

/** @param {import("./model.js").Model} model @returns {State} */
export function stateOf(model) {
  const { content, rate, epoch, start, training, samples, sample, chosen } = model
  return { text: textNow(model), rate, epoch, start, state: training.state, samples, sample, chosen: content.names[chosen]?.said ?? "" }
}

/** Type a text into the page's editor; whether it was in order.
 * @param {string} text
 */
export function type(text) {
  const box = byId("text")
  box.value = text
  box.dispatchEvent(new Event("input"))
  return box.getAttribute("aria-invalid") !== "true"
}

/** Bring the page back to a state; what doesn't fit leaves it as it is.
 * @param {import("./model.js").Model} model @param {State} state
 */
export function restore(model, state) {
  const before = textNow(model)
  const isOther = state.text !== before
  if (isOther && !byId("text")) throw new Error(PHRASES.anotherNetwork)
  if ((isOther && !type(state.text)) || !fits(model.content, state)) {
    if (isOther) type(before)
    throw new Error(PHRASES.broken)
  }
  const { content } = model
  model.start = [...state.start]
  model.rate = state.rate
  model.sample = state.sample
  model.begin(structuredClone(state.samples))
  const { training } = model
  training.state = state.state
  training.epoch = state.epoch
  training.evaluate()
  if (state.epoch > 1) model.losses.push([state.epoch, training.learned])
  else model.losses = [[1, training.learned]]
  const line = Object.keys(content.names).find(it => content.names[it].said === state.chosen)
  if (line) model.chosen = Number(line)
  model.changed()
}

/** @param {any} content @param {State} state */
function fits({ state, inputs, targets, most }, { samples, ...found }) {
  const isRow = (/** @type {number[]} */ row, /** @type {number[]} */ lines) => row.length === lines.length && row.every(Number.isFinite)
  return found.state.length === state.length && found.start.length === state.length && samples.length > 0 && samples.length <= most &&
    samples.every(([input, target]) => isRow(input, inputs) && isRow(target, targets))
}
