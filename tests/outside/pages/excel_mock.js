// Excel's API, as Microsoft documents it, on cells in memory: what wasn't synced can't be read, and each
// of our calls is kept. The test gives the workbook's bytes, and those that follow a correction.

(() => {
  const NO_FILL = "#FFFFFF"
  const excel = { bytes: [], corrected: [], fills: {}, formulas: {}, cleared: [], comments: new Map(), closed: 0 }
  window.excel = excel
  const content = () => (Object.keys(excel.formulas).length ? excel.corrected : excel.bytes)

  window.Office = {
    FileType: { Compressed: "compressed" },
    context: {
      document: {
        getFileAsync(kind, { sliceSize }, answer) {
          const bytes = Uint8Array.from(atob(content()), it => it.charCodeAt(0))
          answer({
            status: kind === "compressed" ? "succeeded" : "failed",
            value: {
              sliceCount: Math.ceil(bytes.length / sliceSize),
              getSliceAsync: (k, back) => setTimeout(() => back({ status: "succeeded", value: { data: [...bytes.subarray(k * sliceSize, (k + 1) * sliceSize)] } })),
              closeAsync: () => (excel.closed += 1),
            },
          })
        },
      },
    },
  }

  const number = letters => [...letters].reduce((sum, it) => 26 * sum + it.charCodeAt(0) - 64, 0)
  const letters = k => (k > 26 ? letters(Math.floor((k - 1) / 26)) : "") + String.fromCharCode(65 + ((k - 1) % 26))

  function cells(area) {
    const [first, last = first] = area.split(":").map(it => /^([A-Z]+)(\d+)$/.exec(it))
    const rows = []
    for (let row = +first[2]; row <= +last[2]; row++) {
      rows.push([])
      for (let k = number(first[1]); k <= number(last[1]); k++) rows.at(-1).push(letters(k) + row)
    }
    return rows
  }

  class Run {
    constructor() {
      this.waiting = []
      const run = this
      this.workbook = {
        worksheets: { getItem: sheet => ({ getRange: area => run.range(sheet, cells(area)) }) },
        comments: {
          add(place, words) {
            const comment = run.later({ id: `{${excel.comments.size}}` }, ["id"])
            run.waiting.push(() => excel.comments.set(comment.known.id, [place, words]))
            return comment.shown
          },
          getItem: id => ({ delete: () => run.waiting.push(() => excel.comments.delete(id) || fail("no comment")) }),
        },
      }
    }

    /** What has values that can be read once they were asked for and synced. */
    later(known, names) {
      let isReady = false
      const shown = { load: () => this.waiting.push(() => (isReady = true)) }
      for (const name of names) {
        Object.defineProperty(shown, name, { get: () => (isReady ? known[name] : fail(`${name} was not loaded`)) })
      }
      return { known, shown, ready: () => (isReady = true) }
    }

    range(sheet, rows) {
      const names = rows.flat().map(cell => `${sheet}!${cell}`)
      const run = this
      const paint = color => run.waiting.push(() => names.forEach(it => (color === null ? delete excel.fills[it] : (excel.fills[it] = color))))
      return {
        format: { fill: { set color(it) { paint(it) }, clear: () => paint(null) } },
        getCell: (down, right) => run.range(sheet, [[rows[down][right]]]),
        getCellProperties() {
          const found = run.later({}, ["value"])
          run.waiting.push(() => {
            found.known.value = rows.map(row => row.map(it => ({ format: { fill: { color: excel.fills[`${sheet}!${it}`] ?? NO_FILL } } })))
            found.ready()
          })
          return found.shown
        },
        clear: () => run.waiting.push(() => excel.cleared.push(...names)),
        set formulas(it) { run.waiting.push(() => names.forEach((name, k) => (excel.formulas[name] = it.flat()[k] ?? fail("another size")))) },
      }
    }

    async sync() {
      await new Promise(done => setTimeout(done))
      for (const task of this.waiting.splice(0)) task()
    }
  }

  function fail(words) {
    throw new Error(words)
  }

  window.Excel = { run: task => { const run = new Run(); return task({ workbook: run.workbook, sync: () => run.sync() }) } }
})()
