// What the page says about changing, sharing and learning, in one place for whoever translates it.

export const PHRASES = {
  broken: "This link is broken or holds no network of this page: nothing was changed.",
  tooLong: "This link holds more than a page takes: nothing was changed.",
  anotherNetwork: "This link is of another network, and this page can't build networks.",
  share: {
    link: "Copy link", frame: "Embed", svg: "Picture (SVG)", png: "Picture (PNG)", film: "Record",
    workbook: "As workbook", derivation: "As derivation",
  },
  copied: "Copied.",
  toCopy: "Copy it from this field.",
  stopFilm: "Cancel",
  drawsMasks: "A workbook draws no masks: write “dropout 0” first.",
  tooLarge: "This network is too large for a workbook made in the page: take the command below.",
  curve: (/** @type {string} */ first, /** @type {string} */ last, /** @type {number} */ epochs, /** @type {number} */ epoch, /** @type {string} */ loss) =>
    `The loss over the epochs: at this rate from ${first} to ${last} in ${epochs} epochs; trained so far to ${loss} at epoch ${epoch}`,
  layers: "Layers, in order",
  hint: "Drag a layer to move it, or use the arrow keys; Delete removes it.",
  layer: (/** @type {number} */ k, /** @type {string} */ words) => `layer ${k}, ${words}`,
  ofLayer: (/** @type {string} */ what, /** @type {number} */ k) => `${what} of layer ${k}`,
  remove: (/** @type {string} */ layer) => `remove ${layer}`,
  change: (/** @type {string} */ what, /** @type {number} */ from, /** @type {number} */ to) => `${what}: ${from} to ${to}`,
  addLayer: (/** @type {string} */ words) => `add a layer behind ${words}`,
  add: (/** @type {string} */ words) => `add behind ${words} …`,
  times: "times", activation: "activation", hidden: "hidden layers", samples: "samples",
  tooMany: (/** @type {number} */ most) => `a page takes at most ${most.toLocaleString("en")} samples`,
}
