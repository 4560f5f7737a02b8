// The class of a folder: begun with a list of names, handed in to, marked, its points changed by hand.

import { ask, chosenFiles, element, save, tell } from "./server.js"

/**
 * @typedef {{student: string, points: number | null, outOf: number | null, verdict: string, changed: number | null, late: number | null, remark: string}} Student
 * @typedef {{begun: boolean, folder: string, books: number, isMarked: boolean, students: Student[], remarks: string[]}} Room
 */

/** Do something that takes a while; what can't be done is said.
 * @param {string} words @param {() => Promise<string>} work
 */
async function doing(words, work) {
  const said = element("room-said", HTMLElement)
  const problem = element("room-problem", HTMLElement)
  problem.textContent = ""
  said.textContent = `${words} …`
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
  element("room-remarks", HTMLElement).replaceChildren(...room.remarks.map(line => {
    const item = document.createElement("li")
    item.textContent = line
    return item
  }))
}

/** @param {Room} room */
const counted = room => `${room.students.length} students, ${room.books} ${room.books === 1 ? "book" : "books"} handed in`

/** @param {string} label @param {string} kind @param {string | number | null} value */
function field(label, kind, value) {
  const made = document.createElement("input")
  Object.assign(made, { className: "own", type: kind, value: value ?? "", ariaLabel: label, min: "0", step: "any" })
  return made
}

/** @param {Student} one */
function row(one) {
  const made = document.createElement("tr")
  const fields = [
    field(`points of ${one.student}, changed to`, "number", one.changed),
    field(`days late of ${one.student}`, "number", one.late),
    field(`remark for ${one.student}`, "text", one.remark),
  ]
  const keep = document.createElement("button")
  Object.assign(keep, { type: "button", className: "own button", textContent: "Keep", ariaLabel: `keep what is said of ${one.student}` })
  keep.addEventListener("click", () => doing("marking", async () => {
    const [changed, late, remark] = fields.map(it => it.value)
    show(await tell("class/marks", "PUT", { student: one.student, remark, ...given("changed", changed), ...given("late", late) }))
    return `kept for ${one.student}`
  }))
  for (const content of [one.student, one.points ?? "", one.outOf ?? "", one.verdict, ...fields, keep]) {
    made.insertCell().append(content instanceof Node ? content : String(content))
  }
  return made
}

/** A number that was typed in; nothing of an empty field.
 * @param {string} name @param {string} value
 */
const given = (name, value) => (value === "" ? {} : { [name]: Number(value) })

/** What the class's part of the page does, where there is one. */
export function workClass() {
  element("begin", HTMLFormElement).addEventListener("submit", event => {
    event.preventDefault()
    doing("making the exercises", async () => {
      const [names, net] = ["room-names", "room-net"].map(id => element(id, HTMLTextAreaElement).value)
      const room = await tell("class", "POST", { names, net })
      show(room)
      return `${room.students.length} exercises made, in ${room.folder}`
    })
  })

  const files = element("room-files", HTMLInputElement)
  files.addEventListener("change", () => doing("taking in", async () => {
    let count = 0
    const left = []
    for (const { name, file } of chosenFiles(files)) {
      const found = await (await ask(`class/handed-in?name=${encodeURIComponent(name)}`, "POST", file)).json()
      count += found.new
      left.push(...found.problems)
    }
    files.value = ""
    return [`${count} new ${count === 1 ? "book" : "books"}`, ...left].join("; ")
  }))

  element("room-mark", HTMLElement).addEventListener("click", () => doing("marking", async () => {
    const room = await tell("class/marks", "POST", { hints: element("room-hints", HTMLInputElement).checked })
    show(room)
    return counted(room)
  }))

  for (const button of document.querySelectorAll("[data-room]")) {
    button.addEventListener("click", () => doing("saving", async () => {
      await save(`class/${button.getAttribute("data-room")}`)
      return ""
    }))
  }

  doing("reading the folder", async () => {
    const room = await tell("class")
    show(room)
    return room.begun ? counted(room) : ""
  })
}
