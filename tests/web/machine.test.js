import assert from "node:assert/strict"
import { test } from "node:test"

import { Machine } from "../../src/gradbook/web/machine/machine.js"
import { Training } from "../../src/gradbook/web/machine/training.js"

// (x·w − 1)², over samples: x of every sample, w of the step
const LINES = [
  ["leaf"], ["leaf"], ["repeat", 1], ["multiply", 0, 2], ["constant", 1], ["subtract", 3, 4],
  ["constant", 2], ["power", 5, 6], ["total", 7],
]

test("values of every sample and of the step go together", () => {
  const machine = new Machine(LINES, [0, 2, 3, 5, 7], 3)
  machine.fill(1, 2)
  ;[1, 2, 3].forEach((x, k) => machine.put(0, k, x))
  machine.run(machine.order([8]))
  assert.deepEqual([0, 1, 2].map(k => machine.at(7, k)), [1, 9, 25])
  assert.equal(machine.at(8), 35)
})

test("only what is needed is computed, and nothing that is known", () => {
  const machine = new Machine(LINES, [0, 2, 3, 5, 7], 3)
  assert.deepEqual(machine.order([5]), [2, 3, 5])
  assert.deepEqual(machine.order([7], [3]), [5, 7])
})

// E = ½(w − 3)², w ← w − η(w − 3)
const PARABOLA = {
  lines: [
    ["leaf"], ["leaf"], ["constant", 3], ["subtract", 0, 2], ["multiply", 1, 3], ["subtract", 0, 4],
    ["constant", 2], ["power", 3, 6], ["constant", 0.5], ["multiply", 8, 7],
  ],
  each: [], inputs: [], targets: [], outputs: [], weights: [0], trained: [[0, 3]],
  state: [[0, 5, 1]], rate: 1, count: null, loss: 9, least: 2, startRate: 0.5, epochs: 2, samples: [[[], []]], most: 1, seed: 0, masks: [],
}

test("a step takes all values from the epoch before it", () => {
  const training = new Training(PARABOLA, [[[], []]], [1])
  training.rate = 0.5
  training.evaluate()
  const found = [training.loss]
  for (let k = 0; k < 3; k++) {
    training.step()
    found.push(training.loss)
  }
  assert.deepEqual(found, [2, 0.5, 0.125, 0.03125])
  assert.equal(training.epoch, 4)
})

test("a nudge measures a slope and leaves no trace", () => {
  const training = new Training(PARABOLA, [[[], []]], [1])
  training.evaluate()
  assert.equal(training.measured(0, 0.5).slope, -2)
  assert.deepEqual([training.state[0], training.loss], [1, 2])
})
