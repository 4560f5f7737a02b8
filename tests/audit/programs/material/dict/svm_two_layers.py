import numpy as np


def init_toy_params(rng, input_size, hidden_size, num_classes, std=0.5):
    params = {}
    params['W1'] = std * rng.standard_normal((input_size, hidden_size))
    params['b1'] = np.zeros(hidden_size)
    params['W2'] = std * rng.standard_normal((hidden_size, num_classes))
    params['b2'] = np.zeros(num_classes)
    return params


def svm_loss(params, X, y=None, reg=0.0):
    W1, b1 = params['W1'], params['b1']
    W2, b2 = params['W2'], params['b2']
    N, D = X.shape

    pre = X.dot(W1) + b1
    hidden = np.maximum(0, pre)
    scores = hidden.dot(W2) + b2
    if y is None:
        return scores

    correct = scores[np.arange(N), y][:, np.newaxis]
    margins = np.maximum(0, scores - correct + 1)
    margins[np.arange(N), y] = 0
    loss = margins.sum() / N
    loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

    grads = {}
    dscores = (margins > 0).astype(float)
    dscores[np.arange(N), y] -= dscores.sum(axis=1)
    dscores /= N
    grads['W2'] = hidden.T.dot(dscores) + 2 * reg * W2
    grads['b2'] = dscores.sum(axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden *= pre > 0
    grads['W1'] = X.T.dot(dhidden) + 2 * reg * W1
    grads['b1'] = dhidden.sum(axis=0)
    return loss, grads


rng = np.random.default_rng(0)
X = rng.normal(size=(100, 4))
y = np.argmax(X[:, :3] + 0.5 * X[:, 1:] ** 2, axis=1)
params = init_toy_params(rng, 4, 10, 3)
learning_rate = 0.1
loss_history = []
for it in range(120):
    batch = rng.choice(100, 25)
    loss, grads = svm_loss(params, X[batch], y[batch], reg=1e-3)
    loss_history.append(loss)
    for name in params:
        params[name] -= learning_rate * grads[name]
    if (it + 1) % 30 == 0:
        learning_rate *= 0.95
print('Final training loss: ', loss_history[-1])
print('accuracy', (svm_loss(params, X).argmax(axis=1) == y).mean())
