import numpy as np

rng = np.random.default_rng(2)
samples = rng.uniform(-1, 1, (40, 3))
goals = (samples[:, 0] * samples[:, 1] > samples[:, 2]).astype(float)

W = rng.normal(size=(5, 3))
b = np.zeros(5)
v = rng.normal(size=5)
c = 0.0
eta = 0.5

for epoch in range(10):
    squared = 0.0
    for x, t in zip(samples, goals):
        h = 1 / (1 + np.exp(-(W @ x + b)))
        y = 1 / (1 + np.exp(-(v @ h + c)))
        squared += 0.5 * (y - t) ** 2

        dy = (y - t) * y * (1 - y)
        dh = dy * v * h * (1 - h)

        v -= eta * dy * h
        c -= eta * dy
        W -= eta * np.outer(dh, x)
        b -= eta * dh
    print("epoch", epoch, "error", squared / len(samples))
