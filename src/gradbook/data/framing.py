"""How a data set's images are framed: each scaled to one longest side and centred, as MNIST's are.

A picture that somebody took can be framed in the same way before a network reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.images import Images
from gradbook.errors import DataError

MOST_LOOKED_AT = 2_000
SHARE = 0.98  # of the images must be framed alike; of MNIST's all are but one in seven thousand
FAINT = 12  # of 255; what is darker is ground
WRITTEN = re.compile("([1-9][0-9]{0,3}) centred by (mass|box)")


@dataclass(frozen=True)
class Framing:
    """Light shapes on black: the longest side in pixels, and what is brought to the middle."""

    side: int
    by_mass: bool

    def __str__(self) -> str:
        return f"{self.side} centred by {'mass' if self.by_mass else 'box'}"

    @staticmethod
    def parse(text: str) -> Framing:
        """`20 centred by mass`, as `str` writes it."""
        found = WRITTEN.fullmatch(text)
        if not found:
            raise DataError(f"framing is written '20 centred by mass', not {text!r}")
        return Framing(int(found[1]), found[2] == "mass")


def framing(images: Images) -> Framing | None:
    """The framing that all of these share; none where they share none."""
    channels, rows, columns = images.shape
    if channels != 1 or not len(images):
        return None
    step = max(1, len(images) // MOST_LOOKED_AT)
    pixels = images.pixels[::step, 0].astype(np.float32)
    light = pixels > FAINT
    top, bottom = _ends(np.any(light, axis=2))
    left, right = _ends(np.any(light, axis=1))
    sides = np.maximum(bottom - top, right - left)
    side = int(np.median(sides))
    if not 0 < side < min(rows, columns) or np.mean(abs(sides - side) <= 1) < SHARE:
        return None
    middles = np.stack([(top + bottom) / 2 - rows / 2, (left + right) / 2 - columns / 2])
    masses = np.stack([_mass(pixels.sum(2)) - rows / 2, _mass(pixels.sum(1)) - columns / 2])
    for off, by_mass in ((masses, True), (middles, False)):
        if np.mean(abs(off).max(0) <= 1) >= SHARE:
            return Framing(side, by_mass)
    return None


def _ends(found: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each row: where the first is found, and one behind the last; nothing found is 0 and 0."""
    last = found.shape[1] - found[:, ::-1].argmax(1)
    return found.argmax(1), np.where(found.any(1), last, 0)


def _mass(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the centre of mass lies; the first pixel goes from 0 to 1."""
    places = np.arange(sums.shape[1], dtype=np.float32) + 0.5
    return np.asarray(sums @ places / np.maximum(sums.sum(1), 1))
