import numpy as np


class Affine:
    def __init__(self, w, b):
        self.w, self.b = w, b
        self.gw, self.gb = np.zeros_like(w), np.zeros_like(b)

    def __call__(self, x):
        return self.w @ x + self.b[:, None], x

    def pull(self, dy, cache):
        x = cache
        self.gw[...] = dy @ x.T
        self.gb[...] = dy.sum(axis=1)
        return self.w.T @ dy


class Softplus:
    def __call__(self, x):
        return np.log1p(np.exp(x)), x

    def pull(self, dy, cache):
        return dy / (1 + np.exp(-cache))


class Tanh:
    def __call__(self, x):
        y = np.tanh(x)
        return y, y

    def pull(self, dy, cache):
        return dy * (1 - cache ** 2)


def through(layers, x):
    caches = []
    for layer in layers:
        x, cache = layer(x)
        caches.append(cache)
    return x, caches


def logistic_loss(s, y):
    return np.mean(np.log(1 + np.exp(-y * s)))


np.random.seed(77)
n = 70
points = np.random.randn(3, n)
signs = np.where(points[0] * points[1] + points[2] > 0, 1, -1)
layers = [
    Affine(np.random.randn(7, 3) * 0.6, np.zeros(7)),
    Softplus(),
    Affine(np.random.randn(5, 7) * 0.4, np.zeros(5)),
    Tanh(),
    Affine(np.random.randn(1, 5) * 0.4, np.zeros(1)),
]
for step in range(150):
    s, caches = through(layers, points)
    if step % 30 == 0:
        print(step, logistic_loss(s, signs))
    dy = -signs / (1 + np.exp(signs * s)) / n
    for layer, cache in zip(layers[::-1], caches[::-1]):
        dy = layer.pull(dy, cache)
    for layer in layers:
        if isinstance(layer, Affine):
            layer.w -= 0.3 * layer.gw
            layer.b -= 0.3 * layer.gb
