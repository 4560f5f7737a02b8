// What the values of a dense network are called, and how their names are written.

/** @typedef {{stem: string, of?: ValueName, layer?: number, word?: string, index?: number}} ValueName */

/** The name of one value of many.
 * @param {ValueName} name @param {number} index from 1 @returns {ValueName}
 */
export const at = (name, index) => (name.of ? { ...name, of: at(name.of, index) } : { ...name, index })

/** h1, a_h1, E_total: as it is said in words.
 * @param {ValueName} name @returns {string}
 */
export function said({ stem, of, word, layer, index }) {
  const parts = [of ? said(of) : "", word, layer, index].filter(part => part !== undefined && part !== "")
  return `${stem}${of || word ? "_" : ""}${parts.join("_")}`
}

/** What the input's and then each layer's values are called.
 * @param {import("../text/reader.js").Layer[]} layers @returns {ValueName[]}
 */
export function layerNames(layers) {
  const sums = layers.flatMap((layer, k) => (layer.kind === "dense" ? [k] : []))
  const hidden = sums.slice(0, -1)
  const names = /** @type {ValueName[]} */ ([{ stem: "i" }])
  layers.forEach((layer, k) => {
    if (layer.kind === "activation") names.push({ stem: "a", of: names[k] })
    else if (k === sums[sums.length - 1]) names.push({ stem: "o" })
    else names.push({ stem: "h", ...(hidden.length > 1 ? { layer: hidden.indexOf(k) + 1 } : {}) })
  })
  return names
}

/** @param {ValueName} name @param {Record<string, string>} kinds by stem @returns {import("../view/dom.js").Name} */
export function written(name, kinds) {
  const kind = kinds[name.stem]
  const letter = `<mi class="k-${kind}">${name.stem}</mi>`
  const low = lowered(name)
  return {
    said: said(name), letter: name.stem, below: below(name), kind,
    math: low ? `<msub class="k-${kind}">${letter}<mrow>${low}</mrow></msub>` : letter,
  }
}

/** @param {ValueName} name */
const numbers = ({ layer, index }) => [layer, index].filter(part => part !== undefined).join(",")

/** What stands below the line after the letter.
 * @param {ValueName} name @returns {string}
 */
function below(name) {
  return name.of ? name.of.stem + below(name.of) : (name.word ?? "") + numbers(name)
}

/** @param {ValueName} name @returns {string} */
function lowered(name) {
  if (name.of) return `<mi>${name.of.stem}</mi>${lowered(name.of)}`
  const digits = numbers(name)
  return (name.word ? `<mtext>${name.word}</mtext>` : "") + (digits ? `<mn>${digits}</mn>` : "")
}
