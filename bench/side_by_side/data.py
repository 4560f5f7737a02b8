"""Data made up for the same tasks in three libraries, each in a part to learn and one to test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEARNED, ALL = 600, 900
Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Samples of every kind, and their targets."""

    x: Array  # (N, 6)
    y: Labels  # one of 3 classes
    rare: Labels  # 1 for one row in ten
    number: Array
    numbers: Array  # (N, 2)
    labels: Labels  # (N, 3): any of them may apply
    weights: Array  # of each row
    frame: dict[str, Any]  # columns: age, pay, town and buys
    pictures: NDArray[np.uint8]  # (N, 8, 8)
    which: Labels  # of the pictures' 4 classes
    sequences: Array  # (N, 12, 3)
    rises: Labels  # whether the sequence does
    tokens: Labels  # (N, 8) of 20 kinds
    early: Labels  # whether token 7 comes before token 3

    def __len__(self) -> int:
        return len(self.y)


def made_up(seed: int = 0) -> tuple[Part, Part]:
    """The same samples at every call."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(ALL, 6))
    y = np.argmax(np.tanh(x[:, :3]) + 0.5 * x[:, 3:] * x[:, [0, 1, 2]], axis=1)
    number = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2])
    towns = np.array(["Bonn", "Graz", "Linz"])[random.integers(0, 3, ALL)]
    age, pay = random.integers(18, 80, ALL), random.normal(50, 10, ALL)
    buys = np.where(pay - 10 * (towns == "Graz") + age / 5 > 58, "yes", "no")
    which = random.integers(0, 4, ALL)
    pictures = random.integers(0, 120, (ALL, 8, 8))
    for k, kind in enumerate(which.tolist()):
        at = int(random.integers(1, 7))
        if kind < 2:
            pictures[k, at if kind else slice(None), slice(None) if kind else at] += 130
        else:
            pictures[k] += (130 * (np.eye(8) if kind == 2 else np.eye(8)[::-1])).astype(int)
    slope = random.normal(size=(ALL, 1, 3))
    sequences = slope * np.linspace(-1, 1, 12)[:, None] + random.normal(size=(ALL, 12, 3))
    tokens = random.integers(0, 20, (ALL, 8))
    tokens[:, 2], tokens[:, 5] = 3, 7
    early = random.integers(0, 2, ALL)
    tokens[early == 1] = tokens[early == 1][:, [0, 1, 5, 3, 4, 2, 6, 7]]
    parts = [
        Part(
            x=x[here],
            y=y[here],
            rare=(x[here, 0] + x[here, 1] > 1.8).astype(np.int64),
            number=number[here],
            numbers=np.stack([number[here], x[here, 3] - x[here, 4]], axis=1),
            labels=(x[here, :3] + x[here, 3:] > 0.3).astype(np.int64),
            weights=np.where(y[here] == 2, 3.0, 1.0),
            frame={"age": age[here], "pay": pay[here], "town": towns[here], "buys": buys[here]},
            pictures=pictures[here].astype(np.uint8),
            which=which[here].astype(np.int64),
            sequences=sequences[here],
            rises=(slope[here, 0].sum(1) > 0).astype(np.int64),
            tokens=tokens[here].astype(np.int64),
            early=early[here].astype(np.int64),
        )
        for here in (slice(0, LEARNED), slice(LEARNED, ALL))
    ]
    return parts[0], parts[1]
