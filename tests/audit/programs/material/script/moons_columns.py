import numpy as np

np.random.seed(3)
m = 120
t = np.pi * np.random.rand(m // 2)
X = np.hstack([np.array([np.cos(t), np.sin(t)]), np.array([1 - np.cos(t), 0.5 - np.sin(t)])])
X += 0.1 * np.random.randn(2, m)
Y = np.hstack([np.zeros((1, m // 2)), np.ones((1, m // 2))])

n_h = 6
W1 = np.random.randn(n_h, 2) * 0.5
b1 = np.zeros((n_h, 1))
W2 = np.random.randn(n_h, n_h) * 0.4
b2 = np.zeros((n_h, 1))
W3 = np.random.randn(1, n_h) * 0.4
b3 = np.zeros((1, 1))

vW1, vb1 = np.zeros_like(W1), np.zeros_like(b1)
vW2, vb2 = np.zeros_like(W2), np.zeros_like(b2)
vW3, vb3 = np.zeros_like(W3), np.zeros_like(b3)
beta = 0.9
alpha = 0.1

for it in range(150):
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = np.tanh(np.dot(W2, A1) + b2)
    A3 = 1 / (1 + np.exp(-(np.dot(W3, A2) + b3)))

    cost = -(1 / m) * np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3))

    dZ3 = A3 - Y
    dW3 = np.dot(dZ3, A2.T) / m
    db3 = np.sum(dZ3, axis=1, keepdims=True) / m
    dZ2 = np.dot(W3.T, dZ3) * (1 - A2 ** 2)
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1 ** 2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m

    vW1 = beta * vW1 + (1 - beta) * dW1
    vb1 = beta * vb1 + (1 - beta) * db1
    vW2 = beta * vW2 + (1 - beta) * dW2
    vb2 = beta * vb2 + (1 - beta) * db2
    vW3 = beta * vW3 + (1 - beta) * dW3
    vb3 = beta * vb3 + (1 - beta) * db3

    W1 = W1 - alpha * vW1
    b1 = b1 - alpha * vb1
    W2 = W2 - alpha * vW2
    b2 = b2 - alpha * vb2
    W3 = W3 - alpha * vW3
    b3 = b3 - alpha * vb3

    if it % 50 == 0:
        print(f"Cost after iteration {it}: {cost:.4f}")
