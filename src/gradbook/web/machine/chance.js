// The numbers that Python's Random draws from a seed, so that a seed means the same on a page.

const [SIZE, SHIFT] = [624, 397] // of the Mersenne twister (Matsumoto and Nishimura, 1998)
const WORD = 0xffffffffn

export class Random {
  /** @param {number | string} seed */
  constructor(seed) {
    this.state = new Uint32Array(SIZE)
    this.place = SIZE
    this.begin(typeof seed === "string" ? ofWords(seed) : [seed])
  }

  /** @param {number[]} key @private */
  begin(key) {
    const { state } = this
    state[0] = 19650218
    for (let k = 1; k < SIZE; k++) state[k] = Math.imul(1812433253, before(state, k)) + k
    let [i, j] = [1, 0]
    const goOn = () => {
      i += 1
      if (i >= SIZE) {
        state[0] = state[SIZE - 1]
        i = 1
      }
    }
    for (let k = Math.max(SIZE, key.length); k; k--) {
      state[i] = (state[i] ^ Math.imul(before(state, i), 1664525)) + key[j] + j
      j = (j + 1) % key.length
      goOn()
    }
    for (let k = SIZE - 1; k; k--) {
      state[i] = (state[i] ^ Math.imul(before(state, i), 1566083941)) - i
      goOn()
    }
    state[0] = 0x80000000
  }

  /** 32 bits. @private */
  bits() {
    if (this.place === SIZE) this.renew()
    let y = this.state[this.place++]
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }

  /** @private */
  renew() {
    const { state } = this
    for (let k = 0; k < SIZE; k++) {
      const y = (state[k] & 0x80000000) | (state[(k + 1) % SIZE] & 0x7fffffff)
      state[k] = state[(k + SHIFT) % SIZE] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
    }
    this.place = 0
  }

  /** At least 0 and below 1. */
  random() {
    return ((this.bits() >>> 5) * 67108864 + (this.bits() >>> 6)) / 9007199254740992
  }

  /** @param {number} low @param {number} high */
  uniform(low, high) {
    return low + (high - low) * this.random()
  }

  /** A whole number below this one.
   * @param {number} most
   */
  below(most) {
    const width = most.toString(2).length
    for (;;) {
      const found = this.bits() >>> (32 - width)
      if (found < most) return found
    }
  }
}

/** @param {Uint32Array} state @param {number} k */
const before = (state, k) => state[k - 1] ^ (state[k - 1] >>> 30)

/** A word as numbers of 32 bits: its letters and their digest, as one large number.
 * @param {string} word
 */
function ofWords(word) {
  const letters = [...new TextEncoder().encode(word)]
  let whole = [...letters, ...sha512(letters)].reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const key = []
  for (; whole; whole >>= 32n) key.push(Number(whole & WORD))
  return key
}

// SHA-512, which Python seeds with (FIPS 180-4) -----------------------------------

const LONG = (1n << 64n) - 1n
const PRIMES = Array.from({ length: 410 }, (_, k) => k).filter(k => k > 1 && ![2, 3, 5, 7, 11, 13, 17, 19].some(p => p < k && k % p === 0))

/** The first 64 bits after the point of a prime's root.
 * @param {number} prime @param {bigint} power
 */
function fraction(prime, power) {
  const wanted = BigInt(prime) << (64n * power)
  let [low, high] = [0n, 1n << 70n]
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (middle ** power <= wanted) low = middle
    else high = middle
  }
  return low & LONG
}

/** @param {bigint} x @param {bigint} n */
const turned = (x, n) => ((x >> n) | (x << (64n - n))) & LONG

/** @param {number[]} letters */
function sha512(letters) {
  const rounds = PRIMES.slice(0, 80).map(prime => fraction(prime, 3n))
  let hash = PRIMES.slice(0, 8).map(prime => fraction(prime, 2n))
  const bytes = [...letters, 0x80]
  while (bytes.length % 128 !== 120) bytes.push(0)
  for (let k = 56; k >= 0; k -= 8) bytes.push(Number((BigInt(letters.length * 8) >> BigInt(k)) & 255n))
  for (let at = 0; at < bytes.length; at += 128) hash = mixed(hash, bytes.slice(at, at + 128), rounds)
  return hash.flatMap(word => Array.from({ length: 8 }, (_, k) => Number((word >> BigInt(56 - 8 * k)) & 255n)))
}

/** @param {bigint[]} hash @param {number[]} block @param {bigint[]} rounds */
function mixed(hash, block, rounds) {
  const words = Array.from({ length: 16 }, (_, k) => block.slice(8 * k, 8 * k + 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n))
  for (let k = 16; k < 80; k++) {
    const [x, y] = [words[k - 15], words[k - 2]]
    const near = turned(x, 1n) ^ turned(x, 8n) ^ (x >> 7n)
    const far = turned(y, 19n) ^ turned(y, 61n) ^ (y >> 6n)
    words.push((words[k - 16] + near + words[k - 7] + far) & LONG)
  }
  let [a, b, c, d, e, f, g, h] = hash
  rounds.forEach((constant, k) => {
    const one = h + (turned(e, 14n) ^ turned(e, 18n) ^ turned(e, 41n)) + ((e & f) ^ (~e & LONG & g)) + constant + words[k]
    const two = (turned(a, 28n) ^ turned(a, 34n) ^ turned(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c))
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + one) & LONG, c, b, a, (one + two) & LONG]
  })
  return [a, b, c, d, e, f, g, h].map((word, k) => (word + hash[k]) & LONG)
}
