"""A contact sheet: many images on one PNG, each with its name below it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradbook.report.images.pixels import small

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDEST = 1100  # pixels of the sheet
CELL = 84  # pixels at most of a small image, made larger by a whole number
LARGEST = 224  # of a large image, made smaller
GAP, MARGIN, CAPTION, TITLE = 12, 24, 22, 40
PAPER, INK, GREY = "#ffffff", "#1a1a1a", "#666666"


def png(pixels: NDArray[np.uint8], names: Sequence[str], title: str, across: int) -> bytes:
    """Images (images, channels, rows, columns), as many side by side if there is room."""
    from PIL import Image, ImageDraw

    images = [_image(image) for image in pixels]
    width, height = images[0].size
    across = max(min(across, (WIDEST - 2 * MARGIN + GAP) // (width + GAP), len(images)), 1)
    down = ceil(len(images) / across)
    size = (
        max(2 * MARGIN + across * (width + GAP) - GAP, 420),
        MARGIN + TITLE + down * (height + CAPTION + GAP) - GAP + MARGIN,
    )
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, INK, _font(17))
    for place, (image, name) in enumerate(zip(images, names, strict=True)):
        x = MARGIN + place % across * (width + GAP)
        y = MARGIN + TITLE + place // across * (height + CAPTION + GAP)
        sheet.paste(image, (x, y))
        pen.text((x + width / 2, y + height + 4), _fitting(name, width), GREY, _font(13), "ma")
    content = BytesIO()
    sheet.save(content, "PNG", optimize=True)
    return content.getvalue()


def _image(pixels: NDArray[np.uint8]) -> Image:
    image = small(pixels, LARGEST)
    factor = max(CELL // max(image.size), 1)
    return image.resize((image.width * factor, image.height * factor), 0)  # the nearest pixel


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
