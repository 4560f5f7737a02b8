import numpy as np
import math


def target(x):
    return math.sin(2 * x) + 0.3 * x


def predict(theta, x):
    hidden = np.tanh(np.outer(x, theta["w"]) + theta["c"])
    return hidden, hidden @ theta["v"] + theta["d"]


def mse(prediction, truth):
    return np.mean((prediction - truth) ** 2)


def gradient(theta, x, truth):
    hidden, prediction = predict(theta, x)
    error = 2 * (prediction - truth) / len(x)
    back = np.outer(error, theta["v"]) * (1 - hidden ** 2)
    return {"w": back.T @ x, "c": back.sum(axis=0), "v": hidden.T @ error, "d": error.sum()}


def fit(x, truth, units=9, steps=150, rate=0.05, momentum=0.8):
    rng = np.random.default_rng(8)
    theta = {"w": rng.normal(size=units), "c": rng.normal(size=units), "v": rng.normal(size=units) / 3, "d": 0.0}
    velocity = {name: np.zeros_like(value) for name, value in theta.items()}
    losses = []
    for step in range(steps):
        slopes = gradient(theta, x, truth)
        for name in theta:
            velocity[name] = momentum * velocity[name] - rate * slopes[name]
            theta[name] = theta[name] + velocity[name]
        losses.append(mse(predict(theta, x)[1], truth))
    return theta, losses


points = np.linspace(-2, 2, 41)
values = np.array([target(p) for p in points])
theta, losses = fit(points, values)
print("loss went from", losses[0], "to", losses[-1])
