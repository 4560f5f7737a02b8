"""Exercises of networks that read sequences: blank, filled in rightly, and with common mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.lab.classroom import personalise
from gradbook.net import builtin, parse
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import Exercise
from tests.report.workbooks import FIRST_ROW, fill_in

EPOCHS = 4
NETS = {
    "echo": builtin("echo"),
    "attention-by-hand": builtin("attention-by-hand"),
    "lstm": parse(
        "input 3x1; lstm 2; dense 1; rate 0.3; seed 2; sample 1 0 1 -> 1; sample 0 1 0 -> 0"
    ),
    "tokens": parse(
        "input tokens 2 of 3; embed 2; flatten; dense 2; softmax; rate 0.3; seed 2; "
        "sample 0 2 -> 0 1; sample 1 1 -> 1 0"
    ),
    "gru": parse(
        "input 3x1; gru 2; dense 1; rate 0.3; seed 2; sample 1 0 1 -> 1; sample 0 1 0 -> 0"
    ),
}
MISTAKES = {  # the network, the column, what is written for what, what is said of it
    "softmax has its own slope alone": (
        *("attention-by-hand", "∂E/∂h_score_2_1"),
        *(r".*", "={∂E/∂a_share_2_1}*{a_share_2_1}*(1-{a_share_2_1})"),
        "lacks the path through a_share_2_2",
    ),
    "a step that looks is left out": (
        *("attention-by-hand", "∂E/∂h_value_1(2)"),
        *(r".*", "={∂E/∂h_mixed_1(2)}*{a_share_2_2}"),
        "lacks the path through",
    ),
    "the root is left out": (
        *("attention-by-hand", "∂E/∂h_query_1(3)", r"/SQRT\(2\)", ""),
        "is √2 times what the chain rule gives for E_total: the division by √2 is left out",
    ),
    "the root is taken twice": (
        *("attention-by-hand", "∂E/∂h_query_1(3)", r"/SQRT\(2\)", "/SQRT(2)/SQRT(2)"),
        "is 1/√2 of what the chain rule gives for E_total: it is divided by √2 once too often",
    ),
    "another step's slope": (
        *("echo", "∂E/∂h1(2)", r"\(1-.*", "(1-{a_h1(3)}^2)"),
        "is a_h1(3); a_h1(2) belongs there",
    ),
    "no way through the other units": (
        *("echo", "∂E/∂h1(3)", r"=\(([^+]*)\+.*\)\*", r"=\1*"),
        "lacks the paths through h2(4) and h3(4)",
    ),
    "the cell's own way is left out": (
        *("lstm", "∂E/∂a_cell_1(2)", r"\+[^+]*$", ""),
        "lacks the path through a_cell_1(3)",
    ),
    "nothing that an omission explains, where the loss goes past the outputs": (
        *("tokens", "∂E/∂o1", r"$", "*0.7+0.01"),
        "",
    ),
    "this cell for the one before": (
        *("lstm", "∂E/∂h_forget_1(2)", r".*", "={∂E/∂a_cell_1(2)}*{a_cell_1(2)}*{a_forget_1(2)}"),
        "",
    ),
}


@pytest.fixture(scope="module", params=NETS)
def books(request, tmp_path_factory) -> tuple[Path, Path]:
    """An exercise, and the same filled in with its key."""
    return written(request.param, tmp_path_factory.mktemp("books"))


def written(name: str, folder: Path) -> tuple[Path, Path]:
    own = personalise(NETS[name], "Ada")
    key = write_workbook(own, folder / "key.xlsx", epochs=EPOCHS, rates=()).path
    asked = write_workbook(own, folder / "asked.xlsx", epochs=EPOCHS, exercise=Exercise("Ada")).path
    return asked, fill_in(asked, key, folder / "filled.xlsx")


def test_every_gradient_waits_and_is_right_once_the_key_is_filled_in(books):
    asked, filled = books
    report = check(asked)
    assert report.verdict == "unfinished"
    assert {finding.kind for finding in report.findings} == {"to fill in"}
    done = check(filled)
    assert (done.verdict, done.findings) == ("right", ())


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_in_its_column_with_its_cause(mistake, tmp_path):
    name, column, pattern, replacement, said = MISTAKES[mistake]
    _, filled = written(name, tmp_path)
    book = load_workbook(filled)
    letters = {cell.value: cell.column_letter for cell in book["Samples"][FIRST_ROW - 1]}
    changed = 0
    for row in range(FIRST_ROW, book["Samples"].max_row + 1):
        cell = book["Samples"][f"{letters[column]}{row}"]
        own = replacement
        for value in re.findall(r"\{([^}]*)\}", replacement):
            own = own.replace(f"{{{value}}}", f"{letters[value]}{row}")
        new = re.sub(pattern, own, cell.value, count=0 if pattern.startswith("/") else 1)
        changed += new != cell.value
        cell.value = new
    book.save(filled)
    report = check(filled)
    (finding,) = report.findings
    assert changed == EPOCHS * len(NETS[name].examples())
    assert report.verdict == "wrong"
    assert (finding.sheet, finding.quantity) == ("Samples", column)
    assert finding.cells.startswith(f"{letters[column]}{FIRST_ROW}")
    assert finding.expected
    assert said in finding.why
