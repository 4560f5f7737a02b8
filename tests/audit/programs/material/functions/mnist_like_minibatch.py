import numpy as np


def make_digits(rng, count):
    prototypes = rng.random((10, 36)) > 0.5
    labels = rng.integers(0, 10, count)
    images = prototypes[labels] + 0.3 * rng.normal(size=(count, 36))
    return images, labels


def one_hot(labels, classes=10):
    out = np.zeros((labels.size, classes))
    out[np.arange(labels.size), labels] = 1
    return out


def relu(x):
    return np.maximum(0, x)


def relu_derivative(x):
    return (x > 0).astype(float)


def softmax(x):
    shifted = np.exp(x - np.max(x, axis=1, keepdims=True))
    return shifted / np.sum(shifted, axis=1, keepdims=True)


def feedforward(x, w1, b1, w2, b2):
    z1 = x @ w1 + b1
    a1 = relu(z1)
    z2 = a1 @ w2 + b2
    return z1, a1, softmax(z2)


def cross_entropy(probabilities, targets):
    return -np.sum(targets * np.log(probabilities + 1e-9)) / targets.shape[0]


def backprop(x, targets, z1, a1, probabilities, w2):
    batch = x.shape[0]
    delta2 = (probabilities - targets) / batch
    grad_w2 = a1.T @ delta2
    grad_b2 = np.sum(delta2, axis=0)
    delta1 = (delta2 @ w2.T) * relu_derivative(z1)
    grad_w1 = x.T @ delta1
    grad_b1 = np.sum(delta1, axis=0)
    return grad_w1, grad_b1, grad_w2, grad_b2


def train():
    rng = np.random.default_rng(12)
    images, labels = make_digits(rng, 200)
    w1 = rng.normal(scale=0.1, size=(36, 16))
    b1 = np.zeros(16)
    w2 = rng.normal(scale=0.1, size=(16, 10))
    b2 = np.zeros(10)
    for epoch in range(12):
        order = rng.permutation(len(images))
        for start in range(0, len(images), 32):
            batch = order[start : start + 32]
            x, targets = images[batch], one_hot(labels[batch])
            z1, a1, probabilities = feedforward(x, w1, b1, w2, b2)
            gradients = backprop(x, targets, z1, a1, probabilities, w2)
            for parameter, gradient in zip((w1, b1, w2, b2), gradients):
                parameter -= 0.3 * gradient
        probabilities = feedforward(images, w1, b1, w2, b2)[2]
        accuracy = np.mean(np.argmax(probabilities, axis=1) == labels)
        print(epoch, cross_entropy(probabilities, one_hot(labels)), accuracy)


if __name__ == "__main__":
    train()
