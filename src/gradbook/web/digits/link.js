// The worker: what it is told, and who hears what it tells.

/** @typedef {(told: any) => void} Listener */

export class Link {
  /** @param {string} script */
  constructor(script) {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
    this.worker = new Worker(address)
    /** @type {Record<string, Listener[]>} */
    this.listeners = {}
    this.worker.onmessage = ({ data }) => this.listeners[data.kind]?.forEach(listener => listener(data))
    this.worker.onerror = event => this.listeners.failed?.forEach(listener => listener({ why: event.message }))
  }

  /** @param {string} kind @param {Listener} listener */
  on(kind, listener) {
    ;(this.listeners[kind] ??= []).push(listener)
  }

  /** @param {string} kind @param {Record<string, any>} [told] */
  tell(kind, told = {}) {
    this.worker.postMessage({ kind, ...told })
  }
}
