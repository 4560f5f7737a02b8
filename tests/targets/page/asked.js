// Answers questions about the page's machine: a line of JSON each, and a line of JSON back.

import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"

const [web] = process.argv.slice(2)
const load = name => import(pathToFileURL(`${web}/${name}`).href)
const { shuffled } = await load("machine/batches.js")
const { Training } = await load("machine/training.js")
const { drawn } = await load("machine/masks.js")
const { WORDS } = await load("machine/words.js")
const { judged, trial } = await load("machine/verdict.js")
const { largest, limitWords } = await load("machine/limit.js")
const { read } = await load("text/reader.js")
const { TextError } = await load("text/statement.js")
const { tableOf } = await load("build/table.js")

const edits = await load("text/edit.js")

const { featuresOf, points } = await load("build/points.js")
const { CELLS, Grid } = await load("view/grid.js")
const { fieldOf } = await load("view/field.js")
const { workbookOf } = await load("view/workbook.js")

const answers = {
  /** Where units, maps and labels stand in a field, as numbers, as pictures or as boxes. */
  field({ text, building, room, asNumbers, hasPictures }) {
    const { columns, names } = tableOf(read(text, building.grammar), [], building)
    return fieldOf(columns, room, asNumbers, new Set(Object.keys(names).map(Number).filter(line => names[line].kind === "errors")), hasPictures)
  },
  points({ kind, seed, noise }) {
    return points(kind, seed, noise)
  },
  features({ count, samples }) {
    return featuresOf(count, samples)
  },
  /** What each unit says to the points of a grid, and where those are. */
  grid({ table, rate }) {
    const training = begun(table, rate)
    const grid = new Grid({ content: table, samples: table.samples, training })
    grid.update()
    const across = Array.from({ length: CELLS }, (_, k) => grid.coordinate(k))
    return { across, values: Object.fromEntries([...grid.lines].map(line => [table.names[line]?.said ?? "", [...grid.values(line)]])) }
  },
  /** A text after one of the changes that clicks make. */
  edit({ text, grammar, change, layer, words }) {
    const all = edits.spans(text, grammar)
    const layers = all.filter(it => it.isLayer)
    const changes = {
      removed: () => edits.removed(text, layers[layer], all),
      inserted: () => edits.inserted(text, layers[layer], words),
      reworded: () => edits.reworded(text, layers[layer], words),
      numbered: () => edits.withWord(text, layers[layer], 1, words),
      set: () => edits.withSetting(text, ...words, grammar),
      rated: () => edits.withRate(text, words, grammar),
    }
    return changes[change]()
  },
  /** Every statement of a layer that can be added, as it is tried first, second and last. */
  usual({ grammar }) {
    return Object.values(grammar.forms).map(form =>
      Array.from({ length: edits.RESORTS }, (_, k) => edits.usualWords(form, grammar, k)))
  },
  /** Epochs as the page trains them: the loss and the state that each begins with. */
  train({ table, rate, epochs, batch }) {
    const training = begun(table, rate, batch)
    const found = []
    training.evaluate()
    for (let epoch = 0; epoch < epochs; epoch++) {
      if (epoch) training.step()
      found.push({ loss: training.loss, state: training.state })
    }
    return found
  },
  /** Every line's values in the first epoch. */
  lines({ table, rate }) {
    const training = begun(table, rate)
    training.evaluate()
    const { machine } = training
    machine.run(machine.order(table.lines.map((_, k) => k)))
    return table.lines.map((_, k) =>
      Array.from({ length: machine.strides[k] ? machine.samples : 1 }, (_, j) => machine.at(k, j)))
  },
  judge({ table, rate, epochs, batch }) {
    const found = trial(begun(table, rate, batch), rate, epochs, table.gates)
    return { ...judged(found, table.criteria), losses: found.losses }
  },
  /** Up to which rate it trains, and that in words. */
  limit({ table, epochs }) {
    const { criteria, gates } = table
    return searched(criteria.limit, epochs, rate =>
      judged(trial(begun(table, rate), rate, epochs, gates), criteria).trains)
  },
  /** The same search where rates train in these intervals. */
  borders({ table, epochs, intervals }) {
    return searched(table, epochs, rate => intervals.some(([low, high]) => low <= rate && rate < high))
  },
  /** The samples as an epoch goes through them. */
  shuffled({ seed, epoch, count }) {
    return shuffled(seed, epoch, count)
  },
  /** Masks as they are drawn for a sample. */
  drawn({ seed, epoch, sample, mask }) {
    return drawn(seed, epoch, sample, mask)
  },
  measured({ table, rate, line, size }) {
    return begun(table, rate).measured(line, size)
  },
  /** A network's text as the page reads it, or what it says of it. */
  read({ text, grammar }) {
    try {
      return { net: read(text, grammar) }
    } catch (error) {
      if (!(error instanceof TextError)) throw error
      return { line: error.line, column: error.column, message: error.message }
    }
  },
  /** The tables of a network that the page builds of its text. */
  build({ text, building, samples }) {
    return tableOf(read(text, building.grammar), samples ?? [], building)
  },
  /** The workbook that the page makes of the network at its start, in letters. */
  async workbook({ table, rate }) {
    const training = begun(table, rate)
    const content = { ...table, slopes: Object.fromEntries(table.chains.map(([line, chain]) => [line, chain.value])) }
    const made = await workbookOf({ content, training, samples: table.samples, rate })
    return Buffer.from(await made.arrayBuffer()).toString("base64")
  },
  /** One word on numbers. */
  word({ word, operands, which }) {
    const values = Float64Array.from([0, ...operands])
    const places = operands.flatMap((_, k) => [k + 1, 0])
    WORDS[word](values, 0, 1, Int32Array.from([...(Number.isInteger(which) ? [which] : []), ...places]))
    return values[0]
  },
}

function searched(table, epochs, trains) {
  const search = largest(table)
  let asked = search.next()
  while (!asked.done) asked = search.next(trains(asked.value))
  return { ...asked.value, words: limitWords(asked.value, epochs, table) }
}

function begun(table, rate, batch = 0) {
  const training = new Training(table, table.samples, table.state.map(([, , start]) => start))
  Object.assign(training, { rate, batch })
  return training
}

/** JSON has no word for what is no number. */
const plain = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value)

createInterface({ input: process.stdin }).on("line", async line => {
  const { about, ...question } = JSON.parse(line)
  console.log(JSON.stringify(await answers[about](question), plain))
})
