// Messages about a wrong text: the command's own templates, filled in as Python fills them.

const PLACE = /\{(\w+)(!r)?(?::([,g]))?\}/g
const UNPRINTABLE = /[\p{C}\p{Z}]/u
const LONGEST_WORD = 80 // of a word that is compared with others

/** @typedef {string | number | bigint} Said a whole number is a bigint, any other a number */

/** @param {string} template @param {Record<string, Said>} values */
export function filled(template, values) {
  return template.replace(PLACE, (_, name, quoted, form) => {
    const value = values[name] ?? ""
    if (form === ",") return value.toString().replace(/\B(?=(\d{3})+$)/g, ",")
    if (form === "g") return general(Number(value))
    return quoted && typeof value === "string" ? quotedWord(value) : typeof value === "number" ? digits(value) : String(value)
  })
}

/** A word between quotes, with invisible characters escaped.
 * @param {string} word
 */
function quotedWord(word) {
  const quote = word.includes("'") && !word.includes('"') ? '"' : "'"
  const inside = [...word].map(it => (it === quote || it === "\\" ? `\\${it}` : escaped(it))).join("")
  return quote + inside + quote
}

/** @param {string} character */
function escaped(character) {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character]
  if (short) return short
  const code = character.codePointAt(0) ?? 0
  const isSeen = character === " " || !(UNPRINTABLE.test(character) || (code >= 0xd800 && code < 0xe000))
  if (isSeen) return character
  const hex = code.toString(16)
  return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`
}

/** A message in one line, its middle left out if it is long.
 * @param {string} text @param {number} longest
 */
export function oneLine(text, longest) {
  return shortened([...shortened([...text], longest)].map(escaped), longest).join("")
}

/** @param {string[]} characters @param {number} longest */
function shortened(characters, longest) {
  if (characters.join("").length <= longest) return characters
  const [all, half] = [[...characters.join("")], Math.floor(longest / 2) - 2]
  return all.length <= longest ? all : [...all.slice(0, half), ..." … ", ...all.slice(-half)]
}

/** A number as Python writes it: 0.15, -1.0, 1e-05.
 * @param {number} value
 */
export function digits(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf"
  const [shown, power] = value.toExponential().split("e").map(String)
  const exponent = Number(power)
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    return `${shown}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`
  }
  const plain = exponent < 0 ? value.toFixed(Math.max(0, shown.replace(/[-.]/g, "").length - 1 - exponent)) : String(value)
  return plain.includes(".") ? plain : `${plain}.0`
}

/** Six digits at most.
 * @param {number} value
 */
export function general(value) {
  const exponent = value ? Number(value.toExponential(5).split("e")[1]) : 0
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)))
  const [shown] = value.toExponential(5).split("e")
  return `${Number(shown)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`
}

/** ": did you mean 'sigmoid'?" for the closest known word, "" where none is close.
 * @param {string} word @param {string[]} known @param {number} enough from 0 to 1
 */
export function didYouMean(word, known, enough) {
  const wanted = [...word].slice(0, LONGEST_WORD).join("").toLowerCase()
  const spellings = new Map(known.map(name => [name.toLowerCase(), name]))
  let [best, most] = ["", 0]
  for (const name of spellings.keys()) {
    const close = likeness(name, wanted)
    if (close >= enough && (close > most || (close === most && name > best))) [best, most] = [name, close]
  }
  return best ? `: did you mean '${spellings.get(best)}'?` : ""
}

/** How much two words share, after Ratcliff and Obershelp, as in Python's difflib.
 * @param {string} a @param {string} b
 */
const likeness = (a, b) => (a.length + b.length ? (2 * shared(a, b)) / (a.length + b.length) : 1)

/** How many letters two words share: the longest common piece, then those to its left and right.
 * @param {string} a @param {string} b @returns {number}
 */
function shared(a, b) {
  let [size, atA, atB] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      let k = 0
      while (i + k < a.length && j + k < b.length && a[i + k] === b[j + k]) k++
      if (k > size) [size, atA, atB] = [k, i, j]
    }
  }
  if (!size) return 0
  return size + shared(a.slice(0, atA), b.slice(0, atB)) + shared(a.slice(atA + size), b.slice(atB + size))
}
