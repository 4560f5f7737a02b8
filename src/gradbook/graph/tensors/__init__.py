"""The ops on whole tensors, and how each is taken apart into ops on single values.

They know nothing of layers and names.
"""

from gradbook.graph.tensors import windows as windows  # fills the table of ops
from gradbook.graph.tensors.shapes import (
    array_of,
    concat,
    reshape,
    softmax,
    spread,
    spread_channels,
    sum_channels,
    sum_last,
)

__all__ = [
    "array_of",
    "concat",
    "reshape",
    "softmax",
    "spread",
    "spread_channels",
    "sum_channels",
    "sum_last",
]
