// The samples: a table to read, to change and to add to, and files of them.

import { byNumber, spelledOut } from "../text/tokens.js"
import { byId, make, nameWords, put, say, short, takesNumbers } from "./dom.js"
import { PHRASES } from "./phrases.js"
import { mark, readNumber, tr, typed } from "./language.js"

const MOST_COLUMNS = 8 // of inputs; those of an image are changed in the drawing
const MOST_ROWS = 40 // of the table; the others are trained on, too

export class SamplesPanel {
  /** @param {import("./model.js").Model} model @param {HTMLElement} box */
  constructor(model, box) {
    this.model = model
    this.box = box
    this.cells = /** @type {(() => void)[]} */ ([])
    this.looked = -1 // at which sample
    this.inputs = /** @type {number[]} */ ([])
    this.targets = /** @type {number[]} */ ([])
    this.outputs = /** @type {number[]} */ ([])
    this.rows = /** @type {HTMLElement[]} */ ([])
    this.madeUp = byId("made-up")
  }

  update() {
    if (this.of !== this.model.training) this.build()
    say(this.madeUp, this.model.hasMadeUp ? this.model.content.madeUp : "")
    for (const cell of this.cells) cell()
    if (this.looked === this.model.sample) return
    this.looked = this.model.sample
    this.rows.forEach((row, k) => row.classList.toggle("chosen", this.rows.length > 1 && k === this.model.sample))
  }

  /** @private */
  build() {
    const { content, samples } = this.model
    this.of = this.model.training
    this.looked = -1
    this.cells = []
    const { coding } = content
    this.inputs = coding || content.inputs.length > MOST_COLUMNS ? [] : content.inputs
    this.targets = coding?.classes ? [] : content.targets
    this.outputs = coding?.classes ? [] : content.outputs
    const numbered = coding ? PHRASES.tokens.slice(0, coding.classes ? 3 : 1) : []
    const names = [...this.inputs, ...this.targets, ...this.outputs].map(line => nameWords(content.names[line]))
    const head = [...numbered, ...names].map(it => make("th", { scope: "col" }, it))
    const shown = samples.slice(0, MOST_ROWS)
    this.rows = shown.map((_, k) => this.row(k))
    const several = content.most > 1
    const corner = several ? [make("th", { scope: "col" }, mark("sample"))] : []
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...corner, ...head)), make("tbody", {}, ...this.rows))
    const rest = samples.length - shown.length
    this.box.replaceChildren(make("div", { class: "wide", tabindex: 0 }, table),
      ...(rest > 0 ? [make("p", { class: "remark" }, tr("and {count} more", { count: rest }))] : []))
  }

  /** @param {number} sample @private */
  row(sample) {
    const { content } = this.model
    const { coding } = content
    const look = () => {
      Object.assign(this.model, { sample, isSampleChosen: true })
      this.model.changed()
    }
    const choose = content.most > 1 ? [make("th", { scope: "row" }, make("button", {
      type: "button", class: "look", onclick: look, "aria-label": tr("show sample {sample}", { sample: sample + 1 }),
    }, String(sample + 1)))] : []
    return make("tr", {}, ...choose,
      ...(coding ? [this.typed(sample, 0)] : []),
      ...(coding?.classes ? [this.typed(sample, 1), this.likeliest(sample)] : []),
      ...[...this.inputs, ...this.targets].map(line => this.field(sample, line)),
      ...this.outputs.map(line => this.output(sample, line)))
  }

  /** A field for the numbers of a sample's tokens, or of its classes.
   * @param {number} sample @param {0 | 1} kind @private
   */
  typed(sample, kind) {
    const { model } = this
    const { coding, outputs, isMasked } = model.content
    const numbers = () => byNumber(model.samples[sample], coding)
    const field = make("input", {
      inputmode: "numeric", size: 2 * numbers()[kind].length + 2, autocomplete: "off", "aria-label": PHRASES.tokensOf(PHRASES.tokens[kind], sample + 1),
      oninput: () => {
        const changed = numbers()
        const many = changed[kind].length
        changed[kind] = field.value.trim().split(/[\s,]+/).map((/** @type {string} */ it) => (it ? Number(it) : NaN))
        const found = spelledOut(changed, coding, outputs.length)
        const isRight = changed[kind].length === many && Array.isArray(found) && found[1].some(Boolean) && (kind === 0 || isMasked || !changed[1].includes(-1))
        const most = kind ? coding.classes : coding.kinds
        field.setAttribute("aria-invalid", String(!isRight))
        field.title = isRight ? "" : PHRASES.numbersFrom(many, kind && isMasked ? -1 : 0, most - 1)
        if (!isRight) return
        model.before(`tokens ${kind} of ${sample}`)
        model.place(sample, kind, found)
        model.reconsider()
      },
    })
    this.cells.push(() => {
      if (document.activeElement === field) return
      field.value = numbers()[kind].join(" ")
      field.setAttribute("aria-invalid", "false")
    })
    return make("td", {}, field)
  }

  /** The predicted class at each step.
   * @param {number} sample @private
   */
  likeliest(sample) {
    const cell = make("td")
    this.cells.push(() => {
      const { content: { coding, outputs }, training } = this.model
      const shares = outputs.map((/** @type {number} */ line) => training.machine.at(line, sample))
      const steps = Array.from({ length: shares.length / coding.classes }, (_, k) => shares.slice(k * coding.classes, (k + 1) * coding.classes))
      say(cell, steps.map(own => own.indexOf(Math.max(...own))).join(" "))
    })
    return cell
  }

  /** @param {number} sample @param {number} line @private */
  field(sample, line) {
    const { model } = this
    const name = model.content.names[line].said
    const field = takesNumbers(make("input", { "aria-label": tr("{what} of sample {sample}", { what: name, sample: sample + 1 }) }), value => {
      model.putData(sample, line, value)
      model.reconsider()
    })
    this.cells.push(() => put(field, typed(model.training.machine.at(line, sample))))
    return make("td", {}, field)
  }

  /** @param {number} sample @param {number} line @private */
  output(sample, line) {
    const cell = make("td")
    this.cells.push(() => say(cell, short(this.model.training.machine.at(line, sample))))
    return cell
  }
}

/** The current sample, beside the numbers that are computed from it.
 * @param {import("./model.js").Model} model @param {HTMLElement} box
 */
export function sampleFields(model, box) {
  const title = make("b")
  const rows = make("div")
  box.append(title, rows, make("p", { class: "remark" }, mark("type over any of these numbers")))
  let of = /** @type {any} */ (null)
  let fields = /** @type {[HTMLInputElement, number][]} */ ([])
  return () => {
    const { content, samples, sample } = model
    const lines = [...content.inputs, ...content.targets]
    box.hidden = !model.isAsNumbers || lines.length > MOST_COLUMNS || Boolean(content.coding)
    if (box.hidden) return
    if (of !== content) {
      of = content
      fields = lines.map(line => [takesNumbers(make("input", { "aria-label": content.names[line].said }), value => model.put(line, value)), line])
      rows.replaceChildren(...fields.map(([field, line]) => make("label", {}, nameWords(content.names[line]), field)))
    }
    say(title, samples.length > 1 ? tr("sample {sample}", { sample: sample + 1 }) : mark("one sample"))
    for (const [field, line] of fields) put(field, typed(model.at(line), 2))
  }
}

/** The switch between the numbers of the current sample and the means over all.
 * @param {import("./model.js").Model} model
 */
export function whoseSwitch(model) {
  const inputs = ["whose-sample", "whose-mean"].map(byId)
  for (const input of inputs) input.addEventListener("change", () => model.showMean(input === inputs[1]))
  const update = () => {
    const { samples: { length }, sample, isMean } = model
    byId("whose").hidden = length < 2
    inputs[Number(isMean)].checked = true
    const words = [tr("sample {sample}", { sample: sample + 1 }), tr("mean of {count}", { count: length })]
    words.forEach((it, k) => say(inputs[k].nextElementSibling, it))
  }
  model.listeners.push(update)
  update()
}

/** How many numbers a sample has as inputs and as targets.
 * @param {any} content
 */
export function counts({ inputs, targets, coding }) {
  return [inputs.length / (coding?.kinds ?? 1), targets.length / (coding?.classes || 1)]
}

/** The samples in a table, with tokens by their numbers if the network reads tokens.
 * @param {string} text @param {any} content
 */
export function readSamples(text, content) {
  const { coding, outputs, most } = content
  const [inputs, targets] = counts(content)
  const rows = readRows(text, inputs, targets, most)
  return coding ? rows.map(row => {
    const found = spelledOut(row, coding, outputs.length)
    if (!Array.isArray(found)) throw new Error(PHRASES.numbersFrom(1, 0, found.count - 1))
    return found
  }) : rows
}

/** The samples in a table of numbers, one per row; a first row of names is skipped.
 * @param {string} text
 * @param {number} inputs
 * @param {number} targets
 * @param {number} most
 * @returns {import("./model.js").Sample[]}
 */
export function readRows(text, inputs, targets, most) {
  const lines = text.split(/\r\n|\r|\n/).map((line, k) => ({ line: line.trim(), place: k + 1 })).filter(it => it.line)
  const between = /[;\t]/.test(lines[0]?.line ?? "") ? /[;\t]/ : "," // where a comma may be a decimal sign, another sign is between cells
  const cells = lines.map(({ line, place }) => ({ place, row: line.split(between).map(word => word.trim()) }))
  const isNamed = cells[0]?.row.some(word => word && Number.isNaN(readNumber(word)))
  const rows = isNamed ? cells.slice(1) : cells
  if (!rows.length) throw new Error(mark("there is no row of numbers in it"))
  if (rows.length > most) throw new Error(tr("{count} rows: this page takes at most {most}", { count: rows.length, most }))
  return rows.map(({ place, row }) => {
    if (row.length !== inputs + targets) {
      throw new Error(tr("line {line} has {count} columns, not {wanted}: inputs, then targets", { line: place, count: row.length, wanted: inputs + targets }))
    }
    const numbers = row.map(readNumber)
    const wrong = numbers.findIndex(it => !Number.isFinite(it))
    if (wrong >= 0) throw new Error(tr("line {line}, column {column}: '{words}' isn't a number", { line: place, column: wrong + 1, words: row[wrong] }))
    return [numbers.slice(0, inputs), numbers.slice(inputs)]
  })
}
