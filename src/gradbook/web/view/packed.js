// Bytes compressed: deflated and inflated (RFC 1951), and as letters that an address may contain.

const WAY = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] // of the code lengths of code lengths
const LONGEST_CODE = 15

/** @param {Uint8Array} bytes */
export async function deflated(bytes) {
  const Packing = /** @type {any} */ (globalThis).CompressionStream
  const stream = new Blob([/** @type {any} */ (bytes)]).stream().pipeThrough(new Packing("deflate-raw"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** @param {Uint8Array} bytes */
export const lettersOf = bytes =>
  btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")

/** @param {string} letters */
export const bytesOf = letters =>
  Uint8Array.from(atob(letters.replaceAll("-", "+").replaceAll("_", "/")), letter => letter.charCodeAt(0))

/** Codes in the order of their lengths, and how many there are of each length.
 * @param {number[]} lengths of every symbol's code
 */
function codes(lengths) {
  const counts = Array(LONGEST_CODE + 1).fill(0)
  for (const length of lengths) counts[length] += 1
  counts[0] = 0
  return { counts, symbols: counts.flatMap((_, length) => lengths.flatMap((own, symbol) => (length && own === length ? [symbol] : []))) }
}

const FIXED = [Array.from({ length: 288 }, (_, k) => (k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8)), Array(30).fill(5)].map(codes)

/** The inflated bytes; a RangeError if that is impossible, or if they are more than `most`.
 * @param {Uint8Array} bytes @param {number} most
 */
export function inflated(bytes, most) {
  let at = 0 // bit
  const out = /** @type {number[]} */ ([])
  /** @returns {any} */
  const fail = () => {
    throw new RangeError("not deflated")
  }
  const bits = (/** @type {number} */ count) => {
    let found = 0
    for (let k = 0; k < count; k++, at++) {
      if (at >> 3 >= bytes.length) fail()
      found |= ((bytes[at >> 3] >> (at & 7)) & 1) << k
    }
    return found
  }
  const symbol = (/** @type {ReturnType<typeof codes>} */ { counts, symbols }) => {
    let [code, first, place] = [0, 0, 0]
    for (let length = 1; length <= LONGEST_CODE; length++) {
      if (at >> 3 >= bytes.length) fail()
      code |= (bytes[at >> 3] >> (at & 7)) & 1
      at += 1
      if (code - first < counts[length]) return symbols[place + code - first] ?? fail()
      place += counts[length]
      first = (first + counts[length]) << 1
      code <<= 1
    }
    return fail()
  }
  const ownCodes = () => {
    const [literals, distances, count] = [bits(5) + 257, bits(5) + 1, bits(4) + 4]
    const short = Array(19).fill(0)
    for (const k of WAY.slice(0, count)) short[k] = bits(3)
    const [way, lengths] = [codes(short), /** @type {number[]} */ ([])]
    while (lengths.length < literals + distances) {
      const found = symbol(way)
      if (found < 16) lengths.push(found)
      else {
        const times = found === 16 ? 3 + bits(2) : found === 17 ? 3 + bits(3) : 11 + bits(7)
        lengths.push(...Array(times).fill(found === 16 ? lengths[lengths.length - 1] ?? fail() : 0))
      }
    }
    return [lengths.slice(0, literals), lengths.slice(literals)].map(codes)
  }
  const copy = (/** @type {number} */ length, /** @type {number} */ back) => {
    if (back > out.length) fail()
    for (let k = 0; k < length; k++) out.push(out[out.length - back])
  }
  for (let isLast = 0; !isLast; ) {
    isLast = bits(1)
    const kind = bits(2)
    if (kind === 3) fail()
    if (!kind) {
      at = (at + 7) & ~7
      const length = bits(16)
      if ((bits(16) ^ 0xffff) !== length) fail()
      for (let k = 0; k < length; k++) out.push(bits(8))
    }
    const [literals, distances] = kind === 1 ? FIXED : kind ? ownCodes() : []
    for (let found = 0; literals && found !== 256; ) {
      if (out.length > most) fail()
      found = symbol(literals)
      if (found < 256) out.push(found)
      else if (found > 256) {
        const [k, more] = [found - 257, Math.max(0, ((found - 257) >> 2) - 1)]
        const length = k === 28 ? 258 : k < 8 ? k + 3 : 3 + ((4 + (k & 3)) << more) + bits(more)
        const way = symbol(distances)
        const far = Math.max(0, (way >> 1) - 1)
        copy(length, way < 4 ? way + 1 : 1 + ((2 + (way & 1)) << far) + bits(far))
      }
    }
    if (out.length > most) fail()
  }
  return Uint8Array.from(out)
}

/** The text that the letters contain, or an error.
 * @param {string} letters @param {number} [most] bytes
 */
export const unpacked = (letters, most = Infinity) => new TextDecoder("utf-8", { fatal: true }).decode(inflated(bytesOf(letters), most))
