"""Every line of a drawing can be followed with the eye, and every label read."""

from __future__ import annotations

import pytest
from hypothesis import given

from gradbook.net import BUILTIN, builtin
from gradbook.targets.drawing import Drawing, draw
from gradbook.targets.drawing.shapes import Label, Plane, Polyline, Unit, ems
from tests.cases import for_each
from tests.conftest import THOROUGH
from tests.families import networks
from tests.targets.drawing.overlaps import overlaps, small_network

FONTS = (
    "dejavu/DejaVuSans.ttf",
    "dejavu/DejaVuSerif.ttf",
    "liberation/LiberationSans-Regular.ttf",
    "liberation/LiberationSerif-Regular.ttf",
    "liberation/LiberationSerif-Italic.ttf",
)


def found(drawing: Drawing) -> list[str]:
    boxes: dict[type, dict[str, tuple]] = {Label: {}, Unit: {}}
    lines = {}
    for number, shape in enumerate(drawing.shapes):
        if isinstance(shape, Polyline):
            lines[f"line {number}"] = shape.points
        elif isinstance(shape, Label | Unit | Plane):
            it = shape.box
            kind = Label if isinstance(shape, Label) else Unit
            name = shape.text + shape.subscript if isinstance(shape, Label) else "unit"
            if not isinstance(shape, Plane):  # those of a stack lie on one another
                boxes[kind][f"{number} {name}"] = (it.left, it.top, it.right, it.bottom)
    return list(overlaps(boxes[Label], boxes[Unit], lines))


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("tens", range(20))
def test_nothing_of_a_small_network_lies_on_anything_else(tens, numbers):
    for seed in range(10 * tens, 10 * tens + 10):
        assert (seed, found(draw(small_network(seed), numbers))) == (seed, [])


@for_each("name", BUILTIN)
@for_each("numbers", [False, True])
def test_nothing_of_a_built_in_network_lies_on_anything_else(name, numbers):
    assert found(draw(builtin(name), numbers)) == []


@given(networks(dropout=True))
def test_nothing_of_any_network_lies_on_anything_else(net):
    assert found(draw(net)) == []


@given(networks(images=False))
def test_nothing_lies_on_anything_else_when_numbers_are_shown(net):
    assert found(draw(net, numbers=True)) == []


def test_what_lies_on_something_is_noticed():
    box = (0.0, 0.0, 10.0, 10.0)
    assert list(overlaps({"a": box, "b": (9, 9, 20, 20)}, {}, {})) == ["a on b"]
    assert list(overlaps({"a": box}, {"u": (5, 5, 20, 20)}, {})) == ["a on u"]
    assert list(overlaps({"a": box}, {"u": (-1, -1, 11, 11)}, {})) == []
    assert list(overlaps({"a": box}, {}, {"l": [(-5, 5), (-1, 20), (5, 10)]})) == []
    assert list(overlaps({"a": box}, {}, {"l": [(-5, 20), (20, -5)]})) == ["l through a"]
    assert list(overlaps({}, {"u": box}, {"l": [(-5, 5), (0, 5)]})) == []


@for_each("font", FONTS)
def test_words_are_no_wider_than_they_are_taken_to_be(font):
    from PIL import ImageFont

    try:
        there = ImageFont.truetype(font.split("/")[1], 1000)
    except OSError:
        if THOROUGH:
            raise
        pytest.skip(f"the font {font} isn't installed: make everything demands it")
    for text in (
        "w128 −0.4363",
        "mean over 4 samples",
        "a_h1,12",
        "10@28x28",
        "η∂σβγμ",
        "12345 more",
    ):
        assert there.getlength(text) <= 1000 * ems(text) + 1
