// An inequality of the plane as people type it, such as y > sin 3x or x² + y² < ½: where it holds.

/** @typedef {(x: number, y: number) => number} Term */

const TOKEN = /\s*(\d+\.?\d*|\.\d+|sin|cos|tan|exp|sqrt|abs|ln|log10|log2|log|pi|[<>]=?|\S)/giy
const NAMES = /** @type {Record<string, Term>} */ ({ x: x => x, y: (_, y) => y, pi: () => Math.PI, "π": () => Math.PI, e: () => Math.E, "½": () => 0.5, "¼": () => 0.25 })
const FUNCTIONS = /** @type {Record<string, (value: number) => number>} */ ({
  sin: Math.sin, cos: Math.cos, tan: Math.tan, exp: Math.exp, sqrt: Math.sqrt, "√": Math.sqrt, abs: Math.abs, ln: Math.log, log: Math.log, log10: Math.log10, log2: Math.log2,
})
const SIGNS = /** @type {Record<string, (left: number, right: number) => boolean>} */ ({
  "<": (left, right) => left < right, ">": (left, right) => left > right, "<=": (left, right) => left <= right, ">=": (left, right) => left >= right,
  "≤": (left, right) => left <= right, "≥": (left, right) => left >= right,
})
const UNCLEAR = /\^[-−]?([\d.]+|[xy])[a-zπ]|log(?!(10|2)[^\d.a-zπ])\d/i // e^2x and log2x could be read in two ways, as the reader of formulas says
const POWERS = /** @type {Record<string, number>} */ ({ "²": 2, "³": 3 })

class Reader {
  /** @param {string} text */
  constructor(text) {
    if (UNCLEAR.test(text)) throw new SyntaxError("^")
    this.tokens = [...text.matchAll(TOKEN)].map(([, token]) => token.toLowerCase())
    this.isInBars = false
  }

  /** Take the next token, if it is one of these.
   * @param {...string} wanted
   */
  take(...wanted) {
    return wanted.includes(this.tokens[0]) ? this.tokens.shift() : undefined
  }

  /** @param {string} wanted */
  require(wanted) {
    if (!this.take(wanted)) throw new SyntaxError(wanted)
  }

  /** @returns {(x: number, y: number) => boolean} */
  inequality() {
    const left = this.sum()
    const holds = SIGNS[this.tokens.shift() ?? ""]
    const right = this.sum()
    if (!holds || this.tokens.length) throw new SyntaxError(this.tokens[0])
    return (x, y) => holds(left(x, y), right(x, y))
  }

  /** @returns {Term} */
  sum() {
    let sum = this.product()
    for (let sign = this.take("+", "-", "−"); sign; sign = this.take("+", "-", "−")) {
      const [before, term, isPlus] = [sum, this.product(), sign === "+"]
      sum = (x, y) => (isPlus ? before(x, y) + term(x, y) : before(x, y) - term(x, y))
    }
    return sum
  }

  /** @returns {Term} */
  product() {
    if (this.take("-", "−")) {
      const product = this.product()
      return (x, y) => -product(x, y)
    }
    let product = this.factors()
    for (let sign = this.take("*", "·", "×", "/"); sign; sign = this.take("*", "·", "×", "/")) {
      const [before, isOver] = [product, sign === "/"]
      const factor = isOver ? this.power() : this.factors()
      if (isOver && this.beginsValue) throw new SyntaxError("/") // 1/2x could be read in two ways
      product = (x, y) => (isOver ? before(x, y) / factor(x, y) : before(x, y) * factor(x, y))
    }
    return product
  }

  /** Factors without a sign between them: 3xy. @returns {Term} */
  factors() {
    let factors = this.power()
    while (this.beginsValue) {
      const [before, factor] = [factors, this.power()]
      factors = (x, y) => before(x, y) * factor(x, y)
    }
    return factors
  }

  get beginsValue() {
    const [next = ""] = this.tokens
    return next === "(" || /^[\d.]/.test(next) || next in NAMES || next in FUNCTIONS || (next === "|" && !this.isInBars)
  }

  /** @returns {Term} */
  power() {
    const base = this.value()
    const mark = this.take("²", "³")
    if (mark) return (x, y) => base(x, y) ** POWERS[mark]
    if (!this.take("^")) return base
    const isBelow = this.take("-", "−")
    const exponent = this.power()
    return (x, y) => base(x, y) ** (isBelow ? -exponent(x, y) : exponent(x, y))
  }

  /** @returns {Term} */
  value() {
    const token = this.tokens.shift() ?? ""
    if (/^[\d.]/.test(token)) return () => Number(token)
    if (Object.hasOwn(NAMES, token)) return NAMES[token]
    if (Object.hasOwn(FUNCTIONS, token)) {
      const [apply, of] = [FUNCTIONS[token], this.tokens[0] === "(" ? this.value() : this.factors()]
      return (x, y) => apply(of(x, y))
    }
    if (token !== "(" && (token !== "|" || this.isInBars)) throw new SyntaxError(token)
    const before = this.isInBars
    this.isInBars = token === "|"
    const inside = this.sum()
    this.require(token === "|" ? "|" : ")")
    this.isInBars = before
    return token === "|" ? (x, y) => Math.abs(inside(x, y)) : inside
  }
}

/** Where an inequality holds; a SyntaxError if it can't be read, or in two ways.
 * @param {string} text @returns {(x: number, y: number) => boolean}
 */
export const inequality = text => new Reader(text).inequality()
