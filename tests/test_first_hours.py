"""First hours of a student, a teacher and an engineer, by the commands as the docs have them."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook
from PIL import Image, ImageDraw

from gradbook.cli.main import VERBS, main, verb_parser
from tests.conftest import REQUIRE_ALL
from tests.outside.witness import read_values, recalculate

ROOT = Path(__file__).parents[1]
SAID = "\n".join(
    [
        *(path.read_text("utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))),
        *(verb_parser(verb).format_help() for verb in VERBS),
    ]
)
LINES = {
    line.partition("  ")[0].partition(" #")[0].strip() for line in map(str.strip, SAID.splitlines())
}

pytestmark = pytest.mark.witness("cc")


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """`typed(line)`: a command that the docs have, typed in an empty folder; what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(line: str, fewer: int = 30, code: int = 0) -> str:
        assert line in LINES, f"no document has the line {line}"
        assert main(shlex.split(line.replace("1-30", f"1-{fewer}"))[1:]) == code
        return capsys.readouterr().out

    return run


@pytest.mark.witness("libreoffice")
def test_a_student_works_the_exercise_and_reads_digits(typed, tmp_path):
    assert "0.01288082" in typed("gradbook explain")
    typed("gradbook explain mazur --only w5")
    typed("gradbook sheet")
    values = read_values(recalculate(tmp_path / "worked.xlsx", tmp_path / "again"))
    training = values["Training"]
    epochs = [training[cell] for cell in training if re.fullmatch(r"A[0-9]+", cell)]
    assert [epoch for epoch in epochs if isinstance(epoch, int | float)] == list(range(1, 71))
    assert "saturated" in typed("gradbook sweep xor") + typed("gradbook sweep worked")
    typed("gradbook train")
    result = json.loads((tmp_path / "runs" / "quick" / "result.json").read_text("utf-8"))
    assert result["parameters"] < 20_000
    assert result["test_accuracy"] > 0.994
    assert result["epochs"] < 20
    typed('gradbook explain runs/quick --only "conv2 3,1,0,2" --image 7')


def hand_in(exercise: Path, answers: dict[str, str], wrong: bool) -> None:
    """The exercise with its blanks filled in; the first gradient with the wrong sign, if so."""
    book = load_workbook(exercise)
    first = min(answers, key=lambda place: book["Training"][place].column)
    spoilt = first.rstrip("0123456789")
    for place, formula in answers.items():
        is_first = wrong and place.rstrip("0123456789") == spoilt
        book["Training"][place] = f"=-({formula[1:]})" if is_first else formula
    book.save(exercise)


def answers_to(exercise: Path, solved: Path) -> dict[str, str]:
    """The formulas that an exercise leaves out, by their places."""
    blank, whole = (load_workbook(path)["Training"] for path in (exercise, solved))
    return {
        cell.coordinate: cell.value
        for row in whole.iter_rows(min_row=5)
        for cell in row
        if str(cell.value).startswith("=") and blank[cell.coordinate].value is None
    }


def test_a_teacher_hands_out_exercises_and_marks_them(typed, tmp_path):
    students = 30 if REQUIRE_ALL else 6
    typed("gradbook sheet --exercise 7 --solution")
    answers = answers_to(*(tmp_path / f"worked-exercise-7{end}.xlsx" for end in ("", "-solution")))
    assert len({place.rstrip("0123456789") for place in answers}) == 8
    typed("gradbook sheet --exercise 1-30 -o class", students)
    (tmp_path / "class").rename(tmp_path / "submissions")
    books = [tmp_path / "submissions" / f"worked-exercise-{k}.xlsx" for k in range(1, students + 1)]
    for number, book in enumerate(books):
        hand_in(book, answers, wrong=number % 3 == 0)
    typed("gradbook check submissions --html class.html --csv grades.csv --out-of 20", code=1)
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8-sig") as file:
        grades = {row["file"]: row for row in csv.DictReader(file)}
    assert len(grades) == students
    for number, book in enumerate(books):
        (row,) = (row for name, row in grades.items() if Path(name).name == book.name)
        wrong = number % 3 == 0
        assert row["verdict"] == ("wrong" if wrong else "right")
        assert (float(row["points"]) < 20) == wrong
        assert ("∂E/∂w1" in row["first finding"]) == wrong


def shapes(folder: Path, count: int) -> None:
    """Pictures of three kinds, a folder for each."""
    random = np.random.default_rng(0)
    for kind in ("bar", "cross", "ring"):
        (folder / kind).mkdir(parents=True)
        for k in range(count):
            picture = Image.new("L", (24, 24), 240)
            draw = ImageDraw.Draw(picture)
            x, y = random.integers(5, 9, 2)
            box = (x, y, x + 11, y + 11)
            match kind:
                case "bar":
                    draw.line((x + 5, y, x + 5, y + 11), fill=20, width=3)
                case "cross":
                    draw.line(box, fill=20, width=3)
                    draw.line((x, y + 11, x + 11, y), fill=20, width=3)
                case "ring":
                    draw.ellipse(box, outline=20, width=3)
            picture.save(folder / kind / f"{k}.png")


def houses(file: Path, count: int, with_price: bool = True) -> None:
    """A table with words and numbers, and a price that hangs on both."""
    random = np.random.default_rng(1)
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["id", "rooms", "garden", "area", *["price"] * with_price])
        for k in range(count):
            rooms, area = int(random.integers(1, 7)), float(random.uniform(30, 200))
            garden = str(random.choice(["yes", "no"]))
            price = 20 * rooms + 3 * area + 50 * (garden == "yes")
            rows.writerow([k, rooms, garden, f"{area:.1f}", *[f"{price:.1f}"] * with_price])


def test_an_engineer_trains_on_pictures_and_on_a_table(typed, tmp_path, capsys):
    shapes(tmp_path / "fashion", 60)
    (tmp_path / "mine.txt").write_text(
        "input 1x24x24\nconv 6 3x3\nbatchnorm\nrelu\nmaxpool 2\n"
        "conv 8 3x3\nrelu\navgpool all\nflatten\ndense 3\nsoftmax\nepochs 8\nbatch 16\n",
        "utf-8",
    )
    typed("gradbook train mine.txt --data fashion/ -o runs/fashion")
    result = json.loads((tmp_path / "runs" / "fashion" / "result.json").read_text("utf-8"))
    assert result["test_accuracy"] > 0.9
    main(["predict", "runs/fashion", "fashion/ring/0.png", "--json"])
    assert json.loads(capsys.readouterr().out)["readings"][0]["reading"] == "ring"
    houses(tmp_path / "houses.csv", 600)
    typed("gradbook train houses.csv --target price --ignore id")
    houses(tmp_path / "new.csv", 40, with_price=False)
    typed("gradbook predict runs/houses new.csv -o predicted.csv")
    predicted = list(csv.DictReader((tmp_path / "predicted.csv").read_text("utf-8").splitlines()))
    assert len(predicted) == 40
    column = next(name for name in predicted[0] if "price" in name)
    new = csv.DictReader((tmp_path / "new.csv").read_text("utf-8").splitlines())
    for row, given in zip(predicted, new, strict=True):
        true = 20 * int(given["rooms"]) + 3 * float(given["area"]) + 50 * (given["garden"] == "yes")
        assert abs(float(row[column]) - true) < 60
