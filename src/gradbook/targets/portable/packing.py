"""Packed weights of few bits: several per byte, each as its level's number counted from the lowest.

Kernels of sums unpack the weights of one or two channels at a time, for a whole row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.graph.levels import Bits
from gradbook.targets.portable.makers import RowMaker

A_BYTE = 8


def bits_of(maker: RowMaker) -> Bits:
    """The number of bits of its stored weights: few, or eight."""
    return Bits.EIGHT if maker.levels is None else maker.bits


def are_packed(makers: Sequence[RowMaker], ways: Mapping[int, str]) -> bool:
    """Whether weights are stored packed: if some have fewer than eight bits and all are read by
    kernels that unpack them."""
    weighing = [k for k, maker in enumerate(makers) if maker.weights is not None]
    few = any(bits_of(makers[k]).stored < A_BYTE for k in weighing)
    return few and all(k in ways for k in weighing)


def _lowest(bits: Bits) -> int:
    """The lowest level's number."""
    return -128 if bits.stored == A_BYTE else -bits.highest


def packed(weights: NDArray[Any], bits: Bits) -> NDArray[np.int64]:
    """Pack integers into bytes, the first ones into the lowest bits."""
    in_a_byte = A_BYTE // bits.stored
    codes = (weights.ravel() - _lowest(bits)) // bits.step
    bytewise = np.pad(codes, (0, -len(codes) % in_a_byte)).reshape(-1, in_a_byte)
    return np.asarray((bytewise << bits.stored * np.arange(in_a_byte)).sum(axis=1), np.int64)


def packed_fields(makers: Sequence[RowMaker]) -> dict[str, tuple[str, list[int]]]:
    """The fields that describe how each maker's weights are unpacked."""
    every = [bits_of(maker) for maker in makers]
    return {
        "bits": ("uint8_t", [bits.stored for bits in every]),
        "lowest": ("int8_t", [_lowest(bits) for bits in every]),
        "step": ("uint8_t", [bits.step for bits in every]),
    }
