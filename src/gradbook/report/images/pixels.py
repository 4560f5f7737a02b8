"""Arrays as small PNG pictures that stand in a page itself.

Values that may be of either sign are painted in two colours that let the paper shine through the
weaker they are, so that zero is the paper, light or dark.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradbook.report.page import text

if TYPE_CHECKING:
    from PIL.Image import Image

POSITIVE, NEGATIVE = (0x2F, 0x7F, 0xD6), (0xD8, 0x6A, 0x1C)  # seen on white and on dark paper
LEVELS = 16  # of each colour; few make small files, and nobody sees more
LARGEST = 96  # pixels of a picture's longer side
GAP = 2  # pixels between the pictures of a strip, before it is made larger


def picture(pixels: NDArray[np.uint8]) -> str:
    """An image (channels, rows, columns) as an address for <img>; a large one is made smaller."""
    return _address(small(pixels))


def strip(images: NDArray[np.uint8], factor: int = 2) -> str:
    """Images (images, channels, rows, columns) side by side, the paper between them."""
    from PIL import Image

    parts = [small(pixels).convert("RGBA") for pixels in images]
    width, height = parts[0].size
    whole = Image.new("RGBA", (len(parts) * (width + GAP) - GAP, height), (0, 0, 0, 0))
    for place, part in enumerate(parts):
        whole.paste(part, (place * (part.width + GAP), 0))
    return _address(whole.resize((whole.width * factor, whole.height * factor), 0))


def tinted(values: NDArray[np.floating], most: float) -> str:
    """Values (rows, columns) from -most to most, 0 being the paper."""
    from PIL import Image

    share = _mean_of_blocks(np.nan_to_num(values / most) if most > 0 else np.zeros_like(values))
    levels = np.rint(np.clip(share, -1, 1) * LEVELS).astype(np.int16) + LEVELS
    image = Image.fromarray(levels.astype(np.uint8), "P")
    image.putpalette(bytes(NEGATIVE * LEVELS + POSITIVE * (LEVELS + 1)))
    strength = bytes(round(255 * abs(k - LEVELS) / LEVELS) for k in range(2 * LEVELS + 1))
    return _address(image, transparency=strength)


def _mean_of_blocks(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """As many pixels as can be seen of a small picture."""
    factor = ceil(max(values.shape) / LARGEST)
    rows, columns = (side // factor * factor for side in values.shape)
    blocks = values[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    return np.asarray(blocks.mean((1, 3)))


def small(pixels: NDArray[np.uint8], largest: int = LARGEST) -> Image:
    """An image, at most so many pixels long, of (channels, rows, columns)."""
    from PIL import Image

    grey = pixels.shape[0] != 3
    image = Image.fromarray(pixels[0] if grey else pixels.transpose(1, 2, 0))
    longest = max(image.size)
    return image.reduce(ceil(longest / largest)) if longest > largest else image


def _address(image: Image, **how: bytes) -> str:
    content = BytesIO()
    image.save(content, "PNG", optimize=True, **how)
    return f"data:image/png;base64,{b64encode(content.getvalue()).decode()}"


# Cards side by side, each with an image and a list of words below it.


def cards(each: Iterable[str]) -> str:
    """Cards side by side; nothing where there are none."""
    together = "\n".join(each)
    return f'<ol class="gallery">\n{together}\n</ol>' if together else ""


def card(
    pixels: NDArray[np.uint8], place: int, what: str, lines: Iterable[str], kind: str = ""
) -> str:
    """The test image of that place, what it is in words, and lines of a list below it."""
    return (
        f'<li{kind}><img src="{picture(pixels)}" alt="test image {place + 1:,}: {text(what)}" '
        f'title="image {place + 1:,}">\n<dl>{"".join(lines)}</dl></li>'
    )


def line(word: str, name: str, value: str = "", before: str = "") -> str:
    """A word and a name, and at their right a value; `before` is HTML."""
    right = f"<dd>{value}</dd>" if value else ""
    named = f" <b>{text(name)}</b>" if name else ""
    return f'<div><dt title="{text(name)}">{before}{word}{named}</dt>{right}</div>'
