// Makes lines from expressions, each different one once.

/**
 * @typedef {any} Expression a number, a place's name, or a word with its operands: see targets/page/patterns.py
 * @typedef {Record<string, number | number[]>} Places the lines at an expression's places
 */

export class Lines {
  /** @param {Record<string, number>} settings numbers of the network's text, by their names in patterns */
  constructor(settings) {
    this.settings = settings
    this.lines = /** @type {import("../machine/machine.js").Line[]} */ ([])
    this.each = /** @type {Set<number>} */ (new Set())
    this.known = /** @type {Map<string, number>} */ (new Map())
  }

  /** A value that comes from outside.
   * @param {boolean} [each] whether every sample has its own
   */
  leaf(each = false) {
    this.lines.push(["leaf"])
    if (each) this.each.add(this.lines.length - 1)
    return this.lines.length - 1
  }

  /** @param {number} value */
  constant(value) {
    return this.once(["constant", value], false)
  }

  /** @param {number} line @param {number} [value] */
  isConstant(line, value) {
    const [word, own] = this.lines[line]
    return word === "constant" && (value === undefined || own === value)
  }

  /** @param {string} word @param {number[]} operands @returns {number} */
  make(word, ...operands) {
    const [a, b] = operands
    if (["multiply", "divide", "power"].includes(word) && this.isConstant(b, 1)) return a
    if (word === "multiply" && this.isConstant(a, 1)) return b
    if (word === "negate" && this.isConstant(a)) return this.constant(-this.lines[a][1])
    const sources = word === "is_largest" ? operands.slice(1) : operands
    const each = word === "repeat" || (word !== "total" && sources.some(it => this.each.has(it)))
    return word === "copy" ? this.add(["copy", a], each) : this.once([word, ...operands], each)
  }

  /** @param {import("../machine/machine.js").Line} line @param {boolean} each @private */
  once(line, each) {
    const key = line.join(" ")
    const place = this.known.get(key) ?? this.add(line, each)
    this.known.set(key, place)
    return place
  }

  /** A new line even if there is an equal one: copies have names of their own.
   * @param {import("../machine/machine.js").Line} line @param {boolean} each @private
   */
  add(line, each) {
    const place = this.lines.push(line) - 1
    if (each) this.each.add(place)
    return place
  }

  /** The line of an expression.
   * @param {Expression} said @param {Places} places @param {number} [count] of the values that a word goes over
   * @param {number} [own] which of them it is about @returns {number}
   */
  say(said, places, count = 1, own = 0) {
    if (typeof said === "number") return this.constant(said)
    if (typeof said === "string") return this.place(said, places, count, own)
    const [word, ...operands] = said
    if (word === "every") return this.every(operands[0], operands[1], places, count, own)
    return this.make(word, ...operands.map((/** @type {Expression} */ it) => this.say(it, places, count, own)))
  }

  /** @param {string} name @param {Places} places @param {number} count @param {number} own @private */
  place(name, places, count, own) {
    const found = places[name.replace("*", "")]
    if (found !== undefined) return Array.isArray(found) ? found[own] : found
    if (name === "n") return this.constant(count)
    if (name in this.settings) return this.constant(this.settings[name])
    throw new Error(`no value for the place ${name}`)
  }

  /** A word over all values of a kind, from the first to the last.
   * @param {string} word @param {Expression} said @param {Places} places @param {number} count @param {number} own @private
   */
  every(word, said, places, count, own) {
    const many = starred(said, places) ?? count
    const terms = Array.from({ length: many }, (_, k) => this.say(said, places, count, k))
    if (word === "add") return terms.reduce((sum, term) => this.make("add", sum, term))
    return this.make(word, ...(word === "is_largest" ? [own] : []), ...terms)
  }
}

/** How many values of a kind an expression goes over, if it has a starred name.
 * @param {Expression} said @param {Places} places @returns {number | undefined}
 */
function starred(said, places) {
  if (Array.isArray(said)) return said.map(it => starred(it, places)).find(it => it !== undefined)
  const found = typeof said === "string" && said.endsWith("*") ? places[said.slice(0, -1)] : undefined
  return Array.isArray(found) ? found.length : undefined
}
