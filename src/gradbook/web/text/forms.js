// Layers as statements: how each field of a card is read from a line, checked and written, as in
// `gradbook/layers/fields.py`; the grammar lists the fields.

import { padWords, short } from "./window.js"
import { didYouMean, digits, filled } from "./wording.js"

/**
 * @typedef {import("./statement.js").Statement} Statement
 * @typedef {import("./statement.js").Grammar} Grammar
 * @typedef {{card: string, [field: string]: any}} Layer a card's name and its fields
 * @typedef {{kind: string, name: string, [part: string]: any}} Field
 * @typedef {{card: string, words: string, fields?: (number | number[])[], preset?: Record<string, string>, perChannel?: string[], takes?: string, isUnbuilt?: boolean}} Form
 * @typedef {{
 *   read: (line: Statement, field: Field, form: Form) => any,
 *   settle?: (line: Statement, value: any, field: Field, words: string, at?: number) => any,
 *   write: (value: any, field: Field) => string,
 * }} Kind of field: what is read is undefined if the line doesn't contain it
 */

/** @param {Statement} line @param {string} what @param {number} least @param {number} value */
export function atLeast(line, what, least, value) {
  if (value < least) line.fail("NOT_FROM", { what, least: BigInt(least), value: BigInt(value) }, 0)
  return value
}

/** The sizes for rows and columns.
 * @param {Statement} line @param {string} what @param {number[] | null} sizes one or two
 */
const both = (line, what, sizes) => sizes && [sizes[0], sizes[sizes.length - 1]].map(it => atLeast(line, what, 1, it))

/** @param {any} one @param {any} other */
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other)

/** One of a few phrases: the rest of the line, or what precedes the words of another phrase.
 * @param {Statement} line @param {Field} field @param {Form} form
 */
function phrase(line, { among, until = [] }, { fields = [] }) {
  const { grammar, used } = line
  const said = line.rest(...until)
  if (said && !among.includes(said)) {
    const options = fields.flatMap(field => (Array.isArray(field) ? field : [])).map(k => grammar.fields[k])
    const others = fields.flatMap(field => (Array.isArray(field) ? [] : field)).map(k => grammar.fields[k])
    const flags = others.filter(({ kind }) => kind === "flag")
    const phrases = others.filter(({ kind }) => kind === "choice").flatMap(({ among }) => among)
    const known = [...options.map(({ name, letter }) => `${name} ${letter}`), ...flags.map(({ name }) => name), ...phrases]
    const hint = didYouMean(said, known, grammar.closeEnough) || filled(grammar.messages.ONE_OF, { known: known.join(", ") })
    line.fail("UNKNOWN_CHOICE", { word: said, hint }, used)
  }
  return said || undefined
}

/** @type {Kind} */
const number = {
  read(line, { keyword, label, what, usual }, { words, fields = [] }) {
    if (keyword) return line.option(keyword) ? line.value(keyword) : undefined
    const flags = fields.flat().map(k => line.grammar.fields[k]).filter(({ kind }) => kind === "flag").map(({ name }) => name)
    return usual !== undefined && ["", ...flags].includes(line.next) ? usual : line.value(label ?? `${words}'s ${what}`)
  },
  write: (value, { keyword, usual, always }) => (value === usual && !always ? "" : `${keyword ? `${keyword} ` : ""}${digits(value).replace(/\.0$/, "")}`),
}

/** @type {Record<string, Kind>} */
const KINDS = {
  whole: {
    read: (line, { what }, { words }) => line.whole(`${words}'s ${what}`),
    settle: (line, value, { what, least }, words) => atLeast(line, `${words}'s ${what}`, least, value),
    write: String,
  },
  wholes: {
    read(line, { what }, { words }) {
      const found = [line.whole(`${words}'s ${what}`)]
      while (line.next) found.push(line.whole(`${words}'s ${what}`))
      return found
    },
    write: ([first, ...others]) => (first || others.includes(0) ? [first, ...others] : others).join(" "),
  },
  number,
  share: {
    ...number,
    settle(line, value, { label, what, above_0: isAbove0 }, words, at = 0) {
      const isShare = value < 1 && (isAbove0 ? value > 0 : value >= 0)
      if (!isShare) line.fail(isAbove0 ? "SHARE_ABOVE_0" : "SHARE", { what: label ?? `${words}'s ${what}`, value }, at)
      return value
    },
  },
  flag: { read: (line, { name }) => line.option(name), write: (value, { name }) => (value ? name : "") },
  choice: { read: phrase, write: (value, { usual }) => (value === usual ? "" : value) },
  both: {
    read(line, { what, everything, always_both: isBoth, row }, { words }) {
      if (everything && line.option(everything)) return null
      if (row) return [1, line.whole(`${words}'s ${what}`)]
      return isBoth ? line.lengths(`${line.words[0].word}'s ${what}`, 2, "3x3") : line.wholes(`${words}'s ${what}`, [1, 2], "2 or 2x3")
    },
    settle: (line, value, { what }, words) => both(line, `${words}'s ${what}`, value),
    write(value, { everything, always_both: isBoth, row }) {
      if (!value) return everything
      return row ? String(value[1]) : isBoth ? value.join("x") : short(value)
    },
  },
  pair: {
    read: (line, { name, row }) => (row ? [1, line.whole(name)] : line.wholes(name, [1, 2], "2 or 2x1")),
    settle: (line, value, { name }, words) => both(line, `${words}'s ${name}`, value),
    write: (value, { name, usual, row }) => (!value || isSame(value, usual) ? "" : `${name} ${row ? value[1] : short(value)}`),
  },
  pad: {
    read(line, { name, row }) {
      if (line.option("same")) return "same"
      return row ? line.wholes(name, [1, 2], "1 or 2x0") : line.wholes(name, [1, 2, 4], "1, 1x0 or 0x0x1x1")
    },
    settle: (_, value, { row }) => (row && value !== "same" && value.length < 4 ? [0, value[0], 0, value[value.length - 1]] : value),
    write(value, { name, row }) {
      if (isSame(value, [0, 0, 0, 0])) return ""
      return `${name} ${row && value !== "same" ? short([value[1], value[3]]) : padWords(value)}`
    },
  },
  count: {
    read: (line, { name }) => line.whole(name),
    settle: (line, value, { what }, words) => atLeast(line, `${words}'s ${what}`, 1, value),
    write: (value, { name, usual }) => (value === usual ? "" : `${name} ${value}`),
  },
  word: { read: () => true, write: (value, { name }) => (value ? name : "") },
}

/** The fields of a form, with each option as a field of its own.
 * @param {Form} form @param {Grammar} grammar @returns {Field[]}
 */
const plain = ({ fields = [] }, grammar) => fields.flat().map(k => grammar.fields[k])

/** Options in any order, each once.
 * @param {Statement} line @param {Field[]} options @param {Form} form
 */
function readOptions(line, options, form) {
  const said = /** @type {Record<string, any>} */ ({})
  for (;;) {
    const option = options.find(({ name }) => name === line.next)
    if (!option) return said
    if (option.name in said) line.fail("TWICE", { word: option.name })
    line.take()
    said[option.name] = KINDS[option.kind].read(line, option, form)
  }
}

/** The settings of an update, which its fields read from the rest of a line.
 * @param {Statement} line @param {Form} form @returns {Record<string, any>}
 */
export function readSettings(line, form) {
  const fields = plain(form, line.grammar)
  const settings = Object.fromEntries(fields.map(field => [field.name, KINDS[field.kind].read(line, field, form)]))
  for (const field of fields) KINDS[field.kind].settle?.(line, settings[field.name], field, form.words, 1)
  return settings
}

/** A layer, with its fields read from the rest of a line.
 * @param {Statement} line @param {string} first its first word, in our own spelling @param {number[]} shape @returns {Layer}
 */
export function readForm(line, first, shape) {
  const { grammar } = line
  const form = grammar.forms[first]
  for (const word of form.words.split(" ").slice(1)) if (!line.option(word)) line.fail("EXPECTED", { phrase: form.words })
  if (form.takes && shape.length !== 3) line.fail(form.takes, { shape: shape.join("x") }, 0)
  /** @type {Layer} */
  const layer = { card: form.card, ...structuredClone(grammar.cards[form.card].usual), ...form.preset }
  for (const name of form.perChannel ?? []) layer[name] = shape[0]
  for (const place of form.fields ?? []) {
    const [field, ...others] = [place].flat().map(k => grammar.fields[k])
    const said = Array.isArray(place) ? readOptions(line, [field, ...others], form) : { [field.name]: KINDS[field.kind].read(line, field, form) }
    for (const [name, value] of Object.entries(said)) if (value !== undefined) layer[name] = value
    if (said[field.name] === null) break
  }
  const own = formOf(layer, grammar)
  for (const field of plain(own, grammar)) {
    const { settle } = KINDS[field.kind]
    if (settle) layer[field.name] = settle(line, layer[field.name], field, own.words)
  }
  return layer
}

/** The form that writes a layer without counting its channels.
 * @param {Layer} layer @param {Grammar} grammar @returns {Form}
 */
function formOf(layer, { forms }) {
  const fits = (/** @type {Form} */ { card, perChannel, preset = {} }) =>
    card === layer.card && !perChannel && Object.entries(preset).every(([name, value]) => layer[name] === value)
  const many = (/** @type {Form} */ { preset = {} }) => Object.keys(preset).length // the more it has, the more specific it is
  return Object.values(forms).filter(fits).reduce((best, form) => (many(form) > many(best) ? form : best))
}

/** conv 2 3x3 no bias, as short as it can be.
 * @param {Layer} layer @param {Grammar} grammar
 */
export function layerWords(layer, grammar) {
  const form = formOf(layer, grammar)
  return [form.words, ...plain(form, grammar).map(field => KINDS[field.kind].write(layer[field.name], field))].filter(Boolean).join(" ")
}
