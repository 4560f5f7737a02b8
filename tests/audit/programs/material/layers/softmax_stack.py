import numpy as np


class Layer:
    def params_and_grads(self):
        return []


class Linear(Layer):
    def __init__(self, rng, fan_in, fan_out):
        limit = np.sqrt(6 / (fan_in + fan_out))
        self.params = {"W": rng.uniform(-limit, limit, (fan_in, fan_out)), "b": np.zeros((1, fan_out))}
        self.grads = {}

    def forward(self, inputs):
        self.inputs = inputs
        return np.dot(inputs, self.params["W"]) + self.params["b"]

    def backward(self, grad):
        self.grads["b"] = np.sum(grad, axis=0, keepdims=True)
        self.grads["W"] = np.dot(self.inputs.T, grad)
        return np.dot(grad, self.params["W"].T)

    def params_and_grads(self):
        for name, param in self.params.items():
            yield param, self.grads[name]


class Activation(Layer):
    def __init__(self, f, f_prime):
        self.f = f
        self.f_prime = f_prime

    def forward(self, inputs):
        self.inputs = inputs
        return self.f(inputs)

    def backward(self, grad):
        return self.f_prime(self.inputs) * grad


def tanh_prime(x):
    return 1 - np.tanh(x) ** 2


def leaky(x):
    return np.where(x >= 0, x, 0.01 * x)


def leaky_prime(x):
    return np.where(x >= 0, 1.0, 0.01)


class SoftmaxCrossEntropy:
    def loss(self, logits, labels):
        exps = np.exp(logits - logits.max(1)[:, None])
        self.probs = exps / exps.sum(1)[:, None]
        return -np.log(self.probs[np.arange(len(labels)), labels]).sum() / len(labels)

    def grad(self, labels):
        d = self.probs.copy()
        d[np.arange(len(labels)), labels] -= 1.0
        return d / len(labels)


class SGD:
    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.velocity = lr, momentum, {}

    def step(self, layers):
        for layer in layers:
            for param, grad in layer.params_and_grads():
                v = self.velocity.get(id(param), np.zeros_like(param))
                v = self.momentum * v + grad
                self.velocity[id(param)] = v
                param -= self.lr * v


rng = np.random.default_rng(14)
X = rng.normal(size=(80, 2))
labels = (np.hypot(X[:, 0], X[:, 1]) * 1.5).astype(int).clip(0, 2)
net = [Linear(rng, 2, 10), Activation(np.tanh, tanh_prime), Linear(rng, 10, 8), Activation(leaky, leaky_prime), Linear(rng, 8, 3)]
criterion, optimizer = SoftmaxCrossEntropy(), SGD(0.05)
for epoch in range(25):
    starts = np.arange(0, len(X), 20)
    rng.shuffle(starts)
    running = 0
    for start in starts:
        batch, target = X[start:start + 20], labels[start:start + 20]
        signal = batch
        for layer in net:
            signal = layer.forward(signal)
        running += criterion.loss(signal, target)
        grad = criterion.grad(target)
        for layer in net[::-1]:
            grad = layer.backward(grad)
        optimizer.step(net)
    print("epoch %d loss %.4f" % (epoch, running / len(starts)))
