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

/** How many, always with six digits, so that nothing moves while it grows.
 * @param {number} count
 */
export const padded = count => count.toLocaleString(lang, { minimumIntegerDigits: 6 })

/** How many, in groups of three digits.
 * @param {number} count
 */
export const grouped = count => count.toLocaleString(lang)
