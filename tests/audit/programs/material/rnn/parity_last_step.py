import numpy as np


class RNN:
    def __init__(self, n_hidden, rng):
        self.Wx = rng.normal(scale=0.7, size=n_hidden)
        self.Wh = rng.normal(scale=0.7 / np.sqrt(n_hidden), size=(n_hidden, n_hidden))
        self.b = np.zeros(n_hidden)
        self.w = rng.normal(scale=0.7, size=n_hidden)

    def forward(self, bits):
        self.bits = bits
        self.states = [np.zeros((bits.shape[0], len(self.b)))]
        for k in range(bits.shape[1]):
            self.states.append(np.tanh(np.outer(bits[:, k], self.Wx) + self.states[-1].dot(self.Wh.T) + self.b))
        self.p = 1 / (1 + np.exp(-self.states[-1].dot(self.w)))
        return self.p

    def backward(self, y):
        d = (self.p - y) / len(y)
        g = {"w": d.dot(self.states[-1]), "Wx": 0, "Wh": 0, "b": 0}
        ds = np.outer(d, self.w)
        for k in range(self.bits.shape[1], 0, -1):
            da = ds * (1 - self.states[k] ** 2)
            g["Wx"] = g["Wx"] + self.bits[:, k - 1].dot(da)
            g["Wh"] = g["Wh"] + da.T.dot(self.states[k - 1])
            g["b"] = g["b"] + da.sum(axis=0)
            ds = da.dot(self.Wh)
        return g


rng = np.random.default_rng(40)
bits = rng.integers(0, 2, (32, 4)).astype(float) * 2 - 1
y = (bits.prod(axis=1) > 0).astype(float)
net = RNN(8, rng)
speed = {}
for step in range(120):
    p = net.forward(bits)
    nll = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    for name, g in net.backward(y).items():
        speed[name] = 0.9 * speed.get(name, 0) + g
        setattr(net, name, getattr(net, name) - 0.1 * speed[name])
    if step % 30 == 0:
        print(step, nll)
