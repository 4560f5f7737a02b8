import numpy as np


class OnlineNet:
    def __init__(self, n_in, n_hidden, seed):
        g = np.random.default_rng(seed)
        self.p = [g.normal(size=(n_hidden, n_in)), np.zeros(n_hidden), g.normal(size=n_hidden) / 2, np.zeros(1)]
        self.s = [np.zeros_like(q) for q in self.p]

    def forward(self, x):
        self.x = x
        self.z = self.p[0] @ x + self.p[1]
        self.h = np.where(self.z > 0, self.z, 0.05 * self.z)
        return self.p[2] @ self.h + self.p[3][0]

    def backward(self, d):
        dz = d * self.p[2] * np.where(self.z > 0, 1.0, 0.05)
        return [np.outer(dz, self.x), dz, d * self.h, np.array([d])]

    def step(self, grads, lr):
        for i, g in enumerate(grads):
            self.s[i] = 0.9 * self.s[i] + 0.1 * g ** 2
            self.p[i] -= lr * g / np.sqrt(self.s[i] + 1e-6)


rng = np.random.default_rng(0)
net = OnlineNet(2, 8, 3)
running = None
for t in range(240):
    x = rng.uniform(-1, 1, 2)
    y = 1.0 if x @ x < 0.5 else -1.0
    s = net.forward(x)
    loss = np.log(1 + np.exp(-y * s))
    running = loss if running is None else 0.95 * running + 0.05 * loss
    net.step(net.backward(-y / (1 + np.exp(y * s))), 0.01)
    if t % 40 == 0:
        print(t, running)
