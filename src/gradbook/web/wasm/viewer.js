// A trained network at work: every layer's values for an image, and the outputs for many.


/** @typedef {import("./engine.js").WasmEngine} WasmEngine */

/** Its input and output.
 * @typedef {object} View
 * @property {number} batch how many images it takes at once
 * @property {number} pixels of an image, all channels
 * @property {number} all how many values it outputs per image
 * @property {string} ending the last activation, in words
 * @property {number} outputs how many of these, at the end, are the network's outputs
 * @property {number[]} scale
 * @property {number[]} shift
 */

export class Viewer {
  /** @param {WasmEngine} engine @param {View} view */
  constructor(engine, view) {
    this.engine = engine
    this.view = view
    this.images = engine.keep(Uint8Array, view.batch * view.pixels)
    this.values = engine.keep(Float32Array, view.batch * view.all)
    this.targets = engine.keep(Float32Array, view.batch * view.outputs)
    engine.fill("job", engine.job, {
      batch: view.batch,
      bytes: this.images,
      targets: this.targets,
      outputs: this.values,
      scale: engine.kept(Float32Array.from(view.scale)),
      shift: engine.kept(Float32Array.from(view.shift)),
    })
  }

  /** All layers' values for one image, and the gradients of its error for a class, by default the
* likeliest.
   * @param {Uint8Array} image @param {number | null} said
   */
  look(image, said) {
    const { ending, outputs } = this.view
    const target = said ?? likeliest(probabilities(this.read(image), ending))
    this.targets.values.set(targets(target, outputs))
    return { target, values: this.some(image, 1).slice(0, this.view.all) }
  }

  /** The outputs of each image, one after the other.
   * @param {Uint8Array} images
   */
  read(images) {
    const { batch, pixels, all, outputs } = this.view
    const count = images.length / pixels
    const said = new Float32Array(count * outputs)
    for (let first = 0; first < count; first += batch) {
      const some = Math.min(batch, count - first)
      const values = this.some(images.subarray(first * pixels, (first + some) * pixels), some)
      for (let k = 0; k < some; k++) {
        said.set(values.subarray((k + 1) * all - outputs, (k + 1) * all), (first + k) * outputs)
      }
    }
    return said
  }

  /** @param {Uint8Array} images @param {number} count */
  some(images, count) {
    this.images.values.set(images)
    this.engine.predict({ images: count })
    return this.values.values
  }
}

// The meaning of outputs ----------------------------------------------------------

/** The probability of each class.
 * @param {Float32Array | number[]} outputs @param {string} ending the last activation, in words
 */
export function probabilities(outputs, ending) {
  const said = Array.from(outputs)
  if (said.length === 1) return [1 - (said[0] ?? 0), said[0] ?? 0]
  if (ending === "softmax" || ending === "sigmoid") return shares(said)
  const most = Math.max(...said)
  return shares(said.map(output => Math.exp(output - most)))
}

/** @param {number[]} amounts */
function shares(amounts) {
  const total = amounts.reduce((sum, amount) => sum + amount, 0)
  return amounts.map(amount => amount / Math.max(total, 1e-300))
}

/** The targets for a class: 1 for its own output and 0 for others; of a single output, its number.
 * @param {number} own @param {number} outputs
 */
export function targets(own, outputs) {
  return outputs === 1 ? [own] : Array.from({ length: outputs }, (_, k) => Number(k === own))
}

/** The number of the class that is likeliest; of equal ones the first.
 * @param {number[]} sure
 */
export function likeliest(sure) {
  return sure.indexOf(Math.max(...sure))
}
