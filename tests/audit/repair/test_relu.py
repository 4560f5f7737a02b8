"""Where hidden units are ReLUs, a comparison that is turned round is named as such."""

from __future__ import annotations

from gradbook.audit.check import check
from tests.audit.material.lookalikes import FORMULAS, book, cells

RELU = {f"a_h{k}": f"=MAX(0,{{h{k}}})" for k in (1, 2)}
for number, unit in ((1, 1), (2, 1), (3, 2), (4, 2)):
    own = FORMULAS[f"∂E/∂w{number}"]
    mask = f"IF({{h{unit}}}>0,1,0)"
    RELU[f"∂E/∂w{number}"] = own.replace(f"{{a_h{unit}}}*(1-{{a_h{unit}}})", mask)


def test_a_right_book_is_right(path):
    assert check(book(path, RELU)).verdict == "right"


def test_a_comparison_turned_round_is_turned_back(path):
    wrong = RELU["∂E/∂w3"].replace(">0", "<0")
    (finding,) = check(book(path, {**RELU, "∂E/∂w3": wrong})).findings
    assert (finding.kind, finding.cells) == ("wrong operator", cells("∂E/∂w3"))
    assert finding.expected.count(">0,1,0)") == 1
    assert " should be " in finding.why
    assert finding.why.endswith(">0")
