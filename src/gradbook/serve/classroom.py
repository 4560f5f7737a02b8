"""A class's folder on the page: set up, books collected and marked, points changed by hand.

The page does what the command does with the same folder, one task at a time. Either can continue
where the other stopped, for the folder holds the whole state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook import limits
from gradbook.archives import FIRST_DAY
from gradbook.errors import one_line
from gradbook.files import InnerPath, inside, read_bytes, whole_file, write_whole
from gradbook.folders import temporary_folder
from gradbook.language import current_language, in_language, tr
from gradbook.language.message import Message, translate
from gradbook.net import parse
from gradbook.serve.requests import (
    Answer,
    Field,
    RefusalError,
    Request,
    json_answer,
    options,
    record,
)
from gradbook.teaching.classes.collecting import collect, handed_in, kept_name
from gradbook.teaching.classes.folder import (
    EXERCISES,
    FEEDBACK,
    GRADES,
    HANDOUTS,
    KEYS,
    MARKS,
    PAGE,
    SHEET,
    ClassFolder,
    ClassPlan,
    begin_class,
    open_class,
)
from gradbook.teaching.classes.making import make_class
from gradbook.teaching.classes.marking import MarkedClass, mark_class
from gradbook.teaching.classes.marks_file import (
    NOTHING,
    OWN,
    OwnEntry,
    entry_of,
    read_ledger,
    update_ledger,
)

LONGEST_NAME = 800  # characters of a file's name
FILE = {"name": Field(str, 1, LONGEST_NAME, is_needed=True)}
BEGUN = {
    "names": Field(str, 1, 200_000, is_needed=True),  # one per line, or a table
    "net": Field(str, 1, 100_000, is_needed=True),
}
MARKED = {"hints": Field(bool)}  # null: as the class was marked last
ENTRY = {
    "student": Field(str, 1, 1_000, is_needed=True),
    "seen": Field(list, len(OWN), len(OWN), is_needed=True),  # the teacher's cells as they were
    "typed": Field(list, len(OWN), len(OWN), is_needed=True),  # the new cells; null: as seen
}
LONGEST_CELL = 2_000
PACKED = {  # the zip files to download, with their folders
    "exercises": (EXERCISES, HANDOUTS),
    "keys": (KEYS,),
    "feedback": (FEEDBACK,),
    "grades": (GRADES,),
}
BUSY = Message("the class is being worked on: try again in a moment")
NOT_BEGUN = Message("this class isn't set up: enter the names first")
NOTHING_YET = Message("there is no such file yet: mark the class first")


@dataclass
class Classroom:
    """The class of a folder, which may not have been set up yet."""

    named: Path
    workers: int
    force: bool = False  # whether to replace files that gradbook didn't write

    def __post_init__(self) -> None:
        self.path: InnerPath = inside(self.named)
        self._lock = Lock()
        self._marked: MarkedClass | None = None
        self._problems: list[str] = []

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One task after the other, for all of them write to the folder."""
        if not self._lock.acquire(blocking=False):
            raise RefusalError(409, BUSY)
        try:
            yield
        finally:
            self._lock.release()

    def _folder(self) -> ClassFolder:
        if not self.is_begun:
            raise RefusalError(409, NOT_BEGUN)
        return open_class(self.path, self.force)

    @property
    def is_begun(self) -> bool:
        return (self.path / SHEET).is_file()

    # Requests ---------------------------------------------------------------

    def state(self, request: Request) -> Answer:
        """The students and their marks; a class that was marked before is marked again first."""
        if self._marked is None and self.is_begun and (self.path / MARKS).is_file():
            with self._alone():
                self._mark()
        return json_answer(self._state())

    def begin(self, request: Request) -> Answer:
        """Set up a class with these names: one per line, or a table as for the command."""
        asked = record(request.content.whole(), BEGUN)
        plan = ClassPlan(str(parse(asked["net"])), check_sheet=False, paper="")
        with self._alone(), temporary_folder() as place:
            names = place / "names.csv"
            write_whole(names, asked["names"])
            begun = begin_class(self.path, plan, str(names), self.force)
            make_class(begun, self.workers)
        return json_answer(self._state(), 201)

    def take_in(self, request: Request) -> Answer:
        """Collect a book or an archive under the name that it was sent with."""
        name = options(request.query, FILE)["name"]
        plain = Path(name.replace("\\", "/")).name.lstrip(".")
        if not plain:
            raise RefusalError(422, Message("a file needs a name"))
        plain = kept_name(plain)
        folder = self._folder()
        with self._alone(), temporary_folder() as place:
            with whole_file(place / plain) as part, open(part, "wb") as file:
                for piece in request.content.pieces(limits.ARCHIVE.most):
                    file.write(piece)
            collected = collect(folder, [str(place / plain)])
        return json_answer(
            {
                "new": collected.new,
                "problems": [one_line(translate(line)) for line in collected.problems],
            }
        )

    def mark(self, request: Request) -> Answer:
        """Judge new books by the rubric in the folder, and mark the class."""
        asked = record(request.content.whole(), MARKED)
        with self._alone():
            self._mark(asked["hints"])
        return json_answer(self._state())

    def enter(self, request: Request) -> Answer:
        """Keep what the teacher typed about a student, which overrides the rubric."""
        asked = record(request.content.whole(), ENTRY)
        folder = self._folder()
        if asked["student"] not in folder.stems:
            raise RefusalError(404, Message("no student of the class has that name"))
        student, seen = asked["student"], tuple(asked["seen"])
        cells = _typed(asked["typed"])

        def require_as_seen(entries: Mapping[str, OwnEntry]) -> None:
            if (entry := entries.get(student, NOTHING)).cells != seen:
                why = Message(
                    "the row of {student} in {marks} was changed meanwhile, and is shown now: "
                    "to replace it with yours, press Keep again",
                    student=student,
                    marks=MARKS,
                )
                raise RefusalError(409, why, own=entry.cells)

        with self._alone():
            with folder.alone():
                update_ledger(self.path / MARKS, {student: cells}, require_as_seen)
            self._mark()
        return json_answer(self._state())

    def page(self, request: Request) -> Answer:
        return Answer(self._written(PAGE), ".html", PAGE)

    def packed(self, request: Request) -> Answer:
        """All files of a kind, in a zip file."""
        kind = request.path.rpartition("/")[2].removesuffix(".zip")
        content, count = BytesIO(), 0
        with ZipFile(content, "w", ZIP_DEFLATED) as archive:
            for name in PACKED[kind]:
                for path in (self._folder().path / name).iterdir():
                    if not path.name.startswith(".") and path.is_file():
                        info = ZipInfo(f"{name}/{path.name}", FIRST_DAY)
                        archive.writestr(info, read_bytes(path, limits.ARCHIVE), ZIP_DEFLATED)
                        count += 1
        if not count:
            raise RefusalError(409, NOTHING_YET)
        return Answer(content.getvalue(), ".zip", f"{kind}.zip")

    # The work --------------------------------------------------------------

    def _mark(self, hints: bool | None = None) -> None:
        """Mark the class as it was marked last; a page in another language changes no feedback."""
        folder = self._folder()
        self._problems = collect(folder, ()).problems
        with in_language(folder.marked_with.language or current_language().code):
            self._marked = mark_class(folder, self.workers, hints=hints)

    def _written(self, name: str) -> bytes:
        path = self.path / name
        if not path.is_file():
            raise RefusalError(409, NOTHING_YET)
        return read_bytes(path, limits.ARCHIVE)

    def _state(self) -> dict[str, Any]:
        if not self.is_begun:
            return {"begun": False, "folder": str(self.path)}
        folder = self._folder()
        entries = read_ledger(self.path / MARKS)
        marks = {one.student: one for one in self._marked.marks} if self._marked else {}
        students = []
        for student in folder.students:
            mark, entry = marks.get(student), entries.get(student, NOTHING)
            report = mark.book.report if mark and mark.book else None
            students.append(
                {
                    "student": student,
                    "points": mark.points if mark else entry.changed_to,
                    "outOf": mark.mark.out_of if mark and mark.mark else None,
                    "verdict": tr(mark.verdict) if mark and (report or mark.left_out) else "",
                    "own": entry.cells,
                }
            )
        lines = [*(self._marked.remarks if self._marked else ()), *self._problems]
        remarks = dict.fromkeys(one_line(translate(line)) for line in lines)
        return {
            "begun": True,
            "folder": str(self.path),
            "books": len(handed_in(folder)),
            "isMarked": self._marked is not None,
            "students": students,
            "hints": folder.marked_with.hints,
            "remarks": list(remarks),
        }


def _typed(texts: Sequence[object]) -> dict[str, str]:
    """The typed cells, by column."""
    for text in texts:
        if not isinstance(text, str | None) or len(text or "") > LONGEST_CELL:
            raise RefusalError(
                422, Message("a cell may have up to {most} characters", most=f"{LONGEST_CELL:,}")
            )
    entry = entry_of([" ".join(str(text or "").split()) for text in texts])
    cells = zip(OWN, texts, entry.cells, strict=True)
    return {name: cell for name, text, cell in cells if text is not None}
