"""Updates that are rounded, guarded, wait or add a list; and functions of a book's own."""

from __future__ import annotations

from gradbook.audit.check_book import check
from tests.audit.material.lookalikes import ROWS, TOP, book, cells, findings, letter
from tests.cases import for_each

PLAIN = "{w}-$C$2*{g}"
WRAPPED = {
    "guarded": f"=IFERROR({PLAIN},0)",
    "rounded": f"=ROUND({PLAIN},8)",
    "waiting": f"=IF(ABS({{g}})<1E-07,{{w}},{PLAIN})",
    "going on while": f"=IF(ABS({{g}})>1E-07,{PLAIN},{{w}})",
    "a list added": "=SUM({w},-$C$2*{g})",
    "two of them": f"=IFERROR(ROUND({PLAIN},8),{{w}})",
}
MISTAKES = {
    "missing rate": lambda text: text.replace("$C$2*", ""),
    "adds the gradient": lambda text: text.replace("-$C$2", "+$C$2"),
    "another weight's gradient": lambda text: text.replace("{g}", "{other}"),
}


def of_w6(text):
    """The updates of w6, as a text has them."""
    found = {}
    for k in range(1, ROWS):
        above = TOP + 1 + k
        names = {name: f"{letter('∂E/∂' + w)}{above}" for name, w in (("g", "w6"), ("other", "w7"))}
        found["w6", k] = text.format(w=f"{letter('w6')}{above}", **names)
    return found


@for_each("kind", WRAPPED)
def test_they_are_right(path, kind):
    assert check(book(path, update=WRAPPED[kind])).verdict == "right"


@for_each("mistake", MISTAKES)
@for_each("kind", WRAPPED)
def test_a_mistake_in_them_is_found_and_put_right_within(path, kind, mistake):
    special = of_w6(MISTAKES[mistake](WRAPPED[kind]))
    (finding,) = findings(book(path, update=WRAPPED[kind], special=special))
    first, last = TOP + 3, TOP + 1 + ROWS
    assert finding.kind == mistake
    assert finding.cells == f"{letter('w6')}{first}:{letter('w6')}{last}"
    names = {"w": f"{letter('w6')}{first - 1}", "g": f"{letter('∂E/∂w6')}{first - 1}"}
    assert finding.expected in (WRAPPED[kind].format(**names), f"={PLAIN}".format(**names))


def with_slope(workbook):
    workbook.define_name("SLOPE", "=_xlfn.LAMBDA(_xlpm.a,_xlpm.a*(1-_xlpm.a))")


@for_each(("of", "cells_said"), [("a_o1", []), ("a_o2", [cells("∂E/∂w5")])])
def test_a_function_of_the_book_s_own_is_read(path, of, cells_said):
    changed = {"∂E/∂w5": f"=({{a_o1}}-{{t1}})*SLOPE({{{of}}})*{{a_h1}}"}
    found = findings(book(path, changed, dressed=with_slope))
    assert [finding.cells for finding in found] == cells_said


def test_a_formula_that_cannot_be_read_is_no_constant(path):
    report = check(book(path, {"a_h1": "=1/(1+EXP(-{h1}))@1"}))
    assert (report.verdict, report.findings) == ("unfinished", ())
