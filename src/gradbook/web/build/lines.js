// Makes lines of expressions, each different one once.

/**
 * @typedef {any} Expression a number, a place's name, or a word with its operands: see targets/page/patterns.py
 * @typedef {Record<string, number | number[]>} Places the lines that stand at an expression's places
 */

export class Lines {
  /** @param {Record<string, number>} settings what a network says itself, by the names that patterns have for it */
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
    return this.once([word, ...operands], word === "repeat" || (word !== "total" && operands.some(it => this.each.has(it))))
  }

  /** @param {import("../machine/machine.js").Line} line @param {boolean} each @private */
  once(line, each) {
    const key = line.join(" ")
    const found = this.known.get(key)
    if (found !== undefined) return found
    const place = this.lines.push(line) - 1
    if (each) this.each.add(place)
    this.known.set(key, place)
    return place
  }

  /** The line of an expression.
   * @param {Expression} said @param {Places} places @param {number} [count] of the values that a word goes over
   * @returns {number}
   */
  say(said, places, count = 1) {
    if (typeof said === "number") return this.constant(said)
    if (typeof said === "string") return this.place(said, places, count)
    const [word, ...operands] = said
    if (word === "every") return this.every(operands[0], operands[1], places, count)
    return this.make(word, ...operands.map((/** @type {Expression} */ it) => this.say(it, places, count)))
  }

  /** @param {string} name @param {Places} places @param {number} count @private */
  place(name, places, count) {
    const found = places[name]
    if (typeof found === "number") return found
    if (name === "n") return this.constant(count)
    if (name in this.settings) return this.constant(this.settings[name])
    throw new Error(`nothing stands at ${name}`)
  }

  /** A word over all values of a kind, from the first to the last.
   * @param {string} word @param {Expression} said @param {Places} places @param {number} count @private
   */
  every(word, said, places, count) {
    const terms = Array.from({ length: count }, (_, k) => this.say(said, { ...places, ...only(places, k) }, count))
    return word === "add" ? terms.reduce((sum, term) => this.make("add", sum, term)) : this.make(word, ...terms)
  }
}

/** Of every kind the one with this number, as x*.
 * @param {Places} places @param {number} k
 */
function only(places, k) {
  const found = /** @type {Record<string, number>} */ ({})
  for (const [name, lines] of Object.entries(places)) if (Array.isArray(lines)) found[`${name}*`] = lines[k]
  return found
}
