import numpy as np


class Regressor:
    def __init__(self, inputs, units, rng):
        self.A = rng.normal(size=(inputs, units)) / np.sqrt(inputs)
        self.a = rng.normal(size=units)
        self.B = rng.normal(size=(units, units)) / np.sqrt(units)
        self.b = rng.normal(size=units)
        self.C = rng.normal(size=(units, 1)) / np.sqrt(units)
        self.c = np.zeros(1)
        self.names = ("A", "a", "B", "b", "C", "c")
        self.squares = {name: np.zeros_like(getattr(self, name)) for name in self.names}

    def __call__(self, x):
        self.x = x
        self.u = np.maximum(x @ self.A + self.a, 0)
        self.v = 1 / (1 + np.exp(-(self.u @ self.B + self.b)))
        return self.v @ self.C + self.c

    def backward(self, dy):
        slopes = {}
        slopes["C"] = self.v.T @ dy
        slopes["c"] = dy.sum(0)
        dv = dy @ self.C.T
        dv = dv * self.v * (1 - self.v)
        slopes["B"] = self.u.T @ dv
        slopes["b"] = dv.sum(0)
        du = dv @ self.B.T
        du[self.u == 0] = 0
        slopes["A"] = self.x.T @ du
        slopes["a"] = du.sum(0)
        return slopes

    def improve(self, slopes, rate=0.003, keep=0.95):
        for name in self.names:
            self.squares[name] = keep * self.squares[name] + (1 - keep) * slopes[name] ** 2
            value = getattr(self, name)
            setattr(self, name, value - rate * slopes[name] / (np.sqrt(self.squares[name]) + 1e-7))


def huber(error, limit=0.5):
    small = np.abs(error) <= limit
    return np.mean(np.where(small, 0.5 * error ** 2, limit * (np.abs(error) - 0.5 * limit)))


def huber_slope(error, limit=0.5):
    return np.clip(error, -limit, limit) / error.size


rng = np.random.default_rng(31)
x = rng.uniform(-2, 2, size=(60, 2))
y = np.sin(x[:, :1]) * x[:, 1:] + (rng.random((60, 1)) < 0.05) * 4
model = Regressor(2, 10, rng)
for epoch in range(120):
    error = model(x) - y
    slopes = model.backward(huber_slope(error))
    model.improve(slopes)
    if epoch % 20 == 0:
        print(epoch, huber(error))
