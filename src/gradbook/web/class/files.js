// Files that are dropped on a page or chosen for it; those in folders keep their folders' names.

/** @typedef {{name: string, file: File}} Given */

/** Take files dropped anywhere on the page, for a browser would open one that misses the box.
 * @param {(given: Given[]) => void} take
 */
export function takeFiles(take) {
  const place = document.getElementById("drop")
  for (const id of ["files", "folder"]) {
    const input = /** @type {HTMLInputElement} */ (document.getElementById(id))
    input.addEventListener("change", () => {
      take(chosenFiles(input))
      input.value = "" // the same files can be chosen again
    })
  }
  document.addEventListener("dragover", event => {
    event.preventDefault()
    place?.classList.add("over")
  })
  document.addEventListener("dragleave", event => {
    if (!event.relatedTarget) place?.classList.remove("over")
  })
  document.addEventListener("drop", event => {
    event.preventDefault()
    place?.classList.remove("over")
    if (event.dataTransfer) droppedFiles(event.dataTransfer).then(take)
  })
}

/** All files that were dropped, including those in folders. In a page that is itself a file, Chromium
 * gives access by handles only.
 * @param {DataTransfer} dropped @returns {Promise<Given[]>}
 */
async function droppedFiles(dropped) {
  const found = [...dropped.items].map((/** @type {any} */ item) => { // before any await, after which the items are gone
    const file = item.getAsFile()
    if (location.protocol === "file:" && item.getAsFileSystemHandle) {
      return item.getAsFileSystemHandle().then(byHandle, () => (file ? [{ name: file.name, file }] : []))
    }
    const entry = item.webkitGetAsEntry()
    return entry ? within(entry) : []
  })
  return (await Promise.all(found)).flat()
}

/** @param {any} handle @param {string} [above] @returns {Promise<Given[]>} */
async function byHandle(handle, above = "") {
  if (!handle) return []
  const name = `${above}${handle.name}`
  if (handle.kind === "file") return [{ name, file: await handle.getFile() }]
  const found = []
  for await (const inside of handle.values()) found.push(await byHandle(inside, `${name}/`))
  return found.flat()
}

/** @param {FileSystemEntry} entry @returns {Promise<Given[]>} */
async function within(entry) {
  if (entry.isDirectory) {
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader()
    const found = []
    for await (const inside of entriesOf(reader)) found.push(await within(inside))
    return found.flat()
  }
  const file = await new Promise((done, fail) =>
    /** @type {FileSystemFileEntry} */ (entry).file(done, fail)).catch(() => null)
  return file ? [{ name: entry.fullPath.replace(/^\//, ""), file }] : []
}

/** All entries of a folder, whose reader returns only some at a time.
 * @param {FileSystemDirectoryReader} reader
 */
async function* entriesOf(reader) {
  for (;;) {
    const some = /** @type {FileSystemEntry[]} */ (
      await new Promise((done, fail) => reader.readEntries(done, fail)).catch(() => []))
    if (!some.length) return
    yield* some
  }
}

/** @param {HTMLInputElement} input @returns {Given[]} */
export function chosenFiles(input) {
  return [...(input.files ?? [])].map(file => ({ name: file.webkitRelativePath || file.name, file }))
}
