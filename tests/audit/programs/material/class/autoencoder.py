import numpy as np


class AutoEncoder:
    def __init__(self, visible, hidden):
        self.W = np.random.randn(hidden, visible) * 0.2
        self.b = np.zeros((hidden, 1))
        self.c = np.zeros((visible, 1))

    def encode(self, X):
        return 1 / (1 + np.exp(-(self.W.dot(X) + self.b)))

    def decode(self, H):
        return 1 / (1 + np.exp(-(self.W.T.dot(H) + self.c)))

    def reconstruction_error(self, X):
        R = self.decode(self.encode(X))
        return -np.sum(X * np.log(R) + (1 - X) * np.log(1 - R)) / X.shape[1]

    def gradients(self, X):
        n = X.shape[1]
        H = self.encode(X)
        R = self.decode(H)
        delta_out = (R - X) / n
        delta_hid = self.W.dot(delta_out) * H * (1 - H)
        dW = delta_hid.dot(X.T) + H.dot(delta_out.T)
        db = delta_hid.sum(axis=1, keepdims=True)
        dc = delta_out.sum(axis=1, keepdims=True)
        return dW, db, dc

    def train(self, X, epochs, lr):
        for epoch in range(epochs):
            dW, db, dc = self.gradients(X)
            self.W -= lr * dW
            self.b -= lr * db
            self.c -= lr * dc
            if epoch % 25 == 0:
                print("epoch", epoch, "error", self.reconstruction_error(X))


np.random.seed(13)
patterns = np.random.rand(4, 10) > 0.5
X = patterns[np.random.randint(0, 4, 50)].T.astype(float)
flips = np.random.rand(*X.shape) < 0.05
X[flips] = 1 - X[flips]
ae = AutoEncoder(10, 5)
ae.train(X, 150, 0.5)
