"""A folder in which a training takes a moment: images, and a recipe for them."""

from __future__ import annotations

from pathlib import Path

from tests.lab import made

RECIPE = "strokes.txt"


def laid_out(folder: Path) -> Path:
    made.archive(folder)
    (folder / RECIPE).write_text(made.TEXT, encoding="utf-8")
    return folder
