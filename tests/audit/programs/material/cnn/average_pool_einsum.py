import numpy as np

rng = np.random.default_rng(64)
images = rng.normal(size=(40, 5, 5, 2))
marks = np.where(images[:, 1:4, 1:4, 0].mean(axis=(1, 2)) > images[:, :, :, 1].mean(axis=(1, 2)), 1, -1)


def patches(x):
    return np.stack([x[:, i:i + 3, j:j + 3, :].reshape(len(x), -1) for i in range(3) for j in range(3)], axis=1)


class Network:
    def __init__(self):
        self.filters = rng.normal(size=(18, 6)) / np.sqrt(18)
        self.offsets = np.zeros(6)
        self.readout = rng.normal(size=6) / np.sqrt(6)

    def scores(self, p):
        self.p = p
        self.z = np.einsum("bpk,kf->bpf", p, self.filters) + self.offsets
        self.a = np.logaddexp(0, self.z)
        self.mean = np.einsum("bpf->bf", self.a) / self.a.shape[1]
        return self.mean @ self.readout

    def slopes(self, ds):
        d_readout = np.einsum("b,bf->f", ds, self.mean)
        d_mean = np.einsum("b,f->bf", ds, self.readout)
        d_a = d_mean[:, None, :] / self.a.shape[1]
        d_z = d_a / (1 + np.exp(-self.z))
        return np.einsum("bpk,bpf->kf", self.p, d_z), np.einsum("bpf->f", d_z), d_readout


def squared_hinge(s, y):
    return np.mean(np.maximum(0, 1 - y * s) ** 2)


net = Network()
p = patches(images)
for epoch in range(100):
    s = net.scores(p)
    ds = -2 * marks * np.maximum(0, 1 - marks * s) / len(marks)
    d_filters, d_offsets, d_readout = net.slopes(ds)
    net.filters -= 0.5 * d_filters
    net.offsets -= 0.5 * d_offsets
    net.readout -= 0.5 * d_readout
    if epoch % 10 == 0:
        print(epoch, squared_hinge(s, marks))
