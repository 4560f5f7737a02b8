import numpy as np

np.random.seed(0)
text = ("the quick brown fox jumps over the lazy dog and the cat sat on the mat "
        "while the dog ran over the hill and the fox ran away").split()
vocab = sorted(set(text))
word2id = {w: i for i, w in enumerate(vocab)}
pairs = []
for i, w in enumerate(text):
    for j in (i - 2, i - 1, i + 1, i + 2):
        if 0 <= j < len(text):
            pairs.append((word2id[w], word2id[text[j]]))
pairs = np.array(pairs)

V, dim = len(vocab), 6
E = np.random.randn(V, dim) * 0.3
U = np.random.randn(dim, V) * 0.3
GE, GU = np.zeros_like(E), np.zeros_like(U)
eta = 0.2

for epoch in range(10):
    np.random.shuffle(pairs)
    total = 0.0
    for s in range(0, len(pairs), 16):
        center, context = pairs[s:s + 16].T
        n = len(center)
        h = E[center]
        u = h @ U
        u -= u.max(axis=1, keepdims=True)
        p = np.exp(u)
        p /= p.sum(axis=1, keepdims=True)
        total -= np.log(p[np.arange(n), context]).sum()

        du = p.copy()
        du[np.arange(n), context] -= 1
        dU = h.T @ du
        dE = np.zeros_like(E)
        np.add.at(dE, center, du @ U.T)

        GE += dE ** 2
        GU += dU ** 2
        E -= eta * dE / np.sqrt(GE + 1e-8)
        U -= eta * dU / np.sqrt(GU + 1e-8)
    print(epoch, total / len(pairs))
