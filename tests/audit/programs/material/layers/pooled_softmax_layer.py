import numpy as np


class Tensor2d:
    """A layer keeps its weight with the bias as its last row."""

    def __init__(self, n_in, n_out, activation):
        self.theta = np.random.uniform(-0.5, 0.5, (n_in + 1, n_out))
        self.activation = activation
        self.cache = None

    def feed(self, x):
        x1 = np.hstack([x, np.ones((len(x), 1))])
        z = x1 @ self.theta
        if self.activation == "elu":
            a = np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
        elif self.activation == "softmax":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            a = e / e.sum(axis=1, keepdims=True)
        else:
            a = z
        self.cache = x1, z, a
        return a

    def back(self, da):
        x1, z, a = self.cache
        if self.activation == "elu":
            dz = da * np.where(z > 0, 1, a + 1)
        elif self.activation == "softmax":
            dz = a * (da - np.sum(da * a, axis=1, keepdims=True))
        else:
            dz = da
        self.dtheta = x1.T @ dz
        return (dz @ self.theta.T)[:, :-1]


np.random.seed(61)
X = np.random.randn(75, 3)
Y = np.eye(3)[np.argmax(X + 0.4 * X[:, ::-1] ** 2, axis=1)]
layers = [Tensor2d(3, 9, "elu"), Tensor2d(9, 9, "elu"), Tensor2d(9, 3, "softmax")]
memory = [np.zeros_like(layer.theta) for layer in layers]
for epoch in range(150):
    A = X
    for layer in layers:
        A = layer.feed(A)
    brier = np.mean(np.sum((A - Y) ** 2, axis=1))
    dA = 2 * (A - Y) / len(X)
    for layer in reversed(layers):
        dA = layer.back(dA)
    for layer, g2 in zip(layers, memory):
        g2 += layer.dtheta ** 2
        layer.theta -= 0.1 * layer.dtheta / (np.sqrt(g2) + 1e-6)
    if epoch % 30 == 0:
        print(f"{epoch:4d} {brier:.4f}")
