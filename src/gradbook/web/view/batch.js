// The batch size: a field beside the update, and what it means.

import { make, put, say, takesNumbers } from "./dom.js"
import { PHRASES } from "./phrases.js"

export class BatchField {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model
    this.field = takesNumbers(make("input", { id: "batch", "aria-label": PHRASES.batch.field, placeholder: PHRASES.batch.all, title: PHRASES.batch.hint, "aria-describedby": "batch-said" }),
      value => value !== model.batch && model.setBatch(value), { least: 0, isWhole: true, isEmpty: true })
    this.label = make("label", { class: "setting" }, PHRASES.batch.field, this.field)
    this.said = make("p", { class: "remark", id: "batch-said" })
    model.listeners.push(() => this.update())
    this.update()
  }

  /** @private */
  update() {
    const { batch, usedBatch, samples: { length } } = this.model
    this.label.hidden = length < 2
    put(this.field, batch ? String(batch) : "")
    say(this.said, usedBatch ? PHRASES.batch.said(Math.ceil(length / usedBatch), length) : batch > 0 && batch < length ? PHRASES.batch.alone : "")
  }
}
