// The page of a class: its table, and below it a part about each book, which a link to that part
// opens.

import { BookTable } from "./table.js"

const table = /** @type {HTMLTableElement} */ (document.querySelector("table.books"))
const rows = [...(table.tBodies[0]?.rows ?? [])]
const books = new BookTable(table, document.querySelector(".tools"))
const parts = rows.map(row => {
  const link = /** @type {HTMLAnchorElement | null} */ (row.querySelector("a"))
  return link && /** @type {HTMLDetailsElement | null} */ (document.getElementById(link.hash.slice(1)))
})

rows.forEach((row, number) => books.put(number, row, parts[number] ?? null))
books.filter()

/** Open the part that the address points to. */
function open() {
  const part = document.getElementById(location.hash.slice(1))
  if (part instanceof HTMLDetailsElement) {
    part.open = true
    part.scrollIntoView()
  }
}

window.addEventListener("hashchange", open)
window.addEventListener("beforeprint", () => parts.forEach(part => part && (part.open = true)))
open()
