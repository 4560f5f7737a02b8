import numpy as np


def bent(Z, kind):
    if kind == "sigmoid":
        return 1 / (1 + np.exp(-Z))
    return np.maximum(0, Z)


def bent_back(dA, Z, kind):
    if kind == "sigmoid":
        s = 1 / (1 + np.exp(-Z))
        return dA * s * (1 - s)
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def initial(dims):
    np.random.seed(3)
    params = {}
    for l in range(1, len(dims)):
        params['W' + str(l)] = np.random.randn(dims[l], dims[l - 1]) / np.sqrt(dims[l - 1])
        params['b' + str(l)] = np.zeros((dims[l], 1))
    return params


def kind_of(l, L):
    return "sigmoid" if l == L else "relu"


def forward(X, params):
    L = len(params) // 2
    A, caches = X, {}
    for l in range(1, L + 1):
        W, b = params['W' + str(l)], params['b' + str(l)]
        Z = np.dot(W, A) + b
        caches[l] = (A, W, Z)
        A = bent(Z, kind_of(l, L))
    return A, caches


def cross_entropy(AL, Y):
    m = Y.shape[1]
    return np.squeeze(-(np.dot(Y, np.log(AL).T) + np.dot(1 - Y, np.log(1 - AL).T)) / m)


def backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    m = AL.shape[1]
    dA = - (np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    for l in range(L, 0, -1):
        A_prev, W, Z = caches[l]
        dZ = bent_back(dA, Z, kind_of(l, L))
        grads["dW" + str(l)] = 1. / m * np.dot(dZ, A_prev.T)
        grads["db" + str(l)] = 1. / m * np.sum(dZ, axis=1, keepdims=True)
        dA = np.dot(W.T, dZ)
    return grads


def update(params, grads, learning_rate):
    for l in range(1, len(params) // 2 + 1):
        params["W" + str(l)] = params["W" + str(l)] - learning_rate * grads["dW" + str(l)]
        params["b" + str(l)] = params["b" + str(l)] - learning_rate * grads["db" + str(l)]
    return params


def deep_model(X, Y, dims, learning_rate=0.3, num_iterations=120):
    params = initial(dims)
    costs = []
    for i in range(num_iterations):
        AL, caches = forward(X, params)
        grads = backward(AL, Y, caches)
        params = update(params, grads, learning_rate)
        if i % 40 == 0:
            costs.append(cross_entropy(AL, Y))
    return params, costs


np.random.seed(1)
train_x = np.random.randn(8, 50)
train_y = (train_x[:1] + train_x[1:2] * train_x[2:3] > 0).astype(int)
params, costs = deep_model(train_x, train_y, [8, 10, 6, 1])
print("costs", costs)
