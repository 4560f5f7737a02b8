import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def forward(x, P):
    c = {"x": x}
    c["g"] = sigmoid(x @ P["Wg"] + P["bg"])
    c["h"] = np.tanh(x @ P["Wh"] + P["bh"])
    c["mixed"] = c["g"] * c["h"]
    c["out"] = c["mixed"] @ P["Wo"] + P["bo"]
    return c["out"], c


def backward(d_out, c, P):
    G = {}
    G["Wo"] = c["mixed"].T @ d_out
    G["bo"] = d_out.sum(axis=0)
    d_mixed = d_out @ P["Wo"].T
    d_g = d_mixed * c["h"]
    d_h = d_mixed * c["g"]
    d_zg = d_g * c["g"] * (1 - c["g"])
    d_zh = d_h * (1 - c["h"] ** 2)
    G["Wg"] = c["x"].T @ d_zg
    G["bg"] = d_zg.sum(axis=0)
    G["Wh"] = c["x"].T @ d_zh
    G["bh"] = d_zh.sum(axis=0)
    return G


def log_cosh(e):
    return np.mean(np.log(np.cosh(e)))


rng = np.random.default_rng(55)
X = rng.uniform(-2, 2, (60, 3))
Y = np.c_[np.where(X[:, 0] > 0, X[:, 1], X[:, 2]), X[:, 0] * X[:, 1]]
P = {
    "Wg": rng.normal(size=(3, 8)), "bg": np.zeros(8),
    "Wh": rng.normal(size=(3, 8)), "bh": np.zeros(8),
    "Wo": rng.normal(size=(8, 2)), "bo": np.zeros(2),
}
S = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in P.items()}
for t in range(1, 121):
    out, cache = forward(X, P)
    error = out - Y
    if t % 20 == 1:
        print(t, log_cosh(error))
    G = backward(np.tanh(error) / error.size, cache, P)
    for k in P:
        m, v = S[k]
        m = 0.9 * m + 0.1 * G[k]
        v = np.maximum(0.999 * v, np.abs(G[k]))
        S[k] = m, v
        P[k] -= 0.03 / (1 - 0.9 ** t) * m / (v + 1e-8)
