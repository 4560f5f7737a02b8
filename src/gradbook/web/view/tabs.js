// Panels of which one is open at a time; as a drawer they are all closed at first.

import { make } from "./dom.js"
import { mark } from "./language.js"

const MOVES = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 })

export class Tabs {
  /** @param {HTMLElement} box whose sections are the panels @param {boolean} [isDrawer] whether all may be closed */
  constructor(box, isDrawer = false) {
    this.box = box
    this.opener = /** @type {HTMLElement | null} */ (null)
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
    if (!isDrawer) this.open(this.panels[0].id)
    else this.becomeDrawer(box)
  }

  /** Let it be closed, as it is at first, and opened by the page's button.
   * @param {HTMLElement} box @private
   */
  becomeDrawer(box) {
    box.append(make("button", { type: "button", class: "icon close", title: mark("Close"), onclick: () => this.close() }, "×"))
    addEventListener("keydown", event => event.key === "Escape" && !box.hidden && this.close())
    document.querySelector("#open-more")?.addEventListener("click", () => (box.hidden ? this.open(this.panels[0].id).focus() : this.close()))
    this.close()
  }

  /** Close the drawer. */
  close() {
    for (const panel of this.panels) panel.hidden = true
    this.box.hidden = true
    document.querySelector("#open-more")?.setAttribute("aria-expanded", "false")
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true })
    this.opener = null
  }

  /** Opens a panel, and returns its tab.
   * @param {string} id
   */
  open(id) {
    if (this.box.hidden) this.opener = /** @type {HTMLElement | null} */ (document.activeElement)
    this.box.hidden = false
    document.querySelector("#open-more")?.setAttribute("aria-expanded", "true")
    this.panels.forEach((panel, k) => {
      const isOpen = panel.id === id
      panel.hidden = !isOpen
      this.tabs[k].setAttribute("aria-selected", String(isOpen))
      this.tabs[k].tabIndex = isOpen ? 0 : -1
    })
    return this.tabs[this.panels.findIndex(panel => panel.id === id)]
  }
}
