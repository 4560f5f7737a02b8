import numpy as np

np.random.seed(11)
n = 100
X = np.random.randn(n, 2)
y = np.where(X[:, 0] * X[:, 1] > 0, 1.0, -1.0)

hidden = 10
W1 = np.random.randn(2, hidden)
b1 = np.random.randn(hidden) * 0.1
w2 = np.random.randn(hidden) * 0.5
b2 = 0.0
C = 0.01
rate = 0.2

for epoch in range(40):
    perm = np.random.permutation(n)
    for k in range(0, n, 25):
        rows = perm[k:k + 25]
        xb, yb = X[rows], y[rows]
        H = np.tanh(xb @ W1 + b1)
        f = H @ w2 + b2
        margin = 1 - yb * f

        df = np.where(margin > 0, -yb, 0.0) / len(yb)
        dw2 = H.T @ df + C * w2
        db2 = df.sum()
        dH = np.outer(df, w2)
        dZ = dH * (1 - H * H)
        dW1 = xb.T @ dZ + C * W1
        db1 = dZ.sum(axis=0)

        W1 -= rate * dW1
        b1 -= rate * db1
        w2 -= rate * dw2
        b2 -= rate * db2
    rate *= 0.98
    if epoch % 10 == 9:
        scores = np.tanh(X @ W1 + b1) @ w2 + b2
        objective = np.mean(np.maximum(0, 1 - y * scores)) + C / 2 * (np.sum(W1 ** 2) + np.sum(w2 ** 2))
        print(epoch + 1, objective, np.mean(np.sign(scores) == y))
