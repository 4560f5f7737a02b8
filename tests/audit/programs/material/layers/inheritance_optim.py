import numpy as np


class Module:
    def zero_grad(self):
        for child in self.children():
            child.zero_grad()

    def children(self):
        return []


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros_like(data)


class Linear(Module):
    def __init__(self, i, o):
        self.weight = Parameter(np.random.normal(0, np.sqrt(2.0 / (i + o)), (o, i)))
        self.bias = Parameter(np.zeros(o))

    def forward(self, x):
        self.saved = x
        return x.dot(self.weight.data.T) + self.bias.data

    def backward(self, grad_out):
        self.weight.grad += grad_out.T.dot(self.saved)
        self.bias.grad += grad_out.sum(0)
        return grad_out.dot(self.weight.data)

    def zero_grad(self):
        self.weight.grad[:] = 0
        self.bias.grad[:] = 0

    def parameters(self):
        return [self.weight, self.bias]


class Residual(Module):
    """x + W2 tanh(W1 x)."""

    def __init__(self, size):
        self.first, self.second = Linear(size, size), Linear(size, size)

    def children(self):
        return [self.first, self.second]

    def forward(self, x):
        self.h = np.tanh(self.first.forward(x))
        return x + self.second.forward(self.h)

    def backward(self, grad_out):
        grad_h = self.second.backward(grad_out)
        grad_x = self.first.backward(grad_h * (1 - self.h ** 2))
        return grad_out + grad_x

    def parameters(self):
        return self.first.parameters() + self.second.parameters()


class AdamW:
    def __init__(self, parameters, lr=3e-3, betas=(0.9, 0.99), weight_decay=1e-2):
        self.parameters, self.lr, self.betas, self.decay = parameters, lr, betas, weight_decay
        self.m = [np.zeros_like(p.data) for p in parameters]
        self.v = [np.zeros_like(p.data) for p in parameters]
        self.k = 0

    def step(self):
        self.k += 1
        b1, b2 = self.betas
        for p, m, v in zip(self.parameters, self.m, self.v):
            m += (1 - b1) * (p.grad - m)
            v += (1 - b2) * (p.grad ** 2 - v)
            p.data -= self.lr * self.decay * p.data
            p.data -= self.lr * (m / (1 - b1 ** self.k)) / (np.sqrt(v / (1 - b2 ** self.k)) + 1e-8)


np.random.seed(50)
inputs = np.random.uniform(-1, 1, (64, 2))
outputs = np.column_stack([inputs[:, 0] * inputs[:, 1], np.cos(3 * inputs[:, 0])])
stack = [Linear(2, 6), Residual(6), Residual(6), Linear(6, 2)]
optimizer = AdamW([p for module in stack for p in module.parameters()])
for epoch in range(20):
    for start in (0, 32):
        for module in stack:
            module.zero_grad()
        for i in (start, start + 16):  # gradients are accumulated over two parts
            y, target = inputs[i:i + 16], outputs[i:i + 16]
            for module in stack:
                y = module.forward(y)
            loss = 0.5 * np.sum((y - target) ** 2) / 32
            grad = (y - target) / 32
            for module in reversed(stack):
                grad = module.backward(grad)
        optimizer.step()
    if epoch % 5 == 0:
        print(epoch, loss)
