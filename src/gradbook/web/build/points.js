// Points drawn by rule: the same seed gives the same points as in data/sources.py; and the features
// of a point that may be inputs.

import { Random } from "../machine/chance.js"

/** @typedef {import("../machine/training.js").Sample} Sample */

const COUNT = 100
const [SPREAD, TURNS, INNER, OUTER, MIDDLE, WIDE] = [0.05, 1.25, 0.45, [0.65, 1], 0.45, 0.18]
const [CORNER, BROAD, EDGE] = [0.5, 0.19, 0.96]
const HILLS = [[-0.65, 0.5, 1], [0, 0.5, -1], [0.65, 0.5, 1], [-0.65, -0.5, -1], [0, -0.5, 1], [0.65, -0.5, -1]]

/** @param {Random} random @param {number} [low] */
const anywhere = (random, low = -1) => random.uniform(low, 1)

/** @param {number} radius @param {number} angle */
const polar = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)]

/** A point of a cloud around 0.
 * @param {Random} random @param {number} wide
 */
function cloud(random, wide) {
  const radius = wide * Math.sqrt(-2 * Math.log(1 - random.random()))
  return polar(radius, random.uniform(0, 2 * Math.PI))
}

/** How each set draws a point: its coordinates, then its class or its target value.
 * @type {Record<string, {isValue?: boolean, draw: (random: Random) => number[]}>}
 */
export const SETS = {
  halves: {
    draw(random) {
      for (;;) {
        const [x, y] = [anywhere(random), anywhere(random)]
        if (Math.abs(x + 0.5 * y) > SPREAD) return [x, y, Number(x + 0.5 * y > 0)]
      }
    },
  },
  quadrants: {
    draw(random) {
      const corner = [-1, 1].map(() => CORNER * [-1, 1][random.below(2)])
      const [x, y] = cloud(random, BROAD).map((it, k) => Math.max(-EDGE, Math.min(EDGE, corner[k] + it)))
      return [x, y, Number(x > 0 !== y > 0)]
    },
  },
  circle: {
    draw(random) {
      const isInside = random.random() < 0.5
      const radius = isInside ? INNER * Math.sqrt(random.random()) : random.uniform(OUTER[0], OUTER[1])
      return [...polar(radius, random.uniform(0, 2 * Math.PI)), Number(isInside)]
    },
  },
  gaussians: {
    draw(random) {
      const which = random.below(2)
      const [x, y] = cloud(random, WIDE)
      const middle = (2 * which - 1) * MIDDLE
      return [middle + x, middle + y, which]
    },
  },
  spiral: {
    draw(random) {
      const arm = random.below(2)
      const way = anywhere(random, 0.08)
      const [x, y] = polar(way, 2 * Math.PI * TURNS * way + arm * Math.PI)
      return [x + random.uniform(-SPREAD, SPREAD), y + random.uniform(-SPREAD, SPREAD), arm]
    },
  },
  slope: {
    isValue: true,
    draw(random) {
      const [x, y] = [anywhere(random), anywhere(random)]
      return [x, y, (x + y) / 2]
    },
  },
  hills: {
    isValue: true,
    draw(random) {
      const [x, y] = [anywhere(random), anywhere(random)]
      const value = HILLS.reduce((sum, [a, b, sign]) => sum + sign * Math.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.08), 0)
      return [x, y, value]
    },
  },
  sine: {
    isValue: true,
    draw(random) {
      const x = anywhere(random)
      return [x, Math.sin(Math.PI * x)]
    },
  },
}

/** So many points of a kind, with three decimals. Noise moves a point, or its value, by at
* most so much; without it and with seed 0 they are the command's points.
 * @param {string} kind @param {number} [seed] @param {number} [noise] @param {number} [count]
 */
export function points(kind, seed = 0, noise = 0, count = COUNT) {
  return pointsOf(SETS[kind], kind, seed, noise, count)
}

/** Points of the square, of which those are in class 1 where something holds.
 * @param {(x: number, y: number) => boolean} holds @param {string} formula @param {number} seed @param {number} noise
 */
export function pointsWhere(holds, formula, seed, noise) {
  const draw = (/** @type {Random} */ random) => {
    const [x, y] = [anywhere(random), anywhere(random)]
    return [x, y, Number(holds(x, y))]
  }
  return pointsOf({ draw }, formula, seed, noise, COUNT)
}

/** @param {{isValue?: boolean, draw: (random: Random) => number[]}} set @param {string} kind @param {number} seed @param {number} noise @param {number} count */
function pointsOf({ draw, isValue }, kind, seed, noise, count) {
  const random = new Random(seed ? `${kind} ${seed}` : kind)
  const shaking = new Random(`noise ${kind} ${seed}`)
  return Array.from({ length: count }, () => {
    const point = draw(random)
    const last = point.length - 1
    return point.map((it, k) => Number(((k === last) === Boolean(isValue) ? it + shaking.uniform(-noise, noise) : it).toFixed(3)))
  })
}

/** Points as samples; a class becomes its targets, a value is the target itself.
 * @param {number[][]} points @param {number[][] | null} classes @returns {Sample[]}
 */
export function labelled(points, classes) {
  return points.map(point => {
    const last = point[point.length - 1]
    return [point.slice(0, -1), classes ? [...classes[last]] : [last]]
  })
}

// Features ---------------------------------------------------------------------------

/** @type {Record<string, (x: number, y: number) => number>} */
export const FEATURES = {
  x: x => x, y: (_, y) => y, "x²": x => x * x, "y²": (_, y) => y * y, xy: (x, y) => x * y,
  "sin πx": x => Math.sin(Math.PI * x), "sin πy": (_, y) => Math.sin(Math.PI * y),
}

/** The inputs of a point.
 * @param {string[]} features @param {number[]} point
 */
export const made = (features, [x, y]) => features.map(it => FEATURES[it](x, y))

/** The feature that each input is, if all inputs are features of a point on a line or a plane;
* none otherwise.
 * @param {number} count of inputs @param {Sample[]} samples @returns {string[]}
 */
export function featuresOf(count, samples) {
  const names = Object.keys(FEATURES)
  const found = count < 3 ? names.slice(0, count) : Array.from({ length: count }, (_, k) => (k < 2 ? names[k] : names.slice(2).find(name =>
    samples.length > 1 && samples.every(([inputs]) => Math.abs(FEATURES[name](inputs[0], inputs[1]) - inputs[k]) < 1e-9)) ?? ""))
  return found.every(Boolean) && new Set(found).size === count ? found : []
}
