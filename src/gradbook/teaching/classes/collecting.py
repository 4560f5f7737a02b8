"""Collects books, folders and archives that students hand in; names keep their senders."""

from __future__ import annotations

import hashlib
import os
import re
from calendar import timegm
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from gradbook.audit.classes.submissions import LONGEST_NAME, is_handed_in
from gradbook.errors import UsageError
from gradbook.files import (
    InnerPath,
    in_order,
    inside,
    open_file,
    read_bytes,
    write_whole,
)
from gradbook.language import mark
from gradbook.language.message import Message
from gradbook.teaching.classes.folder import HANDED_IN, ClassFolder
from gradbook.teaching.classes.senders import AGAIN, JOINT

ARCHIVE = ".zip"
ODDITIES = {
    EncryptedEntry: mark("can't read {file}: it is encrypted; remove the password"),
    OddlyPacked: mark("can't read {file}: it is packed in an unusual way; pack it as a usual .zip"),
    Overlarge: mark("can't read {file}: it unpacks to more than the limit"),
    TooManyEntries: mark("can't read {file}: it contains too many files"),
}
DAMAGED = mark("can't read {file}: it is damaged")
DEEPEST = 2  # archives within archives
_ODD = re.compile(r'[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]')


# Into the folder ----------------------------------------------------------------------


def collect(folder: ClassFolder, sources: Iterable[str]) -> tuple[int, list[str]]:
    """Copy the books in these files, folders and archives into handed-in, and unpack archives
    there; return how many books are new, and what couldn't be read.

    A book that is already there, byte for byte, isn't copied again.
    """
    for source in sources:
        if not os.path.exists(source):
            raise UsageError(f"there is no file or folder {source}")
    with folder.alone():
        return _take_in(folder.inside(HANDED_IN), sources)


def _take_in(goal: InnerPath, sources: Iterable[str]) -> tuple[int, list[str]]:
    books = (path for path in goal.iterdir() if is_handed_in(path.name))
    known = {_key(path.name, read_bytes(path, limits.BOOK)) for path in books}
    new, problems = 0, list[str]()
    for source in (*map(inside, sources), goal):
        for book in _books(source, problems):
            name = kept_name(book.name)
            key = _key(name, book.content)
            if key not in known:
                known.add(key)
                _keep(book, goal / name)
                new += 1
    return new, problems


@dataclass(frozen=True)
class _SentBook:
    name: str  # with its folders
    content: bytes
    moment: float


def _books(source: InnerPath, problems: list[str]) -> Iterator[_SentBook]:
    if source.is_dir():
        for path in sorted(source.files(), key=lambda one: in_order(str(one))):
            yield from _of_file(path, path.relative_to(source), problems)
    else:
        yield from _of_file(source, source.name, problems)


def _of_file(path: InnerPath, name: str, problems: list[str]) -> Iterator[_SentBook]:
    if path.suffix.lower() == ARCHIVE:
        try:
            with open_file(path, limits.ARCHIVE) as file:
                yield from _of_archive(Archive(file), name, DEEPEST, problems)
        except ArchiveError as error:
            problems.append(_problem(str(path), error))
    elif is_handed_in(name):
        with open_file(path, limits.BOOK) as file:
            yield _SentBook(name, file.read(), path.stat().st_mtime)


def _of_archive(
    archive: Archive, called: str, deep: int, problems: list[str]
) -> Iterator[_SentBook]:
    from io import BytesIO

    for name in sorted(archive.names, key=in_order):
        is_archive = name.lower().endswith(ARCHIVE) and deep > 1
        if not is_archive and not is_handed_in(name):
            continue
        try:
            content = archive.bytes_of(name, limits.BOOK)
            if is_archive:
                within = BytesIO(content)
                inner = Archive(within, within=(archive, name))
                # the outer name says who sent it
                for book in _of_archive(inner, name, deep - 1, problems):
                    yield _SentBook(f"{name}/{book.name}", book.content, book.moment)
                continue
        except ArchiveError as error:
            problems.append(_problem(f"{called}/{name}", error))
            continue
        yield _SentBook(name, content, _moment(archive.entries[name].date_time))


def _problem(file: str, error: ArchiveError) -> Message:
    """Why a file couldn't be read; a file in an archive is named like a path."""
    return Message(ODDITIES.get(type(error), DAMAGED), file=file)


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
