// Shows a page's sections as slides, one step after the other.

const [LARGE, SMALLEST] = [1.7, 1] // font sizes, times the size of the page: of a step, and at least of a line that is too long
const FORWARD = ["ArrowRight", "ArrowDown", "PageDown", " ", "Enter"]
const BACK = ["ArrowLeft", "ArrowUp", "PageUp", "Backspace"]

/** @type {HTMLElement[]} */
const slides = [...document.querySelectorAll("body > header, main > section")]
const stepsOf = slides.map(steps)
let slide = 0
let step = 0

/** What each step shows: a block with the remarks that follow it, or a line of an equation.
 * @param {HTMLElement} of @returns {Element[][]} */
function steps(of) {
  /** @type {Element[][]} */
  const found = []
  for (const block of of.querySelectorAll(".steps > *")) {
    const lines = block.querySelectorAll("mtable.aligned > mtr")
    if (block.matches(".aside") && found.length) found.at(-1)?.push(block)
    else if (lines.length > 1) {
      found.push([block, lines[0]], ...[...lines].slice(1).map((line) => [line]))
    } else found.push([block])
  }
  return found.length ? found : [[]]
}

/** @param {number} to @param {number} at */
function show(to, at) {
  slide = Math.min(Math.max(to, 0), slides.length - 1)
  step = Math.min(Math.max(at, 0), stepsOf[slide].length - 1)
  slides.forEach((one, k) => {
    one.classList.toggle("now", k === slide)
    one.inert = k !== slide
  })
  stepsOf[slide].forEach((parts, k) => {
    for (const part of parts) {
      part.classList.remove("gone")
      part.classList.toggle("later", k > step)
      part.classList.toggle("appears", k === step && step > 0)
    }
  })
  if (stepsOf[slide][step].length) clear(slides[slide], stepsOf[slide].slice(0, step), stepsOf[slide][step])
  where.textContent = `${slide + 1} / ${slides.length}`
  before.disabled = !slide && !step
  after.disabled = slide === slides.length - 1 && step === stepsOf[slide].length - 1
  const anchor = slides[slide].id
  history.replaceState(null, "", anchor ? `#${anchor}` : location.pathname + location.search)
}

function forward() {
  if (step < stepsOf[slide].length - 1) show(slide, step + 1)
  else if (slide < slides.length - 1) show(slide + 1, 0)
}

function back() {
  if (step) show(slide, step - 1)
  else if (slide) show(slide - 1, Infinity)
}

/** Slides fit the window, in landscape or portrait. */
function fit() {
  if (matchMedia("print").matches) return
  const [width, height] = innerWidth > innerHeight ? [1280, 720] : [720, 1280]
  const style = document.documentElement.style
  style.setProperty("--w", `${width}px`)
  style.setProperty("--h", `${height}px`)
  style.setProperty("--scale", `${Math.min(innerWidth / width, innerHeight / height)}`)
  slides.forEach(enlarge)
  show(slide, step)
}

/** Earlier steps are hidden if the current one needs their space: whole equations, then lines.
 * @param {HTMLElement} one @param {Element[][]} earlier steps @param {Element[]} now */
function clear(one, earlier, now) {
  for (const part of earlier.flat()) {
    if (one.scrollHeight <= one.clientHeight) break
    const block = part.closest(".steps > *")
    const isShown = now.some(it => block?.contains(it))
    if (!isShown) block?.classList.add("gone")
    else if (part !== block) part.classList.add("gone")
  }
  const [block] = now.map(part => /** @type {HTMLElement} */ (part.closest(".steps > *")))
  let size = parseFloat(block.style.fontSize)
  while (one.scrollHeight > one.clientHeight && size > 0.5) block.style.fontSize = `${size -= 0.1}em` // a table
  one.classList.toggle("scrolling", one.scrollHeight > one.clientHeight)
}

/** Enlarge the steps; a line that is too long gets the largest size that fits.
 * @param {HTMLElement} one */
function enlarge(one) {
  for (const hidden of one.querySelectorAll(".later, .gone")) hidden.classList.remove("later", "gone")
  for (const block of /** @type {NodeListOf<HTMLElement>} */ (one.querySelectorAll(".steps > *"))) {
    const boxes = block.matches(".wide") ? [block] : [...block.querySelectorAll(".wide")]
    for (let size = LARGE; size >= SMALLEST; size -= 0.02) { // widths go in leaps where a face is hinted
      block.style.fontSize = `${size}em`
      if (boxes.every(box => box.scrollWidth <= box.clientWidth)) break
    }
  }
}

/** Show the slide that contains the anchor, with all its steps. */
function follow() {
  const goal = document.getElementById(location.hash.slice(1))
  const at = goal ? slides.findIndex((one) => one.contains(goal)) : -1
  if (at >= 0) show(at, slides[at] === goal ? 0 : Infinity)
}

/** @param {string} sign @param {string} words @param {() => void} act */
function button(sign, words, act) {
  const made = document.createElement("button")
  made.textContent = sign
  made.setAttribute("aria-label", words)
  made.addEventListener("click", act)
  keys.append(made)
  return made
}

const keys = document.createElement("nav")
keys.className = "slide-keys"
const called = /** @type {HTMLElement} */ (document.querySelector(".hint")).dataset
keys.setAttribute("aria-label", called.keys ?? "")
const before = button("‹", called.back ?? "", back)
const where = document.createElement("output")
keys.append(where)
const after = button("›", called.next ?? "", forward)
document.body.append(keys)
document.body.classList.add("shown-as-slides")

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.target instanceof HTMLButtonElement && [" ", "Enter"].includes(event.key)) return
  if (FORWARD.includes(event.key)) (event.shiftKey ? back : forward)()
  else if (BACK.includes(event.key)) back()
  else if (event.key === "Home") show(0, 0)
  else if (event.key === "End") show(slides.length - 1, Infinity)
  else return
  event.preventDefault()
})

let from = 0
addEventListener("touchstart", (event) => { from = event.touches[0].clientX }, { passive: true })
addEventListener("touchend", (event) => {
  const along = event.changedTouches[0].clientX - from
  if (Math.abs(along) > 40) (along < 0 ? forward : back)()
})
addEventListener("hashchange", follow)
addEventListener("resize", fit)

fit()
follow()
