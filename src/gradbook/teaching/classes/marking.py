"""Marks a class: judges what was handed in, applies the rubric, writes marks and feedback.

It can be run again at any time, even after it was killed: judged books aren't judged again,
unchanged feedback stays, and what the teacher wrote in marks.csv is kept. What isn't said anew,
whether feedback has hints only, is as it was the last time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from time import localtime, strftime

from gradbook import __version__, limits
from gradbook.audit.check_book import report_on
from gradbook.audit.classes.reports import StoredReports, line_of
from gradbook.audit.classes.scoring import BookScore, Rubric, in_numbers, score
from gradbook.audit.findings import (
    UNJUDGED,
    UNREADABLE,
    AskedColumn,
    BookReport,
    grade,
    with_hints,
)
from gradbook.audit.many import checked
from gradbook.errors import DataError
from gradbook.files import InnerPath, as_bytes, read_bytes, read_text, write_whole
from gradbook.language import current_language, tr
from gradbook.language import mark as message_mark
from gradbook.language.message import Message, enumerated, joined, translate
from gradbook.net.lower import scalar_step
from gradbook.report.audit import first_finding
from gradbook.report.styled_text import Span
from gradbook.teaching.classes.class_page import ClassRow, class_page, row_of
from gradbook.teaching.classes.collecting import LeftOut, handed_in, left_out
from gradbook.teaching.classes.feedback import StudentFeedback, make_feedback
from gradbook.teaching.classes.folder import (
    FEEDBACK,
    GRADES,
    KEPT,
    MARKS,
    NAMES,
    PAGE,
    RUBRIC,
    ClassExercises,
    ClassFolder,
    MarkedWith,
    do_each,
    sum_of,
)
from gradbook.teaching.classes.marks_file import (
    HEAD,
    NOTHING,
    OWN,
    STUDENT,
    OwnEntry,
    deleted_entries,
    keep_entries,
    read_ledger,
    remarks_on,
    update_ledger,
)
from gradbook.teaching.classes.platforms import FILES, FinalGrade, grade_files, read_listed
from gradbook.teaching.classes.rubric import outdated_parts, read_rubric
from gradbook.teaching.classes.senders import ClassNames, StudentBook, books_by_student

REPORTS, ENTRIES = "reports.jsonl", "entries.csv"
ROUNDS = 5  # at most, if the teacher types faster than feedback is written
NOT_HANDED_IN = message_mark("nothing handed in")
NO_BOOK_HANDED_IN = message_mark("no workbook handed in")
Tell = Callable[[int], object]


@dataclass(frozen=True)
class StudentMark:
    """A student's book and score, and what the teacher wrote."""

    student: str
    book: StudentBook | None
    mark: BookScore | None
    note: OwnEntry
    left_out: tuple[LeftOut, ...] = ()  # what there is instead of a book

    @property
    def verdict(self) -> str:
        if self.book is None:
            return NO_BOOK_HANDED_IN if self.left_out else NOT_HANDED_IN
        return self.book.report.verdict

    @property
    def remarks(self) -> Iterator[str]:
        """What the teacher has to look at."""
        yield from (entry.message for entry in self.left_out)
        if self.book is None or self.book.report.verdict == UNREADABLE:
            return
        report, file = self.book.report, self.book.path.name
        findings = (f for f in report.findings if f.kind == UNJUDGED)
        unjudged = dict.fromkeys(finding.quantity for finding in findings)
        if unjudged:
            yield Message(
                "{student}: no points for {columns}, which can't be judged: look at {file}",
                student=self.student,
                columns=enumerated(unjudged),
                file=file,
            )
        if self.mark is None or not self.mark.parts:
            yield Message(
                "{student}: nothing in {file} could be judged, so it has no points: look at it",
                student=self.student,
                file=file,
            )
        elif not any(sheet.asked for sheet in report.sheets):
            yield Message(
                "{student}: {file} isn't the exercise, so its own gradients are marked: look at it",
                student=self.student,
                file=file,
            )

    @property
    def points(self) -> float | None:
        """The teacher's points if there are any, else the rubric's."""
        if self.note.changed_to is not None:
            return self.note.changed_to
        return self.mark.points if self.mark else None


@dataclass(frozen=True)
class MarkedClass:
    """The result of marking a class."""

    marks: tuple[StudentMark, ...]
    remarks: tuple[str, ...]
    renewed: int  # students whose feedback is new

    @property
    def marked(self) -> int:
        return sum(mark.points is not None for mark in self.marks)


def mark_class(
    folder: ClassFolder,
    workers: int,
    *,
    hints: bool | None = None,
    tell: Tell = lambda done: None,
) -> MarkedClass:
    """Judge what is new by the class's rubric, and write marks, feedback, page and grades."""
    with folder.alone():
        folder.require_ours(PAGE, *(f"{GRADES}/{name}" for name in FILES))
        hints = folder.marked_with.hints if hints is None else hints
        folder.keep_marked_with(MarkedWith(hints, current_language().code))
        return _mark(folder, read_rubric(folder.path / RUBRIC), workers, hints, tell)


def _mark(
    folder: ClassFolder, rubric: Rubric, workers: int, hints: bool, tell: Tell
) -> MarkedClass:
    ledger = folder.path / MARKS
    columns = len(folder.plan.exercise("1").kind_of(scalar_step(folder.plan.net())))
    kept = folder.inside(KEPT) / ENTRIES
    odd = remarks_on(ledger)
    deleted = deleted_entries(ledger, kept)
    deleted = {name: entry for name, entry in deleted.items() if name in folder.stems}
    entries = read_ledger(ledger) | deleted
    books = handed_in(folder)
    with _judged(folder, books, workers, tell) as reports:
        by_student, remarks = books_by_student(folder, books, reports)
    instead = _instead_of_books(folder)
    students: set[str] = set()
    back = list[str]()
    for _ in range(ROUNDS):
        marks = tuple(_marks(folder, by_student, instead, entries, rubric))
        new, problems = _write_feedback(folder, marks, workers, hints, tell)
        students |= new
        before = entries
        cells = {row.student: _ledger_row(row, columns) for row in marks}
        for name, entry in deleted.items():
            cells[name] |= dict(zip(OWN, entry.cells, strict=True))
        entries, back, deleted = update_ledger(ledger, cells), [*back, *deleted], {}
        if entries == before:
            break
    keep_entries(kept, entries)
    gone = [name for name in entries if name not in folder.stems]
    remarks = [
        *odd,
        *(
            Message(
                "the row of {student} was missing in {marks}, with what you had typed: it is back; "
                "to take back an entry, empty its cell",
                student=name,
                marks=MARKS,
            )
            for name in back
        ),
        *remarks,
        *chain.from_iterable(mark.remarks for mark in marks),
        *outdated_parts(folder.path / RUBRIC),
        *problems,
        *(
            Message("{name} is in {marks} but not in {names}", name=name, marks=MARKS, names=NAMES)
            for name in gone
        ),
    ]
    files = {PAGE: _class_page(folder, marks, remarks, columns)}
    grades = [FinalGrade(mark.student, mark.points, mark.note.remark) for mark in marks]
    out_of = max((mark.mark.out_of for mark in marks if mark.mark), default=0.0)
    folder.inside(GRADES)
    files |= grade_files(read_listed(folder.path / NAMES), grades, _title(folder), out_of)
    folder.write(files)
    return MarkedClass(marks, tuple(remarks), len(students))


@contextmanager
def _judged(
    folder: ClassFolder, books: Sequence[InnerPath], workers: int, tell: Tell
) -> Iterator[Sequence[BookReport]]:
    """The reports; each is saved as soon as it is made."""
    judge = partial(report_on, asked=ClassExercises(folder.plan, folder.keys))
    path = folder.inside(KEPT) / REPORTS
    if path.is_file() and path.stat().st_nlink > 1:
        path.unlink()  # a hard link: appending would change the other file, too
    try:
        stored = StoredReports(books, path)
    except DataError:  # our own, of another version: it is made again
        path.unlink()
        stored = StoredReports(books, path)
    with stored as reports:
        left = reports.list_missing()
        for done, (number, report) in enumerate(
            checked([books[k] for k in left], workers, judge), 1
        ):
            reports.put(left[number], report)
            tell(done)
        yield reports


# What they earn -----------------------------------------------------------------------


def _marks(
    folder: ClassFolder,
    books: Mapping[str, StudentBook],
    instead: Mapping[str, Sequence[LeftOut]],
    entries: Mapping[str, OwnEntry],
    rubric: Rubric,
) -> Iterator[StudentMark]:
    for student in folder.students:
        book, entry = books.get(student), entries.get(student, NOTHING)
        mark = None
        if book is not None and book.report.verdict != UNREADABLE:
            late = entry.days_late  # by the teacher's entry, the clock or the platform
            if late is None:
                late = rubric.days_late(book.moment) or int(book.is_late)
            mark = score(book.report, rubric, late, _absent(folder, student, book.report))
        others = () if book is not None else tuple(instead.get(student, ()))
        yield StudentMark(student, book, mark, entry, others)


def _instead_of_books(folder: ClassFolder) -> dict[str, list[LeftOut]]:
    """The files that students handed in and that are no books, by student."""
    names = ClassNames(folder.stems)
    files: defaultdict[str, list[LeftOut]] = defaultdict(list)
    for file in left_out(folder):
        named = names.sender_of(file.file).named
        students = frozenset.intersection(*named) if named else ()
        if len(students) == 1:
            files[next(iter(students))].append(file)
    return files


def _absent(folder: ClassFolder, student: str, report: BookReport) -> list[AskedColumn]:
    """The columns of a student's exercise that the book doesn't have; of another workbook, as many
    gradients as it lacks."""
    present = {mark.name for mark in grade(report)}
    if any(sheet.asked for sheet in report.sheets):
        return [column for column in folder.plan.asked(student) if column.quantity not in present]
    return folder.plan.gradients[len(present) :]


# Feedback -----------------------------------------------------------------------------


def _write_feedback(
    folder: ClassFolder, marks: Sequence[StudentMark], workers: int, hints: bool, tell: Tell
) -> tuple[set[str], list[str]]:
    """Write what has changed; return its students, and what couldn't be written."""
    goal, kept = folder.inside(FEEDBACK), folder.inside(KEPT)
    title = _title(folder)
    there: defaultdict[str, dict[str, str]] = defaultdict(dict)  # checksums of files by their stem
    stems = set(folder.stems.values())
    for path in goal.iterdir():
        if path.stem in stems:
            there[path.stem][path.name] = sum_of(read_bytes(path, limits.REPORT))
    tasks, digests = [], {}
    problems: list[str] = []
    for mark in marks:
        if mark.book is None or mark.mark is None:
            continue
        report = with_hints(mark.book.report) if hints else mark.book.report
        feedback = StudentFeedback(
            mark.student, title, report, mark.mark, mark.points, mark.note.remark
        )
        stem = folder.stems[mark.student]
        shown = feedback.student, feedback.title, feedback.mark, feedback.points, feedback.remark
        written = f"{__version__} {current_language().code} {line_of(report)} {shown!r}"
        digest = sum_of(as_bytes(written))  # the same in every process
        known = kept / f"{stem}.txt"
        is_first = not known.is_file()
        last, *sums = [""] if is_first else read_text(known).split("\n")
        if last == digest and (goal / f"{stem}.html").is_file():
            continue
        edited = [name for name, checksum in there[stem].items() if checksum not in sums]
        if edited and (sums or is_first) and not folder.force:
            problems.append(
                Message(
                    "{file} was changed, so it is kept: move it away to have it written again",
                    file=str(goal / edited[0]),
                )
            )
            continue
        digests[mark.student] = known, digest
        work = partial(make_feedback, feedback, mark.book.path)
        tasks.append((mark.student, work))
    for student, (files, remarks) in do_each(tasks, workers, tell):
        problems += remarks
        known, digest = digests[student]
        before = there[known.stem]
        after = before | {f"{known.stem}{end}": sum_of(content) for end, content in files.items()}
        # a run that is killed now leaves some of each
        write_whole(known, "\n".join(["", *before.values(), *after.values()]))
        for end, content in files.items():
            write_whole(goal / f"{known.stem}{end}", content)
        write_whole(known, "\n".join([digest, *after.values()]))
    return set(digests), problems


def _title(folder: ClassFolder) -> str:
    return folder.plan.net().name or tr("Exercise")


# Tables and the page ------------------------------------------------------------------


def _right(mark: StudentMark, columns: int) -> tuple[float, int]:
    """How many of the exercise's columns are right; for a book that isn't the exercise itself and
    has other columns, the same share of them."""
    assert mark.mark is not None
    assert mark.book is not None
    count = len(mark.mark.parts)
    if not count or any(sheet.asked for sheet in mark.book.report.sheets):
        return mark.mark.right, count
    return mark.mark.right / count * columns, columns


def _ledger_row(mark: StudentMark, columns: int) -> dict[str, str]:
    """All cells but the teacher's."""
    row = {name: "" for name in HEAD if name not in (STUDENT, *OWN)}
    if mark.left_out:
        row |= {
            "verdict": tr(mark.verdict),
            "note": "; ".join(translate(file.message) for file in mark.left_out),
        }
    if mark.book is not None:
        report = mark.book.report
        row |= {
            "verdict": tr(report.verdict),
            "first finding": first_finding(report),
            "file": mark.book.path.name,
            "handed in": strftime("%Y-%m-%d %H:%M", localtime(mark.book.moment)),
            "note": "; ".join(map(translate, mark.book.notes)),
        }
    if mark.mark is not None:
        right, of = _right(mark, columns)
        row |= {
            "points": "" if mark.mark.points is None else in_numbers(mark.mark.points),
            "out of": in_numbers(mark.mark.out_of),
            "taken off": "; ".join(map(translate, mark.mark.taken_off)),
            "right": in_numbers(right),
            "of": str(of),
        }
    return row


def _class_page(
    folder: ClassFolder, marks: Sequence[StudentMark], remarks: Sequence[str], columns: int
) -> str:
    judged = [mark for mark in marks if mark.book is not None and mark.mark is not None]
    reports = [mark.book.report for mark in judged if mark.book]
    notes = (
        joined(": ", (mark.student, note))
        for mark in marks
        if mark.book
        for note in mark.book.notes
    )
    return class_page(
        tr("Class: {name}", name=_title(folder)),
        [_page_row(folder, mark, columns) for mark in marks],
        reports,
        [mark.mark for mark in judged if mark.mark],
        [*notes, *remarks],
    )


def _page_row(folder: ClassFolder, mark: StudentMark, columns: int) -> ClassRow:
    stem = folder.stems[mark.student]
    link = (Span(stem, link=f"{FEEDBACK}/{stem}.html"),) if mark.mark else ""
    right = _right(mark, columns) if mark.mark else None
    return row_of(mark.student, mark.points, mark.mark, right, mark.verdict, mark.note.remark, link)
