import assert from "node:assert/strict"
import { test } from "node:test"

import { grouped, padded, readNumber, typed } from "../../src/gradbook/web/view/language.js"

const NUMBERS = {
  "1,5": 1.5, "1.5": 1.5, "−3,5": -3.5, "–3.5": -3.5, "-3.5": -3.5, "+2": 2, "1.234,5": 1234.5, "1,234.5": 1234.5, "1,234,567": 1234567,
  "1 000": 1000, "1\u202f000,5": 1000.5, "1e-3": 0.001, "1E3": 1000, "−2e−4": -0.0002, ".5": 0.5, ",5": 0.5, "5.": 5, "0,1": 0.1,
}
const NONE = ["", " ", "abc", "1,5,2", "1.2.3", "--1", "1-2", "½", "1e", "e3", "0x10", "Infinity", "NaN", ".", ",", "1/2"]

test("a number is read with any decimal sign and any minus", () => {
  for (const [text, value] of Object.entries(NUMBERS)) assert.equal(readNumber(text), value, text)
})

test("what isn't a number isn't read as one", () => {
  for (const text of NONE) assert.ok(Number.isNaN(readNumber(text)), text)
})

test("what a field shows is read as the same number, also with a decimal comma", () => {
  for (const value of [0, -0.5, 0.1, 1 / 3, -1e-9, 2.5e21, 123456.789, 5e-324]) {
    assert.equal(readNumber(typed(value)), value)
    assert.equal(readNumber(typed(value).replace(".", ",")), value)
  }
})

test("how many has no point in any language", () => {
  for (const count of [0, 11, 1234, 1234567]) assert.ok(![grouped(count), padded(count)].join("").includes("."))
})
