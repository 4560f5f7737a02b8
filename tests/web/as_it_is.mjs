// What the page makes of a picture that isn't framed: as_it_is.mjs MODULES < {data, rows, columns, image}.

import { readFileSync } from "node:fs"

const { asItIs } = await import(new URL("picture/framing.js", new URL(`file://${process.argv[2]}/`)))
const { image, ...picture } = JSON.parse(readFileSync(0, "utf8"))
console.log(JSON.stringify([...asItIs(picture, image)]))
