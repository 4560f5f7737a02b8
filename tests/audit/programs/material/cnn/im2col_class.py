import numpy as np


def im2col(x, k):
    n, c, h, w = x.shape
    oh, ow = h - k + 1, w - k + 1
    cols = np.zeros((n, c, k, k, oh, ow))
    for i in range(k):
        for j in range(k):
            cols[:, :, i, j] = x[:, :, i:i + oh, j:j + ow]
    return cols.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, -1)


class Conv:
    def __init__(self, filters, channels, k):
        self.k = k
        self.W = np.random.randn(channels * k * k, filters) / np.sqrt(channels * k * k)
        self.b = np.zeros(filters)

    def forward(self, x):
        self.shape = x.shape
        self.col = im2col(x, self.k)
        out = self.col @ self.W + self.b
        n, _, h, w = x.shape
        return out.reshape(n, h - self.k + 1, w - self.k + 1, -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        d = dout.transpose(0, 2, 3, 1).reshape(-1, self.W.shape[1])
        self.dW = self.col.T @ d
        self.db = np.sum(d, axis=0)


class MaxPool2:
    def forward(self, x):
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        out = blocks.max(axis=(3, 5))
        self.mask = blocks == out[:, :, :, None, :, None]
        self.shape = x.shape
        return out

    def backward(self, dout):
        return (self.mask * dout[:, :, :, None, :, None]).reshape(self.shape)


class Affine:
    def __init__(self, n, m):
        self.W = np.random.randn(n, m) / np.sqrt(n)
        self.b = np.zeros(m)

    def forward(self, x):
        self.shape = x.shape
        self.x = x.reshape(len(x), -1)
        return self.x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        return (dout @ self.W.T).reshape(self.shape)


np.random.seed(12)
x = np.random.randn(30, 1, 6, 6)
y = np.random.randint(0, 3, 30)
x[y == 0, :, :3] += 1
x[y == 1, :, :, :3] += 1
conv, pool, affine = Conv(4, 1, 3), MaxPool2(), Affine(16, 3)
for step in range(60):
    z = conv.forward(x)
    a = np.maximum(z, 0)
    scores = affine.forward(pool.forward(a))
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(30), y]))
    p[np.arange(30), y] -= 1
    dz = pool.backward(affine.backward(p / 30)) * (z > 0)
    conv.backward(dz)
    for layer in (conv, affine):
        layer.W -= 0.3 * layer.dW
        layer.b -= 0.3 * layer.db
    if step % 20 == 0:
        print(step, loss)
