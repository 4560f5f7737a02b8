import numpy as np

data = "hello world, hello people, hello yellow bells"
chars = sorted(set(data))
char_to_ix = {c: i for i, c in enumerate(chars)}
V, H, seq_length = len(chars), 12, 8
learning_rate = 0.1

np.random.seed(1)
Wxh = np.random.randn(H, V) * 0.1
Whh = np.random.randn(H, H) * 0.1
Why = np.random.randn(V, H) * 0.1
bh = np.zeros((H, 1))
by = np.zeros((V, 1))


def sequence_loss(inputs, targets, hprev):
    xs, hs, ps = {}, {-1: hprev}, {}
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((V, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        y = Why @ hs[t] + by
        ps[t] = np.exp(y) / np.sum(np.exp(y))
        loss += -np.log(ps[t][targets[t], 0])
    return loss, xs, hs, ps


def sequence_gradients(targets, xs, hs, ps):
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(targets))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += dy @ hs[t].T
        dby += dy
        dh = Why.T @ dy + dhnext
        draw = (1 - hs[t] * hs[t]) * dh
        dbh += draw
        dWxh += draw @ xs[t].T
        dWhh += draw @ hs[t - 1].T
        dhnext = Whh.T @ draw
    return dWxh, dWhh, dWhy, dbh, dby


memory = [np.zeros_like(p) for p in (Wxh, Whh, Why, bh, by)]
p, hprev = 0, np.zeros((H, 1))
for n in range(60):
    if p + seq_length + 1 > len(data):
        p, hprev = 0, np.zeros((H, 1))
    inputs = [char_to_ix[c] for c in data[p:p + seq_length]]
    targets = [char_to_ix[c] for c in data[p + 1:p + seq_length + 1]]
    loss, xs, hs, ps = sequence_loss(inputs, targets, hprev)
    grads = sequence_gradients(targets, xs, hs, ps)
    for param, dparam, mem in zip((Wxh, Whh, Why, bh, by), grads, memory):
        mem += dparam * dparam
        param += -learning_rate * dparam / np.sqrt(mem + 1e-8)
    if n % 15 == 0:
        print("iter %d, loss %f" % (n, loss))
    hprev = hs[seq_length - 1]
    p += seq_length
