from random import Random

generator = Random(19)
shape = [2, 4, 3, 1]
weights = [[[generator.uniform(-0.8, 0.8) for _ in range(a + 1)] for _ in range(b)] for a, b in zip(shape, shape[1:])]
speed = [[[0.0] * len(unit) for unit in layer] for layer in weights]


def leaky(s):
    return s if s > 0 else 0.1 * s


def leaky_slope(s):
    return 1.0 if s > 0 else 0.1


def respond(x):
    sums, outs = [], [x]
    for number, layer in enumerate(weights):
        s = [unit[-1] + sum(w * o for w, o in zip(unit, outs[-1])) for unit in layer]
        sums.append(s)
        outs.append(s if number == len(weights) - 1 else [leaky(v) for v in s])
    return sums, outs


def half_square(y, t):
    return 0.5 * (y - t) ** 2


def learn(x, t, rate=0.03, inertia=0.5):
    sums, outs = respond(x)
    deltas = [None] * len(weights)
    deltas[-1] = [outs[-1][0] - t]
    for number in range(len(weights) - 2, -1, -1):
        after = weights[number + 1]
        deltas[number] = [
            leaky_slope(sums[number][j]) * sum(after[k][j] * deltas[number + 1][k] for k in range(len(after)))
            for j in range(len(weights[number]))
        ]
    for number, layer in enumerate(weights):
        for j, unit in enumerate(layer):
            for i in range(len(unit)):
                source = outs[number][i] if i < len(unit) - 1 else 1.0
                speed[number][j][i] = inertia * speed[number][j][i] - rate * deltas[number][j] * source
                unit[i] += speed[number][j][i]
    return half_square(outs[-1][0], t)


samples = [([a / 2, b / 2], a * b / 4) for a in range(-2, 3) for b in range(-2, 3)]
for epoch in range(12):
    generator.shuffle(samples)
    print(epoch, sum(learn(x, t) for x, t in samples) / len(samples))
