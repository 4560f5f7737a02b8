"""The workbook as it lies in the file: its formulas, its cached values, its names and its looks."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from openpyxl import load_workbook

from gradbook.data.tables import read_table
from gradbook.errors import GradbookError, LimitError, UsageError
from gradbook.lab.classroom import personalise
from gradbook.net import builtin, parse
from gradbook.net.description import DEFAULT_RATES
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan import workbook_plan
from gradbook.targets.excel.plan.column_order import KINDS, Exercise, groups
from gradbook.targets.excel.plan.workbook_plan import fitting_rates
from tests.cases import for_each
from tests.report.workbooks import named, tables

PEOPLES_COLUMNS = (
    *("t1", "t2", "i1", "i2", "w1", "w2", "w3", "w4", "h1", "a_h1", "h2", "a_h2"),
    *("w5", "w6", "w7", "w8", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total"),
    *(f"∂E/∂w{k}" for k in range(1, 9)),
)
FUNCTIONS_OF_2007 = {
    *(
        "ABS",
        "AND",
        "CHOOSE",
        "COUNT",
        "COUNTIF",
        "EXP",
        "IF",
        "INDEX",
        "INT",
        "ISERROR",
        "ISNUMBER",
        "LN",
    ),
    *("MATCH", "MAX", "MIN"),
    *("NOT", "OR", "SQRT", "SUM", "SUMPRODUCT", "SUMSQ", "TANH"),
}
MANY = """input 2; dense 3; tanh; dense 2; softmax; loss cross-entropy
update adam; rate 0.05; seed 1
sample 0 1 -> 1 0; sample 1 0 -> 0 1; sample 1 1 -> 0 1"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("books")


@pytest.fixture(scope="module")
def worked(folder):
    return write_workbook(builtin("worked"), folder / "worked.xlsx").path


@pytest.fixture(scope="module")
def many(folder):
    return write_workbook(parse(MANY), folder / "many.xlsx", rates=(0.01, 0.1)).path


@pytest.fixture(scope="module")
def exercise(folder):
    net = personalise(builtin("worked"), 1)
    return write_workbook(net, folder / "exercise.xlsx", exercise=True).path


def formulas(path):
    """Every formula of the file with its sheet and cell."""
    for sheet in load_workbook(path).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    yield sheet.title, cell.coordinate, cell.value


def test_the_training_has_the_columns_that_people_use(worked):
    row = next(load_workbook(worked)["Training"].iter_rows(min_row=4, max_row=4, values_only=True))
    assert row == ("epoch", *PEOPLES_COLUMNS)


@pytest.mark.parametrize(
    ("cell", "formula"),
    [
        ("B5", "=t1_given"),
        ("D6", "=i1_given"),
        ("F5", "=w1_start"),
        ("F6", "=F5-eta*Y5"),
        ("J6", "=F6*D6+G6*E6"),
        ("K6", "=1/(1+EXP(-J6))"),
        ("V74", "=0.5*(B74-S74)^2"),
        ("X5", "=V5+W5"),
        ("AC5", "=(S5-B5)*S5*(1-S5)*K5"),
        ("Y74", "=((S74-B74)*S74*(1-S74)*N74+(U74-C74)*U74*(1-U74)*P74)*K74*(1-K74)*D74"),
    ],
)
def test_every_cell_is_a_formula_that_a_person_would_type(worked, cell, formula):
    assert load_workbook(worked)["Training"][cell].value == formula


def test_momentum_reads_the_velocity_below(folder):
    net = parse("input 1; dense 1 no bias; update momentum; weights 2; sample 1 -> 1")
    path = write_workbook(net, folder / "momentum.xlsx", rates=()).path
    sheet = load_workbook(path)["Training"]
    places = tables(path).letters
    weight, velocity = places["w1"], places["v_w1"]
    slope = places["∂E/∂w1"]
    assert sheet[f"{velocity}5"].value == 0
    assert sheet[f"{velocity}6"].value == f"=0.9*{velocity}5+{slope}5"
    assert sheet[f"{weight}6"].value == f"={weight}5-eta*{velocity}6"


def test_several_samples_stand_on_a_sheet_of_their_own_and_are_added_up(many):
    book, places = load_workbook(many), tables(many).letters
    share, slope = places["g_w1"], places["∂E/∂w1"]
    assert book["Training"][f"{slope}6"].value == f"=SUM(Samples!{share}8:{share}10)"
    assert book["Samples"][f"{places['h1']}9"].value == (
        f"=Training!{places['w1']}6*{places['i1']}9"
        f"+Training!{places['w2']}6*{places['i2']}9+Training!{places['b1']}6"
    )
    assert book["Samples"].max_row == 4 + 3 * 70


def test_no_two_samples_below_each_other_say_quite_the_same(many):
    """What LibreOffice 7.4 computes at one go, it may compute from values of before."""
    sheet, places = load_workbook(many)["Samples"], tables(many).letters
    activation, total = places["a_h1"], places["h1"]
    written = [sheet[f"{activation}{row}"].value for row in (5, 6, 7, 8)]
    assert written == [
        f"=TANH({pin}{total}{row})" for pin, row in (("", 5), ("$", 6), ("", 7), ("$", 8))
    ]


@pytest.mark.parametrize("which", ["worked", "many"])
def test_what_the_file_remembers_is_the_reference_to_the_last_bit(which, request):
    net = builtin("worked") if which == "worked" else parse(MANY)
    sheets = tables(request.getfixturevalue(which))
    step = scalar_step(net)
    for epoch, values in enumerate(run(step, 70)):
        for node, value in values.items():
            name = str(node.name)
            if name in sheets.columns:
                assert np.array_equal(sheets.columns[name][epoch], value), (name, epoch)
    assert len(sheets.columns) == (31 if which == "worked" else 103)


def test_what_people_change_are_cells_with_names(worked):
    book = load_workbook(worked)
    values = {
        name: book[sheet][cell].value
        for name in book.defined_names
        for sheet, cell in [named(book, name)]
        if not name.startswith("_")
    }
    start = {
        f"w{k + 1}_start": w for k, w in enumerate((0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55))
    }
    data = {"i1_given": 0.05, "i2_given": 0.1, "t1_given": 0.5, "t2_given": 0.5}
    expected = {"eta": 1, "nudge": 1e-5, "checked_epoch": 1, "derivation_epoch": 1, **start, **data}
    assert {name: values[name] for name in expected} == expected
    assert set(values) - set(expected) == {
        "epochs_checked",
        "final_error",
        "gradients_checked",
    }


def test_scales_and_shifts_have_names_that_can_be_typed(folder):
    net = parse("input 1; dense 1; batchnorm; sample 1 -> 1; sample 2 -> 0")
    path = write_workbook(net, folder / "norm.xlsx", rates=()).path
    assert {"gamma1_start", "beta1_start", "b1_start"} <= set(load_workbook(path).defined_names)


@pytest.mark.parametrize("which", ["worked", "many", "exercise"])
def test_formulas_are_short_and_use_no_function_newer_than_2007(which, request):
    for sheet, cell, formula in formulas(request.getfixturevalue(which)):
        assert len(formula) <= 8192, (sheet, cell)
        words = re.sub(r'"[^"]*"|\'[^\']*\'', "", formula)
        assert set(re.findall(r"([A-Z0-9.]+)\(", words)) <= FUNCTIONS_OF_2007, (sheet, cell)


def test_the_sheets_come_in_the_order_in_which_they_are_read(worked, many):
    book = load_workbook(worked)
    assert book.sheetnames == [
        "Network",
        "Derivation",
        "Training",
        "Learning rates",
        "Check",
        "Rates work",
        "Check work",
    ]
    assert book.active.title == "Network"
    assert load_workbook(many).sheetnames[2:4] == ["Training", "Samples"]
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "hidden"]
    assert hidden == ["Rates work", "Check work"]


def test_the_working_sheet_that_a_student_fills_in_is_in_sight(exercise):
    states = {sheet.title: sheet.sheet_state for sheet in load_workbook(exercise).worksheets}
    assert states["Rates work"] == "visible"
    assert states["Check work"] == "hidden"


@pytest.mark.parametrize(("which", "kept"), [("worked", "$A:$A"), ("many", "$A:$B")])
def test_a_long_table_prints_over_several_pages_with_its_headings_on_each(request, which, kept):
    book = load_workbook(request.getfixturevalue(which))
    sheet = book["Samples" if which == "many" else "Training"]
    assert (sheet.print_title_rows, sheet.print_title_cols) == ("$3:$4", kept)
    assert not sheet.sheet_properties.pageSetUpPr.fitToPage
    breaks = [found.id for found in sheet.col_breaks.brk]
    assert breaks
    starts = {cell.column - 1 for cell in sheet[3] if cell.value}
    wide = {first + 16 for first in breaks}  # a group that no page holds is broken within
    assert set(breaks) <= starts | wide


def test_the_network_sheet_shows_a_drawing_and_the_curve(worked):
    sheet = load_workbook(worked)["Network"]
    assert len(sheet._images) == 1
    assert len(sheet._charts) == 1


def test_the_network_sheet_calls_inputs_and_targets_as_the_table_does(tmp_path):
    (tmp_path / "one.csv").write_text("hours slept,coffee,mark\n7,2,0.5\n")
    (tmp_path / "two.csv").write_text("hours slept,coffee,who\n7,2,ada\n6,1,bob\n")
    one = read_table(tmp_path / "one.csv", parse("input 2; dense 1; loss half squared error"))
    two = read_table(tmp_path / "two.csv", parse("input 2; dense 2; softmax"))
    for net, name in ((one, "one"), (two, "two")):
        write_workbook(net, tmp_path / f"{name}.xlsx", epochs=2, rates=())
    sheet = load_workbook(tmp_path / "one.xlsx")["Network"]
    words = [row[1].value for row in sheet.iter_rows()]
    assert {"i1: hours slept", "i2: coffee", "t1: mark"} <= set(words)
    rows = list(load_workbook(tmp_path / "two.xlsx")["Network"].iter_rows(values_only=True))
    at = next(k for k, row in enumerate(rows) if "sample" in row)
    names, headings, first = (row[12:17] for row in rows[at - 1 : at + 2])
    assert names == (None, "hours slept", "coffee", "ada", "bob")
    assert headings == ("sample", "i1", "i2", "t1", "t2")
    assert first == (1, 7, 2, 1, 0)


def test_the_derivation_says_why_a_sigmoids_slope_is_what_it_is_once(worked):
    cells = [cell.value for cell in load_workbook(worked)["Derivation"]["C"]]
    why = [words for words in cells if str(words).startswith("Why σ′(x) = σ(x)")]
    assert len(why) == 1
    assert "the value that is already known gives the slope" in why[0]


@for_each("sheet", ["Check", "Derivation"])
def test_an_epoch_that_the_table_does_not_have_is_refused(worked, sheet):
    rules = load_workbook(worked)[sheet].data_validations.dataValidation
    (found,) = [rule for rule in rules if rule.errorTitle == "No such epoch"]
    assert (found.formula1, found.formula2, found.type) == ("1", "70", "whole")
    assert found.errorStyle in (None, "stop")


def test_headings_explain_themselves_and_stay_in_sight(worked):
    sheet = load_workbook(worked)["Training"]
    notes = {cell.value: cell.comment.text for cell in sheet[4][1:]}
    assert notes["h1"] == "h1\nA hidden unit's weighted sum.\nh1 = w1*i1+w2*i2"
    assert notes["w5"].endswith("in the next row: w5-η*∂E/∂w5")
    assert all(notes.values())
    assert sheet.freeze_panes == "B5"
    assert sheet.print_title_rows == "$3:$4"
    assert sheet.page_setup.orientation == "landscape"


def test_each_kind_of_quantity_has_one_fill(worked):
    sheet = load_workbook(worked)["Training"]
    fills = {}
    for heading, cell in zip(sheet[4][1:], sheet[5][1:], strict=True):
        kind = re.match(r"∂|a_|[a-zE]", heading.value)[0]
        fills.setdefault(kind, set()).add(cell.fill.fgColor.rgb)
    assert all(len(found) == 1 for found in fills.values())
    assert len({next(iter(found)) for kind, found in fills.items() if kind != "o"}) == 7


def test_the_learning_rates_are_those_people_show(worked):
    sheet = load_workbook(worked, data_only=True)["Learning rates"]
    rows = list(sheet.iter_rows(min_row=5, max_row=17, min_col=2, max_col=6, values_only=True))
    assert tuple(row[0] for row in rows) == DEFAULT_RATES
    ends = {row[0]: row[2] for row in rows}
    published = {0.1: 0.0094583704, 0.5: 0.0016711927, 1: 0.00017264140, 2: 1.6017671e-06}
    published |= {1000: 0.24999687, 10000: 0.25}
    assert {rate: ends[rate] for rate in published} == pytest.approx(published, rel=1e-7)
    gone = {row[0]: row[3] for row in rows}
    assert gone[1] == pytest.approx(1 - ends[1] / 0.0141809, rel=1e-6)  # of the error at first
    assert len(sheet._charts) == 2


def test_a_rate_retyped_reaches_its_run(worked):
    book = load_workbook(worked)
    assert book["Rates work"]["A75"].value == "='Learning rates'!$B$6"
    assert book["Rates work"]["F76"].value == "=F75-$A75*Y75"
    assert "='Rates work'!X76" in {cell.value for cell in book["Learning rates"]["C"]}


def test_numbers_that_grow_too_large_are_errors_as_in_the_sheet(folder):
    net = parse("input 1; dense 1 no bias; weights 3; sample 5 -> 1; rate 1e9")
    path = write_workbook(net, folder / "large.xlsx", rates=(1e9,)).path
    book = load_workbook(path, data_only=True)
    column = [cell.value for cell in book["Training"]["F"][4:]]
    assert column[0] == 98
    assert column[-1] == "#NUM!"
    assert book["Learning rates"]["D5"].value == "#NUM!"


def test_a_sigmoid_is_the_textbooks_unless_it_would_overflow(folder, worked):
    net = parse("input 1; dense 1 no bias; sigmoid; weights -1; sample 900 -> 0.2")
    path = write_workbook(net, folder / "low.xlsx", rates=()).path
    place = tables(path).letters["a_o1"]
    formula = load_workbook(path)["Training"][f"{place}5"].value
    assert re.fullmatch(r"=IF\((\w+)<-709,0,1/\(1\+EXP\(-\1\)\)\)", formula)
    assert load_workbook(worked)["Training"]["K5"].value == "=1/(1+EXP(-J5))"


# Limits ----------------------------------------------------------------------


@for_each(
    ("options", "told"),
    [
        ({"epochs": 1}, "a workbook has at least 2 epochs, not 1"),
        ({"rate": -1}, "a learning rate is a number from 0 up, not -1"),
        ({"rates": [0.1, float("inf")]}, "a learning rate is a number, not inf"),
        ({"epochs": 2_000_000}, "there is room for 48,387 epochs"),
        ({"rates": [k / 1000 for k in range(1, 1000)]}, "take at most 690 of them or --epochs 48"),
        ({"epochs": 45_000, "rates": [1, 2]}, "take --rates none or --epochs 16129"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, options, told):
    with pytest.raises((UsageError, LimitError)) as error:
        write_workbook(builtin("worked"), tmp_path / "book.xlsx", **options)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_formula_that_a_cell_cannot_hold_is_refused(tmp_path):
    net = parse("input 900; dense 1; seed 1")
    with pytest.raises(LimitError, match="a cell holds 8,192: give its layer at most 386 inputs"):
        write_workbook(net, tmp_path / "wide.xlsx", epochs=2, rates=())
    assert not list(tmp_path.iterdir())


def test_a_row_may_have_as_many_values_as_a_sheet_has_columns(monkeypatch):
    step = scalar_step(builtin("worked"))
    values = sum(len(group.nodes) for group in groups(step))
    monkeypatch.setattr(workbook_plan, "MOST_COLUMNS", values + workbook_plan.SPARE)
    assert fitting_rates(step, 5, (), ()) == ()
    monkeypatch.setattr(workbook_plan, "MOST_COLUMNS", values + workbook_plan.SPARE - 1)
    with pytest.raises(LimitError, match=f"^{values} values in a row, but a sheet has"):
        fitting_rates(step, 5, (), ())


def test_the_epochs_that_are_said_to_fit_do():
    step = scalar_step(builtin("worked"))
    for rates, epochs in (((1.0, 2.0), 16_129), (tuple(map(float, range(1, 1000))), 48)):
        assert fitting_rates(step, epochs, rates, ()) == rates
        with pytest.raises(LimitError, match=f"--epochs {epochs}$"):
            fitting_rates(step, epochs + 1, rates, ())


def test_the_samples_that_are_said_to_fit_do():
    net = builtin("xor")
    with pytest.raises(LimitError, match="room for 11,811 epochs or for 3 of the 4 samples$"):
        fitting_rates(scalar_step(net), 14_000, None, ())
    assert fitting_rates(scalar_step(replace(net, samples=net.samples[:3])), 14_000, (), ()) == ()
    many = scalar_step(replace(net, samples=net.samples * 20_000))
    with pytest.raises(LimitError, match="room for 1 epoch of 5"):
        fitting_rates(many, 2_000_000, None, ())


def test_of_the_usual_rates_as_many_are_compared_as_fit():
    step = scalar_step(builtin("worked"))
    assert fitting_rates(step, 70, None, DEFAULT_RATES) == DEFAULT_RATES
    assert fitting_rates(step, 8000, None, DEFAULT_RATES) == (0.05, 0.4, 0.8, 10, 10000)
    assert fitting_rates(step, 30_000, None, DEFAULT_RATES) == ()


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(GradbookError, match="there is no folder"):
        write_workbook(builtin("worked"), tmp_path / "none" / "book.xlsx", rates=(), epochs=2)


def test_the_first_sheet_says_what_is_where_and_then_what_to_try(folder):
    net = parse("input 1; dense 1; sample 1 -> 0")
    book = load_workbook(write_workbook(net, folder / "first.xlsx", epochs=2, rates=()).path)
    lines = [cell.value for cell in book["Network"]["E"]]
    first, hidden, tried = (
        next(row for row, line in enumerate(lines) if str(line).startswith(words))
        for words in ("What is on which sheet", "Check work", "Try")
    )
    assert tried == hidden + 2
    assert lines[first + 1 : hidden] == book.sheetnames[1:4]


# Exercises -------------------------------------------------------------------


def test_an_exercise_leaves_every_gradient_blank_and_nothing_else(exercise, worked):
    for sheet in ("Training", "Rates work"):
        full, blank = load_workbook(worked)[sheet], load_workbook(exercise)[sheet]
        for name, place in tables(exercise).letters.items():
            left = {blank[f"{place}{row}"].value is None for row in range(5, full.max_row + 1)}
            assert left == {name.startswith("∂")}, name


def test_an_exercise_gives_nothing_away(exercise):
    step = scalar_step(personalise(builtin("worked"), 1))
    values = next(run(step, 1))
    slopes = [float(values[slope]) for slope in step.gradients.values()]
    book = load_workbook(exercise, data_only=True)
    assert "Derivation" not in book.sheetnames
    for sheet in book.worksheets:
        measured = "G" if sheet.title == "Check" else ""  # told by a nudge, not by a formula
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert not (cell.comment and re.search(r"∂E/∂w\d = ", cell.comment.text))
            if isinstance(cell.value, float) and cell.column_letter != measured:
                assert not np.isclose(cell.value, slopes, rtol=1e-6, atol=0).any(), cell
    derivative = re.compile(r"\*\(1-|\(1-[A-Z]+\d+\)\*")
    assert not [where for *where, formula in formulas(exercise) if derivative.search(formula)]


@for_each("kind", KINDS)
def test_an_exercise_of_any_kind_tells_none_of_its_formulas(kind, tmp_path):
    net = personalise(builtin("worked"), 1)
    asked = Exercise("Ada", (kind,), has_check=kind not in ("forward", "loss"))
    path = write_workbook(net, tmp_path / "book.xlsx", epochs=3, exercise=asked).path
    solved = write_workbook(net, tmp_path / "solved.xlsx", epochs=3, rates=()).path
    book, table = load_workbook(path), load_workbook(solved)["Training"]
    told = {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}
    for cell in (cell for row in book["Training"].iter_rows(min_row=5) for cell in row):
        if cell.value is None:
            formula = table[cell.coordinate].value
            assert formula not in told
            note = book["Training"][f"{cell.column_letter}4"].comment.text
            assert " = " not in note
            assert "in the next row" not in note


def test_an_exercise_waits_with_sensible_numbers(exercise):
    book = load_workbook(exercise, data_only=True)
    assert book["Check"]["E4"].value == "8 of 8 gradients to fill in"
    assert book["Check"]["J8"].value == "to fill in"
    assert book["Check"]["E5"].value == "70 of 70 epochs to fill in"
    assert len(set(tables(exercise).columns["E_total"])) == 1
    assert not [
        cell
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if str(cell.value).startswith("#")
    ]
