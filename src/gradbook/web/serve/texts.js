// A network as text: explained, made into a workbook or swept; mistakes are marked where they are.

import { mark, tr } from "../view/language.js"
import { make } from "../view/dom.js"
import { words } from "./books.js"
import { element, tell, ask, Refusal } from "./server.js"

const SHOWN = ["derivation.html", "sweep.html"] // pages whose content is shown here as well

export class Texts {
  constructor() {
    this.text = element("text", HTMLTextAreaElement)
    this.mistake = element("mistake", HTMLElement)
    this.box = element("result", HTMLElement)
    this.form = element("network", HTMLFormElement)
    this.form.addEventListener("submit", event => {
      event.preventDefault()
      const button = /** @type {HTMLButtonElement | null} */ (event.submitter)
      if (button) this.work(button)
    })
    const known = element("known", HTMLSelectElement)
    known.addEventListener("change", () => {
      this.text.value = known.value
      this.forgive()
    })
    this.text.addEventListener("input", () => this.forgive())
  }

  /** The request for a verb, with its options.
   * @param {string} verb @private
   */
  asked(verb) {
    const text = this.text.value
    const only = field("only")
    const rates = field("rates")
    if (verb === "explain") return { text, ...(only && { only }) }
    if (verb === "sweep") return { text, ...(rates && { rates }), ...numbers({ epochs: "sweep-epochs" }) }
    return { text, ...numbers({ rate: "sheet-rate", epochs: "sheet-epochs" }) }
  }

  /** @param {HTMLButtonElement} button @private */
  async work(button) {
    if (button.ariaDisabled === "true") return
    button.ariaDisabled = "true"
    this.forgive()
    try {
      const found = await tell(button.value, "POST", this.asked(button.value))
      await this.show(found)
    } catch (error) {
      this.point(error)
    } finally {
      button.ariaDisabled = "false"
    }
  }

  /** @param {{result: number, files: string[], remarks: string[]}} found @private */
  async show(found) {
    const links = found.files.map(name => link(name, `texts/${found.result}/${name}`))
    element("result-files", HTMLElement).replaceChildren(...links.flat())
    element("result-said", HTMLElement).textContent = found.remarks.join(" ") || mark("Done.")
    const page = found.files.find(name => SHOWN.includes(name))
    const shown = element("result-shown", HTMLElement)
    shown.replaceChildren(...(page ? await contentOf(`texts/${found.result}/${page}`) : []))
    shown.scrollTop = 0
    this.box.hidden = false
    this.box.scrollIntoView({ block: "nearest" })
  }

  /** Say what is wrong, and mark its place in the text.
   * @param {unknown} error @private
   */
  point(error) {
    const line = error instanceof Refusal ? error.line : null
    const column = (error instanceof Refusal ? error.column : null) ?? 1
    this.mistake.textContent = line ? tr("line {line}, column {column}: {problem}", { line, column, problem: words(error) }) : words(error)
    this.box.hidden = true // it was made from another text
    this.text.setAttribute("aria-invalid", "true")
    this.text.focus()
    if (line === null) return
    const before = this.text.value.split("\n").slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0)
    const begin = before + column - 1
    const length = /^[^\s;]*/.exec(this.text.value.slice(begin))?.[0].length ?? 0
    this.text.setSelectionRange(begin, begin + Math.max(length, 1))
  }

  /** @private */
  forgive() {
    this.mistake.textContent = ""
    this.text.removeAttribute("aria-invalid")
  }
}

/** @param {string} id */
function field(id) {
  return element(id, HTMLInputElement).value.trim()
}

/** The numbers in those fields that aren't empty.
 * @param {Record<string, string>} fields
 */
function numbers(fields) {
  const given = Object.entries(fields).filter(([, id]) => field(id))
  return Object.fromEntries(given.map(([name, id]) => [name, Number(field(id))]))
}

/** Links for a file: a page can be opened, and every file can be saved.
 * @param {string} name @param {string} place
 */
function link(name, place) {
  const saved = anchor(name, place)
  saved.download = name
  if (!name.endsWith(".html")) return [saved]
  const opened = anchor(mark("Open as a page"), place)
  opened.target = "_blank"
  opened.rel = "noopener"
  return [opened, saved]
}

/** @param {string} said @param {string} place */
function anchor(said, place) {
  return /** @type {HTMLAnchorElement} */ (make("a", { class: "button", href: place }, said))
}

/** The content of a page made by the server, without its script.
 * @param {string} place
 */
async function contentOf(place) {
  const html = await (await ask(place)).text()
  const page = document.createElement("template") // in which no script runs
  page.innerHTML = html
  for (const one of page.content.querySelectorAll("script, style, h1, nav")) one.remove()
  for (const one of page.content.querySelectorAll("button")) one.disabled = true // its script is gone
  return [...page.content.querySelectorAll("header > *, main > *")]
}
