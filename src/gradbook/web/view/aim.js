// The backward pass from one step of a sequence: its error alone, and all gradients of it.

import { byId, make } from "./dom.js"
import { PHRASES } from "./phrases.js"

export class AimMenu {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model
    this.shown = ""
    this.menu = make("select", { id: "aim", onchange: () => model.setAim(this.menu.value === "" ? null : Number(this.menu.value)) })
    this.label = make("label", { class: "paints", hidden: true }, `${PHRASES.aim.label} `, this.menu)
    byId("masks").after(this.label)
    model.listeners.push(() => this.follow())
    this.follow()
  }

  /** The steps at which every sample has a target. @private */
  get steps() {
    const { content: { steps = 0, targets }, samples } = this.model
    const each = targets.length / steps
    return Array.from({ length: steps }, (_, step) => step).filter(step =>
      samples.every(([, wanted]) => wanted.slice(step * each, (step + 1) * each).some(Boolean)))
  }

  follow() {
    const { model, steps, menu } = this
    if (model.aim !== null && !steps.includes(model.aim)) return model.setAim(null)
    if (this.shown !== steps.join()) {
      const words = steps.map(step => /** @type {[number | string, string]} */ ([step, PHRASES.aim.step(step + 1)]))
      menu.replaceChildren(...[["", PHRASES.aim.all], ...words].map(([value, said]) => make("option", { value }, said)))
      this.shown = steps.join()
    }
    menu.value = String(model.aim ?? "")
    this.label.hidden = !steps.length
  }
}
