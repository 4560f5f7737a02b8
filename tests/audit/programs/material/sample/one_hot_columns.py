import numpy as np


def column(values):
    return np.array(values, dtype=float).reshape(-1, 1)


np.random.seed(16)
W1, b1 = np.random.randn(6, 4) * 0.5, np.zeros((6, 1))
W2, b2 = np.random.randn(6, 6) * 0.4, np.zeros((6, 1))
W3, b3 = np.random.randn(3, 6) * 0.4, np.zeros((3, 1))
inputs = [column(np.random.randn(4)) for _ in range(30)]
targets = [column(np.eye(3)[int(np.argmax(x[:3, 0] * x[3, 0]))]) for x in inputs]

alpha = 0.1
for epoch in range(8):
    total = 0
    for i in np.random.permutation(len(inputs)):
        x, t = inputs[i], targets[i]
        a1 = np.tanh(W1.dot(x) + b1)
        a2 = np.tanh(W2.dot(a1) + b2)
        z3 = W3.dot(a2) + b3
        y = np.exp(z3 - z3.max()) / np.sum(np.exp(z3 - z3.max()))
        total += -np.sum(t * np.log(y))
        d3 = y - t
        d2 = W3.T.dot(d3) * (1 - a2 ** 2)
        d1 = W2.T.dot(d2) * (1 - a1 ** 2)
        W3, b3 = W3 - alpha * d3.dot(a2.T), b3 - alpha * d3
        W2, b2 = W2 - alpha * d2.dot(a1.T), b2 - alpha * d2
        W1, b1 = W1 - alpha * d1.dot(x.T), b1 - alpha * d1
    print("Epoch", epoch, "cross entropy", total / len(inputs))
