import numpy as np

np.random.seed(3)
n_h = 5
shape = (n_h, n_h + 1)
Wz, Wr, Wc = (np.random.randn(*shape) * 0.5 for _ in range(3))
v = np.random.randn(n_h) * 0.5
data = [np.random.uniform(-1, 1, 4) for _ in range(16)]


def sig(a):
    return 1.0 / (1.0 + np.exp(-a))


def run(seq):
    h = np.zeros(n_h)
    steps = []
    for x in seq:
        hx = np.append(h, x)
        z = sig(Wz @ hx)
        r = sig(Wr @ hx)
        rhx = np.append(r * h, x)
        c = np.tanh(Wc @ rhx)
        steps.append((h, hx, z, r, rhx, c))
        h = (1 - z) * h + z * c
    return h, steps


for epoch in range(24):
    loss = 0
    gWz, gWr, gWc, gv = (np.zeros_like(w) for w in (Wz, Wr, Wc, v))
    for seq in data:
        h, steps = run(seq)
        error = h @ v - seq.sum() / 2
        loss += error ** 2 / len(data)
        derror = 2 * error / len(data)
        gv += derror * h
        dh = derror * v
        for h_old, hx, z, r, rhx, c in steps[::-1]:
            dz = dh * (c - h_old) * z * (1 - z)
            dc = dh * z * (1 - c * c)
            drh = Wc[:, :n_h].T @ dc
            dr = drh * h_old * r * (1 - r)
            gWz += np.outer(dz, hx)
            gWr += np.outer(dr, hx)
            gWc += np.outer(dc, rhx)
            dh = dh * (1 - z) + drh * r + Wz[:, :n_h].T @ dz + Wr[:, :n_h].T @ dr
    for w, g in ((Wz, gWz), (Wr, gWr), (Wc, gWc), (v, gv)):
        w -= 0.3 * g
    print(epoch, loss)
