"""Sheets that compute a forward pass alone are told from those that compute other things."""

from __future__ import annotations

import json

from gradbook.audit.check_book import check
from gradbook.audit.findings import FORWARD_PASS, NO_NETWORK, UNFINISHED, record_of
from gradbook.report.audit_page import audit_page
from tests.audit.material.kinds.kind import Areas, typed
from tests.cases import for_each

NETWORK = {
    "A1": "x", "A2": 0.4, "B2": -0.6, "D1": "W", "D2": 0.3, "E2": 0.7, "D3": -0.2, "E3": 0.5,
}  # fmt: skip
SUMS = {"G2": "=$A$2*D2+$B$2*D3", "H2": "=$A$2*E2+$B$2*E3"}
ACTIVATIONS = {  # as people write them
    "=1/(1+EXP(-G2))": "sigmoid",
    "=EXP(G2)/(1+EXP(G2))": "sigmoid",
    "=(1+EXP(-G2))^-1": "sigmoid",
    "=TANH(G2)": "tanh",
    "=(EXP(G2)-EXP(-G2))/(EXP(G2)+EXP(-G2))": "tanh",
    "=EXP(G2)/(EXP($G2)+EXP($H2))": "softmax",
}
RECTIFIED = ("=MAX(0,G2)", "=IF(G2>0,G2,0)", "=IF(G2<=0,0,G2)", "=MAX(0.01*G2,G2)")
ELSE: dict[str, Areas] = {
    "an invoice": {
        "A1": "price", "B1": "quantity", "A2": 3.0, "A3": 5.0, "B2": 2.0, "B3": 7.0,
        "D1": "to pay", "D2": "=MAX(0,SUMPRODUCT(A2:A3,B2:B3)-10)",
    },
    "weighted grades": {
        "A1": "weight", "B1": "grade", "A2": 0.3, "A3": 0.7, "B2": 2.0, "B3": 1.3,
        "D1": "mean", "D2": "=A2*B2+A3*B3", "E2": "=IF(D2>1.5,D2,0)",
    },
    "an income statement": {
        "A3": "Sales", "A4": "Grants", "A5": "Total Revenue", "A6": "R&D", "A9": "Income",
        "A10": "Other Income", "A11": "Pretax Income", "A12": "Tax", "A13": "Net Income",
        "A15": "EPS", "A16": "Shares", "B2": "Q123", "C2": "Q223", "D2": "Q323", "E2": "Q423",
        "B3": 70.0, "B4": 0.0, "B6": 101.5, "B10": 18.4, "B12": 0.9, "B16": 79.1,
        "E3": 0.0, "E4": 0.5, "E6": 80.2, "E10": 26.1, "E12": 1.3, "E16": 84.9,
        "B5:E5": "=B3+B4", "B9:E9": "=B5-B6", "B11:E11": "=B9+B10", "B13:E13": "=B11-B12",
        "B15": "=B13/B16", "E15": "=E13/E16",
    },
    "a balance still to be filled in": {
        "A1": "FY19", "A2": "Cash", "B2": 5.0, "C2:F2": "=B2+C3", "A3": "Change",
        "A4": "Debt", "B4": 7.0, "C4:F4": "=B4-C5", "A5": "Paid",
    },
    "a list with a number that is a text": {
        "A1": 145.4, "A2": "=43/5", "A3": "143", "A4": "=12/9", "B1:B4": "=LEN(A1)",
    },
    "logistic growth": {
        "A1": "t", "A2": 0.0, "A3:A9": "=A2+1", "C1": "rate", "C2": 0.8, "D1": "capacity",
        "D2": 50.0, "B2:B9": "=$D$2/(1+EXP(-$C$2*(A2-4)))",
    },
}  # fmt: skip


def _checked(path, cells):
    return check(typed(cells).save(path))


@for_each(("formula", "name"), ACTIVATIONS.items())
def test_activations_are_known_however_they_are_written(formula, name, path):
    report = _checked(path, NETWORK | SUMS | {"J2:K2": formula})
    assert report.verdict == FORWARD_PASS
    assert f"2 sums, 2 activations ({name}); no weight is trained" in str(report)


@for_each("formula", RECTIFIED)
def test_relu_is_one_where_a_heading_says_so(formula, path):
    cells = NETWORK | SUMS | {"J2:K2": formula}
    assert _checked(path, cells).verdict == NO_NETWORK
    assert "2 activations (ReLU)" in str(_checked(path, cells | {"J1": "hidden layer"}))


@for_each("name", ELSE)
def test_other_sums_are_no_forward_pass(name, path):
    assert _checked(path, ELSE[name]).verdict == NO_NETWORK


def test_text_json_and_page_say_the_same(path):
    report = _checked(path, NETWORK | SUMS | {"J2:K2": "=TANH(G2)"})
    words = "Sheet1 computes a forward pass: 2 sums, 2 activations (tanh); no weight is trained"
    (sheet,) = record_of(report)["sheets"]
    assert (sheet["verdict"], sheet["notes"]) == ("forward pass", [words])
    assert words in json.dumps(record_of(report))
    assert words in " ".join(str(report).split())
    assert words in audit_page([report])


@for_each(("heading", "verdict"), [("Δ", FORWARD_PASS), ("Δw1", UNFINISHED)])
def test_a_step_of_time_is_no_slope_though_it_is_called_by_the_same_letter(heading, verdict, path):
    """As in a state-space model: B1 and B2 are its inputs at two times."""
    times = {"A5": "B1", "B5": 0.2, "A6": "B2", "B6": 0.1, "D5": heading, "D6": "=EXP(B5)*A2"}
    cells = NETWORK | SUMS | {"J2:K2": "=TANH(G2)"} | times
    assert _checked(path, cells).verdict == verdict
