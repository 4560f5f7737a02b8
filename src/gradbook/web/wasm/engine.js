// An engine in WebAssembly: its memory, its arrays, and how it is called.

/** @typedef {{arrays: Record<string, [number, number]>, job: [string, string][], warp: [string, string][]}} Table */
/** @typedef {Record<string, any>} Exports */
/** @typedef {Float32Array | Float64Array | Uint8Array | Int32Array | BigInt64Array | BigUint64Array} Numbers */

const TRAIN = 0
const PREDICT = 1

/** @type {Record<string, (view: DataView, at: number, value: any) => void>} */
const WRITE = {
  i32: (view, at, value) => view.setInt32(at, value, true),
  i64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  u64: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  f64: (view, at, value) => view.setFloat64(at, value, true),
  pointer: (view, at, value) => view.setUint32(at, value, true),
}

/** Numbers in an engine's memory, which may move: each access makes a new view of them.
 * @template {Numbers} T
 */
export class Kept {
  /** @param {WasmEngine} engine @param {new (buffer: ArrayBuffer, at: number, count: number) => T} kind @param {number} at @param {number} count */
  constructor(engine, kind, at, count) {
    this.engine = engine
    this.kind = kind
    this.at = at
    this.count = count
  }

  /** @returns {T} */
  get values() {
    return new this.kind(this.engine.memory.buffer, this.at, this.count)
  }
}

export class WasmEngine {
  /** @param {WebAssembly.Module} module @param {Table} table */
  constructor(module, table) {
    const instance = new WebAssembly.Instance(module)
    this.table = table
    /** @type {Exports} */
    this.code = instance.exports
    /** @type {WebAssembly.Memory} */
    this.memory = this.code.memory
    this.code._initialize()
    this.handle = this.code.engine_open(1)
    if (!this.handle) throw new Error("not enough memory: use a smaller batch")
    this.job = this.room("job")
  }

  /** One of its arrays, by its name in the graph.
   * @param {string} name
   */
  array(name) {
    const [number, size] = /** @type {[number, number]} */ (this.table.arrays[name])
    return new Kept(this, Float32Array, this.code.engine_array(this.handle, number), size)
  }

  /** @param {Record<string, Float32Array>} values */
  restore(values) {
    for (const [name, own] of Object.entries(values)) {
      if (name in this.table.arrays) this.array(name).values.set(own)
    }
  }

  /** Reserve memory for so many numbers of a kind, permanently.
   * @template {Numbers} T
   * @param {{new (buffer: ArrayBuffer, at: number, count: number): T, BYTES_PER_ELEMENT: number}} kind
   * @param {number} count
   */
  keep(kind, count) {
    const at = this.code.malloc(Math.max(count, 1) * kind.BYTES_PER_ELEMENT)
    if (!at) throw new Error("not enough memory for so many images")
    return new Kept(this, kind, at, count)
  }

  /** The same, with these numbers in it.
   * @template {Numbers} T
   * @param {T} values
   */
  kept(values) {
    const kind = /** @type {any} */ (values.constructor)
    const held = /** @type {Kept<T>} */ (this.keep(kind, values.length))
    held.values.set(/** @type {any} */ (values))
    return held
  }

  /** Reserve a struct, filled with zeros.
   * @param {"job" | "warp"} struct
   */
  room(struct) {
    const members = this.table[struct]
    const size = this.code[`place_in_${struct}`](members.length)
    const at = this.code.malloc(size)
    new Uint8Array(this.memory.buffer, at, size).fill(0)
    return at
  }

  /** Write members of a struct.
   * @param {"job" | "warp"} struct @param {number} at @param {Record<string, any>} values
   */
  fill(struct, at, values) {
    const view = new DataView(this.memory.buffer)
    for (const [number, [name, kind]] of this.table[struct].entries()) {
      const value = values[name]
      if (value === undefined) continue
      const write = /** @type {(view: DataView, at: number, value: any) => void} */ (WRITE[kind])
      write(view, at + this.code[`place_in_${struct}`](number), value instanceof Kept ? value.at : value)
    }
  }

  /** @param {Record<string, any>} asked members of the job; the others stay as they are */
  train(asked) {
    return this.run(TRAIN, asked)
  }

  /** @param {Record<string, any>} asked */
  predict(asked) {
    return this.run(PREDICT, asked)
  }

  /** @param {number} what @param {Record<string, any>} asked */
  run(what, asked) {
    this.fill("job", this.job, { done: 0, ...asked })
    return Number(this.code.engine_run(this.handle, this.job, what))
  }
}
