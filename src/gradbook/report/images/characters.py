"""Draws images in characters: half blocks in colour, half blocks alone, or letters by their ink."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from itertools import groupby
from math import ceil

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import one_line
from gradbook.report.words import Span, TextLine

WIDEST = 40  # columns of one image; a wider one is made smaller
GAP = "  "
BLOCKS = " ▄▀█"  # by 2 · upper + lower
LETTERS = " .:-=+*#%@"


class Means(Enum):
    """What a terminal has to draw with."""

    COLOURS = auto()
    BLOCKS = auto()
    LETTERS = auto()


def grid(
    pixels: NDArray[np.uint8], names: Sequence[str], width: int, means: Means
) -> list[TextLine]:
    """Images (images, channels, rows, columns) side by side with their names below them."""
    small = _reduced(pixels, ceil(pixels.shape[3] / min(width, WIDEST)))
    columns = small.shape[3]
    across = max((width + len(GAP)) // (columns + len(GAP)), 1)
    drawn = [DRAW[means](image) for image in small]
    lines: list[TextLine] = []
    for first in range(0, len(drawn), across):
        band = slice(first, first + across)
        lines += map(_beside, zip(*drawn[band], strict=True))
        below = (f"{one_line(name)[:columns]:^{columns}}" for name in names[band])
        lines += [[Span(GAP.join(below))], []]
    return lines[:-1]


def _reduced(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Each factor x factor pixels made one, and an even number of rows."""
    rows, columns = pixels.shape[2:]
    missing = (-rows % (2 * factor), -columns % factor)
    padded = np.pad(pixels, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])), "edge")
    images, channels, rows, columns = padded.shape
    blocks = padded.reshape(images, channels, rows // factor, factor, columns // factor, factor)
    reduced: NDArray[np.uint8] = blocks.mean((3, 5)).astype(np.uint8)
    return reduced


def _coloured(image: NDArray[np.uint8]) -> list[TextLine]:
    """Two rows a line: the upper one is the colour of half a block, the lower one is behind it."""
    colours = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0).tolist()
    return [
        _joined([f"rgb({r},{g},{b}) on rgb({R},{G},{B})" for (r, g, b), (R, G, B) in pixels], "▀")
        for pixels in map(zip, colours[::2], colours[1::2])
    ]


def _joined(colours: Sequence[str], mark: str) -> TextLine:
    return [Span(mark * len(list(run)), colour) for colour, run in groupby(colours)]


def _blocks(image: NDArray[np.uint8]) -> list[TextLine]:
    grey = image.mean(0)
    bright = grey * 2 > float(grey.min()) + float(grey.max())
    return _marked(2 * bright[::2] + bright[1::2], BLOCKS)


def _letters(image: NDArray[np.uint8]) -> list[TextLine]:
    grey = image.mean(0)
    return _marked((grey[::2] + grey[1::2]) / 512 * len(LETTERS), LETTERS)


def _marked(numbers: NDArray[np.floating] | NDArray[np.integer], marks: str) -> list[TextLine]:
    return [[Span("".join(marks[int(number)] for number in row))] for row in numbers]


def _beside(lines: Sequence[TextLine]) -> TextLine:
    parts = [[*line, Span(GAP)] for line in lines]
    return [span for part in parts for span in part][:-1]


DRAW = {Means.COLOURS: _coloured, Means.BLOCKS: _blocks, Means.LETTERS: _letters}
