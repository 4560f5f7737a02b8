import numpy as np

np.random.seed(4)
n, size, k = 24, 6, 3
images = np.random.rand(n, size, size) * 0.3
labels = np.arange(n) % 2
for i in range(n):
    line = np.random.randint(size)
    if labels[i]:
        images[i, line, :] += 1
    else:
        images[i, :, line] += 1

out = size - k + 1
kernel = np.random.randn(k, k) * 0.3
kernel_bias = 0.5
weights = np.random.randn(out, out) * 0.3
bias = 0.0
lr = 0.02


def convolve(image):
    result = np.zeros((out, out))
    for r in range(out):
        for c in range(out):
            result[r, c] = np.sum(image[r:r + k, c:c + k] * kernel) + kernel_bias
    return result


for epoch in range(4):
    loss = 0
    for image, label in zip(images, labels):
        z = convolve(image)
        a = np.maximum(z, 0)
        p = 1 / (1 + np.exp(-(np.sum(a * weights) + bias)))
        loss += -np.log(p) if label else -np.log(1 - p)

        d = p - label
        d_weights = d * a
        d_bias = d
        dz = d * weights * (z > 0)
        d_kernel = np.zeros_like(kernel)
        for r in range(out):
            for c in range(out):
                d_kernel += dz[r, c] * image[r:r + k, c:c + k]
        d_kernel_bias = dz.sum()

        weights -= lr * d_weights
        bias -= lr * d_bias
        kernel -= lr * d_kernel
        kernel_bias -= lr * d_kernel_bias
    print("epoch", epoch, "loss", loss / n)
