"""What is written in a drawing: names with their subscripts, numbers, words."""

from __future__ import annotations

from gradbook.graph.names import Name
from gradbook.palette import QUIET, colour_of
from gradbook.targets.drawing.shapes import Label, Point
from gradbook.targets.drawing.stages import Marked

NAME_SIZE, SMALL_SIZE, WORD_SIZE = 16.0, 13.5, 12.5


def name_label(mark: Marked, size: float) -> Label:
    """A name, and its number where it is to be shown."""
    text, subscript = spelled(mark.name)
    number = "" if mark.value is None else f"{mark.value:.4g}".replace("-", "−")
    return Label(text, size, colour_of(mark.name.stem), subscript, number)


def spelled(name: Name) -> tuple[str, str]:
    """A name as it is set: its letter, and what stands below the line after it."""
    if name.of:
        return name.stem, "".join(spelled(name.of))
    numbers = ([] if name.layer is None else [name.layer]) + list(name.index)
    return name.stem, name.word + ",".join(map(str, numbers))


def words(text: str, centre: Point) -> Label:
    return Label(text, WORD_SIZE, QUIET, is_name=False, centre=centre)
