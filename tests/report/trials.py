"""Trials as a study records them, made without training."""

from __future__ import annotations

import random
from typing import Any


def trials(count: int = 30, seed: int = 0) -> list[dict[str, Any]]:
    """Widths, rates and an activation; some are cut short, some not allowed."""
    draw = random.Random(seed)
    return [_trial(number, draw) for number in range(count)]


def _trial(number: int, draw: random.Random) -> dict[str, Any]:
    width, rate = draw.randint(4, 12), round(10 ** draw.uniform(-1, 0), 3)
    drawn = {"conv": width, "cycle": rate, "relu": draw.choice(["relu", "<b>tanh</b>"])}
    state = draw.choice(["done"] * 6 + ["pruned", "not allowed"])
    value = 0.97 + 0.002 * width - 0.02 * abs(rate - 0.4)
    curve = [value - 0.05, value - 0.01, value]
    return {
        "number": number,
        "parameters": drawn,
        "value": value if state == "done" else None,
        "state": state,
        "why": "" if state == "done" else "after epoch 2 others had 98.00 %",
        "accuracies": curve[: 3 if state == "done" else 2],
        "network_parameters": 100 * width,
        "macs": 10_000 * width,
        "seconds": 1.5,
        "bits": ["0" * 32],
        "recipe": f"input 1x28x28\nconv {width} 3x3\n# <script>\n",
    }
