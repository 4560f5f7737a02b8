// The page's worker: it computes images and trains, one batch at a time, and reports the results.

import { WasmEngine } from "./engine.js"
import { Training } from "./training.js"
import { likeliest, Viewer } from "./viewer.js"

const [TOLD_EVERY, TESTED_EVERY] = [120, 800] // milliseconds, while it trains
const SHARE = 10 // least ratio of the times for training and for testing

/** @type {{postMessage: (message: any) => void, onmessage: ((event: MessageEvent) => void) | null}} */
const page = /** @type {any} */ (self)

/** @typedef {{images: Uint8Array, wanted: Int32Array | Float32Array}} Own the reader's images */
/** @typedef {{code: ArrayBuffer, table: import("./engine.js").Table}} Module */

class Work {
  /** @param {{module: Module, view: import("./viewer.js").View, values: Record<string, Float32Array>}} given */
  constructor({ module, view, values }) {
    this.viewer = new Viewer(opened(module), view)
    this.viewer.engine.restore(values)
    /** @type {Training | null} */
    this.training = null
    this.isGoing = false
    this.testAt = 0 // the next time
    /** @type {{images: Uint8Array, labels: Int32Array} | null} */
    this.test = null
  }

  /** @param {{module: Module, plan: any, images: Uint8Array, wanted: Int32Array | Float32Array, start: Record<string, Float32Array>, test: any, own: Own | null}} given */
  prepare({ module, plan, images, wanted, start, test, own }) {
    const engine = opened(module)
    engine.restore(start)
    this.training = new Training(engine, plan, images, wanted)
    this.test = test
    if (own) this.training.add(own.images, own.wanted)
    this.plan()
    this.tested()
  }

  /** Report the length of the training. */
  plan() {
    const { training } = this
    if (training) page.postMessage({ kind: "prepared", steps: training.steps, epochs: training.epochs })
  }

  /** @param {Own} own */
  add({ images, wanted }) {
    this.training?.add(images, wanted)
    this.plan()
  }

  /** @param {number} rate */
  more(rate) {
    this.training?.more(rate)
    this.plan()
  }

  /** Send the current weights to the viewer and to the page. */
  show() {
    const { training, viewer } = this
    if (!training) return
    const names = Object.keys(viewer.engine.table.arrays)
    const values = Object.fromEntries(names.map(name => [name, training.engine.array(name).values.slice()]))
    viewer.engine.restore(values)
    page.postMessage({ kind: "weights", values })
  }

  /** @param {boolean} going */
  go(going) {
    const begins = going && !this.isGoing
    this.isGoing = going
    if (begins) this.steps()
  }

  /** Train some steps; then handle the messages that have arrived meanwhile. */
  steps() {
    const { training } = this
    if (!training || !this.isGoing) return
    /** @type {number[]} */
    const losses = []
    const told = { kind: "trained", images: 0, right: 0, losses, seconds: 0 }
    const began = performance.now()
    const epoch = training.epoch
    while (performance.now() - began < TOLD_EVERY && training.epoch === epoch) {
      const seen = training.step()
      told.images += seen.images
      told.right += seen.right
      losses.push(seen.loss)
    }
    told.seconds = (performance.now() - began) / 1000
    const isOver = training.isOver || !losses.every(Number.isFinite)
    if (training.epoch !== epoch || isOver || performance.now() > this.testAt) this.tested()
    page.postMessage({ ...told, epoch, done: training.done, isOver })
    if (isOver) this.isGoing = false
    setTimeout(() => this.steps())
  }

  /** Read the test images, and report which of them are misread. */
  tested() {
    const { training } = this
    const began = performance.now()
    this.show()
    if (!this.test || !training) return
    const { labels } = this.test
    const said = this.classes(training.read(this.test.images, this.viewer.view.outputs))
    const misread = said.flatMap((answer, number) => (answer === labels[number] ? [] : [{ number, answer }]))
    page.postMessage({ kind: "tested", epoch: training.epoch, misread, count: labels.length })
    const now = performance.now()
    this.testAt = now + Math.max(TESTED_EVERY, SHARE * (now - began))
  }

  /** The predicted class of each image.
   * @param {Float32Array} said
   */
  classes(said) {
    const { outputs } = this.viewer.view
    return Array.from({ length: said.length / outputs }, (_, k) => {
      const own = [...said.subarray(k * outputs, (k + 1) * outputs)]
      return own.length === 1 ? Number((own[0] ?? 0) >= 0.5) : likeliest(own)
    })
  }
}

/** @param {Module} module */
function opened({ code, table }) {
  return new WasmEngine(new WebAssembly.Module(code), table)
}

/** @type {Work | null} */
let work = null

/** @type {Record<string, (told: any) => void>} */
const HEARD = {
  open: told => {
    work = new Work(told)
    page.postMessage({ kind: "opened" })
  },
  look: ({ image, target }) => page.postMessage({ kind: "looked", image, ...work?.viewer.look(image, target) }),
  read: ({ about, images }) => page.postMessage({ kind: "read", about, outputs: work?.viewer.read(images) }),
  prepare: told => work?.prepare(told),
  add: told => work?.add(told),
  more: ({ rate }) => work?.more(rate),
  go: ({ going }) => work?.go(going),
}

page.onmessage = ({ data }) => {
  try {
    HEARD[data.kind]?.(data)
  } catch (error) {
    page.postMessage({ kind: "failed", why: error instanceof Error ? error.message : String(error) })
  }
}
