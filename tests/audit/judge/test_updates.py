"""Updates that add, differ, or take another cell for the learning rate."""

from __future__ import annotations

from gradbook.audit.check import check
from gradbook.audit.judge.updates import update_findings
from gradbook.audit.training.steps import StepLoss, steps_of
from tests.audit.material.lookalikes import book, findings
from tests.audit.material.small import all_at
from tests.audit.training.test_steps import SQUARE
from tests.audit.training.test_training import the_training


def updates(changed):
    """What is found of a single weight's updates."""
    training = the_training({**SQUARE, **changed})
    return update_findings(
        training, steps_of(training, [StepLoss((cell,)) for cell in all_at("C2:C8")])
    )


def test_a_rate_that_drifts_is_found_from_the_second_row_on(path):
    found = findings(
        book(path, special={("w1", k): f"=F{5 + k}-C{1 + k}*Y{5 + k}" for k in range(1, 6)})
    )
    assert [f.kind for f in found] == ["drifting rate"]
    assert found[0].cells == "F8:F11"
    assert "$C$2" in found[0].expected


def test_a_blank_rate_freezes_the_book(path):
    report = check(book(path, rate=None))
    assert report.verdict == "frozen"
    assert [f.cells for s in report.sheets for f in s.findings] == ["C2"]


def test_an_update_that_adds_is_found(path):
    found = findings(
        book(path, special={("w1", k): f"=F{5 + k}+$C$2*Y{5 + k}" for k in range(1, 6)})
    )
    assert [(f.kind, f.cells) for f in found] == [("adds the gradient", "F7:F11")]
    assert found[0].expected == "=F6-$C$2*Y6"


def test_right_updates_have_no_findings():
    assert updates({}) == []


def test_an_update_in_other_words_is_right():
    assert updates({"A5": "=-B4*$E$1+A4"}) == []


def test_an_update_that_differs_is_told_with_what_its_column_says():
    (finding,) = updates({"A5": "=A4-$E$1*B3"})
    assert (finding.kind, finding.cells, finding.expected) == (
        "departing row",
        "A5",
        "=A4-$E$1*B4",
    )
    assert finding.why == "A5 differs from the rest of its column"


def test_a_pasted_update_says_what_it_holds():
    (finding,) = updates({"A5": 0.25})
    assert (finding.kind, finding.cells, finding.formula) == ("pasted value", "A5", "0.25")
    assert finding.why == "A5 holds the number 0.25 where the others of its column have a formula"


def test_a_rate_in_every_row_is_no_drift():
    rates = {"F2:F8": 0.1, "E1": "", "D1": "", "F1": "η", "A3:A8": "=A2-F2*B2"}
    assert updates(rates) == []


def test_another_cell_in_the_place_of_the_rate_is_told_from_a_drift():
    second = {"I1": 0.3, "J2": 0.4, "K2": "=2*J2*$G$1*A2", "J3:J8": "=J2-$E$1*K2"}
    wrong = {**second, "K3:K8": "=2*J3*$G$1*A3", "A3:A8": "=A2-$I$1*B2", "L2": 0.2}
    third = {"L3:L8": "=L2-$E$1*M2", "M2:M8": "=2*L2*A2"}
    (finding,) = updates({**wrong, **third})
    assert (finding.kind, finding.weight, finding.cells) == ("wrong rate", "w", "A3:A8")
    assert "$E$1" in finding.expected


def test_the_rate_that_the_values_were_made_with_is_proposed():
    kept = {"E1": "", "A2": 0.5, "B2": 3.0, "A3": "=A2-$E$1*B2"}
    training = the_training({**SQUARE, **kept})
    training.book.values |= dict(zip(all_at("A3,B2"), (0.2, 3.0), strict=True))
    (finding,) = (
        f
        for f in update_findings(
            training, steps_of(training, [StepLoss((c,)) for c in all_at("C2:C8")])
        )
        if f.kind == "blank rate"
    )
    assert finding.fixes == {"E1": "=0.1"}
