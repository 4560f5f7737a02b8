// Sharing: a link to the page's state, the drawing as a picture, a workbook.

import { beginningOf, fragment, pack, restore, stateOf, takeForm, unpack } from "./address.js"
import { byId, make, save, say } from "./dom.js"
import { PHRASES } from "./phrases.js"
import { workbookOf } from "./workbook.js"

const LATER = 500 // milliseconds without a change, until the address follows
const LOOK = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "font-family", "font-size", "font-style", "font-weight", "visibility"] // inherited
const OWN_LOOK = ["opacity", "fill-opacity", "display"]

export class SharePanel {
  /** @param {import("./model.js").Model} model @param {import("./controls.js").Controls} controls
   * @param {import("./editor.js").Editor | null} editor @param {string} home the page's public address, if any
   */
  constructor(model, controls, editor, home) {
    this.model = model
    this.home = home && editor ? `${home.replace(/\/$/, "")}/play/` : location.protocol === "file:" ? "" : location.href.split("#")[0]
    this.editor = editor
    this.controls = controls
    this.packed = "" // the state that the address last had
    this.timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
    this.field = make("input", { readonly: true, hidden: true, "aria-label": PHRASES.toCopy, id: "share-text" })
    byId("share-parts").append(
      this.button("link", () => this.link(false)), this.button("moment", () => this.link(true)), this.button("frame", () => this.frame()),
      this.button("svg", () => save("network.svg", new Blob([picture(drawn())], { type: "image/svg+xml" }))),
      this.button("workbook", () => this.workbook()), this.field)
    addEventListener("hashchange", () => this.open())
    this.open().then(async () => {
      this.packed = await this.pack()
      model.listeners.push(() => this.follow())
    })
  }

  /** @param {keyof typeof PHRASES.share} what @param {() => any} act @private */
  button(what, act) {
    const tried = async () => {
      try {
        await act()
      } catch (error) {
        this.tell(error instanceof Error ? error.message : String(error))
      }
    }
    return make("button", { type: "button", id: `share-${what}`, onclick: tried }, PHRASES.share[what])
  }

  /** @param {string} words @private */
  tell(words) {
    say(byId("share-said"), words)
  }

  /** @private */
  pack() {
    return pack(stateOf(this.model, this.editor))
  }

  /** Take over the state in the address. @private */
  async open() {
    takeForm()
    this.become(fragment(location.hash).letters)
  }

  /** @param {unknown} letters of a state @private */
  become(letters) {
    if (typeof letters !== "string" || letters === this.packed) return
    try {
      const state = unpack(letters)
      this.controls.stop()
      restore(this.model, this.editor, state)
      this.tell("")
    } catch (error) {
      this.tell(error instanceof Error ? error.message : String(error))
      byId("share-said").scrollIntoView({ block: "nearest" })
    }
  }

  /** Put the state into the address, once nothing changes. @private */
  follow() {
    clearTimeout(this.timer)
    this.timer = setTimeout(async () => {
      if (this.controls.isRunning) return
      const letters = await this.pack()
      if (letters !== this.packed) this.put(letters)
    }, LATER)
  }

  /** @param {string} letters @private */
  put(letters) {
    this.packed = letters
    const { form } = fragment(location.hash)
    byId("whole").href = `#n=${letters}`
    try {
      history.replaceState(null, "", `#${form ? `${form}&` : ""}n=${letters}`)
    } catch {
      // a page within another may not be allowed to
    }
  }

  /** Offer a link to the initial state, or to the current one.
   * @param {boolean} isMoment @private
   */
  async link(isMoment) {
    const { model } = this
    const state = stateOf(model, this.editor)
    const hasOwn = model.isEdited || !this.editor // weights that no seed draws
    const letters = await pack(/** @type {any} */ (isMoment || hasOwn ? state : beginningOf(model, state)))
    await this.offer(`${this.home || location.href.split("#")[0]}#n=${letters}`)
    if (!this.home) this.tell(PHRASES.onlyHere)
  }

  /** @private */
  async frame() {
    const own = location.href.split("#")[0]
    const source = this.home || own.slice(own.lastIndexOf("/") + 1)
    await this.offer(`<iframe src="${source}#embed&amp;n=${await this.pack()}" width="900" height="520" title="${document.title.replaceAll('"', "&quot;")}"></iframe>`)
  }

  /** Copy a text, and show it so that it can be copied by hand.
   * @param {string} text @private
   */
  async offer(text) {
    this.field.hidden = false
    this.field.value = text
    this.field.select()
    const isCopied = await navigator.clipboard?.writeText(text).then(() => true, () => false)
    this.tell(isCopied ? PHRASES.copied : PHRASES.toCopy)
  }

  /** @private */
  async workbook() {
    const { model } = this
    save("network.xlsx", await workbookOf(model))
    this.tell(model.usedBatch ? PHRASES.batch.workbook : "")
  }
}

const drawn = () => /** @type {SVGSVGElement} */ (document.querySelector("#drawing svg"))

/** A drawing that contains its styles, so that it can be used by itself.
 * @param {SVGSVGElement} svg
 */
function picture(svg) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true))
  const [from, to] = [svg, copy].map(it => [it, .../** @type {NodeListOf<SVGElement>} */ (it.querySelectorAll("*"))])
  to.forEach((element, k) => {
    const [own, above] = [getComputedStyle(from[k]), getComputedStyle(/** @type {Element} */ (from[k].parentElement))]
    for (const name of LOOK) {
      const value = own.getPropertyValue(name)
      if (!k || value !== above.getPropertyValue(name)) element.setAttribute(name, value)
    }
    for (const name of OWN_LOOK) {
      const value = own.getPropertyValue(name)
      if (value !== "1" && value !== "inline" && value !== "block") element.setAttribute(name, value)
    }
    for (const { name } of [...element.attributes]) if (/^(class|tabindex|role|aria-|data-|style)/.test(name)) element.removeAttribute(name)
  })
  for (const [k, element] of from.entries()) if (element.matches(".hit")) to[k].remove()
  const { width, height } = svg.viewBox.baseVal
  const size = { width: String(width), height: String(height) }
  const paper = getComputedStyle(document.documentElement).getPropertyValue("--paper")
  const ground = document.createElementNS(svg.namespaceURI, "rect")
  for (const [name, value] of Object.entries({ ...size, fill: paper, stroke: "none" })) ground.setAttribute(name, value)
  copy.prepend(ground)
  const seen = svg.parentElement?.querySelector("canvas")
  if (seen) {
    const image = document.createElementNS(svg.namespaceURI, "image")
    for (const [name, value] of Object.entries({ href: seen.toDataURL(), width: String(width), height: String(height) })) image.setAttribute(name, value)
    ground.after(image)
  }
  for (const [name, value] of Object.entries({ ...size, viewBox: `0 0 ${width} ${height}` })) copy.setAttribute(name, value)
  return new XMLSerializer().serializeToString(copy)
}
