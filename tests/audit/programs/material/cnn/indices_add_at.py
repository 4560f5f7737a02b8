import numpy as np


def indices(channels, height, width, k):
    i0 = np.tile(np.repeat(np.arange(k), k), channels)
    i1 = np.repeat(np.arange(height - k + 1), width - k + 1)
    j0 = np.tile(np.tile(np.arange(k), k), channels)
    j1 = np.tile(np.arange(width - k + 1), height - k + 1)
    c = np.repeat(np.arange(channels), k * k)[:, None]
    return c, i0[:, None] + i1[None, :], j0[:, None] + j1[None, :]


class Convolution:
    def __init__(self, rng, channels, filters, k, side):
        self.index = indices(channels, side, side, k)
        self.out_side = side - k + 1
        self.weight = rng.normal(size=(filters, channels * k * k)) * np.sqrt(2 / (channels * k * k))
        self.bias = np.zeros((filters, 1))

    def forward(self, x):
        self.in_shape = x.shape
        c, i, j = self.index
        self.columns = x[:, c, i, j]
        z = self.weight @ self.columns + self.bias
        self.active = z > 0
        return (z * self.active).reshape(len(x), -1, self.out_side, self.out_side)

    def backward(self, d):
        d = d.reshape(len(d), len(self.weight), -1) * self.active
        self.d_weight = np.matmul(d, self.columns.transpose(0, 2, 1)).sum(axis=0)
        self.d_bias = d.sum(axis=(0, 2)).reshape(-1, 1)
        d_columns = self.weight.T @ d
        d_x = np.zeros(self.in_shape)
        c, i, j = self.index
        np.add.at(d_x, (slice(None), c, i, j), d_columns)
        return d_x


rng = np.random.default_rng(29)
x = rng.normal(size=(24, 1, 6, 6))
y = x[:, 0, 2:4, 2:4].mean(axis=(1, 2)) * 2
layers = [Convolution(rng, 1, 3, 3, 6), Convolution(rng, 3, 4, 2, 4)]
head = rng.normal(size=4) * 0.5
m = v = None
for t in range(1, 61):
    a = x
    for layer in layers:
        a = layer.forward(a)
    features = a.mean(axis=(2, 3))
    guess = features @ head
    loss = np.mean((guess - y) ** 2)
    d_guess = 2 * (guess - y) / len(y)
    d_head = d_guess @ features
    d = np.outer(d_guess, head)[:, :, None, None] * np.ones_like(a) / (a.shape[2] * a.shape[3])
    for layer in layers[::-1]:
        d = layer.backward(d)
    values = [head] + [w for layer in layers for w in (layer.weight, layer.bias)]
    slopes = [d_head] + [w for layer in layers for w in (layer.d_weight, layer.d_bias)]
    if m is None:
        m, v = [0 * s for s in slopes], [0 * s for s in slopes]
    for n, (value, slope) in enumerate(zip(values, slopes)):
        m[n] = 0.9 * m[n] + 0.1 * slope
        v[n] = 0.999 * v[n] + 0.001 * slope ** 2
        value -= 0.01 * (m[n] / (1 - 0.9 ** t)) / (np.sqrt(v[n] / (1 - 0.999 ** t)) + 1e-8)
    if t % 20 == 0:
        print(t, loss)
