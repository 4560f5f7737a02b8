"""Names that steer a terminal, turn a line round or pass for a formula, wherever they show."""

from __future__ import annotations

import csv
import html
import re
import zipfile
from pathlib import Path
from random import Random

import numpy as np

from tests.data.made import pixels, save, table
from tests.hostile.cases import CONTROLS, Case, Words

MARK = "41077"  # what none of our own formulas and cells holds
FORMULA, QUOTED = re.compile("<(c:)?f>([^<]*)"), re.compile('"[^"]*"')
ODD = (
    *(f"={MARK}+1", f"+{MARK}", f"-{MARK}+1", f"@SUM({MARK})", f"\t={MARK}", f"＝{MARK}"),
    *(
        f"\x9b31m{MARK}",
        f"\x1b]0;{MARK}\x07",
        f"\u202e{MARK}\u2066",
        f"a\x85{MARK}",
        f"\u2028{MARK}",
    ),
    *(f"<script>{MARK}</script>", f"=cmd|'/c {MARK}'!A0", f"{MARK}\x00", f"a\r\nb{MARK}"),
)
STEERING = [*"\x1b\x9b\u202e\u2066\u200f\x07\x00\x85\u2028\x7f", "\r\n"]
NET = "input 2; dense 2 no bias; sigmoid; dense 2; softmax; loss cross-entropy"


def odd(draw: Random) -> str:
    """One that is known to be trouble, or one that nobody has seen before."""
    if draw.random() < 0.4:
        return draw.choice(ODD)
    letters = [*MARK, *draw.sample(STEERING, draw.randint(0, 3)), *draw.sample("<&\"'ß字+ ;{%", 2)]
    draw.shuffle(letters)
    text = "".join(letters)
    return draw.choice(["", "=", "+", "-", "@", "\t=", "＝", " ="]) + text + MARK


def _classes(folder: Path, draw: Random) -> Words:
    """A data set whose classes, and whose folder, are called so."""
    name = odd(draw).replace("\x00", "").replace("\r\n", "\x85").replace("/", "_")
    where = folder / f"set{odd(draw)}".replace("/", "_").replace("\x00", "")
    where.mkdir()
    rows = pixels(12, 16)
    (where / "train.csv").write_text(table(rows, [name, "b", "c"] * 4), encoding="utf-8")
    return ["data", where.name, *draw.choice([[], ["--json"], ["--verify"], ["--show", "3"]])]


def _idx_classes(folder: Path, draw: Random) -> Words:
    save(folder, "train-images-idx3-ubyte", pixels(12, 5, 4))
    save(folder, "train-labels-idx1-ubyte", np.arange(12, dtype=np.uint8) % 3)
    lines = [
        odd(draw).replace("\r\n", "").replace("\x85", "").replace("\u2028", ""),
        "b",
        "c",
    ]
    (folder / "classes.txt").write_bytes("\n".join(lines).encode())
    return ["data", ".", *draw.choice([[], ["--json"]])]


def _columns(folder: Path, draw: Random) -> Words:
    """A table whose headings and classes are called so, in a workbook, a page or a derivation."""
    names = [odd(draw) for _ in range(3)]
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for k in range(8):
            writer.writerow([k / 10, 1 - k / 10, [names[0], "b"][k % 2]])
    verb = draw.choice(["sheet", "explain", "play"])
    out = {"sheet": "made.xlsx", "explain": "made.html", "play": "made.html"}[verb]
    few = ["--epochs", "5"] if verb == "sheet" else []
    return [verb, NET, "--data", "table.csv", "-o", out, *few]


def _learned(folder: Path, draw: Random) -> Words:
    """A table that is learned, whose columns and words are called so."""
    names = [odd(draw), "b", odd(draw)]
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for k in range(40):
            writer.writerow([k % 7, draw.choice(["red", names[0]]), [names[0], "b"][k % 2]])
    target = ["train", "table.csv", "--target", names[2].strip(), "--epochs", "2", "-o", "made"]
    return [word.replace("\x00", "") for word in target]


def _books(folder: Path, draw: Random) -> Words:
    """Workbooks whose files, sheets and cells are called so."""
    from tests.audit.material.copies import WRONG
    from tests.audit.material.lookalikes import book

    name = odd(draw).replace("/", "_").replace("\x00", "")
    path = folder / f"{name}.xlsx"
    try:
        book(path, WRONG, headings={"w3": odd(draw)})
    except (UnicodeEncodeError, ValueError):
        book(path, WRONG)
    asked = draw.choice([["--json"], [], ["-o", "made.csv"], ["-o", "made.html"]])
    return ["check", "./" + path.name, *asked]


def shown_raw(folder: Path) -> list[str]:
    """The names that passed into a file as controls, or as formulas."""
    found = []
    for file in sorted(folder.rglob("made*")):
        if file.suffix == ".xlsx":
            with zipfile.ZipFile(file) as archive:
                said = "".join(
                    archive.read(name).decode("utf-8", "replace")
                    for name in archive.namelist()
                    if name.endswith(".xml")
                )
            formulas = [QUOTED.sub("", found[2]) for found in FORMULA.finditer(said)]
            if any(MARK in formula for formula in formulas):
                found.append(f"{file.name}: a formula")
        elif file.suffix == ".csv":
            cells = [
                cell for row in csv.reader(file.read_text("utf-8-sig").splitlines()) for cell in row
            ]
            if any(MARK in cell and cell.lstrip()[:1] in "=+-@＝" for cell in cells):
                found.append(f"{file.name}: a formula")
            said = " ".join(cells)
        elif file.suffix in (".html", ".json"):
            said = html.unescape(file.read_text("utf-8"))
        else:
            continue
        if CONTROLS.search(said):
            found.append(f"{file.name}: control characters")
    return found


CASES = [
    Case("classes of a table", _classes, codes=(0, 2), look=shown_raw),
    Case("classes.txt", _idx_classes, codes=(0, 2), look=shown_raw),
    Case("columns of a table", _columns, codes=(0, 2), look=shown_raw),
    Case("a table that is learned", _learned, codes=(0, 2), look=shown_raw),
    Case("workbooks", _books, codes=(0, 1, 2), look=shown_raw),
]
