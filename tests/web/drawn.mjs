// What the page makes of drawings: drawn.mjs MODULES < [[[x, y], …], …] of each drawing, from 0 to 1.
// Prints the paper's amounts as bytes and the image that is seen, one line for each drawing.

import { readFileSync } from "node:fs"

const modules = new URL(`file://${process.argv[2]}/`)
const { Paper, SIDE } = await import(new URL("picture/pen.js", modules))
const { asSeen } = await import(new URL("picture/framing.js", modules))
const framing = { side: 20, byMass: true }

for (const lines of JSON.parse(readFileSync(0, "utf8"))) {
  const paper = new Paper()
  for (const line of lines) {
    const points = line.map(([x, y]) => ({ x: x * SIDE, y: y * SIDE }))
    points.forEach((to, k) => paper.stroke(points[Math.max(k - 1, 0)], to))
  }
  const bytes = [...paper.amount].map(amount => Math.round(255 * amount))
  const plane = { amount: Float32Array.from(bytes, byte => byte / 255), rows: SIDE, columns: SIDE }
  const seen = asSeen(plane, 28, 28, framing)
  console.log(JSON.stringify({ side: SIDE, paper: Buffer.from(bytes).toString("base64"), seen: seen && [...seen] }))
}
