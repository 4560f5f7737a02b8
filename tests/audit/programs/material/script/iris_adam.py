import numpy as np

rng = np.random.RandomState(42)

# three clouds that stand in for the three species
centers = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
X = np.concatenate([c + 0.3 * rng.randn(40, 4) for c in centers])
labels = np.repeat([0, 1, 2], 40)
X = (X - X.mean(axis=0)) / X.std(axis=0)
Y = np.eye(3)[labels]

W1 = rng.randn(4, 8) * np.sqrt(2 / 4)
b1 = np.zeros(8)
W2 = rng.randn(8, 3) * np.sqrt(2 / 8)
b2 = np.zeros(3)
params = [W1, b1, W2, b2]
ms = [np.zeros_like(p) for p in params]
vs = [np.zeros_like(p) for p in params]

lr, beta1, beta2, eps = 0.01, 0.9, 0.999, 1e-8
batch_size = 20
t = 0
history = []

for epoch in range(15):
    order = rng.permutation(len(X))
    epoch_loss = 0.0
    for start in range(0, len(X), batch_size):
        idx = order[start:start + batch_size]
        xb, yb = X[idx], Y[idx]

        z1 = xb.dot(W1) + b1
        a1 = np.maximum(z1, 0)
        z2 = a1.dot(W2) + b2
        z2 = z2 - z2.max(axis=1, keepdims=True)
        e = np.exp(z2)
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.mean(np.sum(yb * np.log(p + 1e-12), axis=1))
        epoch_loss += loss * len(xb)

        dz2 = (p - yb) / len(xb)
        dW2 = a1.T.dot(dz2)
        db2 = dz2.sum(axis=0)
        dz1 = dz2.dot(W2.T) * (z1 > 0)
        dW1 = xb.T.dot(dz1)
        db1 = dz1.sum(axis=0)

        t += 1
        for i, g in enumerate([dW1, db1, dW2, db2]):
            ms[i] = beta1 * ms[i] + (1 - beta1) * g
            vs[i] = beta2 * vs[i] + (1 - beta2) * g ** 2
            m_hat = ms[i] / (1 - beta1 ** t)
            v_hat = vs[i] / (1 - beta2 ** t)
            params[i] -= lr * m_hat / (np.sqrt(v_hat) + eps)
    history.append(epoch_loss / len(X))

print("first and last loss:", history[0], history[-1])
