"""Images for a page, a contact sheet and a terminal.

Knows arrays of pixels, but not where they come from.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from enum import Enum, auto
from functools import cache
from io import BytesIO
from itertools import chain, groupby
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import one_line
from gradbook.report.styled_text import Span, TextLine

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

POSITIVE, NEGATIVE = (0x2F, 0x7F, 0xD6), (0xD8, 0x6A, 0x1C)  # visible on light and dark paper
LEVELS = 16  # of each colour; few make small files, and nobody sees more
LARGEST = 96  # pixels of a picture's longer side
STRIP_GAP = 2  # pixels between the pictures of a strip, before it is made larger


def picture(pixels: NDArray[np.uint8]) -> str:
    """An image (channels, rows, columns) as an address for <img>; a large one is made smaller."""
    return _address(small(pixels))


def strip(images: NDArray[np.uint8], factor: int = 2) -> str:
    """Images (images, channels, rows, columns) side by side, with transparent gaps."""
    from PIL import Image

    parts = [small(pixels).convert("RGBA") for pixels in images]
    width, height = parts[0].size
    whole = Image.new("RGBA", (len(parts) * (width + STRIP_GAP) - STRIP_GAP, height), (0, 0, 0, 0))
    for place, part in enumerate(parts):
        whole.paste(part, (place * (part.width + STRIP_GAP), 0))
    return _address(whole.resize((whole.width * factor, whole.height * factor), 0))


def signed_picture(values: NDArray[np.floating], most: float) -> str:
    """Values (rows, columns) from -most to most as a picture.

    Each sign has a colour that is more transparent the nearer a value is to 0, so that zero shows
    the paper, light or dark.
    """
    from PIL import Image

    shares = np.nan_to_num(values / most) if most > 0 else np.zeros_like(values)
    share = _means(shares, ceil(max(shares.shape) / LARGEST))  # no more than can be seen
    levels = np.rint(np.clip(share, -1, 1) * LEVELS).astype(np.int16) + LEVELS
    image = Image.fromarray(levels.astype(np.uint8), "P")
    image.putpalette(bytes(NEGATIVE * LEVELS + POSITIVE * (LEVELS + 1)))
    strength = bytes(round(255 * abs(k - LEVELS) / LEVELS) for k in range(2 * LEVELS + 1))
    return _address(image, transparency=strength)


def _means(values: NDArray[Any], factor: int) -> NDArray[np.floating]:
    """The mean of each factor x factor block of (…, rows, columns)."""
    rows, columns = (side // factor for side in values.shape[-2:])
    whole = values[..., : rows * factor, : columns * factor]
    blocks = whole.reshape(*values.shape[:-2], rows, factor, columns, factor)
    return np.asarray(blocks.mean((-3, -1)))


def small(pixels: NDArray[np.uint8], largest: int = LARGEST) -> Image:
    """An image of (channels, rows, columns), at most so many pixels long."""
    from PIL import Image

    grey = pixels.shape[0] != 3
    image = Image.fromarray(pixels[0] if grey else pixels.transpose(1, 2, 0))
    longest = max(image.size)
    return image.reduce(ceil(longest / largest)) if longest > largest else image


def _address(image: Image, **how: bytes) -> str:
    content = BytesIO()
    image.save(content, "PNG", optimize=True, **how)
    return f"data:image/png;base64,{b64encode(content.getvalue()).decode()}"


# A contact sheet --------------------------------------------------------------

WIDEST_SHEET = 1100  # pixels of the sheet
CELL = 84  # most pixels of a small image, enlarged by a whole factor
LARGEST_ON_A_SHEET = 224  # most pixels of a large image, reduced
SHEET_GAP, MARGIN, CAPTION, TITLE = 12, 24, 22, 40
PAPER, INK, GREY = "#ffffff", "#1a1a1a", "#666666"


def contact_sheet(
    pixels: NDArray[np.uint8], names: Sequence[str], title: str, across: int
) -> bytes:
    """Images (images, channels, rows, columns), `across` side by side if there is room."""
    from PIL import Image, ImageDraw

    images = []
    for image in (small(each, LARGEST_ON_A_SHEET) for each in pixels):
        factor = max(CELL // max(image.size), 1)
        nearest = Image.Resampling.NEAREST
        images.append(image.resize((image.width * factor, image.height * factor), nearest))
    width, height = images[0].size
    across = max(
        min(across, (WIDEST_SHEET - 2 * MARGIN + SHEET_GAP) // (width + SHEET_GAP), len(images)), 1
    )
    down = ceil(len(images) / across)
    size = (
        max(2 * MARGIN + across * (width + SHEET_GAP) - SHEET_GAP, 420),
        MARGIN + TITLE + down * (height + CAPTION + SHEET_GAP) - SHEET_GAP + MARGIN,
    )
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, INK, _font(17))
    for place, (image, name) in enumerate(zip(images, names, strict=True)):
        x = MARGIN + place % across * (width + SHEET_GAP)
        y = MARGIN + TITLE + place // across * (height + CAPTION + SHEET_GAP)
        sheet.paste(image, (x, y))
        pen.text((x + width / 2, y + height + 4), _fitting(name, width), GREY, _font(13), "ma")
    content = BytesIO()
    sheet.save(content, "PNG", optimize=True)
    return content.getvalue()


def _fitting(name: str, width: int) -> str:
    """As much of the name as there is room for."""
    letters = len(name)
    while letters > 1 and _font(13).getlength(name[:letters]) > width:
        letters -= 1
    return name if letters == len(name) else f"{name[: max(letters - 1, 1)]}…"


@cache
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


# In characters ----------------------------------------------------------------

WIDEST_IN_CHARACTERS = 40  # columns of one image; a wider one is made smaller
CHARACTER_GAP = "  "
BLOCKS = " ▄▀█"  # by 2 · upper + lower
LETTERS = " .:-=+*#%@"


class Means(Enum):
    """What a terminal can draw with."""

    COLOURS = auto()
    BLOCKS = auto()
    LETTERS = auto()


def image_lines(
    pixels: NDArray[np.uint8], names: Sequence[str], width: int, means: Means
) -> list[TextLine]:
    """Images (images, channels, rows, columns) side by side with their names below them."""
    rows, columns = pixels.shape[2:]
    factor = ceil(columns / min(width, WIDEST_IN_CHARACTERS))
    beyond = ((0, 0), (0, 0), (0, -rows % (2 * factor)), (0, -columns % factor))
    small = _means(np.pad(pixels, beyond, "edge"), factor).astype(np.uint8)  # of an even height
    columns = small.shape[3]
    across = max((width + len(CHARACTER_GAP)) // (columns + len(CHARACTER_GAP)), 1)
    drawn = [DRAW[means](image) for image in small]
    lines: list[TextLine] = []
    for first in range(0, len(drawn), across):
        band = slice(first, first + across)
        for row in zip(*drawn[band], strict=True):
            parts = [[*line, Span(CHARACTER_GAP)] for line in row]
            lines.append(list(chain.from_iterable(parts))[:-1])
        below = (f"{one_line(name)[:columns]:^{columns}}" for name in names[band])
        lines += [[Span(CHARACTER_GAP.join(below))], []]
    return lines[:-1]


def _coloured(image: NDArray[np.uint8]) -> list[TextLine]:
    """Two rows of pixels per line: the upper one colours a half block, the lower its background."""
    colours = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0).tolist()
    lines = []
    for pixels in map(zip, colours[::2], colours[1::2]):
        inks = (f"rgb({r},{g},{b}) on rgb({R},{G},{B})" for (r, g, b), (R, G, B) in pixels)
        lines.append([Span("▀" * len(list(run)), ink) for ink, run in groupby(inks)])
    return lines


def _blocks(image: NDArray[np.uint8]) -> list[TextLine]:
    grey = image.mean(0)
    bright = grey * 2 > float(grey.min()) + float(grey.max())
    return _marked(2 * bright[::2] + bright[1::2], BLOCKS)


def _letters(image: NDArray[np.uint8]) -> list[TextLine]:
    grey = image.mean(0)
    return _marked((grey[::2] + grey[1::2]) / 512 * len(LETTERS), LETTERS)


def _marked(numbers: NDArray[np.floating] | NDArray[np.integer], marks: str) -> list[TextLine]:
    return [[Span("".join(marks[int(number)] for number in row))] for row in numbers]


DRAW = {Means.COLOURS: _coloured, Means.BLOCKS: _blocks, Means.LETTERS: _letters}
