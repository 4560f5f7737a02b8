// Unpacks the page's data, and talks to the worker: sends messages to it, and passes its messages
// on to listeners.

/** @typedef {(told: any) => void} Listener */

export class Link {
  /** @param {string} script */
  constructor(script) {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
    this.worker = new Worker(address)
    /** @type {Record<string, Listener[]>} */
    this.listeners = {}
    this.worker.onmessage = ({ data }) => this.listeners[data.kind]?.forEach(listener => listener(data))
    this.worker.onerror = event => this.listeners.failed?.forEach(listener => listener({ why: event.message }))
  }

  /** @param {string} kind @param {Listener} listener */
  on(kind, listener) {
    ;(this.listeners[kind] ??= []).push(listener)
  }

  /** @param {string} kind @param {Record<string, any>} [told] */
  tell(kind, told = {}) {
    this.worker.postMessage({ kind, ...told })
  }
}

const Inflating = /** @type {any} */ (globalThis).DecompressionStream

export const canUnpack = Inflating !== undefined

/** The bytes of deflated data in base64.
 * @param {string} letters
 */
export async function bytes(letters) {
  const read = atob(letters)
  const packed = new Uint8Array(read.length)
  for (let k = 0; k < read.length; k++) packed[k] = read.charCodeAt(k) // there may be millions
  const stream = new Blob([packed]).stream().pipeThrough(new Inflating("deflate"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** @param {string} letters */
export async function floats(letters) {
  return new Float32Array((await bytes(letters)).buffer)
}

/** Arrays by their names.
 * @param {Record<string, string>} packed
 * @returns {Promise<Record<string, Float32Array>>}
 */
export async function arrays(packed) {
  const all = Object.entries(packed).map(async ([name, letters]) => [name, await floats(letters)])
  return Object.fromEntries(await Promise.all(all))
}

/** @param {{code: string, table: any}} module */
export async function moduleOf({ code, table }) {
  return { code: (await bytes(code)).buffer, table }
}
