// The page that checks workbooks in the browser: it loads Python and sends no workbook anywhere.

import { takeFiles } from "../class/files.js"
import { canUnpack } from "../digits/link.js"
import { byId, say } from "../view/dom.js"
import { mark, numeral, tr } from "../view/language.js"
import { Books } from "./books.js"
import { OpenWorkbook } from "./excel.js"
import { Python } from "./python.js"

const PHRASES = {
  loading: (/** @type {string} */ share) => tr("Loading Python: {share}", { share }),
  starting: mark("Python is starting. You can already drop workbooks."),
  oldBrowser: mark("This page needs WebAssembly, which this browser doesn’t have or has switched off: open it in a newer one (any since 2023 works), or use the command gradbook check."),
  noParts: (/** @type {string} */ folder) => tr("The folder {folder} isn’t beside this page: keep the two together.", { folder }),
}

async function begin() {
  const place = JSON.parse(byId("content").textContent)
  const python = new Python(place, byId("worker").textContent)
  const canCheck = Object.keys(place.parts).length > 0
  byId("drop").hidden = !canCheck
  const books = new Books(python, place.endings)
  if (canCheck) {
    python.begin = () => {
      python.begin = null
      python.last = start(python, place.folder)
    }
    takeFiles(given => books.take(given))
  }
  if (place.isPane) new OpenWorkbook(python, books)
  if (place.found.length) books.open(place.found, place.summary)
  else python.begin?.()
}

/** @param {Python} python @param {string} folder */
async function start(python, folder) {
  const said = byId("python-said")
  byId("python").hidden = false
  if (typeof WebAssembly === "undefined" || !canUnpack) return say(byId("problem"), PHRASES.oldBrowser)
  try {
    const isReady = python.load(share => {
      byId("loading").value = share
      say(said, share < 1 ? PHRASES.loading(numeral(`${Math.round(100 * share)} %`)) : PHRASES.starting)
    })
    await isReady
    document.body.dataset.python = "ready"
    byId("python").hidden = true
  } catch (error) {
    byId("python").hidden = true
    say(byId("problem"), python.given || !folder ? String(error) : PHRASES.noParts(folder))
  }
}

begin()
