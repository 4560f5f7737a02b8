// The loss: its curve so far, and the one that is foreseen at this rate from the start.

import { byId, draw, make, say, set, short } from "./dom.js"
import { PHRASES } from "./phrases.js"
import { mark, numeral, pieces, tr } from "./language.js"

const SIZE = { width: 300, height: 150 }
const FRAME = { left: 38, right: 8, top: 8, bottom: 24 }
const MOST_POINTS = 600
const QUICK = 8 // milliseconds: a judgement that takes longer waits until nothing changes any more
const PAUSE = 120
const LEARNED = "good" // the verdict on a loss that has vanished, whatever is foreseen
const FARTHEST = 10 // times the first loss: what falls without end is foreseen up to there
const DECADES = 2.5 // losses that span more are shown by their logarithms

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
    this.svg = draw("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img" }, this.axes, this.foreseen, this.gone, this.tested, this.now)
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
    const foreseen = judgement.losses.map((loss, k) => /** @type {Point} */ ([k + 1, loss]))
    const epochs = Math.max(model.epoch, foreseen.length)
    const test = this.readTest()
    const most = model.content.isJudged === false ? FARTHEST * Math.max(1, Math.abs(judgement.losses[0])) : Infinity
    const near = foreseen.filter(([, loss]) => Math.abs(loss) < most)
    const scale = scaleOf([...near, ...model.losses, ...test].map(([, loss]) => loss).filter(Number.isFinite))
    const x = (/** @type {number} */ epoch) => FRAME.left + ((epoch - 1) / (epochs - 1)) * (SIZE.width - FRAME.left - FRAME.right)
    this.foreseen.setAttribute("d", way(foreseen, x, scale.y))
    this.gone.setAttribute("d", way(model.losses, x, scale.y))
    this.tested.setAttribute("d", way(test, x, scale.y))
    const [, last] = model.losses[model.losses.length - 1]
    say(byId("train-loss"), short(last))
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
    const key = `${ticks} ${epochs}`
    if (key === this.drawn) return
    this.drawn = key
    const [end, foot] = [SIZE.width - FRAME.right, SIZE.height - FRAME.bottom]
    this.axes.replaceChildren(
      ...ticks.flatMap(tick => [
        draw("path", { d: `M${FRAME.left} ${y(tick)}H${end}` }),
        draw("text", { x: FRAME.left - 6, y: y(tick) + 4, "text-anchor": "end" }, tidy(tick)),
      ]),
      draw("text", { x: FRAME.left, y: foot + 16 }, mark("epoch 1")),
      draw("text", { x: end, y: foot + 16, "text-anchor": "end" }, String(epochs)),
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
    const key = `${verdict} ${model.rate} ${losses[losses.length - 1]}`
    if (key === this.said) return
    this.said = key
    const parts = { verdict: "{verdict}", rate: tidy(model.rate), first: short(losses[0]), last: short(losses[losses.length - 1]), epochs: losses.length }
    const about = verdict === judgement.verdict ? tr("{verdict} at η = {rate}: from {first} to {last} in {epochs} epochs.", parts)
      : tr("{verdict}: the loss has vanished after more than {epochs} epochs.", parts)
    const word = model.content.criteria.words?.[verdict] ?? verdict
    const badge = make("span", { class: `verdict v-${verdict.split(" ")[0]}` }, word)
    Object.assign(this.badge, { className: badge.className, title: model.content.criteria.meanings[verdict], textContent: word })
    this.words.replaceChildren(
      make("p", {}, ...pieces(about, { verdict: badge })),
      make("p", { class: "meaning" }, model.content.criteria.meanings[verdict]),
    )
  }
}

/** The scale from values to heights, and its ticks.
 * @param {number[]} values
 */
function scaleOf(values) {
  const usual = values.map(value => (Math.abs(value) < 1e300 ? value : 0))
  const [lowest, highest] = [Math.min(...usual), Math.max(...usual)]
  const high = lowest < 0 ? Math.max(highest, 0) : Math.max(highest, 1e-30)
  const positive = values.filter(value => value > 0)
  const low = Math.max(Math.min(...positive, high), high * 1e-12)
  const isLog = lowest >= 0 && Math.log10(high / low) > DECADES
  const [bottom, top] = isLog ? [Math.log10(low), Math.log10(high)] : [Math.min(lowest, 0), high]
  const span = top - bottom || 1
  const room = SIZE.height - FRAME.top - FRAME.bottom
  const y = (/** @type {number} */ value) => {
    const at = isLog ? Math.log10(Math.max(value, low)) : value
    return FRAME.top + room * (1 - (Math.max(Math.min(at, top), bottom) - bottom) / span)
  }
  return { y, ticks: isLog ? decades(bottom, top) : evenly(bottom, top) }
}

/** @param {number} bottom @param {number} top */
function decades(bottom, top) {
  const every = Math.max(1, Math.ceil((top - bottom) / 5))
  const first = Math.ceil(bottom)
  const count = Math.floor((Math.floor(top) - first) / every) + 1
  return Array.from({ length: Math.max(count, 0) }, (_, k) => 10 ** (first + k * every))
}

/** @param {number} bottom at most 0 @param {number} top */
function evenly(bottom, top) {
  const rough = (top - bottom) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(k => k * power).find(k => k >= rough) ?? power
  const first = Math.ceil(bottom / step)
  return Array.from({ length: Math.floor(top / step) - first + 1 }, (_, k) => (first + k) * step)
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
