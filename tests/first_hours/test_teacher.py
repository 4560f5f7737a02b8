"""A teacher's first hour: twenty exercises, handed in with every usual mistake, and marked.

Who fills them in knows the chain rule and the headings of the table, and nothing of gradbook.
"""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from math import exp
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell

from gradbook.cli.main import main
from tests.first_hours.conftest import LINES

STUDENTS = 20
FIRST, LAST = 5, 24  # rows of the table that are blank
D1, D2 = (f"({{a_o{k}}}-{{t{k}}})*{{a_o{k}}}*(1-{{a_o{k}}})" for k in (1, 2))
HIDDEN = ((1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2))  # weight, its unit, its input
OUTPUT = ((5, 1, 1), (6, 1, 2), (7, 2, 1), (8, 2, 2))  # weight, its output, its unit
GRADIENTS = [f"∂E/∂w{k}" for k in range(1, 9)]
HIDDEN_ONES = GRADIENTS[:4]
HELPER, SECOND_HELPER = "AH", "AI"  # columns beside the table
Formulas = dict[str, str | float | None]


def slope(unit: int) -> str:
    return f"*{{a_h{unit}}}*(1-{{a_h{unit}}})"


def gradients(sums: str = "({0}*{{w{2}}}+{1}*{{w{3}}})", slopes: bool = True) -> Formulas:
    """By the chain rule; `sums` says how the ways through both outputs are added."""
    found: Formulas = {}
    for weight, unit, number in HIDDEN:
        ways = sums.format(D1, D2, 4 + unit, 6 + unit)
        found[f"∂E/∂w{weight}"] = f"={ways}{slope(unit) if slopes else ''}*{{i{number}}}"
    for weight, output, unit in OUTPUT:
        found[f"∂E/∂w{weight}"] = f"={(D1, D2)[output - 1]}*{{a_h{unit}}}"
    return found


def each(change: Callable[[str], str], names: list[str] = GRADIENTS) -> Formulas:
    right = gradients()
    return right | {name: change(str(right[name])) for name in names}


def swapped() -> Formulas:
    right = gradients()
    return right | {"∂E/∂w2": right["∂E/∂w3"], "∂E/∂w3": right["∂E/∂w2"]}


def by_helpers() -> Formulas:
    """Right by another formula: what an output hands back stands in cells of its own."""
    slopes = gradients("({{w{2}}}*{{δ1}}+{{w{3}}}*{{δ2}})")
    for weight, output, unit in OUTPUT:
        slopes[f"∂E/∂w{weight}"] = f"={{a_h{unit}}}*{{δ{output}}}"
    return slopes | {"δ1": f"={D1}", "δ2": "=-({t2}-{a_o2})*({a_o2}-{a_o2}^2)"}


def carried() -> Formulas:
    """w5's gradient lacks a slope, and w6's is made of it."""
    wrong = "=({a_o1}-{t1})*{a_o1}*{a_h1}"
    return gradients() | {"∂E/∂w5": wrong, "∂E/∂w6": "={∂E/∂w5}/{a_h1}*{a_h2}"}


@dataclass(frozen=True)
class Slip:
    """A mistake of the issue's list, and what it should cost."""

    formulas: Formulas
    wrong: list[str]  # the gradients that lose their points
    says: str = ""  # what the report says of it
    hint: str = ""  # and with --hints
    typed: tuple[str, ...] = ()  # numbers for formulas
    blank: list[str] = field(default_factory=list)


SLIPS: dict[str, Slip] = {
    "a path forgotten": Slip(
        gradients("{0}*{{w{2}}}"), HIDDEN_ONES, "lacks the path through E2", "a path of the chain"
    ),
    "t-a for a-t": Slip(
        each(lambda said: re.sub(r"\((\{a_o.\})-(\{t.\})\)", r"(\2-\1)", said)),
        GRADIENTS,
        "sign",
        "a minus sign is missing",
    ),
    "columns swapped": Slip(swapped(), ["∂E/∂w2", "∂E/∂w3"], "", "two columns of an exercise"),
    "halved": Slip(
        each(lambda said: f"=0.5*({said[1:]})"), GRADIENTS, "half", "the same factor is superfluous"
    ),
    "a slope forgotten": Slip(
        gradients(slopes=False), HIDDEN_ONES, "lacks the slope", "a factor of the chain"
    ),
    "one output only": Slip(
        gradients() | {"∂E/∂w3": str(gradients("{1}*{{w{3}}}")["∂E/∂w3"])},
        ["∂E/∂w3"],
        "lacks the path through E1",
        "a path of the chain",
    ),
    "numbers typed": Slip(
        gradients(), ["∂E/∂w5"], "a typed number", "a typed number", typed=("∂E/∂w5",)
    ),
    "another formula": Slip(by_helpers(), []),
    "blank": Slip(
        gradients() | {"∂E/∂w3": None, "∂E/∂w4": None},
        ["∂E/∂w3", "∂E/∂w4"],
        "still to be filled in",
        blank=["∂E/∂w3", "∂E/∂w4"],
    ),
    "carried on": Slip(carried(), ["∂E/∂w5"], "a factor is missing", "a factor of the chain"),
}
NAMES = list(SLIPS)


def slip_of(number: int) -> Slip:
    return SLIPS[NAMES[number % len(NAMES)]]


def due(slip: Slip) -> float:
    """Points of 20: a mistake costs once in however many columns, each blank column its own."""
    cost = len(slip.wrong) if slip.blank else min(1, len(slip.wrong))
    return 20 * (8 - cost) / 8


# Filled in by a script ------------------------------------------------------------------


def fill_in(path: Path, slip: Slip) -> set[str]:
    """The exercise with these formulas in its blanks; the cells that lose their points."""
    book = load_workbook(path)
    sheet = book["Training"]
    columns = {str(cell.value): cell.column_letter for cell in sheet[4] if cell.value}
    columns |= {"δ1": HELPER, "δ2": SECOND_HELPER}
    numbers = dict(zip(range(FIRST, LAST + 1), trained(book), strict=False)) if slip.typed else {}
    for name, said in slip.formulas.items():
        for row in range(FIRST, LAST + 1):
            cells = {one: f"{column}{row}" for one, column in columns.items()}
            formula = said.format(**Braced(cells)) if isinstance(said, str) else said
            sheet[cells[name]] = numbers[row][name] if name in slip.typed else formula
    book.save(path)
    return {f"{columns[name]}{row}" for name in slip.wrong for row in range(FIRST, LAST + 1)}


class Braced(dict[str, str]):
    """Names such as ∂E/∂w5, which `format` would otherwise take apart."""

    def __missing__(self, name: str) -> str:
        raise KeyError(name)


def trained(book: Workbook) -> Iterator[dict[str, float]]:
    """The gradients of each epoch, in plain floats: what a student types who uses a calculator."""
    values = {}
    for name, defined in book.defined_names.items():
        ((sheet, cell),) = defined.destinations
        values[name.partition("_")[0]] = book[sheet][cell.replace("$", "")].value
    w = [0.0, *(values[f"w{k}"] for k in range(1, 9))]
    i, t, rate = [0.0, values["i1"], values["i2"]], [0.0, values["t1"], values["t2"]], values["eta"]

    def sigmoid(x: float) -> float:
        return 1 / (1 + exp(-x))

    while True:
        h = [0.0, *(sigmoid(w[2 * k - 1] * i[1] + w[2 * k] * i[2]) for k in (1, 2))]
        o = [0.0, *(sigmoid(w[2 * k + 3] * h[1] + w[2 * k + 4] * h[2]) for k in (1, 2))]
        d = [0.0, *((o[k] - t[k]) * o[k] * (1 - o[k]) for k in (1, 2))]
        g = [0.0] * 9
        for weight, unit, number in HIDDEN:
            ways = d[1] * w[4 + unit] + d[2] * w[6 + unit]
            g[weight] = ways * h[unit] * (1 - h[unit]) * i[number]
        for weight, output, unit in OUTPUT:
            g[weight] = d[output] * h[unit]
        yield {f"∂E/∂w{k}": g[k] for k in range(1, 9)}
        w = [a - rate * b for a, b in zip(w, g, strict=True)]


# Marked -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Marked:
    """What the teacher has in the end."""

    folder: Path
    said: str
    lost: Mapping[str, set[str]]  # book → the cells that lose their points
    slips: Mapping[str, Slip]
    grades: Mapping[str, dict[str, str]]
    record: dict[str, object]

    @cached_property
    def returned(self) -> dict[str, Workbook]:
        return {name: load_workbook(self.folder / HANDED_IN / name) for name in self.lost}

    def stem(self, name: str) -> str:
        """What the student's own files are called."""
        return self.grades[name]["student"].replace(" ", "-")

    @cached_property
    def marked(self) -> dict[str, Workbook]:
        return {name: load_workbook(self.folder / "marked" / name) for name in self.lost}


def typed(line: str, code: int | None = None) -> str:
    assert line in LINES, f"no document has the line {line}"
    with redirect_stdout(StringIO()) as said:
        found = main(shlex.split(line)[1:])
    assert code is None or found == code
    return said.getvalue()


HANDED_IN = Path("rain", "handed-in")


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory) -> Iterator[Marked]:
    """Twenty students, of whom one has renamed the file; marked, checked with hints, and told as
    JSON."""
    folder = tmp_path_factory.mktemp("hour")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "100")
        rows = [f"Vorname{number};Müller" for number in range(1, STUDENTS + 1)]
        Path("names.csv").write_text("\n".join(["Vorname;Nachname", *rows]), "cp1252")
        typed("gradbook class init rain --names names.csv --check-sheet on --paper none", code=0)
        lost, slips = {}, {}
        for number in range(1, STUDENTS + 1):
            exercise = Path("rain", "exercises", f"Vorname{number}-Müller.xlsx")
            path = HANDED_IN / ("my homework (final).xlsx" if number == 4 else exercise.name)
            shutil.copy(exercise, path)
            slips[path.name] = slip_of(number)
            lost[path.name] = fill_in(path, slips[path.name])
        typed("gradbook class mark rain --hints", code=0)
        with open("rain/marks.csv", newline="", encoding="utf-8-sig") as file:
            grades = {row["file"]: row for row in csv.DictReader(file)}
        asked = ["check", str(HANDED_IN), "--hints", "-o", "class.html", "--annotate", "marked"]
        with redirect_stdout(StringIO()) as said:
            main(asked)
        with redirect_stdout(StringIO()) as record:
            main(["check", str(HANDED_IN), "--json"])
        told = json.loads(record.getvalue())
        yield Marked(folder, said.getvalue(), lost, slips, grades, told)


def test_the_table_has_everybody_by_name_with_the_points_that_are_due(handed_in):
    assert len(handed_in.grades) == STUDENTS
    points = {}
    for name, row in handed_in.grades.items():
        slip = handed_in.slips[name]
        points[name] = float(row["points"]), due(slip)
        is_right = not slip.wrong
        only_blank = bool(slip.blank) and slip.blank == slip.wrong
        assert row["verdict"] == ("right" if is_right else "unfinished" if only_blank else "wrong")
    assert {name: two for name, two in points.items() if two[0] != two[1]} == {}
    assert handed_in.grades["my homework (final).xlsx"]["student"] == "Vorname4 Müller"
    students = {row["student"] for row in handed_in.grades.values()}
    assert students == {f"Vorname{k} Müller" for k in range(1, STUDENTS + 1)}


def test_where_errors_are_carried_on_each_is_charged_once(handed_in):
    for book in handed_in.record["books"]:
        slip = handed_in.slips[Path(book["book"]).name]
        lost = {part["quantity"] for part in book["earned"] if part["share"] < 1}
        assert lost == set(slip.wrong)


def test_each_report_says_which_mistake_it_is(handed_in):
    for book in handed_in.record["books"]:
        slip = handed_in.slips[Path(book["book"]).name]
        findings = [finding for sheet in book["sheets"] for finding in sheet["findings"]]
        assert bool(findings) == bool(slip.wrong)
        assert any(slip.says in finding["why"] for finding in findings) or not findings


def is_marked(cell: Cell) -> bool:
    """Whether a cell has a note of ours."""
    return cell.comment is not None and cell.comment.author == "gradbook"


def test_copies_are_coloured_exactly_where_points_are_lost(handed_in):
    for name, lost in handed_in.lost.items():
        before = handed_in.returned[name]["Training"]
        after = handed_in.marked[name]["Training"]
        coloured = {
            cell.coordinate
            for row in after.iter_rows()
            for cell in row
            if cell.fill.fgColor.rgb != before[cell.coordinate].fill.fgColor.rgb
        }
        assert coloured == lost, name
        noted = {c.coordinate for row in after.iter_rows() for c in row if is_marked(c)}
        assert noted == lost, name


def test_hints_say_what_to_look_for_and_no_formula(handed_in):
    page = (handed_in.folder / "class.html").read_text("utf-8")
    told = [handed_in.said, page]
    for name, slip in handed_in.slips.items():
        copy = handed_in.marked[name]
        notes = [
            c.comment.text for row in copy["Training"].iter_rows() for c in row if is_marked(c)
        ]
        feedback = Path("rain", "feedback", f"{handed_in.stem(name)}.html")
        words = "\n".join([*notes, (handed_in.folder / feedback).read_text("utf-8")])
        assert slip.hint in words
        told.append(words)
    own = own_formulas(handed_in)
    for book in handed_in.record["books"]:
        for finding in (f for sheet in book["sheets"] for f in sheet["findings"]):
            secret = finding["expected"]
            assert secret in own or not secret or not any(secret in words for words in told)
            assert "add " not in finding["why"] or not any(finding["why"] in w for w in told)


def own_formulas(handed_in: Marked) -> set[str]:
    """What students wrote themselves, right or wrong: shown as what was found."""
    found = set()
    for book in handed_in.returned.values():
        sheet = book["Training"]
        found |= {str(c.value) for c in sheet[FIRST] if str(c.value).startswith("=")}
    return found


def test_nobody_is_suspected_for_making_a_usual_mistake(handed_in):
    """Who wrote the same helper cells in another way did have them of each other: of the script."""
    for similar in handed_in.record["similar"]:
        slips = {id(handed_in.slips[Path(book).name]) for book in similar["books"]}
        assert slips == {id(SLIPS["another formula"])}


def test_the_class_has_its_marks_and_its_commonest_mistakes(handed_in):
    each_slip = STUDENTS // len(SLIPS)
    points = [due(slip) for slip in handed_in.slips.values()]
    marks = handed_in.record["marks"]
    assert sum(part["books"] for part in marks["parts"]) == STUDENTS == marks["judged"]
    mean = sum(points) / STUDENTS / 20
    assert marks["mean"] / marks["out_of"] == pytest.approx(mean)
    kinds = {one["kind"]: one["books"] for one in handed_in.record["mistakes"]}
    assert kinds["missing term"] == 2 * each_slip
    assert kinds["missing factor"] >= 2 * each_slip
    assert kinds["swapped columns"] == kinds["pasted value"] == each_slip
    assert "Commonest mistakes" in handed_in.said
    assert "Commonest mistakes" in (handed_in.folder / "class.html").read_text("utf-8")
    row = rf"^ *{2 * each_slip} +a path of the chain rule is left out"
    assert re.search(row, handed_in.said, re.MULTILINE)
