"""An engineer's first hour: a folder of pictures and a table become models and predictions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

STROKES = {  # of three letters, in tenths of a sheet
    "L": [(2, 1, 2, 9), (2, 9, 8, 9)],
    "T": [(1, 1, 9, 1), (5, 1, 5, 9)],
    "X": [(1, 1, 9, 9), (9, 1, 1, 9)],
}
OFF = 1.5  # tenths of a sheet: how far a letter may lie off the middle


@pytest.fixture
def desk(tmp_path):
    random = np.random.default_rng(0)
    for letter in STROKES:
        (tmp_path / "letters" / letter).mkdir(parents=True)
        for k in range(60):
            _drawn(letter, random).save(tmp_path / "letters" / letter / f"{k}.png")
    _write_houses(tmp_path / "houses.csv", 200, random)
    _write_houses(tmp_path / "new.csv", 20, random)
    return tmp_path


def _drawn(letter: str, random: np.random.Generator) -> Image.Image:
    """Dark on light, on sheets of different sizes."""
    side = int(random.integers(30, 60))
    sheet = Image.new("L", (side, side), int(random.integers(225, 250)))
    right, down = random.uniform(-OFF, OFF, 2)
    for x, y, to_x, to_y in STROKES[letter]:
        ends = np.array([x + right, y + down, to_x + right, to_y + down]) * side / 10
        ImageDraw.Draw(sheet).line(ends.tolist(), fill=40, width=max(side // 12, 2))
    return sheet


def _write_houses(file: Path, count: int, random: np.random.Generator) -> None:
    area, rooms = random.uniform(40, 200, count), random.integers(1, 7, count)
    towns = random.choice(["north", "south"], count)
    prices = 2000 * area + 10_000 * rooms + 50_000 * (towns == "south")
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["id", "price", "area", "rooms", "town", "address"])
        for k, facts in enumerate(zip(prices, area, rooms, towns, strict=True)):
            rows.writerow([k, *facts, f"{k} High Street"])


@pytest.mark.witness("cc")
def test_a_folder_of_pictures_becomes_a_model_that_reads_others(desk, typed):
    told = typed("gradbook train --data letters/")
    assert told.startswith("quick, adapted to letters: ")
    assert "3 classes" in told
    assert "warped on a background of 2" in told
    result = json.loads(Path("runs/quick/result.json").read_text())
    assert result["test_accuracy"] > 0.95
    assert "<h1>quick, adapted to letters</h1>" in Path("runs/quick/report.html").read_text("utf-8")
    picture = _drawn("T", np.random.default_rng(7))
    picture.save("six.jpg")
    assert typed("gradbook predict runs/quick six.jpg").split()[1] == "T"


def test_a_table_becomes_a_model_that_predicts_new_rows(desk, typed):
    command = "gradbook train houses.csv --target price --ignore id,address"
    told = typed(command)
    assert "learns price (numbers from " in told
    assert "from area, rooms, town" in told
    assert json.loads(Path("runs/houses/result.json").read_text())["r2"] > 0.95
    command = "gradbook predict runs/houses new.csv -o predicted.csv"
    assert typed(command).strip() == "wrote predicted.csv: 20 rows"
    with open("predicted.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    off = [abs(float(row["price"]) - float(row["price: predicted"])) for row in rows]
    assert np.median(off) < 30_000
