"""The ops on whole tensors, and how each is taken apart into ops on single values."""

from gradbook.graph.tensors import pools as pools
from gradbook.graph.tensors import weighted as weighted
from gradbook.graph.tensors.classes import softmax
from gradbook.graph.tensors.shapes import reshape, spread, sum_last

__all__ = ["reshape", "softmax", "spread", "sum_last"]
