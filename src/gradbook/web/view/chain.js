// The panel of a chosen value: its formula, its chain, and the slope measured by a nudge.

import { exact, formula, make, nameWords, put, say, short, takesNumbers } from "./dom.js"
import { PHRASES } from "./phrases.js"
import { mark, numeral, pieces, trCount, typed } from "./language.js"

const SLOT = /⟦(\d+)⟧/g
const LONG = 4 // terms: more are shown side by side
const DEL = '<mi class="k-gradients" mathvariant="normal">∂</mi>'

/** @typedef {[value: number, weight: number, product: number]} Read */
/** @typedef {{value: number, bias: number | null, channels: (Read | null)[][][]}} Window */
/** @typedef {{kind: string, value: number, of?: number, to?: number, parts?: Tree[]}} Tree */

export class ChainPanel {
  /** @param {import("./model.js").Model} model @param {HTMLElement} box @param {(line: number) => void} go
   * @param {(line: number) => boolean} isDrawn whether a value can be pointed at in the drawing
   */
  constructor(model, box, go, isDrawn) {
    this.isDrawn = isDrawn
    this.model = model
    this.box = box
    this.go = go
    this.names = /** @type {Record<number, import("./dom.js").Name>} */ ({})
    this.windows = /** @type {Map<number, Window>} */ (new Map())
    this.chains = /** @type {Map<number, {chain: Tree, root: number}>} */ (new Map())
    this.partials = /** @type {Map<string, string>} */ (new Map())
    this.size = 1e-5
    this.numbers = /** @type {[Element, number, boolean][]} */ ([])
    this.others = /** @type {(() => void)[]} */ ([])
    this.line = -1
    this.renew()
  }

  /** Take the tables of the current network. */
  renew() {
    const { content } = this.model
    this.names = Object.fromEntries(Object.entries(content.names).map(([line, name]) =>
      [line, { ...name, math: `<mrow data-line="${line}">${name.math}</mrow>` }]))
    this.windows = new Map(content.windows.map((/** @type {Window} */ found) => [found.value, found]))
    this.chains = new Map(content.chains.map(
      (/** @type {[number, Tree, number]} */ [line, chain, root]) => [line, { chain, root }]))
    this.partials = new Map(content.partials.map(
      (/** @type {[number, number, string]} */ [of, to, said]) => [`${of} ${to}`, said]))
    this.line = -1
  }

  /** Show another value if another one is shown, and put in the numbers. */
  update() {
    const { shown } = this.model
    if (shown !== this.line) this.build(shown)
    for (const [element, line, bracketed] of this.numbers) {
      const value = this.model.at(line)
      const said = short(value)
      say(element, bracketed && value < 0 ? `(${said})` : said)
    }
    for (const other of this.others) other()
  }

  /** @param {number} line @private */
  build(line) {
    this.line = line
    this.numbers = []
    this.others = []
    const found = this.chains.get(line)
    this.box.replaceChildren(
      this.head(line),
      ...this.definition(line),
      ...(found ? this.derivative(line, found.chain, found.root) : []),
    )
  }

  /** The value's name and its number, which can be changed if the value is free.
   * @param {number} line @private
   */
  head(line) {
    const name = this.names[line]
    const title = make("h3", { class: "value" }, formula(name.math), " = ")
    if (!this.model.isFree(line)) {
      title.append(this.plain(line))
      return title
    }
    const field = takesNumbers(make("input", { "aria-label": name.said, id: "value" }), value => this.model.put(line, value))
    this.others.push(() => put(field, typed(this.model.at(line))))
    title.append(field)
    return title
  }

  /** Its formula, in symbols and in numbers.
   * @param {number} line @private
   */
  definition(line) {
    const slid = this.windows.get(line)
    if (slid) return [this.slide(slid)]
    const mask = this.model.content.masks.find((/** @type {import("../machine/masks.js").MaskTable} */ it) => it.lines.includes(line))
    if (mask) return [this.drawn(mask.rate)]
    const template = this.model.content.formulas[line]
    if (!template) return []
    const name = this.names[line].math
    const row = make("p", { class: "definition" }, formula(`${name}<mo>=</mo>${this.symbols(template)}`))
    if (!isOneValue(template)) row.append(this.withNumbers("<mo>=</mo>", template))
    row.append(" = ", this.plain(line))
    return [row, ...this.behind(template)]
  }

  /** The words about a mask of dropout, which has no formula.
   * @param {number} rate @private
   */
  drawn(rate) {
    return make("p", {}, ...pieces(mark("Drawn at random at every step and for each sample: 0 with probability {rate}, else 1/(1 − {rate}) = {value}, so that the mean stays the same. In a trained network it is 1."),
      { rate: numeral(String(rate)), value: exact(1 / (1 - rate)) }))
  }

  /** Links to the values in a formula that the drawing doesn't show: means, scales.
   * @param {string} template @private
   */
  behind(template) {
    const lines = new Set([...template.matchAll(SLOT)].map(found => Number(found[1])))
    const hidden = [...lines].filter(line => !this.isDrawn(line))
    const buttons = hidden.map(line => make("button", { type: "button", class: "look", onclick: () => this.go(line) },
      nameWords(this.names[line]), " = ", this.plain(line)))
    return hidden.length ? [make("p", { class: "own" }, mark("computed from"), ...buttons)] : []
  }

  /** A place of a map: for each channel the window, the kernel and their products, and their sum.
   * @param {Window} slid @private
   */
  slide({ value, bias, channels }) {
    const parts = channels.flatMap((rows, k) => [
      ...(k ? [make("span", { class: "sign" }, "+")] : []),
      this.grid(rows, 0, mark("window")), make("span", { class: "sign" }, "⊙"), this.grid(rows, 1, mark("kernel")),
      make("span", { class: "sign" }, "="), this.grid(rows, 2, mark("products")),
    ])
    const rest = bias === null ? [] : [make("span", { class: "sign" }, "+"),
      make("span", {}, nameWords(this.names[bias]), " = ", this.plain(bias))]
    return make("div", { class: "slide" }, ...parts, ...rest,
      make("span", { class: "result" }, ...pieces(mark("their sum is {value}"), { value: this.plain(value) })))
  }

  /** A grid with one number of each place of the window: the value, the weight or their product.
   * @param {(Read | null)[][]} rows @param {number} which
   * @param {string} caption @private
   */
  grid(rows, which, caption) {
    const lines = rows.map(row => make("tr", {}, ...row.map(read => {
      if (!read) return make("td")
      const line = read[which]
      const name = which < 2 ? this.names[line] : null
      const number = name
        ? make("button", { type: "button", class: `k-${name.kind}`, title: name.said, onclick: () => this.go(line) })
        : make("span")
      this.numbers.push([number, line, false])
      return make("td", {}, number)
    })))
    return make("table", { class: "grid" }, make("caption", {}, caption), make("tbody", {}, ...lines))
  }

  /** @param {number} line @param {Tree} chain @param {number} root what it is the derivative of @private */
  derivative(line, chain, root) {
    const { content } = this.model
    const isMean = chain.kind === "mean"
    const inner = isMean && chain.parts ? chain.parts[0] : chain
    const whole = this.names[content.loss].math
    const own = this.names[isMean ? content.sampleLoss : root].math
    const mine = this.names[line].math
    const rows = [make("div", { class: "chain" },
      formula(`${fraction(own, mine)}<mo>=</mo>`), this.tree(inner, true),
      make("span", { class: "result" }, "= ", this.plain(inner.value)))]
    if (isMean) {
      const over = make("span")
      this.others.push(() => {
        const count = this.model.samples.length
        say(over, trCount("the same, as there is one sample", "the mean of this over all {count} samples", count))
      })
      rows.push(make("p", { class: "mean" }, ...pieces(mark("{slope} is {mean}: {value}"), { slope: formula(fraction(whole, mine)), mean: over, value: this.plain(chain.value) })))
    }
    if (this.model.slopeOf.has(line)) rows.push(this.nudge(line), this.following(line))
    return rows
  }

  /** @param {Tree} chain @param {boolean} [outer] @returns {Node} @private */
  tree(chain, outer = false) {
    const parts = (chain.parts ?? []).map(part => this.tree(part))
    switch (chain.kind) {
      case "partial":
      case "worked":
        return this.factor(chain)
      case "product":
        return make("div", { class: "product" }, ...between(parts, "·"))
      case "sum":
        return make("div", { class: `sum${outer ? "" : " inner"}${parts.length > LONG ? " long" : ""}` },
          ...between(parts, "+"))
      default:
        return make("div", { class: "product" }, chain.kind === "mean" ? mark("mean of") : mark("sum of"), ...parts)
    }
  }

  /** One factor: the partial, its formula, the numbers in it; a click leads to its value.
   * @param {Tree} chain @private
   */
  factor({ kind, of = 0, to = 0, value }) {
    const template = kind === "partial" ? this.partials.get(`${of} ${to}`) : undefined
    const [above, below] = [this.names[of], this.names[to]]
    const goal = kind === "partial" ? of : to
    const card = make("button", {
      type: "button", class: "factor", title: this.names[goal].said, onclick: () => this.go(goal),
    }, formula(fraction(above.math, below.math)))
    if (template) {
      card.append(formula(this.symbols(template)))
      if (!isOneValue(template) && template.includes("⟦")) card.append(this.withNumbers("", template))
    } else card.append(make("span", { class: "remark" }, mark("shown separately")))
    card.append(this.plain(value))
    return card
  }

  /** The slope that the loss has, measured by a nudge.
   * @param {number} line @private
   */
  nudge(line) {
    const slope = this.model.slopeOf.get(line) ?? line
    const [below, above, measured, off] = [0, 1, 2, 3].map(() => make("output", { class: "numeral" }))
    const size = make("select", {
      "aria-label": mark("size of the nudge"),
      onchange: () => {
        this.size = Number(size.value)
        this.model.changed()
      },
    }, ...[1, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10].map(h =>
      make("option", { value: h, selected: h === this.size }, numeral(String(h)))))
    this.others.push(() => {
      const found = this.model.training.measured(line, this.size)
      below.textContent = exact(found.below)
      above.textContent = exact(found.above)
      measured.textContent = exact(found.slope)
      off.textContent = short(found.slope - this.model.at(slope))
    })
    return make("p", { class: "nudge" }, ...pieces(mark("Nudge {weight} by ± {size}: {loss} is {above} above and {below} below, a measured slope of {measured}. The chain gives {slope}; the difference is {off}."),
      { weight: nameWords(this.names[line]), loss: nameWords(this.names[this.model.content.loss]), size, above, below, measured, slope: this.plain(slope), off }))
  }

  /** Its value after the next step.
   * @param {number} line @private
   */
  following(line) {
    const [, next] = this.model.content.state.find((/** @type {number[]} */ [leaf]) => leaf === line)
    const row = make("p", { class: "next" })
    const parts = { weight: nameWords(this.names[line]), value: this.plain(next) }
    let said = ""
    this.others.push(() => {
      const words = this.model.aim !== null ? PHRASES.aim.next : this.model.usedBatch ? PHRASES.nextOfAll : PHRASES.next
      if (words !== said) row.replaceChildren(...pieces(words, parts))
      said = words
    })
    return row
  }

  /** @param {number} line @private */
  plain(line) {
    const said = make("output", { class: "numeral" })
    this.others.push(() => say(said, exact(this.model.at(line))))
    return said
  }

  /** @param {string} template @private */
  symbols(template) {
    return template.replace(SLOT, (_, line) => this.names[line].math)
  }

  /** The same with numbers, which change; negative ones are in brackets.
   * @param {string} sign @param {string} template @private
   */
  withNumbers(sign, template) {
    const found = formula(sign + template.replace(SLOT, (_, line) => `<mn data-line="${line}"></mn>`))
    for (const slot of found.querySelectorAll("mn[data-line]")) {
      const alone = slot.previousElementSibling?.textContent === "(" && slot.nextElementSibling?.textContent === ")"
      this.numbers.push([slot, Number(slot.getAttribute("data-line")), !alone])
    }
    return found
  }
}

/** @param {string} of @param {string} to */
const fraction = (of, to) => `<mfrac><mrow>${DEL}${of}</mrow><mrow>${DEL}${to}</mrow></mfrac>`

/** @param {string} template */
const isOneValue = template => /^⟦\d+⟧$/.test(template)

/** @param {Node[]} parts @param {string} sign */
function between(parts, sign) {
  return parts.flatMap((part, k) => (k ? [make("span", { class: "sign" }, sign), part] : [part]))
}
