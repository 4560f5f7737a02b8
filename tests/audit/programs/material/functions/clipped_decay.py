import numpy as np


def softplus(z):
    return np.logaddexp(0, z)


def net(x, p):
    z = x.dot(p[0]) + p[1]
    h = softplus(z)
    y = h.dot(p[2]) + p[3]
    return z, h, y


def squared_error(y, t):
    return ((y - t) ** 2).sum() / (2 * len(t))


def grads(x, t, p):
    z, h, y = net(x, p)
    e = (y - t) / len(t)
    dh = e.dot(p[2].T)
    dz = dh / (1 + np.exp(-z))
    return [x.T.dot(dz), dz.sum(0), h.T.dot(e), e.sum(0)], squared_error(y, t)


def clip(gs, limit):
    norm = np.sqrt(sum((g ** 2).sum() for g in gs))
    if norm > limit:
        gs = [g * (limit / norm) for g in gs]
    return gs


np.random.seed(21)
x = np.random.uniform(-1, 1, (50, 3))
t = np.stack([x[:, 0] * x[:, 1], np.abs(x[:, 2])], axis=1)
p = [np.random.randn(3, 10), np.zeros(10), np.random.randn(10, 2), np.zeros(2)]
lr = 0.1
for it in range(200):
    gs, cost = grads(x, t, p)
    gs = clip(gs, 1.0)
    for i in range(4):
        p[i] -= lr * gs[i]
    if it in (60, 120):
        lr *= 0.5
    if it % 40 == 0:
        print('%4d %.5f' % (it, cost))
