import numpy as np


def score(x, params):
    U, u, r = params
    return r @ np.maximum(U @ x + u, 0)


np.random.seed(51)
params = [np.random.randn(6, 2), np.random.rand(6), np.random.randn(6)]
stream = np.random.uniform(-1, 1, (200, 2))
mistakes = 0
for step, x in enumerate(stream, start=1):
    y = 1 if abs(x[0]) + abs(x[1]) < 0.9 else -1
    U, u, r = params
    a = U @ x + u
    h = np.maximum(a, 0)
    f = r @ h
    hinge = max(0.0, 1 - y * f)
    mistakes += y * f <= 0
    if hinge == 0:
        continue
    dr = -y * h
    dh = -y * r
    da = np.where(a > 0, dh, 0)
    lr = 0.2 / np.sqrt(step)
    params = [U - lr * np.outer(da, x), u - lr * da, r - lr * dr]
    if step % 50 == 0:
        print(step, hinge, mistakes / step)
print("mistakes", mistakes)
