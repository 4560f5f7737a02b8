"""Shares of classes in whole numbers, and their moving mean: what a sketch reckons of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradbook.targets.portable.program import runtime

Whole = NDArray[np.int64]
SHARE_BITS, PART_BITS = 15, 12
WHOLE_SHARE = 1 << SHARE_BITS
LOG2_E = 47_274  # log2 e in units of 2^-15
# 2^-t from 1 to 1/2 is 1 - t (a - t (b - t c)), off by 4 in 32768 at the most
STRAIGHT, SQUARE, CUBE = 22_662, 7_566, 1_288
SMOOTHING_UNIT = 256


def shares_of(scores: Whole, bits: int) -> Whole:
    """What share of 2^15 each class has, (windows, classes), of scores in units of 1 / 2^bits."""
    below = (scores.max(axis=1, keepdims=True) - scores) * LOG2_E
    shift = bits + SHARE_BITS - PART_BITS
    halvings = below + (1 << shift - 1) >> shift
    part = halvings & (1 << PART_BITS) - 1
    gone = CUBE * part >> PART_BITS
    gone = (SQUARE - gone) * part >> PART_BITS
    gone = (STRAIGHT - gone) * part >> PART_BITS
    powers = WHOLE_SHARE - gone >> np.minimum(halvings >> PART_BITS, 16)
    powers[halvings >= 16 << PART_BITS] = 0
    whole = powers.sum(axis=1, keepdims=True)
    return np.asarray((powers * WHOLE_SHARE + whole // 2) // whole)


def shares_in_c(bits: int) -> str:
    """The same function in C: `take_shares(scores, shares)`."""
    told = {"LOG2_E": LOG2_E, "STRAIGHT": STRAIGHT, "SQUARE": SQUARE, "CUBE": CUBE}
    text = runtime("shares").replace("BITS", str(bits))
    for name, number in told.items():
        text = text.replace(name, str(number))
    return text


def move(mean: Whole, shares: Whole, smoothing: int) -> Whole:
    """The mean of shares, moved by so many 256ths of the way to those of the latest window."""
    return mean + ((shares - mean) * smoothing + SMOOTHING_UNIT // 2 >> 8)


def heard_classes(scores: Whole, bits: int, smoothing: int, sure: int) -> list[int]:
    """The class that is heard at each window: that with the largest mean share, or -1 while none
    is as large as `sure`."""
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    mean, found = np.zeros(scores.shape[1], np.int64), []
    for shares in shares_of(scores, bits):
        mean = move(mean, shares, smoothing)
        best = int(mean.argmax())
        found.append(best if mean[best] >= sure else -1)
    return found
