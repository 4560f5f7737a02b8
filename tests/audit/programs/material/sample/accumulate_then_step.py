import numpy as np


def relu(z):
    return z * (z > 0)


def per_sample(x, t, p):
    z1 = p["A"] @ x + p["a"]
    h = relu(z1)
    y = p["B"] @ h + p["b"]
    e = y - t
    g = {"B": np.outer(e, h), "b": e}
    dz = (p["B"].T @ e) * (z1 > 0)
    g["A"] = np.outer(dz, x)
    g["a"] = dz
    return 0.5 * e @ e, g


rng = np.random.RandomState(6)
xs = rng.rand(48, 3)
ts = np.stack([xs.sum(axis=1), xs.max(axis=1)], axis=1)
p = {"A": rng.randn(8, 3), "a": rng.randn(8) * 0.1, "B": rng.randn(2, 8) * 0.3, "b": np.zeros(2)}
accumulate = 8
for epoch in range(10):
    total = 0.0
    sums = {k: np.zeros_like(v) for k, v in p.items()}
    for n, (x, t) in enumerate(zip(xs, ts), start=1):
        loss, g = per_sample(x, t, p)
        total += loss
        for k in sums:
            sums[k] += g[k] / accumulate
        if n % accumulate == 0:
            for k in p:
                p[k] = p[k] - 0.1 * sums[k]
                sums[k] = np.zeros_like(p[k])
    print(epoch, total / len(xs))
