"""The parts of a drawing: geometry in points, y downward, a colour for each kind of quantity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from unicodedata import east_asian_width, normalize

from gradbook.palette import Colour

Point = tuple[float, float]

SUBSCRIPT = 0.72  # of the size of the letter
NUMBER_GAP = 0.35  # of the size, between a name and its number
LINE_HEIGHT = 1.25
THICK = 1.2  # a line


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        """Clockwise from the upper left."""
        return (
            (self.left, self.top),
            (self.right, self.top),
            (self.right, self.bottom),
            (self.left, self.bottom),
        )

    def moved(self, by: Point) -> Box:
        return Box(*_moved((self.left, self.top), by), *_moved((self.right, self.bottom), by))

    def gap(self, other: Box) -> float:
        """The distance between two boxes; negative if they overlap."""
        across = max(other.left - self.right, self.left - other.right)
        down = max(other.top - self.bottom, self.top - other.bottom)
        return max(across, down)


@dataclass(frozen=True)
class Polyline:
    """Straight lines from point to point."""

    points: tuple[Point, ...]
    colour: Colour

    @property
    def box(self) -> Box:
        across, down = zip(*self.points, strict=True)
        return Box(min(across), min(down), max(across), max(down))

    def moved(self, by: Point) -> Polyline:
        return replace(self, points=tuple(_moved(point, by) for point in self.points))


@dataclass(frozen=True)
class Plane:
    """A sheet of values, with its rows and columns ruled if they are few."""

    box: Box
    colour: Colour
    ruled: tuple[int, int] = (1, 1)

    def moved(self, by: Point) -> Plane:
        return replace(self, box=self.box.moved(by))


@dataclass(frozen=True)
class WindowFrame:
    """The outline of a window on a plane."""

    box: Box
    colour: Colour

    def moved(self, by: Point) -> WindowFrame:
        return replace(self, box=self.box.moved(by))


@dataclass(frozen=True)
class UnitPart:
    """A half of a unit, or a whole one; `left` and `right` are the ends of its straight edges."""

    colour: Colour
    left: float
    right: float
    round_left: bool
    round_right: bool


@dataclass(frozen=True)
class Unit:
    """A circle or a wide pill shape, in one part or in two halves."""

    centre: Point
    half_width: float
    radius: float
    colours: tuple[Colour, ...]

    @property
    def parts(self) -> tuple[UnitPart, ...]:
        x, straight = self.centre[0], self.half_width - self.radius
        if len(self.colours) == 1:
            return (UnitPart(self.colours[0], x - straight, x + straight, True, True),)
        first, second = self.colours
        return (
            UnitPart(first, x - straight, x, True, False),
            UnitPart(second, x, x + straight, False, True),
        )

    @property
    def box(self) -> Box:
        return _around(self.centre, self.half_width, self.radius)

    def moved(self, by: Point) -> Unit:
        return replace(self, centre=_moved(self.centre, by))


@dataclass(frozen=True)
class Label:
    """A name with its subscript, and perhaps its number; or words."""

    text: str
    size: float
    colour: Colour
    subscript: str = ""
    number: str = ""
    is_name: bool = True
    is_left: bool = False  # aligned left in its box rather than centred
    centre: Point = (0, 0)

    @property
    def width(self) -> float:
        size = ems(self.text) + SUBSCRIPT * ems(self.subscript)
        size += NUMBER_GAP + ems(self.number) if self.number else 0
        return self.size * size * (SERIF if self.is_name else 1)

    @property
    def box(self) -> Box:
        return _around(self.centre, self.width / 2, self.size * LINE_HEIGHT / 2)

    def at(self, centre: Point) -> Label:
        return replace(self, centre=centre)

    def moved(self, by: Point) -> Label:
        return self.at(_moved(self.centre, by))


Shape = Polyline | Plane | WindowFrame | Unit | Label


@dataclass(frozen=True)
class Drawing:
    """Shapes in the order in which they are painted."""

    width: float
    height: float
    words: str  # what it shows, for people who can't see it
    shapes: tuple[Shape, ...]


def drawing(words: str, shapes: Iterable[Shape], margin: float) -> Drawing:
    """Move the shapes into a picture that is just large enough for them."""
    placed = list(shapes)
    boxes = [shape.box for shape in placed]
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    by = (margin - left, margin - top)
    return Drawing(
        width=round(right - left + 2 * margin, 2),
        height=round(bottom - top + 2 * margin, 2),
        words=words,
        shapes=tuple(shape.moved(by) for shape in placed),
    )


def _around(centre: Point, across: float, down: float) -> Box:
    x, y = centre
    return Box(x - across, y - down, x + across, y + down)


def _moved(point: Point, by: Point) -> Point:
    return round(point[0] + by[0], 2), round(point[1] + by[1], 2)


def cuts(low: float, high: float, parts: int) -> list[float]:
    """The places at which a length is divided into equal parts."""
    return [low + (high - low) * k / parts for k in range(1, parts)]


# Widths of characters relative to their size: the widest of DejaVu Sans and Serif, Liberation Sans
# and Serif, upright and slanted, rounded up. In any other font, they are hardly wider.
WIDTHS = {
    0.35: " ',./:;\\ijl|·",
    0.45: "()-I[]f!t²",
    0.55: '"*J`rsz∂',
    0.6: "?_cvxyγ",
    0.7: "FLPSTZσ",
    0.8: "ABCEGKRVXY",
    0.9: "#&+<=>DHNOQU^w~−×",
    1.05: "%@MWm…⋮→",
}
WIDE = 1.05  # Chinese and Korean characters
OTHER = 0.65  # digits, and most small letters
WIDTH_OF = {character: width for width, those in WIDTHS.items() for character in those}
SERIF = 1.08  # enlargement of names, since serif letters look smaller


def ems(text: str) -> float:
    """The greatest width of the text, relative to its size."""
    return sum(map(_width, text))


@cache
def _width(character: str) -> float:
    """A letter with a diacritic is as wide as without."""
    if east_asian_width(character) in "WF":
        return WIDE
    return WIDTH_OF.get(normalize("NFD", character)[0], OTHER)
