"""Which cells refer to which, and every way through them."""

from __future__ import annotations

import pytest

from gradbook.cells.flow import Flow, walk
from gradbook.cells.formula.formula_values import NotUnderstood
from tests.audit.material.small import all_at, at, small
from tests.cases import for_each


@pytest.fixture
def flow() -> Flow:
    """A3 = A1·A2, A4 = A3, A5 = ΣA1:A4, A6 = A5 + B1."""
    cells = {"A1": 1.0, "A2": 2.0, "A3": "=A1*A2", "A4": "=A3", "A5": "=SUM(A1:A4)", "A6": "=A5+B1"}
    return small(cells)[1]


def test_sources_and_users_are_each_others_reverse(flow):
    for cell in flow.book.patterns:
        for source in flow.sources(cell):
            assert cell in flow.users[source]
    assert flow.sources(at("A5")) == all_at("A1:A4")


def test_formulas_of_a_long_column_have_the_sources_of_single_ones():
    book, flow = small({"A1": 1.0, "A2:A40": "=A1*$C$1"})
    assert all(flow.sources(c) == (c - (at("A2") - at("A1")), at("C1")) for c in book.patterns)


def test_below_is_what_is_computed_from_a_cell(flow):
    assert flow.below([at("A1")]) == set(all_at("A3:A6"))
    assert flow.below([at("A1")], stop={at("A5")}) == set(all_at("A3:A4"))


def test_behind_is_what_a_cell_is_computed_from(flow):
    assert flow.behind([at("A4")]) == set(all_at("A1:A3"))
    assert flow.behind([at("A6")], stop={at("A5")}) == {at("A5"), at("B1")}
    assert flow.behind([at("A5")], original=flow.plain) == set(all_at("A1:A3"))


def test_a_cell_that_repeats_another_stands_for_it(flow):
    assert flow.plain(at("A4")) == at("A3")
    assert flow.plain(at("A3")) == at("A3")
    assert flow.plain(at("A4"), stop={at("A4")}) == at("A4")


def test_a_walk_gives_the_nearest_cells_first_and_each_once(flow):
    assert list(walk([at("A6")], flow.sources))[:3] == [at("A6"), at("A5"), at("B1")]
    assert len(list(walk([at("A6")], flow.sources))) == 7
    assert flow.reaches([at("A6")], at("A1").__eq__, 100)
    assert not flow.reaches([at("A6")], at("A1").__eq__, 2)


def test_few_cells_below_are_known_with_the_cell(flow):
    assert flow.few_below(at("A3")) == set(all_at("A3:A6"))


@for_each(
    ("cells", "found"),
    [
        ({"A1": "=B1", "B1": "=A1+1"}, True),
        ({"A1": "=C3", "C3": "=1+1"}, False),
        ({"A1": 1.0, "A2:A9": "=A1+1"}, False),
    ],
)
def test_a_circle_is_found_whichever_way_references_point(cells, found):
    book, flow = small(cells)
    circle = flow.circle(sorted(book.patterns), ())
    assert (circle is not None) is found


def test_a_circle_that_a_stop_cuts_is_none():
    book, flow = small({"A1": "=B1", "B1": "=A1+1"})
    assert flow.circle([at("A1")], {at("B1")}) is None
    assert len(book.patterns) == 2


def test_a_range_too_wide_to_follow_is_not_taken_apart():
    book, flow = small({"A1": "=SUM(B1:B2)"})
    wide = book.reader.read_typed("SUM(B1:Z60000)", at("A1"))
    with pytest.raises(NotUnderstood, match="too wide"):
        list(flow.mentioned_cells(wide.places, at("A1")))


def test_a_level_is_how_many_formulas_follow_each_other():
    _, flow = small({"A1": 1, "B1": "=A1", "C1": "=A1+B1", "D1": "=SUM(A1:C1)"})
    assert flow.levels == {at("B1"): 1, at("C1"): 2, at("D1"): 3}


def test_there_are_no_levels_in_a_circle():
    _, flow = small({"A1": "=B1", "B1": "=C1", "C1": "=A1"})
    assert flow.levels == {}


@for_each("circle", [{}, {"H1": "=H2", "H2": "=H1"}])
def test_what_depends_on_a_cell_is_found_with_levels_and_without(circle):
    _, flow = small({"A1": 1, "B1": "=A1", "C1": "=B1", "D1": "=A1", "E1": "=C1+D1", **circle})
    base = at("B1")

    def depends(*cells):
        return flow.depends(map(at, cells), base.__eq__, base, 100)

    assert depends("E1")
    assert depends("B1")
    assert not depends("D1", "A1")
