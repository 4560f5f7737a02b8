"""Where annotated and corrected books go, and what is never overwritten.

A copy is called like its book; of books with one name, each has its folder's name before its
own. A file that is there already stays unless it is this very copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradbook.audit.findings.findings import UNREADABLE, BookReport
from gradbook.errors import FileError, GradbookError
from gradbook.files import made_folder, write_whole

LONGEST = 200  # bytes of a file's name


@dataclass
class Said:
    """What there is to tell of what was written, and what went wrong."""

    done: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def write_page(reports: Sequence[BookReport], file: str, said: Said) -> None:
    from gradbook.report.audit.page import audit_page

    write_whole(file, audit_page(reports))
    said.done.append(f"wrote {file}")


Make = Callable[[str, BookReport], bytes]


def write_annotated(reports: Sequence[BookReport], folder: str, said: Said) -> None:
    from gradbook.audit.copies.annotate import annotated

    count = _write_copies(reports, folder, annotated, said)
    said.done.append(f"{many(count, 'annotated book')} in {folder}")


def write_fixed(reports: Sequence[BookReport], folder: str, said: Said) -> None:
    from gradbook.audit.copies.fix import fixed

    left: list[str] = []

    def make(book: str, report: BookReport) -> bytes:
        result = fixed(book, report)
        left.extend(f"{book}: no formula to put into {place}" for place in result.left)
        return result.content

    count = _write_copies(reports, folder, make, said)
    said.done += [f"{many(count, 'corrected book')} in {folder}", *left]


def many(count: int, words: str) -> str:
    return f"{count:,} {words}{'' if count == 1 else 's'}"


def _write_copies(reports: Sequence[BookReport], folder: str, make: Make, said: Said) -> int:
    """A copy of each book that could be read, in the folder; how many."""
    target = made_folder(folder)
    readable = [report for report in reports if report.verdict != UNREADABLE]
    names = copy_names([report.book for report in readable])
    written = 0
    for report, name in zip(readable, names, strict=True):
        try:
            content = make(report.book, report)
        except GradbookError as error:
            said.problems.append(f"can't copy {report.book}: {error}")
            continue
        except Exception as error:
            fault = f"a fault of gradbook's own ({type(error).__name__}: {error})"
            said.problems.append(f"can't copy {report.book}: {fault}")
            continue
        try:
            _write(target / name, content)
        except NotOurs as error:
            said.problems.append(str(error))
        else:
            written += 1
    return written


class NotOurs(FileError):
    """A file of somebody's is where a copy would go."""


def _write(path: Path, content: bytes) -> None:
    try:
        there = path.read_bytes() if path.is_file() else None
    except OSError:
        there = b""
    if there == content:
        return
    if there is not None or path.is_symlink():
        raise NotOurs(f"{path} is there already: remove it or name another folder")
    write_whole(path, content)


def copy_names(books: Sequence[str]) -> list[str]:
    """A name for each book's copy, all different."""
    paths = [Path(book) for book in books]
    count = Counter(path.name.casefold() for path in paths)
    found: list[str] = []
    taken: set[str] = set()
    for path in paths:
        alone = count[path.name.casefold()] == 1
        name = path.name if alone else f"{path.absolute().parent.name} {path.name}".strip()
        found.append(_numbered(_shortened(name), taken))
        taken.add(found[-1].casefold())
    return found


def _shortened(name: str) -> str:
    if len(name.encode("utf-8", "surrogateescape")) <= LONGEST:
        return name
    stem, suffix = Path(name).stem, Path(name).suffix[:10]
    while len(stem.encode("utf-8", "surrogateescape")) > LONGEST - 10:
        stem = stem[:-1]
    return stem + suffix


def _numbered(name: str, taken: set[str]) -> str:
    path, number = Path(name), 1
    while name.casefold() in taken:
        number += 1
        name = f"{path.stem} {number}{path.suffix}"
    return name
