// The class of a folder: set up with a list of names, collected, marked, with points changed by hand.

import { mark, tr, trCount } from "../view/language.js"
import { chosenFiles } from "../class/files.js"
import { make } from "../view/dom.js"
import { ask, element, Refusal, save, tell } from "./server.js"

/**
 * @typedef {{student: string, points: number | null, outOf: number | null, verdict: string, own: string[]}} Student
 * @typedef {{begun: boolean, folder: string, books: number, isMarked: boolean, hints: boolean, students: Student[], remarks: string[]}} Room
 */

/** Do something that takes a while, and show why if it fails.
 * @param {string} words what to show meanwhile @param {() => Promise<string>} work
 */
async function doing(words, work) {
  const said = element("room-said", HTMLElement)
  const problem = element("room-problem", HTMLElement)
  problem.textContent = ""
  said.textContent = words
  try {
    said.textContent = await work()
  } catch (error) {
    said.textContent = ""
    problem.textContent = error instanceof Error ? error.message : String(error)
  }
}

/** @param {Room} room */
function show(room) {
  element("begin", HTMLElement).hidden = room.begun
  element("room", HTMLElement).hidden = !room.begun
  if (!room.begun) return
  const body = document.querySelector("table.room tbody") ?? document.createElement("tbody")
  document.querySelector("table.room")?.append(body)
  body.replaceChildren(...room.students.map(row))
  element("room-hints", HTMLInputElement).checked = room.hints
  element("room-remarks", HTMLElement).replaceChildren(...room.remarks.map(line => make("li", {}, line)))
}

/** @param {Room} room */
function counted(room) {
  const students = trCount("{count} student", "{count} students", room.students.length)
  const books = trCount("{count} workbook handed in", "{count} workbooks handed in", room.books)
  return tr("{students}, {books}", { students, books })
}

/** @param {string} label @param {string} kind @param {string} value @returns {HTMLInputElement} */
const field = (label, kind, value) => make("input", { type: kind, value, "aria-label": label, min: 0, step: "any" })

/** Cells that were typed into a row and aren't saved yet, and the cells before that.
 * @type {Map<string, {seen: string[], typed: string[]}>}
 */
const drafts = new Map()

/** @param {Student} one */
function row(one) {
  const { student } = one
  const made = /** @type {HTMLTableRowElement} */ (make("tr"))
  const [changed, late, remark] = drafts.get(student)?.typed ?? one.own
  const fields = [
    field(tr("points of {student}, changed to", { student }), "number", changed),
    field(tr("days late of {student}", { student }), "number", late),
    field(tr("remark for {student}", { student }), "text", remark),
  ]
  let seen = drafts.get(student)?.seen ?? one.own
  const draw = () => drafts.set(student, { seen, typed: fields.map(it => it.value) })
  made.addEventListener("input", draw)
  const label = tr("keep the row of {student}", { student })
  const keep = make("button", { type: "button", "aria-label": label, onclick: () => doing(mark("marking …"), async () => {
    const typed = fields.map((it, k) => (it.value === seen[k] ? null : it.value))
    const room = await tell("class/marks", "PUT", { student, seen, typed }).catch(error => {
      if (error instanceof Refusal && error.own) {
        seen = error.own
        fields.forEach((it, k) => { if (typed[k] === null) it.value = seen[k] })
        draw()
      }
      throw error
    })
    drafts.delete(student)
    show(room)
    return tr("kept for {student}", { student })
  }) }, mark("Keep"))
  for (const content of [student, one.points ?? "", one.outOf ?? "", one.verdict, ...fields, keep]) {
    made.insertCell().append(content instanceof Node ? content : String(content))
  }
  return made
}

/** The class's part of the page, if there is one. */
export function workClass() {
  element("begin", HTMLFormElement).addEventListener("submit", event => {
    event.preventDefault()
    doing(mark("making the exercises …"), async () => {
      const [names, net] = ["room-names", "room-net"].map(id => element(id, HTMLTextAreaElement).value)
      const room = await tell("class", "POST", { names, net })
      show(room)
      return trCount("{count} exercise made, in {folder}", "{count} exercises made, in {folder}", room.students.length, { folder: room.folder })
    })
  })

  const files = element("room-files", HTMLInputElement)
  files.addEventListener("change", () => doing(mark("collecting …"), async () => {
    let count = 0
    const left = []
    for (const { name, file } of chosenFiles(files)) {
      const found = await (await ask(`class/handed-in?name=${encodeURIComponent(name)}`, "POST", file)).json()
      count += found.new
      left.push(...found.problems)
    }
    files.value = ""
    return [trCount("{count} new workbook", "{count} new workbooks", count), ...left].join("; ")
  }))

  element("room-mark", HTMLElement).addEventListener("click", () => doing(mark("marking …"), async () => {
    const room = await tell("class/marks", "POST", { hints: element("room-hints", HTMLInputElement).checked })
    show(room)
    return counted(room)
  }))

  for (const button of document.querySelectorAll("[data-room]")) {
    button.addEventListener("click", () => doing(mark("saving …"), async () => {
      await save(`class/${button.getAttribute("data-room")}`)
      return ""
    }))
  }

  doing(mark("reading the folder …"), async () => {
    const room = await tell("class")
    show(room)
    return room.begun ? counted(room) : ""
  })
}
