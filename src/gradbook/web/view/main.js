// The page: reads its data, puts its parts together, and keeps them in step with each other.

import { tableOf } from "../build/table.js"
import { read } from "../text/reader.js"
import { fragment, takeForm } from "./address.js"
import { AimMenu } from "./aim.js"
import { AlongPanel } from "./along.js"
import { BatchField } from "./batch.js"
import { Builder } from "./builder.js"
import { byId, fit, make, save, say } from "./dom.js"
import { ChainPanel } from "./chain.js"
import { Controls } from "./controls.js"
import { CurvePanel } from "./curve.js"
import { DataPanel } from "./data.js"
import { Drawing } from "./drawing.js"
import { Editor } from "./editor.js"
import { partialsOf, placeOf, readingOf, steepest, steepestSample, weightFor } from "./factors.js"
import { Grid } from "./grid.js"
import { History } from "./history.js"
import { LearnPanel } from "./learn.js"
import { LinePanel, lossWords } from "./line.js"
import { Model, textOf, withRate } from "./model.js"
import { unpacked } from "./packed.js"
import { counts, readSamples, sampleFields, SamplesPanel } from "./samples.js"
import { SharePanel } from "./share.js"
import { SurfacePanel } from "./surface.js"
import { Wave } from "./wave.js"
import { Tips } from "./tips.js"
import { mark, pieces, tr } from "./language.js"
import { Tabs } from "./tabs.js"

takeForm()
const heading = document.querySelector("h1")
if (heading) say(heading, "gradbook") // the page's title has the network's name
const given = JSON.parse(byId("content").textContent)
const { madeUp } = given
const building = given.building && JSON.parse(unpacked(given.building))
const content = building
  ? { ...given, criteria: building.criteria, ...tableOf({ ...read(given.text, building.grammar), samples: given.samples }, [], building), madeUp }
  : { ...given, ...JSON.parse(unpacked(given.tables)) }
const model = new Model(content)

const tabs = new Tabs(byId("chain-rule").parentElement, true)
const grid = new Grid(model)
/** What pictures show if the reader hasn't chosen: a network of one sample is read by its numbers. */
model.findUsualLook = () => (model.usualLook = grid.count && model.samples.length > 1 ? "pictures" : "numbers")
model.findUsualLook()
const drawing = new Drawing(model, byId("drawing"), grid, byId("about-drawing"))
const chain = new ChainPanel(model, byId("chain"), line => drawing.focusOn(line), line => drawing.shows(line))
const curve = new CurvePanel(model, byId("curve"), byId("verdict"))
const samples = new SamplesPanel(model, byId("samples"))
const controls = new Controls(model)
const surface = new SurfacePanel(model, byId("surface"), grid)
const wave = new Wave(model, drawing, byId("about-drawing"))
const line = new LinePanel(model, unit => drawing.units?.names.get(unit) ?? "", by => {
  const { length } = model.samples
  Object.assign(model, { sample: (model.sample + by + length) % length, isSampleChosen: true })
  model.changed()
})
const along = new AlongPanel(model, chosen => drawing.focusOn(chosen))
const ownSample = sampleFields(model, byId("own-sample"))
let partials = partialsOf(content)
/** @type {DataPanel | undefined} */
let data = undefined

const LEGIBLE = 90 // milliseconds that a number is shown at least while training runs
const LONGEST = 40 // milliseconds that a frame counts for: training may make one only now and then
const FAINT = 0.1 // of the largest slope: a sample with less is left for the one that has it

/** @type {number | null} */
let waiting = null
let written = -LEGIBLE // when numbers were last shown
let turn = 0
let shown = 0
let told = -1 // the value that the line was about
let ringed = -1 // the weight whose sample is ringed
let look = "" // that the frame was arranged for

/** Show the current state, at most once per frame; while training runs, numbers change only as often
 * as they can be read, all of them in the same frame and of the same epoch.
 * @param {number} now
 */
function show(now) {
  waiting = null
  if (controls.isRunning && wave.at >= 0) wave.end()
  if (look !== model.look + model.usualLook) arrange()
  builder?.update()
  turn = controls.isRunning ? (turn + 1) % 3 : -1 // while training runs, parts are painted in turns
  if (turn <= 0) {
    grid.update()
    drawing.pictures.paint()
  }
  if (turn < 0) chooseSample()
  if (turn === 1 || turn < 0) surface.update()
  controls.update()
  drawing.lightUp()
  const frame = Math.min(now - shown, LONGEST)
  shown = now
  if (controls.isRunning && model.shown === told && now - written < Math.max(LEGIBLE, 8 * frame)) return
  written = now
  told = model.shown
  write()
}

/** Show the sample with the largest slope, unless the reader has chosen one; while training runs, another
 * one only if there is almost nothing to see of the present one.
 */
function chooseSample() {
  const weight = weightFor(model, model.shown)
  if (weight === null || model.samples.length < 2 || model.isSampleChosen) return
  model.computeAll()
  const best = steepestSample(model, weight)
  const slope = (/** @type {number} */ k) => Math.abs(model.training.machine.at(model.content.sampleSlopes[weight] ?? model.content.slopes[weight], k))
  if (!controls.isRunning || weight !== ringed || slope(model.sample) < FAINT * slope(best)) model.sample = best
  ringed = weight
}

/** Write every number of the screen, from one state. */
function write() {
  model.computeAll()
  chooseSample()
  const weight = weightFor(model, model.shown)
  surface.say()
  const reading = weight === null || model.isForward ? null : readingOf(model, weight, partials)
  controls.sayFigures()
  curve.update()
  drawing.update()
  drawing.units?.update(reading, model.pointed, weight ?? model.chosen)
  line.update(reading, model.isAsNumbers && !narrow.matches)
  along.update(model.isForward ? null : weight, controls.isRunning)
  ownSample()
  if (!controls.isRunning || !byId("chain-rule").hidden) chain.update()
  if (!controls.isRunning || !byId("samples-table").hidden) samples.update()
}

/** Choose what stands where for a look: numbers, or pictures. */
function arrange() {
  look = model.look + model.usualLook
  const { isAsNumbers } = model
  const hasPlane = grid.count > 0
  byId("looks").hidden = !hasPlane
  byId("look-numbers").checked = isAsNumbers
  byId("look-pictures").checked = !isAsNumbers
  for (const [id, isHere] of /** @type {[string, boolean][]} */ ([["plane", hasPlane && !isAsNumbers], ["loss-curve", !isAsNumbers || !hasPlane], ["along", isAsNumbers], ["every-slope", isAsNumbers && hasPlane]])) byId(id).hidden = !isHere
  byId("output").classList.toggle("as-numbers", isAsNumbers)
  data?.fit()
}

for (const it of ["pictures", "numbers"]) {
  byId(`look-${it}`).addEventListener("change", () => {
    model.look = it
    model.changed()
  })
}

/** @type {Editor | null} */
const editor = building ? new Editor(model, building, rebuild, () => history.update()) : null
const batch = new BatchField(model)
const builder = editor && new Builder(model, editor, drawing)
byId("settings").after(batch.said)

model.listeners.push(() => (waiting ??= requestAnimationFrame(show)))

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
  partials = partialsOf(model.content)
  model.findUsualLook()
  model.isSampleChosen = false
  data?.fit()
  fitSections()
  drawing.renew()
  arrange()
}

/** Show only the sections that fit the network. */
function fitSections() {
  const [inputs, targets] = counts(model.content)
  sayLoss()
  byId("drawn-masks").hidden = !model.content.masks.length
  byId("masks").hidden = !model.content.masks.length
  byId("paints").hidden = !model.content.columns.some((/** @type {import("./field.js").Column} */ it) => it.maps.length)
  byId("columns").textContent = tr("{count} columns: inputs, then targets; or drop it here", { count: inputs + targets })
}

/** The loss below its curve. */
function sayLoss() {
  const { content, samples: { length: count } } = model
  byId("loss-words").replaceChildren(...pieces(count > 1 ? mark("mean of {loss}") : mark("{loss} of one sample"), { loss: lossWords(content) }))
  fit(byId("loss-words"))
}

/** On a phone, what has no place in the row above is in the drawer, and the epoch beside the plane. */
const narrow = matchMedia("(max-width: 600px)")
const drawer = byId("chain-rule").parentElement
const onPhone = make("div", { class: "on-phone" })
drawer.prepend(onPhone)
function rearrange() {
  const isPhone = narrow.matches
  for (const id of ["step", "reset", "speed", "looks", "help"]) {
    const it = byId(id)
    if (isPhone) onPhone.append(it)
    else byId({ step: "reached", reset: "reached", speed: "said", looks: "said", help: "said" }[id] ?? "said").before(it)
  }
  if (isPhone) {
    drawer.prepend(byId("data"))
    onPhone.append(byId("tools"))
    byId("plane").before(byId("aim-words"))
    byId("now-phone").append(byId("wrong"), byId("reached"), byId("badge"))
  } else {
    byId("plane").prepend(byId("aim-words"), byId("wrong"))
    byId("plane").append(byId("tools"))
    byId("network").before(byId("data"))
    byId("rate").after(byId("badge"))
    byId("run").after(byId("step"), byId("reset"), byId("reached"))
  }
}
narrow.addEventListener("change", rearrange)
rearrange()
line.grab.addEventListener("click", () => (drawer.hidden ? tabs.open("more-settings") : tabs.close()))

addEventListener("click", event => {
  const target = /** @type {Element} */ (event.target)
  if (target.closest(".long-form")) tabs.open("chain-rule").focus()
  const help = byId("help")
  if (!help.contains(target) || target.closest("#help > div button")) help.open = false
})
addEventListener("keydown", event => {
  const target = /** @type {Element} */ (event.target)
  if (target.closest("input:not([type=radio], [type=range]), select, textarea") || event.ctrlKey || event.metaKey) return
  if (event.key === "?") byId("help").open = !byId("help").open
  else if (event.key === "Escape") byId("help").open = false
  else if (event.key.toLowerCase() === "n" && !byId("looks").hidden) byId(model.isAsNumbers ? "look-pictures" : "look-numbers").click()
})
byId("help").lastElementChild.append(...[false, true].map(isBack => make("button", { type: "button", onclick: () => {
  model.look = "numbers"
  wave.begin(isBack)
} }, isBack ? mark("Backward, value by value") : mark("Forward, value by value"))))

for (const kind of ["values", "slopes"]) {
  byId(`paint-${kind}`)?.addEventListener("change", () => drawing.paint(kind === "slopes"))
}
for (const kind of ["on", "off"]) {
  byId(`dropout-${kind}`)?.addEventListener("change", () => model.evaluate(kind === "off"))
}
new AimMenu(model)
data = new DataPanel(model, editor, batch.label, tell, given.set)
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
const isAsked = fragment(location.hash).letters !== null
new SharePanel(model, controls, editor, given.home ?? "")
const learn = new LearnPanel(model, editor, controls)
const few = matchMedia("(max-width: 1000px)") // then there is no column on the left
const dock = () => (few.matches ? byId("line").parentElement : byId("data")).append(learn.box)
few.addEventListener("change", dock)
dock()
new Tips(model)
if (!isAsked) controls.showHow()
if (!isAsked && !model.isAsNumbers) model.chosen = steepest(model, [...model.slopeOf.keys()].filter(it => placeOf(content.columns, it)?.column === 1 && placeOf(content.columns, it)?.source)) ?? model.chosen
show(performance.now())
if (given.isKept && location.protocol !== "file:") navigator.serviceWorker?.register("sw.js")

// The network as it is now, in its text form -----------------------------------

byId("save").addEventListener("click", () => save("net.txt", new Blob([textOf(model)], { type: "text/plain" })))

// The reader's data -----------------------------------------------------------

/** @param {File} file */
async function take(file) {
  try {
    data?.take(readSamples(await file.text(), model.content))
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
