"""Which findings are shown: root causes first, repetitions under them, and not too many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradbook.audit.findings import STALE, WRONG, Finding, SheetReport
from gradbook.audit.formula.expression import Edit, EditKind
from gradbook.report.audit import MOST, few_ranges, repetition, shown_sheets, spoilt
from gradbook.targets.excel.language import Reference

EDIT = Edit(EditKind.REFERENCE, ((0,),), Reference("a_h1"), Reference("a_h2"))
ONE = Finding(
    "wrong reference", "∂E/∂w3", "w3", "Z3:Z9", "=J3", "=L3", "why", edits=(EDIT.description,)
)


def sheet(title: str, *findings: Finding) -> SheetReport:
    return SheetReport(title, WRONG, findings=tuple(replace(f, sheet=title) for f in findings))


def many(count: int) -> list[Finding]:
    return [replace(ONE, quantity=f"∂E/∂w{k}", weight=f"w{k}") for k in range(count)]


def test_of_a_sheet_five_findings_are_shown_and_the_others_counted():
    few, other = shown_sheets([sheet("A", *many(12)), sheet("B", ONE)], everything=False)
    assert (len(few.findings), few.left_out) == (MOST, 12 - MOST)
    assert other.left_out == 0


def test_all_tables_of_a_sheet_share_the_five():
    tables = shown_sheets([sheet("A", *many(4)), sheet("A", *many(12)[4:])], everything=False)
    assert [len(table.findings) for table in tables] == [4, 1]


def test_one_mistake_on_several_sheets_is_shown_once_with_its_other_places():
    sheets = [sheet(str(k), replace(ONE, cells=f"Z{k}:Z9")) for k in range(1, 7)]
    first, *others = shown_sheets(sheets, everything=False)
    assert [other.findings for other in others] == [[]] * 5
    (found,) = first.findings
    assert repetition(found) == "the same in 2!Z2:Z9, 3!Z3:Z9, 4!Z4:Z9 and 2 more places"


def test_what_is_asked_for_in_full_is_not_folded():
    sheets = [sheet(str(k), *many(9)) for k in range(3)]
    assert [len(s.findings) for s in shown_sheets(sheets, everything=True)] == [9, 9, 9]


@pytest.mark.parametrize("other", [{"quantity": "∂E/∂w4"}, {"kind": "swapped references"}])
def test_another_mistake_is_no_repetition(other):
    two = list(shown_sheets([sheet("A", ONE), sheet("B", replace(ONE, **other))], everything=False))
    assert [len(s.findings) for s in two] == [1, 1]


def test_a_mistake_of_weights_that_only_their_cells_tell_apart_is_one():
    alike = [
        replace(ONE, quantity=f"∂E/∂w[V{k}]", weight=f"w[V{k}]", cells=f"V{k}", formula=f"=2*T{k}")
        for k in (5, 6, 7)
    ]
    (found,) = shown_sheets([sheet("A", *alike)], everything=False)
    assert [repetition(f) for f in found.findings] == ["the same in V6, V7"]


def test_copies_of_a_wrong_formula_are_one_mistake_though_nothing_says_how_to_mend_it():
    plain = replace(ONE, edits=(), formula="=J3*$A$1", cells="Z3")
    alike = [plain, replace(plain, formula="=J4*$A$1", cells="Z4")]
    other = replace(plain, formula="=J9*$A$1", cells="Z5")
    (found,) = shown_sheets([sheet("A", *alike, other)], everything=False)
    assert [repetition(f) for f in found.findings] == ["the same in Z4", ""]


def test_of_many_ranges_a_few_are_named():
    assert few_ranges("A1,B1:B9,C1") == "A1,B1:B9,C1"
    assert few_ranges("A1,B1:B9,C1,D1,E1") == "A1, B1:B9, C1 and 2 more ranges"


def test_root_causes_stand_first_and_old_values_last_and_together():
    stale = [replace(ONE, kind=STALE, quantity=f"h{k}", edits=()) for k in range(9)]
    root = replace(ONE, quantity="δ", spoils=("w1", "w2"))
    (found,) = shown_sheets([sheet("A", *stale, *many(2), root)], everything=False)
    assert [s.finding.quantity for s in found.findings] == ["δ", "∂E/∂w0", "∂E/∂w1", "h0"]
    assert repetition(found.findings[-1]).endswith("and 5 more places")


def test_a_finding_says_which_gradients_it_makes_wrong():
    assert spoilt(replace(ONE, spoils=("w3", "w4"))) == "makes ∂E/∂w4 wrong"
    assert spoilt(ONE) == ""
    assert spoilt(replace(ONE, spoils=tuple(f"v{k}" for k in range(10)))).endswith("2 more wrong")
