"""Which books are exercises of ours, and what they ask for: as they say themselves."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.audit.formula.address import ROW, Address
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.plan.columns import FIRST_LINE, MOST_LINES, ExerciseRecord, read_record

EXERCISE_TITLE = ": an exercise"  # as the title of its first sheet ends


def record_in(book: Book) -> ExerciseRecord | None:
    """What a book says of itself; None of one that is no exercise of ours, or no longer says so."""
    return _recorded(book) or _described(book)


def _recorded(book: Book) -> ExerciseRecord | None:
    """What a sheet of its own says, in lines below each other."""
    first = next((cell for cell, value in book.values.items() if value == FIRST_LINE), None)
    return None if first is None else read_record(_lines(book, first))


def _lines(book: Book, cell: Address) -> Iterator[str]:
    """The texts from a cell down; a long one goes on to the right."""
    for line in range(cell, cell + MOST_LINES * ROW, ROW):
        if not isinstance(book.values.get(line), str):
            return
        pieces: list[str] = []
        while isinstance(piece := book.values.get(line + len(pieces)), str):
            pieces.append(piece)
        yield "".join(pieces)


def _described(book: Book) -> ExerciseRecord | None:
    """Books written before there was such a sheet have the network among their properties."""
    network = book.properties.get("description", "")
    titled = (v for v in book.values.values() if isinstance(v, str) and v.endswith(EXERCISE_TITLE))
    asks_usual = not any(name.startswith("fill_in_") for name in book.names)
    is_one = network and asks_usual and next(titled, None) is not None
    return ExerciseRecord(network, None, ()) if is_one else None
