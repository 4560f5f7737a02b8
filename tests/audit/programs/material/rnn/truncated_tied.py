import numpy as np


def one_hot(i, n):
    e = np.zeros(n)
    e[i] = 1
    return e


np.random.seed(90)
text = "abcabdabcabdabcabd"
alphabet = sorted(set(text))
n, k = len(alphabet), 6
M = np.random.randn(k, n) * 0.5
R = np.random.randn(k, k) * 0.4
bias = np.zeros(k)
for epoch in range(30):
    h = np.zeros(k)
    for begin in range(0, len(text) - 1, 4):
        chunk = [alphabet.index(ch) for ch in text[begin:begin + 5]]
        h0 = h
        hs, qs = [h0], []
        loss = 0.0
        for i, j in zip(chunk, chunk[1:]):
            h = np.tanh(M @ one_hot(i, n) + R @ h + bias)
            q = M.T @ h
            q = np.exp(q) / np.exp(q).sum()
            loss -= np.log(q[j])
            hs.append(h)
            qs.append(q)
        gM, gR, gb = np.zeros((k, n)), np.zeros((k, k)), np.zeros(k)
        back = np.zeros(k)
        for t in reversed(range(len(qs))):
            dq = qs[t] - one_hot(chunk[t + 1], n)
            gM += np.outer(hs[t + 1], dq)
            da = (M @ dq + back) * (1 - hs[t + 1] ** 2)
            gM += np.outer(da, one_hot(chunk[t], n))
            gR += np.outer(da, hs[t])
            gb += da
            back = R.T @ da
        M = M - 0.1 * gM
        R = R - 0.1 * gR
        bias = bias - 0.1 * gb
    if epoch % 10 == 0:
        print(epoch, loss)
