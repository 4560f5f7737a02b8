import numpy as np


def relu6(v):
    return np.clip(v, 0, 6)


def run_forward(batch, theta):
    cache = dict(batch=batch)
    cache['trunk_in'] = batch.dot(theta['trunk_w']) + theta['trunk_b']
    cache['trunk'] = relu6(cache['trunk_in'])
    cache['value'] = cache['trunk'].dot(theta['value_w']).ravel() + theta['value_b']
    logits = cache['trunk'].dot(theta['class_w']) + theta['class_b']
    cache['logp'] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return cache


def run_loss(cache, value_target, class_target):
    n = value_target.size
    value_loss = np.sum((cache['value'] - value_target) ** 2) / n
    class_loss = -cache['logp'][np.arange(n), class_target].sum() / n
    return value_loss + 0.5 * class_loss


def run_backward(cache, theta, value_target, class_target):
    n = value_target.size
    grad = {}
    d_value = 2 * (cache['value'] - value_target) / n
    d_logits = np.exp(cache['logp'])
    d_logits[np.arange(n), class_target] -= 1
    d_logits *= 0.5 / n
    grad['value_w'] = cache['trunk'].T.dot(d_value)[:, None]
    grad['value_b'] = d_value.sum()
    grad['class_w'] = cache['trunk'].T.dot(d_logits)
    grad['class_b'] = d_logits.sum(axis=0)
    d_trunk = np.outer(d_value, theta['value_w']) + d_logits.dot(theta['class_w'].T)
    inside = (cache['trunk_in'] > 0) & (cache['trunk_in'] < 6)
    d_trunk_in = d_trunk * inside
    grad['trunk_w'] = cache['batch'].T.dot(d_trunk_in)
    grad['trunk_b'] = d_trunk_in.sum(axis=0)
    return grad


np.random.seed(66)
data = np.random.randn(72, 4) * 2
value_target = np.abs(data[:, 0]) - data[:, 1]
class_target = (data[:, 2] > 0).astype(int) + (data[:, 3] > 1)
theta = dict(
    trunk_w=np.random.randn(4, 14) * 0.8, trunk_b=np.zeros(14),
    value_w=np.random.randn(14, 1) * 0.2, value_b=0.0,
    class_w=np.random.randn(14, 3) * 0.2, class_b=np.zeros(3),
)
speed = {name: 0.0 for name in theta}
for i in range(140):
    cache = run_forward(data, theta)
    grad = run_backward(cache, theta, value_target, class_target)
    for name in theta:
        speed[name] = 0.9 * speed[name] - 0.01 * grad[name]
        theta[name] = theta[name] + speed[name]
    if i % 35 == 0:
        print(i, run_loss(cache, value_target, class_target))
