import random

import numpy as np


def logistic(z):
    return 1.0 / (1.0 + np.exp(-z))


def logistic_slope(z):
    return logistic(z) * (1 - logistic(z))


class Net:
    def __init__(self, *sizes):
        self.depth = len(sizes) - 1
        self.B = [np.random.randn(n, 1) for n in sizes[1:]]
        self.W = [np.random.randn(n, k) for k, n in zip(sizes[:-1], sizes[1:])]

    def answer(self, a):
        for w, b in zip(self.W, self.B):
            a = logistic(w.dot(a) + b)
        return a

    def slopes_of_one(self, x, y):
        """Slopes of half the squared distance between the answer to x and y."""
        inputs, sums = [x], []
        for w, b in zip(self.W, self.B):
            sums.append(w.dot(inputs[-1]) + b)
            inputs.append(logistic(sums[-1]))
        sB, sW = [None] * self.depth, [None] * self.depth
        delta = (inputs[-1] - y) * logistic_slope(sums[-1])
        for k in reversed(range(self.depth)):
            sB[k] = delta
            sW[k] = delta.dot(inputs[k].T)
            if k:
                delta = self.W[k].T.dot(delta) * logistic_slope(sums[k - 1])
        return sB, sW

    def learn_batch(self, batch, eta):
        sum_B = [np.zeros(b.shape) for b in self.B]
        sum_W = [np.zeros(w.shape) for w in self.W]
        for x, y in batch:
            one_B, one_W = self.slopes_of_one(x, y)
            sum_B = [total + one for total, one in zip(sum_B, one_B)]
            sum_W = [total + one for total, one in zip(sum_W, one_W)]
        self.W = [w - (eta / len(batch)) * s for w, s in zip(self.W, sum_W)]
        self.B = [b - (eta / len(batch)) * s for b, s in zip(self.B, sum_B)]

    def hits(self, data):
        return sum(int(np.argmax(self.answer(x)) == np.argmax(y)) for x, y in data)


random.seed(3)
np.random.seed(3)
data = []
for _ in range(60):
    point = np.random.uniform(-1, 1, (3, 1))
    label = np.zeros((2, 1))
    label[int(point[0, 0] + point[1, 0] * point[2, 0] > 0)] = 1
    data.append((point, label))
net = Net(3, 5, 4, 2)
for epoch in range(8):
    random.shuffle(data)
    for k in range(0, len(data), 6):
        net.learn_batch(data[k:k + 6], 3.0)
    print("epoch", epoch, "right", net.hits(data), "of", len(data))
