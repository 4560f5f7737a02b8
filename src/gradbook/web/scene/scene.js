// A scene of a document: the drawing of a small network, one of whose weights can be dragged. All
// numbers that follow from it are computed anew, those of the text and of its formulas too.

import { Machine } from "../machine/machine.js"

/** @typedef {import("../machine/machine.js").Line} Line */

/**
 * @typedef {Object} SceneTable
 * @property {Line[]} lines
 * @property {Object<string, number>} given the leaves' values, by their lines
 * @property {Object<string, number>} places the lines of the values that are shown, by name
 * @property {string} control the weight that can be dragged
 */

/** @param {number} value @param {number} digits */
const written = (value, digits) => value.toFixed(digits).replace("-", "−")

/** `<gb-scene>`, in which everything is drawn already and a table says how it was computed. */
class Scene extends HTMLElement {
  connectedCallback() {
    const slider = this.querySelector("input")
    const text = this.querySelector("script")?.textContent
    if (!slider || !text) return
    const table = /** @type {SceneTable} */ (JSON.parse(text))
    const machine = new Machine(table.lines, [], 1)
    for (const [line, value] of Object.entries(table.given)) machine.fill(Number(line), value)
    const order = machine.order(Object.values(table.places))
    slider.disabled = false
    slider.addEventListener("input", () => {
      machine.fill(table.places[table.control], Number(slider.value))
      machine.run(order)
      this.show(name => machine.at(table.places[name]))
    })
  }

  /** @param {(name: string) => number} valueOf @private */
  show(valueOf) {
    for (const part of this.querySelectorAll("[data-of]")) {
      const { of = "", digits } = /** @type {HTMLElement} */ (part).dataset
      const value = valueOf(of)
      if (part instanceof SVGLineElement) {
        part.style.strokeWidth = String(Math.min(6, 1 + 2 * Math.abs(value)))
        part.classList.toggle("below", value < 0)
      } else part.textContent = written(value, Number(digits))
    }
  }
}

customElements.define("gb-scene", Scene)
