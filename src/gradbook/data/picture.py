"""One picture from a file that may be anything: upright, in red, green and blue."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradbook.errors import DataError
from gradbook.files import opened

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")
"""Of the others some start programs (EPS) and some print what they think of a file (TIFF)."""

MOST_PIXELS = 2**26  # of one picture; unpacked it takes three bytes for each

AVERAGED = ("L", "LA", "RGB", "RGBA")  # of the others an average means nothing, or is no colour
Ground = tuple[int, int, int]
WHITE: Ground = (255, 255, 255)


def read(
    file: Path, behind: Callable[[Image], Ground] = lambda image: WHITE, enough: int | None = None
) -> Image:
    """The picture, its transparent parts on white or what `behind` says of it (in RGBA).

    Where it has far more than `enough` pixels along each side it is made smaller.
    """
    with opened(file) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters is said below
        from PIL import Image, ImageOps, UnidentifiedImageError

        try:
            image = Image.open(stream, formats=FORMATS)
            if enough:
                image.draft(None, (enough, enough))
            _require_few_pixels(image, file)
            ImageOps.exif_transpose(image, in_place=True)
            return _coloured(_smaller(image, enough) if enough else image, behind)
        except DataError:
            raise
        except Image.DecompressionBombError as error:
            raise DataError(
                f"a picture that is too large: at most {MOST_PIXELS:,} pixels, make it smaller",
                file=str(file),
            ) from error
        except UnidentifiedImageError as error:
            kinds = ", ".join(FORMATS)
            raise DataError(
                f"no picture that can be read ({kinds}): save it as PNG", file=str(file)
            ) from error
        except Exception as error:  # a hostile picture finds ever new ways to fail
            raise DataError(
                f"a damaged picture ({error}): take another copy", file=str(file)
            ) from error


def _require_few_pixels(image: Image, file: Path) -> None:
    columns, rows = image.size
    if columns * rows > MOST_PIXELS:
        raise DataError(
            f"a picture of {columns:,} x {rows:,} is too large: at most {MOST_PIXELS:,} pixels, "
            "make it smaller",
            file=str(file),
        )


def _smaller(image: Image, enough: int) -> Image:
    factor = min(image.size) // enough
    return image.reduce(factor) if factor > 1 and image.mode in AVERAGED else image


def _coloured(image: Image, behind: Callable[[Image], Ground]) -> Image:
    import PIL.Image

    if image.mode.startswith(("I", "F")):
        return _of_many_greys(image).convert("RGB")
    if image.has_transparency_data:
        found = image.convert("RGBA")
        ground = PIL.Image.new("RGBA", image.size, behind(found))
        return PIL.Image.alpha_composite(ground, found).convert("RGB")
    return image.convert("RGB")


def _of_many_greys(image: Image) -> Image:
    """Sixteen bits made eight; Pillow's own conversion would cut off all above 255."""
    import PIL.Image

    values = np.asarray(image)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise ValueError("its greys have more than 16 bits")
    return PIL.Image.fromarray((values // 257).astype(np.uint8))
