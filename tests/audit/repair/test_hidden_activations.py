"""Where hidden units are activated otherwise than by a sigmoid, what is wrong is found, too."""

from __future__ import annotations

from gradbook.audit.check_book import check
from tests.audit.material.lookalikes import FORMULAS, book, cells
from tests.cases import for_each


def activated(activation: str, slope: str) -> dict[str, str]:
    """The formulas that differ; {h} is the hidden unit's sum."""
    changed = {f"a_h{k}": activation.replace("{h}", f"{{h{k}}}") for k in (1, 2)}
    for number, unit in ((1, 1), (2, 1), (3, 2), (4, 2)):
        sigmoid = f"{{a_h{unit}}}*(1-{{a_h{unit}}})"
        own = slope.replace("{h}", f"{{h{unit}}}")
        changed[f"∂E/∂w{number}"] = FORMULAS[f"∂E/∂w{number}"].replace(sigmoid, own)
    return changed


GELU = activated("={h}*NORMSDIST({h})", "(NORMSDIST({h})+{h}*EXP(-({h}^2)/2)/SQRT(2*PI()))")
RELU = activated("=MAX(0,{h})", "IF({h}>0,1,0)")


@for_each("changed", [GELU, RELU], ids=["gelu", "relu"])
def test_a_right_book_is_right(path, changed):
    assert check(book(path, changed)).verdict == "right"


def test_a_sum_of_a_wrong_unit_is_found(path):
    wrong = FORMULAS["o1"].replace("{a_h2}", "{a_h1}")
    (finding,) = check(book(path, {**GELU, "o1": wrong})).findings
    assert (finding.kind, finding.cells) == ("wrong reference", cells("o1"))


def test_a_comparison_turned_round_is_turned_back(path):
    wrong = RELU["∂E/∂w3"].replace(">0", "<0")
    (finding,) = check(book(path, {**RELU, "∂E/∂w3": wrong})).findings
    assert (finding.kind, finding.cells) == ("wrong operator", cells("∂E/∂w3"))
    assert finding.expected.count(">0,1,0)") == 1
    assert " should be " in finding.why
    assert finding.why.endswith(">0")
