// What the page reads in recipes: recipe.mjs MODULES < {table, texts}. Prints what each changes, or its
// mistake; and of one that is right the rates, and the start values that the seed draws.

import { readFileSync } from "node:fs"

const modules = new URL(`file://${process.argv[2]}/`)
const { changed, read } = await import(new URL("wasm/recipe.js", modules))
const { table, texts } = JSON.parse(readFileSync(0, "utf8"))
const told = { plan: { warp: table.warps ? {} : null }, start: {} }

for (const text of texts) {
  try {
    const changes = read(text, table)
    const { plan, start } = changed(told, changes, table)
    const values = Object.fromEntries(Object.entries(start).map(([name, own]) => [name, [...own]]))
    console.log(JSON.stringify({ changes, plan, start: values }))
  } catch ({ line, column, message }) {
    console.log(JSON.stringify({ line, column, message }))
  }
}
