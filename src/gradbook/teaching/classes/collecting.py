"""Collects books, folders and archives that students hand in; names keep their senders.

Every file is accounted for: it is copied as a book, or its name and the reason are kept.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from calendar import timegm
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO, StringIO
from pathlib import PurePath
from time import mktime

from gradbook import limits
from gradbook.archives import (
    FIRST_DAY,
    Archive,
    ArchiveError,
    EncryptedEntry,
    OddlyPacked,
    Overlarge,
    TooManyEntries,
)
from gradbook.audit.classes.submissions import LONGEST_NAME, is_by_a_program, is_handed_in
from gradbook.errors import UsageError
from gradbook.files import (
    InnerPath,
    as_bytes,
    in_order,
    inside,
    open_file,
    read_bytes,
    read_text,
    write_whole,
)
from gradbook.language import mark
from gradbook.language.message import Message
from gradbook.teaching.classes.folder import HANDED_IN, KEPT, ClassFolder
from gradbook.teaching.classes.senders import AGAIN, JOINT

ARCHIVE = ".zip"
ODDITIES = {
    EncryptedEntry: mark("can't read {file}: it is encrypted; remove the password"),
    OddlyPacked: mark("can't read {file}: it is packed in an unusual way; pack it as a usual .zip"),
    Overlarge: mark("can't read {file}: it unpacks to more than the limit"),
    TooManyEntries: mark("can't read {file}: it contains too many files"),
}
DAMAGED = mark("can't read {file}: it is damaged")
NO_BOOK = mark("{file} isn't a workbook, so it can't be marked: ask for an .xlsx or .ods file")
TOO_DEEP = mark("can't read {file}: it is an archive too deep in others; unpack it")
REASONS = (*ODDITIES.values(), DAMAGED, NO_BOOK, TOO_DEEP)
LEFT_OUT = "left-out.csv"  # in the folder of what is kept
DEEPEST = 2  # archives within archives
_ODD = re.compile(r'[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]')


# Into the folder ----------------------------------------------------------------------


@dataclass
class Collected:
    """How many books are new, and which files are none: by people, and by their systems."""

    new: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    by_programs: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [entry.message for entry in self.left_out]

    def leave_out(self, file: str, reason: str) -> None:
        self.left_out.append(LeftOut(file, reason))


@dataclass(frozen=True)
class LeftOut:
    """A file that was handed in and isn't a book that can be read, and why."""

    file: str  # with its folders and archives
    reason: str  # one of REASONS

    @property
    def message(self) -> Message:
        return Message(self.reason, file=self.file)


def collect(folder: ClassFolder, sources: Iterable[str]) -> Collected:
    """Copy the books in these files, folders and archives into handed-in, and unpack archives
    there; the names of all other files are kept, too.

    A book that is already there, byte for byte, isn't copied again.
    """
    for source in sources:
        if not os.path.exists(source):
            raise UsageError(f"there is no file or folder {source}")
    with folder.alone():
        collected = _take_in(folder.inside(HANDED_IN), sources)
        before = (entry for entry in left_out(folder) if not entry.file.startswith(f"{HANDED_IN}/"))
        every = dict.fromkeys([*before, *collected.left_out])
        text = StringIO()
        rows = ((entry.file, str(REASONS.index(entry.reason))) for entry in every)
        csv.writer(text).writerows(rows)
        if every or (folder.path / KEPT / LEFT_OUT).is_file():
            write_whole(folder.inside(KEPT) / LEFT_OUT, as_bytes(text.getvalue()))
        return collected


def left_out(folder: ClassFolder) -> list[LeftOut]:
    """The files that were left out so far."""
    path = folder.path / KEPT / LEFT_OUT
    rows = csv.reader(StringIO(read_text(path, limit=limits.LIST))) if path.is_file() else ()
    known = {str(number): reason for number, reason in enumerate(REASONS)}
    return [LeftOut(row[0], known[row[1]]) for row in rows if len(row) == 2 and row[1] in known]


def _take_in(goal: InnerPath, sources: Iterable[str]) -> Collected:
    books = (path for path in goal.iterdir() if is_handed_in(path.name))
    known = {_key(path.name, read_bytes(path, limits.BOOK)) for path in books}
    collected = Collected()
    for source in (*map(inside, sources), goal):
        called = f"{HANDED_IN}/" if source is goal else ""
        for book in _books(source, called, collected):
            name = kept_name(book.name)
            key = _key(name, book.content)
            if key not in known:
                known.add(key)
                _keep(book, goal / name)
                collected.new += 1
    return collected


@dataclass(frozen=True)
class _SentBook:
    name: str  # with its folders
    content: bytes
    moment: float


def _books(source: InnerPath, called: str, into: Collected) -> Iterator[_SentBook]:
    if source.is_dir():
        for path in sorted(source.files(), key=lambda path: in_order(str(path))):
            yield from _of_file(path, path.relative_to(source), called, into)
    else:
        yield from _of_file(source, source.name, called, into)


def _of_file(path: InnerPath, name: str, called: str, into: Collected) -> Iterator[_SentBook]:
    if is_by_a_program(name):
        into.by_programs.append(name)
    elif path.suffix.lower() == ARCHIVE:
        try:
            with open_file(path, limits.ARCHIVE) as file:
                yield from _of_archive(Archive(file), f"{called}{name}", DEEPEST, into)
        except ArchiveError as error:
            into.leave_out(f"{called}{name}", _reason(error))
    elif is_handed_in(name):
        with open_file(path, limits.BOOK) as file:
            yield _SentBook(name, file.read(), path.stat().st_mtime)
    else:
        into.leave_out(f"{called}{name}", NO_BOOK)


def _of_archive(archive: Archive, called: str, deep: int, into: Collected) -> Iterator[_SentBook]:
    for name in sorted(archive.names, key=in_order):
        file, is_archive = f"{called}/{name}", name.lower().endswith(ARCHIVE)
        if name.endswith("/"):
            continue  # a folder
        if is_by_a_program(name):
            into.by_programs.append(file)
            continue
        if deep == 1 if is_archive else not is_handed_in(name):
            into.leave_out(file, TOO_DEEP if is_archive else NO_BOOK)
            continue
        try:
            content = archive.bytes_of(name, limits.BOOK)
            if is_archive:
                within = BytesIO(content)
                inner = Archive(within, within=(archive, name))
                # the outer name says who sent it
                for book in _of_archive(inner, file, deep - 1, into):
                    yield _SentBook(f"{name}/{book.name}", book.content, book.moment)
                continue
        except ArchiveError as error:
            into.leave_out(file, _reason(error))
            continue
        yield _SentBook(name, content, _moment(archive.entries[name].date_time))


def _reason(error: ArchiveError) -> str:
    return ODDITIES.get(type(error), DAMAGED)


def _moment(date: tuple[int, int, int, int, int, int]) -> float:
    """When a file in an archive was last changed, in this machine's time zone."""
    try:
        return mktime((*date, 0, 0, -1))
    except (OverflowError, ValueError):
        return float(timegm(FIRST_DAY))


def kept_name(name: str) -> str:
    """A book's name in handed-in, which shows where the book came from."""
    path = PurePath(name.replace("\\", "/"))
    words = [_ODD.sub("", part).strip(" .") for part in path.with_suffix("").parts]
    stem, ending = JOINT.join(filter(None, words)) or "book", path.suffix.lower()
    while len(os.fsencode(stem + ending)) > LONGEST_NAME - 10:
        stem = stem[1:]
    return f"{stem}{ending}"


def _keep(book: _SentBook, target: InnerPath) -> None:
    """Save the book under that name, or under a numbered one if another book has it."""
    stem, number = target.stem, 1
    while target.exists():
        number += 1
        target = target.with_name(f"{stem} ({number}){target.suffix}")
    write_whole(target, book.content, book.moment)


def _key(name: str, content: bytes) -> tuple[str, bytes]:
    """Equal for one book from one sender; two students may hand in the same file."""
    return AGAIN.sub("", PurePath(name).stem), hashlib.sha256(content).digest()


def handed_in(folder: ClassFolder) -> list[InnerPath]:
    """The books in handed-in, in order."""
    goal = folder.inside(HANDED_IN)
    named = (path for path in goal.files() if is_handed_in(path.relative_to(goal)))
    return sorted((path for path in named if path.is_file()), key=lambda path: in_order(str(path)))
