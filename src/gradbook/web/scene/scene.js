// A scene of a document: the drawing of a small network, one of whose weights can be dragged. All
// numbers that follow from it are computed anew, those of the text and of its formulas too, and those of
// the page's other scenes of this network.

import { Machine } from "../machine/machine.js"

/** @typedef {import("../machine/machine.js").Line} Line */

/**
 * @typedef {Object} SceneTable
 * @property {string} net by its name
 * @property {Line[]} lines
 * @property {Object<string, number>} given the leaves' values, by their lines
 * @property {Object<string, number>} places the lines of the values that are shown, by name
 * @property {string} control the weight that can be dragged
 */

/** @param {number} value @param {number} digits */
const written = (value, digits) => value.toFixed(digits).replace("-", "−")

const scenes = /** @type {Set<Scene>} */ (new Set())

/** `<gb-scene>`, in which everything is drawn already and a table says how it was computed. */
class Scene extends HTMLElement {
  connectedCallback() {
    const slider = this.querySelector("input")
    const text = this.querySelector("script")?.textContent
    if (!slider || !text) return
    this.slider = slider
    this.table = /** @type {SceneTable} */ (JSON.parse(text))
    this.machine = new Machine(this.table.lines, [], 1)
    for (const [line, value] of Object.entries(this.table.given)) this.machine.fill(Number(line), value)
    scenes.add(this)
    slider.disabled = false
    const { net, control } = this.table
    slider.addEventListener("input", () => {
      for (const scene of scenes) if (scene.table?.net === net) scene.take(control, Number(slider.value))
    })
  }

  /** A weight has changed, here or in another scene.
   * @param {string} weight @param {number} value
   */
  take(weight, value) {
    const { machine, table, slider } = this
    if (!machine || !table || !slider || table.places[weight] === undefined) return
    if (table.control === weight) slider.value = String(value)
    machine.fill(table.places[weight], value)
    machine.run(machine.order(Object.values(table.places)))
    this.show(name => machine.at(table.places[name]))
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
