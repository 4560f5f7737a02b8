// The page of a result that is explored: the numbers behind it, the way to it, and its curve.

import { byId, make, say } from "../view/dom.js"
import { tr } from "../view/language.js"
import { shown } from "./amounts.js"
import { Course } from "./course.js"
import { Exploration } from "./exploration.js"
import { Learning } from "./learning.js"
import { Path } from "./path.js"
import { Rows } from "./rows.js"
import { called, remarksOf, sentenceOf } from "./sentence.js"

const MOST = 60 // results to choose from

const model = new Exploration(JSON.parse(byId("content").textContent))
const rows = new Rows(model, byId("numbers"))
const path = new Path(model, byId("way"), byId("cells"))
const course = new Course(model, byId("course"))
new Learning(model)

const [chooser, result, restore] = [byId("of"), byId("result"), byId("restore")]
const alone = model.values.map((_, k) => k).filter(k => k >= model.count && model.content.groups[model.groups[k]].values.length === 1)
const results = [...new Set([model.result, ...alone.reverse()])].slice(0, MOST)
chooser.replaceChildren(...results.map(k => make("option", { value: k }, model.values[k].label && model.values[k].place ? `${model.values[k].label} · ${model.values[k].place}` : called(model.values[k]))))
chooser.addEventListener("change", () => {
  model.ask(Number(chooser.value))
  rows.sort()
  model.choose(rows.order[0])
})
restore.addEventListener("click", () => model.restoreAll())

let waiting = 0

function show() {
  waiting = 0
  const { hasMoved, file, forms } = model
  say(result, shown(model.at(model.result), forms[model.result]))
  restore.hidden = !hasMoved
  byId("as-is").hidden = hasMoved
  say(restore, tr("restore {value}", { value: shown(file[model.result], forms[model.result]) }))
  rows.update()
  path.update()
  const sentence = byId("sentence")
  say(sentence, sentenceOf(model))
  sentence.classList.remove("long")
  sentence.classList.toggle("long", sentence.scrollWidth > sentence.clientWidth)
  byId("remarks").replaceChildren(...remarksOf(model, path.through).flatMap((part, k) => (k ? ["  ·  ", part] : [part])))
  course.update()
}

model.listeners.push(() => (waiting ||= requestAnimationFrame(show)))
show()
