// The page's requests to its server, all below the address that the page was loaded from.

import { mark, tr } from "../view/language.js"

/** A refusal by the server, with the place in a text or a row's cells if there are any. */
export class Refusal extends Error {
  /** @param {string} message @param {{line?: number, column?: number, own?: string[]}} [told] */
  constructor(message, told = {}) {
    super(message)
    this.line = told.line ?? null
    this.column = told.column ?? null
    this.own = told.own ?? null
  }
}

/** Send a request, and wait for the answer.
 * @param {string} path @param {string} [method] @param {BodyInit} [body]
 */
export async function ask(path, method = "GET", body) {
  let answer
  try {
    answer = await fetch(path, { method, ...(body === undefined ? {} : { body }) })
  } catch {
    throw new Refusal(mark("gradbook doesn’t answer: is it still running?"))
  }
  if (answer.ok) return answer
  const said = await answer.json().catch(() => ({}))
  throw new Refusal(said.error ?? tr("the server refused that ({status})", { status: answer.status }), said)
}

/** Send a request with JSON in both directions.
 * @param {string} path @param {string} [method] @param {object} [told] @returns {Promise<any>}
 */
export async function tell(path, method = "GET", told) {
  const answer = await ask(path, method, told && JSON.stringify(told))
  return answer.status === 204 ? null : answer.json()
}

/** Have a file made and saved under the name that the server gives it.
 * @param {string} path
 */
export async function save(path) {
  const answer = await ask(path)
  const name = answer.headers.get("Content-Disposition")?.match(/filename\*=UTF-8''(\S+)/)?.[1]
  const link = document.createElement("a")
  link.href = URL.createObjectURL(await answer.blob())
  link.download = decodeURIComponent(name ?? "")
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** An element of the page.
 * @template {HTMLElement} T
 * @param {string} id @param {new () => T} kind @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} is called ${id}`)
  return found
}
