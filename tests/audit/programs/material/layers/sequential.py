import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * np.sqrt(1 / n_in)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T

    def update(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, grad):
        return grad * self.out * (1 - self.out)

    def update(self, lr):
        pass


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask

    def update(self, lr):
        pass


class Sequential:
    def __init__(self, *layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

    def update(self, lr):
        for layer in self.layers:
            layer.update(lr)


np.random.seed(2)
x = np.random.randn(64, 3)
y = (np.abs(x[:, :1]) > x[:, 1:2]).astype(float)
model = Sequential(Dense(3, 8), ReLU(), Dense(8, 6), Sigmoid(), Dense(6, 1), Sigmoid())
for epoch in range(150):
    out = model.forward(x)
    loss = ((out - y) ** 2).mean()
    model.backward(2 * (out - y) / y.size)
    model.update(0.8)
    if epoch % 50 == 0:
        print(epoch, loss)
