// The page of formulas: their graph with every value and slope, forward and backward step by step,
// every number to drag, and a training of those that are learned.

import { Along } from "../view/along.js"
import { ChainPanel } from "../view/chain.js"
import { Controls } from "../view/controls.js"
import { CurvePanel } from "../view/curve.js"
import { byId, nameWords, save, say, short } from "../view/dom.js"
import { History } from "../view/history.js"
import { tr } from "../view/language.js"
import { Model, withRate } from "../view/model.js"
import { SamplesPanel, whoseSwitch } from "../view/samples.js"
import { Tabs } from "../view/tabs.js"
import { Wave } from "../view/wave.js"
import { FormulaDrawing } from "./graph.js"

const given = JSON.parse(byId("content").textContent)
const views = given.views.map((/** @type {object} */ view) => ({ ...given, ...view })) // whole formulas, single operations
const model = new Model(views[given.first])
model.chosen = model.content.trained[0][0]

new Tabs(byId("chain-rule").parentElement)
const drawing = new FormulaDrawing(model, byId("drawing"), byId("drawing-scrolls"))
const chain = new ChainPanel(model, byId("chain"), line => drawing.focusOn(line), line => drawing.shows(line))
const curve = new CurvePanel(model, byId("curve"), byId("verdict"))
const along = new Along(model, byId("along"), 0, 190)
const controls = new Controls(model)
const samples = byId("samples") && new SamplesPanel(model, byId("samples"))
const wave = new Wave(model, drawing, byId("drawing-scrolls"))

const LEGIBLE = 90 // milliseconds that a number is shown at least while training runs
let waiting = /** @type {number | null} */ (null)
let written = -LEGIBLE // when numbers were last shown

/** @param {number} now */
function show(now) {
  waiting = null
  if (controls.isRunning && wave.at >= 0) wave.end()
  controls.update()
  curve.update()
  drawing.lightUp()
  if (controls.isRunning && now - written < LEGIBLE) return
  written = now
  model.computeAll()
  controls.sayFigures()
  drawing.update()
  chain.update()
  showAlong()
  samples?.update()
  say(byId("lines"), textNow())
}

/** The result while the number that was chosen last changes. */
function showAlong() {
  const line = model.isFree(model.chosen) ? model.chosen : along.line ?? model.content.trained[0][0]
  const { loss, sampleLoss, names } = model.content
  const result = model.isMean ? loss : sampleLoss ?? loss
  along.update(line, result, model.slopeAt(line), controls.isRunning)
  say(byId("along-said"), tr("{result} is {height} where {number} is {value}; there the curve has the slope {slope}, the derivative.",
    { result: names[result].said, number: names[line].said, value: short(model.at(line)), height: short(model.at(result)), slope: short(model.slopeAt(line)) }))
}

byId("old").remove()
byId("looks").remove()
byId("loss").previousElementSibling.replaceWith(nameWords(model.content.names[model.content.loss]))
whoseSwitch(model)
model.listeners.push(() => (waiting ??= requestAnimationFrame(show)))

// Whole formulas, or every operation ---------------------------------------------

views.forEach((/** @type {any} */ view, /** @type {number} */ k) => {
  const choice = byId(`view-${k}`)
  if (choice) choice.checked = k === given.first
  choice?.addEventListener("change", () => {
    const { names } = model.content
    const same = (/** @type {number} */ line) => Number(Object.keys(view.names).find(it => view.names[it].said === names[line]?.said) ?? view.loss)
    model.state = { ...model.state, content: view, chosen: same(model.chosen) }
    renew()
  })
})

/** Show other formulas in every part. */
function renew() {
  chain.renew()
  drawing.renew()
  views.forEach((/** @type {any} */ view, /** @type {number} */ k) => {
    if (byId(`view-${k}`)) byId(`view-${k}`).checked = view === model.content
  })
}

// Undo and redo ------------------------------------------------------------------

/** @type {History<any>} */
const history = new History(
  () => model.state,
  state => {
    controls.stop()
    const isOther = state.content !== model.content
    model.state = state
    if (isOther) renew()
  },
)
model.before = (/** @type {string} */ kind) => history.remember(kind)

// The formulas with the numbers that they have now ---------------------------------

/** The text that the command reads. */
function textNow() {
  const { content, training, rate } = model
  const lines = content.weights.map((/** @type {number} */ line) => [line, [training.machine.at(line)]])
  lines.push(...content.inputs.map((/** @type {number} */ line) => [line, model.samples.map((_, k) => training.machine.at(line, k))]))
  const text = lines.reduce((/** @type {string} */ said, /** @type {[number, number[]]} */ [line, values]) => {
    const name = content.names[line].said
    return said.replace(new RegExp(`^${name} = .*$`, "m"), `${name} = ${values.join(", ")}`)
  }, content.layers)
  return withRate(text, rate, rate !== content.startRate)
}

byId("save").addEventListener("click", () => save("formulas.txt", new Blob([textNow()], { type: "text/plain" })))
show(performance.now())
