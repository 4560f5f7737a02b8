// What the page's machine makes of tables of lines: formulas.mjs MODULES, with the tables as JSON.

import { readFileSync } from "node:fs"

const { Machine } = await import(new URL("machine/machine.js", new URL(`file://${process.argv[2]}/`)))
const numbers = JSON.parse(readFileSync(0, "utf8")).map(({ lines, leaves, wanted }) => {
  const machine = new Machine(lines, [], 1)
  for (const [line, value] of leaves) machine.fill(line, value)
  machine.run(machine.order(wanted, leaves.map(([line]) => line)))
  return wanted.map(line => machine.at(line))
})
process.stdout.write(JSON.stringify(numbers))
