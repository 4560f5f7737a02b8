from itertools import combinations

from gradbook.palette import (
    CURVES,
    ERROR,
    KINDS,
    MEMORY,
    PAPER,
    QUIET,
    SUM,
    colour_of,
    curve_colours,
)
from tests.cases import for_each


def brightness(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@for_each("kind", KINDS, ids=lambda kind: kind.word)
def test_every_ink_can_be_read_on_its_fill_and_on_the_paper(kind):
    for fill in (kind.fill, PAPER.fill, "#FFFFFF"):
        assert contrast(kind.ink, fill) >= 5.5
    for fill in (kind.dark_fill, PAPER.dark_fill):
        assert contrast(kind.dark_ink, fill) >= 5.5


def test_remarks_can_be_read_on_the_paper():
    assert contrast(QUIET.ink, PAPER.fill) >= 4.5
    assert contrast(QUIET.dark_ink, PAPER.dark_fill) >= 4.5


@for_each("curve", CURVES)
def test_every_curve_can_be_seen_on_white_and_on_dark(curve):
    assert contrast(curve, "#FFFFFF") >= 3
    assert contrast(curve, PAPER.dark_fill) >= 3


def test_kinds_and_curves_differ():
    for one, other in combinations(KINDS, 2):
        assert not {one.fill, one.ink, one.dark_fill, one.dark_ink} & {
            other.fill,
            other.ink,
            other.dark_fill,
            other.dark_ink,
        }
    assert len(set(CURVES)) == len(CURVES)


def test_a_batch_deviation_is_not_adams_memory():
    assert colour_of("s") is SUM
    assert colour_of("s", owned=True) is MEMORY
    assert colour_of("E") is ERROR


@for_each("count", [1, 2, 7, 13])
def test_few_curves_are_spread_over_the_whole_range(count):
    colours = curve_colours(count)
    assert len(set(colours)) == count
    assert colours[0] == CURVES[0]
    assert count == 1 or colours[-1] == CURVES[-1]
