"""The text form of a warp: 'rotate 15; shift 2; scale 0.9 1.1'."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from gradbook.data.warp import Crop, Elastic, Warp
from gradbook.errors import UsageError, did_you_mean
from gradbook.net.text import Statement, digits, statements
from gradbook.net.text.settings import pointing

GRAMMAR = """\
What happens to training images is said in a line, with semicolons between:

  rotate DEGREES         turned by any angle up to so many degrees, either way
  shift PIXELS           moved along and down, each by up to so many pixels, either way
  scale LOW HIGH         made larger by a factor between the two
  shear DEGREES          slanted by up to so many degrees, either way
  crop N [chance P]      the N by N pixels in the middle stretched to the whole image:
                         always, or with that probability
  elastic SPACING MOST   bent: points SPACING pixels apart are each moved along and down by
                         up to MOST pixels, and all between them follows smoothly; nothing
                         folds over while MOST is at most a quarter of SPACING
  background BYTE        what comes in from outside the image; if nothing is said,
                         what the images have at their edges
  none                   nothing happens

Each may stand once, in any order; crop comes before scale, shear, rotate and shift, however
they are written. Digits of 28 by 28 stay readable with

  rotate 12; shift 2; scale 0.85 1.15; shear 10; elastic 7 3
"""

NONE = "none"


def parse(text: str, source: str | None = "warp") -> Warp:
    """The warp that a text describes."""
    return parse_lines(statements(text, source))


def parse_lines(lines: Iterable[Statement]) -> Warp:
    """The warp that these statements describe."""
    warp, said = Warp(), set[str]()
    for line in lines:
        word = line.take()
        known = [*READERS, NONE]
        if word not in known:
            hint = did_you_mean(word, known) or f": it is one of {', '.join(known)}"
            line.fail(f"unknown {word!r}{hint}", at=0)
        if word in said:
            line.fail(f"a second {word!r}: say it once", at=0)
        if said and NONE in (word, *said):
            line.fail(f"{NONE!r} stands alone: take it out, or the others", at=0)
        said.add(word)
        if word != NONE:
            with pointing(line, at=0):
                warp = replace(warp, **{word: READERS[word](line)})
        line.end()
    if not said:
        raise UsageError(f"no warp: write for example 'rotate 15; shift 2', or '{NONE}'")
    return warp


def _crop(line: Statement) -> Crop:
    size = line.whole("crop's size")
    return Crop(size, line.value("crop's chance") if line.option("chance") else 1.0)


READERS: dict[str, Callable[[Statement], Any]] = {
    "rotate": lambda line: line.value("the angle"),
    "shift": lambda line: line.value("the distance"),
    "scale": lambda line: (line.value("the smallest scale"), line.value("the largest scale")),
    "shear": lambda line: line.value("the angle"),
    "crop": _crop,
    "elastic": lambda line: Elastic(line.whole("elastic's spacing"), line.value("elastic's reach")),
    "background": lambda line: line.whole("the background"),
}


def write(warp: Warp) -> str:
    """The text that parses to this warp."""
    usual = Warp()
    said = [
        f"{name} {_words(getattr(warp, name))}"
        for name in READERS
        if getattr(warp, name) != getattr(usual, name)
    ]
    return "; ".join(said) or NONE


def _words(value: Any) -> str:
    match value:
        case Crop(size, chance):
            return f"{size}" + ("" if chance == 1 else f" chance {digits(chance)}")
        case Elastic(spacing, most):
            return f"{spacing} {digits(most)}"
        case low, high:
            return f"{digits(low)} {digits(high)}"
    return digits(value)
