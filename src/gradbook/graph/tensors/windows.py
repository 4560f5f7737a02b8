"""Windows that slide over the places of a channel."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradbook.graph.op import Array
from gradbook.net.wants import Shape


def viewed(x: Array, window: Shape, stride: int, pad: int) -> Array:
    """Views of x of shape (…, channels, out height, out width, rows, columns)."""
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(pad, pad)] * 2)
    return sliding_window_view(padded, window, (-2, -1))[..., ::stride, ::stride, :, :]


def places_along(size: int, window: int, stride: int, pad: int = 0) -> int:
    return (size + 2 * pad - window) // stride + 1
