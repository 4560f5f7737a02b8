// The page's messages in the reader's language: when the page is written, each message of `mark`, `tr`
// and `trCount` is replaced by its translation.

/** @typedef {Record<string, string | number>} Parts */

const page = globalThis.document?.documentElement
const lang = page?.lang || "en"
const plurals = new Intl.PluralRules(lang)

/** A message in a table.
 * @param {string} message
 */
export const mark = message => message

/** The message, each {name} replaced by its part.
 * @param {string} message @param {Parts} parts
 */
export const tr = (message, parts) => message.replace(/\{(\w+)\}/g, (_, name) => String(parts[name]))

/** The message, with elements among its parts.
 * @param {string} message @param {Record<string, Node | string>} parts
 */
export const pieces = (message, parts) => message.split(/\{(\w+)\}/).map((it, k) => (k % 2 ? parts[it] : it))

/** The message for so many.
 * @param {string} single @param {string} several @param {number} count @param {Parts} [parts]
 */
export const trCount = (single, several, count, parts) => {
  const message = plurals.select(count) === "one" ? single : several
  return tr(message, { count, ...parts })
}

/** A number as it was written in English, with the language's decimal sign and its %.
 * @param {string} written
 */
export const numeral = written => written.replace(".", page?.dataset.decimal || ".").replace(" %", page?.dataset.percent ?? " %")

/** How many, in groups of three digits, which a point doesn't divide: elsewhere it is a decimal sign.
 * @param {number} count @param {Intl.NumberFormatOptions} [options]
 */
export const grouped = (count, options) => count.toLocaleString(lang, options).replaceAll(".", "\u202f")

/** How many, always with six digits, so that nothing moves while it grows.
 * @param {number} count
 */
export const padded = count => grouped(count, { minimumIntegerDigits: 6 })

/** A number as a field shows it: every digit that it has, and at least so many decimals.
 * @param {number} value @param {number} [decimals]
 */
export const typed = (value, decimals = 0) =>
  numeral((Number(value.toFixed(decimals)) === value ? value.toFixed(decimals) : String(value)).replaceAll("-", "−"))

/** The number that a reader typed, with any decimal sign and any minus; NaN if it isn't one. Of two
 * signs the last is the decimal sign; one sign several times divides groups of three digits.
 * @param {string} text
 */
export function readNumber(text) {
  const bare = text.replace(/\s/g, "").replace(/[−–]/g, "-")
  const signs = bare.match(/[.,]/g) ?? []
  const isDivided = signs.length > 1 && signs.every(it => it === signs[0])
  if (isDivided && !/^[+-]?\d{1,3}([.,]\d{3})+$/.test(bare)) return NaN
  const last = isDivided ? bare.length : Math.max(bare.lastIndexOf("."), bare.lastIndexOf(","))
  const plain = `${bare.slice(0, last).replace(/[.,]/g, "")}${bare.slice(last).replace(",", ".")}`
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN
}
