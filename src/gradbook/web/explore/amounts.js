// Numbers as their cells show them: percentages, amounts of money, dates; and how they are typed.

import { grouped, mark, numeral, readNumber, trCount, typed } from "../view/language.js"

const DAY = 86_400_000 // milliseconds
const FIRST_DAY = Date.UTC(1899, 11, 30) // of a workbook
const [LARGE, HUGE, DIGITS, MORE] = [1e4, 1e15, 12, 4]
const dates = new Intl.DateTimeFormat(globalThis.document?.documentElement.lang || "en", { dateStyle: "medium", timeZone: "UTC" })

/** @typedef {{decimals: number, is_grouped: boolean, is_percent: boolean, is_date: boolean, before: string, after: string, isFree?: boolean}} Form `isFree`: whole numbers are shown without decimals */

/** Without noise in its last digits.
 * @param {number} value
 */
export const tidied = value => Number(value.toPrecision(DIGITS))

/** How many decimals show so many digits of a number that is less than 1, or else two decimals.
 * @param {number} size @param {number} digits
 */
const decimalsOf = (size, digits) => (size > 0 && size < 1 ? Math.min(DIGITS, digits - 1 - Math.floor(Math.log10(size))) : 2)

/** A form whose decimals suit a value, if it has none of its own.
 * @param {Form} form @param {number} value @returns {Form}
 */
export function settled(form, value) {
  if (form.decimals >= 0) return form
  const size = Math.abs(value) * (form.is_percent ? 100 : 1)
  const decimals = size >= LARGE * 10 ? 0 : size >= 100 || form.is_percent ? 1 : size >= 0.1 ? 2 : decimalsOf(size, 2)
  return { ...form, decimals, is_grouped: size >= LARGE, isFree: !form.is_percent }
}

/** @param {number} value @param {Form} form */
export function shown(value, form) {
  if (!Number.isFinite(value)) return mark("no number")
  if (form.is_date) return dates.format(FIRST_DAY + value * DAY)
  const number = digits(value * (form.is_percent ? 100 : 1), form.isFree && Number.isInteger(value) ? 0 : form.decimals, form.is_grouped)
  if (form.is_percent) return number + numeral(" %")
  const words = [form.before, number, form.after].filter(Boolean)
  return words.join(/[\w.]$/.test(form.before) || form.after ? "\u00a0" : "")
}

/** From one number to another in so many letters: without their unit where that takes too many, without decimals, without spaces.
 * @param {number} first @param {number} last @param {Form} form @param {number} most
 */
export function between(first, last, form, most) {
  const bareForm = { ...form, before: "", after: "" }
  const pairs = [form, bareForm, { ...bareForm, decimals: 0 }].map(it => [shown(first, it), shown(last, it)])
  const texts = pairs.map(([from, to]) => (from === to ? from : `${from} … ${to}`))
  return texts.find(text => text.length <= most) ?? texts[2].replace(" … ", "…")
}

/** @param {number} value @param {number} decimals @param {boolean} isGrouped */
function digits(value, decimals, isGrouped) {
  if (Math.abs(value) >= HUGE) return numeral(value.toExponential(3).replace("e+", "e")).replaceAll("-", "−")
  const [units, after] = Math.abs(value).toFixed(decimals).split(".")
  const sign = value < 0 && Number(value.toFixed(decimals)) ? "−" : ""
  return sign + (isGrouped || units.length > 4 ? grouped(Number(units)) : units) + (after ? numeral(`.${after}`) : "")
}

/** How much something changes: with two decimals or, below 1, with so many digits; shares in points.
 * @param {number} change @param {Form} form @param {number} [few] digits
 */
export function changed(change, form, few = 2) {
  if (!Number.isFinite(change)) return "–"
  const size = Math.abs(change) * (form.is_percent ? 100 : 1)
  const decimals = form.isFree && Number.isInteger(size) ? 0 : decimalsOf(size, few)
  return unit(size, digits(size, size >= LARGE ? 0 : decimals, size >= LARGE), form)
}

/** The same with its sign.
 * @param {number} change @param {Form} form @param {number} [few]
 */
export const signed = (change, form, few) => (Number.isNaN(change) ? "" : change < 0 ? "−" : change > 0 ? "+" : "") + changed(change, form, few)

/** A step: 0.1 points, 1.
 * @param {number} step @param {Form} form
 */
export function stepped(step, form) {
  const size = tidied(step * (form.is_percent ? 100 : 1))
  return unit(size, size >= LARGE ? grouped(size) : typed(size), form)
}

/** @param {number} size @param {string} number @param {Form} form */
function unit(size, number, form) {
  if (form.is_percent) return trCount("{number} point", "{number} points", size, { number })
  return form.is_date ? trCount("{number} day", "{number} days", size, { number }) : number
}

/** A value with the decimals that are shown.
 * @param {number} value @param {Form} form
 */
export const rounded = (value, form) => Number(value.toFixed(Math.min(DIGITS, form.decimals + (form.is_percent ? 2 : 0))))

/** The form with all decimals of a number that somebody typed.
 * @param {number} value @param {Form} form @returns {Form}
 */
export function exact(value, form) {
  const [, after = ""] = String(tidied(value * (form.is_percent ? 100 : 1))).split(".")
  return { ...form, decimals: Math.max(form.decimals, Math.min(after.length, form.decimals + MORE)) }
}

/** What a field shows while somebody types there.
 * @param {number} value @param {Form} form
 */
export const bare = (value, form) => (form.is_date ? new Date(FIRST_DAY + value * DAY).toISOString().slice(0, 10) : typed(tidied(value * (form.is_percent ? 100 : 1))))

/** The number that somebody typed, with or without its unit; NaN if it isn't one.
 * @param {string} text @param {Form} form
 */
export function read(text, form) {
  if (form.is_date && /^\d{4}-\d\d?-\d\d?$/.test(text.trim())) return (Date.parse(text.trim()) - FIRST_DAY) / DAY
  const plain = [form.before, form.after, "%"].reduce((left, word) => (word ? left.replace(word, "") : left), text)
  return readNumber(plain) / (form.is_percent ? 100 : 1)
}
