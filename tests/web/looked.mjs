// What a page's module makes of an image: looked.mjs MODULES, in a folder where `told.json`,
// `module.wasm` and `image` lie. Prints each layer's values and gradients, sums taken apart, and
// what the values at `places` feed.

import { readFileSync } from "node:fs"

const modules = new URL(`file://${process.argv[2]}/`)
const { WasmEngine } = await import(new URL("wasm/engine.js", modules))
const { Viewer } = await import(new URL("wasm/viewer.js", modules))
const { feeds } = await import(new URL("wasm/feeding.js", modules))
const { Look } = await import(new URL("wasm/look.js", modules))

const { content, values, target, places } = JSON.parse(readFileSync("told.json", "utf8"))
const weights = Object.fromEntries(Object.entries(values).map(([name, own]) => [name, Float32Array.from(own)]))
const code = new WebAssembly.Module(new Uint8Array(readFileSync("module.wasm")))
const viewer = new Viewer(new WasmEngine(code, content.module.table), content.view)
viewer.engine.restore(weights)
const image = new Uint8Array(readFileSync("image"))
const seen = viewer.look(image, target)
const look = new Look(content, image, seen.values, seen.target)
const sums = content.layers.flatMap((layer, number) => {
  if (layer.kind !== "conv" && layer.kind !== "dense") return []
  const place = look.largest(number)
  return [[layer.name, look.at(number, place), look.sum(number, place, weights).sum]]
})
const ways = places.map(([number, channel, row, column]) => {
  const place = { channel, row, column }
  const fed = feeds(look, number, place, weights).flatMap(({ layer, slices }) =>
    slices.flatMap(slice => slice.rows.flat()).map(term => [layer, ...Object.values(term.place), term.weight, term.value, term.product]))
  return { gradient: look.gradientAt(number, place), fed }
})
const gradients = Object.fromEntries([...look.gradients].map(([number, own]) => [content.layers[number]?.name ?? "i", [...own]]))
const layers = Object.fromEntries(content.layers.map((layer, number) => [layer.name, [...look.values.get(number)]]))
const three = new Uint8Array(3 * image.length)
for (let k = 0; k < 3; k++) three.set(image, k * image.length)
console.log(JSON.stringify({ layers, sums, ways, gradients, error: look.error, said: look.said, wanted: look.wanted, sure: look.sure, read: [...viewer.read(three)] }))
