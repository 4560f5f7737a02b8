"""Weight columns are whole again where rows broke them, and those beside them learn with them."""

from __future__ import annotations

import pytest

from gradbook.audit.training.weight_columns import (
    align_columns,
    companions,
    join_columns,
    learning,
    update_lines,
)
from tests.audit.material.small import all_at, at, small
from tests.audit.training.test_training import the_training

TWO = {
    "A2": 0.5,
    "B2": 0.4,
    "A3:A9": "=A2-0.1*C2",
    "B3:B9": "=B2-0.1*D2",
    "C2:D9": "=2*A2",
}


def found(cells):
    book, flow = small(cells)
    lines = list(update_lines(book))
    return book, lines, learning(book, flow, lines)


def test_a_pasted_value_does_not_end_a_column():
    book, _, columns = found({**TWO, "A5": 0.3})
    assert len(columns) == 3
    assert [column.cells for column in join_columns(book, columns)] == [
        all_at("A2:A9"),
        all_at("B2:B9"),
    ]


def test_a_new_run_from_the_same_start_is_a_column_of_its_own():
    one = {"A2": 0.5, "A3:A9": "=A2-0.1*C2", "C2:C9": "=2*A2", "A6": 0.5}
    book, _, columns = found(one)
    assert [column.cells for column in join_columns(book, columns)] == [
        all_at("A2:A5"),
        all_at("A6:A9"),
    ]
    book, _, columns = found({**one, "A6": 0.3})
    assert [column.cells for column in join_columns(book, columns)] == [all_at("A2:A9")]


def test_runs_that_all_columns_begin_anew_stay_apart():
    book, _, columns = found({**TWO, "A6": 0.7, "B6": 0.2})
    assert len(join_columns(book, columns)) == 4


def test_a_gap_of_many_cells_is_not_bridged():
    book, _, columns = found({**TWO, "A4:A7": 0.3})
    assert len(join_columns(book, columns)) == 3


def test_a_column_that_begins_late_begins_with_those_beside_it():
    third = {"E2": 0.6, "E3": 0.55, "E4:E9": "=E3-0.1*F3", "F2:F9": "=2*E2"}
    book, _, columns = found({**TWO, **third})
    assert columns[-1].cells == all_at("E3:E9")
    assert align_columns(book, columns)[-1].cells == all_at("E2:E9")


def test_columns_of_a_form_that_begin_in_other_rows_are_whole_as_they_are():
    form = {
        "C2": 0.9,
        "A6": 0.5,
        "B6": 0.4,
        "C7": 0.3,
    }  # C2 stands five rows above C7, as a rate may
    for row in (11, 16, 21):
        form |= {f"A{row}:B{row}": f"=A{row - 5}-0.1*A{row - 3}"}
        form |= {f"C{row + 1}": f"=C{row - 4}-0.1*C{row - 3}"}
    for row in (8, 13, 18):
        form |= {f"A{row}:B{row}": f"=2*A{row - 2}", f"C{row}": f"=2*C{row - 1}"}
    book, _, columns = found(form)
    assert [column.first for column in columns] == [5, 5, 6]
    assert align_columns(book, columns) == columns


def test_a_column_of_pasted_gradients_learns_with_those_beside_it():
    book, lines, columns = found({**TWO, "D2:D9": 0.25})
    assert [column.cells for column in columns] == [all_at("A2:A9")]
    assert [line.cells for line in companions(book, columns, lines)] == [all_at("B2:B9")]


def test_a_line_that_is_updated_in_another_way_is_no_companion():
    book, lines, columns = found({**TWO, "D2:D9": 0.25, "B3:B9": "=B2+1"})
    assert companions(book, columns, lines) == []


BESIDE = {
    "A1": "w1",
    "B1": "w2",
    "C1": "sum",
    "D1": "g1",
    "E1": "g2",
    "F1": "rate",
    "F2": 0.1,
    "A2": 1.0,
    "B2": 2.0,
    "A3:A8": "=A2-$F$2*D2",
    "B3:B8": "=B2-$F$2*E2",
    "C2:C8": "=(A2*3+B2*4-1)^2",
    "D2:D8": "=6*(A2*3+B2*4-1)",
    "E2:E8": "=8*(A2*3+B2*4-1)",
}


def strays(changed):
    training = the_training({**BESIDE, **changed})
    return [weight.start for weight in training.weights if weight.stray]


@pytest.mark.parametrize("said", ["=2*(A2-$F$2*D2)", "=A2-0.5", "=A$2-$F$2*D2", "=A2*D2"])
def test_a_column_with_another_update_is_a_weight(said):
    assert strays({"A3:A8": said}) == [at("A2")]


@pytest.mark.parametrize("said", ["=A2-$F$2*D2", "=A2", "=1"])
def test_what_learns_is_repeated_or_stays_is_no_stray(said):
    assert strays({"A3:A8": said}) == []


def test_a_column_of_another_name_that_takes_no_rate_is_data():
    assert strays({"A1": "x", "A3:A8": "=A2+1"}) == []
    assert strays({"A1": "w1", "A3:A8": "=A2+1"}) == [at("A2")]
