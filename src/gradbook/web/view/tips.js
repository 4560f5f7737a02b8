// The meaning of each symbol: shown beside it when it is pointed at or reached by keys.

import { fillIn, formula, make, nameWords } from "./dom.js"
import { PHRASES } from "./phrases.js"

const LATER = 350 // milliseconds of pointing at a symbol before its words appear
const APART = 14 // pixels

export class Tips {
  /** @param {import("./model.js").Model} model */
  constructor(model) {
    this.model = model
    this.box = make("div", { id: "tip", role: "tooltip", hidden: true })
    this.timer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
    document.querySelector("main")?.append(this.box)
    addEventListener("pointerover", event => this.point(event.target, LATER))
    addEventListener("focusin", event => /** @type {Element} */ (event.target).matches(":focus-visible") && this.point(event.target, LATER))
    for (const kind of ["pointerdown", "focusout", "scroll"]) addEventListener(kind, () => this.hide(), true)
    addEventListener("keydown", () => this.hide())
  }

  hide() {
    clearTimeout(this.timer)
    this.box.hidden = true
  }

  /** @param {EventTarget | null} target @param {number} later @private */
  point(target, later) {
    const element = target instanceof Element && !target.closest(".of-pictures, .of-numbers") ? target.closest("[data-line], [data-said]") : null // the field has its own card
    this.hide()
    if (!element) return
    const { names } = this.model.content
    const said = element.getAttribute("data-said")
    const line = said === null ? Number(element.getAttribute("data-line")) : Number(Object.keys(names).find(it => names[it].said === said))
    if (names[line]) this.timer = setTimeout(() => this.show(element, line), later)
  }

  /** @param {Element} element @param {number} line @private */
  show(element, line) {
    const { content } = this.model
    const name = content.names[line]
    const template = content.formulas[line]
    const parts = /** @type {(Node | string)[]} */ ([nameWords(name), ": ", ...meaning(content, line)])
    if (template) parts.push(formula(`${name.math}<mo>=</mo>${template.replace(/⟦(\d+)⟧/g, (/** @type {string} */ _, /** @type {string} */ it) => content.names[it].math)}`))
    this.box.replaceChildren(...parts)
    this.box.hidden = false
    const [at, own] = [element.getBoundingClientRect(), this.box.getBoundingClientRect()]
    const left = Math.max(4, Math.min(innerWidth - own.width - 4, at.left + at.width / 2 - own.width / 2))
    const top = at.top - own.height - APART > 0 ? at.top - own.height - APART : at.bottom + APART
    this.box.style.setProperty("left", `${left}px`)
    this.box.style.setProperty("top", `${Math.min(top, innerHeight - own.height)}px`)
  }
}

/** The meaning of a value, from its letter and its position.
 * @param {any} content @param {number} line @returns {(Node | string)[]}
 */
export function meaning(content, line) {
  const name = content.names[line]
  const phrase = PHRASES.letters[/** @type {keyof typeof PHRASES.letters} */ (name.said.startsWith("E_") ? name.said : name.letter)] ?? ""
  const numbers = name.below.match(/\d+/g) ?? []
  const isPlace = content.columns.some((/** @type {any} */ it) => it.maps.flat(3).includes(line))
  const where = isPlace ? fillIn(PHRASES.place, numbers.slice(-2)).join("") : numbers[numbers.length - 1] ?? ""
  const [from, to] = ends(content, line)
  const ofWhat = /^[a-z]_/.test(name.said) ? owner(content, name) : null
  if (name.letter === "w" && to === null) return [PHRASES.kernel]
  const symbols = [from, to].map(it => (it === null ? "" : nameWords(content.names[it])))
  return fillIn(phrase, [where, ...symbols, ofWhat === null ? "" : unit(content, ofWhat, where)])
}

/** @param {any} content @param {number} line @param {string} where */
function unit({ names }, line, where) {
  const phrase = PHRASES.units[/** @type {keyof typeof PHRASES.units} */ (names[line].letter)]
  return phrase ? fillIn(phrase, [where]).join("") : nameWords(names[line])
}

/** The values that a weight joins, or the one that a bias belongs to.
 * @param {any} content @param {number} line @returns {[from: number | null, to: number | null]}
 */
function ends({ columns }, line) {
  for (const [k, { units }] of columns.entries()) {
    for (const unit of units) {
      if (unit?.above === line) return [null, unit.values[0]]
      const [row, , back = 1] = unit?.from.find((/** @type {number[]} */ it) => it[1] === line) ?? []
      if (row !== undefined) return [columns[k - back].units[row].values.slice(-1)[0], unit.values[0]]
    }
  }
  return [null, null]
}

/** The value that an activation is of: a_h1 is of h1.
 * @param {any} content @param {import("./dom.js").Name} name
 */
function owner({ names }, name) {
  const found = Object.keys(names).find(it => names[it].said === name.said.replace(/^[a-z]_/, ""))
  return found === undefined ? null : Number(found)
}
