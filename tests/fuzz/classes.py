"""What a class reads of its teacher and of its students: rubric, marks, plan, archives."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import score
from gradbook.audit.findings import KINDS, BookReport
from gradbook.files import inside
from gradbook.lab.classroom import personalise
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import Exercise
from gradbook.teaching.classes.collecting import LEFT_OUT, collect
from gradbook.teaching.classes.folder import (
    HANDED_IN,
    KEPT,
    NAMES,
    ClassFolder,
    ClassPlan,
    read_plan,
)
from gradbook.teaching.classes.marks_file import HEAD, OWN, read_ledger, update_ledger
from gradbook.teaching.classes.rubric import RUBRIC_TEXT, read_rubric
from tests.audit.material.mangled.packages import packed
from tests.fuzz.forms import bundle, parts_of
from tests.fuzz.grammars import Bytes

TODAY = 1_790_000_000.0  # seconds
PEOPLE = ("Ada Lovelace", "Müller, Zoë", "O'Neil")
RUBRIC = tuple(dict.fromkeys(re.findall(r"\S+", RUBRIC_TEXT)))


@cache
def _report() -> BookReport:
    """Of a book with every column blank."""
    with TemporaryDirectory() as folder:
        exercise = Exercise("Ada", seed="Ada")
        path = Path(folder, "book.xlsx")
        write_workbook(personalise(builtin("worked"), "Ada"), path, epochs=3, exercise=exercise)
        return check(path)


def read_rubric_and_mark(data: bytes, folder: Path) -> None:
    path = folder / "rubric.toml"
    path.write_bytes(data)
    rubric = read_rubric(path)
    for days in (rubric.days_late(TODAY), 3):
        scored = score(_report(), rubric, days)
        assert scored.points is None or 0 <= scored.points <= scored.out_of


def read_marks(data: bytes, folder: Path) -> None:
    """What the teacher wrote is the same once it was written again."""
    path = folder / "marks.csv"
    path.write_bytes(data)
    found = read_ledger(path)
    own = {student: dict(zip(OWN, entry.cells, strict=True)) for student, entry in found.items()}
    assert update_ledger(path, own) == found
    assert read_ledger(path) == found


def read_class(data: bytes, folder: Path) -> None:
    path = folder / "class.toml"
    path.write_bytes(data)
    plan = read_plan(path)
    path.write_text(plan.text(), encoding="utf-8")
    assert read_plan(path) == plan


def take_in(data: bytes, folder: Path) -> None:
    """Whatever an archive holds lies in handed-in, and nowhere else, once."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    own = home / "class"
    own.mkdir(parents=True)
    sent = home / "sent.zip"
    sent.write_bytes(data)
    (own / NAMES).write_text("name\n" + "\n".join(f'"{name}"' for name in PEOPLE))
    students = ClassFolder(inside(own), ClassPlan(str(builtin("worked"))))
    before = set(folder.rglob("*"))
    collected = collect(students, [str(sent)])
    made = {path for path in folder.rglob("*") if path not in before}
    goal, kept = own / HANDED_IN, own / KEPT
    made -= {kept, kept / LEFT_OUT}
    assert made - {goal} == set(goal.iterdir())
    assert len(made - {goal}) == collected.new
    assert collect(students, [str(sent)]).new == 0


# What they are made of ----------------------------------------------------------------

NUMBERS = st.sampled_from(["0", "1", "2.5", "20", "0.25"])


@st.composite
def rubrics(draw: DrawFn) -> bytes:
    lines = [f"out_of = {draw(NUMBERS)}"] * draw(st.booleans())
    lines += ["[points]", *(f'"{name}" = {draw(NUMBERS)}' for name in ("gradients", "∂E/∂w1"))]
    accept, most = draw(st.sampled_from(["true", "false"])), draw(NUMBERS)
    lines += ["[mistakes]", f"accept_elsewhere = {accept}", f"repeated = {most}", "[deductions]"]
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), unique=True, max_size=3))
    lines += [f'"{kind}" = {draw(NUMBERS)}' for kind in kinds]
    due = draw(st.datetimes(datetime(1971, 1, 1), datetime(2999, 12, 31))).isoformat()
    lines += ["[late]", f"due = {due}", f"per_day = {draw(NUMBERS)}"]
    return "\n".join(lines).encode()


@st.composite
def marks(draw: DrawFn) -> bytes:
    """As a spreadsheet saves it again."""
    mark = draw(st.sampled_from([",", ";", "\t"]))
    rows = [mark.join(HEAD)]
    remarks = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=9)
    for name in draw(st.lists(st.sampled_from(["Ada", "Zoë", "-Bo"]), unique=True)):
        remark = draw(remarks).replace('"', '""')
        points, days = draw(NUMBERS), draw(st.sampled_from(["", "0", "3"]))
        cells = [name, "1", "2", points, days, f'"{remark}"', *[""] * (len(HEAD) - 6)]
        rows.append(mark.join(cells))
    return "\n".join(rows).encode()


def plans() -> Bytes:
    blank = st.lists(st.sampled_from(["gradients", "forward"]), min_size=1, unique=True)
    text = str(builtin("worked"))
    made = st.builds(ClassPlan, st.just(text), blank.map(tuple), st.integers(0, 9), st.booleans())
    return made.map(lambda plan: plan.text().encode())


FOLDERS = st.sampled_from(
    ["", "Ada Lovelace_12_assignsubmission_file_/", "../", "/", "..\\", "a/b/"]
)
NAMED = st.sampled_from(
    ["ada.xlsx", "O'Neil.ods", "lovelaceada_LATE_1_2_x.xlsx", "notes.txt", ".x"]
)


def sent() -> Bytes:
    """An archive of books, perhaps with another one in it."""
    books = st.dictionaries(
        st.builds(str.__add__, FOLDERS, NAMED), st.binary(max_size=40), max_size=4
    )
    nested = st.tuples(books, books).map(lambda two: two[0] | {"more.zip": packed(two[1])})
    return (books | nested).map(bundle)


def take_in_parts(data: bytes, folder: Path) -> None:
    take_in(packed(parts_of(data)), folder)


def archives() -> Bytes:
    return sent().map(lambda data: packed(parts_of(data)))
