// The line at the foot of the screen: the chain of one weight in factors, its product, the nudge that
// confirms it, and the update; the same numbers stand on the path and on the card.

import { byId, formula, make, say } from "./dom.js"
import { fixed, plainName } from "./factors.js"
import { mark, numeral, tr } from "./language.js"

const DEL = '<mo>∂</mo>'
const [FACTOR, PRODUCT] = [6, 5] // decimals: of a factor, and of a product of three
const LONGEST = 420 // letters of a loss in symbols
const SAME = 1e-4 // as far as a nudge may differ from the product, as a share of it
const KINDS = { error: "fe", slope: "fa", carried: "fi" }

/** @typedef {import("./factors.js").Reading} Reading */

export class LinePanel {
  /** @param {import("./model.js").Model} model @param {(unit: import("./field.js").Unit) => string} nameOf
   * @param {(by: number) => void} move to another sample
   */
  constructor(model, nameOf, move) {
    this.model = model
    this.nameOf = nameOf
    this.box = byId("line")
    this.shown = "" // what, and of which network
    this.content = model.content
    this.numbers = /** @type {((reading: Reading) => void)[]} */ ([])
    this.sample = make("b")
    this.count = make("small")
    const turn = (/** @type {number} */ by, /** @type {string} */ sign, /** @type {string} */ words) =>
      make("button", { type: "button", class: "turn", "aria-label": words, title: words, onclick: () => move(by) }, sign)
    this.who = make("div", { class: "who" }, this.sample, make("small", {}, this.count, turn(-1, "◂", mark("the sample before")), turn(1, "▸", mark("the next sample"))))
    this.parts = make("div", { class: "parts" })
    this.grab = make("button", { type: "button", class: "grab", "aria-label": mark("More") })
    this.handle = make("p", { class: "handle" }, make("b"), make("span"))
    this.box.append(this.grab, this.handle, this.who, this.parts)
  }

  /** @param {Reading | null} reading @param {boolean} asNumbers */
  update(reading, asNumbers) {
    const { content } = this.model
    this.box.classList.toggle("as-numbers", asNumbers)
    this.who.hidden = !reading || reading.count < 2
    if (!reading) return this.sayOther()
    const { place, factors, count } = reading
    const key = `${asNumbers} ${place.weight} ${factors.map(it => it.kind)} ${count < 2} ${isPlainDescent(reading)}`
    if (key !== this.shown || content !== this.content) this.build(reading, asNumbers)
    Object.assign(this, { shown: key, content })
    say(this.sample, tr("sample {sample}", { sample: reading.sample + 1 }))
    say(this.count, tr("of {count} ", { count }))
    say(this.handle.firstChild, `${plainName(content.names[place.weight])} = ${fixed(reading.value, 4)}`)
    say(this.handle.lastChild, tr("next: {value}", { value: fixed(reading.next, 4) }))
    for (const write of this.numbers) write(reading)
  }

  /** What is said of a value that has no such chain: its number, and its slope.
   * @private
   */
  sayOther() {
    const { model } = this
    const { shown, content } = model
    const name = content.names[shown]
    const key = `other ${shown} ${model.samples.length > 1}`
    this.parts.classList.add("other")
    if (key !== this.shown || content !== this.content) {
      this.numbers = []
      const [value, slope] = [make("b"), make("b")]
      this.numbers.push(() => {
        say(value, fixed(model.at(shown), FACTOR))
        say(slope, fixed(model.slopeAt(shown), FACTOR))
      })
      this.parts.replaceChildren(formula(`${name.math}<mo>=</mo>`), make("span", { class: "fac fi" }, value),
        ...(content.slopes[shown] === undefined ? [] : [formula(`${fraction("<mi>E</mi>", name.math)}<mo>=</mo>`), make("span", { class: "fac fp" }, slope, make("small", {}, model.samples.length > 1 ? mark("this sample’s share") : mark("the slope of E")))]),
        make("button", { type: "button", class: "long-form" }, mark("its chain in full")))
    }
    Object.assign(this, { shown: key, content })
    say(this.handle.firstChild, `${plainName(name)} = ${fixed(model.at(shown), 4)}`)
    say(this.handle.lastChild, "")
    for (const write of this.numbers) write(/** @type {any} */ (null))
  }

  /** @param {Reading} reading @param {boolean} asNumbers @private */
  build(reading, asNumbers) {
    this.numbers = []
    const parts = asNumbers ? this.equation(reading) : this.chips(reading)
    this.parts.replaceChildren(...parts)
    this.parts.classList.remove("other")
  }

  /** A number that is written anew at every moment.
   * @param {string} kind @param {(reading: Reading) => string} words @private
   */
  number(kind, words) {
    const said = make("b", { class: kind })
    this.numbers.push(reading => say(said, words(reading)))
    return said
  }

  /** @param {Reading} reading @private */
  symbols({ place, factors }) {
    const { names } = this.model.content
    const partial = (/** @type {import("./factors.js").Factor} */ { of, to }) => fraction(of === null ? this.errorOf(place) : names[of].math, names[to].math)
    return { whole: fraction("<mi>E</mi>", names[place.weight].math), parts: factors.map(partial) }
  }

  /** The error that a chain begins with: that of its output alone, if the unit is one.
   * @param {import("./factors.js").Place} place @private
   */
  errorOf({ unit }) {
    const { content } = this.model
    const last = unit.values[unit.values.length - 1]
    const fed = content.partials.filter((/** @type {[number, number, string]} */ [, to]) => to === last)
    const isAlone = fed.length === 1 && content.names[fed[0][0]]?.kind === "errors" && content.outputs.length > 1
    return isAlone ? content.names[fed[0][0]].math : "<mi>E</mi>"
  }

  /** Chips with a factor each, the product, and the nudge.
   * @param {Reading} reading @private
   */
  chips(reading) {
    const { place } = reading
    const { whole, parts } = this.symbols(reading)
    const { names } = this.model.content
    const unit = this.nameOf(place.unit)
    const activation = this.activationOf(place.column)
    const words = { error: tr("error that reaches {unit}", { unit }), slope: tr("slope of {activation} at {unit}", { activation, unit }),
      carried: place.source ? tr("what {weight} carries: {value}", { weight: plainName(names[place.weight]), value: this.nameOf(place.source) }) : mark("a bias carries 1") }
    const chips = reading.factors.map(({ kind }, k) => make("span", { class: `fac ${KINDS[kind]}` },
      make("span", { class: "fm" }, formula(parts[k]), this.number("", it => fixed(it.factors[k].value, FACTOR))), make("small", {}, words[kind])))
    const [nudged, sample, nudgedToo] = [make("b"), make("span"), make("b")]
    this.numbers.push(it => {
      say(nudged, isSame(it) ? mark("nudged: the same ✓") : mark("nudged: almost the same"))
      say(sample, it.count > 1 ? `${tr("sample {sample}", { sample: it.sample + 1 })} · ` : "")
      say(nudgedToo, isSame(it) ? mark("nudged ✓") : "")
    })
    return [make("span", { class: "fx" }, formula(whole)), sign("="), ...chips.flatMap((chip, k) => (k ? [sign("·"), chip] : [chip])), sign("="),
      make("span", { class: "fac fp" }, make("span", { class: "fm" }, this.number("", it => fixed(it.product, PRODUCT))),
        make("small", {}, make("span", { class: "on-foot" }, reading.count > 1 ? mark("this sample’s share") : mark("the slope of E")), make("span", { class: "on-sheet" }, sample, nudgedToo))),
      make("span", { class: "fac nudge" }, make("span", { class: "fm" }, nudged),
        make("small", {}, this.number("", it => (names[place.weight].below.length > 1 ? tr("gives {slope}", { slope: fixed(it.nudged, PRODUCT) }) : tr("{weight} ± {size} gives {slope}", { weight: plainName(names[place.weight]), size: numeral("0.00001"), slope: fixed(it.nudged, PRODUCT) })))))]
  }

  /** The same as one equation, and the update.
   * @param {Reading} reading @private
   */
  equation(reading) {
    const { place } = reading
    const { names } = this.model.content
    const { whole, parts } = this.symbols(reading)
    const own = names[place.weight].math
    const kinds = reading.factors.map(({ kind }) => KINDS[kind])
    const coloured = [whole, ...parts].map((part, k) => `<mrow class="c-${k ? kinds[k - 1] : "fp"}">${part}</mrow>`)
    const numbers = reading.factors.map((_, k) => this.number(`c-${kinds[k]}`, it => fixed(it.factors[k].value, FACTOR)))
    const isPlain = reading.count < 2 && isPlainDescent(reading)
    return [make("span", { class: "equation" }, formula(`${coloured[0]}<mo>=</mo>${coloured.slice(1).join("<mo>·</mo>")}<mo>=</mo>`),
      ...numbers.flatMap((number, k) => (k ? [sign("·"), number] : [number])), sign("="), this.number("c-fp", it => fixed(it.product, FACTOR))),
    make("span", { class: "nudged" }, mark("nudged:"), make("br"), this.number("", it => (isSame(it) ? mark("the same ✓") : fixed(it.nudged, FACTOR)))),
    make("span", { class: "update" }, formula(`<msup>${own}<mo>′</mo></msup><mo>=</mo>`),
      ...(isPlain ? [make("span", { class: "how" }, formula(`${own}<mo>−</mo><mi>η</mi><mrow class="c-fp">${whole}</mrow><mo>=</mo>`),
        this.number("", it => shorter(it.value)), sign("−"), this.number("", it => shorter(it.rate)), sign("·"), this.number("c-fp", it => fixed(it.mean, FACTOR)), sign("="))] : []),
      this.number("", it => fixed(it.next, FACTOR)))]
  }

  /** The activation of a column, in the words of its layer.
   * @param {number} column @private
   */
  activationOf(column) {
    const { words } = this.model.content.columns[column]
    return words[words.length - 1]
  }
}

/** The loss of an output in symbols, ½ (t − a)², or its name.
 * @param {any} content
 */
export function lossWords({ columns, formulas, targets, outputs }) {
  const [error] = columns.flatMap((/** @type {any} */ { units }) => units.flatMap((/** @type {any} */ unit) => (unit && unit.above !== null && targets.includes(unit.above) ? [unit.values[0]] : [])))
  const template = /** @type {string} */ (formulas[error] ?? "").replace(/<mfrac><mrow><mn>1<\/mn><\/mrow><mrow><mn>2<\/mn><\/mrow><\/mfrac><mo>·<\/mo>/, "<mn>½</mn>")
  const isPlain = template && template.length < LONGEST && [...template.matchAll(/⟦(\d+)⟧/g)].every(([, line]) => targets.includes(Number(line)) || outputs.includes(Number(line)))
  const named = columns.find((/** @type {any} */ { units }) => units[0]?.values.includes(error))?.words[0] ?? columns[columns.length - 1].words[0]
  return isPlain ? formula(template.replace(/⟦(\d+)⟧/g, (_, line) => `<mi>${targets.includes(Number(line)) ? "t" : "a"}</mi>`)) : String(named)
}

/** Whether an update subtracts η times the slope, and nothing else.
 * @param {Reading} reading
 */
const isPlainDescent = ({ next, value, rate, mean }) => Math.abs(next - (value - rate * mean)) <= 1e-9 * Math.max(1, Math.abs(value))

/** @param {Reading} reading */
const isSame = ({ product, nudged }) => Math.abs(product - nudged) <= Math.max(SAME * Math.abs(product), 1e-9)

/** @param {string} of @param {string} to */
const fraction = (of, to) => `<mfrac><mrow>${DEL}${of}</mrow><mrow>${DEL}${to}</mrow></mfrac>`

/** @param {string} words */
const sign = words => make("span", { class: "op" }, words)

/** A number with as many decimals as it has, at most six.
 * @param {number} value
 */
const shorter = value => numeral(String(Number(value.toPrecision(6))).replaceAll("-", "−"))
