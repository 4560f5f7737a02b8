import assert from "node:assert/strict"
import { test } from "node:test"

import { Random } from "../../src/gradbook/web/machine/chance.js"
import { copies } from "../../src/gradbook/web/picture/copies.js"

const SIDE = 28
const SHAPE = /** @type {[number, number, number]} */ ([1, SIDE, SIDE])
const bar = Uint8Array.from({ length: SIDE * SIDE }, (_, k) => (k % SIDE >= 12 && k % SIDE < 16 && k >= 4 * SIDE && k < 24 * SIDE ? 255 : 0))

const ink = image => image.reduce((sum, byte) => sum + byte, 0)
const centre = image => [k => k % SIDE, k => Math.floor(k / SIDE)].map(at => image.reduce((sum, byte, k) => sum + byte * at(k), 0) / ink(image))
const each = made => Array.from({ length: made.length / bar.length }, (_, k) => made.subarray(k * bar.length, (k + 1) * bar.length))

test("the first copy is the image, and no two are alike", () => {
  const made = each(copies(bar, SHAPE, 50, new Random(1)))
  assert.deepEqual(made[0], bar)
  assert.equal(new Set(made.map(image => image.join())).size, 50)
})

test("a copy is turned, stretched and moved by little", () => {
  for (const image of each(copies(bar, SHAPE, 200, new Random(2)))) {
    assert.ok(Math.abs(ink(image) / ink(bar) - 1) < 0.25)
    centre(image).forEach((at, k) => assert.ok(Math.abs(at - centre(bar)[k]) < 2.5))
  }
})

test("the channels of a copy are warped alike", () => {
  const [red, , blue] = [0, 1, 2].map(k => copies(Uint8Array.from([...bar, ...bar, ...bar]), [3, SIDE, SIDE], 2, new Random(3)).subarray((3 + k) * bar.length, (4 + k) * bar.length))
  assert.deepEqual(red, blue)
  assert.notDeepEqual(red, bar)
})

test("a seed means the same copies", () => {
  assert.deepEqual(copies(bar, SHAPE, 5, new Random(4)), copies(bar, SHAPE, 5, new Random(4)))
})
