"""The range of the numbers that a model was trained on, and whether others are on another scale.

Pictures are bytes from 0 to 255, or numbers from 0 to 1, and a network that learned one of them
reads the other as noise or as black. Only what is surely on another scale is refused: dark
pictures, values a little beyond the range and rows of a table pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import BELOW, BEYOND, BRIGHTEST, FAR, WIDE
from gradbook.errors import ShapeError
from gradbook.schema import FiniteNumber, Schema, TrueOrFalse

DIM = 16  # of 255, the most that images have that aren't on the scale of bytes, such as digits8
MANY = 16  # numbers in a row
FEW = 5_000  # numbers: looking at each takes no longer than adding them up
WIDEST_UNIT = 0.5  # deviation of numbers from 0 to 1
RANGE = Schema(
    least=FiniteNumber(), most=FiniteNumber(), pictures=TrueOrFalse(), bytes=TrueOrFalse()
)  # in a model's file


@dataclass(frozen=True)
class InputRange:
    """The least and the largest input in training, in the caller's own scale; whether each sample
    was a picture, and whether all were bytes."""

    least: float
    most: float
    pictures: bool = True
    bytes: bool = False

    @staticmethod
    def of(inputs: NDArray[Any], pictures: bool) -> InputRange:
        """The range of what is trained on."""
        ends = float(inputs.min(initial=0)), float(inputs.max(initial=0))
        return InputRange(*ends, pictures, inputs.dtype == np.uint8)

    @property
    def size(self) -> float:
        """The largest number; numbers that are all smaller than 1 may be so by chance."""
        return max(1.0, abs(self.least), abs(self.most))

    def times(self, factor: float) -> InputRange:
        """The same on another scale."""
        return replace(self, least=self.least * factor, most=self.most * factor)

    @property
    def refuses_reals(self) -> bool:
        """Whether real numbers may be surely on another scale; in most tables only bytes may."""
        return self.pictures or self.bytes

    def require(self, inputs: Any) -> None:
        """Refuse inputs that are surely on another scale."""
        try:
            array = np.asarray(inputs)
        except ValueError:  # of several lengths, which others refuse
            return
        if self.pictures:
            require_numbers(array)
        elif not self.refuses_reals and array.dtype != np.uint8:
            return
        numbers = array[np.isfinite(array)] if array.dtype.kind == "f" else array
        if numbers.size and array.dtype.kind in "biuf":
            low, high = float(numbers.min()), float(numbers.max())
            if self._is_other_scale(array, low, high):
                raise self._complaint(low, high)

    def _is_other_scale(self, array: NDArray[Any], low: float, high: float) -> bool:
        largest, are_whole = max(-low, high), array.dtype.kind in "iu"
        if not self.pictures:
            return array[0].size >= MANY and low >= 0 and self._is_other_row(array, high)
        if self.bytes and self.size > DIM and array.dtype == np.uint8:
            return are_masks(array)
        if largest > FAR * self.size or (are_whole and self.size == 1 < largest):
            return True
        if array.dtype == np.uint8 and self.size > FAR * BRIGHTEST:
            return largest > 0
        if self.least >= 0 and low < -BELOW * self.size:
            return True
        if self.size < WIDE or not largest:
            return False
        if self.least >= 0 > low and largest * FAR < self.size:  # mean 0, deviation 1
            return True
        return are_masks(array) if are_whole else largest <= BEYOND

    def _is_other_row(self, array: NDArray[Any], high: float) -> bool:
        """Whether many numbers in a row are surely a picture on the other scale."""
        if array.dtype == np.uint8:
            return self.size == 1 and high > FAR
        return self.bytes and self.size >= WIDE and high <= 1 and bool((array % 1).any())

    def _complaint(self, low: float, high: float) -> ShapeError:
        what, brightest = "images" if self.pictures else "rows", self.most
        if self.bytes or DIM < brightest < BRIGHTEST:
            brightest = BRIGHTEST
        remedy = "scale them as those were"
        if self.size == 1 and low >= 0 and high <= BRIGHTEST:
            remedy = f"divide them by {BRIGHTEST if high > DIM else high:.4g}"
        elif self.least >= 0 and self.size >= WIDE:
            is_unit = low >= 0 and high <= BEYOND
            remedy = "give " + "bytes, or " * (brightest == BRIGHTEST)
            remedy += f"numbers from 0 to {brightest:.4g}"
            remedy = f"multiply them by {brightest:.4g}" if is_unit else remedy
        return ShapeError(
            f"these {what} go from {low:.4g} to {high:.4g}, but the model was trained on "
            f"{self.least:.4g} to {self.most:.4g}: {remedy}"
        )


def are_masks(images: NDArray[Any]) -> bool:
    """Whether whole numbers are 0 and 1 for black and white, rather than bytes of dark images: a
    single image of bytes may be so dark, but not each of several."""
    if images.max() > 1 or images.min() < 0:
        return False
    each = images.reshape(len(images), -1).max(axis=1)
    return bool(images.dtype != np.uint8 or (len(images) > 1 and each.all())) and bool(each.any())


def are_units(images: NDArray[Any]) -> bool:
    """Whether brightness goes from 0 to 1 here, for a model that was trained on such images; others
    are bytes, or numbers that were."""
    if images.dtype.kind in "iu":
        return are_masks(images)
    return images.dtype.kind == "b" or not float(np.nanmax(images)) > FAR


def all_finite(numbers: NDArray[Any]) -> bool:
    """Whether there is neither NaN nor infinity: of many a finite sum says so without a copy."""
    if numbers.size > FEW:
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(numbers.sum()):
                return True
    return bool(np.isfinite(numbers).all())


def require_numbers(images: NDArray[Any]) -> None:
    """Refuse images with NaN or infinities."""
    if images.dtype.kind == "f" and not all_finite(images):
        raise ShapeError("some of the images' values are infinite or not numbers")


def range_of_scales(mean: Sequence[float] | Any, deviation: Any) -> InputRange | None:
    """The range of pictures with such a mean and deviation: 0 to 1, or bytes; None for others."""
    least, most, wide = float(np.min(mean)), float(np.max(mean)), float(np.max(deviation))
    if 0 < most <= 1 and least >= 0 and wide <= WIDEST_UNIT:
        return InputRange(0, 1)
    if least >= 0 and most + wide >= WIDE and most <= BRIGHTEST and wide <= BRIGHTEST / 2:
        return InputRange(0, BRIGHTEST)
    return None
