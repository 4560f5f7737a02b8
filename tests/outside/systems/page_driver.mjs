// Trains in node as a page does: page_driver.mjs MODULES, in a folder where `plan.json`,
// `module.wasm`, `start`, `pixels` and `labels` lie. What it carries goes to `end`.

import { readFileSync, writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"

const modules = pathToFileURL(`${process.argv[2]}/`)
const { WasmEngine } = await import(new URL("wasm/engine.js", modules))
const { Training } = await import(new URL("wasm/training.js", modules))

const { table, plan, carried, asTheyLie } = JSON.parse(readFileSync("plan.json", "utf8"))
const bytes = name => new Uint8Array(readFileSync(name))
const code = new WebAssembly.Module(bytes("module.wasm"))
if (WebAssembly.Module.imports(code).length) throw new Error("the module asks for something")
const engine = new WasmEngine(code, table)
const start = new Float32Array(bytes("start").buffer)
let first = 0
for (const name of carried) {
  const values = engine.array(name).values
  values.set(start.subarray(first, (first += values.length)))
}
const labels = new Int32Array(bytes("labels").buffer)
const training = new Training(engine, plan, bytes("pixels"), labels)
const lie = BigInt64Array.from(labels, (_, place) => BigInt(place))
let steps = 0
for (; !training.isOver; steps++) {
  if (asTheyLie) training.order.values.set(lie)
  training.step()
}
writeFileSync("end", Buffer.concat(carried.map(name => Buffer.from(engine.array(name).values.slice().buffer))))
console.log(steps)
