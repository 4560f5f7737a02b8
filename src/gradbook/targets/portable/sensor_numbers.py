"""A sensor's values as integers: each channel is multiplied by its own factor.

Recordings usually contain a sensor's integers, unchanged or in thousandths. C in integers reads
those; scaling them to mean 0 and deviation 1 is part of the conversion to levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil, floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import TargetError
from gradbook.net.trained import Scaling, TrainedNet

WHOLE = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 128.0, 32_768.0)  # factors to try
SLACK = 1e-6  # largest distance from an integer
ROOM = 2  # a value may be this many times the recordings' largest, as its range is unknown
COARSE = 64  # a rounded integer must be at most this part of the deviation
FAR = 300  # deviations between the mean and 0 at which a 16-bit bias still separates levels
INT16, INT32 = "int16_t", "int32_t"
LARGEST = {INT16: 2**15 - 1, INT32: 2**27}
FINER = {INT16: 128, INT32: 1}  # parts of an integer in which its mean is given


@dataclass(frozen=True)
class SensorNumbers:
    """Integers of C's type `kind`: each channel's value times `times`, rounded."""

    times: tuple[float, ...]
    kind: str = INT16

    @property
    def finer(self) -> int:
        return FINER[self.kind]

    @property
    def most(self) -> int:
        """The largest number that is read; the smallest is its negative."""
        return LARGEST[self.kind]

    @property
    def size(self) -> int:
        """The size of each in bytes."""
        return {INT16: 2, INT32: 4}[self.kind]

    def of(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Convert windows, (windows, steps x channels), to C's input."""
        apart = np.asarray(rows, np.float64).reshape(len(rows), -1, len(self.times))
        whole = np.clip(np.rint(apart * self.times), -self.most, self.most)
        return whole.reshape(len(rows), -1).astype(np.int16 if self.kind == INT16 else np.int32)

    def scale(self, trained: TrainedNet) -> TrainedNet:
        """Adapt the network to such numbers, in parts of `finer`."""
        steps = len(trained.scaling.mean) // len(self.times)
        factors = np.tile(np.array(self.times) * self.finer, steps)
        scaling = Scaling(1, trained.scaling.mean * factors, trained.scaling.deviation * factors)
        return replace(trained, scaling=scaling)

    def describe(self, channels: Sequence[str]) -> str:
        """Describe how each channel's value becomes an integer: '1000 times ax, ay, az'."""
        named = zip(self.times, channels, strict=True)
        parts = [
            (by, ", ".join(name for _, name in group))
            for by, group in groupby(named, key=lambda pair: pair[0])
        ]
        return "; ".join(f"{by:g} times {names}" if by != 1 else names for by, names in parts)


def sensor_numbers(rows: NDArray[Any], channels: int) -> SensorNumbers:
    """Choose the type for such windows: 16 bits if these are fine enough, else 32."""
    values = np.asarray(rows, np.float64).reshape(-1, channels)
    columns = [values[:, k] for k in range(channels)]
    if any(abs(column.mean()) > FAR * column.std() > 0 for column in columns):
        raise TargetError(
            f"a channel's mean is more than {FAR} times its deviation, too much for --int8: "
            "subtract it from the recordings"
        )
    short = [_factor_to_integers(column) or _rounded(column, INT16) for column in columns]
    if all(short):
        return SensorNumbers(_raised(columns, short), INT16)
    return SensorNumbers(_lowered(columns, [_rounded(column, INT32) for column in columns]), INT32)


def _raised(columns: Sequence[NDArray[Any]], times: Sequence[float]) -> tuple[float, ...]:
    """Multiply a channel by ten as often as fits if its numbers are much smaller than another's:
    the factor that scales all of them to levels has few bits."""
    largest, raised = max(column.std() * by for column, by in zip(columns, times, strict=True)), []
    for column, by in zip(columns, times, strict=True):
        factor, most = by, LARGEST[INT16] / ROOM
        while 0 < 10 * factor * column.std() <= largest and 10 * factor * abs(column).max() <= most:
            factor *= 10
        raised.append(factor)
    return tuple(raised)


def _lowered(columns: Sequence[NDArray[Any]], times: Sequence[float]) -> tuple[float, ...]:
    """Limit each channel to ten times the resolution of the coarsest one."""
    spreads = [column.std() * by for column, by in zip(columns, times, strict=True)]
    least = max(min(spreads), COARSE / 10)
    return tuple(
        by / 10 ** max(ceil(log10(spread / (10 * least))), 0) if spread else by
        for by, spread in zip(times, spreads, strict=True)
    )


def _factor_to_integers(values: NDArray[Any]) -> float:
    """Return a factor after which all values are 16-bit integers; 0 if there is none."""
    for by in WHOLE:
        scaled = values * by
        if abs(scaled - np.rint(scaled)).max() < SLACK and abs(scaled).max() <= LARGEST[INT16] + 1:
            return by
    return 0.0


def _rounded(values: NDArray[Any], kind: str) -> float:
    """Return the power of ten after which they fit; 0 if that is too coarse."""
    largest = float(abs(values).max()) or 1.0
    by = 10.0 ** floor(log10(LARGEST[kind] / ROOM / largest))
    return by if kind == INT32 or values.std() * by >= COARSE else 0.0
