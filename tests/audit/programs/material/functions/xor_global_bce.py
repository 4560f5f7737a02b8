import numpy as np

np.random.seed(4)
inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
expected = np.array([[0], [1], [1], [0]], dtype=float)
weights_ih = np.random.randn(2, 5)
bias_h = np.zeros((1, 5))
weights_ho = np.random.randn(5, 1)
bias_o = np.zeros((1, 1))


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def forward():
    global hidden, output
    hidden = sigmoid(np.dot(inputs, weights_ih) + bias_h)
    output = sigmoid(np.dot(hidden, weights_ho) + bias_o)


def loss():
    clipped = np.clip(output, 1e-10, 1 - 1e-10)
    return float(np.mean(-expected * np.log(clipped) - (1 - expected) * np.log(1 - clipped)))


def backward(lr):
    global weights_ih, bias_h, weights_ho, bias_o
    n = len(inputs)
    d_output = (output - expected) / n
    d_hidden = np.dot(d_output, weights_ho.T) * hidden * (1 - hidden)
    weights_ho = weights_ho - lr * np.dot(hidden.T, d_output)
    bias_o = bias_o - lr * d_output.sum(axis=0, keepdims=True)
    weights_ih = weights_ih - lr * np.dot(inputs.T, d_hidden)
    bias_h = bias_h - lr * d_hidden.sum(axis=0, keepdims=True)


for i in range(250):
    forward()
    backward(1.0)
    if i % 50 == 0:
        print(i, loss())
