import math
import random


class Neuron:
    def __init__(self, n):
        self.w = [random.uniform(-1, 1) for _ in range(n)]
        self.b = 0.0
        self.gw = [0.0] * n
        self.gb = 0.0

    def fire(self, inputs):
        self.inputs = inputs
        z = sum(w * x for w, x in zip(self.w, inputs)) + self.b
        self.out = math.tanh(z)
        return self.out

    def blame(self, g):
        """Collects slopes and returns the inputs' share."""
        d = g * (1 - self.out ** 2)
        for k, x in enumerate(self.inputs):
            self.gw[k] += d * x
        self.gb += d
        return [d * w for w in self.w]

    def move(self, rate):
        for k in range(len(self.w)):
            self.w[k] -= rate * self.gw[k]
            self.gw[k] = 0.0
        self.b -= rate * self.gb
        self.gb = 0.0


class Layer:
    def __init__(self, n_in, n_out):
        self.neurons = [Neuron(n_in) for _ in range(n_out)]

    def fire(self, inputs):
        return [neuron.fire(inputs) for neuron in self.neurons]

    def blame(self, gs):
        shares = [neuron.blame(g) for neuron, g in zip(self.neurons, gs)]
        return [sum(column) for column in zip(*shares)]


random.seed(12)
points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(10)]
goals = [math.sin(3 * a) * b for a, b in points]
layers = [Layer(2, 4), Layer(4, 3), Layer(3, 1)]
for epoch in range(60):
    loss = 0.0
    for point, goal in zip(points, goals):
        values = list(point)
        for layer in layers:
            values = layer.fire(values)
        loss += (values[0] - goal) ** 2 / len(points)
        gs = [2 * (values[0] - goal) / len(points)]
        for layer in reversed(layers):
            gs = layer.blame(gs)
    for layer in layers:
        for neuron in layer.neurons:
            neuron.move(0.3)
    if epoch % 15 == 0:
        print(epoch, loss)
