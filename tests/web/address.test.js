import assert from "node:assert/strict"
import { test } from "node:test"
import { deflateRawSync } from "node:zlib"

import { fragment, pack, unpack } from "../../src/gradbook/web/view/address.js"
import { bytesOf, inflated, lettersOf, unpacked } from "../../src/gradbook/web/view/packed.js"
import { PHRASES } from "../../src/gradbook/web/view/phrases.js"

const ODD = [0.1 + 0.2, -0, 0, 5e-324, Number.MAX_VALUE, NaN, Infinity, -Infinity, -1 / 3, 1e21]
const STATE = {
  text: 'input 2 # η, "quoted"\ndense 1\n', rate: 0.1, batch: 10, epoch: 71, start: ODD, state: [...ODD].reverse(),
  samples: [[[0.1, -0], [1]], [[1 / 3, 2], [0]]], tests: [[[0.5, 1], [1]]], sample: 1, chosen: "w1", look: "numbers", isMean: true,
  fields: { sets: "circle", "data-seed": "3" },
}

/** A random number generator of one's own, so that a failure comes again. */
function chance(seed) {
  return () => {
    seed = (seed * 1664525 + 1013904223) >>> 0
    return seed / 2 ** 32
  }
}

test("a state comes back from its letters, every number bit for bit", async () => {
  const letters = await pack(STATE)
  assert.match(letters, /^[\w-]+$/)
  const found = unpack(letters)
  assert.deepEqual(found, STATE)
  for (const key of ["start", "state"]) found[key].forEach((value, k) => assert.ok(Object.is(value, STATE[key][k])))
  assert.ok(Object.is(found.samples[0][0][1], -0))
})

test("a link of before the fields were kept is read", async () => {
  const older = { ...STATE, batch: undefined, tests: undefined, look: undefined, isMean: undefined, fields: undefined } // which JSON leaves out
  assert.deepEqual(unpack(await pack(older)), { ...STATE, batch: 0, tests: [], look: "", isMean: false, fields: {} })
})

test("random doubles come back bit for bit", async () => {
  const random = chance(1)
  const bits = Uint32Array.from({ length: 2000 }, () => random() * 2 ** 32)
  const state = [...new Float64Array(bits.buffer)]
  const found = unpack(await pack({ ...STATE, state }))
  found.state.forEach((value, k) => assert.ok(Object.is(value, state[k])))
})

test("what was deflated elsewhere is inflated as it was, stored, with fixed and with own codes", () => {
  const random = chance(2)
  for (let k = 0; k < 60; k++) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(3000 * random()) }, () => Math.floor(256 * random() ** (k % 9))))
    for (const options of [{ level: 0 }, { level: 9 }, { strategy: 2 }, { strategy: 4 }]) {
      assert.deepEqual(Buffer.from(inflated(deflateRawSync(bytes, options), 3000)), bytes)
    }
  }
})

const sealed = value => lettersOf(deflateRawSync(Buffer.from(typeof value === "string" ? value : JSON.stringify(value))))

test("hostile letters are refused in a line, at once", async () => {
  const random = chance(3)
  const good = await pack(STATE)
  const refused = letters => assert.throws(() => unpack(letters), error => [PHRASES.broken, PHRASES.tooLong].includes(error.message))
  const bombs = [Buffer.alloc(2 ** 26), Buffer.from("[".repeat(2 ** 24))].map(it => lettersOf(deflateRawSync(it)))
  const begun = performance.now()
  for (const letters of [...bombs, "A".repeat(2 ** 20), "%00", "<script>", "", "=", "n=n"]) refused(letters)
  for (const value of [null, 0, [], {}, "", "[", { ...STATE, text: 5 }, { ...STATE, rate: "Infinity" }, { ...STATE, epoch: 0.5 }, { ...STATE, epoch: 1e12 },
    { ...STATE, sample: 2 }, { ...STATE, sample: -1 }, { ...STATE, start: { length: 3 } }, { ...STATE, state: ["1"] }, { ...STATE, samples: [[[1], [1], [1]]] },
    { ...STATE, samples: [[1, 2]] }, { ...STATE, state: null }, { ...STATE, chosen: ["w1"] }, { ...STATE, tests: 3 }, { ...STATE, batch: -1 }, { ...STATE, batch: 0.5 }, { ...STATE, batch: "Infinity" },
    { ...STATE, look: "maps" }, { ...STATE, fields: null }, { ...STATE, fields: { sets: 1 } }]) refused(sealed(value))
  for (let k = 0; k < 500; k++) {
    const bytes = bytesOf(good)
    for (let j = 0; j <= k % 5; j++) bytes[Math.floor(random() * bytes.length)] = 256 * random()
    try {
      const found = unpack(lettersOf(bytes))
      assert.ok(typeof found.text === "string" && found.state.every(it => typeof it === "number"))
    } catch (error) {
      assert.ok([PHRASES.broken, PHRASES.tooLong].includes(error.message), error.message)
    }
  }
  assert.ok(performance.now() - begun < 20_000)
})

test("a fragment of something else is nobody's state", () => {
  assert.deepEqual(fragment("#network"), { letters: null, form: undefined })
  assert.deepEqual(fragment("#embed&n=ab-_"), { letters: "ab-_", form: "embed" })
  assert.equal(unpacked(sealed('"η"')), '"η"')
})
