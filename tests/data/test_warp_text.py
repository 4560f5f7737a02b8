"""A warp is said in a line, reads back as it was, and is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook.data.warp import Crop, Elastic, Warp
from gradbook.data.warp_text import GRAMMAR, READERS, parse, write
from gradbook.errors import GradbookError, UsageError

WHOLE_LINE = "rotate 15; shift 2; scale 0.9 1.1; shear 10; crop 22 chance 0.1; elastic 8 1.5"

PARTS = st.floats(0, 1)
WARPS = st.builds(
    Warp,
    rotate=st.floats(0, 180),
    shift=st.floats(0, 100),
    scale=st.tuples(st.floats(0.01, 1), st.floats(1, 100)),
    shear=st.floats(0, 80),
    crop=st.none() | st.builds(Crop, st.integers(1, 100), PARTS),
    elastic=st.none() | st.builds(Elastic, st.integers(2, 50), st.floats(0, 2)),
    background=st.integers(0, 255),
)


def test_a_line_says_a_warp():
    assert parse(WHOLE_LINE) == Warp(15, 2, (0.9, 1.1), 10, Crop(22, 0.1), Elastic(8, 1.5))
    assert write(parse(WHOLE_LINE)) == WHOLE_LINE


@given(WARPS)
def test_what_is_written_reads_back(warp):
    assert parse(write(warp)) == warp


def test_lines_remarks_and_any_order_will_do():
    assert parse("shift 2 # a little\n\nrotate 15\n") == parse("rotate 15; shift 2")
    assert parse("crop 22") == Warp(crop=Crop(22, 1.0))


def test_none_is_no_warp():
    assert parse("none") == Warp()
    assert write(Warp()) == "none"
    assert not Warp(background=255).changes_images
    assert parse("rotate 1").changes_images


def test_the_grammar_names_every_kind_and_its_example_can_be_read():
    assert all(f"\n  {word} " in GRAMMAR for word in (*READERS, "none"))
    assert parse(GRAMMAR.splitlines()[-1].strip()).elastic == Elastic(7, 3)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no warp: write for example 'rotate 15; shift 2', or 'none'"),
        ("rotat 15", "warp, line 1, column 1: unknown 'rotat': did you mean 'rotate'?"),
        ("shift 1; twist 3", "column 10: unknown 'twist': it is one of rotate, shift, scale"),
        ("rotate fifteen", "column 8: the angle is a number such as 0.15, not 'fifteen'"),
        ("rotate", "column 7: the angle is missing: write a number here"),
        ("scale 0.9", "column 10: the largest scale is missing"),
        ("shift 2 3", "column 9: unexpected '3' after '2'"),
        ("rotate 15, shift 2", "column 8: the angle is a number such as 0.15, with a point"),
        ("crop 22 0.1", "column 9: unexpected '0.1' after '22'"),
        ("crop 22.5", "column 6: crop's size is a whole number"),
        ("rotate 1; rotate 2", "column 11: a second 'rotate': say it once"),
        ("none; rotate 1", "column 7: 'none' stands alone: take it out, or the others"),
        ("rotate 1; none", "column 11: 'none' stands alone"),
        ("rotate 200", "column 1: rotate's angle lies between 0 and 180, not at 200"),
        ("shift -2", "column 1: shift lies between 0 and 10000, not at -2"),
        ("scale 1.1 0.9", "column 1: the smallest scale comes first: 0.9 1.1"),
        ("scale 0 1", "column 1: a scale lies between 0.01 and 100, not at 0"),
        ("shear 90", "column 1: shear's angle lies between 0 and 80, not at 90"),
        ("crop 22 chance 2", "column 1: crop's chance lies between 0 and 1, not at 2"),
        ("elastic 8 9", "column 1: elastic's reach lies between 0 and 8, not at 9"),
        ("elastic 1 1", "column 1: elastic's spacing is a whole number from 2 up, not 1"),
        ("background 256", "column 1: background lies between 0 and 255, not at 256"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text, complaint):
    with pytest.raises(GradbookError) as refused:
        parse(text)
    assert complaint in str(refused.value)


def test_a_warp_made_in_python_is_checked_alike():
    with pytest.raises(UsageError, match="rotate's angle is a number such as 0.15, not 'wide'"):
        Warp(rotate="wide")
    with pytest.raises(UsageError, match="shift lies between 0 and 10000, not at nan"):
        Warp(shift=float("nan"))
    with pytest.raises(UsageError, match="crop's size is a whole number from 1 up, not 2.5"):
        Crop(2.5)
