// Elements, and numbers and names as they are shown.

import { numeral, readNumber, tr, typed } from "./language.js"

const SVG = "http://www.w3.org/2000/svg"
const [SMALLEST, LEADING] = [8, 3] // pixels: of words, and by which a line is higher than its letters

/** @typedef {{said: string, letter: string, below: string, kind: string, math: string}} Name */

/** An element with its attributes and its content.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `on…` are listeners
 * @param {...(Node | string)} inside
 * @returns {any}
 */
export function make(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag)
  return filled(element, attributes, inside)
}

/** The same for an element of a drawing.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} inside
 * @returns {any}
 */
export function draw(tag, attributes = {}, ...inside) {
  const element = document.createElementNS(SVG, tag)
  return filled(element, attributes, inside)
}

/** @param {Element} element @param {Record<string, any>} attributes @param {(Node | string)[]} inside */
function filled(element, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, "")
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value))
    }
  }
  element.append(...inside)
  return element
}

/** Put words into an element, if they differ: a browser lays out whatever is changed.
 * @param {Element} element
 * @param {string} words
 */
export function say(element, words) {
  if (element.textContent !== words) element.textContent = words
}

/** Make words as small as it takes for all of them to be seen, whatever the font: a hinted one doesn't
 * become narrower in proportion.
 * @param {HTMLElement} element whose overflow is hidden
 */
export function fit(element) {
  element.style.fontSize = ""
  let size = parseFloat(getComputedStyle(element).fontSize)
  const isCut = () => element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight + LEADING
  while (isCut() && size > SMALLEST) element.style.fontSize = `${(size -= 0.5)}px`
}

/** @param {Element} element @param {string} attribute @param {string} value */
export function set(element, attribute, value) {
  if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value)
}

/** Choose the radio button with this value, which may be "".
 * @param {Iterable<HTMLInputElement>} buttons @param {string} value
 */
export function choose(buttons, value) {
  for (const it of buttons) if (it.value === value) it.checked = true
}

/** The page's element with this id.
 * @param {string} id @returns {any}
 */
export function byId(id) {
  return document.getElementById(id)
}

/** Let a field take numbers as readers type them; what isn't one is said and not taken.
 * @param {any} field @param {(value: number) => void} take
 * @param {{least?: number, isWhole?: boolean, isEmpty?: boolean, parse?: (text: string) => number}} [limits] `isEmpty` if nothing may stand in it, which is 0
 * @returns {any} the field
 */
export function takesNumbers(field, take, limits = {}) {
  const { least = -Infinity, isWhole = false, isEmpty = false, parse = readNumber } = limits
  const read = () => (isEmpty && !field.value.trim() ? 0 : parse(field.value))
  const fits = (/** @type {number} */ value) => Number.isFinite(value) && value >= least && !(isWhole && !Number.isInteger(value))
  for (const [name, value] of Object.entries({ type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false" })) set(field, name, value)
  field.addEventListener("input", () => {
    const value = read()
    set(field, "aria-invalid", String(!fits(value)))
    if (fits(value)) take(value)
  })
  const said = byId("said")
  let before = field.value
  field.addEventListener("focus", () => (before = field.value))
  field.addEventListener("blur", () => (field.value = field.dataset.shown ?? field.value))
  field.addEventListener("change", () => {
    const [value, words] = [read(), field.value.trim()]
    set(field, "aria-invalid", "false")
    if (fits(value)) return say(said, "")
    field.value = before
    const bounds = { words, least: typed(least), example: typed(isWhole ? 2 : 0.5) }
    say(said, value < least ? tr("“{words}” is less than {least}", bounds) : isWhole ? tr("“{words}” isn’t a whole number such as {example}", bounds) : tr("“{words}” isn’t a number such as {example}", bounds))
  })
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key]
    const value = read()
    if (!by || !fits(value)) return
    event.preventDefault()
    const [, decimals = ""] = field.value.split(/[.,]/)
    const step = isWhole ? 1 : 10 ** (/e/i.test(decimals) ? Math.floor(Math.log10(Math.abs(value))) : -Math.min(decimals.length, 4))
    field.value = typed(Math.max(least, Number((value + by * step * (event.shiftKey ? 10 : 1)).toPrecision(12))))
    field.dispatchEvent(new Event("input"))
  })
  return field
}

/** Show a number in a field, unless somebody is typing there.
 * @param {any} field @param {string} words
 */
export function put(field, words) {
  field.dataset.shown = words
  if (document.activeElement !== field && field.value !== words) field.value = words
}

/** A phrase with its parts in place of {0}, {1}, …
 * @param {string} phrase @param {(Node | string)[]} parts
 */
export const fillIn = (phrase, parts) => phrase.split(/\{(\d)\}/).map((it, k) => (k % 2 ? parts[Number(it)] ?? "" : it))

/** Let the reader save a file.
 * @param {string} name @param {Blob} content
 */
export function save(name, content) {
  const link = make("a", { href: URL.createObjectURL(content), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href))
}

/** An element with a formula, which only gradbook itself may have written.
 * @param {string} math @returns {HTMLElement}
 */
export function formula(math) {
  const holder = document.createElement("span")
  holder.className = "formula"
  holder.innerHTML = `<math displaystyle="true"><mrow>${math}</mrow></math>`
  return holder
}

/** 0.1500, −12.30, 1.6e−7, −2e−12: as many digits as fit into a circle.
 * @param {number} value
 */
export function short(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞"
  const size = Math.abs(value)
  const plain = size === 0 || (size >= 0.00095 && size < 99999.5)
  const decimals = size < 9.99995 ? 4 : size < 999.95 ? 2 : size < 9999.5 ? 1 : 0
  if (plain) return numeral(signed(value.toFixed(decimals)))
  const far = value.toExponential(1)
  return numeral(signed(/\d\d$/.test(far) ? value.toExponential(0) : far)) // two digits of exponent leave less room for others
}

/** At most two decimals, which fit into a cell.
 * @param {number} value
 */
export function brief(value) {
  const size = Math.abs(value)
  return Number.isFinite(value) && size < 99.95 && (size >= 0.005 || size === 0)
    ? numeral(value.toFixed(size < (value < 0 ? 0.995 : 9.995) ? 2 : 1).replace("-", "−").replace(/^(−?)0\./, "$1.").replace(/^\.00$/, "0"))
    : short(value).replace(/[.,]\d+/, "")
}

/** Seven digits, as in a derivation.
 * @param {number} value
 */
export function exact(value) {
  if (!Number.isFinite(value)) return short(value)
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return numeral(signed(value.toExponential(6)))
  const digits = signed(value.toPrecision(7))
  return numeral(Number(value.toPrecision(7)) === value ? digits.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") : digits)
}

/** @param {string} digits */
const signed = digits => digits.replaceAll("-", "−").replace("e+", "e")

/** A name within words.
 * @param {Name} name
 */
export function nameWords(name) {
  const below = name.below ? [make("sub", {}, name.below)] : []
  return make("span", { class: `k-${name.kind}`, "data-said": name.said }, make("i", {}, name.letter), ...below)
}

/** A name in a drawing: a slanted letter, and an upright subscript.
 * @param {Name} name
 * @param {number} size
 */
export function nameText(name, size) {
  const below = draw("tspan", { dy: size * 0.22, "font-size": size * 0.72, class: "below" }, name.below)
  const letter = draw("tspan", { "font-style": "italic" }, name.letter)
  return name.below ? [letter, below] : [letter]
}
