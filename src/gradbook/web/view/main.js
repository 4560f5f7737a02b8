// The page: reads what it was given, puts the parts together, and lets them follow each other.

import { byId } from "./dom.js"
import { ChainPanel } from "./chain.js"
import { Controls } from "./controls.js"
import { CurvePanel } from "./curve.js"
import { Drawing } from "./drawing.js"
import { Model } from "./model.js"
import { read, SamplesPanel } from "./samples.js"
import { SurfacePanel } from "./surface.js"
import { textOf } from "./text.js"

const content = JSON.parse(byId("content").textContent)
content.slopes = Object.fromEntries(content.chains.map(
  (/** @type {[number, {value: number}]} */ [line, chain]) => [line, chain.value]))
const model = new Model(content)

const drawing = new Drawing(model, byId("drawing"))
const chain = new ChainPanel(model, byId("chain"), line => drawing.focusOn(line))
const curve = new CurvePanel(model, byId("curve"), byId("verdict"))
const samples = new SamplesPanel(model, byId("samples"))
const controls = new Controls(model)
const surface = content.plane && byId("surface")
  ? new SurfacePanel(model, byId("surface"), () => Number(byId("class-1").checked))
  : null

/** @type {number | null} */
let waiting = null

/** Show everything as it is, once a frame at most. */
function show() {
  waiting = null
  model.computeAll()
  drawing.update()
  drawing.lightUp()
  chain.update()
  curve.update()
  samples.update()
  surface?.update()
  controls.update()
}

model.listeners.push(() => (waiting ??= requestAnimationFrame(show)))
show()

// The network as it is now, in its text form -----------------------------------

byId("save").addEventListener("click", () => {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([textOf(model)], { type: "text/plain" }))
  link.download = "net.txt"
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href))
})

// Data of one's own -----------------------------------------------------------

/** @param {File} file */
async function take(file) {
  try {
    model.begin(read(await file.text(), content.inputs.length, content.targets.length, content.most))
    say(`${file.name}: ${model.samples.length} samples`)
  } catch (error) {
    say(`${file.name}: ${error instanceof Error ? error.message : error}`)
  }
}

/** @param {string} words */
function say(words) {
  byId("said").textContent = words
}

const file = byId("file")
file?.addEventListener("change", () => file.files[0] && take(file.files[0]))
addEventListener("dragover", event => event.preventDefault())
addEventListener("drop", event => {
  event.preventDefault()
  const [dropped] = event.dataTransfer?.files ?? []
  if (dropped) take(dropped)
})
byId("sets")?.addEventListener("change", (/** @type {Event} */ event) => {
  const kind = /** @type {HTMLSelectElement} */ (event.target).value
  model.begin(structuredClone(kind ? content.plane.sets[kind] : content.samples))
  say("")
})
