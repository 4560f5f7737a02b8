// Shows a page in a notebook's cell, in a frame of its own; the widget has the page's state.

const TITLE = "The network to play with"

/**
 * @typedef {{get: (name: string) => any, set: (name: string, value: any) => void, save_changes: () => void,
 *   on: (event: string, hear: () => void) => void, off: (event: string, hear: () => void) => void}} WidgetModel
 */

/** @param {{model: WidgetModel, el: HTMLElement}} view */
function render({ model, el }) {
  const frame = document.createElement("iframe")
  frame.setAttribute("sandbox", "allow-scripts allow-downloads") // of no origin: it can't reach the notebook
  frame.title = TITLE
  frame.style.cssText = "display: block; width: 100%; border: 0"
  const fit = () => (frame.style.height = `${model.get("height")}px`)
  const tell = () => frame.contentWindow?.postMessage({ gradbook: model.get("state") }, "*")
  const hear = (/** @type {MessageEvent} */ { source, data }) => {
    if (source !== frame.contentWindow || typeof data?.gradbook !== "string") return
    if (!data.gradbook) return void (model.get("state") && tell()) // it is ready
    model.set("state", data.gradbook)
    model.save_changes()
  }
  addEventListener("message", hear)
  model.on("change:state", tell)
  model.on("change:height", fit)
  fit()
  frame.srcdoc = model.get("_page")
  el.append(frame)
  return () => {
    removeEventListener("message", hear)
    model.off("change:state", tell)
    model.off("change:height", fit)
  }
}

export default { render }
