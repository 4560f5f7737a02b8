"""Lines of cells that learn are told from those that only go on."""

from __future__ import annotations

import random

import pytest

from gradbook.audit.formula.address import ACROSS, DOWN, OVER
from gradbook.audit.training.weight_columns import change, heading, learning, update_lines
from gradbook.targets.excel.language.grammar import write
from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape
from tests.audit.material.small import all_at, at, small

LEARNS = {"A1": "w", "B1": "slope", "A2": 0.5, "A3:A8": "=A2-0.1*B2", "B2:B8": "=2*A2"}


def columns(*sheets):
    book, flow = small(*sheets)
    return learning(book, flow, update_lines(book))


def test_a_line_learns_where_what_it_takes_depends_on_it():
    (found,) = columns(LEARNS)
    assert found.cells == all_at("A2:A8")
    assert found.axis is DOWN
    assert (found.first, found.last) == (1, 7)


def test_a_running_sum_of_other_numbers_does_not_learn():
    book, flow = small({**LEARNS, "B2:B8": 0.25})
    lines = list(update_lines(book))
    assert [line.cells for line in lines] == [all_at("A2:A8")]
    assert learning(book, flow, lines) == []


def test_a_line_that_begins_with_a_text_is_none():
    assert columns({**LEARNS, "A2": "start"}) == []


def test_steps_may_go_across():
    (found,) = columns(
        {"A1": "w", "B1": 0.5, "C1:H1": "=B1-0.1*B2", "A2": "slope", "B2:H2": "=2*B1"}
    )
    assert found.cells == all_at("B1:H1")
    assert found.axis is ACROSS
    assert (found.first, found.last) == (1, 7)


def test_an_update_pasted_into_another_column_begins_no_weight():
    pasted = {**LEARNS, "C2:C8": "=A2+1", "C5": "=C4-0.1*B4", "B4": "=2*A4+C4"}
    assert [column.cells for column in columns(pasted)] == [all_at("A2:A8")]


def test_single_steps_that_go_another_way_are_none():
    odd = {**LEARNS, "B6": "=2*A6-0.1*B5"}
    assert [column.cells for column in columns(odd)] == [all_at("A2:A8")]


def test_a_weight_isnt_cut_off_by_a_sum_that_its_gradient_is(path):
    """δ+x looks like a step away from x, though it is to be δ·x."""
    line = Shape(1, 0, 1, "sigmoid", "sigmoid", 1, False, False)
    sketch = with_rule(line, random.Random(7), "adagrad, ε inside")
    judged = changed(path, sketch, "a block per step", "∂E/∂w1", "{δo1}+{x1}")
    assert judged.found, judged.words


@pytest.mark.parametrize(
    ("update", "taken"),
    [
        ("=A2-0.1*B2", ["-0.1*B2"]),
        ("=-0.1*B2+A2", ["+-0.1*B2"]),
        ("=A2-(0.1*B2-0.2*C2)", ["-0.1*B2", "+0.2*C2"]),
        ("=A2*(1-0.1*0.01)-0.1*B2", ["-0.1*B2"]),
    ],
)
def test_a_change_is_all_that_is_added_to_the_cell_before(update, taken):
    book, _ = small({**LEARNS, "A3:A8": update})
    parts = change(book.patterns[at("A3")], at("A2"), at("A3"))
    assert ["-+"[sign > 0] + write(part) for sign, part in parts] == taken


def test_a_weight_is_called_by_the_text_above_it_or_by_its_cell():
    book, flow = small(LEARNS, {key: LEARNS[key] for key in LEARNS if key != "A1"})
    first, second = learning(book, flow, update_lines(book))
    assert heading(book, first) == "w"
    assert heading(book, second) == "A2"
    assert book.label(at("B5"), DOWN) == "slope"
    assert book.label(at("B1"), ACROSS) == "w"


# Weights that are carried on: made anew beside the old ones, and repeated in the next step

BESIDE = {"A1": "w", "A2": 0.5, "A3:A8": "=C2", "B2:B8": "=2*A2", "C2:C8": "=A2-0.1*B2"}


def test_a_weight_may_repeat_what_was_made_of_it_beside():
    (found,) = columns(BESIDE)
    assert found.cells == all_at("A2:A8")
    assert found.updates == all_at("C2:C8")
    assert found.steps[0] == (at("A2"), at("C2"))


def test_a_weight_may_go_on_from_sheet_to_sheet():
    first = {"A1": "w", "A2": 0.5, "B2": "=2*A2", "C2": "=A2-0.1*B2"}
    others = [{**first, "A2": f"=Sheet{k}!C2"} for k in (1, 2)]
    (found,) = columns(first, *others)
    assert found.cells == tuple(at("A2", k) for k in range(3))
    assert found.updates == tuple(at("C2", k) for k in range(3))
    assert found.axis is OVER


def test_what_repeats_another_weights_update_is_no_weight_of_its_own():
    table = {**BESIDE, "E2:E8": "=C2"}
    assert [column.cells for column in columns(table)] == [all_at("A2:A8")]
