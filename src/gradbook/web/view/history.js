// Undo and redo, by buttons and by keys.

import { byId } from "./dom.js"

const MOST = 200 // steps
const TOGETHER = 800 // milliseconds between changes of the same kind that are undone as one

/** @template State */
export class History {
  /** @param {() => State} now how it is @param {(state: State) => void} put it as it was
   * @param {() => boolean} [isAstray] whether the typed text was refused; it is then undone first
   */
  constructor(now, put, isAstray = () => false) {
    this.now = now
    this.put = put
    this.isAstray = isAstray
    this.past = /** @type {State[]} */ ([])
    this.future = /** @type {State[]} */ ([])
    this.isMoving = false
    this.latest = { kind: "", time: 0 }
    this.buttons = [byId("undo"), byId("redo")]
    this.buttons[0].addEventListener("click", () => this.undo())
    this.buttons[1].addEventListener("click", () => this.redo())
    addEventListener("keydown", event => this.key(event))
  }

  /** Remember the state before a change; changes of one kind in quick succession count as one.
   * @param {string} [kind]
   */
  remember(kind = "") {
    if (this.isMoving) return
    const { latest } = this
    const time = performance.now()
    const isSame = kind !== "" && kind === latest.kind && time - latest.time < TOGETHER
    this.latest = { kind, time }
    if (isSame) return
    this.past = [...this.past, this.now()].slice(-MOST)
    this.future = []
    this.update()
  }

  undo() {
    if (this.isAstray()) this.move(this.now())
    else this.exchange(this.past, this.future)
  }

  redo() {
    this.exchange(this.future, this.past)
  }

  /** @param {State[]} from @param {State[]} to @private */
  exchange(from, to) {
    const state = from.pop()
    if (state === undefined) return
    to.push(this.now())
    this.move(state)
  }

  /** @param {State} state @private */
  move(state) {
    this.isMoving = true
    this.put(state)
    this.isMoving = false
    this.latest = { kind: "", time: 0 }
    this.update()
  }

  update() {
    this.buttons[0].disabled = !this.past.length && !this.isAstray()
    this.buttons[1].disabled = !this.future.length
  }

  /** Ctrl-Z and Ctrl-Shift-Z, or Ctrl-Y; also in fields, whose own undo doesn't know the network.
   * @param {KeyboardEvent} event @private
   */
  key(event) {
    const key = event.key.toLowerCase()
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return
    event.preventDefault()
    const field = document.activeElement
    if (field instanceof HTMLInputElement) field.blur() // a focused field would keep its text
    if (key === "y" || event.shiftKey) this.redo()
    else this.undo()
    if (field instanceof HTMLInputElement) requestAnimationFrame(() => requestAnimationFrame(() => field.isConnected && field.focus()))
  }
}
