// A text that is edited on a page: its lines are numbered, a mistake is marked and described.

import { byId, make, say } from "../view/dom.js"
import { TextError } from "./statement.js"

export class TextBox {
  /** @param {(text: string) => string} taken reads a text and acts on it; returns what to say of it, or throws a TextError
   * @param {() => void} read is called after every text that was read
   */
  constructor(taken, read) {
    this.taken = taken
    this.afterwards = read
    this.box = byId("text")
    this.gutter = byId("line-numbers")
    this.mark = byId("wrong-line")
    this.message = byId("text-said")
    this.written = this.box.value
    this.latest = this.written // the latest text without a mistake
    this.box.addEventListener("input", () => this.take())
    byId("text-as-written").addEventListener("click", () => {
      this.replace(this.written)
      this.box.focus()
    })
    this.number(null)
  }

  /** @returns {string} */
  get text() {
    return this.box.value
  }

  /** The message about the text. @returns {string} */
  get said() {
    return this.message.textContent
  }

  get isInOrder() {
    return this.box.value === this.latest
  }

  /** Take over a text that was changed elsewhere.
   * @param {string} text @param {string} words
   */
  follow(text, words) {
    this.box.value = this.latest = text
    this.number(null)
    this.approve(words)
  }

  /** Read the text as it is. @private */
  take() {
    const text = this.box.value
    try {
      const words = this.taken(text)
      this.latest = text
      this.number(null)
      this.approve(words)
    } catch (error) {
      if (!(error instanceof TextError)) throw error
      this.number(error.line)
      this.refuse(error)
    }
    this.afterwards()
  }

  /** @param {string} text */
  replace(text) {
    this.box.value = text
    this.take()
  }

  /** Number the lines, and mark the one that is wrong.
   * @param {number | null} wrong @private
   */
  number(wrong) {
    const count = this.box.value.split(/\r\n|\r|\n/).length
    this.box.rows = count + 1
    const numbers = Array.from({ length: count }, (_, k) =>
      make("span", { class: k + 1 === wrong ? "wrong" : null }, String(k + 1)))
    this.gutter.replaceChildren(...numbers)
    this.mark.hidden = wrong === null
    if (wrong !== null) this.mark.style.setProperty("--line-above", String(wrong - 1))
  }

  /** @param {string} words */
  approve(words) {
    this.box.setAttribute("aria-invalid", "false")
    this.message.classList.remove("refused")
    say(this.message, words)
  }

  /** @param {TextError} error @private */
  refuse({ line, column, message }) {
    this.box.setAttribute("aria-invalid", "true")
    this.message.classList.add("refused")
    const place = make("button", { type: "button", class: "place", onclick: () => this.goTo(line, column) }, placed(line, column))
    this.message.replaceChildren(place, `: ${message}`)
  }

  /** Put the cursor there, and select the word.
   * @param {number} line @param {number} column @private
   */
  goTo(line, column) {
    const lines = this.box.value.split("\n")
    const before = lines.slice(0, line - 1).reduce((/** @type {number} */ sum, /** @type {string} */ it) => sum + it.length + 1, 0)
    const row = [...(lines[line - 1] ?? "")]
    const start = before + row.slice(0, column - 1).join("").length
    const word = /^\S*/.exec(row.slice(column - 1).join(""))?.[0] ?? ""
    this.box.focus()
    this.box.setSelectionRange(start, start + word.length)
  }
}

/** @param {number} line @param {number} column */
const placed = (line, column) => `line ${line}, column ${column}`

/** A mistake as one line, like that of the box.
 * @param {TextError} error
 */
export const mistake = ({ line, column, message }) => `${placed(line, column)}: ${message}`
