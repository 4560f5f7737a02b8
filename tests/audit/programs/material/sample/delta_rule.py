import numpy as np

np.random.seed(100)
patterns = np.random.choice([-1.0, 1.0], (24, 5))
answers = np.sign(patterns[:, 0] + patterns[:, 1] + patterns[:, 2] + 0.5)
weights = np.zeros(5)
bias = 0.0
learning_rate = 0.05
decay = 0.002
errors = []
for epoch in range(20):
    epoch_error = 0
    for pattern, answer in zip(patterns, answers):
        output = np.tanh(np.dot(weights, pattern) + bias)
        error = answer - output
        epoch_error += error ** 2
        gradient = error * (1 - output ** 2)
        weights = weights + learning_rate * (gradient * pattern - decay * weights)
        bias = bias + learning_rate * gradient
    errors.append(epoch_error)
print(errors[0], "->", errors[-1])
