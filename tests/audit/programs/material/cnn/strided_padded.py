import numpy as np


def zero_pad(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def conv_forward(A_prev, W, b, stride, pad):
    m, n_H_prev, n_W_prev, _ = A_prev.shape
    f, n_C = W.shape[0], W.shape[3]
    n_H = (n_H_prev - f + 2 * pad) // stride + 1
    n_W = (n_W_prev - f + 2 * pad) // stride + 1
    Z = np.zeros((m, n_H, n_W, n_C))
    padded = zero_pad(A_prev, pad)
    for h in range(n_H):
        for w in range(n_W):
            piece = padded[:, h * stride:h * stride + f, w * stride:w * stride + f, :]
            for c in range(n_C):
                Z[:, h, w, c] = np.sum(piece * W[:, :, :, c], axis=(1, 2, 3)) + b[c]
    return Z


def conv_backward(dZ, A_prev, W, stride, pad):
    f = W.shape[0]
    _, n_H, n_W, n_C = dZ.shape
    padded = zero_pad(A_prev, pad)
    d_padded, dW, db = np.zeros_like(padded), np.zeros_like(W), np.zeros(n_C)
    for h in range(n_H):
        for w in range(n_W):
            rows, cols = slice(h * stride, h * stride + f), slice(w * stride, w * stride + f)
            for c in range(n_C):
                weight = dZ[:, h, w, c][:, None, None, None]
                d_padded[:, rows, cols, :] += W[:, :, :, c] * weight
                dW[:, :, :, c] += np.sum(padded[:, rows, cols, :] * weight, axis=0)
                db[c] += dZ[:, h, w, c].sum()
    return d_padded[:, pad:-pad, pad:-pad, :], dW, db


rng = np.random.RandomState(22)
X = rng.rand(10, 6, 6, 1)
Y = (X[:, :, :3].mean(axis=(1, 2, 3)) > X[:, :, 3:].mean(axis=(1, 2, 3))).astype(float)
W1, b1 = rng.randn(3, 3, 1, 3) * 0.5, np.zeros(3)
W2, b2 = rng.randn(3, 3, 3, 2) * 0.3, np.zeros(2)
V = rng.randn(2 * 2 * 2) * 0.5
for epoch in range(24):
    Z1 = conv_forward(X, W1, b1, 2, 1)
    A1 = np.tanh(Z1)
    Z2 = conv_forward(A1, W2, b2, 2, 1)
    A2 = np.maximum(0.1 * Z2, Z2)
    flat = A2.reshape(len(X), -1)
    P = 1 / (1 + np.exp(-flat @ V))
    cost = -np.mean(Y * np.log(P) + (1 - Y) * np.log(1 - P))
    dP = (P - Y) / len(X)
    dV = flat.T @ dP
    dZ2 = np.outer(dP, V).reshape(Z2.shape) * np.where(Z2 > 0, 1, 0.1)
    dA1, dW2, db2 = conv_backward(dZ2, A1, W2, 2, 1)
    dZ1 = dA1 * (1 - A1 ** 2)
    _, dW1, db1 = conv_backward(dZ1, X, W1, 2, 1)
    for p, g in ((W1, dW1), (b1, db1), (W2, dW2), (b2, db2), (V, dV)):
        p -= 0.5 * g
    if epoch % 6 == 0:
        print(epoch, cost)
