// The page in a learning platform: tells it, by SCORM 1.2 or 2004, how much was learned.

import { learn } from "./main.js"

const WHOLE = 10 // steps of the tour or right answers: all of the score
const FARTHEST = 20 // windows around this one in which a platform may be

/**
 * @typedef {Record<string, (...words: string[]) => string>} Api of a platform
 * @typedef {{start: string, end: string, get: string, set: string, keep: string, score: string, status: string, exit: string, time: string}} Words
 */

/** @type {Record<string, Words>} by what a platform calls its object */
const KNOWN = {
  API_1484_11: {
    start: "Initialize", end: "Terminate", get: "GetValue", set: "SetValue", keep: "Commit",
    score: "cmi.score", status: "cmi.completion_status", exit: "cmi.exit", time: "cmi.session_time",
  },
  API: {
    start: "LMSInitialize", end: "LMSFinish", get: "LMSGetValue", set: "LMSSetValue", keep: "LMSCommit",
    score: "cmi.core.score", status: "cmi.core.lesson_status", exit: "cmi.core.exit", time: "cmi.core.session_time",
  },
}

/** The object of a platform, in a window around this one or around what opened it.
 * @returns {[Api, Words] | null}
 */
function found() {
  for (const start of [window, window.opener]) {
    let here = start
    for (let k = 0; here && k < FARTHEST; k++) {
      for (const [name, words] of Object.entries(KNOWN)) {
        try {
          if (here[name]?.[words.start]) return [here[name], words]
        } catch { /* a window of others, which may not be looked into */ }
      }
      here = here.parent === here ? null : here.parent
    }
  }
  return null
}

/** How long it took, as each version writes it.
 * @param {number} seconds @param {boolean} isNew
 */
export function timeOf(seconds, isNew) {
  const whole = Math.round(seconds)
  if (isNew) return `PT${whole}S`
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return [Math.min(hours, 9999), minutes, whole % 60].map((it, k) => String(it).padStart(k ? 2 : 4, "0")).join(":")
}

/** What was kept of an earlier visit; nothing of what isn't ours.
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

/** @param {Api} api @param {Words} words */
function report(api, words) {
  const isNew = words === KNOWN.API_1484_11
  const since = performance.now()
  const set = (/** @type {string} */ what, /** @type {string | number} */ value) => api[words.set](what, String(value))
  const before = read(api[words.get]("cmi.suspend_data"))
  const wasDone = /^(completed|passed)$/.test(api[words.get](words.status))
  let isOver = false
  for (const step of learn.steps) step.isDone ||= before.steps.includes(step.key)

  function tell() {
    if (isOver) return
    const steps = learn.steps.filter(it => it.isDone).map(it => it.key)
    const right = before.right + learn.right
    const score = Math.min(steps.length + right, WHOLE)
    const isDone = wasDone || score === WHOLE
    set(`${words.score}.min`, 0)
    set(`${words.score}.max`, WHOLE)
    set(`${words.score}.raw`, score)
    if (isNew) {
      set("cmi.score.scaled", score / WHOLE)
      set("cmi.progress_measure", score / WHOLE)
    }
    set(words.status, isDone ? "completed" : "incomplete")
    set(words.exit, isDone ? (isNew ? "normal" : "") : "suspend")
    set("cmi.suspend_data", JSON.stringify({ steps, right }))
    set(words.time, timeOf((performance.now() - since) / 1000, isNew))
    api[words.keep]("")
  }

  learn.learned = tell
  tell()
  addEventListener("pagehide", () => {
    tell()
    if (!isOver) api[words.end]("")
    isOver = true
  })
}

const platform = found()
if (platform && platform[0][platform[1].start]("") !== "false") report(...platform)
