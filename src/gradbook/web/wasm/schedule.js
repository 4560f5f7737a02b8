// A recipe's schedule of the learning rate: read as the command reads it, and the rate of each
// step. The page's twin of lab/recipes/recipe.py; a test compares the two.

import { didYouMean, filled } from "../text/wording.js"

/** @typedef {import("../text/statement.js").Statement} Statement */
/** @typedef {{what: string, zero: boolean, below: number | null, least: number | null, where: string}} Range */

/** What the command knows of schedules.
 * @typedef {object} ScheduleGrammar
 * @property {Record<string, string>} messages
 * @property {number} closeEnough
 * @property {Record<string, string[]>} schedules the settings of each kind
 * @property {Record<string, string>} words of each setting
 * @property {Record<string, Range>} ranges
 * @property {Record<string, number>} usual of each setting
 * @property {Record<string, number>} usualWarm
 * @property {number} rise a warm-up begins at the rate divided by this
 */

/** @typedef {{words: string, kind: string, rate: number, factor: number, every: number, warm: number, end: number}} Schedule `words` as written */

/** Reads a schedule from the rest of a line.
 * @param {Statement} line @param {ScheduleGrammar} grammar @returns {Schedule}
 */
export function readSchedule(line, grammar) {
  const kind = kindOf(line, grammar)
  const said = new Map([["rate", line.value(grammar.ranges.rate?.what ?? "")]])
  const own = grammar.schedules[kind] ?? []
  const options = new Map(own.map(name => [grammar.words[name] ?? "", name]))
  while (options.has(line.next)) {
    const word = line.take()
    const name = options.get(word) ?? ""
    if (said.has(name)) line.fail("TWICE", { word }, line.used - 1)
    const what = filled(grammar.messages.ASKED_FOR ?? "", { word })
    said.set(name, grammar.ranges[name]?.least === null ? line.value(what) : line.whole(what))
  }
  if (line.next) refuseSetting(line, kind, [...options.keys()], grammar)
  return checked(line, kind, said, grammar)
}

/** @param {Statement} line @param {ScheduleGrammar} grammar */
function kindOf(line, grammar) {
  const [start, kinds] = [line.used, Object.keys(grammar.schedules)]
  if (line.option("one")) {
    if (!line.option("cycle")) line.fail("ONE_CYCLE")
    return "one cycle"
  }
  if (Object.hasOwn(grammar.schedules, line.next)) return line.take()
  const known = filled(grammar.messages.KNOWN ?? "", { known: kinds.join(", ") })
  const hint = didYouMean(line.next, kinds, grammar.closeEnough) || known
  return line.fail(line.next ? "UNKNOWN_SCHEDULE" : "WHICH_SCHEDULE", { word: line.next, hint }, start)
}

/** @param {Statement} line @param {string} kind @param {string[]} words @param {ScheduleGrammar} grammar */
function refuseSetting(line, kind, words, grammar) {
  const known = filled(grammar.messages.SETTINGS_AFTER ?? "", { kind, known: words.join(", ") })
  line.fail("UNKNOWN_SETTING", { word: line.next, hint: didYouMean(line.next, words, grammar.closeEnough) || known })
}

/** @param {Statement} line @param {string} kind @param {Map<string, number>} said @param {ScheduleGrammar} grammar @returns {Schedule} */
function checked(line, kind, said, grammar) {
  const usual = { ...grammar.usual, warm: grammar.usualWarm[kind] ?? 0 }
  const words = line.words.slice(1).map(({ word }) => word).join(" ")
  const found = /** @type {any} */ ({ words, kind, ...usual, ...Object.fromEntries(said) })
  for (const [name, range] of Object.entries(grammar.ranges)) requireRange(line, range, found[name])
  if (found.end > found.rate) line.fail("RATES_FALL", { rate: found.rate, end: found.end }, 1)
  return found
}

/** @param {Statement} line @param {Range} range @param {number} found */
function requireRange(line, { what, zero, below, least, where }, found) {
  if (least !== null) {
    if (found < least) line.fail("NOT_FROM", { what, least: BigInt(least), value: BigInt(found) }, 1)
  } else if (found < 0 || (found === 0 && !zero) || (below !== null && found >= below)) line.fail("OUT_OF_RANGE", { what, where, found }, 1)
}

/** The rate of each step of an epoch; the first is 0.
 * @param {Schedule} schedule @param {number} epoch @param {number} steps @param {number} epochs @param {number} rise
 */
export function rates(schedule, epoch, steps, epochs, rise) {
  const [end, warm] = [steps * epochs, schedule.warm * steps * epochs]
  return Array.from({ length: steps }, (_, k) => {
    const at = epoch * steps + k
    const rising = warm && at < warm ? ((1 - 1 / rise) / warm) * at + 1 / rise : 1
    return settled(schedule, epoch, at, warm, end) * rising
  })
}

/** @param {Schedule} schedule @param {number} epoch @param {number} at @param {number} warm @param {number} end */
function settled({ kind, rate, factor, every, end: last }, epoch, at, warm, end) {
  switch (kind) {
    case "step":
      return rate * factor ** Math.floor(epoch / every)
    case "cosine":
      return last + ((rate - last) * (1 + Math.cos(Math.PI * Math.min(Math.max((at - warm) / (end - warm), 0), 1)))) / 2
    case "one cycle":
      return at <= warm ? rate : ((last - rate) / (end - warm)) * (at - warm) + rate
    default:
      return rate
  }
}
