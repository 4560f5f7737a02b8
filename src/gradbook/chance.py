"""Random numbers by counting: each depends only on a few whole numbers, in any language.

A key is made of words, such as (seed, purpose, epoch, image, layer), and number k of a key depends
only on the key and k. So the numbers are the same whatever was drawn before, for any number of
threads, and after a resumed run. All arithmetic is on unsigned 64-bit integers and wraps around:

    mix(z)       = z ^= z >> 30; z *= 0xBF58476D1CE4E5B9;
                   z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31
    key()        = 0
    key(…, word) = mix(key(…) + word + 0x9E3779B97F4A7C15)
    number(k)    = mix(key + (k + 1) · 0x9E3779B97F4A7C15)          k = 0, 1, 2, …

which is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
2014), started at the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint64]

STRIDE = np.uint64(0x9E3779B97F4A7C15)
FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
PIECES = 4  # of 16 bits in one number


MADE = 0  # the seed of generated data


@dataclass
class Dice:
    """A fixed number of random numbers that depend only on a key, one after the other."""

    numbers: NDArray[np.float64]
    at: int = 0

    @staticmethod
    def of(count: int, *words: int) -> Dice:
        return Dice(uniform(key(MADE, *words), count))

    def between(self, low: float, high: float) -> float:
        self.at += 1
        return low + (high - low) * float(self.numbers[self.at - 1])


def normal(count: int, *words: int) -> NDArray[np.float64]:
    """Normally distributed numbers, by the method of Box and Muller."""
    drawn = uniform(key(MADE, *words), 2 * count)
    return np.asarray(np.sqrt(-2 * np.log(1 - drawn[:count])) * np.cos(2 * np.pi * drawn[count:]))


class Purpose(IntEnum):
    """The second word of every key, after the seed, so that no two uses share their numbers."""

    DROPOUT = 1  # then epoch, image, layer
    WARP = 2  # then epoch, image
    ORDER = 3  # then epoch, image
    GESTURE = 4  # then person, gesture, take, axis
    WORD = 5  # then speaker, word, take


def key(*words: ArrayLike, start: ArrayLike = 0) -> Words:
    """The key of these whole numbers, each at least 0, or its continuation from the key `start`.

    Arrays of words give an array of keys.
    """
    mixed = np.asarray(start, np.uint64)
    for word in words:
        mixed = _mix(_added(_added(mixed, np.asarray(word, np.uint64)), STRIDE))
    return mixed


def places_in_order(keys: Words) -> NDArray[np.intp]:
    """The places of keys in increasing order; of equal ones, the first comes first.

    Words that end in the place are sorted, in a sixth of the time of `argsort`; keys that differ
    only there may be out of order, which is seen.
    """
    last = np.uint64(2 ** max(len(keys) - 1, 1).bit_length() - 1)
    words = (keys & ~last) | np.arange(len(keys), dtype=np.uint64)
    words.sort()
    places = (words & last).astype(np.intp)
    there = keys[places]
    return places if (there[1:] >= there[:-1]).all() else np.argsort(keys, kind="stable")


def numbers(keys: ArrayLike, count: int) -> Words:
    """The first `count` numbers of each key, along a new last axis."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * STRIDE
    return _mix(_added(np.asarray(keys, np.uint64)[..., None], steps))


def uniform(keys: ArrayLike, count: int) -> NDArray[np.float64]:
    """Numbers at least 0 and below 1: the upper 53 bits of each, divided by 2⁵³."""
    return (numbers(keys, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def pieces(keys: ArrayLike, count: int) -> NDArray[np.uint16]:
    """The first `count` 16-bit numbers of each key: four from each number, lowest bits first."""
    drawn = numbers(keys, -(-count // PIECES))
    shifts = np.arange(0, 64, 16, dtype=np.uint64)
    parts = (drawn[..., None] >> shifts).astype(np.uint16)
    return parts.reshape(*drawn.shape[:-1], -1)[..., :count]


def keep_mask(keys: ArrayLike, count: int, rate: float) -> NDArray[np.bool_]:
    """What dropout of this rate keeps: a piece below `dropped_below(rate)` is dropped."""
    return pieces(keys, count) >= dropped_below(rate)


def dropped_below(rate: float) -> int:
    """A rate in units of 2⁻¹⁶, rounded to the nearest."""
    return min(round(rate * 2**16), 2**16 - 1)


def _added(a: Words, b: Any) -> Words:
    with np.errstate(over="ignore"):  # wrapping around is intended
        return np.asarray(a + b)


def _mix(z: Words) -> Words:
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * FACTORS[0]
        z = (z ^ (z >> np.uint64(27))) * FACTORS[1]
    return np.asarray(z ^ (z >> np.uint64(31)))
