"""Makes what a class is given: a workbook for each student, the same on paper, its key, a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from gradbook.errors import GradbookError, UsageError
from gradbook.files import InnerPath, write_whole
from gradbook.lab.classroom import personalise
from gradbook.language import tr
from gradbook.rates.sweep import usable_rate
from gradbook.report.derivation import require_typst
from gradbook.report.document import Chapter, Passage, Report
from gradbook.report.handout import handout, handouts_pdf
from gradbook.report.markup import report_page
from gradbook.report.words import RichCell, Span, TableColumn, TextTable
from gradbook.report.workbook import write_workbook
from gradbook.teaching.classes.folder import (
    EXERCISES,
    HANDED_IN,
    HANDOUTS,
    KEYS,
    RUBRIC,
    ClassFolder,
    ClassPlan,
    do_each,
)
from gradbook.teaching.classes.rubric import RUBRIC_TEXT
from gradbook.work.processes import Task

INDEX, ALL = "index.html", "all.pdf"
TOGETHER = 40  # pages that are set at once
Papers = tuple[InnerPath, InnerPath]  # a handout and its key
Tell = Callable[[int], object]


def make_class(folder: ClassFolder, workers: int, tell: Tell = lambda done: None) -> int:
    """Makes whatever isn't there yet; how many workbooks that were."""
    with folder.alone():
        return _make_all(folder, workers, tell)


def _make_all(folder: ClassFolder, workers: int, tell: Tell) -> int:
    plan = folder.plan
    places = {name: folder.inside(name) for name in (EXERCISES, HANDOUTS, KEYS)}
    folder.inside(HANDED_IN)
    if not (folder.path / RUBRIC).is_file():
        write_whole(folder.path / RUBRIC, RUBRIC_TEXT)
    tasks: list[tuple[str, Task]] = []
    for student, stem in folder.stems.items():
        book = places[EXERCISES] / f"{stem}.xlsx"
        papers = (places[HANDOUTS] / f"{stem}.pdf", places[KEYS] / f"{stem}.pdf")
        wanted = [path for path in (book, *(papers if plan.paper else ())) if not path.is_file()]
        if wanted:
            tasks.append((student, partial(_make, plan, student, book, papers)))
    new = len(tasks)
    if plan.paper and (tasks or not _has_all(places[KEYS])):
        tasks += _all_tasks(folder, places)
    for _ in do_each(tasks, workers, tell):
        pass
    write_whole(folder.path / INDEX, _index(folder))
    return new


def _has_all(keys: InnerPath) -> bool:
    named = (path for path in keys.iterdir() if path.name.startswith("all"))
    return any(path.suffix == ".pdf" and path.is_file() for path in named)


def _make(plan: ClassPlan, student: str, book: InnerPath, papers: Papers) -> None:
    """One student's files; those that are there stay."""
    net, exercise = personalise(plan.net(), student), plan.exercise(student)
    if not book.is_file():
        write_workbook(net, book, epochs=plan.epochs, rates=(), exercise=exercise)
    if plan.paper and not all(path.is_file() for path in papers):
        _make_papers(plan, [student], papers)


def _all_tasks(folder: ClassFolder, places: dict[str, InnerPath]) -> list[tuple[str, Task]]:
    """All handouts in one file, to be printed, and all keys; of a large class in several."""
    students = folder.students
    parts = [students[k : k + TOGETHER] for k in range(0, len(students), TOGETHER)]
    tasks: list[tuple[str, Task]] = []
    for number, part in enumerate(parts, 1):
        name = ALL if len(parts) == 1 else f"all-{number}.pdf"
        papers = places[HANDOUTS] / name, places[KEYS] / name
        tasks.append((name, partial(_make_papers, folder.plan, part, papers)))
    return tasks


def _make_papers(plan: ClassPlan, students: Sequence[str], papers: Papers) -> None:
    """The students' pages in one file, and their keys in another."""
    pages = []
    for student in students:
        net = personalise(plan.net(), student)
        pages.append(handout(net, plan.exercise(student), usable_rate(net, plan.epochs)))
    for path, solved in zip(papers, (False, True), strict=True):
        write_whole(path, handouts_pdf(pages, plan.paper, solved=solved))


def require_paper(plan: ClassPlan) -> None:
    """Say before anything is written that a handout can't be made."""
    if not plan.paper:
        return
    try:
        require_typst()
        handout(plan.net(), plan.exercise("1"), 0.5)
    except GradbookError as error:
        raise UsageError(f"{error}; or give --paper none") from error


# The page -----------------------------------------------------------------------------


def _index(folder: ClassFolder) -> str:
    """A row for each student, with the files."""
    titles = (tr("student"), tr("exercise"), tr("handout"), tr("key"))
    columns = tuple(TableColumn(title, words=True) for title in titles)
    rows = tuple((student, *_links(folder, stem)) for student, stem in folder.stems.items())
    table = TextTable(columns[: len(rows[0])], rows, has_row_heads=True)
    lead = tr(
        "Hand out the exercises. Put what comes back into the folder {folder}, as it comes, "
        "archives too, and run {command}.",
        folder=HANDED_IN,
        command="gradbook class mark",
    )
    title = tr("Class: {name}", name=folder.plan.net().name or tr("exercise"))
    return report_page(
        Report(
            title,
            [Chapter("students", tr("Students"), [table])],
            lead=[Passage(lead, "lead")],
        )
    )


def _links(folder: ClassFolder, stem: str) -> list[RichCell]:
    files = [f"{EXERCISES}/{stem}.xlsx"]
    if folder.plan.paper:
        files += [f"{HANDOUTS}/{stem}.pdf", f"{KEYS}/{stem}.pdf"]
    return [(Span(file.rpartition("/")[2], link=file),) for file in files]
