import numpy as np


def softmax_rows(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Attention:
    def __init__(self, d, rng):
        self.p = {name: rng.normal(0, 1 / np.sqrt(d), (d, d)) for name in ("Q", "K", "V")}
        self.p["w"] = rng.normal(0, 1 / np.sqrt(d), d)
        self.d = d

    def forward(self, x):
        q, k, v = x @ self.p["Q"], x @ self.p["K"], x @ self.p["V"]
        a = softmax_rows(np.matmul(q, k.transpose(0, 2, 1)) / np.sqrt(self.d))
        z = np.matmul(a, v)
        y = z.mean(axis=1) @ self.p["w"]
        self.saved = x, q, k, v, a, z
        return y

    def backward(self, dy):
        x, q, k, v, a, z = self.saved
        n = x.shape[1]
        g = {"w": dy @ z.mean(axis=1)}
        dz = np.repeat((np.outer(dy, self.p["w"]) / n)[:, None, :], n, axis=1)
        dv = np.matmul(a.transpose(0, 2, 1), dz)
        da = np.matmul(dz, v.transpose(0, 2, 1))
        ds = a * (da - (da * a).sum(axis=-1, keepdims=True)) / np.sqrt(self.d)
        dq = np.matmul(ds, k)
        dk = np.matmul(ds.transpose(0, 2, 1), q)
        for name, slope in (("Q", dq), ("K", dk), ("V", dv)):
            g[name] = np.tensordot(x, slope, axes=([0, 1], [0, 1]))
        return g


rng = np.random.default_rng(5)
x = rng.normal(size=(20, 4, 3))
t = x[:, :, 0].max(axis=1)
model = Attention(3, rng)
for step in range(100):
    y = model.forward(x)
    loss = np.mean((y - t) ** 2)
    g = model.backward(2 * (y - t) / len(t))
    for name in g:
        model.p[name] = model.p[name] - 0.1 * g[name]
    if step % 25 == 0:
        print(step, loss)
