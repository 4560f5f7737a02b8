"""Makes each student's workbook, handout and key, and the page that links to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from gradbook.errors import GradbookError, UsageError
from gradbook.files import InnerPath, write_whole
from gradbook.lab.classroom import personalise
from gradbook.language import tr
from gradbook.rates.sweep import usable_rate
from gradbook.report.document import Chapter, Passage, Report
from gradbook.report.handout import handout, handouts_page
from gradbook.report.markup import report_page
from gradbook.report.styled_text import RichCell, Span, TableColumn, TextTable
from gradbook.report.workbook import write_workbook
from gradbook.teaching.classes.folder import (
    EXERCISES,
    HANDED_IN,
    HANDOUTS,
    INDEX,
    KEYS,
    RUBRIC,
    ClassFolder,
    ClassPlan,
    do_each,
)
from gradbook.teaching.classes.rubric import RUBRIC_TEXT
from gradbook.work import Task

ALL = "all"
PAPERS = {HANDOUTS: False, KEYS: True}  # their folders, and whether they show the solution
TOGETHER = 40  # pages in one file
Tell = Callable[[int], object]


def make_class(folder: ClassFolder, workers: int, tell: Tell = lambda done: None) -> int:
    """Make whatever is missing; return how many students got new files."""
    with folder.alone():
        return _make_all(folder, workers, tell)


def _make_all(folder: ClassFolder, workers: int, tell: Tell) -> int:
    plan = folder.plan
    for name in (EXERCISES, *PAPERS, HANDED_IN):
        folder.inside(name)
    if not (folder.path / RUBRIC).is_file():
        write_whole(folder.path / RUBRIC, RUBRIC_TEXT)
    tasks: list[tuple[str, Task]] = []
    for student, stem in folder.stems.items():
        book, papers = folder.path / EXERCISES / f"{stem}.xlsx", _missing(folder, stem)
        if papers or not book.is_file():
            tasks.append((student, partial(_make, folder, student, book, papers)))
    new = len(tasks)
    each = [folder.students[k : k + TOGETHER] for k in range(0, len(folder.students), TOGETHER)]
    names = [f"{ALL}-{number}" for number in range(1, len(each) + 1)] if each[1:] else [ALL]
    together = dict(zip(names, each, strict=True))  # whose handouts share a file, by its name
    if plan.paper and (tasks or any(_missing(folder, name) for name in together)):
        for name, students in together.items():
            papers = [f"{where}/{name}.html" for where in PAPERS]
            folder.require_ours(*papers)
            tasks.append((name, partial(_papers, plan, students, papers)))
    for _, papers in do_each(tasks, workers, tell):
        if papers:
            folder.write(papers)
    folder.write({INDEX: _index(folder)})
    return new


def _missing(folder: ClassFolder, stem: str) -> list[str]:
    """The missing handout and key."""
    papers = (f"{where}/{stem}.html" for where in PAPERS if folder.plan.paper)
    return [name for name in papers if not (folder.path / name).is_file()]


def _make(folder: ClassFolder, student: str, book: InnerPath, papers: Sequence[str]) -> None:
    """Make one student's missing files, and return the papers among them."""
    plan = folder.plan
    net, exercise = personalise(plan.net(), student), plan.exercise(student)
    if not book.is_file():
        write_workbook(net, book, epochs=plan.epochs, rates=(), exercise=exercise)
    for name, content in _papers(plan, [student], papers).items():
        write_whole(folder.path / name, content)


def _papers(plan: ClassPlan, students: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The students' pages in one file, and their keys in another."""
    pages = []
    for student in students if names else ():
        net = personalise(plan.net(), student)
        pages.append(handout(net, plan.exercise(student), usable_rate(net, plan.epochs)))
    return {
        name: handouts_page(pages, plan.paper, solved=PAPERS[name.partition("/")[0]])
        for name in names
    }


def require_paper(plan: ClassPlan) -> None:
    """Raise an error, before anything is written, if a handout can't be made."""
    if not plan.paper:
        return
    try:
        handout(plan.net(), plan.exercise("1"), 0.5)
    except GradbookError as error:
        raise UsageError(f"{error}; or give --paper none") from error


# The page -----------------------------------------------------------------------------


def _index(folder: ClassFolder) -> str:
    """The page, with a row of links for each student."""
    titles = (tr("student"), tr("exercise"), tr("handout"), tr("key"))
    columns = tuple(TableColumn(title, words=True) for title in titles)
    rows = tuple((student, *_links(folder, stem)) for student, stem in folder.stems.items())
    table = TextTable(columns[: len(rows[0])], rows, has_row_heads=True)
    lead = tr(
        "Hand out the exercises. Put what comes back into the folder {folder} as it is, "
        "archives included, and run {command}.",
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
    files += [f"{where}/{stem}.html" for where in PAPERS if folder.plan.paper]
    return [(Span(file.rpartition("/")[2], link=file),) for file in files]
