// The recipe as text: what may be changed on the page is read as it is typed, and trained by next.

import { TextBox } from "../text/box.js"
import { byId, make } from "../view/dom.js"
import { History } from "../view/history.js"
import { changed, read } from "../wasm/recipe.js"

/** @typedef {import("../wasm/recipe.js").RecipeTable} RecipeTable */

export class RecipePanel {
  /** @param {RecipeTable} table @param {any} told what a training is told @param {(told: any) => void} renew */
  constructor(table, told, renew) {
    this.table = table
    this.told = told
    this.renew = renew
    this.now = JSON.stringify(read(table.text, table))
    this.box = new TextBox(text => this.take(text), () => this.history.update())
    this.history = new History(() => this.box.latest, text => this.box.replace(text), () => !this.box.isInOrder)
    this.box.approve(this.take(table.text))
    byId("save").addEventListener("click", () => this.save())
  }

  /** @param {string} text */
  take(text) {
    const { table } = this
    const changes = read(text, table)
    if (text !== this.box.latest) this.history.remember("text")
    const steps = Math.ceil(table.images / changes.batch)
    const said = JSON.stringify(changes)
    if (said !== this.now) {
      this.now = said
      const isAsMade = said === JSON.stringify(read(table.text, table))
      this.renew(isAsMade ? this.told : changed(this.told, changes, table))
      const schedule = make("code", {}, changes.schedule.words)
      byId("settings").replaceChildren(`${count(changes.epochs, "epoch")} in batches of ${changes.batch}, `, schedule)
    }
    return `in order: ${count(steps * changes.epochs, "step")}`
  }

  save() {
    const link = make("a", { href: URL.createObjectURL(new Blob([`${this.box.text}\n`], { type: "text/plain" })), download: "recipe.txt" })
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href))
  }
}

/** @param {number} number @param {string} what */
const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`
