// A worker in which Python checks books; Pyodide's script precedes this one. It loads nothing: it
// is given what it needs, and every request is refused.

const MOST = 24_576 // pages of 64 KiB: a book that needs more ends the worker, not the page
const NOWHERE = "https://gradbook.invalid/"

/** @type {any} */
const page = self
/** @type {any} */
let python = null
/** @type {any} */
let checker = null
let language = "en"

/** @param {{code: WebAssembly.Module, library: Uint8Array, modules: Uint8Array, language: string}} given */
async function begin(given) {
  const { grow } = WebAssembly.Memory.prototype
  WebAssembly.Memory.prototype.grow = function (/** @type {number} */ pages) {
    if (this.buffer.byteLength / 65_536 + pages > MOST) throw new RangeError("no more memory")
    return grow.call(this, pages)
  }
  page.fetch = async (/** @type {any} */ address) => new Response(String(address).endsWith(".zip") ? /** @type {any} */ (given.library) : null)
  WebAssembly.instantiateStreaming = async (/** @type {any} */ _, /** @type {any} */ imports) => {
    return { module: given.code, instance: await WebAssembly.instantiate(given.code, imports) }
  }
  python = await page.loadPyodide({
    indexURL: NOWHERE,
    lockFileContents: page.pyodideLock,
    createPyodideModule: page._createPyodideModule,
  })
  python.unpackArchive(given.modules, "zip", { extractDir: "/modules" })
  python.pyimport("sys").path.append("/modules")
  python.pyimport("gradbook.arrays").stand_in()
  checker = python.pyimport("gradbook.serve.in_browser")
  language = given.language
}

/** The checker's answer, as plain values of JavaScript.
 * @param {string} kind @param {any[]} given
 */
function answer(kind, given) {
  const found = checker[kind](language, ...given.map(it => (typeof it === "object" ? python.toPy(it) : it)))
  if (typeof found !== "object") return found
  const plain = found.toJs()
  found.destroy()
  return plain
}

page.onmessage = async (/** @type {MessageEvent} */ { data: { kind, given } }) => {
  try {
    page.postMessage({ answer: kind === "open" ? await begin(given[0]) : answer(kind, given) })
  } catch (error) {
    page.postMessage({ problem: String(error) })
  }
}
