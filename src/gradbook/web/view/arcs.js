// Attention between steps: an arc for each share, the thicker the larger the share.

import { brief, draw, say, set } from "./dom.js"

const STEP = 9 // the radius of a step
const WHOLE = 8 // pixels, how thick a share of 1 is

/** The arcs of a head's shares; those of the step that is pointed at, or of the last, have numbers.
 * @param {import("./model.js").Model} model
 * @param {{x: number, middle: number, size: number, plane: import("./field.js").Plane}} place beside the matrix
 * @param {(line: number) => {onpointerenter: () => void, onpointerleave: () => void, onpointerdown: (event: PointerEvent) => void}} handle listeners to point at a share and to choose it
 */
export function arcs(model, { x, middle: base, size, plane }, handle) {
  const at = (/** @type {number} */ step) => x + (step + 0.5) * size
  const found = plane.flatMap((row, to) => row.flatMap((line, from) => {
    if (line === null) return []
    const [middle, radius] = [(at(from) + at(to)) / 2, Math.abs(to - from) * size / 2]
    const isAbove = from < to
    const d = from === to
      ? `M${middle - 5} ${base}c-12 36 22 36 10 0`
      : `M${at(from)} ${base}A${radius} ${radius} 0 0 1 ${at(to)} ${base}`
    const { onpointerenter, onpointerleave, onpointerdown } = handle(line)
    const path = draw("path", { d, class: "arc", onpointerenter, onpointerleave, onpointerdown })
    const foot = from === to ? STEP + 30 : radius + 13
    const text = draw("text", { x: middle, y: isAbove ? base - radius - 5 : base + foot, class: "digits over", "text-anchor": "middle" })
    return [{ path, text, line, to }]
  }))
  const steps = plane.flatMap((_, step) => [
    draw("circle", { cx: at(step), cy: base, r: STEP, class: "dot" }),
    draw("text", { x: at(step), y: base + 4, class: "digits", "text-anchor": "middle" }, String(step + 1)),
  ])
  const update = () => {
    const own = found.find(({ line }) => line === model.shown)?.to ?? plane.length - 1
    for (const { path, text, line, to } of found) {
      const share = model.at(line)
      set(path, "stroke-width", (0.5 + WHOLE * Math.max(0, share) || 0).toFixed(1))
      path.classList.toggle("own", to === own)
      path.classList.toggle("chosen", line === model.shown)
      say(text, to === own ? brief(share) : "")
    }
  }
  return { group: draw("g", {}, ...found.map(({ path }) => path), ...steps, ...found.map(({ text }) => text)), update }
}
