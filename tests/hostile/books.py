"""Workbooks mangled in their bytes, XML, zip or formulas, and some that are hard to judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.audit.material.mangled.bases import BASES, Parts, parts_of
from tests.audit.material.mangled.packages import mangled
from tests.hostile.cases import Case, Words

ASKED = ([], [], ["--json"], ["-o", "made.html"], ["--fix", "made"], ["--annotate", "made"])


class Bases(Mapping[str, Parts]):
    """What the books are before they are mangled, each made when it is first asked for."""

    def __getitem__(self, name: str) -> Parts:
        return _base(name)

    def __iter__(self) -> Iterator[str]:
        return iter(BASES)

    def __len__(self) -> int:
        return len(BASES)


@cache
def _base(name: str) -> Parts:
    with TemporaryDirectory() as folder:
        path = Path(folder, "base.xlsx")
        BASES[name](path)
        return parts_of(path)


def _mangled(folder: Path, draw: Random) -> Words:
    (folder / "book.xlsx").write_bytes(mangled(Bases(), draw.getrandbits(48))[1])
    return ["check", "book.xlsx", *draw.choice(ASKED)]


def _hard(folder: Path, draw: Random) -> Words:
    """Formulas nested deep, of many terms, or each wrong in a way of its own."""
    from bench.large_books import each_row_wrong, many_terms, nested

    path, kind = folder / "book.xlsx", draw.randrange(3)
    if kind == 0:
        nested(path, draw.randint(5, 60))
    elif kind == 1:
        many_terms(path, draw.randint(20, 150))
    else:
        each_row_wrong(path, draw.randint(5, 150))
    return ["check", "book.xlsx"]


MANGLED = Case("a mangled workbook", _mangled, codes=(0, 1, 2))
HARD = Case("a workbook that is hard to judge", _hard, codes=(0, 1, 2))
CASES = [*[MANGLED] * 60, HARD]
