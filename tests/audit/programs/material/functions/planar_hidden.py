import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def start_values(inputs, hidden, outputs):
    np.random.seed(2)
    return (np.random.randn(hidden, inputs) * 0.5, np.zeros((hidden, 1)),
            np.random.randn(outputs, hidden) * 0.5, np.zeros((outputs, 1)))


def go_forward(X, W1, b1, W2, b2):
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = sigma(np.dot(W2, A1) + b2)
    return A1, A2


def cost_of(A2, Y):
    surprise = np.multiply(Y, np.log(A2)) + np.multiply(1 - Y, np.log(1 - A2))
    return -surprise.sum() / Y.shape[1]


def go_backward(X, Y, A1, A2, W2):
    m = X.shape[1]
    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


def train(X, Y, hidden=4, rounds=200, speed=1.2):
    W1, b1, W2, b2 = start_values(X.shape[0], hidden, Y.shape[0])
    for i in range(rounds):
        A1, A2 = go_forward(X, W1, b1, W2, b2)
        dW1, db1, dW2, db2 = go_backward(X, Y, A1, A2, W2)
        W1 = W1 - speed * dW1
        b1 = b1 - speed * db1
        W2 = W2 - speed * dW2
        b2 = b2 - speed * db2
        if i % 50 == 0:
            print("cost %i: %f" % (i, cost_of(A2, Y)))
    return W1, b1, W2, b2


np.random.seed(1)
X = np.random.randn(2, 60)
Y = (np.sum(X ** 2, axis=0, keepdims=True) < 1.2).astype(float)
train(X, Y)
