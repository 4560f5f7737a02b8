"""A formula that takes a cell of a later step is named; the rest is judged without the circle."""

from __future__ import annotations

from gradbook.audit.as_meant import without_circles
from gradbook.audit.check_book import check
from tests.audit.material.lookalikes import FORMULAS, book, cells, letter
from tests.audit.material.small import all_at, at, small
from tests.cases import for_each

GOES_ON = {"A2": 0.5, "A3:A8": "=A2-0.1*C2", "B2:B8": "=2*A2", "C2:C8": "=B2*B2"}


def test_a_book_without_a_circle_stays_as_it_is():
    given, flow = small(GOES_ON)
    assert without_circles(given, flow) == (given, [])


def test_a_cell_of_the_next_step_is_read_as_that_of_its_own():
    given, flow = small({**GOES_ON, "C2:C8": "=B2*B3"})
    mended, (finding,) = without_circles(given, flow)
    assert (finding.kind, finding.cells) == ("another row", "C2:C8")
    assert finding.expected == "=B2*B2"
    assert {mended.patterns[cell].text_at(cell) for cell in all_at("C3")} == {"B3*B3"}
    assert given.patterns[at("C3")].text_at(at("C3")) == "B3*B4"


def test_a_formula_that_is_computed_from_itself_has_no_step_of_its_own():
    given, flow = small({**GOES_ON, "C4": "=C4+B4"})
    assert without_circles(given, flow)[1] == []


def test_all_gradients_of_a_book_with_a_circle_are_judged(path):
    later = f"=1/(1+EXP(-{letter('h1')}9))"  # three rows further on
    special = {("a_h1", k): later.replace("9", str(9 + k)) for k in range(6)}
    report = check(book(path, special=special))
    (finding,) = report.findings
    assert (finding.kind, finding.cells) == ("another row", cells("a_h1"))


@for_each("name", ["∂E/∂w5", "∂E/∂w1"])
def test_a_mistake_beside_the_circle_is_found(name, path):
    special = {("a_h1", k): f"=1/(1+EXP(-{letter('h1')}{9 + k}))" for k in range(6)}
    wrong = {name: FORMULAS[name].replace("{a_h1}", "{a_h2}", 1)}
    found = check(book(path, wrong, special=special)).findings
    assert [f.cells for f in found] == [cells("a_h1"), cells(name)]
