import numpy as np


class MLP:
    """A classifier with tanh units, softmax and weight decay."""

    def __init__(self, n_in, n_hidden, n_classes, alpha=0.01, seed=0):
        rng = np.random.default_rng(seed)
        self.W1 = rng.normal(0, 1 / np.sqrt(n_in), (n_in, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, n_classes))
        self.b2 = np.zeros(n_classes)
        self.alpha = alpha
        self.loss_history_ = []

    def _forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        logits = self.h @ self.W2 + self.b2
        logits -= logits.max(axis=1, keepdims=True)
        exp = np.exp(logits)
        self.p = exp / exp.sum(axis=1, keepdims=True)
        return self.p

    def _loss(self, Y):
        data = -np.mean(np.log(np.sum(self.p * Y, axis=1)))
        return data + 0.5 * self.alpha * (np.sum(self.W1 ** 2) + np.sum(self.W2 ** 2))

    def _backward(self, X, Y):
        n = X.shape[0]
        d2 = (self.p - Y) / n
        self.gW2 = self.h.T @ d2 + self.alpha * self.W2
        self.gb2 = d2.sum(axis=0)
        d1 = d2 @ self.W2.T * (1 - self.h ** 2)
        self.gW1 = X.T @ d1 + self.alpha * self.W1
        self.gb1 = d1.sum(axis=0)

    def _step(self, rate):
        self.W1 -= rate * self.gW1
        self.b1 -= rate * self.gb1
        self.W2 -= rate * self.gW2
        self.b2 -= rate * self.gb2

    def fit(self, X, y, epochs=100, rate=0.5):
        Y = (y[:, None] == np.arange(self.b2.size)).astype(float)
        for _ in range(epochs):
            self._forward(X)
            self.loss_history_.append(self._loss(Y))
            self._backward(X, Y)
            self._step(rate)
        return self

    def predict(self, X):
        return self._forward(X).argmax(axis=1)


rng = np.random.default_rng(99)
X = rng.normal(size=(90, 4))
y = (X[:, 0] > 0).astype(int) + (X[:, 1] * X[:, 2] > 0)
model = MLP(4, 8, 3).fit(X, y)
print("loss", model.loss_history_[-1])
print("accuracy", np.mean(model.predict(X) == y))
