import numpy as np

rng = np.random.default_rng(9)
T, hidden, batch = 10, 6, 16
starts = rng.uniform(0, 6, batch)
times = starts[:, None] + 0.3 * np.arange(T + 1)
waves = np.sin(times)
x, y = waves[:, :T], waves[:, 1:]

U = rng.normal(0, 0.5, (1, hidden))
W = rng.normal(0, 0.3, (hidden, hidden))
V = rng.normal(0, 0.5, (hidden, 1))
b = np.zeros(hidden)
c = np.zeros(1)
lr = 0.05
for epoch in range(60):
    h = [np.zeros((batch, hidden))]
    out = []
    for t in range(T):
        h.append(np.tanh(x[:, t:t + 1] @ U + h[-1] @ W + b))
        out.append(h[-1] @ V + c)
    loss = 0.0
    for t in range(T):
        loss += np.mean((out[t] - y[:, t:t + 1]) ** 2) / T

    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    db, dc = np.zeros_like(b), np.zeros_like(c)
    dh_next = np.zeros((batch, hidden))
    for t in range(T - 1, -1, -1):
        do = 2 * (out[t] - y[:, t:t + 1]) / batch / T
        dV += h[t + 1].T @ do
        dc += do.sum(axis=0)
        dh = do @ V.T + dh_next
        dz = dh * (1 - h[t + 1] ** 2)
        dU += x[:, t:t + 1].T @ dz
        dW += h[t].T @ dz
        db += dz.sum(axis=0)
        dh_next = dz @ W.T
    for p, g in ((U, dU), (W, dW), (V, dV), (b, db), (c, dc)):
        p -= lr * np.clip(g, -1, 1)
    if epoch % 20 == 0:
        print(epoch, loss)
