"""Where inputs are kept: those that are read in every test, and what a search has found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.watched import Outcome

CORPUS = Path(__file__).parent / "corpus"
FINDS = Path(__file__).parent / "finds"


def inputs(name: str) -> Iterator[Path]:
    """The files that are kept of a target."""
    for place in (CORPUS, FINDS):
        yield from sorted((place / name).glob("*"))


def named(kind: str) -> str:
    """A kind of fault as a file's name."""
    return re.sub("[^A-Za-z0-9]+", "-", kind).strip("-")


def keep(name: str, found: Outcome, data: bytes, finds: Path = FINDS) -> tuple[Path, bool]:
    """Where a find is kept, the smallest of its kind, and whether it is the first of it."""
    file = finds / name / named(found.kind)
    is_new = not file.exists()
    if is_new or len(data) < file.stat().st_size:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return file, is_new
