// The chain rule: for every value from weights to error a chain of partials, as a tree of lines.
//
// Values are in the order in which they are computed. A chain is a tree of the products, sums and
// partials that the page shows; if chains get too long, the derivatives that several of them share
// are shown by themselves.

/**
 * @typedef {{of: number, to: number, formula: number}} Local the partial of one value with respect to another
 * @typedef {import("../view/chain.js").Tree} Tree
 * @typedef {{kind: "partial" | "worked", of: number, to: number, value: number}} Factor
 */

export class Chains {
  /** @param {import("./lines.js").Lines} lines @param {Map<number, Local[]>} towards of each value, in order
   * @param {number[]} ends weights @param {number} loss @param {number} sampleLoss
   * @param {number | null} count the line with the number of samples @param {number} longest
   */
  constructor(lines, towards, ends, loss, sampleLoss, count, longest) {
    this.lines = lines
    this.errors = [loss, sampleLoss]
    this.loss = loss
    this.sampleLoss = sampleLoss
    this.count = count
    this.towards = towards
    this.fed = /** @type {Map<number, Local[]>} */ (new Map())
    for (const local of [...towards.values()].flat()) this.fed.set(local.to, [...(this.fed.get(local.to) ?? []), local])
    const values = [...towards.keys()].filter(it => !this.errors.includes(it)).reverse()
    this.order = [...values, ...ends]
    const mixesSamples = [...towards.keys()].some(it => !this.isOfOneSample(it) && it !== loss)
    this.isShortened = mixesSamples || this.longest() > longest
    this.worked = new Set()
    this.roots = new Map(this.errors.map(it => [it, it])) // the error whose derivative a chain is
    this.made = /** @type {Map<number, Tree>} */ (new Map())
    for (const value of this.order) {
      this.roots.set(value, this.root(value))
      const tree = this.chain(value)
      this.made.set(value, tree)
      if (this.deservesALine(value, tree)) this.worked.add(value)
    }
  }

  /** @param {number} value @private */
  isOfOneSample(value) {
    return this.count === null || this.lines.each.has(value)
  }

  /** The sample's own error, if a value affects no other sample's.
   * @param {number} value @private
   */
  root(value) {
    const isAlone = (this.fed.get(value) ?? []).every(local => this.isAlone(local))
    return isAlone && this.isOfOneSample(value) ? this.sampleLoss : this.loss
  }

  /** @param {Local} local @private */
  isAlone({ of }) {
    return this.roots.get(of) === this.sampleLoss
  }

  /** The line of a value's derivative.
   * @param {number} value
   */
  slope(value) {
    return /** @type {Tree} */ (this.made.get(value)).value
  }

  /** Whether a value has a chain, or is the error itself.
   * @param {number} value
   */
  reaches(value) {
    return this.made.has(value) || this.errors.includes(value)
  }

  /** Adds the chain of an input, through the values that it feeds.
   * @param {number} value @param {Local[]} fed
   */
  extend(value, fed) {
    const known = fed.filter(local => this.made.has(local.of))
    const roots = new Set(known.map(local => this.roots.get(local.of)))
    if (roots.size !== 1) return
    const terms = known.map(({ of, to, formula }) => this.product([
      this.factor("worked", this.roots.get(of) ?? of, of, this.slope(of)), this.factor("partial", of, to, formula)]))
    this.made.set(value, this.sum(terms))
    this.roots.set(value, this.roots.get(known[0].of) ?? this.loss)
    this.order.push(value)
  }

  /** How many partials the longest chain has when it is written out. @private */
  longest() {
    const sizes = new Map(this.errors.map(it => [it, 0]))
    for (const value of this.order) {
      sizes.set(value, (this.fed.get(value) ?? []).reduce((sum, local) =>
        sum + (sizes.get(local.of) ?? 0) + (this.goesUnsaid(local) ? 0 : 1), 0))
    }
    return Math.max(...sizes.values())
  }

  /** Whether a partial isn't written, as ∂E_total/∂E1 = 1.
   * @param {Local} local @private
   */
  goesUnsaid({ of, formula }) {
    return this.errors.includes(of) && this.lines.isConstant(formula, 1)
  }

  /** @param {number} value @returns {Tree} @private */
  chain(value) {
    const { loss, sampleLoss } = this
    const fed = this.fed.get(value) ?? []
    if (this.isOfOneSample(value)) return this.sum(fed.map(local => this.term(local, this.roots.get(value) ?? loss)))
    const alone = fed.filter(local => this.isAlone(local)).map(local => this.term(local, sampleLoss))
    const mixed = fed.filter(local => !this.isAlone(local))
    const each = mixed.filter(({ of }) => this.lines.each.has(of)).map(local => this.term(local, loss))
    const once = mixed.filter(({ of }) => !this.lines.each.has(of)).map(local => this.term(local, loss))
    return this.sum([
      ...(alone.length ? [this.overSamples(this.sum(alone), true)] : []),
      ...(each.length ? [this.overSamples(this.sum(each), false)] : []), ...once])
  }

  /** A tree summed over all samples, or its mean.
   * @param {Tree} inside @param {boolean} isMean @returns {Tree} @private
   */
  overSamples(inside, isMean) {
    const each = this.lines.each.has(inside.value) ? inside.value : this.lines.make("repeat", inside.value)
    const total = this.lines.make("total", each)
    const value = isMean && this.count !== null ? this.lines.make("divide", total, this.count) : total
    return { kind: isMean ? "mean" : "total", parts: [inside], value }
  }

  /** The part of a derivative that passes through one value that is fed.
   * @param {Local} local @param {number} root @private
   */
  term(local, root) {
    const own = this.goesUnsaid(local) ? [] : [this.factor("partial", local.of, local.to, local.formula)]
    const before = this.reach(local.of)
    return this.product([...this.share(root, local.of), ...(before ? [before] : []), ...own])
  }

  /** The derivative of the total error by a sample's, if a chain passes from one to the other.
   * @param {number} root @param {number} of @private
   */
  share(root, of) {
    if (root === this.roots.get(of)) return []
    const [{ to, formula }] = this.towards.get(this.loss) ?? []
    return [this.factor("partial", this.loss, to, formula)]
  }

  /** A value's chain as a factor of others; null for an error.
   * @param {number} value @returns {Tree | null} @private
   */
  reach(value) {
    if (this.errors.includes(value)) return null
    if (this.worked.has(value)) return this.factor("worked", this.roots.get(value) ?? value, value, this.slope(value))
    return this.made.get(value) ?? null
  }

  /** @param {"partial" | "worked"} kind @param {number} of @param {number} to @param {number} value @returns {Tree} @private */
  factor(kind, of, to, value) {
    return { kind, of, to, value }
  }

  /** @param {Tree[]} factors @private */
  product(factors) {
    const flat = factors.flatMap(it => (it.kind === "product" ? it.parts ?? [] : [it]))
    return this.together("product", "multiply", flat, 1)
  }

  /** @param {Tree[]} terms @private */
  sum(terms) {
    return this.together("sum", "add", terms, 0)
  }

  /** @param {string} kind @param {string} word @param {Tree[]} parts @param {number} none the result without parts @returns {Tree} @private */
  together(kind, word, parts, none) {
    if (parts.length === 1) return parts[0]
    const value = parts.length
      ? parts.map(it => it.value).reduce((a, b) => this.lines.make(word, a, b))
      : this.lines.constant(none)
    return { kind, parts, value }
  }

  /** Whether a derivative is shown by itself: all samples share it or, in long chains, several values.
   * @param {number} value @param {Tree} tree @private
   */
  deservesALine(value, tree) {
    if (!this.towards.has(value)) return false
    if (!this.isOfOneSample(value)) return true
    const isShared = (this.towards.get(value)?.length ?? 0) > 1
    return this.isShortened && isShared && partials(tree) > 1
  }
}

/** @param {Tree} tree @returns {number} */
function partials({ kind, parts = [] }) {
  return kind === "partial" || kind === "worked" ? 1 : parts.reduce((sum, part) => sum + partials(part), 0)
}
