import numpy as np


class Separator:
    def __init__(self, learning_rate=0.1, n_iters=150, l2=0.1):
        self.lr = learning_rate
        self.n_iters = n_iters
        self.l2 = l2
        self.weights = None
        self.bias = None

    def fit(self, X, y):
        n, k = X.shape
        self.weights = np.zeros(k)
        self.bias = 0
        for _ in range(self.n_iters):
            z = np.dot(X, self.weights) + self.bias
            p_hat = self._sigmoid(z)
            dw = (1 / n) * np.dot(X.T, (p_hat - y)) + self.l2 * self.weights
            db = (1 / n) * np.sum(p_hat - y)
            self.weights -= self.lr * dw
            self.bias -= self.lr * db

    def predict(self, X):
        return [1 if p > 0.5 else 0 for p in self._sigmoid(np.dot(X, self.weights) + self.bias)]

    def _sigmoid(self, x):
        return 1 / (1 + np.exp(-x))


def accuracy(y_true, y_pred):
    return np.sum(y_true == y_pred) / len(y_true)


np.random.seed(1234)
X = np.random.randn(100, 5)
y = (X @ np.array([1.0, -2.0, 0.5, 0.0, 0.3]) + 0.3 * np.random.randn(100) > 0).astype(int)
separator = Separator()
separator.fit(X[:80], y[:80])
print("accuracy", accuracy(y[80:], separator.predict(X[80:])))
