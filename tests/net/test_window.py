"""Where a window goes: what it reads at each place, `same` and `ceil`, held by counting."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.errors import ShapeError
from gradbook.graph.window import Window, same_pad
from gradbook.net import Conv, Pool, parse
from tests.cases import for_each
from tests.families import moves

AREAS = st.tuples(st.just(1), st.integers(1, 9), st.integers(1, 9))


@st.composite
def windows_over(draw):
    shape = draw(AREAS)
    numbers = draw(moves(shape))
    conv = Conv(1, numbers.pop("size"), **numbers)
    return conv.window(shape), shape[1:]


@given(windows_over())
def test_what_it_reads_and_what_is_read_are_the_same_pairs(case):
    window, area = case
    places = list(product(*map(range, window.places(area))))
    forward = {(at, tap, there) for there in places for tap, at in window.inside(there, area)}
    back = {
        (at, tap, there)
        for at in product(*map(range, area))
        for tap, there in window.over(at, area)
    }
    assert forward == back
    assert all(window.reads(there, tap) == at for at, tap, there in forward)


@given(windows_over())
def test_it_goes_as_far_as_the_padding_after_lets_it(case):
    window, area = case
    last = tuple(n - 1 for n in window.places(area))
    ends = [first + span for first, span in zip(window.corner(last), window.span, strict=True)]
    beyond = [n + window.edges(axis)[1] for axis, n in enumerate(area)]
    pairs = zip(ends, beyond, window.stride, strict=True)
    assert all(end <= most < end + step for end, most, step in pairs)


@for_each(
    ("size", "stride", "dilation", "area", "sides"),
    [  # TensorFlow: as many places as steps, the odd one of the padding after
        ((3, 3), (1, 1), (1, 1), (5, 5), (1, 1, 1, 1)),
        ((3, 3), (2, 2), (1, 1), (6, 7), (0, 1, 1, 1)),
        ((2, 5), (1, 1), (1, 1), (4, 4), (0, 2, 1, 2)),
        ((3, 2), (1, 1), (2, 3), (8, 8), (2, 1, 2, 2)),
        ((1, 2), (2, 2), (1, 1), (9, 8), (0, 0, 0, 0)),
    ],
)
def test_same_pads_what_is_missing_and_more_after_than_before(size, stride, dilation, area, sides):
    assert same_pad(size, stride, dilation, area) == sides
    places = Window(size, stride, sides, dilation).places(area)
    assert places == tuple(-(-n // step) for n, step in zip(area, stride, strict=True))


def test_a_last_window_may_end_beyond_but_begins_before_the_end():
    assert Pool("max", 2, ceil=True).output((1, 5, 4)) == (1, 3, 2)
    assert Pool("max", 3, 2, ceil=True).output((1, 4, 6)) == (1, 2, 3)
    assert Pool("max", 2, 2, 1, ceil=True).output((1, 3, 3)) == (1, 2, 2)  # one more begins there
    assert Pool("avg", 1, 3, ceil=True).output((1, 5, 4)) == (1, 2, 2)


@for_each(
    ("line", "again"),
    [
        ("conv 2 3x3 stride 2x2 pad 1x1x1x1 dilation 1", "conv 2 3x3 stride 2 pad 1"),
        ("conv 2 3 pad same stride 2x1", "conv 2 3x3 stride 2x1 pad same"),
        ("depthwise 3x2 dilation 2x1 pad 2x0", "conv 1 3x2 pad 2x0 dilation 2x1"),
        ("maxpool 2x2 ceil pad 0x0x1x0", "maxpool 2 pad 0x0x1x0 ceil"),
        ("avgpool 3x2 zeros pad 1x0 stride 1", "avgpool 3x2 stride 1 pad 1x0 zeros"),
        ("maxpool 2 dilation 2", "maxpool 2 dilation 2"),
        ("avgpool 2 pad same", "avgpool 2 pad same"),
    ],
)
def test_options_stand_in_any_order_and_are_written_as_short_as_can_be(line, again):
    net = parse(f"input 1x7x7; {line}; flatten; dense 1")
    assert net.layers[0].text == again
    assert parse(str(net)) == net


def test_a_gap_wider_than_the_input_must_not_jump_over_it():
    conv = Conv(1, (2, 1), pad=(2, 0, 2, 0), dilation=(3, 1))  # over 1 row: at −2 and 1, …
    with pytest.raises(ShapeError, match="covers only padding somewhere on 1x1x4"):
        conv.output((1, 1, 4))
    assert conv.output((1, 3, 4)) == (1, 4, 4)
