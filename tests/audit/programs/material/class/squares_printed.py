import numpy as np


class SimpleNN:
    def __init__(self):
        np.random.seed(10)
        self.w1 = np.random.randn(3, 7)
        self.b1 = np.zeros((1, 7))
        self.w2 = np.random.randn(7, 1)
        self.b2 = np.zeros((1, 1))

    def forward(self, X):
        self.z1 = np.dot(X, self.w1) + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = np.dot(self.a1, self.w2) + self.b2
        self.a2 = 1 / (1 + np.exp(-self.z2))
        return self.a2

    def train(self, X, y, epochs=100, lr=0.5):
        m = X.shape[0]
        for epoch in range(epochs):
            output = self.forward(X)
            loss = np.mean(np.square(y - output))
            if epoch % 20 == 0:
                print(f"Epoch {epoch}, Loss: {loss:.6f}")
            dz2 = output - y
            dw2 = np.dot(self.a1.T, dz2) / m
            db2 = np.sum(dz2, axis=0, keepdims=True) / m
            dz1 = np.dot(dz2, self.w2.T) * (1 - np.tanh(self.z1) ** 2)
            dw1 = np.dot(X.T, dz1) / m
            db1 = np.sum(dz1, axis=0, keepdims=True) / m
            self.w2 -= lr * dw2
            self.b2 -= lr * db2
            self.w1 -= lr * dw1
            self.b1 -= lr * db1


X = np.random.RandomState(0).randn(64, 3)
y = (X.sum(axis=1, keepdims=True) ** 2 > 2).astype(float)
nn = SimpleNN()
nn.train(X, y)
