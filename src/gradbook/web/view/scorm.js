// The page in a learning platform: reports, by SCORM 1.2, how much was learned.

import { learn } from "./main.js"

const WHOLE = 10 // steps of the tour or right answers: the full score
const FARTHEST = 20 // windows around this one in which a platform may be

/** @typedef {Record<"LMSInitialize" | "LMSFinish" | "LMSGetValue" | "LMSSetValue" | "LMSCommit", (...words: string[]) => string>} Api of a platform */

/** The object of a platform, in a window around this one or around what opened it.
 * @returns {Api | null}
 */
function found() {
  for (const start of [window, window.opener]) {
    let here = start
    for (let k = 0; here && k < FARTHEST; k++) {
      try {
        if (here.API?.LMSInitialize) return here.API
      } catch { /* a window of others, which may not be looked into */ }
      here = here.parent === here ? null : here.parent
    }
  }
  return null
}

/** A duration in the format of platforms: 0000:02:05.
 * @param {number} seconds
 */
export function timeOf(seconds) {
  const whole = Math.round(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return [Math.min(hours, 9999), minutes, whole % 60].map((it, k) => String(it).padStart(k ? 2 : 4, "0")).join(":")
}

/** The progress that an earlier visit stored; anything else is ignored.
 * @param {string} text @returns {{steps: string[], right: number}}
 */
export function read(text) {
  try {
    const { steps, right } = JSON.parse(text)
    return {
      steps: Array.isArray(steps) ? steps.filter(it => typeof it === "string") : [],
      right: Number.isInteger(right) && right > 0 ? right : 0,
    }
  } catch {
    return { steps: [], right: 0 }
  }
}

/** @param {Api} api */
function report(api) {
  const since = performance.now()
  const set = (/** @type {string} */ what, /** @type {string | number} */ value) => api.LMSSetValue(what, String(value))
  const before = read(api.LMSGetValue("cmi.suspend_data"))
  const wasDone = /^(completed|passed)$/.test(api.LMSGetValue("cmi.core.lesson_status"))
  let isOver = false
  for (const step of learn.steps) step.isDone ||= before.steps.includes(step.key)

  function tell() {
    if (isOver) return
    const steps = learn.steps.filter(it => it.isDone).map(it => it.key)
    const right = before.right + learn.right
    const score = Math.min(steps.length + right, WHOLE)
    const isDone = wasDone || score === WHOLE
    set("cmi.core.score.min", 0)
    set("cmi.core.score.max", WHOLE)
    set("cmi.core.score.raw", score)
    set("cmi.core.lesson_status", isDone ? "completed" : "incomplete")
    set("cmi.core.exit", isDone ? "" : "suspend")
    set("cmi.suspend_data", JSON.stringify({ steps, right }))
    set("cmi.core.session_time", timeOf((performance.now() - since) / 1000))
    api.LMSCommit("")
  }

  learn.learned = tell
  tell()
  addEventListener("pagehide", () => {
    tell()
    if (!isOver) api.LMSFinish("")
    isOver = true
  })
}

const platform = found()
if (platform && platform.LMSInitialize("") !== "false") report(platform)
