"""How long it takes to make a class's exercises, and to mark them.

    python bench/classroom.py [STUDENTS…] [--workers N] [--paper none]

Makes a class of this many students (default: 40) with handouts and keys, fills in every exercise as
students do, some with a mistake, and marks the class: feedback as workbook and page, a page of
the class, grades. Filling in isn't counted. Exits 1 if a mark isn't the one that the rubric gives
for the mistake.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import load_workbook

from gradbook.lab.classroom import personalise
from gradbook.report.workbook import write_workbook
from gradbook.teaching.classes.folder import ClassFolder, open_class

NETWORK = """name rain
input 2
dense 2
tanh
dense 1
sigmoid
loss half squared error
rate 0.5
sample 0.2 0.9 -> 1
"""
TRAINING, HEADINGS = "Training", 4  # the sheet, and the row with the columns' names
BLANK_CELL = re.compile(r'<c r="([A-Z]+[0-9]+)"( s="[0-9]+")/>')
MARKED = ("∂E/∂w1", "∂E/∂w6", "∂E/∂b3")  # columns that some students get wrong
WHOLE = 20  # points, in the default rubric


def right_formulas(folder: ClassFolder) -> dict[str, tuple[str, str]]:
    """The column and the formula of each blank cell on the sheet Training, the same for all."""
    student = folder.students[0]
    key = Path(folder.path).with_name("solution.xlsx")
    write_workbook(
        personalise(folder.plan.net(), student), key, epochs=folder.plan.epochs, rates=()
    )
    sheet = load_workbook(key)[TRAINING]
    return {
        cell.coordinate: (sheet.cell(HEADINGS, cell.column).value, cell.value[1:])
        for row in sheet.iter_rows(min_row=HEADINGS + 1)
        for cell in row
        if cell.data_type == "f"
    }


def part_of(folder: ClassFolder) -> str:
    """The part of a workbook with the sheet Training."""
    stem = folder.stems[folder.students[0]]
    names = load_workbook(Path(folder.path) / "exercises" / f"{stem}.xlsx").sheetnames
    return f"xl/worksheets/sheet{names.index(TRAINING) + 1}.xml"


def hand_in(
    folder: ClassFolder, student: str, right: Mapping[str, tuple[str, str]], odd: str, part: str
) -> None:
    """Hand in the exercise filled in, with one minus sign too many in the column `odd`."""
    stem = folder.stems[student]
    source = Path(folder.path) / "exercises" / f"{stem}.xlsx"
    with (
        ZipFile(source) as book,
        ZipFile(Path(folder.path) / "handed-in" / f"{stem}.xlsx", "w", ZIP_DEFLATED) as made,
    ):
        for name in book.namelist():
            content = book.read(name)
            if name == part:
                content = BLANK_CELL.sub(
                    lambda one: filled(one, right, odd), content.decode()
                ).encode()
            made.writestr(name, content)


def filled(cell: re.Match[str], right: Mapping[str, tuple[str, str]], odd: str) -> str:
    if cell[1] not in right:
        return cell[0]
    name, formula = right[cell[1]]
    said = f"-({formula})" if name == odd else formula
    said = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<c r="{cell[1]}"{cell[2]}><f>{said}</f></c>'


def measure(students: int, workers: int, paper: str, place: Path) -> bool:
    """Print the times; return whether every mark is right."""
    names = place / "names.csv"
    names.write_text("name\n" + "".join(f"Student {k}\n" for k in range(students)))
    (place / "rain.txt").write_text(NETWORK)
    begun = ["--names", "names.csv", "--net", "rain.txt", "--paper", paper]
    made, _ = timed(place, "init", workers, *begun)
    folder = open_class(place / "class")
    right = right_formulas(folder)
    odd = {name: (*MARKED, "")[k % 4] for k, name in enumerate(folder.students)}
    part = part_of(folder)
    for student in folder.students:
        hand_in(folder, student, right, odd[student], part)
    marked, _ = timed(place, "mark", workers)
    third, said = timed(place, "mark", workers)
    assert "feedback for 0 written" in said, said
    print(
        f"{students:,} students by {workers} workers: made in {made:.1f} s, marked in "
        f"{marked:.1f} s, both {made + marked:.1f} s; marked again in {third:.1f} s"
    )
    return all(is_right(row, odd) for row in rows(Path(folder.path) / "marks.csv"))


def timed(place: Path, what: str, workers: int, *more: str) -> tuple[float, str]:
    """Run the command as a user does; return its seconds and its output."""
    words = ["-m", "gradbook", "class", what, "class", "--workers", str(workers), *more]
    begin = perf_counter()
    done = subprocess.run(
        [sys.executable, *words], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return perf_counter() - begin, done.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def is_right(row: Mapping[str, str], odd: Mapping[str, str]) -> bool:
    """Whether the points are right for one wrong column, or for none."""
    columns = int(row["of"] or 1)
    share = (columns - bool(odd[row["student"]])) / columns
    return row["points"] != "" and abs(float(row["points"]) - WHOLE * share) < 0.01


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("students", nargs="*", type=int, default=[40])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--paper", default="a4", choices=("a4", "letter", "none"))
    options = parser.parse_args()
    is_well = True
    for students in options.students:
        with tempfile.TemporaryDirectory() as place:
            is_well &= measure(students, options.workers, options.paper, Path(place))
    print("every mark is what the rubric says" if is_well else "a mark is wrong")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
