// The page of a checked program: a line's value beside it, from a number to its line, and a copy.

import { byId, make, say } from "../view/dom.js"
import { mark } from "../view/language.js"

const COPIED = 2000 // milliseconds for which a copy is confirmed
const GAP = 4 // pixels between a line and what is said of it

/** @typedef {{name: string, shape: string, numbers: string, slopes: string}} Value */
/** @type {{values: Record<string, Value[]>, corrected: string}} */
const content = JSON.parse(byId("content").textContent)
const [source, tag] = [byId("source"), byId("tag")]
const lines = /** @type {HTMLElement[]} */ ([...source.querySelectorAll(".ln")])
let current = -1

/** Show a line's values, and all of its code if that is cut.
 * @param {number} at the line's number in the list; −1 for none
 */
function point(at) {
  if (at === current) return
  lines[current]?.classList.remove("at")
  current = at
  const line = lines[at]
  const code = line?.querySelector("code")
  const values = line ? content.values[line.id] ?? [] : []
  const isCut = code ? code.scrollWidth > code.clientWidth : false
  tag.hidden = !(values.length || isCut)
  line?.classList.add("at")
  if (tag.hidden || !line) return
  tag.replaceChildren(...(isCut ? [make("code", { class: "whole" }, code?.textContent?.trim() ?? "")] : []), ...values.map(shown))
  const [room, box] = [tag.offsetParent.getBoundingClientRect(), line.getBoundingClientRect()]
  const [below, above] = [box.bottom - room.top + GAP, box.top - room.top - tag.offsetHeight - GAP]
  const isBelow = below + tag.offsetHeight <= room.height && !(covers(at, 1) && !covers(at, -1) && above > 0)
  tag.style.top = `${isBelow || above < 0 ? below : above}px`
}

/** Whether a note would be hidden by what is said of a line.
 * @param {number} at @param {number} way
 */
function covers(at, way) {
  const rows = Math.ceil(tag.offsetHeight / lines[at].offsetHeight)
  return lines.some((line, k) => (k - at) * way > 0 && (k - at) * way <= rows && line.querySelector(".note"))
}

/** @param {Value} value */
function shown({ name, shape, numbers, slopes }) {
  const row = (/** @type {string} */ label, /** @type {string} */ digits) => [make("dt", {}, label), make("dd", {}, digits)]
  const size = shape ? [make("small", {}, shape)] : []
  return make("div", {}, make("p", {}, make("code", {}, name), " ", ...size), make("dl", {}, ...row(mark("value"), numbers), ...(slopes ? row(mark("gradient"), slopes) : [])))
}

source.addEventListener("pointerover", (/** @type {PointerEvent} */ event) => {
  const line = /** @type {Element} */ (event.target).closest(".ln")
  if (line) point(lines.indexOf(/** @type {HTMLElement} */ (line)))
})
source.addEventListener("pointerleave", () => point(-1))
source.addEventListener("scroll", () => point(-1))
source.addEventListener("blur", () => point(-1))
source.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (event.key === "Escape") point(-1)
  if (!by || event.target !== source) return
  event.preventDefault()
  const next = Math.min(Math.max(current + by, 0), lines.length - 1)
  lines[next].scrollIntoView({ block: "nearest" })
  requestAnimationFrame(() => point(next))
})

// From a number to the other one: a finding and its line.

for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("a[href^='#']"))) {
  link.addEventListener("click", event => {
    const goal = byId(link.hash.slice(1))
    if (!goal) return
    event.preventDefault()
    if (goal instanceof HTMLDetailsElement) goal.open = true
    for (const it of document.querySelectorAll(".lit")) it.classList.remove("lit")
    goal.classList.add("lit")
    goal.scrollIntoView({ block: "nearest" })
  })
}
const first = lines.find(line => line.classList.contains("hot"))
if (first && first.offsetTop + first.offsetHeight > source.clientHeight) source.scrollTop = first.offsetTop - source.clientHeight / 2

/** @type {HTMLButtonElement | null} */
const copy = byId("copy")
const label = copy?.textContent ?? ""
copy?.addEventListener("click", async () => {
  if (!(await isCopied(content.corrected))) return
  say(copy, copy.dataset.copied ?? "")
  setTimeout(() => say(copy, label), COPIED)
})

/** Copy a text, also where a page from a file has no clipboard.
 * @param {string} text
 */
async function isCopied(text) {
  if (await navigator.clipboard?.writeText(text).then(() => true, () => false)) return true
  const field = make("textarea", { class: "unseen", "aria-hidden": "true" })
  field.value = text
  document.body.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  copy?.focus()
  return done
}

for (const open of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("header details"))) {
  open.addEventListener("toggle", () => {
    for (const other of document.querySelectorAll("header details[open]")) if (open.open && other !== open) other.removeAttribute("open")
  })
}
addEventListener("keydown", event => {
  if (event.key === "Escape") for (const it of document.querySelectorAll("header details[open]")) it.removeAttribute("open")
})
