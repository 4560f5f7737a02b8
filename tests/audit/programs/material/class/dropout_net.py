import numpy as np


class DropoutNet:
    def __init__(self, sizes, keep_prob=0.8):
        self.params = []
        for fan_in, fan_out in zip(sizes, sizes[1:]):
            self.params.append([np.random.randn(fan_in, fan_out) * np.sqrt(2 / fan_in), np.zeros(fan_out)])
        self.keep_prob = keep_prob

    def forward(self, x, training=True):
        self.x = x
        (w1, b1), (w2, b2) = self.params
        self.z1 = x @ w1 + b1
        self.a1 = np.maximum(0, self.z1)
        if training:
            self.mask = (np.random.rand(*self.a1.shape) < self.keep_prob) / self.keep_prob
            self.a1 = self.a1 * self.mask
        self.z2 = self.a1 @ w2 + b2
        return self.z2

    def loss_and_grads(self, scores, y):
        n = len(y)
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(n), y]).mean()
        p[np.arange(n), y] -= 1
        dz2 = p / n
        dw2 = self.a1.T @ dz2
        db2 = dz2.sum(axis=0)
        da1 = dz2 @ self.params[1][0].T
        da1 *= self.mask
        dz1 = da1 * (self.z1 > 0)
        dw1 = self.x.T @ dz1
        db1 = dz1.sum(axis=0)
        return loss, [[dw1, db1], [dw2, db2]]

    def update(self, grads, lr):
        for layer, layer_grads in zip(self.params, grads):
            layer[0] -= lr * layer_grads[0]
            layer[1] -= lr * layer_grads[1]


np.random.seed(20)
x = np.random.randn(96, 6)
y = (x[:, 0] > 0) * 2 + (x[:, 1] > 0)
net = DropoutNet([6, 24, 4])
for epoch in range(20):
    order = np.random.permutation(len(x))
    for i in range(0, len(x), 32):
        xb, yb = x[order[i:i+32]], y[order[i:i+32]]
        scores = net.forward(xb)
        loss, grads = net.loss_and_grads(scores, yb)
        net.update(grads, 0.2)
    if epoch % 5 == 4:
        acc = (net.forward(x, training=False).argmax(axis=1) == y).mean()
        print(epoch + 1, round(loss, 4), acc)
