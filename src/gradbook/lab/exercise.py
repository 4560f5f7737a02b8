"""Personal start weights for a student: two decimals, and no two gradients that look alike."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np

from gradbook.graph.reference import evaluate
from gradbook.net import Net, Role
from gradbook.net.build import training_step

TRIES = 60
SEEN = 1e-4  # of the largest gradient: smaller ones show no mistake
APART = 1e-3  # of themselves: gradients closer than this are mistaken for each other


def personal(net: Net, seed: int | str) -> Net:
    """The network with start values drawn from the seed, a number or a student's name.

    Of several draws the first in which most gradients differ from 0 and from each other.
    """
    random = Random(f"exercise {seed}")
    drawn = (_drawn(net, random) for _ in range(TRIES))
    best, most = net, -1
    for candidate in drawn:
        told_apart = _told_apart(candidate)
        if told_apart > most:
            best, most = candidate, told_apart
        if most == net.count():
            break
    return best


def _drawn(net: Net, random: Random) -> Net:
    """No two values of a kind are equal as long as two decimals allow it."""
    start = {}
    for role in Role:
        pool = _pool(role)
        random.shuffle(pool)
        count = net.count(role)
        start[role] = tuple(pool[k % len(pool)] for k in range(count))
    return replace(net, start={role: values for role, values in start.items() if values})


def _pool(role: Role) -> list[float]:
    """Scales lie around 1, everything else on both sides of 0, and nothing too close to it."""
    if role is Role.SCALE:
        return [k / 100 for k in range(60, 141)]
    return [sign * k / 100 for k in range(10, 96) for sign in (1, -1)]


def _told_apart(net: Net) -> int:
    """How many gradients are neither 0 nor like another."""
    step = training_step(net)
    slopes = list(step.gradients.values())
    values = evaluate(slopes, {**step.data, **step.start})
    found = np.sort(np.abs(np.concatenate([np.ravel(values[slope]) for slope in slopes])))
    large = found[found > SEEN * found[-1]]
    return int(np.sum(np.diff(large, prepend=0) > APART * large))
