// What a step of a number does to the result, in words: computed again, compared with the slope, and
// through which formulas.

import { make } from "../view/dom.js"
import { mark, numeral, tr } from "../view/language.js"
import { changed, stepped } from "./amounts.js"

const [HALF, ALL] = [0.5, 0.995] // of a change: what is said to go through one formula is between

/** A signed number of per cent, with two decimals.
 * @param {number} value
 */
export const percents = value => numeral(`${value.toFixed(2).replace("-", "−")} %`)

/** A value's label or, without one, its cell.
 * @param {import("./exploration.js").Value} value
 */
export const called = ({ label, place }) => label || place

/** What a step of the chosen number does.
 * @param {import("./exploration.js").Exploration} model
 */
export function sentenceOf(model) {
  const { chosen, result, values, forms } = model
  const { step } = values[chosen]
  const now = model.at(result)
  const names = { input: called(values[chosen]), result: called(values[result]), step: stepped(step, forms[chosen]) }
  const wrong = values.findIndex((_, k) => !Number.isFinite(model.at(k)))
  if (!Number.isFinite(now)) return tr("{result} isn’t a number here, because of {cell}: {formula}", { ...names, cell: values[wrong].place || values[wrong].label, formula: values[wrong].formula })
  const next = model.probe(chosen, at => at(model.at(chosen) + step))
  if (!Number.isFinite(next)) return tr("If {input} rises by {step}, {result} isn’t a number any more.", names)
  const change = changed(next - now, forms[result])
  const message = next === now ? mark("If {input} rises by {step}, {result} stays as it is.") : next > now ? mark("If {input} rises by {step}, {result} rises by {change}.") : mark("If {input} rises by {step}, {result} falls by {change}.")
  return tr(message, { ...names, change })
}

/** The remarks below it.
 * @param {import("./exploration.js").Exploration} model @param {[share: number, label: string] | null} through
 */
export function remarksOf(model, through) {
  const { chosen, values } = model
  if (!Number.isFinite(model.at(model.result))) return []
  const isTold = through && through[0] >= HALF && through[0] < ALL
  const parts = isTold ? [tr("{share} of that through {formula}", { share: numeral(`${Math.round(100 * through[0])} %`), formula: through[1] })] : []
  if (model.isConfirmed(chosen)) return [...parts, make("b", { class: "good" }, mark("nudged: the same ✓"))]
  const jump = model.between(chosen).slice(1).find(k => values[k].jumps)
  const words = jump === undefined ? mark("nudged: not the same") : tr("no slope here: {cell} jumps or bends ({function})", { cell: `${called(values[jump])}${values[jump].label && values[jump].place ? ` (${values[jump].place})` : ""}`, function: values[jump].jumps })
  return [...parts, make("b", { class: "bad" }, words)]
}
