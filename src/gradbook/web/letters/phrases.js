// The messages of the page that learns lines, in one place for translators.

import { mark, tr } from "../view/language.js"

export const PHRASES = {
  train: mark("Train"), pause: mark("Pause"), goOn: mark("Continue"), again: mark("Train again"),
  oldBrowser: mark("This page needs WebAssembly with vectors, which this browser doesn’t have or has switched off: open it in a newer one (any since 2023 works), or use the command gradbook train names."),
  diverged: mark("The loss is no longer a number: start over."),
  before: (/** @type {string} */ temperature, /** @type {number} */ seed) => tr("before training, temperature {temperature}, seed {seed}", { temperature, seed }),
  after: (/** @type {string} */ lines, /** @type {string} */ temperature, /** @type {number} */ seed) => tr("after {lines} lines, temperature {temperature}, seed {seed}", { lines, temperature, seed }),
  known: mark("one of the lines that it learns from"),
  end: mark("the end"), start: mark("the start"), mean: mark("mean"),
  head: (/** @type {string} */ name) => tr("head {name}", { name }),
  follows: mark("after {begun}"), first: mark("as the first letter"),
  unknown: (/** @type {string} */ letter) => tr("‘{letter}’ is in none of the lines", { letter }),
  tooLong: (/** @type {number} */ most) => tr("it sees at most {most} letters", { most }),
  curve: (/** @type {string} */ from, /** @type {string} */ to) => tr("the loss per letter: {from} at first, {to} now", { from, to }),
  guessing: (/** @type {string} */ loss) => tr("guessing: {loss}", { loss }),
}
