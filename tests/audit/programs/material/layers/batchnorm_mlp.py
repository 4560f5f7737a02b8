import numpy as np


class Dense:
    def __init__(self, rng, n, m):
        self.W = rng.normal(size=(n, m)) / np.sqrt(n)
        self.params = [self.W]

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, g):
        self.grads = [self.x.T @ g]
        return g @ self.W.T


class BatchNorm:
    def __init__(self, m, eps=1e-5):
        self.gamma, self.beta, self.eps = np.ones(m), np.zeros(m), eps
        self.params = [self.gamma, self.beta]
        self.running_mean, self.running_var = np.zeros(m), np.ones(m)

    def forward(self, x):
        mu, var = x.mean(axis=0), x.var(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mu
        self.running_var = 0.9 * self.running_var + 0.1 * var
        self.std = np.sqrt(var + self.eps)
        self.x_hat = (x - mu) / self.std
        return self.gamma * self.x_hat + self.beta

    def backward(self, g):
        n = len(g)
        self.grads = [(g * self.x_hat).sum(axis=0), g.sum(axis=0)]
        gx = g * self.gamma
        return (gx - gx.mean(axis=0) - self.x_hat * (gx * self.x_hat).mean(axis=0)) / self.std


class Relu:
    params = grads = ()

    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, g):
        return g * (self.x > 0)


rng = np.random.default_rng(41)
X = rng.normal(size=(60, 4)) * [1, 5, 0.2, 2] + [0, 3, 1, -2]
T = np.eye(3)[(X[:, 0] > 0).astype(int) + (X[:, 3] > -2)]
layers = [Dense(rng, 4, 9), BatchNorm(9), Relu(), Dense(rng, 9, 6), BatchNorm(6), Relu(), Dense(rng, 6, 3)]
for epoch in range(100):
    a = X
    for layer in layers:
        a = layer.forward(a)
    a = np.exp(a - a.max(axis=1, keepdims=True))
    P = a / a.sum(axis=1, keepdims=True)
    loss = -(T * np.log(P)).sum() / len(X)
    g = (P - T) / len(X)
    for layer in layers[::-1]:
        g = layer.backward(g)
    for layer in layers:
        for p, d in zip(layer.params, layer.grads):
            p -= 0.2 * d
    if epoch % 25 == 0:
        print(epoch, loss, (P.argmax(1) == T.argmax(1)).mean())
