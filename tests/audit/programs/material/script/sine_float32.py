import numpy as np

np.random.seed(7)
x = np.linspace(-3, 3, 64, dtype=np.float32).reshape(-1, 1)
y = np.sin(x)

w1 = np.random.randn(1, 16).astype(np.float32)
b1 = np.random.randn(16).astype(np.float32)
w2 = (np.random.randn(16, 16) / 4).astype(np.float32)
b2 = np.zeros(16, dtype=np.float32)
w3 = (np.random.randn(16, 1) / 4).astype(np.float32)
b3 = np.zeros(1, dtype=np.float32)
slope = np.float32(0.1)
lr = np.float32(0.02)

for step in range(200):
    z1 = x @ w1 + b1
    a1 = np.where(z1 > 0, z1, slope * z1)
    z2 = a1 @ w2 + b2
    a2 = np.where(z2 > 0, z2, slope * z2)
    pred = a2 @ w3 + b3
    mse = np.mean((pred - y) ** 2)

    dpred = 2 * (pred - y) / y.size
    dw3 = a2.T @ dpred
    db3 = dpred.sum(0)
    dz2 = (dpred @ w3.T) * np.where(z2 > 0, np.float32(1), slope)
    dw2 = a1.T @ dz2
    db2 = dz2.sum(0)
    dz1 = (dz2 @ w2.T) * np.where(z1 > 0, np.float32(1), slope)
    dw1 = x.T @ dz1
    db1 = dz1.sum(0)

    for w, g in ((w1, dw1), (b1, db1), (w2, dw2), (b2, db2), (w3, dw3), (b3, db3)):
        w -= lr * g

    if step % 50 == 0:
        print(step, float(mse))
