import math
import random

random.seed(44)
theta = {}
for j in range(4):
    theta[f"u{j}"] = random.uniform(-1.5, 1.5)
    theta[f"c{j}"] = random.uniform(-1, 1)
    theta[f"v{j}"] = random.uniform(-1, 1)
theta["d"] = 0.0
m = dict.fromkeys(theta, 0.0)
v = dict.fromkeys(theta, 0.0)
xs = [k / 4 - 2 for k in range(16)]
ts = [abs(x) - 0.5 * x for x in xs]


def sigmoid(s):
    return 1 / (1 + math.exp(-s))


def mean_squared(theta):
    total = 0.0
    for x, t in zip(xs, ts):
        y = theta["d"] + sum(theta[f"v{j}"] * sigmoid(theta[f"u{j}"] * x + theta[f"c{j}"]) for j in range(4))
        total += (y - t) ** 2
    return total / len(xs)


def slopes(theta):
    g = dict.fromkeys(theta, 0.0)
    for x, t in zip(xs, ts):
        h = [sigmoid(theta[f"u{j}"] * x + theta[f"c{j}"]) for j in range(4)]
        y = theta["d"] + sum(theta[f"v{j}"] * h[j] for j in range(4))
        e = 2 * (y - t) / len(xs)
        g["d"] += e
        for j in range(4):
            g[f"v{j}"] += e * h[j]
            back = e * theta[f"v{j}"] * h[j] * (1 - h[j])
            g[f"u{j}"] += back * x
            g[f"c{j}"] += back
    return g


for t in range(1, 81):
    g = slopes(theta)
    for key in theta:
        m[key] = 0.9 * m[key] + 0.1 * g[key]
        v[key] = 0.99 * v[key] + 0.01 * g[key] ** 2
        m_hat = m[key] / (1 - 0.9 ** t)
        v_hat = v[key] / (1 - 0.99 ** t)
        theta[key] -= 0.05 * m_hat / (math.sqrt(v_hat) + 1e-8)
    if t % 20 == 0:
        print(t, mean_squared(theta))
