"""The table of architectures and doors in bench/doors.md, and the figure that is said of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "bench" / "doors.md"
DOORS = ("ONNX, traced", "ONNX, dynamo", ".pt2")
HEAD = "| architecture | " + " | ".join(DOORS) + " |\n|---|" + "---|" * len(DOORS) + "\n"
TABLE = re.compile(re.escape(HEAD) + r"((?:\|.*\n)*)")
FIGURE = re.compile(r"\d+ of \d+ come in by at least two doors")


def rows() -> dict[str, list[str]]:
    """The doors by which each comes in, as the page has it."""
    found = TABLE.search(PAGE.read_text("utf-8"))
    assert found, "bench/doors.md has no such table"
    lines = found[1].splitlines()
    cells = ([cell.strip() for cell in line.strip("| ").split("|")] for line in lines)
    return {
        name: [door for door, cell in zip(DOORS, told, strict=True) if cell == "yes"]
        for name, *told in cells
    }


def figure(opened: Mapping[str, Sequence[str]]) -> str:
    several = sum(len(doors) >= 2 for doors in opened.values())
    return f"{several} of {len(opened)} come in by at least two doors"


def write_table(opened: Mapping[str, Sequence[str]]) -> None:
    lines = (
        f"| {name} | " + " | ".join("yes" if door in own else "–" for door in DOORS) + " |\n"
        for name, own in opened.items()
    )
    text = TABLE.sub(lambda _: HEAD + "".join(lines), PAGE.read_text("utf-8"))
    PAGE.write_text(FIGURE.sub(figure(opened), text), "utf-8", newline="\n")
