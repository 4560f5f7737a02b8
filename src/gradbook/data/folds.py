"""A fixed dealing of images into folds: the same on every machine and in every version.

It mustn't hang on a library's generator, which may change, so each image's place in its
class comes from mixing the bits of its index.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FOLDS = 6  # of 60,000 digits: 10,000 in each, as many as there are test images


def dealt(labels: NDArray[np.integer], folds: int = FOLDS) -> NDArray[np.uint8]:
    """The fold of every image. All are equally large and have equally many of each class, to one.

    Fold 0 is served last, so that very few images are not all held back.
    """
    mixed_within_classes = np.lexsort((_mixed(len(labels)), labels))
    fold = np.empty(len(labels), np.uint8)
    fold[mixed_within_classes] = folds - 1 - np.arange(len(labels)) % folds
    return fold


def _mixed(count: int) -> NDArray[np.uint64]:
    """As many different numbers in no order: SplitMix64's mixing of 1, 2, 3, …"""
    x = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
