"""What students compute beside the cells that are asked for: one mistake there is one finding and
one loss, and right formulas are found wherever they stand."""

from __future__ import annotations

from openpyxl import Workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score
from tests.audit.material.exercises import EPOCHS, Variation, exercise, hand_in, headings
from tests.cases import for_each

WORKED = Variation.of(0)
SIGNALS = {f"o{k}": f"({{a_o{k}}}-{{t{k}}})*{{a_o{k}}}*(1-{{a_o{k}}})" for k in (1, 2)}
BACK = {
    f"h{j + 1}": f"([o1]*{{{WORKED.output_weight(0, j)}}}+[o2]*{{{WORKED.output_weight(1, j)}}})"
    f"*{{a_h{j + 1}}}*(1-{{a_h{j + 1}}})"
    for j in range(2)
}
OWN = SIGNALS | BACK
OF = {
    f"∂E/∂{WORKED.hidden_weight(j, i)}": f"[h{j + 1}]*{{i{i + 1}}}" for j in (0, 1) for i in (0, 1)
}
OF |= {
    f"∂E/∂{WORKED.output_weight(k, j)}": f"[o{k + 1}]*{{a_h{j + 1}}}"
    for k in (0, 1)
    for j in (0, 1)
}


def with_own_columns(folder, changed, sheet="Training"):
    """Gradients that refer to columns of the student's own, on the same sheet or another."""

    def fill(book: Workbook) -> None:
        training = book["Training"]
        there = training if sheet == "Training" else book.create_sheet(sheet)
        places = headings(training)
        before = "" if sheet == "Training" else "Training!"
        own = dict(zip(OWN, ("BA", "BB", "BC", "BD"), strict=True))
        for row in range(5, 5 + EPOCHS):
            for name, letters in own.items():
                said = (OWN | changed)[name]
                for other, column in own.items():
                    said = said.replace(f"[{other}]", f"{column}{row}")
                cells = {n: f"{before}{column}{row}" for n, column in places.items()}
                there[f"{letters}{row}"] = f"={said.format(**cells)}"
            for name, formula in OF.items():
                filled = formula
                for other, column in own.items():
                    at = f"{'' if sheet == 'Training' else sheet + '!'}{column}{row}"
                    filled = filled.replace(f"[{other}]", at)
                cells = {n: f"{column}{row}" for n, column in places.items()}
                training[f"{places[name]}{row}"] = f"={filled.format(**cells)}"

    return check(hand_in(exercise(WORKED, folder), {}, change=fill))


@for_each("sheet", ["Training", "Deltas"])
@for_each("name", ["h1", "o1"])
def test_a_slope_forgotten_in_an_own_column_is_one_finding_and_one_loss(name, sheet, tmp_path):
    flat = OWN[name].partition(f"*{{a_{name}}}*(1-")[0]
    report = with_own_columns(tmp_path, {name: flat}, sheet)
    (finding,) = report.findings
    assert (finding.sheet, finding.quantity) == (sheet, f"∂E/∂{name}")
    assert finding.kind == "missing factor"
    found = score(report)
    assert (found.points, found.right) == (7, 8)


def test_the_slope_forgotten_in_every_own_column_is_one_loss_a_layer(tmp_path):
    flat = {n: OWN[n].partition(f"*{{a_{n}}}*(1-")[0] for n in OWN}
    report = with_own_columns(tmp_path, flat)
    assert {finding.quantity for finding in report.findings} == {f"∂E/∂{name}" for name in OWN}
    assert score(report).points == 6


def test_right_own_columns_are_right(tmp_path):
    assert with_own_columns(tmp_path, {}).verdict == "right"


@for_each("sheet", ["Training", "My work"])
def test_right_formulas_elsewhere_are_found_and_count_if_they_are_accepted(sheet, tmp_path):
    def fill(book: Workbook) -> None:
        training = book["Training"]
        there = training if sheet == "Training" else book.create_sheet(sheet)
        before = "" if sheet == "Training" else "Training!"
        for row in range(5, 5 + EPOCHS):
            cells = {n: f"{before}{c}{row}" for n, c in headings(training).items()}
            for column, said in enumerate(WORKED.formulas().values(), 60):
                there.cell(row, column).value = f"={said.format(**cells)}"

    report = check(hand_in(exercise(WORKED, tmp_path), {}, change=fill))
    assert report.verdict == "unfinished"
    assert score(report).points == 0
    assert score(report, Rubric(accept_elsewhere=True)).points == 8
    (note,) = report.sheets[0].notes
    assert "∂E/∂w1 in " in note
    assert f"{sheet}'!BH5:BH8" in note or f"{sheet}!BH5:BH8" in note
