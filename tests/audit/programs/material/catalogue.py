"""Programs that train by hand-written backpropagation, and mistakes planted in them.

Each folder beside this file holds one style of program, as users write them, and `truth.toml`:
what is to be said of each program, and the mistakes (a text to be replaced, and the line that is
wrong then). All gradients were held against finite differences of the programs' own losses; what
has two readings isn't planted. Nothing here knows the judge.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Program:
    path: Path
    verdict: str  # what is to be said of it as it stands: mostly "right"

    @property
    def style(self) -> str:
        return self.path.parent.name

    @property
    def name(self) -> str:
        return f"{self.style}/{self.path.stem}"

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Mistake:
    program: Program
    kind: str  # "axis", "transposed", "missing slope", …
    verdict: str  # "wrong", or "factor" where all gradients are off alike
    cell: int | None  # of a notebook; lines count within it
    line: int  # that is wrong, once the text is replaced
    also: tuple[int, ...]  # lines where the same change is as good
    old: str
    new: str

    @property
    def name(self) -> str:
        cell = f"cell {self.cell}, " if self.cell else ""
        return f"{self.program.name}, {cell}line {self.line}: {self.kind}"

    @property
    def text(self) -> str:
        """Of the wrong program."""
        pieces = _pieces(self.program.path.name, self.program.text)
        places = [number for number, piece in pieces.items() if self.old in piece]
        assert len(places) == 1, self.name
        assert pieces[places[0]].count(self.old) == 1, self.name
        pieces[places[0]] = pieces[places[0]].replace(self.old, self.new)
        return _joined(self.program.path.name, self.program.text, pieces)


def programs(folder: Path = HERE) -> list[Program]:
    return [
        Program(truth.parent / entry["name"], entry["verdict"])
        for truth in sorted(folder.glob("*/truth.toml"))
        for entry in tomllib.loads(truth.read_text("utf-8"))["program"]
    ]


def mistakes(folder: Path = HERE) -> list[Mistake]:
    known = {program.path: program for program in programs(folder)}
    return [
        Mistake(
            known[truth.parent / entry["program"]],
            entry["kind"],
            entry["verdict"],
            entry.get("cell"),
            entry["line"],
            tuple(entry.get("also", ())),
            entry["old"],
            entry["new"],
        )
        for truth in sorted(folder.glob("*/truth.toml"))
        for entry in tomllib.loads(truth.read_text("utf-8")).get("mistake", [])
    ]


def codes(name: str, text: str) -> list[str]:
    """The code of a program, or of each code cell of a notebook."""
    return list(_pieces(name, text).values())


def _pieces(name: str, text: str) -> dict[int | None, str]:
    """A program as one piece, numbered None; a notebook's code cells from 1."""
    if not name.endswith(".ipynb"):
        return {None: text}
    return {
        number: "".join(cell["source"])
        for number, cell in enumerate(_code_cells(json.loads(text)), start=1)
    }


def _joined(name: str, text: str, pieces: dict[int | None, str]) -> str:
    if not name.endswith(".ipynb"):
        return pieces[None]
    book = json.loads(text)
    for number, cell in enumerate(_code_cells(book), start=1):
        cell["source"] = pieces[number].splitlines(keepends=True)
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"


def _code_cells(book: dict) -> list[dict]:
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]
