// What outputs say: how sure a network is of each class.

/** @param {Float32Array | number[]} outputs @param {string} ending the last activation, in words */
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

/** What each output should be for a class: 1 for its own and 0 for others, or alone its number.
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
