// Step, run, reset, and the learning rate.

import { largest, limitWords } from "../machine/limit.js"
import { byId, make, say, set, short } from "./dom.js"
import { grouped, mark, numeral, tr } from "./language.js"

const [LOWEST, HIGHEST] = [-3, 4] // of the rate, as powers of ten
const ZONES = 56 // of the strip below the slider
const SLOW = 25 // milliseconds of a frame, beyond which fewer epochs go into the next
const SHOWN = 30_000 // milliseconds that it runs by itself
const LATER = 200 // milliseconds until the strip checks again whether training still runs

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
    this.strip = byId("strip")
    this.limit = byId("limit")
    this.due = 0
    this.last = 0
    this.judged = "" // for which start and samples the strip was made
    byId("step").addEventListener("click", () => this.step())
    byId("reset").addEventListener("click", () => {
      this.stop()
      model.reset()
    })
    this.run.addEventListener("click", () => (this.isRunning ? this.stop() : this.go()))
    this.slider.addEventListener("input", () => model.setRate(tidy(10 ** Number(this.slider.value))))
    this.field.addEventListener("input", () => {
      const rate = Number(this.field.value)
      if (this.field.value !== "" && Number.isFinite(rate)) model.setRate(rate)
    })
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
      this.model.step()
    }
    this.due = Math.min(this.due, 2)
    requestAnimationFrame(later => this.frame(later))
  }

  update() {
    const { model } = this
    say(this.run, this.isRunning ? mark("Pause") : mark("Run"))
    set(this.run, "aria-pressed", String(this.isRunning))
    const power = model.rate > 0 ? Math.log10(model.rate) : LOWEST
    if (document.activeElement !== this.slider) this.slider.value = String(power)
    set(this.slider, "aria-valuetext", `η = ${numeral(String(model.rate))}`)
    if (document.activeElement !== this.field) this.field.value = String(model.rate)
    const back = model.epoch === 1 && model.isEdited ? mark("As written") : mark("Reset")
    set(byId("reset"), "title", back)
    this.judgeZones()
  }

  /** Show the epoch and its loss. */
  sayFigures() {
    say(this.epoch, grouped(this.model.epoch))
    say(this.loss, short(this.model.training.loss))
  }

  /** Show by colours below the slider what each rate does, and the largest that trains, bit by bit.
   * @private
   */
  judgeZones() {
    const { model } = this
    const key = JSON.stringify([model.content.layers, model.start, model.epoch === 1 || model.samples.length < 8 ? model.samples : 0, model.usedBatch])
    if (key === this.judged || this.isRunning || model.content.isJudged === false) return
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

  /** Judge the rates along the slider, one after the other, and find the largest that trains.
   * @private
   */
  *judging() {
    const { model } = this
    const { epochs, criteria } = model.content
    const zones = Array.from({ length: ZONES }, () => make("span"))
    this.strip.replaceChildren(...zones)
    say(this.limit, "")
    let hasGradient = true
    for (const [k, zone] of zones.entries()) {
      const rate = 10 ** (LOWEST + ((k + 0.5) / ZONES) * (HIGHEST - LOWEST))
      const { verdict, pull } = yield* model.judgeAt(rate)
      zone.className = `z-${verdict.split(" ")[0]}`
      zone.title = tr("η ≈ {rate}: {verdict}", { rate: numeral(String(tidy(rate))), verdict: criteria.words?.[verdict] ?? verdict })
      hasGradient = pull !== 0 && Number.isFinite(pull)
      yield
    }
    const search = largest(criteria.limit)
    let asked = search.next()
    while (hasGradient && !asked.done) {
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
