// The line at the foot of the screen: the chain of one weight in factors, its product, the nudge that
// confirms it, and the update; the same numbers stand on the path and on the card.

import { byId, fit, formula, make, nameWords, say } from "./dom.js"
import { fixed, plainName } from "./factors.js"
import { mark, numeral, pieces, tr } from "./language.js"

const DEL = '<mo lspace="0" rspace="0">∂</mo>'
const [FACTOR, PRODUCT, LEAST] = [6, 5, 3] // decimals: of a factor, of a product of three, and at least
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
    this.decimals = FACTOR // that fit
    this.isMeasured = false // by the widest numbers
    new ResizeObserver(() => {
      this.shown = ""
      model.changed()
    }).observe(this.box)
  }

  /** @param {Reading | null} reading @param {boolean} asNumbers */
  update(reading, asNumbers) {
    const { content, samples: { length } } = this.model
    this.box.classList.toggle("as-numbers", asNumbers)
    this.who.hidden = length < 2
    say(this.sample, this.which(this.model))
    say(this.count, tr("of {count} ", { count: length }))
    if (!reading) return this.sayOther()
    const { place, factors, count } = reading
    const key = `${asNumbers} ${place.weight} ${factors.map(it => it.kind)} ${count < 2} ${isPlainDescent(reading)}`
    const isNew = key !== this.shown || content !== this.content
    if (isNew) this.build(reading, asNumbers)
    Object.assign(this, { shown: key, content })
    say(this.handle.firstChild, `${plainName(content.names[place.weight])} = ${fixed(reading.value, 4)}`)
    say(this.handle.lastChild, tr("next: {value}", { value: fixed(reading.next, 4) }))
    if (isNew) this.fitNumbers(reading)
    for (const write of this.numbers) write(reading)
    if (isNew) for (const words of this.parts.querySelectorAll(".words, small")) fit(words)
  }

  /** Find how many decimals fit, whatever the font.
   * @param {Reading} reading @private
   */
  fitNumbers(reading) {
    const boxes = [this.parts, ...this.parts.querySelectorAll(".fac > .value, .product")]
    this.isMeasured = true
    for (this.decimals = FACTOR; this.decimals >= LEAST; this.decimals--) {
      for (const write of this.numbers) write(reading)
      if (boxes.every(it => it.scrollWidth <= it.clientWidth)) break
    }
    this.decimals = Math.max(this.decimals, LEAST)
    this.isMeasured = false
  }

  /** A number with as many decimals as fit; while they are measured, the widest one.
   * @param {number} value @param {number} most @private
   */
  digits(value, most) {
    const decimals = Math.min(most, this.decimals)
    return fixed(this.isMeasured ? -8 / 9 : value, decimals)
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
      const [value, slope] = [make("b", { class: "value" }), make("b", { class: "value" })]
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
    const parts = factors.map(({ of, to }) => fraction(of === null ? this.errorOf(place) : names[of].math, names[to].math))
    return { whole: fraction("<mi>E</mi>", names[place.weight].math), parts }
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

  /** Whether a unit is an output, so that the error arrives there by no other.
   * @param {import("./factors.js").Place} place @private
   */
  isOutput({ unit: { values } }) {
    return values.some(it => this.model.content.outputs.includes(it))
  }

  /** Chips with a factor each, the product, and the nudge: in words, as numbers, in symbols.
   * @param {Reading} reading @private
   */
  chips(reading) {
    const { place, factors } = reading
    const { names } = this.model.content
    const unit = this.nameOf(place.unit)
    const weight = names[place.weight]
    const words = {
      error: this.isOutput(place) ? mark("how wrong") : tr("error that arrives at {unit}", { unit }),
      slope: mark("how steep"),
      carried: mark("what came in"),
    }
    const rest = {
      error: this.isOutput(place) ? tr(", at {unit}", { unit }) : "",
      slope: tr(", of {activation}", { activation: this.activationOf(place.column) }),
      carried: ` = ${place.source ? this.nameOf(place.source) : 1}`,
    }
    const chips = factors.map(({ kind, of, to }, k) => make("span", { class: `fac ${KINDS[kind]}` }, make("b", { class: "words" }, words[kind]),
      this.number("value", it => this.digits(it.factors[k].value, FACTOR)),
      make("small", {}, formula(partial(of === null ? this.errorOf(place) : names[of].math, names[to].math)), rest[kind])))
    const way = make("b", { class: "way" })
    const [nudged, tick, ofSample, goal] = [make("b"), make("b"), make("span", { class: "on-sheet" }), make("span", { class: "goal" })]
    this.numbers.push(it => {
      const isSaid = fixed(Math.abs(it.product), PRODUCT) !== fixed(0, PRODUCT)
      say(way, !isSaid ? mark("leave it") : it.product > 0 ? mark("lower it ↓") : mark("raise it ↑"))
      nudged.classList.toggle("open", it.sides !== null)
      say(nudged, it.sides ? mark("not confirmed: a corner") : isSame(it) ? mark("nudged: the same ✓") : mark("nudged: almost the same"))
      say(tick, isSame(it) ? "✓" : "")
      say(ofSample, it.count > 1 ? tr(" of {sample}", { sample: this.which(it) }) : "")
      say(goal, isOutweighed(it) ? tr("; the other {count} outweigh it", { count: it.count - 1 }) : mark("; a weight goes against it"))
    })
    const nudgeWords = (/** @type {Reading} */ it) => (it.sides ? tr("slope {below} below, {above} above", { below: fixed(it.sides[0], LEAST), above: fixed(it.sides[1], LEAST) }) : weight.below.length > 1 ? tr("gives {slope}", { slope: this.digits(it.nudged, PRODUCT) })
      : tr("{weight} ± {size} gives {slope}", { weight: plainName(weight), size: numeral("0.00001"), slope: this.digits(it.nudged, PRODUCT) }))
    return [...chips.flatMap((chip, k) => (k ? [sign("×"), chip] : [chip])), sign("="),
      make("span", { class: "fac fp" }, make("b", { class: "words" }, ...pieces(mark("how much {error} rises with {weight}"), { error: make("i", {}, "E"), weight: nameWords(weight) })),
        make("span", { class: "product" }, this.number("value", it => this.digits(it.product, PRODUCT)), way),
        make("small", {}, formula(partial("<mi>E</mi>", weight.math)), ofSample, goal, make("span", { class: "on-sheet" }, " ", tick))),
      make("span", { class: "fac nudge" }, nudged, make("small", {}, this.number("", nudgeWords)))]
  }

  /** The sample that the line is about, as a point where it is one.
   * @param {{sample: number}} shown @private
   */
  which({ sample }) {
    return this.model.content.plane ? tr("point {sample}", { sample: sample + 1 }) : tr("sample {sample}", { sample: sample + 1 })
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
    const numbers = reading.factors.map((_, k) => this.number(`c-${kinds[k]}`, it => this.digits(it.factors[k].value, FACTOR)))
    const isPlain = reading.count < 2 && isPlainDescent(reading)
    return [make("span", { class: "equation" }, formula(`${coloured[0]}<mo>=</mo>${coloured.slice(1).join("<mo>·</mo>")}<mo>=</mo>`),
      ...numbers.flatMap((number, k) => (k ? [sign("·"), number] : [number])), sign("="), this.number("c-fp", it => this.digits(it.product, FACTOR))),
    make("span", { class: "nudged" }, mark("nudged:"), make("br"), this.number("", it => (it.sides ? mark("a corner") : isSame(it) ? mark("the same ✓") : this.digits(it.nudged, FACTOR)))),
    make("span", { class: "update" }, formula(`<msup>${own}<mo>′</mo></msup><mo>=</mo>`),
      ...(isPlain ? [make("span", { class: "how" }, formula(`${own}<mo>−</mo><mi>η</mi><mrow class="c-fp">${whole}</mrow><mo>=</mo>`),
        this.number("", it => shorter(it.value)), sign("−"), this.number("", it => shorter(it.rate)), sign("·"), this.number("c-fp", it => this.digits(it.mean, FACTOR)), sign("="))] : []),
      this.number("", it => this.digits(it.next, FACTOR)))]
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

/** Whether all samples together move the weight the other way than this one would.
 * @param {Reading} reading
 */
export const isOutweighed = ({ product, mean, count }) => count > 1 && product * mean < 0

/** @param {Reading} reading */
const isSame = ({ product, nudged, sides }) => !sides && Math.abs(product - nudged) <= Math.max(SAME * Math.abs(product), 1e-9)

/** @param {string} of @param {string} to */
const fraction = (of, to) => `<mfrac><mrow>${DEL}${of}</mrow><mrow>${DEL}${to}</mrow></mfrac>`

/** The same within a line of words.
 * @param {string} of @param {string} to
 */
const partial = (of, to) => `${DEL}${of}<mo lspace="0" rspace="0">/</mo>${DEL}${to}`

/** @param {string} words */
const sign = words => make("span", { class: "op" }, words)

/** A number with as many decimals as it has, at most six.
 * @param {number} value
 */
const shorter = value => numeral(String(Number(value.toPrecision(6))).replaceAll("-", "−"))
