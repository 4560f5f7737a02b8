// The page: reads its data, puts its parts together, and keeps them in step with each other.

import { tableOf } from "../build/table.js"
import { read } from "../text/reader.js"
import { AimMenu } from "./aim.js"
import { BatchField } from "./batch.js"
import { Builder } from "./builder.js"
import { byId, save, say } from "./dom.js"
import { ChainPanel } from "./chain.js"
import { Controls } from "./controls.js"
import { CurvePanel } from "./curve.js"
import { DataPanel } from "./data.js"
import { Drawing } from "./drawing.js"
import { Editor } from "./editor.js"
import { Grid } from "./grid.js"
import { History } from "./history.js"
import { LearnPanel } from "./learn.js"
import { Model, textOf, withRate } from "./model.js"
import { unpacked } from "./packed.js"
import { counts, readSamples, SamplesPanel, whoseSwitch } from "./samples.js"
import { SharePanel } from "./share.js"
import { SurfacePanel } from "./surface.js"
import { Wave } from "./wave.js"
import { Tips } from "./tips.js"
import { tr } from "./language.js"
import { Tabs } from "./tabs.js"

const given = JSON.parse(byId("content").textContent)
const { widths, madeUp } = given
const building = given.building && JSON.parse(unpacked(given.building))
const content = building
  ? { ...given, criteria: building.criteria, ...tableOf({ ...read(given.text, building.grammar), samples: given.samples }, [], building), madeUp }
  : { ...given, ...JSON.parse(unpacked(given.tables)) }
const model = new Model(content)

new Tabs(byId("chain-rule").parentElement)
const grid = new Grid(model)
const drawing = new Drawing(model, byId("drawing"), byId("drawing-scrolls"), widths, grid)
const chain = new ChainPanel(model, byId("chain"), line => drawing.focusOn(line), line => drawing.shows(line))
const curve = new CurvePanel(model, byId("curve"), byId("verdict"))
const samples = new SamplesPanel(model, byId("samples"))
const controls = new Controls(model)
const surface = new SurfacePanel(model, byId("surface"), () => Number(byId("class-1").checked), grid)

const wave = new Wave(model, drawing, drawing.legend.box)

const LEGIBLE = 90 // milliseconds that a number is shown at least while training runs

/** @type {number | null} */
let waiting = null
let written = -LEGIBLE // when numbers were last shown
let turn = 0
let shown = 0

/** Sections that are in view: while training runs, the others wait. */
const inView = new Set()
const watch = new IntersectionObserver(all => {
  for (const { target, isIntersecting } of all) inView[isIntersecting ? "add" : "delete"](target.id)
})
for (const section of document.querySelectorAll("section[id]")) watch.observe(section)

/** @param {string} section */
const isSeen = section => !controls.isRunning || inView.has(section)

/** Show the current state, at most once per frame; while training runs, numbers change only as often
* as they can be read, which leaves time for what moves.
 * @param {number} now
 */
function show(now) {
  waiting = null
  if (controls.isRunning && wave.at >= 0) wave.end()
  builder?.update()
  turn = controls.isRunning ? (turn + 1) % 3 : -1 // while training runs, parts are painted in turns
  if (turn <= 0) {
    grid.update()
    drawing.pictures.paint()
  }
  if ((turn === 1 || turn < 0) && isSeen("output")) surface.update()
  if (turn === 2 || turn < 0) curve.update()
  controls.update()
  drawing.lightUp()
  const frame = now - shown
  shown = now
  if (controls.isRunning && now - written < Math.max(LEGIBLE, 8 * frame)) return
  written = now
  model.computeAll()
  controls.sayFigures()
  drawing.update()
  if (isSeen("chain-rule")) chain.update()
  if (isSeen("samples-table")) samples.update()
}

/** @type {Editor | null} */
const editor = building ? new Editor(model, building, rebuild, () => history.update()) : null
const batch = new BatchField(model)
const builder = editor && new Builder(model, editor, byId("builder"), byId("training"))
byId("training").after(batch.said)
byId("actions").before(drawing.legend.choice)
whoseSwitch(model)

model.listeners.push(() => (waiting ??= requestAnimationFrame(show)))
show(performance.now())

// Another network -------------------------------------------------------------

/** @param {any} table @param {number[]} start */
function rebuild(table, start) {
  controls.stop()
  model.take(table, start)
  renew()
}

/** Show another network in every part. */
function renew() {
  chain.renew()
  grid.renew()
  data.fit()
  fitSections()
  drawing.renew()
}

/** Show only the sections that fit the network. */
function fitSections() {
  const [inputs, targets] = counts(model.content)
  byId("plane").hidden = !grid.count
  byId("class-0").closest("fieldset").hidden = !model.content.plane
  byId("drawn-masks").hidden = !model.content.masks.length
  byId("dropout").hidden = !model.content.masks.length
  byId("paints").hidden = !model.content.columns.some((/** @type {import("./layout.js").Column} */ it) => it.maps.length)
  byId("columns").textContent = tr("{count} columns: inputs, then targets; or drop it here", { count: inputs + targets })
}

for (const kind of ["values", "slopes"]) {
  byId(`paint-${kind}`)?.addEventListener("change", () => drawing.paint(kind === "slopes"))
}
for (const kind of ["on", "off"]) {
  byId(`dropout-${kind}`)?.addEventListener("change", () => model.evaluate(kind === "off"))
}
new AimMenu(model)
const data = new DataPanel(model, editor, batch.label, tell)
fitSections()
byId("old").remove()
if (!editor) model.listeners.push(() => say(byId("text-alone"), withRate(content.layers, model.rate, true)))

// Undo and redo ----------------------------------------------------------------

/** @type {History<any>} */
const history = new History(
  () => ({ network: model.state, text: editor?.state }),
  ({ network, text }) => {
    controls.stop()
    const isOther = network.content !== model.content
    if (editor && text) editor.state = text
    model.state = network
    if (isOther) renew()
  },
  () => editor !== null && !editor.box.isInOrder,
)
model.before = (/** @type {string} */ kind) => history.remember(kind)
const isAsked = location.hash.length > 1 || given.inNotebook === true
new SharePanel(model, controls, editor, given.inNotebook === true, given.home ?? "")
export const learn = new LearnPanel(model, editor, controls)
new Tips(model)
if (!isAsked) controls.showHow()
if (given.isKept) navigator.serviceWorker?.register("sw.js")

// The network as it is now, in its text form -----------------------------------

byId("save").addEventListener("click", () => save("net.txt", new Blob([textOf(model)], { type: "text/plain" })))

// The reader's data -----------------------------------------------------------

/** @param {File} file */
async function take(file) {
  try {
    data.take(readSamples(await file.text(), model.content))
    tell(tr("{file}: {count} samples", { file: file.name, count: model.samples.length + model.tests.length }))
  } catch (error) {
    tell(`${file.name}: ${error instanceof Error ? error.message : error}`)
  }
}

/** @param {string} words */
function tell(words) {
  say(byId("said"), words)
}

const file = byId("file")
file?.addEventListener("change", () => file.files[0] && take(file.files[0]))
addEventListener("dragover", event => event.preventDefault())
addEventListener("drop", event => {
  event.preventDefault()
  const [dropped] = event.dataTransfer?.files ?? []
  if (dropped) take(dropped)
})
