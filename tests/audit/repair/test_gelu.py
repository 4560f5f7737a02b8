"""Where hidden units are activated by x·Φ(x), what is wrong with them is found, too."""

from __future__ import annotations

from gradbook.audit.check import check
from tests.audit.material.lookalikes import FORMULAS, book, cells

SLOPE = "(NORMSDIST({h})+{h}*EXP(-({h}^2)/2)/SQRT(2*PI()))"
GELU = {f"a_h{k}": f"={{h{k}}}*NORMSDIST({{h{k}}})" for k in (1, 2)}
for number, unit in ((1, 1), (2, 1), (3, 2), (4, 2)):
    own = FORMULAS[f"∂E/∂w{number}"]
    slope = SLOPE.replace("{h}", f"{{h{unit}}}")
    GELU[f"∂E/∂w{number}"] = own.replace(f"{{a_h{unit}}}*(1-{{a_h{unit}}})", slope)


def test_a_right_book_is_right(path):
    assert check(book(path, GELU)).verdict == "right"


def test_a_sum_of_a_wrong_unit_is_found(path):
    wrong = FORMULAS["o1"].replace("{a_h2}", "{a_h1}")
    (finding,) = check(book(path, {**GELU, "o1": wrong})).findings
    assert (finding.kind, finding.cells) == ("wrong reference", cells("o1"))
