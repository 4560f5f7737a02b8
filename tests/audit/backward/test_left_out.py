"""What gradients of a pass that is worked once leave out of the chain rule is named as such."""

from __future__ import annotations

import pytest

from gradbook import check
from tests.audit.material.made import Table

SAMPLE = {"i1": 0.05, "i2": 0.1, "t1": 0.5, "t2": 0.5}
STARTS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)
GIVEN = SAMPLE | {f"w{k}": start for k, start in enumerate(STARTS, 1)}
FORWARD = {
    "h1": "=B5*B1+B6*B2",
    "a_h1": "=1/(1+EXP(-B13))",
    "h2": "=B7*B1+B8*B2",
    "a_h2": "=1/(1+EXP(-B15))",
    "o1": "=B9*B14+B10*B16",
    "a_o1": "=1/(1+EXP(-B17))",
    "o2": "=B11*B14+B12*B16",
    "a_o2": "=1/(1+EXP(-B19))",
    "E1": "=0.5*(B3-B18)^2",
    "E2": "=0.5*(B4-B20)^2",
    "E_total": "=B21+B22",
}
FIRST, SECOND = "(B18-B3)*B18*(1-B18)", "(B20-B4)*B20*(1-B20)"
OUTPUT = {
    "w5": f"={FIRST}*B14",
    "w6": f"={FIRST}*B16",
    "w7": f"={SECOND}*B14",
    "w8": f"={SECOND}*B16",
}


def worked(path, left_out=""):
    """The 2-2-2 network worked once, its hidden gradients without a way or a slope."""
    hidden = {}
    for unit, (a, by_first, by_second) in enumerate([("B14", "B9", "B11"), ("B16", "B10", "B12")]):
        ways = {"E1": f"{FIRST}*{by_first}", "E2": f"{SECOND}*{by_second}"}
        ways.pop(left_out, None)
        slope = "" if left_out == "slope" else f"*{a}*(1-{a})"
        for k, place in enumerate(["B1", "B2"], 2 * unit + 1):
            hidden[f"w{k}"] = f"=({'+'.join(ways.values())}){slope}*{place}"
    gradients = {f"dE/d{weight}": formula for weight, formula in {**OUTPUT, **hidden}.items()}
    cells = {}
    for row, (name, content) in enumerate({**GIVEN, **FORWARD, **gradients}.items()):
        cells |= {(row, 0): name, (row, 1): content}
    return check(Table({"Sheet1": cells}).save(path))


def test_with_every_way_and_slope_it_is_right(path):
    assert worked(path).verdict == "right"


@pytest.mark.parametrize("way", ["E1", "E2"])
def test_a_way_that_all_hidden_gradients_leave_out_is_named_and_the_whole_loss_stays(path, way):
    report = worked(path, way)
    assert report.sheets[0].loss == "B23"
    assert [f.weight for f in report.findings] == ["w1", "w2", "w3", "w4"]
    assert {f.kind for f in report.findings} == {"missing term"}
    assert {f.why for f in report.findings} == {f"it lacks the way through {way}"}


def test_a_slope_that_all_hidden_gradients_leave_out_is_named_and_put_back(path):
    findings = worked(path, "slope").findings
    assert [f.weight for f in findings] == ["w1", "w2", "w3", "w4"]
    assert {f.kind for f in findings} == {"missing factor"}
    assert all("(1-B1" in f.expected for f in findings)
