import numpy as np


def act(z):
    return np.tanh(z)


def predict(X, net):
    cache = {'A0': X}
    for i in (1, 2, 3):
        z = cache[f'A{i - 1}'].dot(net[f'W{i}']) + net[f'b{i}']
        cache[f'A{i}'] = act(z) if i < 3 else z
    return cache


def step(X, T, net, lr):
    cache = predict(X, net)
    delta = (cache['A3'] - T) / X.shape[0]
    new = {}
    for i in (3, 2, 1):
        A = cache[f'A{i - 1}']
        new[f'W{i}'] = net[f'W{i}'] - lr * A.T.dot(delta)
        new[f'b{i}'] = net[f'b{i}'] - lr * delta.sum(axis=0, keepdims=True)
        delta = delta.dot(net[f'W{i}'].T) * (1 - A ** 2)
    return new


rng = np.random.RandomState(15)
X = rng.rand(50, 2) * 2 - 1
T = np.hstack([X[:, :1] * X[:, 1:], X[:, :1] - X[:, 1:] ** 2])
sizes = [2, 8, 8, 2]
net = {}
for i in (1, 2, 3):
    net[f'W{i}'] = rng.randn(sizes[i - 1], sizes[i]) / np.sqrt(sizes[i - 1])
    net[f'b{i}'] = np.zeros((1, sizes[i]))
for _ in range(200):
    net = step(X, T, net, 0.2)
print("largest miss", np.abs(predict(X, net)['A3'] - T).max())
