"""A backward pass without an update is right, or wrong at its root, or nothing of the kind."""

from __future__ import annotations

import pytest

from gradbook import check
from tests.audit.material.made import Table, cells_of
from tests.audit.material.worked_once.list import FORWARD, listed
from tests.audit.material.worked_once.planted import LAYOUTS, clean, spoilt


def judged(path, **other):
    cells = {}
    for name, content in listed(**other).items():
        ((place),) = cells_of(name)
        cells[place] = content
    return check(Table({"Sheet1": cells}).save(path))


def test_a_right_pass_is_right_and_has_no_update(path):
    report = judged(path)
    (sheet,) = report.sheets
    assert (report.verdict, sheet.loss, len(sheet.weights)) == ("right", "B15", 6)
    assert sheet.notes == (
        "a backward pass without an update: its gradients are held against the chain rule",
    )


def test_the_root_is_named_and_what_it_spoils(path):
    (finding,) = judged(path, E2="=E1*B7").findings
    assert (finding.cells, finding.kind, finding.quantity) == ("E2", "missing factor", "∂E/∂h1")
    assert sorted(finding.spoils) == ["w1", "w2"]
    assert "B11*(1-B11)" in finding.expected


@pytest.mark.parametrize(
    ("cell", "wrong", "kind"),
    [
        ("E7", "=E2*B1", "wrong reference"),
        ("E4", "=E1+B11", "wrong operator"),
        ("E3", "=E1*B7*B12*(1-B12)", "wrong reference"),
        ("E2", "=-E1*B7*B11*(1-B11)", "wrong sign"),
        ("E8", "=2*E3*B1", "one factor or term too many"),
    ],
)
def test_the_wrong_cell_is_found_and_put_right(path, cell, wrong, kind):
    found = judged(path, **{cell: wrong}).findings
    assert [(f.cells, f.kind) for f in found] == [(cell, kind)]
    assert judged(path, **found[0].fixes).verdict == "right"


def test_two_mistakes_are_two_findings(path):
    found = judged(path, E3="=E1*B8", E4="=E1*B12").findings
    assert {f.cells for f in found} == {"E3", "E4"}


def test_an_error_without_a_loss_says_which_was_assumed(path):
    report = judged(path, A15="", B15="")
    (sheet,) = report.sheets
    assert (report.verdict, sheet.loss) == ("right", "½·Σ(o−t)²")
    assert any("no cell holds the loss" in note for note in sheet.notes)


def test_a_common_factor_is_a_note(path):
    report = judged(path, E1="=2*(B13-B14)")
    assert report.verdict == "right"
    assert any("2 times those of the loss" in note for note in report.sheets[0].notes)


def test_an_error_the_other_way_round_is_a_note(path):
    report = judged(path, E1="=B14-B13")
    assert report.verdict == "right"
    assert any("-1 times those of the loss" in note for note in report.sheets[0].notes)


def test_a_forward_pass_alone_is_none(path):
    forward = dict.fromkeys((f"{c}{r}" for c in "DE" for r in range(1, 10)), "")
    report = judged(path, **forward)
    assert not report.findings
    assert report.verdict in ("unfinished", "no network")
    assert not any("replaced by their values" in n for s in report.sheets for n in s.notes)


def test_a_forward_pass_and_one_slope_are_no_training(path):
    rest = dict.fromkeys((f"{c}{r}" for c in "DE" for r in range(2, 10)), "")
    report = judged(path, **rest)
    assert report.verdict == "unfinished"
    assert "forward pass" in report.sheets[0].notes[0]


OF_ROWS = {4: 7, 5: 8, 6: 3, 7: 4, 8: 5, 9: 6}  # a gradient's row, and its weight's


def test_an_update_that_climbs_is_wrong(path):
    updates = {f"H{row}": f"=B{w}-$G$1*E{row}" for row, w in OF_ROWS.items()}
    assert judged(path, G1=0.5, **updates).verdict == "right"
    climbing = {cell: text.replace("-", "+") for cell, text in updates.items()}
    report = judged(path, G1=0.5, **climbing)
    assert report.verdict == "wrong"
    assert {f.cells for f in report.findings} <= {*updates, "H4:H5", "H4:H9", "H6:H9"}


def test_what_is_not_understood_is_named(path):
    report = judged(path, B12="=GAMMALN(B10)")
    assert "GAMMALN" in str(report)


def test_weighted_errors_are_no_mistake_where_gradients_agree(path):
    assert judged(path, B15="=3*(B13-B14)^2", E1="=6*(B13-B14)").verdict == "right"


def test_the_forward_pass_has_the_rows_that_the_list_says():
    assert list(FORWARD)[-1] == "E"


# At random ---------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", range(12))
def test_a_clean_book_raises_no_alarm(path, layout, number):
    judged_book = clean(path, number, layout)
    assert judged_book.found, judged_book


@pytest.mark.parametrize("layout", LAYOUTS)
def test_planted_mistakes_are_found_and_repaired(path, layout):
    tries = (spoilt(path, number, layout) for number in range(300, 330))
    outcomes = [outcome for outcome in tries if outcome is not None]
    missed = [outcome for outcome in outcomes if not outcome.repaired]
    assert len(outcomes) >= 10
    assert len(missed) <= 1, missed
