"""Images as bytes with the class of each, what their pixels are like, and how they are framed.

Framed as MNIST's are: each scaled to one longest side and centred. A picture that somebody took can
be framed in the same way before a network reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import DataError

Size = tuple[int, int]  # rows, columns
BRIGHTEST = 255  # of a pixel's bytes
MOST_LOOKED_AT = 2_000  # images, for what all of them have in common


@dataclass(frozen=True, eq=False)
class Images:
    """Images and the class that each of them shows. Neither array can be written to."""

    pixels: NDArray[np.uint8]  # (images, channels, rows, columns), one after the other
    labels: NDArray[np.int32]  # (images,); each counts from 0 into the data set's classes

    def __post_init__(self) -> None:
        pixels = np.ascontiguousarray(self.pixels).view()
        labels = np.ascontiguousarray(self.labels).view()
        assert pixels.dtype == np.uint8, pixels.dtype
        assert labels.dtype == np.int32, labels.dtype
        assert pixels.ndim == 4, pixels.shape
        assert labels.shape == pixels.shape[:1], (labels.shape, pixels.shape)
        pixels.flags.writeable = labels.flags.writeable = False
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, chosen: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Images:
        return Images(self.pixels[chosen], self.labels[chosen])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of each image."""
        _, channels, rows, columns = self.pixels.shape
        return channels, rows, columns

    def counts(self, classes: int) -> list[int]:
        """How many images there are of each class."""
        return [int(count) for count in np.bincount(self.labels, minlength=classes)]


@dataclass(frozen=True)
class Statistics:
    """The range of the pixels as bytes; mean and deviation with the pixels from 0 to 1."""

    low: int
    high: int
    mean: tuple[float, ...]  # per channel
    deviation: tuple[float, ...]


def statistics(images: Images) -> Statistics:
    """Exact, because bytes can be counted."""
    frequencies = [_frequencies(images.pixels[:, channel]) for channel in range(images.shape[0])]
    present = np.flatnonzero(np.sum(frequencies, axis=0))
    moments = [_mean_and_deviation(counts) for counts in frequencies]
    return Statistics(
        low=int(present[0]),
        high=int(present[-1]),
        mean=tuple(mean for mean, _ in moments),
        deviation=tuple(deviation for _, deviation in moments),
    )


def _frequencies(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each byte occurs. Counting takes eight bytes a pixel, so it goes in pieces."""
    pieces = np.array_split(pixels, 1 + pixels.size // 2**20)
    counts = np.zeros(BRIGHTEST + 1, np.int64)
    for piece in pieces:
        counts += np.bincount(piece.ravel(), minlength=len(counts))
    return counts


def _mean_and_deviation(counts: NDArray[np.int64]) -> tuple[float, float]:
    values = np.arange(BRIGHTEST + 1) / BRIGHTEST
    mean = float(counts @ values / counts.sum())
    variance = float(counts @ (values - mean) ** 2 / counts.sum())
    return mean, variance**0.5


def surround(images: Images) -> int:
    """The brightness around what the images show: the median of the bytes at their edges."""
    step = max(1, len(images) // MOST_LOOKED_AT)
    pixels = images.pixels[::step]
    sides = (pixels[:, :, 0], pixels[:, :, -1], pixels[:, :, :, 0], pixels[:, :, :, -1])
    return int(np.median(np.concatenate([side.ravel() for side in sides])))


def in_turns(images: Images, count: int) -> NDArray[np.intp]:
    """Where the first image of each class lies, then the second of each, and so on."""
    by_class = np.argsort(images.labels, kind="stable")
    labels = images.labels[by_class]
    place = np.empty(len(images), np.int64)  # in its class
    place[by_class] = np.arange(len(images)) - np.searchsorted(labels, labels)
    return np.lexsort((images.labels, place))[:count]


def shared(some: Images, others: Images) -> int:
    """How many of `some` are among the others too, pixel for pixel."""
    known = {image.tobytes() for image in others.pixels}
    return sum(image.tobytes() in known for image in some.pixels)


def digest(images: Images) -> str:
    """SHA-256 of the pixels, byte by byte, followed by the labels as four bytes each."""
    content = sha256(images.pixels.data)
    content.update(images.labels.astype("<i4").data)
    return content.hexdigest()


# Framing ---------------------------------------------------------------------

SHARE = 0.98  # of the images must be framed alike; of MNIST's all are but one in seven thousand
FAINT = 12  # of 255; what is darker is ground
WRITTEN = re.compile("([1-9][0-9]{0,3}) centred by (mass|box)")


@dataclass(frozen=True)
class Framing:
    """Light shapes on black: the longest side in pixels, and what is brought to the middle."""

    side: int
    by_mass: bool

    def __str__(self) -> str:
        return f"{self.side} centred by {'mass' if self.by_mass else 'box'}"

    @staticmethod
    def parse(text: str) -> Framing:
        """`20 centred by mass`, as `str` writes it."""
        found = WRITTEN.fullmatch(text)
        if not found:
            raise DataError(f"framing is written '20 centred by mass', not {text!r}")
        return Framing(int(found[1]), found[2] == "mass")


def framing(images: Images) -> Framing | None:
    """The framing that all of these share; none where they share none."""
    channels, rows, columns = images.shape
    if channels != 1 or not len(images):
        return None
    step = max(1, len(images) // MOST_LOOKED_AT)
    pixels = images.pixels[::step, 0].astype(np.float32)
    light = pixels > FAINT
    top, bottom = _ends(np.any(light, axis=2))
    left, right = _ends(np.any(light, axis=1))
    sides = np.maximum(bottom - top, right - left)
    side = int(np.median(sides))
    if not 0 < side < min(rows, columns) or np.mean(abs(sides - side) <= 1) < SHARE:
        return None
    middles = np.stack([(top + bottom) / 2 - rows / 2, (left + right) / 2 - columns / 2])
    masses = np.stack([_mass(pixels.sum(2)) - rows / 2, _mass(pixels.sum(1)) - columns / 2])
    for off, by_mass in ((masses, True), (middles, False)):
        if np.mean(abs(off).max(0) <= 1) >= SHARE:
            return Framing(side, by_mass)
    return None


def _ends(found: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each row: where the first is found, and one behind the last; nothing found is 0 and 0."""
    last = found.shape[1] - found[:, ::-1].argmax(1)
    return found.argmax(1), np.where(found.any(1), last, 0)


def _mass(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the centre of mass lies; the first pixel goes from 0 to 1."""
    places = np.arange(sums.shape[1], dtype=np.float32) + 0.5
    return np.asarray(sums @ places / np.maximum(sums.sum(1), 1))
