// The files that are dropped on a page or chosen for it, those in folders with their folders' names.

/** @typedef {{name: string, file: File}} Given */

/** Hand over whatever comes, anywhere on the page: a browser would open a file that misses the place.
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

/** All that was dropped, whatever is within it. Chromium lets a page that is read from a file have it by
 * handles alone.
 * @param {DataTransfer} dropped @returns {Promise<Given[]>}
 */
async function droppedFiles(dropped) {
  const found = [...dropped.items].map((/** @type {any} */ item) => { // before anything is waited for
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

/** A folder gives a few of its entries at a time.
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
