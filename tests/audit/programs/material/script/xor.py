import numpy as np

np.random.seed(1)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])

W1 = np.random.uniform(-1, 1, (2, 4))
b1 = np.zeros((1, 4))
W2 = np.random.uniform(-1, 1, (4, 1))
b2 = np.zeros((1, 1))
lr = 0.5

for epoch in range(300):
    # forward
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    out = 1 / (1 + np.exp(-(h @ W2 + b2)))
    loss = 0.5 * np.sum((out - y) ** 2)

    # backward
    d_out = (out - y) * out * (1 - out)
    d_h = d_out @ W2.T * h * (1 - h)

    W2 -= lr * h.T @ d_out
    b2 -= lr * np.sum(d_out, axis=0, keepdims=True)
    W1 -= lr * X.T @ d_h
    b1 -= lr * np.sum(d_h, axis=0, keepdims=True)

    if epoch % 100 == 0:
        print("epoch", epoch, "loss", loss)

print(out)
