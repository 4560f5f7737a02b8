import numpy as np


def log_likelihood(w, x, y):
    """Of a network with one hidden layer and Bernoulli outputs."""
    a, c, u, d = w
    h = np.tanh(x @ a + c)
    s = h @ u + d
    return np.sum(y * s - np.logaddexp(0, s))


def likelihood_gradient(w, x, y):
    a, c, u, d = w
    h = np.tanh(x @ a + c)
    s = h @ u + d
    r = y - 1 / (1 + np.exp(-s))
    g_u = np.einsum("nh,n->h", h, r)
    g_h = np.einsum("n,h->nh", r, u)
    g_pre = g_h * (1 - h * h)
    g_a = np.einsum("nd,nh->dh", x, g_pre)
    return [g_a, g_pre.sum(axis=0), g_u, r.sum(keepdims=True)]


def nesterov(w, x, y, rate=0.004, mu=0.7, steps=120):
    v = [np.zeros_like(one) for one in w]
    for k in range(steps):
        ahead = [one + mu * two for one, two in zip(w, v)]
        g = likelihood_gradient(ahead, x, y)
        v = [mu * two + rate * three for two, three in zip(v, g)]
        w = [one + two for one, two in zip(w, v)]
        if k % 20 == 0:
            print(k, log_likelihood(w, x, y))
    return w


rng = np.random.default_rng(17)
x = rng.normal(size=(70, 3))
y = (x[:, 0] * x[:, 1] + 0.5 * x[:, 2] > 0).astype(float)
w = [rng.normal(size=(3, 5)), rng.normal(size=5), rng.normal(size=5), np.zeros(1)]
w = nesterov(w, x, y)
