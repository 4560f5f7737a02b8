// What the page carries, out of its letters.

const Inflating = /** @type {any} */ (globalThis).DecompressionStream

export const canUnpack = Inflating !== undefined

/** Deflated bytes in letters.
 * @param {string} letters
 */
export async function bytes(letters) {
  const packed = Uint8Array.from(atob(letters), letter => letter.charCodeAt(0))
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
