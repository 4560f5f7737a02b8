// One pass through the network, value by value: forward to the error, and back along its chains. Each
// step highlights what is computed and describes it in a sentence.

import { draw, formula, make, say, short } from "./dom.js"
import { partialsOf } from "./factors.js"
import { mark, tr } from "./language.js"
import { mentioned } from "./values.js"

/** @type {[string, number][]} */
const PACES = [[mark("one value every 2 seconds"), 2000], [mark("one value per second"), 1000], [mark("4 values per second"), 250], [mark("20 values per second"), 50]]
const HEARD = 1000 // milliseconds: a sentence that is shown for less is not read out
const LONGEST = 110 // letters of a formula
const FEW = 3 // products
const MOVES = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 })
const TRAVEL = 0.7 // the share of a step during which a dot moves

/** @typedef {import("./chain.js").Tree} Tree */
/** @typedef {{line: number, isBack: boolean}} Step */

export class Wave {
  /** @param {import("./model.js").Model} model @param {import("./values.js").ValueDrawing & {waysOf: (line: number, isBack: boolean) => SVGPathElement[]}} drawing @param {HTMLElement} before the element that it follows */
  constructor(model, drawing, before) {
    this.model = model
    this.drawing = drawing
    this.of = /** @type {any} */ (null) // which network
    this.steps = /** @type {Step[]} */ ([])
    this.at = -1
    this.timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
    this.isPlaying = false
    this.dots = draw("g", { class: "dots" })
    const button = (/** @type {string} */ id, /** @type {string} */ words, /** @type {() => void} */ onclick, label = words) =>
      make("button", { type: "button", id: `wave-${id}`, onclick, "aria-label": label }, words)
    this.play = button("play", mark("Play"), () => (this.isPlaying ? this.pause() : this.go()))
    this.pace = make("select", { "aria-label": mark("speed of the animation"), id: "wave-pace" },
      ...PACES.map(([words, value]) => make("option", { value, selected: value === 1000 }, words)))
    this.words = make("p", { class: "wave-said", id: "wave-said", "aria-live": "polite" })
    this.bar = make("div", { class: "bar wave", role: "group", "aria-label": mark("One pass, value by value") },
      make("span", { class: "remark" }, mark("One pass: ")),
      button("forward", mark("Forward"), () => this.begin(false)), button("back", mark("Backward"), () => this.begin(true)),
      button("before", "‹", () => this.move(-1), mark("the previous value")), this.play, button("next", "›", () => this.move(1), mark("the next value")),
      this.pace, button("end", "×", () => this.end(), mark("end the pass")))
    before.after(this.bar, this.words)
    addEventListener("keydown", event => this.key(event))
    this.fit()
  }

  /** ← and → move by a value, Esc ends the pass; elsewhere these keys have other meanings.
   * @param {KeyboardEvent} event @private
   */
  key(event) {
    const target = /** @type {Element} */ (event.target)
    if (this.at < 0 || (target !== document.body && !target.closest(".wave button"))) return
    const by = MOVES[event.key]
    if (!by && event.key !== "Escape") return
    event.preventDefault()
    if (by) this.move(by)
    else this.end()
  }

  /** Collect the steps of the current network. @private */
  fit() {
    const { content } = this.model
    if (this.of === content) return
    if (this.of) this.end()
    this.of = content
    const forward = Object.keys(content.formulas).map(Number).sort((a, b) => a - b)
    const back = new Set([...forward].reverse().flatMap(line => [line, ...mentioned(content.formulas[line]).filter(it => this.model.slopeOf.has(it))]))
    this.steps = [...forward.map(line => ({ line, isBack: false })),
      ...[...back].filter(line => content.slopes[line] !== undefined).map(line => ({ line, isBack: true }))]
    this.partials = partialsOf(content)
  }

  /** @param {boolean} isBack whether with the backward pass */
  begin(isBack) {
    this.fit()
    this.at = this.steps.findIndex(step => step.isBack === isBack) - 1
    this.go()
  }

  go() {
    if (this.at >= this.steps.length - 1) this.at = -1
    this.isPlaying = true
    this.tick()
  }

  /** @private */
  tick() {
    const pace = Number(this.pace.value)
    this.words.setAttribute("aria-live", pace < HEARD ? "off" : "polite")
    this.show(this.at + 1)
    if (!this.isPlaying) return
    clearTimeout(this.timer)
    if (this.at < this.steps.length - 1) this.timer = setTimeout(() => this.tick(), pace)
    else this.pause()
  }

  pause() {
    clearTimeout(this.timer)
    this.isPlaying = false
    this.words.setAttribute("aria-live", "polite")
    say(this.play, "Play")
  }

  /** Move to the next value, or back.
   * @param {number} by
   */
  move(by) {
    this.pause()
    this.show(Math.min(Math.max(this.at + by, 0), this.steps.length - 1))
  }

  /** End the pass, and restore the drawing. */
  end() {
    this.pause()
    this.at = -1
    this.bar.classList.remove("active")
    this.model.isForward = false
    this.dots.remove()
    this.drawing.wave(null)
    say(this.words, "")
    this.model.pointed = null
    this.model.changed()
  }

  /** @param {number} at @private */
  show(at) {
    this.fit()
    const step = this.steps[at]
    if (!step) return this.end()
    this.at = at
    this.bar.classList.add("active")
    this.model.isForward = !step.isBack
    say(this.play, this.isPlaying ? mark("Pause") : mark("Play"))
    this.model.computeAll()
    const gone = this.steps.slice(0, at + 1).filter(({ isBack }) => isBack === step.isBack)
    this.drawing.wave({ ...step, gone: new Set(gone.map(({ line }) => line)) })
    this.model.pointed = step.line
    this.model.changed()
    say(this.words, step.isBack ? this.slope(step.line) : this.value(step.line))
    this.travel(step)
  }

  /** Move dots along the lines that lead to a value, or back from those that it feeds.
   * @param {Step} step @private
   */
  travel({ line, isBack }) {
    const ways = this.drawing.waysOf(line, isBack)
    this.dots.replaceChildren()
    if (!ways.length || matchMedia("(prefers-reduced-motion: reduce)").matches) return
    const dots = ways.map(() => draw("circle", { r: 4 }))
    this.dots.replaceChildren(...dots)
    this.dots.classList.toggle("back", isBack)
    ways[0].ownerSVGElement?.append(this.dots)
    const lengths = ways.map(way => way.getTotalLength())
    const span = Math.min(Number(this.pace.value), 1000) * TRAVEL
    const begun = performance.now()
    const step = (/** @type {number} */ now) => {
      if (dots[0].parentNode !== this.dots) return
      const share = Math.min(Math.max((now - begun) / span, 0), 1)
      ways.forEach((way, k) => {
        const { x, y } = way.getPointAtLength(lengths[k] * (isBack ? 1 - share : share))
        dots[k].setAttribute("cx", String(x))
        dots[k].setAttribute("cy", String(y))
      })
      if (share < 1) requestAnimationFrame(step)
      else this.dots.replaceChildren()
    }
    step(begun)
  }

  // What happens, in a sentence ---------------------------------------------------

  /** @param {number} line @private */
  value(line) {
    const { content } = this.model
    const template = content.formulas[line]
    const symbols = this.plain(template, it => content.names[it].said)
    const numbers = this.plain(template, it => this.number(it))
    const made = symbols.length > LONGEST ? tr("is computed from {count} values:", { count: new Set(mentioned(template)).size }) : `= ${symbols} =${mentioned(template).length > 1 && numbers.length < LONGEST ? ` ${numbers} =` : ""}`
    return `${content.names[line].said} ${made} ${short(this.model.at(line))}`
  }

  /** @param {number} line @private */
  slope(line) {
    const { model, partials } = this
    const { names, chains, slopes, loss } = model.content
    const [, tree, root] = chains.find((/** @type {[number, Tree, number]} */ it) => it[0] === line)
    const isMean = tree.kind === "mean"
    const own = isMean ? tree.parts[0].value : tree.value
    const top = isMean ? model.content.sampleLoss : root
    const partial = (/** @type {number} */ of, to = line) => `∂${names[of].said}/∂${names[to].said}`
    const fed = /** @type {number[]} */ (this.drawing.feeds.get(line) ?? []).filter(it => partials?.has(`${it} ${line}`) && (it === root || it === top || slopes[it] !== undefined))
    const terms = fed.length > FEW ? [tr("the sum over the {count} values that {value} feeds", { count: fed.length, value: names[line].said })]
      : fed.some(it => it === top) ? this.formula(fed[0], line)
        : [fed.map(it => `${partial(top, it)} · ${partial(it)}`).join(" + "), fed.map(it => `${this.number(slopes[it])} · ${this.number(partials?.get(`${it} ${line}`) ?? it)}`).join(" + ")]
    const mean = isMean && model.samples.length > 1 ? tr("; the mean over {count} samples, {partial}, is {mean}", { count: model.samples.length, partial: partial(loss), mean: short(model.at(tree.value)) }) : ""
    return [partial(top), ...terms.filter(Boolean), short(model.at(own))].join(" = ") + mean
  }

  /** A partial in symbols, and in numbers.
   * @param {number} of @param {number} to @private
   */
  formula(of, to) {
    const { names, partials } = this.model.content
    const [, , template] = partials.find((/** @type {[number, number, string]} */ it) => it[0] === of && it[1] === to) ?? []
    if (!template?.includes("⟦")) return []
    return [this.plain(template, it => names[it].said), this.plain(template, it => this.number(it))]
  }

  /** A number within a formula.
   * @param {number} line @private
   */
  number(line) {
    const said = short(this.model.at(line))
    return said.startsWith("−") ? `(${said})` : said
  }

  /** A formula in one line.
   * @param {string} template @param {(line: number) => string} name @private
   */
  plain(template, name) {
    const found = formula(template.replace(/⟦(\d+)⟧/g, (_, line) => name(Number(line))))
    return inLine(found).replace(/\(\((−?[\d.e−]+)\)\)/g, "($1)").replace(/[\u2061\u2062]/g, "").trim()
  }
}

/** @param {Node} node @returns {string} */
function inLine(node) {
  const parts = [...node.childNodes].map(inLine)
  const closed = (/** @type {string} */ it) => (/[ ·/]/.test(it) && !/^\([^()]*\)$/.test(it) ? `(${it})` : it)
  switch (node.nodeName.toLowerCase()) {
    case "#text":
      return node.textContent ?? ""
    case "mfrac":
      return `${closed(parts[0])}/${closed(parts[1])}`
    case "msup":
      return `${parts[0]}^${closed(parts[1])}`
    case "msqrt":
      return `√(${parts.join("")})`
    case "munder":
      return `${parts[0]} `
    default:
      return parts.join("")
  }
}
