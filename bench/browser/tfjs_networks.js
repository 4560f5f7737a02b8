// Networks in TensorFlow.js and how many images a second they train on, for Node and for a page.

globalThis.tfjsSpeed = async (tf, name, batch, seconds) => {
  const conv = (filters, padding, first = {}) =>
    tf.layers.conv2d({ filters, kernelSize: 3, padding, useBias: false, ...first })
  const normal = () => [tf.layers.batchNormalization(), tf.layers.reLU()]
  const halved = () => tf.layers.maxPooling2d({ poolSize: 2 })
  const inputShape = [28, 28, 1]
  const networks = {
    quick: () => [
      conv(8, "same", { inputShape }), halved(), ...normal(),
      conv(16, "same"), ...normal(),
      conv(16, "same"), halved(), ...normal(),
      conv(24, "same"), ...normal(),
      conv(24, "valid"), ...normal(),
      tf.layers.flatten(),
    ],
    dense: () => [tf.layers.flatten({ inputShape }), tf.layers.dense({ units: 64, activation: "relu" })],
  }
  const layers = [...networks[name](), tf.layers.dense({ units: 10, activation: "softmax" })]
  const model = tf.sequential({ layers })
  model.compile({ optimizer: tf.train.momentum(0.05, 0.9, true), loss: "categoricalCrossentropy" })
  const images = tf.randomUniform([batch, 28, 28, 1])
  const labels = tf.oneHot(tf.randomUniform([batch], 0, 10, "int32"), 10).toFloat()
  try {
    await model.trainOnBatch(images, labels)
    let seen = 0
    const began = performance.now()
    while (performance.now() - began < 1000 * seconds) {
      await model.trainOnBatch(images, labels)
      seen += batch
    }
    return (1000 * seen) / (performance.now() - began)
  } catch (error) {
    return `can't: ${String(error.message).split("\n")[0]}`
  }
}
