// The recipe as text: allowed changes are read as they are typed, and used by the next training.

import { TextBox } from "../text/box.js"
import { byId, make, save } from "../view/dom.js"
import { pieces } from "../view/language.js"
import { History } from "../view/history.js"
import { PHRASES } from "./phrases.js"
import { changed, read } from "../wasm/recipe.js"

/** @typedef {import("../wasm/recipe.js").RecipeTable} RecipeTable */

export class RecipePanel {
  /** @param {RecipeTable} table @param {any} told the data of a training @param {(told: any) => void} renew */
  constructor(table, told, renew) {
    this.table = table
    this.told = told
    this.renew = renew
    this.now = JSON.stringify(read(table.text, table))
    this.box = new TextBox(text => this.take(text), () => this.history.update())
    this.history = new History(() => this.box.latest, text => this.box.replace(text), () => !this.box.isInOrder)
    this.box.approve(this.take(table.text))
    byId("save").addEventListener("click", () => save("recipe.txt", new Blob([`${this.box.text}\n`], { type: "text/plain" })))
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
      byId("settings").replaceChildren(...pieces(PHRASES.settings(changes.epochs, changes.batch), { schedule }))
    }
    return PHRASES.steps(steps * changes.epochs)
  }
}
