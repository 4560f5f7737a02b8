// Python in this page: its parts, which are loaded once, and the worker that runs one task after the
// other. A worker that is stopped or dies is replaced.

import { bytes } from "../digits/link.js"
import { byId } from "../view/dom.js"

/** @typedef {{folder: string, parts: Record<string, [number, string]>, language: string}} Place */

const ORDER = ["pyodide", "wasm", "library", "gradbook"]

/** The worker of a task was stopped, or died. */
export class Stopped extends Error {}

export class Python {
  /** @param {Place} place @param {string} script of a worker, which follows Python's own */
  constructor(place, script) {
    this.place = place
    this.script = script
    this.address = ""
    /** @type {any} what every worker is given */
    this.given = null
    /** @type {Promise<Worker> | null} */
    this.worker = null
    /** @type {Promise<unknown>} */
    this.last = Promise.resolve()
    /** @type {((why: Error) => void) | null} */
    this.fail = null
    /** @type {(() => void) | null} starts it, if that is put off until it is needed */
    this.begin = null
  }

  /** Load the parts and start Python.
   * @param {(share: number) => void} tell gets the share that is loaded
   */
  async load(tell) {
    const { folder, language } = this.place
    const letters = folder ? await this.loadedFrom(folder, tell) : inside()
    tell(1)
    const [script, wasm, library, modules] = await Promise.all(letters.map(bytes))
    const code = await WebAssembly.compile(/** @type {BufferSource} */ (wasm))
    const own = new Blob([/** @type {BlobPart} */ (script), "\n", this.script], { type: "text/javascript" })
    this.address = URL.createObjectURL(own)
    this.given = { code, library, modules, language }
    this.worker = this.start()
    await this.worker
  }

  /** The parts that lie beside the page, one after the other.
   * @param {string} folder @param {(share: number) => void} tell @private
   */
  async loadedFrom(folder, tell) {
    const { parts } = this.place
    const whole = Object.values(parts).reduce((sum, [size]) => sum + size, 0)
    let here = 0
    for (const [name, [size, hash]] of Object.entries(parts)) {
      await loaded(`${encodeURIComponent(folder)}/${name}.js?${hash}`)
      here += size
      tell(here / whole)
    }
    const page = /** @type {any} */ (globalThis)
    const found = ORDER.map(name => page.parts[name])
    delete page.parts
    return found
  }

  /** A worker in which Python is ready. @private */
  async start() {
    const worker = new Worker(this.address)
    await this.told(worker, { kind: "open", given: [this.given] })
    return worker
  }

  /** Python's answer to a task, after all earlier ones; the first one may have to start it.
   * @param {string} kind @param {...any} given @returns {Promise<any>}
   */
  ask(kind, ...given) {
    this.begin?.()
    const turn = this.last.then(async () => {
      this.worker ??= this.start()
      return this.told(await this.worker, { kind, given })
    })
    this.last = turn.catch(() => null)
    return turn
  }

  /** @param {Worker} worker @param {object} task @private */
  told(worker, task) {
    return new Promise((done, fail) => {
      this.fail = why => {
        worker.terminate()
        this.worker = this.fail = null
        fail(why)
      }
      worker.onerror = event => {
        event.preventDefault()
        this.fail?.(new Stopped(event.message))
      }
      worker.onmessage = ({ data }) => (data.problem === undefined ? done(data.answer) : this.fail?.(new Stopped(data.problem)))
      worker.postMessage(task)
    }).finally(() => (this.fail = null))
  }

  /** End the current task. */
  stop() {
    this.fail?.(new Stopped())
  }
}

/** The parts inside the page, which needs them once. */
function inside() {
  return ORDER.map(name => {
    const part = byId(`part-${name}`)
    const letters = part.textContent
    part.remove()
    return letters
  })
}

/** A script beside the page, once it has run.
 * @param {string} address @returns {Promise<void>}
 */
function loaded(address) {
  return new Promise((done, fail) => {
    const script = document.createElement("script")
    script.src = address
    script.onload = () => done()
    script.onerror = () => fail(new Error(address))
    document.head.append(script)
  })
}
