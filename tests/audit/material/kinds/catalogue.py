"""All kinds of books, what the outside witnesses say of each, and what the audit makes of it."""

from __future__ import annotations

import math
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradbook.audit.check_book import check
from gradbook.audit.findings import FROZEN, RIGHT, WRONG, BookReport
from tests.audit.material import by_hand
from tests.audit.material.kinds.descents import DESCENTS
from tests.audit.material.kinds.kind import MAIN, Kind, Values, on, typed
from tests.audit.material.kinds.networks import NETWORKS
from tests.audit.material.kinds.nothing import NOTHING
from tests.audit.material.kinds.optimisers import OPTIMISERS
from tests.audit.material.kinds.worked import WORKED
from tests.audit.material.made import Table, cells_of
from tests.audit.material.mutants import blamed
from tests.outside.witness import read_values, recalculate_all

FIRST_FORMULA = {  # of sheets by hand: a step's loss, its gradients and their weights
    "a line by SUMPRODUCT": ("H5", {"F5": "D5", "G5": "E5"}),
    "samples by INDEX and MOD": ("K5", {}),
    "samples by OFFSET and ROW": ("J5", {"I5": "F5"}),
    "Adam": ("C5", {"D5": "B5"}),
    "RMSprop": ("B5", {"C5": "A5"}),
    "a rate for every step": ("C5", {"D5": "B5"}),
    "weight decay in the update": ("", {}),
    "hinge loss": ("H5", {"I5": "D5", "J5": "E5", "K5": "F5"}),
    "logistic regression": ("I5", {"J5": "D5", "K5": "E5", "L5": "F5"}),
    "no loss cell": ("", {}),
    "a likelihood that is climbed": ("C5", {"D5": "A5"}),
    "measured slopes": ("", {}),
    "softmax": ("N5", {"O5": "B5", "P5": "C5", "Q5": "D5"}),
}
BY_HAND = {
    name: Kind(typed(by_hand.RIGHT[name]), loss, on(slopes))
    for name, (loss, slopes) in FIRST_FORMULA.items()
} | {name: Kind(typed(cells), is_training=False) for name, cells in by_hand.NO_TRAINING.items()}
KINDS: dict[str, Kind] = {**DESCENTS, **OPTIMISERS, **NETWORKS, **WORKED, **BY_HAND, **NOTHING}

# Judged by the audit ---------------------------------------------------------------

CONDEMNED, UNJUDGED = "condemned", "not judged"


@dataclass(frozen=True)
class Verdict:
    """What the audit says of a book: a word, and its reason."""

    word: str  # right, condemned, not judged
    words: str


def judged(kind: Kind, path: Path) -> Verdict:
    """What is said of the right book."""
    report = check(saved(kind, kind.table, path))
    if report.findings or report.verdict in (WRONG, FROZEN):
        return Verdict(CONDEMNED, _words(report))
    is_told = report.verdict == RIGHT or not kind.is_training
    return Verdict(RIGHT if is_told else UNJUDGED, _words(report))


def found(kind: Kind, mistake: Table, path: Path) -> Verdict:
    """Whether a mistake is found, in its very cells."""
    report = check(saved(kind, mistake, path))
    cells = blamed(report)
    is_found = bool(cells) and cells <= _whole(mistake)
    return Verdict("found" if is_found else "missed", _words(report))


def saved(kind: Kind, table: Table, path: Path) -> Path:
    table.save(path)
    if kind.iterates:
        _let_iterate(path)
    return path


def _let_iterate(path: Path) -> None:
    """Ask for iterative calculation, one step each time."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    book = parts["xl/workbook.xml"]
    parts["xl/workbook.xml"] = book.replace(b"<calcPr ", b'<calcPr iterate="1" iterateCount="1" ')
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _whole(table: Table) -> set[tuple[str, int, int]]:
    """The marked cells, array formulas with all of theirs."""
    cells = set(table.marked)
    for sheet, row, column in table.marked:
        content = table.sheets[sheet][row, column]
        if isinstance(content, str) and content.startswith("{"):
            cells |= {(sheet, *one) for one in cells_of(content[1:].partition("=")[0])}
    return cells


def _words(report: BookReport) -> str:
    notes = [note for sheet in report.sheets for note in sheet.notes]
    said = [f"{f.sheet}!{f.cells}: {f.kind}: {f.why}" for f in report.findings]
    what = said or [*notes, *report.notes, report.problem]
    return f"{report.verdict}: {'; '.join(filter(None, what))}"


# Judged by witnesses ---------------------------------------------------------------

NUDGE = 1e-5
MOST_AT_ONCE = 100  # books in one start of LibreOffice, which takes no more than some 250


def disagreements(kinds: Mapping[str, Kind], folder: Path) -> dict[str, list[str]]:
    """The cells of each right book that the witnesses compute otherwise.

    LibreOffice computes each book, and again with each weight a little more and less: the slope of
    the loss between the two is what the gradient is to be.
    """
    books: list[Path] = []
    folder.mkdir(exist_ok=True)

    def put(table: Table) -> int:
        books.append(table.save(folder / f"{len(books)}.xlsx"))
        return len(books) - 1

    asked = {}
    for name, kind in kinds.items():
        base = _with_loss(kind)
        nudged = {
            gradient: [put(_nudged(base, weight, step)) for step in (NUDGE, -NUDGE)]
            for gradient, weight in kind.slopes.items()
        }
        asked[name] = put(base), nudged
    done = [
        path
        for start in range(0, len(books), MOST_AT_ONCE)
        for path in recalculate_all(books[start : start + MOST_AT_ONCE], folder / "done")
    ]
    return {
        name: _differing(
            kinds[name],
            _numbers(done[base]),
            {g: [_loss(done[k]) for k in two] for g, two in nudged.items()},
        )
        for name, (base, nudged) in asked.items()
    }


LOSS_CELL = (0, 700)


def _with_loss(kind: Kind) -> Table:
    """The book with its loss in a cell of its own; a circle opened where it is meant."""
    made = kind.table.copy()
    if kind.loss:
        made.sheets[MAIN][LOSS_CELL] = f"={kind.loss}"
    if kind.iterates:
        for k, weight in enumerate(kind.slopes.values()):
            sheet, place = _place(weight)
            made.sheets[sheet][place] = 0.3 - 0.1 * k
    return made


def _nudged(table: Table, weight: str, step: float) -> Table:
    made = table.copy()
    sheet, place = _place(weight)
    content = made.sheets[sheet][place]
    made.sheets[sheet][place] = (
        f"=({content[1:]})+({step})" if isinstance(content, str) else content + step
    )
    return made


def _place(cell: str) -> tuple[str, tuple[int, int]]:
    sheet, _, name = cell.rpartition("!")
    return sheet, cells_of(name)[0]


def _numbers(path: Path) -> Values:
    return {
        f"{sheet}!{cell}": float(value)
        for sheet, cells in read_values(path).items()
        for cell, value in cells.items()
        if isinstance(value, int | float)
    }


def _loss(path: Path) -> float:
    return _numbers(path).get(f"{MAIN}!ZY1", math.nan)


def _differing(kind: Kind, values: Values, losses: Mapping[str, Sequence[float]]) -> list[str]:
    wanted = {g: kind.factor * (up - down) / (2 * NUDGE) for g, (up, down) in losses.items()}
    claims = kind.claims(defaultdict(lambda: math.nan, values))
    return [
        f"{cell} is {values.get(cell)}, the witness says {number}"
        for cell, number in [*wanted.items(), *claims.items()]
        if not abs(values.get(cell, math.nan) - number) <= kind.precision * (0.01 + abs(number))
    ]
