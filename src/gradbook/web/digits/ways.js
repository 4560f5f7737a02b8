// The direction: forward, how values are computed, or backward, how the error changes with them.

import { byId, make, say, short } from "../view/dom.js"
import { PHRASES } from "./phrases.js"

/** @typedef {import("../wasm/look.js").Look} Look */

const AS_READ = "" // the target of an image without a label

export class WaysPanel {
  /** @param {string[]} classes @param {() => void} turned @param {() => void} aimed */
  constructor(classes, turned, aimed) {
    this.classes = classes
    this.target = byId("target")
    /** @type {number | null} */
    this.label = null // of the image that is looked at, as long as no other target is chosen
    this.asRead = make("option", { value: AS_READ })
    this.target.append(this.asRead, ...classes.map((name, number) => make("option", { value: number }, name)))
    this.target.addEventListener("change", () => {
      this.label = null
      aimed()
    })
    for (const kind of ["values", "slopes"]) byId(`paint-${kind}`).addEventListener("change", turned)
    this.update(null, false)
  }

  get isBackward() {
    return byId("paint-slopes").checked
  }

  /** The class whose error is shown; null for the class that is read. @returns {number | null} */
  get chosen() {
    return this.target.value === AS_READ ? null : Number(this.target.value)
  }

  /** @param {number | null} number */
  aim(number) {
    this.label = number
    this.target.value = number === null ? AS_READ : String(number)
  }

  /** Forget the label, since a drawing has none; a target that was chosen stays. */
  forgetLabel() {
    if (this.label !== null) this.aim(null)
  }

  /** @param {Look | null} look @param {boolean} isReading */
  update(look, isReading) {
    const likeliest = look && isReading ? this.classes[look.sure.indexOf(Math.max(...look.sure))] : ""
    say(this.asRead, likeliest ? PHRASES.asRead(likeliest) : PHRASES.whatIsRead)
    say(byId("error"), look ? short(look.error) : "–")
  }
}
