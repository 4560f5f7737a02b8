"""How a window slides over rows and columns: its size, stride, padding and dilation.

Convolutions and pools share it. Only this module knows how many places a window has and what it
reads at each of them. Of two numbers, the first is for rows, the second for columns; of four, the
first two are before the first row and column, the others after the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from gradbook.arguments import whole
from gradbook.errors import ShapeError, UsageError

Shape = tuple[int, ...]
Both = tuple[int, int]
Sides = tuple[int, int, int, int]
Pad = Sides | Literal["same"]
SAME: Literal["same"] = "same"  # one place for each stride that begins inside the input
NOWHERE: Sides = (0, 0, 0, 0)
MOST_CHECKED = 100_000  # places at an edge
LARGER_WINDOW = "{word}'s window {window} is larger than its input {shape}{pad}: make it smaller"
PADDING_ALONE = (
    "{word}'s window {window} covers only padding somewhere on {shape}: "
    "use a smaller pad or dilation"
)
TOO_PADDED = "with pad {pad} a window {window} may cover only padding: use at most pad {most}"


@dataclass(frozen=True)
class Window:
    """A window in numbers, for an input of one size."""

    size: Both
    stride: Both = (1, 1)
    pad: Sides = NOWHERE
    dilation: Both = (1, 1)  # the distance between rows, and between columns, that it reads

    @property
    def span(self) -> Both:
        """The number of rows and columns from the first to the last that it reads."""
        return self._reach(0), self._reach(1)

    def _reach(self, axis: int) -> int:
        return (self.size[axis] - 1) * self.dilation[axis] + 1

    @property
    def area(self) -> int:
        return self.size[0] * self.size[1]

    @property
    def is_plain(self) -> bool:
        """Whether it reads neighbours, and slides by as many rows as columns."""
        return self.dilation == (1, 1) and self.stride[0] == self.stride[1]

    def places(self, area: Shape) -> Both:
        """The number of its places along so many rows and columns."""
        down, across = (
            (length + sum(self.edges(axis)) - self._reach(axis)) // self.stride[axis] + 1
            for axis, length in enumerate(area)
        )
        return down, across

    def left_over(self, places: Sequence[int], area: Shape) -> Both:
        """The number of rows and columns of an area beyond the last of these places."""
        down, across = (
            length + sum(self.edges(axis)) - self.span[axis] - (count - 1) * self.stride[axis]
            for axis, (count, length) in enumerate(zip(places, area, strict=True))
        )
        return down, across

    def edges(self, axis: int) -> Both:
        """The padding before and after, along rows (0) or columns (1)."""
        return self.pad[axis], self.pad[axis + 2]

    def corner(self, place: Sequence[int]) -> Both:
        """The row and column at which it begins at one of its places; negative in the padding."""
        row, column = place
        return row * self.stride[0] - self.pad[0], column * self.stride[1] - self.pad[1]

    def reads(self, place: Sequence[int], tap: Sequence[int]) -> Both:
        """The row and column of the input under one of its cells, at one of its places."""
        row, column = self.corner(place)
        return row + tap[0] * self.dilation[0], column + tap[1] * self.dilation[1]

    def inside(self, place: Sequence[int], area: Shape) -> Iterator[tuple[Both, Both]]:
        """Its cells that cover the input, each with the row and column that it covers."""
        down, across = (
            self.inside_along(axis, first, length)
            for axis, (first, length) in enumerate(zip(place, area, strict=True))
        )
        for (i, row), (j, column) in product(down, across):
            yield (i, j), (row, column)

    def inside_along(
        self, axis: int, place: int, length: int, counted: Both = (0, 0)
    ) -> list[Both]:
        """The same along one axis; so much of the padding before and after is `counted`, too."""
        first, gap = place * self.stride[axis] - self.pad[axis], self.dilation[axis]
        read = ((k, first + k * gap) for k in range(self.size[axis]))
        return [(k, at) for k, at in read if -counted[0] <= at < length + counted[1]]

    def over(self, at: Sequence[int], area: Shape) -> Iterator[tuple[Both, Both]]:
        """The cells with which it reads one value, each with the window's place."""
        down, across = (
            self._over_along(axis, source, places)
            for axis, (source, places) in enumerate(zip(at, self.places(area), strict=True))
        )
        for (i, row), (j, column) in product(down, across):
            yield (i, j), (row, column)

    def _over_along(self, axis: int, source: int, places: int) -> list[Both]:
        pairs = []
        for k in range(self.size[axis]):
            place, beside = divmod(
                source + self.pad[axis] - k * self.dilation[axis], self.stride[axis]
            )
            if not beside and 0 <= place < places:
                pairs.append((k, place))
        return pairs

    def reads_nothing(self, area: Shape) -> bool:
        """Whether it covers only padding at some place."""
        return any(self._reads_nothing(axis, length) for axis, length in enumerate(area))

    def _reads_nothing(self, axis: int, length: int) -> bool:
        """With padding shorter than its span, only gaps wider than the input can skip all of it."""
        if self.dilation[axis] <= length:
            return False
        (before, _), places = self.edges(axis), self.places((length, length))[axis]
        begun = min(places, before, MOST_CHECKED)
        return not all(self.inside_along(axis, place, length) for place in range(begun))


def places_in(word: str, window: Window, shape: Shape) -> Both:
    """Its places on channels x height x width; there must be some, each covering a value."""
    area = shape[1:]
    places = window.places(area)
    size_words = f"{both_words(window.size)}{gap_words(window.dilation)}"
    words = {"word": word, "window": size_words, "shape": sizes_words(shape)}
    if min(places) < 1:
        pad = f" with pad {pad_words(window.pad)}" if any(window.pad) else ""
        raise ShapeError(LARGER_WINDOW.format(**words, pad=pad))
    if any(window.pad) and window.reads_nothing(area):
        raise ShapeError(PADDING_ALONE.format(**words))
    return places


def same_pad(size: Both, stride: Both, dilation: Both, area: Shape) -> Sides:
    """The padding in Keras and TensorFlow: one place for each stride that begins in the input; if
    the padding is odd, its larger half is at the end."""
    missing = [
        max((-(-length // step) - 1) * step + (k - 1) * gap + 1 - length, 0)
        for k, step, gap, length in zip(size, stride, dilation, area, strict=True)
    ]
    first, left = (n // 2 for n in missing)
    return first, left, missing[0] - first, missing[1] - left


def overhang(window: Window, area: Shape) -> Sides:
    """The padding of a window that also has places which begin in the input, or in the padding
    before it, and end beyond the padding after it."""
    ends = []
    for axis, length in enumerate(area):
        before, after = window.edges(axis)
        step, span = window.stride[axis], window.span[axis]
        places = -(-(length + before + after - span) // step) + 1
        if (places - 1) * step >= length + before:
            places -= 1
        ends.append(max(after, (places - 1) * step + span - length - before))
    return (*window.pad[:2], ends[0], ends[1])


# Arguments from callers.


def a_pad(what: str, pad: object, size: Both, dilation: Both) -> Pad:
    """One number for all sides, two for rows and columns, four for each side; or 'same'."""
    if pad == SAME:
        return SAME
    several = pad if isinstance(pad, tuple | list) else (pad,)
    sides = [whole(f"{what} pad", number, 0) for number in several]
    if len(sides) not in (1, 2, 4):
        raise UsageError(f"{what} pad is one, two or four numbers, or 'same', not {pad!r}")
    top, left, below, right = sides * (4 // len(sides))
    window = Window(size, pad=(top, left, below, right), dilation=dilation)
    if any(side >= window.span[k % 2] for k, side in enumerate(window.pad)):
        words, most = f"{both_words(size)}{gap_words(dilation)}", min(window.span) - 1
        raise UsageError(TOO_PADDED.format(pad=pad_words(window.pad), window=words, most=most))
    return window.pad


# In the text form.


def pad_words(pad: Pad) -> str:
    """The shortest form: 1, 1x2, 0x0x1x1 or same."""
    if pad == SAME:
        return SAME
    if pad[:2] != pad[2:]:
        return "x".join(map(str, pad))
    return short(pad[:2])


def sizes_words(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def both_words(pair: Both) -> str:
    return sizes_words(pair)


def short(pair: Both) -> str:
    """One number if both are the same."""
    return str(pair[0]) if pair[0] == pair[1] else both_words(pair)


def gap_words(dilation: Both) -> str:
    return "" if dilation == (1, 1) else f" with dilation {short(dilation)}"
