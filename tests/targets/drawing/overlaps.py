"""What lies on what in a drawing: boxes of words, units and the lines between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

import numpy as np

from gradbook.net import Net, parse

TOUCH = 0.05  # points by which neighbours may meet: places are rounded

Rectangle = tuple[float, float, float, float]  # left, top, right, bottom
Points = Sequence[tuple[float, float]]

ACTIVATIONS = ("", "sigmoid", "tanh", "relu", "layernorm", "tanh; layernorm", "tanh; dropout 0.5")
BIASES = ("", "", " no bias", " shared bias")
LOSSES = ("half squared error", "mean squared error", "cross-entropy", "binary cross-entropy")


def overlaps(
    labels: Mapping[str, Rectangle], units: Mapping[str, Rectangle], lines: Mapping[str, Points]
) -> Iterator[str]:
    """Labels on labels, on units that they don't stand in, and on lines; units on units and lines
    that run through them."""
    for things in (labels, units):
        yield from (
            f"{one} on {other}"
            for (one, box), (other, beside) in combinations(things.items(), 2)
            if meet(box, beside)
        )
    for name, box in labels.items():
        for unit, around in units.items():
            if meet(box, around) and not inside(box, around):
                yield f"{name} on {unit}"
    names, boxes = list(labels) + list(units), np.array([*labels.values(), *units.values()])
    for line, points in lines.items():
        through = np.any([crossed(boxes, np.array(way)) for way in pairwise(points)], axis=0)
        yield from (f"{line} through {names[k]}" for k in np.flatnonzero(through))


def meet(one: Rectangle, other: Rectangle) -> bool:
    beside = one[2] - TOUCH <= other[0] or other[2] - TOUCH <= one[0]
    return not beside and one[3] - TOUCH > other[1] and other[3] - TOUCH > one[1]


def inside(box: Rectangle, around: Rectangle) -> bool:
    low = all(box[k] >= around[k] - TOUCH for k in (0, 1))
    return low and all(box[k] <= around[k] + TOUCH for k in (2, 3))


def crossed(boxes: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Which boxes a straight line has more than a point in common with."""
    start, step = way[0], np.where(way[1] == way[0], 1e-9, way[1] - way[0])
    ends = np.stack([(boxes[:, :2] + TOUCH - start) / step, (boxes[:, 2:] - TOUCH - start) / step])
    first, last = ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)
    return np.maximum(first, 0) < np.minimum(last, 1)


def small_network(seed: int) -> Net:
    """Up to three layers of up to eight units, some with very long and negative numbers."""
    random = Random(seed)
    loss = random.choice(LOSSES)
    layers = [f"input {random.randint(1, 8)}"]
    for _ in range(random.randint(0, 2)):
        width, activation = random.randint(2, 8), random.choice(ACTIVATIONS)
        layers += [f"dense {width}{random.choice(BIASES)}", activation]
        if random.random() < 0.2:
            layers += [f"dense {width}", "add back 1"]
    last = {"cross-entropy": "softmax", "binary cross-entropy": "sigmoid"}.get(loss, "")
    layers += [f"dense {random.randint(2, 8)}", last, f"loss {loss}", f"seed {seed}"]
    net = parse("; ".join(filter(None, layers)))
    scale = random.choice((1.0, -1e-12, 12345.678, -1e5))
    start = {
        role: tuple(scale * value for value in values)
        for role, values in net.start_values().items()
    }
    return replace(net, start=start)
