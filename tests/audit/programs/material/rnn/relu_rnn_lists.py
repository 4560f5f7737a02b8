import numpy as np

rs = np.random.RandomState(71)
vocab, size, steps = 5, 7, 6
E = rs.randn(vocab, size) * 0.5
R = np.eye(size) * 0.8 + rs.randn(size, size) * 0.05
O = rs.randn(size, vocab) * 0.3
sequences = rs.randint(0, vocab, (20, steps + 1))
sequences[:, 1:] = (sequences[:, :1] + np.arange(1, steps + 1)) % vocab


def forward(ids):
    state = [np.zeros(size)]
    pre, soft = [], []
    for i in ids[:-1]:
        pre.append(E[i] + state[-1] @ R)
        state.append(np.maximum(pre[-1], 0))
        logits = state[-1] @ O
        logits = logits - logits.max()
        soft.append(np.exp(logits) / np.exp(logits).sum())
    return state, pre, soft


def nll(ids):
    return -sum(np.log(s[k]) for s, k in zip(forward(ids)[2], ids[1:]))


lr = 0.05
for epoch in range(6):
    for ids in sequences:
        state, pre, soft = forward(ids)
        dE, dR, dO = np.zeros_like(E), np.zeros_like(R), np.zeros_like(O)
        later = np.zeros(size)
        for t in range(steps - 1, -1, -1):
            d = soft[t].copy()
            d[ids[t + 1]] -= 1
            dO += np.outer(state[t + 1], d)
            ds = O @ d + later
            dp = ds * (pre[t] > 0)
            dE[ids[t]] += dp
            dR += np.outer(state[t], dp)
            later = R @ dp
        norm = np.sqrt((dE ** 2).sum() + (dR ** 2).sum() + (dO ** 2).sum())
        scale = min(1.0, 5.0 / norm)
        E -= lr * scale * dE
        R -= lr * scale * dR
        O -= lr * scale * dO
    print(epoch, np.mean([nll(ids) for ids in sequences]))
