// A recipe as text, read again after a change: only settings outside the compiled code may change.

import { Random } from "../machine/chance.js"
import { statements, TextError } from "../text/statement.js"
import { filled } from "../text/wording.js"
import { rates, readSchedule } from "./schedule.js"

/** @typedef {import("../text/statement.js").Statement} Statement */
/** @typedef {import("./schedule.js").Schedule} Schedule */

/** What a page knows of its recipe.
 * @typedef {object} RecipeTable
 * @property {string} text
 * @property {any} grammar
 * @property {number} images
 * @property {number} mostEpochs
 * @property {number} mostBatch images: the code was compiled for so many
 * @property {boolean} warps whether it has a warp
 * @property {string} alone why a batch of one image isn't allowed, or ""
 * @property {[string, number, number][]} drawn the arrays that are drawn from the seed: name, size, reach
 */

/** @typedef {{schedule: Schedule, epochs: number, batch: number, seed: number, warp: boolean}} Changes */

const FIXED = "the page's code was compiled for '{words}': to change it, make another page with gradbook play FILE.txt --train {images} -o page.html"
const MORE = "the page's code was compiled without this line: to add it, make another page with gradbook play FILE.txt --train {images} -o page.html"
const GONE = "'{words}' is missing, and the page's code was compiled with it: to remove it, make another page with gradbook play FILE.txt --train {images} -o page.html"
const UNSAID = "'{word}' is missing: write it on a line of its own"
const WARPED = "this page has only its own warp, or none: write '{words}' or 'warp none'"
const PLATEAU = "a page can't train with 'schedule plateau': use another schedule"
const FOR_PAGES = "{what} {found:,}: this page allows at most {most:,}"
const LEFT_OVER = "{why}, but {images:,} in batches of {batch:,} leave one over: choose another batch size"

/** @type {Record<string, (line: Statement, table: RecipeTable) => any>} */
const READERS = {
  recipe: line => line.rest(),
  about: line => line.rest(),
  schedule: (line, { grammar }) => fixed(line, readSchedule(line, grammar)),
  epochs: (line, { mostEpochs }) => count(line, mostEpochs),
  batch: batchOf,
  seed: line => line.whole("the seed"),
  warp: warpOf,
}

/** What a text changes; a mistake is thrown with its place.
 * @param {string} text @param {RecipeTable} table @returns {Changes}
 */
export function read(text, table) {
  const { own, others } = sorted(text, table)
  compare(others, sorted(table.text, table).others, text, table)
  for (const word of ["schedule", "epochs", "batch"]) {
    if (!own.has(word)) throw new TextError(filled(UNSAID, { word }), lastLine(text), 1)
  }
  const found = Object.fromEntries(own)
  return { schedule: found.schedule, epochs: found.epochs, batch: found.batch, seed: found.seed ?? 0, warp: found.warp ?? false }
}

/** @param {string} text @param {RecipeTable} table */
function sorted(text, table) {
  const own = new Map()
  /** @type {Statement[]} */
  const others = []
  for (const line of statements(text, table.grammar)) {
    const word = line.next
    const reader = Object.hasOwn(READERS, word) ? READERS[word] : undefined
    if (!reader) others.push(line)
    else {
      if (own.has(word)) line.fail("TWICE", { word })
      line.take()
      own.set(word, reader(line, table))
      line.end()
    }
  }
  return { own, others }
}

/** @param {Statement[]} others @param {Statement[]} made @param {string} text @param {RecipeTable} table */
function compare(others, made, text, { images }) {
  const values = { images: String(images) }
  others.forEach((line, k) => {
    const wanted = made[k]
    if (line.next === "rate") line.fail("RATE_ALREADY", {}, 0)
    if (!wanted) line.fail(MORE, values, 0)
    else if (wordsOf(wanted) !== wordsOf(line)) line.fail(FIXED, { words: wordsOf(wanted), ...values }, 0)
  })
  const missing = made[others.length]
  if (missing) throw new TextError(filled(GONE, { words: wordsOf(missing), ...values }), lastLine(text), 1)
}

/** @param {Statement} line */
const wordsOf = line => line.words.map(({ word }) => word).join(" ")

/** @param {string} text */
const lastLine = text => text.replace(/\s+$/, "").split(/\r\n|\r|\n/).length

/** @param {Statement} line @param {Schedule} schedule */
function fixed(line, schedule) {
  return schedule.kind === "plateau" ? line.fail(PLATEAU, {}, 1) : schedule
}

/** @param {Statement} line @param {number} most */
function count(line, most) {
  const word = line.words[0]?.word ?? ""
  const found = line.whole(filled(line.grammar.messages.COUNTED ?? "", { word }))
  if (found < 1) line.fail("NOT_FROM", { what: word, least: 1n, value: BigInt(found) }, 1)
  if (found > most) line.fail(FOR_PAGES, { what: word, found: BigInt(found), most: BigInt(most) }, 1)
  return found
}

/** @param {Statement} line @param {RecipeTable} table */
function batchOf(line, { mostBatch, alone, images }) {
  const batch = count(line, mostBatch)
  if (alone && images % batch === 1) line.fail(LEFT_OVER, { why: alone, images: BigInt(images), batch: BigInt(batch) }, 1)
  return batch
}

/** Whether images are warped.
 * @param {Statement} line @param {RecipeTable} table
 */
function warpOf(line, { text, grammar }) {
  const made = [...statements(text, grammar)].map(wordsOf).find(words => words.startsWith("warp ")) ?? "warp none"
  const said = wordsOf(line)
  if (said !== made && said !== "warp none") line.fail(WARPED, { words: made }, 1)
  line.rest()
  return said !== "warp none"
}

/** A training's plan with these changes, and the values that it starts with.
 * @template {{plan: any, start: Record<string, Float32Array>}} T
 * @param {T} told the page's own training @param {Changes} changes @param {RecipeTable} table @returns {T}
 */
export function changed(told, { schedule, epochs, batch, seed, warp }, { images, grammar, drawn }) {
  const steps = Math.ceil(images / batch)
  const each = Array.from({ length: epochs }, (_, epoch) => rates(schedule, epoch, steps, epochs, grammar.rise))
  const plan = { ...told.plan, batch, seed, rates: each, warp: warp ? told.plan.warp : null }
  return { ...told, plan, start: { ...told.start, ...drawnFrom(seed, drawn, grammar.drawnDecimals) } }
}

/** @param {number} seed @param {[string, number, number][]} drawn @param {number} decimals */
function drawnFrom(seed, drawn, decimals) {
  const random = new Random(seed)
  return Object.fromEntries(drawn.map(([name, size, reach]) =>
    [name, Float32Array.from({ length: size }, () => Number(random.uniform(-reach, reach).toFixed(decimals)))]))
}
