// What the page that learns lines says, in one place for whoever translates it.

export const PHRASES = {
  train: "Train", pause: "Pause", goOn: "Go on", again: "Train again",
  oldBrowser: "This page computes with WebAssembly and its vectors, which this browser doesn’t have or has switched off: open it in a newer one (any since 2023 works), or use the command gradbook write.",
  diverged: "The loss is no number any more: start over.",
  before: "before training", after: (/** @type {string} */ lines) => `after ${lines} lines`,
  drawn: (/** @type {number} */ temperature, /** @type {number} */ seed) => `temperature ${temperature}, seed ${seed}`,
  known: "one of the lines that it learns from",
  end: "the end",
  unknown: (/** @type {string} */ letter) => `‘${letter}’ is in none of the lines`,
  tooLong: (/** @type {number} */ most) => `it sees ${most} letters at most`,
  curve: (/** @type {string} */ from, /** @type {string} */ to) => `the loss of each letter fell from ${from} to ${to}`,
}
