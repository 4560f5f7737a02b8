"""Lines of cells that learn are told from those that only go on."""

from __future__ import annotations

import random

from gradbook.audit.check_book import check
from gradbook.audit.training.weight_columns import (
    LinesOfUpdates,
    align_columns,
    change,
    columns_that_learn,
    heading,
    join_columns,
    update_lines,
)
from gradbook.cells.formula.address import ACROSS, DOWN, OVER
from gradbook.cells.formula.syntax import write
from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.planted import changed
from tests.audit.material.layouts.sketch import Shape
from tests.audit.material.small import all_at, at, saved, small
from tests.audit.training.test_training import the_training
from tests.cases import for_each

LEARNS = {"A1": "w", "B1": "slope", "A2": 0.5, "A3:A8": "=A2-0.1*B2", "B2:B8": "=2*A2"}


def columns(*sheets):
    book, flow = small(*sheets)
    return columns_that_learn(book, flow, update_lines(book))


def test_a_line_learns_where_what_it_takes_depends_on_it():
    (found,) = columns(LEARNS)
    assert found.cells == all_at("A2:A8")
    assert found.axis is DOWN
    assert (found.first, found.last) == (1, 7)


def test_a_running_sum_of_other_numbers_does_not_learn():
    book, flow = small({**LEARNS, "B2:B8": 0.25})
    lines = list(update_lines(book))
    assert [line.cells for line in lines] == [all_at("A2:A8")]
    assert columns_that_learn(book, flow, lines) == []


def test_a_line_that_begins_with_a_text_is_none():
    assert columns({**LEARNS, "A2": "start"}) == []


def test_steps_may_go_across():
    (found,) = columns(
        {"A1": "w", "B1": 0.5, "C1:H1": "=B1-0.1*B2", "A2": "slope", "B2:H2": "=2*B1"}
    )
    assert found.cells == all_at("B1:H1")
    assert found.axis is ACROSS
    assert (found.first, found.last) == (1, 7)


def test_new_weights_on_another_sheet_may_stand_in_other_rows():
    (found,) = columns(
        {"A1": "w", "A2": 0.5, "A3:A8": "=Sheet2!C5"},
        {"B4": "slope", "B5:B11": "=2*Sheet1!A2", "C4": "new", "C5:C11": "=Sheet1!A2-0.1*B5"},
    )
    assert found.cells == all_at("A2:A8")
    assert found.updates == all_at("C5:C11", 1)


def test_an_update_with_a_formula_for_each_case_has_a_weight():
    update = "=IF(C2>3,A2-0.05*B2,A2-0.1*B2)"
    (found,) = columns({**LEARNS, "A3:A8": update, "C2": 1, "C3:C8": "=C2+1"})
    assert found.cells == all_at("A2:A8")


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


@for_each(
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
    first, second = columns_that_learn(book, flow, update_lines(book))
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


def test_a_weight_and_its_update_may_take_turns_in_a_column():
    rows = {"A1": "w", "B1": "change", "A2": 0.5}
    for row in range(2, 10, 2):
        rows |= {f"B{row}": f"=-0.1*2*A{row}", f"A{row + 1}": f"=A{row}+B{row}"}
        rows |= {f"A{row + 2}": f"=A{row + 1}"}
    (column,) = columns(rows)
    assert column.cells == tuple(at(f"A{row}") for row in range(2, 10, 2))
    assert column.updates == tuple(at(f"A{row}") for row in range(3, 11, 2))


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


# Weight columns are whole again where rows broke them, and those beside them learn -----


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
    return book, lines, columns_that_learn(book, flow, lines)


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


@for_each(
    "more",
    [
        {"A6": 0.5, "B6": 0.4},  # from the same start
        {"A6": 0.7, "B6": 0.2, "E2": 0.0, "E3:E9": "=E2+1", "E6": 0.0},  # steps count anew
        {"A6": 0.7, "B6": 0.2, "E6": "another start"},
    ],
)
def test_runs_that_all_columns_begin_anew_stay_apart(more):
    book, _, columns = found({**TWO, **more})
    assert len(join_columns(book, columns)) == 4


def test_a_row_of_numbers_among_formulas_is_pasted():
    book, _, columns = found({**TWO, "A6": 0.7, "B6": 0.2})
    cells = [column.cells for column in join_columns(book, columns)]
    assert cells == [all_at("A2:A9"), all_at("B2:B9")]


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
    assert [line.cells for line in LinesOfUpdates(book, lines).companions(columns, ())] == [
        all_at("B2:B9")
    ]


def test_a_line_that_is_updated_in_another_way_is_no_companion():
    book, lines, columns = found({**TWO, "D2:D9": 0.25, "B3:B9": "=B2+1"})
    assert LinesOfUpdates(book, lines).companions(columns, ()) == []


BROKEN_BESIDE = {
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
    training = the_training({**BROKEN_BESIDE, **changed})
    return [weight.start for weight in training.weights if weight.stray]


@for_each("said", ["=2*(A2-$F$2*D2)", "=A2-0.5", "=A$2-$F$2*D2", "=A2*D2"])
def test_a_column_with_another_update_is_a_weight(said):
    assert strays({"A3:A8": said}) == [at("A2")]


@for_each("said", ["=A2-$F$2*D2", "=A2", "=1"])
def test_what_learns_is_repeated_or_stays_is_no_stray(said):
    assert strays({"A3:A8": said}) == []


def test_a_column_of_another_name_that_takes_no_rate_is_data():
    assert strays({"A1": "x", "A3:A8": "=A2+1"}) == []
    assert strays({"A1": "w1", "A3:A8": "=A2+1"}) == [at("A2")]


COUNTED = {  # a neuron without any heading, a step a column, each with the sample of its number
    "B2": 0.5,
    **{f"A{r}": x for r, x in zip(range(20, 23), (0.3, 0.8, 0.5), strict=True)},
    **{f"B{r}": t for r, t in zip(range(20, 23), (0.2, 0.9, 0.6), strict=True)},
    "C4": 1.0,
    "D4:J4": "=C4+1",
    "C5:J5": "=INDEX($A$20:$A$22,MOD(C4-1,3)+1)",
    "C6:J6": "=INDEX($B$20:$B$22,MOD(C4-1,3)+1)",
    "C8": 0.3,
    "D8:J8": "=C8-$B$2*C14",
    "C9": 0.1,
    "D9:J9": "=C9-$B$2*C15",
    "C10:J10": "=C8*C5+C9",
    "C11:J11": "=1/(1+EXP(-C10))",
    "C12:J12": "=(C11-C6)^2/2",
    "C13:J13": "=(C11-C6)*C11*(1-C11)",
    "C14:J14": "=C13*C5",
    "C15:J15": "=C13",
}


def test_a_count_without_a_heading_is_no_weight(path):
    assert check(saved(path, COUNTED)).verdict == "right"
