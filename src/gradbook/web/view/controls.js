// Step, run, reset, and the learning rate.

import { largest, limitWords } from "../machine/limit.js"
import { byId, put, say, set, takesNumbers } from "./dom.js"
import { fixed } from "./factors.js"
import { mark, numeral, padded, tr, typed } from "./language.js"

const LOWEST = -3 // of the rate, as a power of ten
const SLOW = 25 // milliseconds of a frame, beyond which fewer epochs go into the next
const SHOWN = 30_000 // milliseconds that it runs by itself
const GENTLER = 20 // rates, each a third of the one before, that are tried where the loss leaves the numbers
const LATER = 200 // milliseconds until the search checks again whether training still runs
const KEYS = /** @type {Record<string, string>} */ ({ " ": "run", ArrowRight: "step", r: "reset" })

export class Controls {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model
    this.isRunning = false
    this.run = byId("run")
    this.slider = byId("rate")
    this.field = byId("rate-field")
    this.epoch = byId("epoch")
    this.loss = byId("loss")
    this.pace = byId("pace")
    this.limit = byId("limit")
    this.due = 0
    this.last = 0
    this.judged = "" // for which start and samples the largest rate was searched
    byId("step").addEventListener("click", () => this.step())
    byId("reset").addEventListener("click", () => {
      this.stop()
      say(byId("said"), "")
      model.reset()
    })
    this.run.addEventListener("click", () => (this.isRunning ? this.stop() : this.go()))
    addEventListener("keydown", event => this.key(event))
    this.slider.addEventListener("input", () => model.setRate(tidy(10 ** Number(this.slider.value))))
    takesNumbers(this.field, rate => model.setRate(rate), { least: 0 })
  }

  /** Run, step and reset by keys, from anywhere but a field, or what has a meaning of its own for the key.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const target = /** @type {Element} */ (event.target)
    const isTaken = target.closest("input:not([type=radio], [type=range]), select, textarea") !== null
      || (event.key === " " ? target.closest("button, summary, [role=button]") !== null : target.closest("input, [role], .bar.wave") !== null && event.key.startsWith("Arrow"))
    const id = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (!id || isTaken || !byId(id).checkVisibility({ visibilityProperty: true }) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    event.preventDefault()
    byId(id).click()
  }

  /** Run for a while at first, so that readers see how it learns without a click. */
  showHow() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || this.model.samples.length < 2) return
    this.go()
    const timer = setTimeout(() => this.isRunning && this.stop(), SHOWN)
    addEventListener("pointerdown", () => clearTimeout(timer), { once: true })
  }

  step() {
    this.stop()
    this.model.step()
    this.isNumber()
  }

  /** Whether the loss is still a number; where it isn't, stop, say so, and name a rate that goes well.
   * @private
   */
  isNumber() {
    const { model } = this
    if (Number.isFinite(model.training.learned)) return true
    this.stop()
    const rates = Array.from({ length: GENTLER }, (_, k) => tidy(model.rate / 3 ** (k + 1)))
    const better = rates.find(rate => model.falls(rate))
    const parts = { epoch: model.epoch - 1, rate: typed(model.rate), better: typed(better ?? 0) }
    say(byId("said"), better === undefined ? tr("After {epoch} epochs at η = {rate} the loss is beyond all numbers.", parts)
      : tr("After {epoch} epochs at η = {rate} the loss is beyond all numbers. From the start it falls with η = {better}.", parts))
    return false
  }

  go() {
    this.isRunning = true
    this.last = performance.now()
    requestAnimationFrame(now => this.frame(now))
    this.update()
  }

  stop() {
    this.isRunning = false
    this.model.changed()
    this.update()
  }

  /** As many epochs as are due.
   * @param {number} now @private
   */
  frame(now) {
    if (!this.isRunning) return
    this.due += ((now - this.last) / 1000) * Number(this.pace.value)
    const until = performance.now() + (now - this.last > SLOW ? 2 : 6)
    this.last = now
    while (this.due >= 1 && performance.now() < until) {
      this.due -= 1
      this.model.advance()
      if (!this.isNumber()) return
    }
    this.due = Math.min(this.due, 2)
    this.model.changed()
    requestAnimationFrame(later => this.frame(later))
  }

  update() {
    const { model } = this
    say(this.run, this.isRunning ? mark("Pause") : mark("Run"))
    set(this.run, "aria-pressed", String(this.isRunning))
    const power = model.rate > 0 ? Math.log10(model.rate) : LOWEST
    if (document.activeElement !== this.slider) this.slider.value = String(power)
    set(this.slider, "aria-valuetext", `η = ${numeral(String(model.rate))}`)
    put(this.field, typed(model.rate, model.rate >= 0.1 && model.rate < 10 ? 2 : 0))
    const back = model.epoch === 1 && model.isEdited ? mark("As written") : mark("Reset")
    set(byId("reset"), "title", back)
    this.findLimit()
  }

  /** Show the epoch and its loss. */
  sayFigures() {
    say(this.epoch, padded(this.model.epoch - 1))
    say(this.loss, fixed(this.model.training.loss, 4))
  }

  /** Find the largest rate that trains, bit by bit.
   * @private
   */
  findLimit() {
    const { model } = this
    if (this.isRunning || model.content.isJudged === false) return
    const key = JSON.stringify([model.content.layers, model.start, model.epoch === 1 || model.samples.length < 8 ? model.samples : 0, model.usedBatch])
    if (key === this.judged) return
    this.judged = key
    const work = this.judging()
    const some = () => {
      if (key !== this.judged) return
      if (this.isRunning) return void setTimeout(some, LATER)
      const until = performance.now() + 6
      while (performance.now() < until) if (work.next().done) return
      setTimeout(some)
    }
    setTimeout(some, 60)
  }

  /** Try rates until the largest that trains is known.
   * @private
   */
  *judging() {
    const { model } = this
    const { epochs, criteria } = model.content
    say(this.limit, "")
    const { pull } = yield* model.judgeAt(model.rate)
    const search = largest(criteria.limit)
    let asked = search.next()
    while (pull !== 0 && Number.isFinite(pull) && !asked.done) {
      asked = search.next((yield* model.judgeAt(asked.value)).trains)
      yield
    }
    const found = asked.done ? asked.value : { rate: null, beyond: null, reliable: null, failing: [], tried: 0 }
    say(this.limit, limitWords(found, epochs, criteria.limit))
  }
}

/** Three digits of a rate.
 * @param {number} rate
 */
const tidy = rate => Number(rate.toPrecision(3))
