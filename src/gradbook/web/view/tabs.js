// The panels below the drawing, of which one is open at a time.

import { make } from "./dom.js"
import { mark } from "./language.js"

const MOVES = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 })

export class Tabs {
  /** @param {HTMLElement} box whose sections are the panels */
  constructor(box) {
    this.panels = /** @type {HTMLElement[]} */ ([...box.children])
    this.tabs = this.panels.map((panel, k) => {
      const heading = /** @type {HTMLElement} */ (panel.firstElementChild)
      heading.classList.add("unseen")
      panel.setAttribute("role", "tabpanel")
      return make("button", {
        type: "button", role: "tab", "aria-controls": panel.id, onclick: () => this.open(panel.id),
        onkeydown: (/** @type {KeyboardEvent} */ { key }) => MOVES[key] && this.open(this.panels[(k + MOVES[key] + this.panels.length) % this.panels.length].id).focus(),
      }, String(heading.textContent))
    })
    box.prepend(make("div", { class: "tabs", role: "tablist", "aria-label": mark("More") }, ...this.tabs))
    this.open(this.panels[0].id)
  }

  /** Opens a panel, and returns its tab.
   * @param {string} id
   */
  open(id) {
    this.panels.forEach((panel, k) => {
      const isOpen = panel.id === id
      panel.hidden = !isOpen
      this.tabs[k].setAttribute("aria-selected", String(isOpen))
      this.tabs[k].tabIndex = isOpen ? 0 : -1
    })
    return this.tabs[this.panels.findIndex(panel => panel.id === id)]
  }
}
