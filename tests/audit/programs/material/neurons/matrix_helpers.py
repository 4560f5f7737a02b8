import math
import random


def matmul(A, B):
    return [[sum(a * b for a, b in zip(row, col)) for col in zip(*B)] for row in A]


def transpose(A):
    return [list(col) for col in zip(*A)]


def add_row(A, b):
    return [[v + w for v, w in zip(row, b)] for row in A]


def apply(f, A):
    return [[f(v) for v in row] for row in A]


def times(A, B):
    return [[v * w for v, w in zip(r, s)] for r, s in zip(A, B)]


def column_sums(A):
    return [sum(col) for col in zip(*A)]


def minus_scaled(A, G, rate):
    return [[v - rate * g for v, g in zip(r, s)] for r, s in zip(A, G)]


def softplus(v):
    return math.log(1 + math.exp(v))


def logistic(v):
    return 1 / (1 + math.exp(-v))


random.seed(2)
X = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(8)]
Y = [[1.0 if a * b > 0 else 0.0] for a, b in X]
m = len(X)
W1 = [[random.gauss(0, 1) for _ in range(3)] for _ in range(2)]
b1 = [0.0, 0.0, 0.0]
W2 = [[random.gauss(0, 1)] for _ in range(3)]
b2 = [0.0]
for epoch in range(80):
    Z1 = add_row(matmul(X, W1), b1)
    A1 = apply(softplus, Z1)
    P = apply(logistic, add_row(matmul(A1, W2), b2))
    D2 = [[(p[0] - y[0]) / m] for p, y in zip(P, Y)]
    G2 = matmul(transpose(A1), D2)
    D1 = times(matmul(D2, transpose(W2)), apply(logistic, Z1))
    G1 = matmul(transpose(X), D1)
    W2 = minus_scaled(W2, G2, 0.8)
    b2 = [v - 0.8 * g for v, g in zip(b2, column_sums(D2))]
    W1 = minus_scaled(W1, G1, 0.8)
    b1 = [v - 0.8 * g for v, g in zip(b1, column_sums(D1))]
    if epoch % 10 == 0:
        bce = -sum(math.log(p[0]) if y[0] == 1 else math.log(1 - p[0]) for p, y in zip(P, Y)) / m
        print(epoch, bce)
