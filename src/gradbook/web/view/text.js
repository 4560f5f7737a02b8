// The network's text form, with the weights and samples that it has now.

const ROLES = { w: "weights", b: "biases", γ: "scales", β: "shifts" }

/** @param {import("./model.js").Model} model */
export function textOf({ content, samples, training }) {
  const lines = content.layers.trimEnd().split("\n")
  for (const [letter, role] of Object.entries(ROLES)) {
    const own = content.weights.filter((/** @type {number} */ line) => content.names[line].letter === letter)
    const values = own.map((/** @type {number} */ line) => training.machine.at(line))
    if (values.length) lines.push(`${role} ${values.join(" ")}`)
  }
  for (const [inputs, targets] of samples) lines.push(`sample ${inputs.join(" ")} -> ${targets.join(" ")}`)
  return `${lines.join("\n")}\n`
}
