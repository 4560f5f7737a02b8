// What the network sees, and what it says: the likeliest class, and all of them as bars.

import { byId, make, say } from "../view/dom.js"
import { picture } from "./paint.js"

/** @typedef {import("./main.js").Looked} Looked */

export class AnswerPanel {
  /** @param {{classes: string[], image: [number, number, number]}} content */
  constructor(content) {
    this.content = content
    this.answer = byId("answer")
    this.seen = byId("seen")
    this.bars = content.classes.map(name => bar(name))
    byId("bars").append(...this.bars.map(each => each.row))
    this.update(null)
  }

  /** @param {Looked | null} looked */
  update(looked) {
    const [, rows, columns] = this.content.image
    picture(this.seen, looked ? looked.image : new Uint8Array(rows * columns), this.content.image)
    const sure = looked?.sure ?? []
    const best = sure.indexOf(Math.max(...sure))
    this.bars.forEach(({ row, length, share }, k) => {
      length.style.width = `${100 * (sure[k] ?? 0)}%`
      say(share, sure.length ? percent(sure[k] ?? 0) : "")
      row.className = k === best ? "best" : ""
    })
    if (looked) this.answer.replaceChildren(make("b", {}, this.content.classes[best] ?? ""), ` ${percent(sure[best] ?? 0)}`)
    else say(this.answer, this.content.image[0] === 1 ? "draw, or take an image" : "take an image")
  }
}

/** @param {string} name */
function bar(name) {
  const length = make("i")
  const share = make("span", { class: "share" })
  return { row: make("li", {}, make("span", { class: "class" }, name), make("span", { class: "bar-of" }, length), share), length, share }
}

/** @param {number} share */
export function percent(share) {
  const said = 100 * share
  return `${said >= 99.95 || said < 0.05 ? said.toFixed(0) : said.toFixed(1)} %`
}
