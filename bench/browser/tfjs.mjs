// Images a second that TensorFlow.js trains a network on, in Node: tfjs.mjs FOLDER BACKEND NETWORK
// BATCH SECONDS, where FOLDER holds its node_modules.

import { createRequire } from "node:module"
import "./tfjs_networks.js"

const [folder, backend, network, batch, seconds] = process.argv.slice(2)
const require = createRequire(`${folder}/`)
const tf = require("@tensorflow/tfjs")
if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm")
await tf.setBackend(backend)
await tf.ready()
console.log(await globalThis.tfjsSpeed(tf, network, Number(batch), Number(seconds)))
