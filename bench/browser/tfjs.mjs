// Images a second that TensorFlow.js trains the network of `quick` on, in Node:
// tfjs.mjs FOLDER BACKEND BATCH SECONDS, where FOLDER holds its node_modules.

import { createRequire } from "node:module"

const [folder, backend, batch, seconds] = process.argv.slice(2)
const require = createRequire(`${folder}/`)
const tf = require("@tensorflow/tfjs")
if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm")
await tf.setBackend(backend)
await tf.ready()

const conv = (filters, padding, first = {}) =>
  tf.layers.conv2d({ filters, kernelSize: 3, padding, useBias: false, ...first })
const normal = () => [tf.layers.batchNormalization(), tf.layers.reLU()]
const model = tf.sequential({ layers: [
  conv(8, "same", { inputShape: [28, 28, 1] }), tf.layers.maxPooling2d({ poolSize: 2 }), ...normal(),
  conv(16, "same"), ...normal(),
  conv(16, "same"), tf.layers.maxPooling2d({ poolSize: 2 }), ...normal(),
  conv(24, "same"), ...normal(),
  conv(24, "valid"), ...normal(),
  tf.layers.flatten(), tf.layers.dense({ units: 10, activation: "softmax" }),
] })
model.compile({ optimizer: tf.train.momentum(0.05, 0.9, true), loss: "categoricalCrossentropy" })
const images = tf.randomUniform([Number(batch), 28, 28, 1])
const labels = tf.oneHot(tf.randomUniform([Number(batch)], 0, 10, "int32"), 10).toFloat()
try {
  await model.trainOnBatch(images, labels)
  let seen = 0
  const began = performance.now()
  while (performance.now() - began < 1000 * seconds) {
    await model.trainOnBatch(images, labels)
    seen += Number(batch)
  }
  console.log((1000 * seen) / (performance.now() - began))
} catch (error) {
  console.log(`can't: ${String(error.message).split("\n")[0]}`)
}
