// The loss: its curve so far, and the one that is foreseen at this rate from the start.

import { byId, draw, make, say, set, short } from "./dom.js"
import { PHRASES } from "./phrases.js"
import { grouped, mark, numeral, pieces, tr } from "./language.js"

const [WIDTH, SMALL] = [300, 200] // of a curve, and below which it is a phone's
const PHONE = 600 // pixels of a window
const TALL = { usual: 142, small: 88 }
const FRAME = { left: 38, right: 6, top: 10, bottom: 20 }
const STEPS = [1, 2, 5, 10] // of axes, times a power of ten
const LEAST = 100 // epochs on the axis
const MOST_POINTS = 600
const QUICK = 8 // milliseconds: a judgement that takes longer waits until nothing changes any more
const PAUSE = 120
const LEARNED = "good" // the verdict on a loss that has vanished, whatever is foreseen
const BOUNCES = mark("bounces")
const [RISE, HABIT] = [1.01, 3] // times the loss before, and how often it rises so in a run that bounces
const SOME = 10 // epochs, after which a run speaks for itself
const FARTHEST = 10 // times the first loss: what falls without end is foreseen up to there

/** @typedef {[epoch: number, loss: number]} Point */

export class CurvePanel {
  /** @param {import("./model.js").Model} model @param {HTMLElement} picture @param {HTMLElement} words */
  constructor(model, picture, words) {
    this.model = model
    this.words = words
    this.judgement = /** @type {import("./model.js").Judgement | null} */ (null)
    this.timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
    this.drawn = "" // which axes
    this.said = "" // of which rate
    this.axes = draw("g", { class: "axes" })
    this.foreseen = draw("path", { class: "foreseen" })
    this.gone = draw("path", { class: "gone" })
    this.tested = draw("path", { class: "tested" })
    this.test = make("span")
    document.querySelector(".losses")?.append(this.test)
    this.badge = byId("badge")
    this.now = draw("circle", { r: 4, class: "now" })
    this.size = { width: WIDTH, height: TALL.usual }
    this.picture = picture
    this.svg = draw("svg", { role: "img" }, this.axes, this.foreseen, this.gone, this.tested, this.now)
    picture.replaceChildren(this.svg)
  }

  update() {
    const { model } = this
    if (!model.judgement && model.judging > QUICK) {
      clearTimeout(this.timer)
      this.timer = setTimeout(() => {
        model.judge()
        model.changed()
      }, PAUSE)
    } else this.judgement = model.judge()
    this.show(model.judgement ?? this.judgement)
  }

  /** @param {import("./model.js").Judgement | null} judgement the latest one, if any @private */
  show(judgement) {
    if (!judgement) return
    const { model } = this
    this.judgement = judgement
    const width = this.picture.clientWidth || this.size.width
    this.size = { width, height: width < SMALL || innerWidth <= PHONE ? TALL.small : TALL.usual }
    const { size } = this
    set(this.svg, "viewBox", `0 0 ${size.width} ${size.height}`)
    const foreseen = judgement.losses.map((loss, k) => /** @type {Point} */ ([k + 1, loss]))
    const epochs = roundUp(Math.max(LEAST, model.epoch - 1)) + 1
    const test = this.readTest()
    const most = FARTHEST * Math.max(1, Math.abs(judgement.losses[0]))
    const near = foreseen.filter(([, loss]) => Math.abs(loss) < most)
    const scale = scaleOf([...(model.content.isJudged === false ? near : near.slice(0, 1)), ...model.losses, ...test].map(([, loss]) => loss).filter(Number.isFinite), size.height)
    const x = (/** @type {number} */ epoch) => FRAME.left + ((epoch - 1) / (epochs - 1)) * (size.width - FRAME.left - FRAME.right)
    this.foreseen.setAttribute("d", way(foreseen, x, scale.y))
    this.gone.setAttribute("d", way(model.losses, x, scale.y))
    this.tested.setAttribute("d", way(test, x, scale.y))
    const [, last] = model.losses[model.losses.length - 1]
    if (byId("train-loss")) say(byId("train-loss"), short(last))
    this.now.setAttribute("visibility", Number.isFinite(last) ? "visible" : "hidden")
    this.now.setAttribute("cx", String(x(model.epoch)))
    this.now.setAttribute("cy", String(scale.y(last)))
    this.drawAxes(scale.ticks, scale.y, epochs)
    const [first] = judgement.losses
    set(this.svg, "aria-label", PHRASES.curve(short(first), short(judgement.losses[foreseen.length - 1]), foreseen.length, model.epoch, short(last)))
    this.say(judgement)
  }

  /** The losses of the held-out samples, including the current one. @private */
  readTest() {
    const { model } = this
    const loss = model.testLoss()
    const before = model.testLosses.filter(([epoch]) => epoch < model.epoch)
    model.testLosses = model.tests.length ? (before.length > MOST_POINTS * 2 ? before.filter((_, k) => k % 2 === 0) : before).concat([[model.epoch, loss]]) : []
    this.test.hidden = !model.tests.length
    if (model.tests.length && !this.test.firstChild) this.test.append(mark("test"), " ", make("b", { id: "test-loss" }))
    if (model.tests.length) say(this.test.lastChild, short(loss))
    return model.testLosses
  }

  /** @param {number[]} ticks @param {(value: number) => number} y @param {number} epochs @private */
  drawAxes(ticks, y, epochs) {
    const key = `${ticks} ${epochs} ${this.size.width}`
    if (key === this.drawn) return
    this.drawn = key
    const [end, foot] = [this.size.width - FRAME.right, this.size.height - FRAME.bottom]
    this.axes.replaceChildren(
      ...ticks.flatMap(tick => [
        draw("path", { d: `M${FRAME.left} ${y(tick)}H${end}` }),
        draw("text", { x: FRAME.left - 8, y: y(tick) + 4, "text-anchor": "end" }, alike(tick, ticks)),
      ]),
      draw("text", { x: FRAME.left, y: foot + 17 }, "0"),
      draw("text", { x: end, y: foot + 17, "text-anchor": "end" }, tr("epoch {number}", { number: grouped(epochs - 1) })),
    )
  }

  /** Show the verdict on this rate from the start, or that more epochs than that have learned.
   * @param {import("./model.js").Judgement} judgement @private
   */
  say(judgement) {
    const { model } = this
    if (model.content.isJudged === false) return
    const { losses } = judgement
    const verdict = model.hasLearned(judgement) ? LEARNED : judgement.verdict
    const own = contradiction(verdict, judgement, model.losses)
    const key = `${verdict} ${own} ${model.rate} ${losses[losses.length - 1]}`
    if (key === this.said) return
    this.said = key
    const parts = { verdict: "{verdict}", rate: tidy(model.rate), first: short(losses[0]), last: short(losses[losses.length - 1]), epochs: losses.length }
    const about = verdict === judgement.verdict ? tr("{verdict} at η = {rate}: from {first} to {last} in {epochs} epochs.", parts)
      : tr("{verdict}: the loss has vanished after more than {epochs} epochs.", parts)
    const word = model.content.criteria.words?.[verdict] ?? verdict
    const badge = make("span", { class: `verdict v-${verdict.split(" ")[0]}` }, word)
    const meaning = own === BOUNCES ? mark("The loss goes up and down within bounds and doesn’t settle.") : own ? mark("In this run the loss is falling; a fresh run at this η would not.") : model.content.criteria.meanings[verdict]
    Object.assign(this.badge, { className: own ? "verdict v-own" : badge.className, title: tr("a fresh run at this η: {meaning}", { meaning }), textContent: own || word })
    this.words.replaceChildren(
      make("p", {}, ...pieces(about, { verdict: badge })),
      make("p", { class: "meaning" }, model.content.criteria.meanings[verdict]),
    )
  }
}

/** The word for what a fresh run's verdict doesn't say: that a loss is bounded, or that this run's loss falls.
 * @param {string} verdict of a fresh run @param {import("./model.js").Judgement} judgement @param {Point[]} gone this run's losses
 */
function contradiction(verdict, { losses }, gone) {
  if (verdict === "too slow") return gone.slice(1).filter(([, loss], k) => loss > RISE * gone[k][1]).length >= HABIT ? BOUNCES : ""
  if (verdict !== "diverges") return ""
  const [[, first], [, last]] = [gone[0], gone[gone.length - 1]]
  if (gone.length > SOME && Number.isFinite(last) && last < first) return mark("falling")
  const half = losses.slice(losses.length / 2)
  const isBounded = losses.every(Number.isFinite) && Math.max(...half.slice(half.length / 2)) <= 1.1 * Math.max(...half.slice(0, half.length / 2))
  return isBounded ? BOUNCES : ""
}

/** The least of 1, 2 and 5 times a power of ten that isn't below a number.
 * @param {number} value
 */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return (STEPS.find(it => it * power >= value * (1 - 1e-9)) ?? 10) * power
}

/** The scale from values to heights, and its ticks: a few steps that change only if a loss leaves them.
 * @param {number[]} values @param {number} height
 */
function scaleOf(values, height) {
  const usual = values.map(value => (Math.abs(value) < 1e300 ? value : 0))
  const [lowest, highest] = [Math.min(...usual, 0), Math.max(...usual, 1e-30)]
  const step = roundUp((highest - lowest) / 4)
  const [bottom, top] = [Math.floor(lowest / step) * step, Math.ceil(highest / step - 1e-9) * step]
  const room = height - FRAME.top - FRAME.bottom
  const y = (/** @type {number} */ value) => FRAME.top + room * (1 - (Math.max(Math.min(value, top), bottom) - bottom) / (top - bottom))
  return { y, ticks: Array.from({ length: Math.round((top - bottom) / step) + 1 }, (_, k) => bottom + k * step) }
}

/** A tick with as many decimals as all of them need.
 * @param {number} tick @param {number[]} ticks
 */
export function alike(tick, ticks) {
  const step = Math.abs(ticks[1] - ticks[0])
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  return decimals > 4 || step >= 1e5 ? tidy(tick) : numeral(tick.toFixed(decimals).replace("-", "−"))
}

/** @param {number} value */
const tidy = value => {
  const isTiny = value !== 0 && Math.abs(value) < 1e-3
  return numeral(String(isTiny ? value.toExponential(Number.isInteger(Math.log10(value)) ? 0 : 2) : Number(value.toPrecision(3))).replaceAll("-", "−").replace("e+", "e"))
}

/** @param {Point[]} points @param {(epoch: number) => number} x @param {(loss: number) => number} y */
function way(points, x, y) {
  const every = Math.max(1, Math.ceil(points.length / MOST_POINTS))
  let [said, isDown] = ["", false]
  points.forEach(([epoch, loss], k) => {
    if (k % every && k !== points.length - 1) return
    if (Number.isFinite(loss)) said += `${isDown ? "L" : "M"}${x(epoch).toFixed(1)} ${y(loss).toFixed(1)}`
    isDown = Number.isFinite(loss)
  })
  return said
}
