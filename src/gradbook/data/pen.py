"""How wide the pen was, and the same strokes by a wider or a thinner one."""

from __future__ import annotations

import numpy as np

from gradbook.data.ink import Grey

THIN, USUAL, THICK = 1.35, 1.7, 4.4  # a stroke in pixels; of MNIST 1 %, 8 % and 99 % are thinner


def stroke_width(amount: Grey) -> float:
    """How wide strokes are: twice their area over the length of their outline."""
    padded = np.pad(amount, 1)
    down, along = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * amount.sum() / np.hypot(down, along).sum())


def usual_pen(amount: Grey, side: int) -> Grey:
    """A pen that would be too thin or too thick in the small image, exchanged for another."""
    scale = side / max(amount.shape)
    width = stroke_width(amount) * scale
    wanted = USUAL if width < THIN else THICK if width > THICK else width
    steps = round((wanted - width) / scale / 2)
    return _grown(amount, steps)


def _grown(amount: Grey, steps: int) -> Grey:
    """Strokes wider by so many pixels on each side, or thinner."""
    padded = np.pad(amount, max(steps, 0))
    for number in range(abs(steps)):
        near = [padded, *_neighbours(padded, corners=number % 2 == 1)]
        padded = np.max(near, axis=0) if steps > 0 else np.min(near, axis=0)
    return padded


def _neighbours(values: Grey, corners: bool) -> list[Grey]:
    around = np.pad(values, 1)
    rows, columns = values.shape
    return [
        around[1 + y : 1 + y + rows, 1 + x : 1 + x + columns]
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
        if (y or x) and (corners or not (y and x))
    ]
