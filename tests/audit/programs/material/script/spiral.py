import numpy as np

rng = np.random.default_rng(0)
per_arm, arms = 30, 3
points, arm = [], []
for j in range(arms):
    radius = np.linspace(0.0, 1, per_arm)
    angle = np.linspace(j * 4, (j + 1) * 4, per_arm) + 0.2 * rng.normal(size=per_arm)
    points.append(np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1))
    arm += [j] * per_arm
X, y = np.concatenate(points), np.array(arm)
N = len(X)

W1 = 0.1 * rng.normal(size=(2, 20))
b1 = np.zeros((1, 20))
W2 = 0.1 * rng.normal(size=(20, arms))
b2 = np.zeros((1, arms))
learning_rate = 1.0
reg = 1e-3

for i in range(200):
    hidden = np.maximum(0, np.dot(X, W1) + b1)
    scores = np.dot(hidden, W2) + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)
    data_loss = -np.log(probs[range(N), y]).sum() / N
    reg_loss = 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    loss = data_loss + reg_loss
    if i % 50 == 0:
        print(i, loss)

    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N
    dW2 = np.dot(hidden.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden <= 0] = 0
    dW1 = np.dot(X.T, dhidden)
    db1 = np.sum(dhidden, axis=0, keepdims=True)
    dW2 += reg * W2
    dW1 += reg * W1

    W1 += -learning_rate * dW1
    b1 += -learning_rate * db1
    W2 += -learning_rate * dW2
    b2 += -learning_rate * db2

scores = np.dot(np.maximum(0, np.dot(X, W1) + b1), W2) + b2
print("accuracy", np.mean(scores.argmax(axis=1) == y))
