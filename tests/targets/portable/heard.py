"""What sketches in whole numbers hear, reckoned as their C does."""

import numpy as np

from gradbook.targets.portable.sketches import (
    CUBE,
    LOG2_E,
    SMOOTHING,
    SMOOTHING_UNIT,
    SQUARE,
    STRAIGHT,
    SURE,
    WHOLE_SHARE,
)

SHARE_BITS, PART_BITS = 15, 12


def shares_of(scores: np.ndarray, bits: int) -> np.ndarray:
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
    return (powers * WHOLE_SHARE + whole // 2) // whole


def move(mean: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The mean of shares, moved so far towards those of the latest window."""
    smoothing = round(SMOOTHING * SMOOTHING_UNIT)
    return mean + ((shares - mean) * smoothing + SMOOTHING_UNIT // 2 >> 8)


def heard_classes(scores: np.ndarray, bits: int) -> list[int]:
    """The class of the largest mean share at each window, as soon as it is large enough."""
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    mean, classes = np.zeros(scores.shape[1], np.int64), []
    for shares in shares_of(scores, bits):
        mean = move(mean, shares)
        if mean.max() >= round(SURE * WHOLE_SHARE):
            classes.append(int(mean.argmax()))
    return classes
