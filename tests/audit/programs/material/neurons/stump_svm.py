import random

random.seed(30)
data = []
for _ in range(40):
    x = [random.gauss(0, 1) for _ in range(4)]
    data.append((x, 1 if 2 * x[0] - x[1] + 0.5 * x[3] > 0.2 else -1))

w = [0.0, 0.0, 0.0, 0.0]
b = 0.0
lam = 0.01
for epoch in range(100):
    gw = [lam * v for v in w]
    gb = 0.0
    cost = 0.5 * lam * sum(v * v for v in w)
    for x, y in data:
        margin = y * (sum(p * q for p, q in zip(w, x)) + b)
        if margin < 1:
            cost += (1 - margin) ** 2 / len(data)
            push = -2 * (1 - margin) * y / len(data)
            for k in range(4):
                gw[k] += push * x[k]
            gb += push
    for k in range(4):
        w[k] -= 0.1 * gw[k]
    b -= 0.1 * gb
    if epoch % 20 == 0:
        print(epoch, cost)
print([round(v, 3) for v in w], round(b, 3))
