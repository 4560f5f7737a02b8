// Images a second that a page's module trains on: ours.mjs MODULES PACK.json SECONDS

import { readFileSync } from "node:fs"
import { inflateSync } from "node:zlib"

const [web, pack, seconds] = process.argv.slice(2)
const { WasmEngine } = await import(new URL("wasm/engine.js", `file://${web}/`))
const { Training } = await import(new URL("wasm/training.js", `file://${web}/`))

const bytes = letters => new Uint8Array(inflateSync(Buffer.from(letters, "base64")))
const told = JSON.parse(readFileSync(pack, "utf8"))
const engine = new WasmEngine(new WebAssembly.Module(bytes(told.module.code)), told.module.table)
for (const [name, own] of Object.entries(told.start)) engine.array(name).values.set(new Float32Array(bytes(own).buffer))
const training = new Training(engine, told.plan, bytes(told.images), new Int32Array(bytes(told.labels).buffer))
for (let k = 0; k < 2; k++) training.step()
let images = 0
const began = performance.now()
while (performance.now() - began < 1000 * seconds) {
  if (training.isOver) training.epoch = 0
  images += training.step().images
}
console.log((1000 * images) / (performance.now() - began))
