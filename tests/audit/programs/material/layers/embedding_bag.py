import numpy as np


class Embedding:
    def __init__(self, rng, words, size):
        self.table = rng.normal(0, 0.3, (words, size))

    def forward(self, ids):
        self.ids = ids
        return self.table[ids].mean(axis=1)

    def backward(self, d):
        self.d_table = np.zeros_like(self.table)
        spread = np.repeat(d[:, None, :], self.ids.shape[1], axis=1) / self.ids.shape[1]
        np.add.at(self.d_table, self.ids, spread)

    def step(self, rate):
        self.table -= rate * self.d_table


class Dense:
    def __init__(self, rng, n, m):
        self.w = rng.normal(0, 1 / np.sqrt(n), (n, m))
        self.b = np.zeros(m)

    def forward(self, x):
        self.x = x
        self.y = np.tanh(x @ self.w + self.b)
        return self.y

    def backward(self, d):
        d = d * (1 - self.y * self.y)
        self.dw = np.einsum("bi,bj->ij", self.x, d)
        self.db = np.einsum("bj->j", d)
        return np.einsum("bj,ij->bi", d, self.w)

    def step(self, rate):
        self.w -= rate * self.dw
        self.b -= rate * self.db


class Output:
    def __init__(self, rng, n):
        self.w = rng.normal(0, 1 / np.sqrt(n), n)

    def forward(self, x):
        self.x = x
        self.p = 1 / (1 + np.exp(-x @ self.w))
        return self.p

    def loss(self, y):
        return -np.mean(np.where(y == 1, np.log(self.p), np.log(1 - self.p)))

    def backward(self, y):
        d = (self.p - y) / len(y)
        self.dw = d @ self.x
        return np.outer(d, self.w)

    def step(self, rate):
        self.w -= rate * self.dw


rng = np.random.default_rng(6)
sentences = rng.integers(0, 15, (50, 4))
polarity = rng.normal(size=15)
labels = (polarity[sentences].sum(axis=1) > 0).astype(int)
embedding, hidden, output = Embedding(rng, 15, 5), Dense(rng, 5, 6), Output(rng, 6)
rate = 1.0
for epoch in range(120):
    output.forward(hidden.forward(embedding.forward(sentences)))
    cost = output.loss(labels)
    embedding.backward(hidden.backward(output.backward(labels)))
    for layer in (embedding, hidden, output):
        layer.step(rate / (1 + 0.01 * epoch))
    if epoch % 40 == 0:
        print(epoch, cost)
