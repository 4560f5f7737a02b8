"""Right sheets of many kinds stay right, and a mistake in each is found."""

from __future__ import annotations

import subprocess
import sys

from gradbook.audit.check_book import check
from tests.audit.material.by_hand import BLOCKS, BY_BLOCK, NO_TRAINING, RIGHT
from tests.audit.material.small import saved
from tests.cases import for_each

WRONG = {  # the cells, another formula, and what people would have to type
    "a line by SUMPRODUCT": ("G2:G12", "=-2/5*SUMPRODUCT($B$2:$B$6-E2*$A$2:$A$6-D2)"),
    "samples by INDEX and MOD": ("G3:G16", "=G2+$O$1*J2*F2"),
    "samples by OFFSET and ROW": ("I2:I16", "=H2*E2"),
    "Adam": ("D2:D12", "=2*(B2+1)"),
    "RMSprop": ("C2:C12", "=-A2"),
    "a rate for every step": ("D2:D12", "=-1.2/(1-EXP(B2*1.2))"),
    "hinge loss": ("J2:J12", "=IF(G2<1,-C2*A2,0)"),
    "logistic regression": ("K2:K12", "=(H2-C2)*A2"),
    "no loss cell": ("M2:M13", "=L2*F2*(I2>0)"),
    "a likelihood that is climbed": ("D2:D12", "=$G$2-$G$2*B2"),
    "softmax": ("P2:P12", "=L2*A2"),
}


@for_each("name", RIGHT)
def test_a_right_sheet_is_right(name, path):
    report = check(saved(path, RIGHT[name]))
    assert (report.verdict, report.findings) == ("right", ())


ALONE = """
import os, sys
from gradbook.audit.check_book import check

for path in sys.argv[1:]:
    if os.fork() == 0:
        print(check(path).verdict, flush=True)
        os._exit(0)
    os.wait()
"""


def test_each_is_right_where_nothing_was_loaded_before_it(tmp_path):
    paths = [tmp_path / f"{number}.xlsx" for number in range(len(RIGHT))]
    for path, sheet in zip(paths, RIGHT.values(), strict=True):
        saved(path, sheet)
    command = [sys.executable, "-c", ALONE, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["right"] * len(RIGHT), done.stderr


@for_each("name", WRONG)
def test_a_mistake_in_it_is_found(name, path):
    place, formula = WRONG[name]
    report = check(saved(path, {**RIGHT[name], place: formula}))
    assert report.verdict == "wrong"
    assert {f.cells.split(":")[0].rstrip("0123456789") for f in report.findings} == {place[0]}


@for_each("name", NO_TRAINING)
def test_what_only_looks_like_a_training_is_none(name, path):
    assert check(saved(path, NO_TRAINING[name])).verdict == "no network"


def test_a_wrong_slope_in_blocks_of_rows_is_found_in_all_of_them(path):
    rows = [row for k in BLOCKS for row in (k, k + 1)]
    wrong = {f"H{row}": f"=2*(F{row}-D{row})*(1-F{row})" for row in rows}
    cells = {place: said for place, said in BY_BLOCK.items() if place[0] != "H" or place == "H1"}
    report = check(saved(path, {**cells, **wrong}))
    (finding,) = report.findings
    assert finding.cells.startswith("H2:H3,H6:H7")
    assert finding.expected == "=2*(F2-D2)*(1-F2)*F2"


def test_a_typed_slope_of_a_bias_that_is_not_1_is_wrong(path):
    cells = {**BY_BLOCK, **{f"I{k}:I{k + 1}": 2.0 for k in BLOCKS}}
    assert check(saved(path, cells)).verdict == "wrong"


@for_each("name", ["LOG", "LOG10"])
def test_a_decimal_logarithm_in_the_loss_is_wrong_where_gradients_are_those_of_ln(name, path):
    cells = {**RIGHT["softmax"], "N2:N12": f"=-{name}(L2)"}
    (finding,) = check(saved(path, cells)).findings
    assert (finding.cells, finding.expected) == ("N2:N12", "=-LN(L2)")


def test_a_decimal_logarithm_whose_gradients_are_its_own_is_right(path):
    gradients = {
        f"{g}2:{g}12": f"=({p}2-{t})*A2/LN(10)"
        for g, p, t in zip("OPQ", "KLM", (0, 1, 0), strict=True)
    }
    cells = {k: v for k, v in RIGHT["softmax"].items() if k[0] not in "OPQ" or k[1] == "1"}
    cells = {**cells, **gradients, "N2:N12": "=-LOG(L2)"}
    assert check(saved(path, cells)).verdict == "right"


def test_what_is_measured_or_climbed_is_said(path):
    for name, words in (
        ("measured slopes", "small step"),
        ("a likelihood that is climbed", "maximise"),
    ):
        (sheet,) = check(saved(path, RIGHT[name])).sheets
        assert words in sheet.notes[0]
