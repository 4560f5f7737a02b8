// The batch size: a field beside the update, and what it means.

import { make, say } from "./dom.js"
import { PHRASES } from "./phrases.js"

export class BatchField {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model
    this.field = make("input", {
      type: "number", id: "batch", min: 1, step: 1, placeholder: PHRASES.batch.all, title: PHRASES.batch.hint, "aria-describedby": "batch-said",
      oninput: () => this.take(), onchange: () => this.update(),
    })
    this.label = make("label", { class: "setting" }, PHRASES.batch.field, this.field)
    this.said = make("p", { class: "remark", id: "batch-said" })
    model.listeners.push(() => this.update())
    this.update()
  }

  /** A whole number, or nothing, which means all. @private */
  take() {
    const { value, validity } = this.field
    if (validity.valid && Number(value) !== this.model.batch) this.model.setBatch(Number(value))
  }

  /** @private */
  update() {
    const { batch, usedBatch, samples: { length } } = this.model
    this.label.hidden = length < 2
    if (document.activeElement !== this.field) this.field.value = batch || ""
    say(this.said, usedBatch ? PHRASES.batch.said(Math.ceil(length / usedBatch), length) : batch > 0 && batch < length ? PHRASES.batch.alone : "")
  }
}
