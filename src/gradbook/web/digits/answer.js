// The network's input and its answer: the likeliest class, and all of them as bars; no answer
// before it has learned to read.

import { byId, make, say } from "../view/dom.js"
import { grouped, numeral } from "../view/language.js"
import { picture } from "./paint.js"
import { PHRASES } from "./phrases.js"

/** @typedef {import("./main.js").Looked} Looked */

/** How well it reads: the share of held-out images, if that was measured, and their number.
 * @typedef {{right: number | null, count: number, isUntrained: boolean}} Skill
 */

/** The accuracy from which on its answers are shown: half way between guessing and perfection.
 * @param {number} classes
 */
export const enough = classes => (1 + 1 / classes) / 2

/** @param {Skill} skill @param {number} classes */
export const canRead = ({ right, isUntrained }, classes) => (right === null ? !isUntrained : right >= enough(classes))

export class AnswerPanel {
  /** @param {{classes: string[], image: [number, number, number]}} content */
  constructor(content) {
    this.content = content
    this.answer = byId("answer")
    this.seen = byId("seen")
    this.bars = content.classes.map(name => bar(name))
    byId("bars").append(...this.bars.map(each => each.row))
  }

  /** @param {Looked | null} looked @param {Skill} skill */
  update(looked, skill) {
    const { classes, image } = this.content
    picture(this.seen, looked ? looked.image : new Uint8Array(image[1] * image[2]), image)
    const sure = looked?.sure ?? []
    const isReading = canRead(skill, classes.length)
    const best = isReading ? sure.indexOf(Math.max(...sure)) : -1
    byId("bars").className = isReading ? "" : "guesses"
    this.bars.forEach(({ row, length, share }, k) => {
      length.style.width = `${100 * (sure[k] ?? 0)}%`
      say(share, sure.length && isReading ? percent(sure[k] ?? 0) : "")
      row.className = k === best ? "best" : ""
    })
    if (!isReading) this.guess(skill)
    else if (looked) this.answer.replaceChildren(make("b", {}, classes[best] ?? ""), ` ${percent(sure[best] ?? 0)}`)
    else say(this.answer, image[0] === 1 ? PHRASES.draw : PHRASES.take)
  }

  /** @param {Skill} skill */
  guess({ right, count }) {
    const { guessing, untrained, reads, from } = PHRASES
    const measured = right === null ? untrained : `${reads(percent(right), grouped(count))} ${from(percent(enough(this.content.classes.length)))}`
    const words = `${guessing} ${measured}`
    if (this.answer.textContent !== words) this.answer.replaceChildren(make("strong", {}, guessing), make("span", { class: "remark" }, ` ${measured}`))
  }
}

/** @param {string} name */
function bar(name) {
  const length = make("i")
  const share = make("span", { class: "share" })
  return { row: make("li", {}, make("span", { class: "class", "data-name": name }, name), make("span", { class: "bar-of" }, length), share), length, share }
}

/** @param {number} share */
export function percent(share) {
  const said = 100 * share
  return numeral(`${said >= 99.95 || said < 0.05 ? said.toFixed(0) : said.toFixed(1)} %`)
}
