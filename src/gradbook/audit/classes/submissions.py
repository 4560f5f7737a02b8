"""Finds books by files, folders and patterns, and names their copies."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from gradbook.errors import LimitError, UsageError
from gradbook.files import PART, in_order

READ = (".xlsx", ".xlsm", ".ods")
NAMED = (".xls", ".xlsb", ".fods", ".numbers", ".gsheet")  # a message per book says what these need
BY_SYSTEMS = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}
LOCK = "~$"  # the beginning of the file that Excel keeps beside an open book
MOST_BOOKS = 100_000
LONGEST_NAME = 200  # bytes of a copy's


def find_submissions(words: Iterable[str], but: Sequence[str] = ()) -> list[str]:
    """The books that these words name, each once, in the order of folders, numbers by size.

    Books in the folders `but`, where copies are written, are left out.
    """
    aside = [Path(folder).resolve() for folder in but if folder]
    found: dict[str, None] = {}
    for word in words:
        found.update(dict.fromkeys(_meant(word, aside)))
        if len(found) > MOST_BOOKS:
            raise LimitError(f"more than {MOST_BOOKS:,} workbooks: check them folder by folder")
    return list(found)


def _meant(word: str, aside: Sequence[Path]) -> list[str]:
    is_folder = os.path.isdir(word)
    if not is_folder and (not glob.has_magic(word) or os.path.lexists(word)):
        return [word]
    matches = [word] if is_folder else sorted(glob.glob(word, recursive=True), key=in_order)
    books: list[str] = []
    for match in matches:
        if os.path.isdir(match):
            books += _in_folder(match, aside)
        elif not _is_ours(os.path.basename(match)):
            books.append(match)
    if not books and is_folder:
        raise UsageError(f"the folder {word} contains no workbook: name another one")
    if not books:
        raise UsageError(f"no workbook matches '{word}': check the folder and the ending")
    return books


def _in_folder(folder: str, aside: Sequence[Path]) -> list[str]:
    """All books in a folder and its subfolders; links that lead out of it are refused."""
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
                    f"{book} is a link that leads out of the folder {folder}: remove it, or "
                    "name the workbooks themselves"
                )
        found += books
        if len(found) > MOST_BOOKS:
            break
    return sorted(found, key=in_order)


def is_handed_in(path: str) -> bool:
    """Whether a file that was handed in is a book, by its name; its folders have any name."""
    return path.lower().endswith((*READ, *NAMED)) and not is_by_a_program(path)


def is_by_a_program(path: str) -> bool:
    """Whether a system or a program put a file beside somebody's own."""
    *folders, name = Path(path).parts
    return name.startswith((LOCK, PART, "._")) or not BY_SYSTEMS.isdisjoint((*folders, name))


def _is_book(name: str) -> bool:
    return name.lower().endswith((*READ, *NAMED)) and not _is_ours(name)


def _is_ours(name: str) -> bool:
    """Whether a file is hidden, or a temporary file of Excel or gradbook."""
    return name.startswith((LOCK, PART, "."))


def copy_names(books: Sequence[str]) -> list[str]:
    """A name for each book's copy, all different: its own, with its folder's if others share it."""
    paths = [Path(book) for book in books]
    count = Counter(path.name.casefold() for path in paths)
    found: list[str] = []
    taken: set[str] = set()
    numbers: Counter[str] = Counter()  # how often each name was needed
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
    """The name with its stem shortened to the length that a file's name may have."""
    stem, suffix = os.path.splitext(name)
    if len(os.fsencode(name)) > LONGEST_NAME:
        suffix = suffix[:10]
        while len(os.fsencode(stem)) > LONGEST_NAME - 10:
            stem = stem[:-1]
    return stem, suffix
