import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def lstm_forward(xs, W, b, Wy, H):
    h, c = np.zeros(H), np.zeros(H)
    tape = []
    for x in xs:
        z = np.concatenate([h, x])
        a = W @ z + b
        i, f, o, g = sigmoid(a[:H]), sigmoid(a[H:2 * H]), sigmoid(a[2 * H:3 * H]), np.tanh(a[3 * H:])
        c_prev = c
        c = f * c_prev + i * g
        h = o * np.tanh(c)
        tape.append((z, i, f, o, g, c_prev, c))
    return Wy @ h, h, tape


def lstm_backward(dy, h, tape, W, Wy, H):
    dW, db = np.zeros_like(W), np.zeros(4 * H)
    dWy = np.outer(dy, h)
    dh, dc = Wy.T @ dy, np.zeros(H)
    for z, i, f, o, g, c_prev, c in reversed(tape):
        tc = np.tanh(c)
        do = dh * tc
        dc = dc + dh * o * (1 - tc ** 2)
        di, df, dg = dc * g, dc * c_prev, dc * i
        da = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g ** 2)])
        dW += np.outer(da, z)
        db += da
        dh = (W.T @ da)[:H]
        dc = dc * f
    return dW, db, dWy


rng = np.random.default_rng(77)
H, D = 4, 2
W = rng.normal(0, 0.4, (4 * H, H + D))
b = np.zeros(4 * H)
b[H:2 * H] = 1.0
Wy = rng.normal(0, 0.4, (1, H))
series = rng.normal(size=(12, 5, D))
answer = series[:, 0, :1] * np.sign(series[:, -1, 1:])
for epoch in range(12):
    total = 0.0
    for xs, t in zip(series, answer):
        y, h, tape = lstm_forward(xs, W, b, Wy, H)
        total += 0.5 * np.sum((y - t) ** 2)
        dW, db, dWy = lstm_backward(y - t, h, tape, W, Wy, H)
        W -= 0.1 * dW
        b -= 0.1 * db
        Wy -= 0.1 * dWy
    print(epoch, total)
