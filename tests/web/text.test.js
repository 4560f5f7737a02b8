import assert from "node:assert/strict"
import { test } from "node:test"

import { exact, short } from "../../src/gradbook/web/view/dom.js"
import { readRows } from "../../src/gradbook/web/view/samples.js"

test("a number in a circle has as many digits as fit", () => {
  const shown = [0.15, -12.3456, -1234.56, -12345.6, 1.6e-7, -1.6e-12, -1.6e120, 0, NaN, -Infinity].map(short)
  assert.deepEqual(shown, [
    "0.1500", "−12.35", "−1234.6", "−12346", "1.6e−7", "−2e−12", "−2e120", "0.0000", "NaN", "−∞",
  ])
  const edges = [9.99995, 99.995, 999.95, 9999.5, 99999.5, 9.5e9, 9.5e-10, 0.00095, 9.95e9, 9.95e-10]
  for (const edge of edges) {
    for (const value of [edge, edge * (1 - 1e-9), edge * (1 + 1e-9)]) {
      assert.ok(short(-value).length <= 7, `${value}: ${short(-value)}`)
    }
  }
})

test("a number of a derivation has seven digits, or fewer where it has no more", () => {
  const shown = [0.4, 1, 0.012880816, -2 / 3, 1e-9].map(exact)
  assert.deepEqual(shown, ["0.4", "1", "0.01288082", "−0.6666667", "1.000000e−9"])
})

test("a table is read with commas, semicolons or tabs, with names or without", () => {
  const rows = [[[1, 2], [3]], [[4, 5], [6]]]
  for (const text of ["1,2,3\n4,5,6", "a;b;c\r\n1;2;3\r\n4;5;6\r\n", "1\t2\t3\n\n4\t5\t6\n"]) {
    assert.deepEqual(readRows(text, 2, 1, 10), rows)
  }
})

test("a table that won't do is refused with its place", () => {
  const refused = [
    ["", "there is no row of numbers in it"],
    ["1,2,3\n4,5", "line 2 has 2 columns, not 3: inputs, then targets"],
    ["1,2,3\n4,,6", "line 2, column 2: '' isn't a number"],
    ["1,2,3\n4,Infinity,6", "line 2, column 2: 'Infinity' isn't a number"],
    ["1,2,3\n".repeat(11), "11 rows: this page takes at most 10"],
  ]
  for (const [text, message] of refused) assert.throws(() => readRows(text, 2, 1, 10), { message })
})
