// Unpacks the page's script and runs it; the page's policy allows no other text.

import { unpacked } from "./packed.js"

const held = /** @type {Element} */ (document.getElementById("packed"))
const script = document.createElement("script")
script.textContent = unpacked(String(held.textContent))
held.replaceWith(script)
