"""Which engine is through sooner: NumPy, which begins at once, or C, which is compiled first."""

from __future__ import annotations

from math import ceil

from gradbook.engine.compile import find
from gradbook.net import Conv, Net
from gradbook.net.measure import measure

COMPILING = 2.0  # seconds, about; what NumPy is through with sooner needs no compiler
NUMPY_STEP = 0.6e-3  # seconds for each step, and a second for so many multiply-adds
DENSE_MACS, CONV_MACS = 1e9, 1e8


def sooner(net: Net, batch: int, rows: int, epochs: int) -> str:
    """'plain' or 'native', for a training over so many rows and epochs."""
    steps = epochs * ceil(rows / batch)
    macs = epochs * rows * measure(net).training_macs
    speed = CONV_MACS if any(isinstance(layer, Conv) for layer in net.layers) else DENSE_MACS
    is_little = steps * NUMPY_STEP + macs / speed < COMPILING
    return "plain" if is_little or find() is None else "native"
