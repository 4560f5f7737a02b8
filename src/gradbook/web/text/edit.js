// Changes of a text by its statements; all other lines, and their remarks, stay as they are.

import { begins } from "./reader.js"
import { statements } from "./statement.js"

/**
 * @typedef {import("./statement.js").Statement} Statement
 * @typedef {import("./statement.js").Grammar} Grammar
 * @typedef {{statement: Statement, from: number, to: number, row: number, isAlone: boolean, isLayer: boolean}} Span
 *   where a statement's words are in the text, in which row, and whether they are alone in it
 */

const ENDS = /(\r\n|\r|\n)/ // of rows

/** The position of each statement.
 * @param {string} text @param {Grammar} grammar @returns {Span[]}
 */
export function spans(text, grammar) {
  const parts = text.split(ENDS)
  const starts = [0]
  for (let k = 0; k < parts.length - 1; k += 2) starts.push(starts[k / 2] + parts[k].length + parts[k + 1].length)
  const all = [...statements(text, grammar)]
  return all.map(statement => {
    const { line, column, words } = statement
    const row = parts[2 * (line - 1)]
    const mark = row.startsWith("\ufeff") ? 1 : 0 // which does not count as a column
    const last = words[words.length - 1]
    const [from, to] = [words[0].start, last.start + [...last.word].length].map(place =>
      starts[line - 1] + [...row].slice(0, mark + column - 1 + place).join("").length)
    const word = begins(statement)
    return {
      statement, from, to, row: line - 1, isLayer: word === "again" || Object.hasOwn(grammar.forms, word),
      isAlone: all.filter(it => it.line === line).length === 1,
    }
  })
}

/** @param {string} text @param {Span} span @param {string} words */
export const reworded = (text, { from, to }, words) => text.slice(0, from) + words + text.slice(to)

/** The text with another word in a statement.
 * @param {string} text @param {Span} span @param {number} place @param {string} word
 */
export function withWord(text, span, place, word) {
  const { words } = span.statement
  const at = (/** @type {number} */ k) => words.map(it => it.word).slice(0, k).join(" ").length + (k ? 1 : 0)
  const said = text.slice(span.from, span.to)
  const isPlain = said === words.map(it => it.word).join(" ") // with one space between words
  if (!isPlain) return reworded(text, span, words.map((it, k) => (k === place ? word : it.word)).join(" "))
  const from = span.from + at(place)
  return text.slice(0, from) + word + text.slice(from + words[place].word.length)
}

/** The text with a statement after another: in a new row, unless that one shares its row.
 * @param {string} text @param {Span} span @param {string} words
 */
export function inserted(text, { from, to, row, isAlone }, words) {
  if (!isAlone) return `${text.slice(0, to)}; ${words}${text.slice(to)}`
  const parts = text.split(ENDS)
  const margin = text.slice(0, from).match(/[ \t]*$/)?.[0] ?? ""
  parts[2 * row] += `\n${margin}${words}`
  return parts.join("")
}

/** The text without a statement; a remark in its row stays.
 * @param {string} text @param {Span} span @param {Span[]} all of the text
 */
export function removed(text, span, all) {
  const { from, to, row, isAlone } = span
  if (!isAlone) {
    const others = all.filter(it => it.row === row)
    const k = others.indexOf(span)
    return k ? text.slice(0, others[k - 1].to) + text.slice(to) : text.slice(0, from) + text.slice(others[1].from)
  }
  const parts = text.split(ENDS)
  if (parts[2 * row].includes("#")) return text.slice(0, from) + text.slice(to).trimStart()
  parts.splice(row ? 2 * row - 1 : 0, 2)
  return parts.join("")
}

/** The text with another setting: in its statement, or in a new one at the end.
 * @param {string} text @param {string} word @param {string} words @param {Grammar} grammar
 */
export function withSetting(text, word, words, grammar) {
  const found = spans(text, grammar).find(it => begins(it.statement) === word)
  return found ? reworded(text, found, `${word} ${words}`) : `${text.trimEnd()}\n${word} ${words}\n`
}

/** @param {Statement} statement */
export const saysRate = statement => begins(statement) === "rate"

/** The text with another rate, in its statement or in a new line.
 * @param {string} text in order @param {string} rate @param {Grammar} grammar
 */
export function withRate(text, rate, grammar) {
  const found = spans(text, grammar).find(it => saysRate(it.statement))
  return found ? withWord(text, found, found.statement.words.length - 1, rate) : `${text.trimEnd()}\nrate ${rate}\n`
}

/** A statement with as few words as it needs; `resort` chooses among usual values of its fields.
 * @param {import("./forms.js").Form} form @param {Grammar} grammar @param {number} resort
 */
export function usualWords({ words, fields = [] }, grammar, resort) {
  const needed = fields.flatMap(place => (Array.isArray(place) ? [] : [grammar.fields[place]]))
    .filter(({ usual, kind, keyword }) => usual === undefined && kind in USUAL && !keyword)
  const usual = (/** @type {import("./forms.js").Field} */ { kind, always_both: isBoth, row }) =>
    USUAL[row ? "whole" : isBoth ? "window" : kind][resort]
  return [words, ...needed.map(usual)].join(" ")
}

export const RESORTS = 3
const USUAL = /** @type {Record<string, string[]>} */ ({
  whole: ["4", "2", "1"], wholes: ["2", "1", "1"], window: ["3x3", "2x2", "1x1"], both: ["2", "1", "1"], number: ["0.5", "0.1", "1"],
  places: ["1-2", "1", "1"], sizes: ["1x2x2", "2x1x2", "1x1x1"],
})
