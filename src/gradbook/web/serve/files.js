// Files that were dropped or chosen, those in folders with their folders' names.

/** @typedef {{name: string, file: File}} Given */

/** All that was dropped, whatever is within it.
 * @param {DataTransfer} dropped @returns {Promise<Given[]>}
 */
export async function droppedFiles(dropped) {
  const entries = [...dropped.items].map(item => item.webkitGetAsEntry()) // before anything is waited for
  const found = await Promise.all(entries.map(entry => (entry ? within(entry) : [])))
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
