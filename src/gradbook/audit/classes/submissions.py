"""Which books are meant (files, folders, patterns), what their copies are called, whose they are.

What stands inside a book comes before its file's name, for whoever hands it in may call the file
anything.
"""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from unicodedata import normalize

from gradbook.audit.findings import BookReport, MappedReports
from gradbook.errors import LimitError, UsageError
from gradbook.files import PART, in_order
from gradbook.language.message import Message, message_count

# Books and copies -------------------------------------------------------------

READ = (".xlsx", ".xlsm", ".ods")
NAMED = (
    ".xls",
    ".xlsb",
    ".fods",
    ".numbers",
    ".gsheet",
)  # what they need is said of them, book by book
LOCK = "~$"  # how the file begins that Excel keeps beside an open book
MOST_BOOKS = 100_000
LONGEST_NAME = 200  # bytes of a copy's


def find_submissions(words: Iterable[str], but: Sequence[str] = ()) -> list[str]:
    """The books that the words mean, each once: in a folder's order, numbers by their size.

    What lies in the folders `but`, where copies go, was handed in by nobody.
    """
    aside = [Path(folder).resolve() for folder in but if folder]
    found: dict[str, None] = {}
    for word in words:
        found.update(dict.fromkeys(_meant(word, aside)))
        if len(found) > MOST_BOOKS:
            raise LimitError(f"more than {MOST_BOOKS:,} books: check them folder by folder")
    return list(found)


def _meant(word: str, aside: Sequence[Path]) -> list[str]:
    if os.path.isdir(word):
        books = _in_folder(word, aside)
        if not books:
            raise UsageError(f"no workbook is in the folder {word}: name one that holds some")
        return books
    if glob.has_magic(word) and not os.path.lexists(word):
        matches = sorted(glob.glob(word, recursive=True), key=in_order)
        books = [book for match in matches for book in _matched(match, aside)]
        if not books:
            raise UsageError(f"no workbook matches '{word}': check the folder and the ending")
        return books
    return [word]


def _matched(path: str, aside: Sequence[Path]) -> list[str]:
    if os.path.isdir(path):
        return _in_folder(path, aside)
    return [path] if not _is_ours(os.path.basename(path)) else []


def _in_folder(folder: str, aside: Sequence[Path]) -> list[str]:
    """All books in a folder and those within it; no link leads out of it."""
    found: list[str] = []
    real = Path(folder).resolve()
    for here, inside, names in os.walk(folder):
        inside[:] = [name for name in inside if not name.startswith(".")]
        if Path(here).resolve() in aside:
            inside.clear()
            continue
        books = [os.path.normpath(os.path.join(here, name)) for name in names if _is_book(name)]
        for book in filter(os.path.islink, books):
            if not Path(os.path.realpath(book)).is_relative_to(real):
                raise UsageError(
                    f"{book} is a link that leads out of the folder {folder}: take it away, or "
                    "name the books themselves"
                )
        found += books
        if len(found) > MOST_BOOKS:
            break
    return sorted(found, key=in_order)


def is_handed_in(path: str) -> bool:
    """Whether a file in a folder that was handed in is one of the books that are meant."""
    *folders, name = Path(path).parts
    return _is_book(name) and not any(folder.startswith(".") for folder in folders)


def _is_book(name: str) -> bool:
    return name.lower().endswith((*READ, *NAMED)) and not _is_ours(name)


def _is_ours(name: str) -> bool:
    """Whether a program, Excel or ours, keeps the file beside a book."""
    return name.startswith((LOCK, PART, "."))


def copy_names(books: Sequence[str]) -> list[str]:
    """A name for each book's copy, all different: its own, with its folder's if others share it."""
    paths = [Path(book) for book in books]
    count = Counter(path.name.casefold() for path in paths)
    found: list[str] = []
    taken: set[str] = set()
    numbers: Counter[str] = Counter()  # how often a name was wanted
    for path in paths:
        alone = count[path.name.casefold()] == 1
        name = path.name if alone else f"{path.absolute().parent.name} {path.name}".strip()
        stem, suffix = _shortened(name)
        wanted = name = f"{stem}{suffix}"
        while name.casefold() in taken:
            numbers[wanted] += 1
            name = f"{stem} {numbers[wanted] + 1}{suffix}"
        found.append(name)
        taken.add(name.casefold())
    return found


def _shortened(name: str) -> tuple[str, str]:
    """Stem and suffix, together no longer than a file's name may be."""
    stem, suffix = os.path.splitext(name)
    if len(os.fsencode(name)) > LONGEST_NAME:
        suffix = suffix[:10]
        while len(os.fsencode(stem)) > LONGEST_NAME - 10:
            stem = stem[:-1]
    return stem, suffix


# Students ---------------------------------------------------------------------

NUMBER = re.compile(r"[0-9]{1,9}")
OUR_FILE = re.compile(r"exercise-([0-9]{1,9})(?![0-9])")  # as 'sheet --exercise 1-40' calls them
SHOWN = 5  # files or names in a line
HOW = "--names FILE.csv"


@dataclass(frozen=True)
class StudentNames:
    """A list of names, by the numbers of exercises and by what files are called."""

    source: str
    by_number: Mapping[int, str] = field(default_factory=dict)
    by_file: Mapping[str, str] = field(default_factory=dict)
    is_in_order: bool = False  # the numbers are those of the rows, for the list has none

    def of(self, report: BookReport) -> str:
        """Whose book it is; '' where the list doesn't say."""
        inside = report.origin.student
        if NUMBER.fullmatch(inside):
            return self.by_number.get(int(inside), "")
        named = self.by_file.get(file_key(report.book), "")
        called = OUR_FILE.search(PurePath(report.book).stem)
        if named or inside or called is None:
            return named
        return self.by_number.get(int(called[1]), "")

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.by_number.values(), *self.by_file.values()]))


def file_key(name: str) -> str:
    """A file's name without its folder and its ending, as systems take two names for one."""
    return normalize("NFC", PurePath(name.replace("\\", "/")).stem).casefold()


def name_each(reports: Sequence[BookReport], names: StudentNames) -> Sequence[BookReport]:
    """The reports, each saying whose book it is where the list knows that."""

    def with_name(report: BookReport) -> BookReport:
        name = names.of(report)
        return replace(report, origin=replace(report.origin, student=name)) if name else report

    return MappedReports(reports, with_name)


def remarks_on_students(reports: Sequence[BookReport], names: StudentNames | None) -> list[str]:
    """Why some books have no student's name, and who has no book."""
    numbered: list[str] = []
    nameless: list[str] = []
    there: set[str] = set()
    for report in reports:
        student = report.origin.student
        there.add(student)
        if not student or NUMBER.fullmatch(student):
            (numbered if student else nameless).append(PurePath(report.book).name)
    if names is None:
        return list(_without_a_list(len(reports), len(numbered), len(nameless)))
    said: list[str] = []
    if names.is_in_order:
        said.append(
            Message(
                "{file} has no numbers: its first name is taken for exercise 1",
                file=names.source,
            )
        )
    if numbered or nameless:
        count = len(numbered) + len(nameless)
        said.append(
            message_count(
                "{file} has no name for {number} book: {books}",
                "{file} has no name for {number} books: {books}",
                count,
                file=names.source,
                number=f"{count:,}",
                books=_few([*numbered, *nameless]),
            )
        )
    absent = [name for name in names if name not in there]
    if absent:
        said.append(
            message_count(
                "no book of {number} student: {students}",
                "no book of {number} students: {students}",
                len(absent),
                number=f"{len(absent):,}",
                students=_few(absent),
            )
        )
    return said


def _without_a_list(count: int, numbered: int, nameless: int) -> Iterator[str]:
    if numbered:
        yield message_count(
            "a number, and no name, is in {number} book: {option} can say whose they are",
            "a number, and no name, is in {number} books: {option} can say whose they are",
            numbered,
            number=f"{numbered:,}",
            option=HOW,
        )
    if nameless and count > 1:
        yield message_count(
            "no student's name is in {number} book: {option} can say whose they are",
            "no student's name is in {number} books: {option} can say whose they are",
            nameless,
            number=f"{nameless:,}",
            option=HOW,
        )


def _few(words: Sequence[str]) -> str:
    shown, more = ", ".join(words[:SHOWN]), len(words) - SHOWN
    return (
        Message("{names} and {count} more", names=shown, count=f"{more:,}") if more > 0 else shown
    )
