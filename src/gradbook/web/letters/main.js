// The page that learns lines: trains a few steps per frame, and shows what the network then writes.

import { arrays, bytes, canUnpack, moduleOf } from "../digits/link.js"
import { byId, draw, make, say } from "../view/dom.js"
import { Tabs } from "../view/tabs.js"
import { grouped, numeral, pieces } from "../view/language.js"
import { WasmEngine } from "../wasm/engine.js"
import { ArcsPanel } from "./arcs.js"
import { PHRASES } from "./phrases.js"
import { Writer } from "./writer.js"

const SLICE = 10 // milliseconds of training per frame, at most
const LEGIBLE = 90 // milliseconds that something is shown at least while it trains
const WRITTEN = 8 // lines each time
const TESTS = 20 // of a training
const LATEST = 50 // lines whose mean loss is shown
const SHOWN = 8 // letters that may come next
const MEAN = 25 // losses per point of the curve
const [WIDTH, HEIGHT] = [236, 120]

class Page {
  /** @param {Writer} writer */
  constructor(writer) {
    this.writer = writer
    this.known = /** @type {Set<string>} */ (new Set()) // that it learns from
    this.losses = /** @type {number[]} */ ([])
    this.tests = /** @type {[number, number][]} */ ([])
    this.isGoing = false
    this.isTyped = false // the line that is shown; else it is the latest that was written
    this.all = 0
    this.shown = 0 // when it was last
    /** @type {ReturnType<Writer["look"]> | null} */
    this.look = null
    const { attention, context } = writer.letters
    this.arcs = new ArcsPanel(attention, context, () => this.continue())
    byId("go").disabled = false
    byId("go").addEventListener("click", () => this.go(!this.isGoing))
    byId("reset").addEventListener("click", () => this.begin())
    byId("lines").addEventListener("change", () => this.begin())
    for (const id of ["temperature", "seed"]) byId(id).addEventListener("input", () => this.rewrite())
    byId("begun").addEventListener("focus", () => (this.isTyped = true))
    byId("begun").addEventListener("input", () => {
      this.isTyped = Boolean(byId("begun").value)
      this.follow()
    })
    byId("written").addEventListener("click", (/** @type {MouseEvent} */ { target }) => {
      if (!(target instanceof HTMLElement) || !target.matches(".lines span")) return
      this.isTyped = true
      byId("begun").value = target.textContent
      this.follow()
    })
    new Tabs(/** @type {HTMLElement} */ (document.querySelector(".side")), true)
    this.begin()
  }

  begin() {
    this.isGoing = false
    this.writer.begin()
    this.all = Number(byId("lines").value)
    this.known = new Set(this.writer.letters.training.slice(0, this.all))
    this.losses = []
    this.tests = []
    byId("written").replaceChildren()
    say(byId("problem"), "")
    this.test()
    this.write()
    this.update()
  }

  get isOver() {
    return this.writer.done >= this.all
  }

  /** @param {boolean} going */
  go(going) {
    if (going && this.isOver) this.begin()
    this.isGoing = going
    this.update()
    if (going) requestAnimationFrame(now => this.frame(now))
  }

  /** Train some steps, up to the next time that something is tested or written.
   * @param {number} now @private
   */
  frame(now) {
    if (!this.isGoing) return
    const tested = this.all / TESTS
    const until = performance.now() + SLICE
    let left = Number(byId("pace").value)
    while (left > 0 && !this.isOver && this.isGoing && performance.now() < until) {
      const every = Number(byId("every").value)
      const { done } = this.writer
      const some = Math.min(left, 4, every - (done % every), tested - (done % tested))
      this.losses.push(...this.writer.learn(some, this.all))
      left -= some
      if (this.losses.some(Number.isNaN)) {
        say(byId("problem"), PHRASES.diverged)
        this.isGoing = false
      } else {
        if (this.writer.done % tested === 0 || this.isOver) this.test()
        if (this.writer.done % every === 0 || this.isOver) this.write()
      }
    }
    if (this.isOver) this.isGoing = false
    if (!this.isGoing || now - this.shown >= LEGIBLE) {
      this.shown = now
      this.update()
    }
    if (this.isGoing) requestAnimationFrame(later => this.frame(later))
  }

  /** @private */
  test() {
    this.tests.push([this.writer.done, this.writer.testLoss()])
  }

  get temperature() {
    return Math.max(0, Number(byId("temperature").value) || 0)
  }

  get seed() {
    return Math.max(0, Math.floor(Number(byId("seed").value) || 0))
  }

  /** A row of lines that it writes now. @private */
  row() {
    const { writer, temperature, seed } = this
    const lines = writer.write(WRITTEN, temperature, seed)
    if (!this.isTyped) byId("begun").value = lines[0]?.slice(0, writer.letters.context - 1) ?? ""
    const heat = numeral(String(temperature))
    const words = writer.done ? PHRASES.after(grouped(writer.done), heat, seed) : PHRASES.before(heat, seed)
    return make("li", { "data-done": writer.done },
      make("p", { class: "remark" }, words),
      make("p", { class: "lines" }, ...lines.flatMap(line => [
        make("span", this.known.has(line) ? { class: "known", title: PHRASES.known } : {}, line || "–"), " "])))
  }

  /** @private */
  write() {
    byId("written").prepend(this.row())
  }

  /** Write the latest lines with another temperature or seed. @private */
  rewrite() {
    const [first] = byId("written").children
    if (Number(first?.getAttribute("data-done")) === this.writer.done) first.replaceWith(this.row())
    else this.write()
  }

  /** Show the line that was begun, and where each of its letters looks. @private */
  follow() {
    const { writer } = this
    const { alphabet, context } = writer.letters
    const begun = byId("begun").value.trim().toLowerCase()
    const unknown = [...begun].find(letter => !alphabet.includes(letter))
    const wrong = unknown ? PHRASES.unknown(unknown) : begun.length >= context ? PHRASES.tooLong(context - 1) : ""
    say(byId("begun-said"), wrong)
    this.look = wrong ? null : writer.look(writer.encoded(begun).slice(0, -1))
    if (this.look) this.arcs.show(["", ...begun], this.look.shares)
    this.continue()
  }

  /** Show which letters may follow the one that is pointed at. @private */
  continue() {
    const { look, arcs, writer: { letters: { alphabet } } } = this
    if (!look) return byId("bars").replaceChildren()
    const begun = arcs.letters.slice(1, arcs.at + 1).join("")
    byId("after").replaceChildren(...(begun ? pieces(PHRASES.follows, { begun: make("span", { class: "class" }, `‘${begun}’`) }) : [PHRASES.first]))
    const shares = look.next(arcs.at)
    const order = shares.map((_, token) => token).sort((a, b) => shares[b] - shares[a]).slice(0, SHOWN)
    byId("bars").replaceChildren(...order.map(token => make("li", {},
      make("span", { class: "class" }, token ? alphabet[token - 1] : PHRASES.end),
      make("span", { class: "bar-of" }, bar(shares[token])),
      make("span", { class: "share" }, numeral(`${(shares[token] * 100).toFixed(1)} %`)))))
  }

  /** @private */
  update() {
    const { writer, losses, tests } = this
    const latest = losses.slice(-LATEST)
    say(byId("go"), this.isGoing ? PHRASES.pause : this.isOver ? PHRASES.again : writer.done ? PHRASES.goOn : PHRASES.train)
    say(byId("done"), grouped(writer.done))
    say(byId("loss"), latest.length ? numeral((latest.reduce((sum, it) => sum + it, 0) / latest.length).toFixed(3)) : "–")
    say(byId("tested"), numeral(tests[tests.length - 1][1].toFixed(3)))
    this.plot()
    this.follow()
  }

  /** Draw the means of the losses, and the losses of held-out lines. @private */
  plot() {
    const { losses, tests, all, writer } = this
    const guessing = Math.log(writer.kinds)
    const [low, top] = [guessing / 2, Math.max(guessing, tests[0][1])] // losses that can be reached lie between
    const height = (/** @type {number} */ loss) => HEIGHT - 4 - ((Math.max(loss, low) - low) / (top - low)) * (HEIGHT - 14)
    const at = (/** @type {number} */ step, /** @type {number} */ loss) => `${((step / all) * WIDTH).toFixed(1)},${height(loss).toFixed(1)}`
    const means = Array.from({ length: Math.ceil(losses.length / MEAN) }, (_, k) => {
      const own = losses.slice(k * MEAN, (k + 1) * MEAN)
      return at(k * MEAN + own.length / 2, own.reduce((sum, it) => sum + it, 0) / own.length)
    })
    const level = height(guessing)
    const label = PHRASES.curve(numeral(tests[0][1].toFixed(2)), numeral(tests[tests.length - 1][1].toFixed(2)))
    byId("losses").replaceChildren(draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
      draw("line", { x1: 0, x2: WIDTH, y1: level, y2: level, class: "rule" }),
      draw("text", { x: WIDTH, y: level + 11, "text-anchor": "end" }, PHRASES.guessing(numeral(guessing.toFixed(2)))),
      draw("polyline", { points: means.join(" "), class: "gone" }),
      draw("polyline", { points: tests.map(([step, loss]) => at(step, loss)).join(" "), class: "foreseen" })))
  }
}

/** @param {number} share */
function bar(share) {
  const found = make("i")
  found.style.width = `${(share * 100).toFixed(1)}%`
  return found
}

async function open() {
  const content = JSON.parse(byId("content").textContent)
  if (!canUnpack) throw new Error(PHRASES.oldBrowser)
  const { code, table } = await moduleOf(content.module)
  const lines = new TextDecoder().decode(await bytes(content.lines)).split("\n")
  const [heldOut, training] = [lines.slice(0, content.heldOut), lines.slice(content.heldOut)]
  const engine = new WasmEngine(new WebAssembly.Module(code), table)
  const writer = new Writer(engine, { ...content, heldOut, training, start: await arrays(content.start) })
  return new Page(writer)
}

open().catch(error => say(byId("problem"), error instanceof WebAssembly.CompileError ? PHRASES.oldBrowser : String(error?.message ?? error)))
