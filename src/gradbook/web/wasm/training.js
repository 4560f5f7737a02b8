// A training in a page: one batch at a time, in the order and with the warps of the command.

/** @typedef {import("./engine.js").WasmEngine} WasmEngine */
/** @typedef {import("./engine.js").Kept<any>} KeptNumbers */

/** The settings of a training.
 * @typedef {object} Plan
 * @property {number} batch
 * @property {number} seed
 * @property {number[][]} rates of each step of each epoch
 * @property {number[]} scale by channel: a byte x is scaled to scale·x + shift
 * @property {number[]} shift
 * @property {number} pixels of an image
 * @property {Record<string, any> | null} warp members of the struct; arrays of numbers are passed as pointers
 * @property {{steps: number, others: string[]} | null} settling final steps for batchnorm's statistics of unwarped images; `others` are the arrays that stay
 */

const ROOM = 2_000 // images that a reader may add
// For predictions: images in their order, and nothing that only a training step needs.
const NONE = { order: 0, warp: 0, rates: 0, losses: 0, right: 0 }

export class Training {
  /** @param {WasmEngine} engine @param {Plan} plan @param {Uint8Array} images @param {Int32Array | Float32Array} wanted */
  constructor(engine, plan, images, wanted) {
    this.engine = engine
    this.plan = plan
    this.given = images.length / plan.pixels // images
    this.added = 0
    this.count = this.given // of the current epoch
    this.each = wanted.length / this.given // targets per image
    this.epoch = 0
    this.first = 0 // of the images left in the epoch
    this.order = engine.keep(BigInt64Array, this.given + ROOM)
    this.keys = engine.keep(BigUint64Array, this.given + ROOM)
    this.rate = engine.keep(Float64Array, 1)
    this.losses = engine.keep(Float64Array, 1)
    this.right = engine.keep(Int32Array, 1)
    const { rate: rates, losses, right } = this
    /** @type {KeptNumbers} */
    this.bytes = engine.keep(Uint8Array, images.length + ROOM * plan.pixels)
    const kind = /** @type {any} */ (wanted.constructor)
    /** @type {KeptNumbers} */
    this.wanted = engine.keep(kind, wanted.length + ROOM * this.each)
    this.bytes.values.set(images)
    this.wanted.values.set(wanted)
    this.job = { bytes: this.bytes, rates, losses, right, ...this.warping() } // of each step
    engine.fill("job", engine.job, {
      [wanted instanceof Int32Array ? "labels" : "targets"]: this.wanted,
      batch: plan.batch,
      seed: plan.seed,
      scale: engine.kept(Float32Array.from(plan.scale)),
      shift: engine.kept(Float32Array.from(plan.shift)),
    })
    /** @type {KeptNumbers | null} */
    this.others = null
    /** @type {KeptNumbers | null} */
    this.said = null
    this.begin()
  }

  get epochs() {
    return this.plan.rates.length
  }

  get isOver() {
    return this.epoch >= this.epochs
  }

  /** Steps of each epoch. */
  get steps() {
    return Math.ceil(this.count / this.plan.batch)
  }

  /** How many epochs are done. */
  get done() {
    return this.epoch + (this.isOver ? 0 : this.first / this.count)
  }

  /** Set the reader's own images, instead of those added before, from the next epoch on.
   * @param {Uint8Array} images @param {Int32Array | Float32Array} wanted
   */
  add(images, wanted) {
    const { plan, given, each } = this
    const count = Math.min(images.length / plan.pixels, ROOM)
    this.added = count - Number(count > 0 && (given + count) % plan.batch === 1) // no batch of one image
    this.bytes.values.set(images.subarray(0, count * plan.pixels), given * plan.pixels)
    this.wanted.values.set(wanted.subarray(0, count * each), given * each)
    if (!this.first) this.begin()
  }

  /** Add an epoch at a constant rate.
   * @param {number} rate
   */
  more(rate) {
    this.plan.rates.push([rate])
    this.begin()
  }

  /** The job's members for warping. */
  warping() {
    const { engine, plan } = this
    if (!plan.warp) return { warp: 0 }
    const at = engine.room("warp")
    const members = Object.entries(plan.warp).map(([name, value]) =>
      [name, Array.isArray(value) ? engine.kept(Float32Array.from(value)) : value])
    engine.fill("warp", at, Object.fromEntries(members))
    return { warp: engine.code.warp_function(), how: at }
  }

  /** Begin an epoch, with the images ordered by their keys. */
  begin() {
    const { engine, plan } = this
    const count = this.given + this.added
    this.count = count
    engine.code.order_keys(BigInt(plan.seed), BigInt(this.epoch), BigInt(count), this.keys.at)
    const keys = this.keys.values
    const numbers = Array.from({ length: count }, (_, number) => number)
    const key = (/** @type {number} */ number) => /** @type {bigint} */ (keys[number])
    numbers.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a - b))
    this.order.values.set(numbers.map(BigInt))
    this.first = 0
  }

  /** Train on one batch; returns its figures from before the update. */
  step() {
    const { engine, plan, order } = this
    const images = Math.min(plan.batch, this.count - this.first)
    const rates = plan.rates[this.epoch] ?? []
    const rate = rates[Math.min(this.first / plan.batch, rates.length - 1)] ?? 0
    this.rate.values[0] = rate
    engine.train({ ...this.job, images, epoch: this.epoch, order: order.at + this.first * BigInt64Array.BYTES_PER_ELEMENT })
    const seen = { images, rate, loss: this.losses.values[0] ?? NaN, right: this.right.values[0] ?? 0 }
    this.first += images
    if (this.first >= this.count) {
      this.epoch++
      if (!this.isOver) this.begin()
      else if (plan.settling) this.settle(plan.settling)
    }
    return seen
  }

  /** Take steps at a rate of 0, and keep only batchnorm's running statistics from them.
   * @param {{steps: number, others: string[]}} settling
   */
  settle({ steps, others }) {
    const { engine, plan, order, count } = this
    const held = Object.fromEntries(others.map(name => [name, engine.array(name).values.slice()]))
    const places = order.values.slice() // views become invalid when memory grows
    const batch = engine.keep(BigInt64Array, plan.batch)
    this.rate.values[0] = 0
    for (let first = 0; first < steps * plan.batch; first += plan.batch) {
      batch.values.set(Array.from({ length: plan.batch }, (_, k) => places[(first + k) % count] ?? 0n))
      engine.train({ ...this.job, warp: 0, images: plan.batch, epoch: this.epoch - 1, order: batch.at })
    }
    engine.restore(held)
  }

  /** The current outputs for these images, which are always the same ones.
   * @param {Uint8Array} images @param {number} outputs
   */
  read(images, outputs) {
    const count = images.length / this.plan.pixels
    this.others ??= this.engine.kept(images)
    this.said ??= this.engine.keep(Float32Array, count * outputs)
    this.engine.predict({ images: count, bytes: this.others, outputs: this.said, ...NONE })
    return this.said.values
  }
}
