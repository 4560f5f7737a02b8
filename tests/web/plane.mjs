// What the plane makes of formulas of x: plane.mjs MODULES < [[formula, x, value]]: same, other or refused.

import { readFileSync } from "node:fs"

const { inequality } = await import(new URL("text/inequality.js", new URL(`file://${process.argv[2]}/`)))
const SLIGHT = 1e-9

/** Whether the formula has this value, as far as inequalities show. */
function answer([formula, x, value]) {
  const by = SLIGHT * Math.max(1, Math.abs(value))
  try {
    return inequality(`${formula} > ${value - by}`)(x, 0) && inequality(`${formula} < ${value + by}`)(x, 0) ? "same" : "other"
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return "refused"
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answer)))
