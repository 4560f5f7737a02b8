import numpy as np


def init_layers(sizes, seed=0):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((a, b)) * np.sqrt(2.0 / a) for a, b in zip(sizes[:-1], sizes[1:])]
    biases = [np.zeros(b) for b in sizes[1:]]
    return weights, biases


def forward_pass(x, weights, biases):
    activations = [x]
    for w, b in zip(weights[:-1], biases[:-1]):
        activations.append(np.maximum(activations[-1] @ w + b, 0.0))
    scores = activations[-1] @ weights[-1] + biases[-1]
    return activations, scores


def softmax_loss(scores, labels):
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    n = len(labels)
    loss = -log_probs[np.arange(n), labels].mean()
    dscores = np.exp(log_probs)
    dscores[np.arange(n), labels] -= 1
    return loss, dscores / n


def backward_pass(dscores, activations, weights):
    grads_w, grads_b = [], []
    delta = dscores
    for layer in range(len(weights) - 1, -1, -1):
        grads_w.insert(0, activations[layer].T @ delta)
        grads_b.insert(0, delta.sum(axis=0))
        if layer > 0:
            delta = (delta @ weights[layer].T) * (activations[layer] > 0)
    return grads_w, grads_b


def adam_update(params, grads, state, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
    state["t"] += 1
    for i, (p, g) in enumerate(zip(params, grads)):
        state["m"][i] = beta1 * state["m"][i] + (1 - beta1) * g
        state["v"][i] = beta2 * state["v"][i] + (1 - beta2) * g * g
        m_hat = state["m"][i] / (1 - beta1 ** state["t"])
        v_hat = state["v"][i] / (1 - beta2 ** state["t"])
        p -= lr * m_hat / (np.sqrt(v_hat) + eps)


rng = np.random.default_rng(3)
x = rng.normal(size=(90, 5))
labels = np.digitize(x[:, 0] * x[:, 1] + x[:, 2], [-0.6, 0.6])
weights, biases = init_layers([5, 12, 10, 8, 3])
params = weights + biases
state = {"t": 0, "m": [np.zeros_like(p) for p in params], "v": [np.zeros_like(p) for p in params]}
for step in range(100):
    activations, scores = forward_pass(x, weights, biases)
    loss, dscores = softmax_loss(scores, labels)
    grads_w, grads_b = backward_pass(dscores, activations, weights)
    adam_update(params, grads_w + grads_b, state)
print("final loss", loss)
