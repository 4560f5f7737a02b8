from math import exp
from random import random, seed


def make_network(n_inputs, n_hidden, n_outputs):
    hidden = [{'weights': [random() - 0.5 for _ in range(n_inputs)], 'bias': 0.1 * random()} for _ in range(n_hidden)]
    output = [{'weights': [random() - 0.5 for _ in range(n_hidden)], 'bias': 0.1 * random()} for _ in range(n_outputs)]
    return [hidden, output]


def transfer(s):
    return 1.0 / (1.0 + exp(-s))


def transfer_slope(out):
    return out * (1.0 - out)


def run(network, row):
    values = row
    for layer in network:
        following = []
        for neuron in layer:
            s = neuron['bias']
            for weight, value in zip(neuron['weights'], values):
                s += weight * value
            neuron['output'] = transfer(s)
            following.append(neuron['output'])
        values = following
    return values


def send_back(network, goal):
    for i in reversed(range(len(network))):
        layer = network[i]
        for j in range(len(layer)):
            neuron = layer[j]
            if i == len(network) - 1:
                error = neuron['output'] - goal[j]
            else:
                error = 0.0
                for later in network[i + 1]:
                    error += later['weights'][j] * later['delta']
            neuron['delta'] = error * transfer_slope(neuron['output'])


def change(network, row, rate):
    for i in range(len(network)):
        inputs = row if i == 0 else [neuron['output'] for neuron in network[i - 1]]
        for neuron in network[i]:
            for j in range(len(inputs)):
                neuron['weights'][j] -= rate * neuron['delta'] * inputs[j]
            neuron['bias'] -= rate * neuron['delta']


seed(1)
data = []
for _ in range(12):
    a, b = random() * 4, random() * 4
    data.append(([a, b], 1 if a > b else 0))
network = make_network(2, 3, 2)
for epoch in range(25):
    total = 0
    for row, label in data:
        goal = [0, 0]
        goal[label] = 1
        outputs = run(network, row)
        total += sum((o - g) ** 2 for o, g in zip(outputs, goal)) / 2
        send_back(network, goal)
        change(network, row, 0.5)
    if epoch % 5 == 0:
        print('epoch=%d, error=%.3f' % (epoch, total))
