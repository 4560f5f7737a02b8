"""Tables that a small network learns in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gradbook.data.tables import ColumnTable, read_columns

HEADINGS = "width,colour,height"


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(50, 10, count), random.normal(-3, 0.1, count), random.integers(0, 3, count)


def table(folder: Path, target: str, count: int = 240, seed: int = 0) -> ColumnTable:
    """The target 'area' is a number that follows from the others, 'side' a class."""
    width, height, colour = rows(count, seed)
    area = 2 * width + 30 * height + 5 * colour
    side = np.where(area > 10, "large", "small")
    wanted = {"area": area, "side": side}[target]
    lines = [
        f"{w},{'rgb'[c]},{h},{t}" for w, c, h, t in zip(width, colour, height, wanted, strict=True)
    ]
    file = folder / f"{target}-{seed}.csv"
    file.write_text("\n".join([f"{HEADINGS},{target}", *lines]))
    return read_columns(file)
