import math

import numpy as np


def random_mini_batches(X, Y, mini_batch_size, seed):
    np.random.seed(seed)
    m = X.shape[1]
    permutation = list(np.random.permutation(m))
    shuffled_X = X[:, permutation]
    shuffled_Y = Y[:, permutation].reshape((Y.shape[0], m))
    batches = []
    for k in range(math.ceil(m / mini_batch_size)):
        batches.append((shuffled_X[:, k * mini_batch_size:(k + 1) * mini_batch_size],
                        shuffled_Y[:, k * mini_batch_size:(k + 1) * mini_batch_size]))
    return batches


def propagate(X, Y, params):
    m = X.shape[1]
    z1 = params["W1"] @ X + params["b1"]
    a1 = np.where(z1 > 0, z1, 0.2 * z1)
    z2 = params["W2"] @ a1 + params["b2"]
    t = np.exp(z2 - np.max(z2, axis=0))
    a2 = t / np.sum(t, axis=0)
    cost = -np.sum(Y * np.log(a2)) / m
    dz2 = 1 / m * (a2 - Y)
    grads = {"dW2": dz2 @ a1.T, "db2": np.sum(dz2, axis=1, keepdims=True)}
    da1 = params["W2"].T @ dz2
    dz1 = da1 * np.where(z1 > 0, 1, 0.2)
    grads["dW1"] = dz1 @ X.T
    grads["db1"] = np.sum(dz1, axis=1, keepdims=True)
    return cost, grads


def initialize_adam(params):
    v, s = {}, {}
    for key in params:
        v["d" + key] = np.zeros(params[key].shape)
        s["d" + key] = np.zeros(params[key].shape)
    return v, s


def update_with_adam(params, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    v_corrected, s_corrected = {}, {}
    for key in params:
        d = "d" + key
        v[d] = beta1 * v[d] + (1 - beta1) * grads[d]
        v_corrected[d] = v[d] / (1 - np.power(beta1, t))
        s[d] = beta2 * s[d] + (1 - beta2) * np.power(grads[d], 2)
        s_corrected[d] = s[d] / (1 - np.power(beta2, t))
        params[key] = params[key] - learning_rate * v_corrected[d] / (np.sqrt(s_corrected[d]) + epsilon)
    return params, v, s


np.random.seed(8)
X = np.random.randn(5, 96)
Y = np.zeros((3, 96))
Y[np.digitize(X[0] - X[1] * X[2], [-0.7, 0.7]), np.arange(96)] = 1
params = {"W1": np.random.randn(9, 5) * 0.5, "b1": np.zeros((9, 1)), "W2": np.random.randn(3, 9) * 0.3, "b2": np.zeros((3, 1))}
v, s = initialize_adam(params)
t = 0
for epoch in range(20):
    cost_total = 0
    for minibatch_X, minibatch_Y in random_mini_batches(X, Y, 32, seed=epoch):
        cost, grads = propagate(minibatch_X, minibatch_Y, params)
        cost_total += cost
        t += 1
        params, v, s = update_with_adam(params, grads, v, s, t)
    if epoch % 5 == 0:
        print("Cost after epoch %i: %f" % (epoch, cost_total / 3))
