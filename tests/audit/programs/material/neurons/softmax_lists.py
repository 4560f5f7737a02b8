import math
import random

random.seed(7)


def linear(W, b, x):
    return [b[i] + sum(W[i][j] * x[j] for j in range(len(x))) for i in range(len(W))]


def softmax(z):
    biggest = max(z)
    e = [math.exp(v - biggest) for v in z]
    total = sum(e)
    return [v / total for v in e]


def relu(z):
    return [v if v > 0 else 0.0 for v in z]


n_in, n_hidden, n_out = 3, 5, 3
W1 = [[random.gauss(0, 0.6) for _ in range(n_in)] for _ in range(n_hidden)]
b1 = [0.1] * n_hidden
W2 = [[random.gauss(0, 0.6) for _ in range(n_hidden)] for _ in range(n_out)]
b2 = [0.0] * n_out
data = []
for _ in range(20):
    x = [random.uniform(-1, 1) for _ in range(n_in)]
    data.append((x, max(range(3), key=lambda k: x[k])))

rate = 0.1
for epoch in range(15):
    total_loss = 0.0
    random.shuffle(data)
    for x, label in data:
        z1 = linear(W1, b1, x)
        h = relu(z1)
        p = softmax(linear(W2, b2, h))
        total_loss += -math.log(p[label])

        dz2 = [p[k] - (1 if k == label else 0) for k in range(n_out)]
        dh = [sum(W2[k][j] * dz2[k] for k in range(n_out)) for j in range(n_hidden)]
        dz1 = [dh[j] if z1[j] > 0 else 0.0 for j in range(n_hidden)]

        for k in range(n_out):
            for j in range(n_hidden):
                W2[k][j] -= rate * dz2[k] * h[j]
            b2[k] -= rate * dz2[k]
        for j in range(n_hidden):
            for i in range(n_in):
                W1[j][i] -= rate * dz1[j] * x[i]
            b1[j] -= rate * dz1[j]
    print("epoch", epoch, "loss", total_loss / len(data))
