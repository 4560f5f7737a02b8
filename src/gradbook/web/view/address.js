// The page's state as the fragment of its address: packed there, and read back with every number bit for bit.

import { byId, choose } from "./dom.js"

/** A field of the page by its id, or choices by their name.
 * @param {string} id @returns {any}
 */
const fieldOf = id => byId(id) ?? byId("point-sets").elements[id]
import { PHRASES } from "./phrases.js"
import { deflated, lettersOf, unpacked } from "./packed.js"

const MOST_LETTERS = 300_000 // of a fragment
const MOST_BYTES = 1_000_000 // that it may unpack to
const LATEST = 1e9 // epoch
const FIELDS = ["plane-formula", "sets", "data-seed", "data-noise", "data-test", "pace", "wave-pace"] // of the page, by their ids
const LOOKS = ["", "numbers", "pictures"] // of the units
const ODD = ["-0", "NaN", "Infinity", "-Infinity"] // numbers that JSON cannot express

/**
 * @typedef {import("../machine/training.js").Sample} Sample
 * @typedef {{text: string, rate: number, batch: number, epoch: number, start: number[], state: number[],
 *   samples: Sample[], tests: Sample[], sample: number, chosen: string, look: string, isMean: boolean, fields: Record<string, string>}} State
 * without a start it is an initial state: weights drawn by the text's seed, samples given or drawn
 */

/** How a page is shown within another: only the drawing, Run and the loss, or all on little room. */
const FORMS = ["embed", "compact"]

/** A fragment's parts: a state's letters, and the form of the page.
 * @param {string} hash
 */
export function fragment(hash) {
  const said = new URLSearchParams(hash.slice(1))
  return { letters: said.get("n"), form: FORMS.find(it => said.has(it)) }
}

/** Give the page the form of its address. */
export function takeForm() {
  const { form } = fragment(location.hash)
  for (const it of FORMS) document.documentElement.classList.toggle(it, it === form)
}

/** @param {State} state @returns {Promise<string>} */
export async function pack(state) {
  const text = JSON.stringify(state, (_, value) =>
    typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0)) ? value : Object.is(value, -0) ? "-0" : String(value))
  return lettersOf(await deflated(new TextEncoder().encode(text)))
}

/** The state in a fragment's letters; anything else is refused with a message.
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
  const { text, chosen, samples = [], batch = 0, epoch: reached = 1, start = [], state = [], tests = [], look = "", isMean = false, fields = {} } = found
  const isText = (/** @type {any} */ it) => typeof it === "string"
  const isSample = (/** @type {any} */ it) => Array.isArray(it) && it.length === 2
  const areSamples = [samples, tests].every(it => Array.isArray(it) && it.every(isSample))
  if (!LOOKS.includes(look)) throw new Error(PHRASES.broken)
  if (![text, chosen, ...Object.values(fields ?? [null])].every(isText) || !areSamples) throw new Error(PHRASES.broken)
  const [rate, epoch, sample] = numbers([found.rate, reached, found.sample])
  if (!Number.isFinite(rate) || !isCount(epoch - 1, LATEST) || !isCount(sample, start.length ? samples.length - 1 : LATEST) || !isCount(batch, LATEST)) throw new Error(PHRASES.broken)
  const read = (/** @type {any[][]} */ all) => all.map(([inputs, targets]) => /** @type {Sample} */ ([numbers(inputs), numbers(targets)]))
  return { text, chosen, rate, batch, epoch, sample, look, isMean: isMean === true, fields, start: numbers(start), state: numbers(state), samples: read(samples), tests: read(tests) }
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

/** @param {import("./model.js").Model} model @param {import("./editor.js").Editor | null} editor @returns {State} */
export function stateOf({ content, rate, batch, epoch, start, training, samples, tests, sample, chosen, look, isMean }, editor) {
  const text = editor ? editor.box.latest : content.layers
  const fields = Object.fromEntries(FIELDS.filter(fieldOf).map(id => [id, fieldOf(id).value]))
  return { text, rate, batch, epoch, start, state: training.state, samples, tests, sample, chosen: content.names[chosen]?.said ?? "", look, isMean, fields }
}

/** The initial state, in few letters: without trained values, and without samples drawn by a rule.
 * @param {import("./model.js").Model} model @param {State} state
 */
export function beginningOf(model, { text, rate, batch, samples, sample, chosen, look, isMean, fields }) {
  const isDrawn = fields.sets || JSON.stringify(samples) === JSON.stringify(model.content.samples)
  return { text, rate, batch: batch || undefined, sample, chosen, look: look || undefined, isMean: isMean || undefined,
    fields: fields.sets ? fields : undefined, samples: isDrawn ? undefined : samples }
}

/** Bring the page back to a state; one that doesn't fit changes nothing.
 * @param {import("./model.js").Model} model @param {import("./editor.js").Editor | null} editor @param {State} state
 */
export function restore(model, editor, state) {
  const { text: before } = stateOf(model, editor)
  const { text, start, state: values, samples, tests, sample, rate, batch, epoch } = state
  const isOther = text !== before
  if (isOther && !editor) throw new Error(PHRASES.anotherNetwork)
  if (isOther) editor?.box.replace(text)
  else model.before("")
  const isBeginning = !start.length
  if (editor && !editor.box.isInOrder || !isBeginning && !fits(model.content, state, editor ? editor.building.most : model.content.most)) {
    if (isOther) editor?.box.replace(before)
    throw new Error(PHRASES.broken)
  }
  for (const id of FIELDS) if (fieldOf(id) && state.fields[id] !== undefined) setField(fieldOf(id), state.fields[id])
  model.look = state.look
  model.isMean = state.isMean
  if (isBeginning) return begin(model, state)
  if (samples.length > model.content.most) editor?.resample(samples)
  const { content } = model
  const line = Object.keys(content.names).find(it => content.names[it].said === state.chosen)
  const base = { content, start, rate, batch, samples, tests, sample, chosen: line ? Number(line) : model.chosen }
  model.state = { ...base, epoch: 1, values: start, losses: [] }
  const first = /** @type {[number, number]} */ ([1, model.training.learned])
  model.state = { ...base, epoch, values, losses: [first] }
  if (epoch > 1) model.losses.push([epoch, model.training.learned])
  else model.losses[0][1] = model.training.learned
  model.findUsualLook()
  model.changed()
}

/** Begin with the drawn weights, and with samples that are given, drawn again or the page's own.
 * @param {import("./model.js").Model} model @param {State} state
 */
function begin(model, { rate, batch, samples, sample, chosen, fields }) {
  const { content } = model
  Object.assign(model, { start: [...model.written], rate, batch })
  const isRow = samples.every(([inputs, targets]) => inputs.length === content.inputs.length && targets.length === content.targets.length)
  if (fields.sets) model.redraw()
  else model.begin(samples.length && isRow ? samples : structuredClone(content.samples))
  const line = Object.keys(content.names).find(it => content.names[it].said === chosen)
  if (line) model.chosen = Number(line)
  model.sample = Math.min(sample, model.samples.length - 1)
  model.changed()
}

/** Set a field, if it can have this value; what depends on it isn't drawn again.
 * @param {any} field @param {string} value
 */
function setField(field, value) {
  if (field instanceof RadioNodeList) return choose(/** @type {any} */ (field), value)
  const before = field.value
  field.value = value
  if (field.value !== value) field.value = before
}

/** @param {any} content @param {State} state @param {number} most samples */
function fits({ state, inputs, targets }, { samples, tests, ...found }, most) {
  const isRow = (/** @type {number[]} */ row, /** @type {number[]} */ lines) => row.length === lines.length && row.every(Number.isFinite)
  return found.state.length === state.length && found.start.length === state.length && samples.length > 0 && samples.length <= most &&
    [...samples, ...tests].every(([input, target]) => isRow(input, inputs) && isRow(target, targets))
}
