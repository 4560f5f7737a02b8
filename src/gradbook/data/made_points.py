"""Points on a plane in two classes, made by rule."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, log, pi, sin, sqrt
from random import Random
from types import MappingProxyType

Point = tuple[float, float, int]  # x, y, and its class, 0 or 1

POINTS_OF_A_SET = 120
SPREAD = 0.05  # how far a point of a spiral may lie off it
TURNS = 1.25  # of a spiral's arm
INNER, OUTER = 0.45, (0.65, 1.0)  # radii of the disc, and of the ring around it
MIDDLE, WIDTH = 0.45, 0.18  # of the two clouds, and how wide they are


def _xor(random: Random) -> Point:
    """Class 1 where one coordinate alone is positive."""
    x, y = (random.choice((-1, 1)) * random.uniform(0.08, 1) for _ in range(2))
    return x, y, int((x > 0) != (y > 0))


def _circle(random: Random) -> Point:
    """A disc of class 1 within a ring of class 0."""
    inside = random.random() < 0.5
    radius = INNER * sqrt(random.random()) if inside else random.uniform(*OUTER)
    angle = random.uniform(0, 2 * pi)
    return radius * cos(angle), radius * sin(angle), int(inside)


def _gaussians(random: Random) -> Point:
    """Two clouds, the thicker the nearer to their middles."""
    which = random.randrange(2)
    radius = WIDTH * sqrt(-2 * log(1 - random.random()))
    angle = random.uniform(0, 2 * pi)
    middle = (2 * which - 1) * MIDDLE
    return middle + radius * cos(angle), middle + radius * sin(angle), which


def _spiral(random: Random) -> Point:
    """Two arms that wind around each other."""
    arm = random.randrange(2)
    way = random.uniform(0.08, 1)
    angle = 2 * pi * TURNS * way + arm * pi
    x, y = way * cos(angle), way * sin(angle)
    return x + random.uniform(-SPREAD, SPREAD), y + random.uniform(-SPREAD, SPREAD), arm


def _halves(random: Random) -> Point:
    """Two halves with a slanted line between them, which a single unit can learn."""
    while True:
        x, y = random.uniform(-1, 1), random.uniform(-1, 1)
        if abs(x + 0.5 * y) > SPREAD:
            return x, y, int(x + 0.5 * y > 0)


POINT_SETS: MappingProxyType[str, Callable[[Random], Point]] = MappingProxyType(
    {"halves": _halves, "xor": _xor, "circle": _circle, "gaussians": _gaussians, "spiral": _spiral}
)


def points(kind: str, count: int = POINTS_OF_A_SET) -> list[Point]:
    """So many points of a kind, the same every time, with three decimals."""
    random = Random(kind)
    made = (POINT_SETS[kind](random) for _ in range(count))
    return [(round(x, 3), round(y, 3), which) for x, y, which in made]
