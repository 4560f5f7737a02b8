"""`gradbook sheet train.py`: the program is run, and a step of it written with formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.cli.main import main
from tests.cases import for_each

PROGRAM = """\
import numpy as np

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0.0], [1], [1], [1]])
W, b = np.full((2, 1), 0.1), np.zeros(1)
print("not in the workbook")
for epoch in range(30):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dz = (p - y) / 4
    dW = X.T @ dz
    W -= 0.5 * dW
    b -= 0.5 * dz.sum(axis=0)
"""
NO_LOSS = PROGRAM.replace("    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))\n", "")
LARGE = PROGRAM.replace(
    'print("not in the workbook")', "X, y = np.tile(X, (40, 1)), np.tile(y, (40, 1))"
)
STRANGE = PROGRAM.replace("np.mean(y", "np.mean(np.sinc(p) + y")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(PROGRAM)


def test_names_lines_and_formulas_are_the_programs() -> None:
    assert main(["sheet", "train.py"]) == 0
    sheet = load_workbook("train.xlsx").active
    rows = [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]
    assert ["line 8", "p = 1 / (1 + np.exp(-(X @ W + b)))"] in rows
    assert ["line 12", "W -= 0.5 * dW"] in rows
    formulas = {row[0]: row[1] for row in rows if len(row) > 1}
    assert formulas["p[0]"] == "=1/(1+EXP(-(C5*C15+D5*C16+C17)))"
    assert formulas["loss"].startswith("=-(SUMPRODUCT(C9:C12*LN(C21:C24)+(1-C9:C12)*LN(1-C21:C24))")
    assert formulas["dW[1]"].startswith("=SUMPRODUCT(D5:D8,")
    assert formulas["W[1]"].startswith("=C16-0.5*C")  # where it stands last
    assert [row for row in rows if "not in the workbook" in row] == []


def test_stored_results_are_the_programs_numbers() -> None:
    assert main(["sheet", "train.py", "-o", "other.xlsx"]) == 0
    sheet = load_workbook("other.xlsx", data_only=True).active
    numbers = {row[1]: row[2] for row in sheet.iter_rows(values_only=True)}
    names: dict[str, object] = {}
    exec(PROGRAM.replace("range(30)", "range(1)").replace("print", "str"), names)
    assert numbers["loss"] == pytest.approx(names["loss"], rel=1e-12)
    assert numbers["dW[1]"] == pytest.approx(names["dW"][1, 0], rel=1e-12)  # type: ignore[index]
    assert numbers["W[1]"] == pytest.approx(names["W"][1, 0], rel=1e-12)  # type: ignore[index]


REFUSED = [
    (LARGE, [], "a step of it has 822 numbers, and a workbook of a step at most 300"),
    (NO_LOSS, [], "no line computes a loss: keep it in a name"),
    (STRANGE, [], "line 9: np.sinc(p) can't be written as formulas of cells"),
    ("print(3)\n", [], "no training in NumPy was found in it"),
    ("import nothing_such\n", [], "No module named 'nothing_such'"),
    (PROGRAM, ["--rates", "0.1"], "--rates isn't for programs"),
    (PROGRAM, ["-o", "step.html"], "a workbook's name ends in .xlsx"),
    (PROGRAM, ["-o", "taken.xlsx"], "--force"),
]


@for_each("program, options, words", REFUSED)
def test_what_cannot_be_written_is_refused_in_one_line(program, options, words, capsys):
    Path("train.py").write_text(program)
    Path("taken.xlsx").write_text("mine")
    assert main(["sheet", "train.py", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not Path("train.xlsx").exists()
    assert Path("taken.xlsx").read_text() == "mine"


def test_the_loss_of_a_program_is_explored_on_a_page() -> None:
    Path("train.py").write_text(PROGRAM)
    assert main(["play", "train.py", "-o", "page.html"]) == 0
    page = Path("page.html").read_text("utf-8")
    assert "train.xlsx" in page
    assert "W[0]" in page


def test_options_of_networks_are_refused_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(PROGRAM)
    assert main(["play", "train.py", "--train", "200"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--train isn't for programs" in line
