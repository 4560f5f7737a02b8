"""Finds the student of each book, by its key, its file's name and what platforms add to names.

Each of these points to one student, or to several with similar names. A book belongs to the only
student to whom all of them point. If there is no such student, or nothing decides which of two
books counts, it belongs to nobody until the teacher writes a line into whose.csv.

Learning platforms give files names of their own: Moodle begins them with the full name and a
number, Canvas with the letters of the family and the given name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from unicodedata import combining, normalize

from gradbook.audit.findings import UNREADABLE, BookReport, is_untouched
from gradbook.data.formats.cells import read_list
from gradbook.errors import DataError
from gradbook.files import InnerPath
from gradbook.language.message import Message, enumerated, joined, message_count
from gradbook.teaching.classes.folder import HANDED_IN, NAMES, ClassFolder

WHOSE = "whose.csv"  # by the teacher: files, and the students who sent them
HEADINGS = ["file", "student"]
JOINT = " - "  # between a folder's name and a file's
AGAIN = re.compile(r" \(\d+\)$")  # which browsers add to the second file of a name
MOODLE = re.compile(r"(?<![^/_])(?P<name>[^/_]+)_\d+_assignsubmission_(?:file|onlinetext)_?")
CANVAS = re.compile(r"(?P<letters>[^\W\d_]+)(?P<late>_LATE)?_\d+_\d+_", re.IGNORECASE)
ADDRESS = re.compile(r" \([^()@]*@[^()@]*\)$")
NUMBERED = re.compile(r"(?<!\d)\d+\)?$")
Students = frozenset[str]


@dataclass(frozen=True)
class FileSender:
    """The students to whom the parts of a file's name point, and whether it is marked late."""

    named: tuple[Students, ...] = ()
    is_late: bool = False


@dataclass(frozen=True)
class ClassNames:
    """Finds students by name; `stems` are the names of their files, without endings."""

    stems: Mapping[str, str]

    def sender_of(self, path: str) -> FileSender:
        """The sender by the patterns of Moodle and Canvas, and by our own file names."""
        name = path.replace("\\", "/")
        parts = [part for folder in name.split("/") for part in folder.split(JOINT)]
        stems = [*parts[:-1], PurePath(parts[-1]).stem]
        moodle, canvas = MOODLE.search(name), CANVAS.match(parts[-1])
        named = [self.exactly(stem) or self.exactly(AGAIN.sub("", stem)) for stem in stems]
        if moodle:
            named.append(self._called(moodle["name"].rpartition(JOINT)[2]))
        elif canvas:
            named.append(self._turned.get(_letters(canvas["letters"])))
        elif not any(named):
            named.append(self._nearly(stems[-1]))
        late = bool(canvas and canvas["late"] and not moodle)
        return FileSender(tuple(filter(None, named)), late)

    def exactly(self, name: str) -> Students | None:
        """Students by name or file name, in which only spaces, hyphens and capitals may differ."""
        return self._exact.get(_spelled(name))

    @cached_property
    def _exact(self) -> dict[str, Students]:
        pairs = [
            (name, student) for student, stem in self.stems.items() for name in (student, stem)
        ]
        return _grouped((_spelled(name), student) for name, student in pairs)

    @cached_property
    def _by_letters(self) -> dict[str, Students]:
        return _grouped((_letters(student), student) for student in self.stems)

    @cached_property
    def _alike(self) -> dict[str, Students]:
        """Students by their letters, without the number that distinguishes two of one name."""
        return _grouped((_letters(_unnumbered(student)), student) for student in self.stems)

    @cached_property
    def _turned(self) -> dict[str, Students]:
        """Students by their letters, with one or more of the last words put first: lovelaceada."""
        pairs = list[tuple[str, str]]()
        for student in self.stems:
            words = _unnumbered(student).split()
            turned = (" ".join(words[k:] + words[:k]) for k in range(len(words)))
            pairs += [(_letters(name), student) for name in turned]
        return _grouped(pairs)

    def _called(self, name: str) -> Students | None:
        """Students by the name on a platform, which has no number of ours."""
        return (self._alike if name == _unnumbered(name) else self._by_letters).get(_letters(name))

    def _nearly(self, stem: str) -> Students | None:
        """Students by the letters, then without a number at the end, then without another one."""
        for _ in range(3):
            if students := self._by_letters.get(_letters(stem)):
                return students
            stem = NUMBERED.sub("", stem).rstrip(" -_(")
        return None


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, Students]:
    students: defaultdict[str, set[str]] = defaultdict(set)
    for name, student in pairs:
        students[name].add(student)
    return {name: frozenset(some) for name, some in students.items()}


def _spelled(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", normalize("NFC", name).casefold()).strip("-")


def _letters(name: str) -> str:
    """Only letters in lower case and digits, without accents."""
    plain = normalize("NFKD", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum() and not combining(letter))


def _unnumbered(name: str) -> str:
    """A name without what tells it apart from an equal one: a number, or an address."""
    return NUMBERED.sub("", ADDRESS.sub("", name)).rstrip(" (") or name


# The books of each student ------------------------------------------------------------


@dataclass(frozen=True)
class StudentBook:
    """The book of a student that counts, with notes on how it was handed in."""

    path: InnerPath
    report: BookReport
    moment: float
    is_late: bool = False  # according to the platform
    is_named: bool = False  # by its file's name, not only by its content
    notes: tuple[str, ...] = ()


def books_by_student(
    folder: ClassFolder, books: Sequence[InnerPath], reports: Iterable[BookReport]
) -> tuple[dict[str, StudentBook], list[str]]:
    """The book of each student that counts, and what the teacher has to decide."""
    names, goal = ClassNames(folder.stems), folder.path / HANDED_IN
    files = {path: path.relative_to(goal).replace("\\", "/") for path in books}
    decided, remarks = _decisions(folder, names, set(files.values()))
    chosen: defaultdict[str, list[StudentBook]] = defaultdict(list)
    claims: defaultdict[str, list[StudentBook]] = defaultdict(list)
    for (path, file), report in zip(files.items(), reports, strict=True):
        sender = names.sender_of(file)
        notes: tuple[Message, ...] = ()
        if report.verdict == UNREADABLE:
            notes = (Message("it can't be read: {problem}", problem=report.problem),)
        book = StudentBook(
            path, report, path.stat().st_mtime, sender.is_late, bool(sender.named), notes
        )
        if file in decided:
            chosen[decided[file]].append(book)
            continue
        named = [*sender.named, *_named_inside(folder, report)]
        students = frozenset.intersection(*named) if named else frozenset()
        if len(students) == 1:
            claims[next(iter(students))].append(book)
        else:
            remarks.append(_undecided(folder, file, named))
    for student, claimed in claims.items():
        if student in chosen:
            continue
        if _is_one_hand_in(claimed):
            chosen[student] = claimed
        else:
            remarks.append(_claimed_twice(student, [files[book.path] for book in claimed]))
    latest = {student: _latest(claimed) for student, claimed in chosen.items()}
    return latest, [*_copies(latest), *remarks]


def _named_inside(folder: ClassFolder, report: BookReport) -> Iterator[Students]:
    """The student by the book's key (nobody by an unknown one); if it has none, by its name."""
    origin = report.origin
    if origin.key:
        yield frozenset(filter(None, [folder.keys.get(origin.key)]))
    elif origin.student in folder.stems:
        yield frozenset([origin.student])


def _is_one_hand_in(books: Sequence[StudentBook]) -> bool:
    """Whether all are known by their names, or are versions of one file, or equal in content."""
    books = [book for book in books if not is_untouched(book.report)] or books
    files = {AGAIN.sub("", book.path.stem) for book in books}
    contents = {book.report.fingerprint for book in books}
    return all(book.is_named for book in books) or 1 in (len(files), len(contents))


def _latest(books: Sequence[StudentBook]) -> StudentBook:
    """The last of those that can be read and have been worked on, or else the last of all."""

    def rank(book: StudentBook) -> tuple[bool, bool, float]:
        return book.report.verdict != UNREADABLE, not is_untouched(book.report), book.moment

    best = max(books, key=rank)
    if len(books) == 1:
        return best
    others = message_count(
        "the last of {count} workbooks counts", "the last of {count} workbooks counts", len(books)
    )
    return replace(best, notes=(*best.notes, others))


def _copies(books: Mapping[str, StudentBook]) -> Iterator[Message]:
    """Books with the same numbers and formulas in all cells; for our exercises, in which each
    student has other numbers, the same numbers are enough."""
    alike: defaultdict[object, list[str]] = defaultdict(list)
    for student, book in books.items():
        origin = book.report.origin
        is_ours = any(sheet.asked for sheet in book.report.sheets)
        if origin.content:
            alike[origin.numbers if is_ours else origin.content].append(student)
    for students in alike.values():
        if len(students) > 1:
            yield Message(
                "the workbooks of {students} are one and the same: ask who made it",
                students=enumerated(students),
            )


# What the teacher decides -------------------------------------------------------------


def _decisions(
    folder: ClassFolder, names: ClassNames, files: set[str]
) -> tuple[dict[str, str], list[str]]:
    """The student of each file in whose.csv, and remarks on files that aren't there."""
    path = folder.path / WHOSE
    decided: dict[str, str] = {}
    remarks: list[str] = []
    for row in read_list(path).rows if path.is_file() and path.stat().st_size else ():
        file, student = [cell.strip() for cell in (*row.cells, "")[:2]]
        if [file.casefold(), student.casefold()] == HEADINGS:
            continue
        students = names.exactly(student) or frozenset()
        if len(students) != 1:
            problem = f"{student!r} isn't in {NAMES}: write the name as it is there"
            raise DataError(problem, file=str(path), row=row.number)
        decided[file.replace("\\", "/")] = next(iter(students))
        if file.replace("\\", "/") not in files:
            missing = Message("{whose} names {file}, which isn't there", whose=WHOSE, file=file)
            remarks.append(missing)
    return decided, remarks


def _undecided(folder: ClassFolder, file: str, named: Sequence[Students]) -> Message:
    students = [student for student in folder.students if any(student in some for some in named)]
    remedy = _remedy(file, students[0] if students else folder.students[0])
    if not named:
        return Message("nothing shows whose workbook {file} is: {remedy}", file=file, remedy=remedy)
    if frozenset() in named:
        return Message(
            "{file} is an exercise of another class, so nobody gets its marks: {remedy}",
            file=file,
            remedy=remedy,
        )
    return Message(
        "{file} points to {students}, so nobody gets its marks: {remedy}",
        file=file,
        students=enumerated(students),
        remedy=remedy,
    )


def _claimed_twice(student: str, files: Sequence[str]) -> Message:
    return Message(
        "{files} all claim to be from {student}, so none of them counts: {remedy}",
        files=joined(", ", files),
        student=student,
        remedy=_remedy(files[0], student),
    )


def _remedy(file: str, student: str) -> Message:
    """How to decide, with a sample line for one of the students."""
    quoted = [f'"{cell}"' if "," in cell or ";" in cell else cell for cell in (file, student)]
    return Message(
        "write a line such as {line} into {whose}, in the folder of the class",
        line=",".join(quoted),
        whose=WHOSE,
    )
