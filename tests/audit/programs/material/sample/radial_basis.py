import numpy as np

rs = np.random.RandomState(25)
X = rs.uniform(-2, 2, (35, 2))
Y = np.exp(-X[:, 0] ** 2) - 0.5 * np.cos(X[:, 1])
centres = rs.uniform(-2, 2, (7, 2))
weights = rs.normal(0, 0.3, 7)
offset = 0.0
width = 1.2

for epoch in range(8):
    order = rs.permutation(len(X))
    sse = 0
    for i in order:
        difference = X[i] - centres
        phi = np.exp(-np.sum(difference ** 2, axis=1) / (2 * width ** 2))
        output = phi @ weights + offset
        error = output - Y[i]
        sse += error ** 2
        grad_weights = 2 * error * phi
        grad_offset = 2 * error
        grad_centres = (2 * error * weights * phi)[:, None] * difference / width ** 2
        weights -= 0.05 * grad_weights
        offset -= 0.05 * grad_offset
        centres -= 0.05 * grad_centres
    print(epoch, sse / len(X))
