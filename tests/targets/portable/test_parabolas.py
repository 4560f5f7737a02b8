"""Tables as pieces of parabolas: the same of every level, few of straight lines and squares."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gradbook.layers.activations import ACTIVATIONS
from gradbook.targets.portable.makers import row_makers
from gradbook.targets.portable.parabolas import Bends, Parabola, parabolas
from gradbook.targets.portable.whole_makers import HIGHEST, LOWEST, bends_of, in_whole_numbers
from tests.cases import for_each
from tests.trained import model_of

EVERY = np.arange(LOWEST, HIGHEST + 1)
KINDS = sorted(kind for kind in ACTIVATIONS if kind not in ("identity", "softmax", "log softmax"))


def said(pieces: tuple[Parabola, ...]) -> np.ndarray:
    """What they make of every level, as C chooses among them: from the last one on."""
    made = np.zeros(len(EVERY), np.int64)
    for k, level in enumerate(EVERY):
        piece = next(own for own in reversed(pieces) if own.first <= level)
        made[k] = piece.of(np.array([level]))[0]
    return made


def bends(kind: str) -> Bends:
    model = model_of(
        f"input 1x9x9; conv 4 3x3; {kind}; conv 3 3x3; {kind}; flatten; dense 3; softmax"
    )
    images = np.random.default_rng(5).integers(0, 256, (20, 1, 9, 9), np.uint8)
    return bends_of(in_whole_numbers(row_makers(model.trained()), images).makers)


@for_each("kind", KINDS)
def test_of_every_activation_they_say_what_the_table_says(kind):
    for table, pieces in bends(kind).each:
        np.testing.assert_array_equal(said(pieces), table)
        for piece in pieces:
            first, slope, height = piece.numbers
            assert first >> 24 == piece.first
            assert (first + (1 << 23) & 0xFFFFFF) - (1 << 23) == piece.square
            assert max(map(abs, (first, slope, height))) <= 1 << 31


@for_each("kind", ["hard swish", "hardsigmoid", "leaky relu 0.1", "relu6"])
def test_straight_lines_and_squares_take_few_and_are_smaller(kind):
    found = bends(kind)
    assert len(found.pieces) <= 5 * len(found.each)
    assert found.are_pieces


@given(st.lists(st.integers(LOWEST, HIGHEST), min_size=256, max_size=256))
def test_any_table_at_all_is_said(numbers):
    table = np.array(numbers)
    pieces = parabolas(table.astype(np.float64), table, LOWEST)
    np.testing.assert_array_equal(said(pieces), table)


def test_a_table_stays_one_where_pieces_take_more():
    table = np.random.default_rng(1).integers(LOWEST, HIGHEST, 256)
    found = Bends(((table, parabolas(table.astype(np.float64), table, LOWEST)),))
    assert not found.are_pieces


def test_alike_tables_are_kept_once():
    both = bends("relu6").each[:1] * 2
    model = bends("relu6")
    assert Bends(both).number(both[1][0]) == 1
    assert model.number(model.each[-1][0]) == len(model.each)
