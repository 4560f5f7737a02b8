"""The reports of very many books: in a file, one per line, read when they are needed.

A book whose content already has a report there needn't be judged again, so that an interrupted run
can be continued. Memory holds one number per book, however long its report is.

A line has all that is known about a book. The file may come from a stranger: lines contain no code,
and a malformed one isn't accepted as a report.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from os import PathLike, fspath
from pathlib import Path, PurePath
from tempfile import SpooledTemporaryFile, gettempdir
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from gradbook import __version__, limits
from gradbook.audit.classes.submissions import READ
from gradbook.audit.findings import (
    KINDS,
    UNREADABLE,
    VERDICTS,
    BookReport,
    Finding,
    SheetReport,
    fingerprint_of,
)
from gradbook.errors import DataError, GradbookError
from gradbook.files import InnerPath, note_read, require_file, said_plainly, write_whole
from gradbook.language.message import record_of_text, text_of_record
from gradbook.schema import (
    AnyNumber,
    AnyRecord,
    Anything,
    Choice,
    InTurn,
    Kind,
    ListOf,
    Maybe,
    Schema,
    SchemaError,
    TrueOrFalse,
    Usually,
    WholeNumber,
    read_json,
)

# A report as a line -----------------------------------------------------------


@dataclass(frozen=True)
class _Turned:
    """A conversion of a record's value into another type."""

    into: Callable[[Any], Any]
    kind: Kind

    def read(self, value: object) -> Any:
        try:
            return self.into(self.kind.read(value))
        except ValueError as error:
            raise SchemaError("a text or a message, nothing else") from error


def _texts(found: Mapping[str, object]) -> dict[str, str]:
    return {name: text_of_record(text) for name, text in found.items()}


CHOICES = {
    (Finding, "kind"): Choice(*KINDS),
    (SheetReport, "verdict"): Choice(*VERDICTS),
    (BookReport, "verdict"): Choice(*VERDICTS),
}
PLAIN: dict[Any, Kind] = {
    str: _Turned(text_of_record, Anything()),  # or a message with its parts
    int: WholeNumber(),
    float: AnyNumber(),
    bool: Usually(TrueOrFalse(), False),
}


@cache
def _kind_of(hint: Any) -> Kind:
    """The schema of a record that becomes a value of some type, a report or a part of one."""
    if is_dataclass(hint):
        made: Any = hint
        types = get_type_hints(made)
        names = [part.name for part in fields(made)]
        parts = {name: CHOICES.get((made, name)) or _kind_of(types[name]) for name in names}
        return _Turned(lambda found: made(**{name: found[name] for name in names}), Schema(**parts))
    match get_origin(hint), get_args(hint):
        case origin, (kind, other) if other is NoneType:
            return Maybe(_kind_of(kind))
        case origin, (kind, other) if other is Ellipsis:
            least = int(kind is float)  # numbers belong to a curve
            return _Turned(tuple, ListOf(_kind_of(kind), least))
        case origin, kinds if origin is tuple:
            return _Turned(tuple, InTurn(tuple(map(_kind_of, kinds))))
        case origin, (kind,) if origin is frozenset:
            return _Turned(frozenset, ListOf(_kind_of(kind)))
        case origin, _ if origin is Mapping:
            return _Turned(_texts, AnyRecord())
    return PLAIN[hint]


def line_of(report: BookReport) -> str:
    """The whole report as one line."""
    return json.dumps(report, default=_plain, separators=(",", ":"))


def report_of_line(line: str | bytes) -> BookReport:
    """The report in a line; a SchemaError if there is none."""
    report: BookReport = read_json(line, _kind_of(BookReport))
    return report


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {name: _with_messages(part) for name, part in vars(value).items()}
    assert isinstance(value, frozenset | Mapping)
    return sorted(value) if isinstance(value, frozenset) else dict(value)


def _with_messages(part: object) -> object:
    """A field whose messages keep their parts."""
    if isinstance(part, str):
        return record_of_text(part)
    return list(map(_with_messages, part)) if isinstance(part, tuple) else part


# The file ---------------------------------------------------------------------

NOWHERE = -1
IN_MEMORY = 16 * 2**20  # bytes of reports, beyond which they go to a file
HEAD = json.dumps({"reports of": f"gradbook {__version__}"}).encode() + b"\n"


class StoredReports(Sequence[BookReport]):
    """The reports of these books, in their order; each new one is a line at the file's end.

    Without a path they last as long as this object. An incomplete last line, left by a killed
    process, is removed.
    """

    def __init__(
        self, books: Sequence[str | PathLike[str]], path: str | PathLike[str] | None = None
    ) -> None:
        self.books = books
        self.path = path if isinstance(path, InnerPath) else Path(path or gettempdir())
        self.places = array("q", [NOWHERE]) * len(books)
        self.last = NOWHERE, BookReport("", "")
        with said_plainly("write", self.path):
            if path and self.path.exists():
                require_file(self.path.stat(), self.path)
            if path and not (self.path.exists() and self.path.stat().st_size):
                write_whole(self.path, HEAD)  # without which the file wouldn't be recognised
            self.file: Any = (
                self.path.open("a+b") if path else SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
            )
        if path:
            note_read(path)
        try:
            self.known = dict(self._lines())
        except BaseException:
            self.file.close()
            raise

    def __enter__(self) -> StoredReports:
        return self

    def __exit__(self, *_: object) -> None:
        with said_plainly("write", self.path):
            self.file.close()

    def list_missing(self) -> list[int]:
        """The numbers of the books that have no report yet."""
        if self.known:
            for number, book in enumerate(self.books):
                self.places[number] = self.known.get(_fingerprint(book), NOWHERE)
        return [number for number, place in enumerate(self.places) if place == NOWHERE]

    def put(self, number: int, report: BookReport) -> None:
        with said_plainly("write", self.path):
            self.places[number] = self.file.seek(0, 2)
            self.file.write(line_of(report).encode() + b"\n")
            self.file.flush()

    def __len__(self) -> int:
        return len(self.books)

    def __getitem__(self, number: Any) -> Any:
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        if self.last[0] != number:
            with said_plainly("read", self.path):
                self.file.seek(self.places[number])
                line = self.file.readline()
            self.last = number, replace(report_of_line(line), book=fspath(self.books[number]))
        return self.last[1]

    def _lines(self) -> Iterator[tuple[int, int]]:
        """Each book's fingerprint, and the place of its report in the file."""
        with said_plainly("read", self.path):
            self.file.seek(0)
            head = self.file.readline(len(HEAD) + 1)
            if not head:
                self.file.write(HEAD)
            elif head != HEAD:
                raise DataError(
                    f"it doesn't hold reports of gradbook {__version__}: name another file, or "
                    "remove this one",
                    file=self.path,
                )
            place = self.file.tell()
            while line := self.file.readline(limits.REPORT.most):
                if not line.endswith(b"\n") and len(line) < limits.REPORT.most:
                    with said_plainly("write", self.path):
                        self.file.truncate(place)
                    return
                with suppress(SchemaError, ValueError):
                    yield int(report_of_line(line).fingerprint, 16), place
                place = self.file.tell()


class ReadableReports(Sequence[BookReport]):
    """The reports on books that could be read."""

    def __init__(self, reports: Sequence[BookReport]) -> None:
        self.reports = reports
        self.places = [k for k, report in enumerate(reports) if report.verdict != UNREADABLE]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: Any) -> Any:
        return self.reports[self.places[number]]


def _fingerprint(book: str | PathLike[str]) -> int:
    """The fingerprint in a book's report; for a book that can't be read, one that no report has."""
    with suppress(GradbookError):
        if PurePath(book).suffix.lower() in READ:
            return int(fingerprint_of(book), 16)
    return NOWHERE
