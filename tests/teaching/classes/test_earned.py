"""Marks are earned: garbage in any cells of an exercise earns nothing, and verdicts agree."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from openpyxl import load_workbook
from openpyxl.formula.translate import Translator
from openpyxl.worksheet.worksheet import Worksheet

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import BookScore, Rubric, score
from gradbook.audit.findings import BookReport
from gradbook.cells.formula.address import cells_of
from gradbook.targets.excel.plan.column_order import KINDS
from gradbook.teaching.classes.folder import ClassFolder
from gradbook.teaching.classes.marking import MarkedClass, mark_class
from tests.cases import for_each
from tests.teaching.classes.made import HEADINGS, begun, solved

STUDENT, FIRST, EPOCHS = "Ada Lovelace", HEADINGS + 1, 5
UNREADABLE = (
    *("=NOW()", "=RAND()", "=RANDBETWEEN(0,1)", "=#REF!", "=SUM(", "=nosuchname", "=NOSUCH(D5)"),
    *('=CUBEVALUE("a","b")', "='[friend.xlsx]Training'!A1", "=nosuchname*D5", "=D5*#REF!", '="x"'),
    *("=D5+NOW()", "=WEBSERVICE(D5)", "=LOG(", "=)", "=D5 E5", "=1*", "=Training!", "=D5:E5"),
)
EMPTY = (
    *(0.123, 0, "hello", "0.5", "=0", "=1", "=0.123+0*T5", "=0*T5", "=TRUE", "=1/0", "=T5-T5"),
    *('=INDIRECT("A1")', "=A1", "=A5", "=B5*0", "=SUM(A5:D5)*1.01", "=IF(1,0,V5)", "=PI()", True),
)
SEEDS = int(os.environ.get("EXAMPLES", "0")) or 30
Change = Callable[[str, str], object]


def wrong_in_one_slip(formula: str, draw: Random) -> str:
    """What a student might write who has understood."""
    return draw.choice((f"=-({formula[1:]})", f"=2*({formula[1:]})", f"{formula}*Eta0"))


def marked(path: Path) -> tuple[BookReport, BookScore]:
    report = check(path)
    return report, score(report, Rubric(out_of=20.0))


def require_that_they_agree(report: BookReport, earned: BookScore) -> None:
    assert earned.points is not None
    assert 0 <= earned.points <= earned.out_of == 20
    assert (earned.points == earned.out_of) == (report.verdict == "right"), report.verdict
    assert bool(report.findings) == (report.verdict != "right")


def drawn(
    seed: int, place: Path, chosen: tuple[object, ...] = (*UNREADABLE, *EMPTY)
) -> tuple[Path, Path, dict[str, set[int]]]:
    """A book with some slips, the same with garbage in other columns, and its rows by column."""
    draw = Random(seed)
    kinds = draw.choice((("gradients",), ("forward", "gradients"), ("update",), KINDS))
    folder = begun(place, blank=kinds, epochs=EPOCHS)
    names: dict[str, int] = {}

    def note(name: str, formula: str) -> str:
        names[name] = names.get(name, 0) + 1
        return formula

    solved(folder, STUDENT, place / "right.xlsx", note)
    columns = draw.sample(sorted(names), k=len(names))
    slips = {name: draw.random() for name in columns[: draw.choice((0, 0, 1, 2))]}
    others = columns[len(slips) :]
    several = draw.choice((1, len(others) - 1, len(others), draw.randint(1, len(others))))
    is_whole = draw.random() < 0.6
    rows = range(FIRST, FIRST + EPOCHS)
    spoilt = {
        name: set(rows) if is_whole else set(draw.sample(rows, draw.randint(1, EPOCHS)))
        for name in others[: max(1, several)]
    }
    same = draw.choice(chosen) if draw.random() < 0.5 else None

    def with_slips(name: str, formula: str) -> object:
        return wrong_in_one_slip(formula, Random(slips[name])) if name in slips else formula

    honest = solved(folder, STUDENT, place / "honest.xlsx", with_slips)
    book = load_workbook(honest)
    sheet = book["Training"]
    blank = load_workbook(Path(folder.path) / "exercises" / "Ada-Lovelace.xlsx")["Training"]
    heads = {cell.value: cell.column for cell in sheet[HEADINGS]}
    for name, some in spoilt.items():
        for row in sorted(some):
            if blank.cell(row, heads[name]).value is None:
                garbage = draw.choice(chosen) if same is None else same
                sheet.cell(row, heads[name]).value = garbage
            else:
                some.discard(row)  # a weight's first value is given
    book.save(place / "garbage.xlsx")
    return honest, place / "garbage.xlsx", spoilt


@for_each("seed", range(SEEDS))
def test_garbage_earns_nothing_whatever_is_beside_it(seed, tmp_path):
    honest, garbage, spoilt = drawn(seed, tmp_path)
    best, most = marked(honest)
    require_that_they_agree(best, most)
    report, earned = marked(garbage)
    require_that_they_agree(report, earned)
    assert report.verdict != "right"
    parts = {part.mark.name: part for part in earned.parts}
    before = {part.mark.name: part for part in most.parts}
    assert parts.keys() == before.keys()
    lost = 0.0
    for name, rows in spoilt.items():
        every = len(list(cells_of(parts[name].mark.column.cells, 0)))
        assert parts[name].share <= 1 - len(rows) / every + 1e-9, (name, parts[name])
        assert parts[name].rows <= 1 - len(rows) / every + 1e-9, (name, parts[name])
        lost += len(rows) / every
    one = earned.out_of / len(parts)
    assert earned.points <= max(0.0, most.points - lost * one) + 0.011


# What was asked -----------------------------------------------------------------------


def without_rows(sheet: Worksheet, first: int, count: int) -> None:
    """Rows deleted as a spreadsheet program does it: what referred to them is lost."""
    last = sheet.max_row
    for row in range(first, last + 1):
        for cell in sheet[row + count] if row + count <= last else sheet[row]:
            here = sheet.cell(row, cell.column)
            moved = cell.value if row + count <= last else None
            if isinstance(moved, str) and moved.startswith("="):
                old, new = cell.coordinate, here.coordinate
                moved = Translator(moved, origin=old).translate_formula(new)
                above = f"{cell.column_letter}{row - 1}"
                moved = moved.replace(above, "#REF!") if row == first else moved
            here.value = moved


def edited(folder: ClassFolder, place: Path, edit: Callable[[Worksheet], None]) -> Path:
    book = load_workbook(solved(folder, STUDENT, place / "book.xlsx"))
    edit(book["Training"])
    book.save(place / "book.xlsx")
    return place / "book.xlsx"


@for_each(
    ("first", "count", "most"),
    [(6, 4, 12.0), (5, 1, 18.0), (9, 6, 8.0), (14, 1, 18.0), (5, 9, 2.0)],
)
def test_deleted_rows_were_asked_for_as_blank_ones_were(first, count, most, tmp_path):
    folder = begun(tmp_path, epochs=10)
    path = edited(folder, tmp_path, lambda sheet: without_rows(sheet, first, count))
    report, earned = marked(path)
    require_that_they_agree(report, earned)
    assert earned.points <= most
    gone = [f.why for f in report.findings if f.kind == "to fill in"]
    assert len(gone) == 12
    assert all("the rows of these epochs were deleted" in why for why in gone)


def test_deleted_columns_were_asked_for(tmp_path):
    folder = begun(tmp_path, epochs=10)
    names = ("∂E/∂h1", "∂E/∂w3", "∂E/∂w4")

    def edit(sheet: Worksheet) -> None:
        for cell in sheet[HEADINGS]:
            if cell.value in names:
                for row in range(HEADINGS, HEADINGS + 11):
                    sheet.cell(row, cell.column).value = None
        sheet.cell(HEADINGS, sheet.max_column + 2).value = None

    report, earned = marked(edited(folder, tmp_path, edit))
    require_that_they_agree(report, earned)
    assert earned.points == 15
    assert len(earned.parts) == 12


@for_each("reference", ["=L{}", "=K{}", "=U{}"])
def test_one_reference_in_every_column_is_no_slip(reference, tmp_path):
    folder = begun(tmp_path, blank=("loss", "gradients"))
    path = solved(folder, STUDENT, tmp_path / "book.xlsx", lambda name, f: "=0")
    book = load_workbook(path)
    for row in book["Training"].iter_rows(min_row=FIRST):
        for cell in row:
            if cell.value == "=0":
                cell.value = reference.format(cell.row)
    book.save(path)
    report, earned = marked(path)
    require_that_they_agree(report, earned)
    assert earned.points == 0


@for_each("cell, value", [("E5", 0.123), ("E6", "=E5"), ("K7", "=E7*C7"), ("B8", 3), ("U6", None)])
def test_what_was_given_and_is_changed_costs_one_column_and_is_no_contradiction(
    cell, value, tmp_path
):
    folder = begun(tmp_path, epochs=4)

    def edit(sheet: Worksheet) -> None:
        sheet[cell].value = value

    report, earned = marked(edited(folder, tmp_path, edit))
    require_that_they_agree(report, earned)
    assert report.verdict == "wrong"
    assert earned.points == 18.33
    assert earned.taken_off == ("1.67 for changed cell",)


# A class ------------------------------------------------------------------------------


def handed_in(folder: ClassFolder, change: Change, tell: Callable[[Path], None]) -> MarkedClass:
    target = Path(folder.path) / "handed-in" / "Ada-Lovelace.xlsx"
    tell(solved(folder, STUDENT, target, change))
    return mark_class(folder, 1)


def test_what_can_t_be_judged_is_named_to_student_and_teacher(tmp_path):
    folder = begun(tmp_path)
    found = handed_in(
        folder, lambda name, f: "=NOW()" if name == "∂E/∂w1" else f, lambda path: None
    )
    (remark,) = found.remarks
    assert "Ada Lovelace: no points for ∂E/∂w1, which can't be judged" in remark
    assert found.marks[0].points == 18.33
    page = Path(folder.path) / "feedback" / "Ada-Lovelace.html"
    assert "the function NOW" in page.read_text("utf-8")


def test_a_book_that_says_it_was_asked_for_less_is_marked_by_what_was_asked(tmp_path):
    """Ada deletes from the hidden sheet all that she hasn't solved, then her key, too."""
    folder = begun(tmp_path)

    def say_less(also_key: bool) -> Callable[[Path], None]:
        def edit(path: Path) -> None:
            book = load_workbook(path)
            sheet = book["Exercise"]
            lines = [row[0].value for row in sheet.iter_rows(values_only=False)]
            kept = [
                line
                for line in lines
                if not str(line).startswith(("blank ", "epochs ", *["key "] * also_key))
                or line == "blank gradients ∂E/∂o1"
            ]
            for row, line in enumerate([*kept, *[None] * (len(lines) - len(kept))], 1):
                sheet.cell(row, 1).value = line
            book.save(path)

        return edit

    def one(name: str, formula: str) -> str | None:
        return formula if name == "∂E/∂o1" else None

    for also_key in (False, True):
        found = handed_in(folder, one, say_less(also_key))
        assert found.marks[0].points <= 1.67, also_key


def test_a_workbook_of_one_weight_isn_t_the_exercise(tmp_path):
    folder = begun(tmp_path)
    from gradbook.net import parse
    from gradbook.report.workbook import write_workbook

    tiny = parse("input 1; dense 1 no bias; loss half squared error; sample 0.3 -> 0.7")
    write_workbook(tiny, Path(folder.path) / "handed-in" / "Ada-Lovelace.xlsx", epochs=4, rates=())
    found = mark_class(folder, 1)
    assert found.marks[0].points == 2.22  # 1 of the 9 gradients of the class's network
    assert any("isn't the exercise" in remark for remark in found.remarks)
