// The page on one's own machine: workbooks are dropped or chosen, a network is typed in.

import { BookClass } from "./books.js"
import { workClass } from "./classroom.js"
import { chosenFiles, droppedFiles, element } from "./server.js"
import { Texts } from "./texts.js"

const books = new BookClass()
new Texts()
if (document.getElementById("begin")) workClass()

const place = element("drop", HTMLElement)
for (const id of ["files", "folder"]) {
  const input = element(id, HTMLInputElement)
  input.addEventListener("change", () => {
    books.take(chosenFiles(input))
    input.value = "" // the same files can be chosen again
  })
}

// Anywhere on the page: a browser would open a file that misses the place.
document.addEventListener("dragover", event => {
  event.preventDefault()
  place.classList.add("over")
})
document.addEventListener("dragleave", event => {
  if (!event.relatedTarget) place.classList.remove("over")
})
document.addEventListener("drop", event => {
  event.preventDefault()
  place.classList.remove("over")
  if (event.dataTransfer) droppedFiles(event.dataTransfer).then(files => books.take(files))
})
