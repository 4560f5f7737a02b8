// A text as statements of words, taken one after the other, and the place of every mistake in them.

import { filled, oneLine } from "./wording.js"

/**
 * @typedef {{role: string, part?: string, shape: (number | string)[], fans: (number | string)[], later?: boolean, unless?: string}} Tensor
 *   sizes are numbers, the layer's width or the features that it is given; `later` from the second step on
 * @typedef {{
 *   usual: Record<string, any>, letter?: string, lastLetter?: string, passesOn?: boolean, namesAfter?: boolean,
 *   sums?: boolean, mixesSamples?: boolean, normalises?: boolean, readsSteps?: boolean, ties?: string, like?: string,
 *   state?: import("../build/names.js").ValueName, tensors?: Tensor[], traced?: Record<string, Traced>,
 * }} Card properties of a layer
 * @typedef {{
 *   shape: number[], parameters?: import("./layers.js").Spec[], made: number[],
 *   values: [name: number | [import("../build/names.js").ValueName, number[]], kind: string, from: Record<string, [string, number, number?]>][],
 * }} Traced what a layer is at one width: see targets/page/traced.py
 * @typedef {{
 *   messages: Record<string, string>, number: string, whole: string, sizes: string, wholes: string,
 *   longestText: number, longestMessage: number, longestName: number, closeEnough: number,
 *   mostPicked: number, mostLayers: number, mostValues: number, mostInAll: number, mostInARow: number, largestSeed: number, drawnDecimals: number,
 *   mostShown: number,
 *   words: string[], fields: import("./forms.js").Field[], forms: Record<string, import("./forms.js").Form>, cards: Record<string, Card>, mixing: string[],
 *   synonyms: {layers: Record<string, string>, updates: Record<string, string>, losses: Record<string, string>, instead: Record<string, string>},
 *   biases: Record<string, {shared: boolean, fixed: boolean} | null>,
 *   losses: Record<string, {ending?: string, ofAll?: boolean, summed?: boolean}>, meant: Record<string, string>,
 *   rates: Record<string, number>, updates: Record<string, number[]>, decayed: Record<string, Record<string, number>>,
 *   kinds: Record<string, string>, roles: string[], starts: Record<string, number>, mostWeights: number, mostSingles: number,
 *   called?: Record<string, string>,
 * }} Grammar what `targets/page/grammar.py` writes
 */

const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
const WORD = new RegExp(`[^${SPACE}]+`, "g") // separated by what Python takes for space

/** A mistake, with its place. */
export class TextError extends Error {
  /** @param {string} message @param {number} line @param {number} column */
  constructor(message, line, column) {
    super(message)
    this.line = line
    this.column = column
  }
}

/** The words of one statement. */
export class Statement {
  /** @param {{word: string, start: number}[]} words @param {number} line @param {number} column of its first character
   * @param {Grammar} grammar
   */
  constructor(words, line, column, grammar) {
    this.words = words
    this.line = line
    this.column = column
    this.grammar = grammar
    this.used = 0
    this.about = "" // precedes the message, if the mistake is not in this statement
  }

  get next() {
    return this.words[this.used]?.word ?? ""
  }

  take() {
    this.used += 1
    return this.words[this.used - 1].word
  }

  /** All words that are left, or those before one of the words `until`, as one phrase.
   * @param {string[]} until
   */
  rest(...until) {
    const left = this.words.slice(this.used).map(it => it.word)
    const end = left.findIndex(word => until.includes(word))
    const taken = end < 0 ? left : left.slice(0, end)
    this.used += taken.length
    return taken.join(" ")
  }

  /** Point at the word of that number, or at the next one, with one of the grammar's messages.
   * @param {string} message @param {Record<string, import("./wording.js").Said>} [values] @param {number} [at]
   * @returns {never}
   */
  fail(message, values = {}, at = this.used) {
    const last = this.words[this.words.length - 1]
    const start = at < this.words.length ? this.words[at].start : last.start + [...last.word].length
    const said = this.about + filled(this.grammar.messages[message] ?? message, values)
    throw new TextError(oneLine(said, this.grammar.longestMessage), this.line, this.column + start)
  }

  /** @param {string} what */
  whole(what) {
    if (!this.next) this.fail("NO_WHOLE", { what })
    if (!entirely(this.grammar.whole, this.next)) this.fail("NOT_WHOLE", { what, word: this.next })
    return Number(this.take())
  }

  /** @param {string} what */
  value(what) {
    const word = this.next
    if (!word) this.fail("NO_NUMBER", { what })
    if (!entirely(this.grammar.number, word)) this.fail(word.includes(",") ? "COMMAS" : "NOT_NUMBER", { what, word })
    const value = Number(word.replace("−", "-"))
    if (!Number.isFinite(value)) this.fail("TOO_LARGE", { what, word })
    this.used += 1
    return value
  }

  /** One number or more, up to the end or the word `until`.
   * @param {string} what @param {string} [until]
   */
  values(what, until) {
    const found = [this.value(what)]
    while (this.next && this.next !== until) found.push(this.value(what))
    return found
  }

  /** Up to `most` sizes with an x between them.
   * @param {string} what @param {number} most @param {string} example
   */
  lengths(what, most, example) {
    if (!this.next) this.fail("NO_SIZES", { what, example })
    const parts = this.next.split("x")
    if (!entirely(this.grammar.sizes, this.next) || parts.length > most) this.fail("NOT_SIZES", { what, example, word: this.next })
    return this.take().split("x").map(Number)
  }

  /** One whole number, or as many as `counts` allows with an x between them.
   * @param {string} what @param {number[]} counts @param {string} example
   */
  wholes(what, counts, example) {
    if (!this.next.includes("x")) return [this.whole(what)]
    const parts = this.next.split("x")
    if (!entirely(this.grammar.wholes, this.next) || !counts.includes(parts.length)) this.fail("NOT_SIZES", { what, example, word: this.next })
    return this.take().split("x").map(Number)
  }

  /** Whether the next word is this one, in any capitals; it is then taken.
   * @param {string} word
   */
  option(word) {
    const found = this.next.toLowerCase() === word
    if (found) this.used += 1
    return found
  }

  end() {
    if (this.next) this.fail("NOT_EXPECTED", { word: this.next, before: this.words[this.used - 1].word })
  }
}

/** @param {string} pattern @param {string} word */
const entirely = (pattern, word) => new RegExp(`^(?:${pattern})$`).test(word)

/** The statements of a text, separated by line ends and semicolons, without remarks.
 * @param {string} text @param {Grammar} grammar @returns {Generator<Statement>}
 */
export function* statements(text, grammar) {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/)
  for (const [k, row] of lines.entries()) {
    let column = 1
    for (const said of row.split("#")[0].split(";")) {
      const words = wordsOf(said)
      if (words.length) yield new Statement(words, k + 1, column, grammar)
      column += [...said].length + 1
    }
  }
}

/** Words with the places where they begin, counted in characters.
 * @param {string} said
 */
function wordsOf(said) {
  let [start, read] = [0, 0]
  return [...said.matchAll(WORD)].map(({ 0: word, index = 0 }) => {
    start += [...said.slice(read, index)].length
    read = index
    return { word, start }
  })
}
