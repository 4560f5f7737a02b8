"""Checks one book: reads it, finds its trainings, judges them, reports what is wrong.

Modules that few books need are imported only when needed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from gradbook import limits
from gradbook.audit.as_meant import read_as_meant
from gradbook.audit.exercise.places import find_blank_columns, record_in, with_blank_columns
from gradbook.audit.findings import (
    FORWARD_PASS,
    NO_NETWORK,
    RIGHT,
    TO_FILL_IN,
    UNFINISHED,
    UNREADABLE,
    WORST_FIRST,
    BookReport,
    SheetReport,
    fingerprint_of,
)
from gradbook.audit.judge.loss import find_loss
from gradbook.audit.judgement import training_report
from gradbook.audit.left_out import extend_to_all_rows, not_looked_at, notes_on
from gradbook.audit.origin import origin_of
from gradbook.audit.rules.perceptron import Perceptron, find_perceptrons
from gradbook.audit.training.sheet_training import find_trainings
from gradbook.audit.training.weight_columns import goes_on_by
from gradbook.audit.training.why_no_training import (
    frozen_sheets,
    trained_out_of_sight,
    with_pasted_gradients,
    without_training,
)
from gradbook.cells.book import Book
from gradbook.cells.budget import A_SHARE, BudgetSpent, budget, budget_of_book, within_budget
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.read import read_book
from gradbook.errors import GradbookError, LimitError, UsageError
from gradbook.files import open_file
from gradbook.language.message import Message, words_of
from gradbook.targets.excel.plan.record import ExerciseRecord

if TYPE_CHECKING:
    from gradbook.audit.programs.program_report import ProgramReport


@overload
def check(what: str | PathLike[str]) -> BookReport: ...
@overload
def check(what: Callable[..., Any], *arguments: Any, **options: Any) -> ProgramReport: ...
def check(
    what: str | PathLike[str] | Callable[..., Any], *arguments: Any, **options: Any
) -> BookReport | ProgramReport:
    """Audit a workbook or a function that trains: is each gradient the slope of its own loss?

    A function is called several times, with copies of the arguments: they are as before when it
    is done. It may change arrays in place, keep its weights in an object, or return new ones:
    what it returns as `W - …` of an argument `W` is that argument in the next call. A function
    that moves nothing and returns gradients is taken as it is: `dW1`, or whatever has the shape
    of `W1`, is the gradient of the argument `W1`.

    Args:
        what: An .xlsx or .ods file, which is read, never run; or a function of NumPy arrays.
        arguments: What the function is called with.
        options: The same by name.

    Raises:
        GradbookError: There is no such file, or it can't be opened; the function's source can't
            be read.

    Returns:
        The report. Of a workbook, `.verdict` is "right", "wrong", "frozen", "unfinished", "forward
        pass", "no network" or "unreadable"; each of `.sheets` has its `.findings`, with the
        cells, the reason and the right formula. Of a function, it is what `watch` tells:
        "right", "wrong" and so on, and each of `.models` has its `.findings`. Printed, it is the
        report; in a notebook it shows itself.

    >>> import gradbook as gb
    >>> book = gb.write_workbook("worked", "worked.xlsx")
    >>> gb.check("worked.xlsx").verdict
    'right'
    """
    if callable(what):
        from gradbook.audit.programs.in_python import check_function

        return check_function(what, arguments, options)
    if arguments or options:
        raise UsageError("a workbook is checked by its name alone; only functions have arguments")
    return _check_file(what)


def _check_file(path: str | PathLike[str]) -> BookReport:
    with suppress(LimitError), open_file(path, limits.BOOK):  # too large a file gets a report
        pass
    return report_on(path)


Asked = Callable[[ExerciseRecord], ExerciseRecord]  # of an exercise, by what its book says of it


def report_on(path: str | PathLike[str], asked: Asked = lambda record: record) -> BookReport:
    """A report on the book; a file that can't be opened is unreadable. What an exercise asks for is
    known better to who made it than to the book."""
    with budget_of_book(), np.errstate(all="ignore"):  # what overflows is seen in the values
        return _report(str(path), path, asked)


def check_again(path: str) -> BookReport:
    """A report on a corrected copy, with a smaller budget."""
    with budget_of_book(again=True), np.errstate(all="ignore"):
        return _report(path, path)


def _report(
    name: str, path: str | PathLike[str], asked_of: Asked = lambda record: record
) -> BookReport:
    try:
        book = read_book(path)
        flow = Flow(book)
        ours = record_in(book)
        ours = ours and asked_of(ours)
        exercise: SheetReport | None = None
        if ours:
            from gradbook.audit.exercise.exercise_judgement import exercise_report

            exercise = exercise_report(book, flow, ours)
        told = None  # right cells, and those that we wrote, say nothing about the author
        if exercise is not None:
            mistakes = (f for f in exercise.findings if f.kind != TO_FILL_IN)
            told = {cell for finding in mistakes for cell in finding.cells_in(book)}
        origin = origin_of(book, told)
        origin = replace(origin, key=ours.key if ours else "")
        iterating = ""
        if exercise is not None:
            left, sheets = list(budget().left), extend_to_all_rows(book, [exercise])
        else:
            asked = find_blank_columns(book)
            meant = read_as_meant(book, flow)
            book, flow, iterating = meant.book, meant.flow, meant.iterating
            fill_in(book, flow)
            left = list(budget().left)  # before sheets are judged, which have notes of their own
            sheets = meant.reports(_sheets(book, flow, left))
            sheets = with_blank_columns(book, extend_to_all_rows(book, sheets), asked)
            if book.arrays:
                from gradbook.audit.edits.whole_arrays import with_whole_arrays

                sheets = [with_whole_arrays(flow, sheet) for sheet in sheets]
        is_any = any(sheet.loss or sheet.rule for sheet in sheets)
        hidden = trained_out_of_sight(book, flow, is_any)
    except GradbookError as error:
        return BookReport(name, UNREADABLE, problem=_without_name(words_of(error), name))
    except BudgetSpent:
        return BookReport(name, UNFINISHED, notes=(not_looked_at(Message("it is too large")),))
    except (RecursionError, MemoryError):
        return BookReport(name, UNREADABLE, problem=Message("its formulas are too deep to follow"))
    verdict = min((s.verdict for s in sheets), key=WORST_FIRST.index, default=NO_NETWORK)
    doubtful = _is_doubtful(book, flow, verdict) or (bool(hidden) and not is_any)
    doubtful = doubtful or (verdict == NO_NETWORK and _updates() in left)
    verdict = UNFINISHED if doubtful else verdict
    return BookReport(
        name,
        verdict,
        tuple(sheets),
        notes=(
            *filter(None, [hidden]),
            *notes_on(book, verdict),
            *filter(None, [iterating]),
            *map(not_looked_at, left),
        ),
        fingerprint=fingerprint_of(path),
        formulas=len(book.patterns),
        origin=origin,
    )


def _without_name(problem: str, name: str) -> str:
    """The problem, since a report names its book already."""
    opening = f"can't read {name}: "
    return problem[len(opening) :] if problem.startswith(opening) else problem


def _is_doubtful(book: Book, flow: Flow, verdict: str) -> bool:
    """Whether what wasn't examined could change the verdict."""
    if any(not book.sheets[span.sheet].is_hidden for span in book.unread):
        return verdict in (RIGHT, FORWARD_PASS, NO_NETWORK)
    return verdict in (FORWARD_PASS, NO_NETWORK) and goes_on_by(book, flow, book.too_wide)


def _updates() -> Message:
    return Message("the updates, and whether the values are up to date")


def _sheets(book: Book, flow: Flow, left: list[str]) -> list[SheetReport]:
    """A report for each training, and for each sheet with only the numbers of one; or reports on a
    book without any training, where `left` gets what no budget was left for."""
    searched = within_budget(lambda: _perceptrons(book, flow), A_SHARE)
    perceptrons = searched or []
    by_rule: list[SheetReport] = []
    if perceptrons:
        from gradbook.audit.rules.perceptron_findings import perceptron_report

        by_rule = list(map(perceptron_report, perceptrons))
    taken = set().union(*(perceptron.cells for perceptron in perceptrons))
    trainings = find_trainings(book, flow, taken)
    trainings = [t for t in trainings if taken.isdisjoint(t.weight_cells)]
    once_each = ([len(weight.cells) == 2 for weight in t.weights] for t in trainings)
    is_once = not by_rule and all(2 * sum(each) > len(each) for each in once_each)
    if is_once:
        from gradbook.audit.backward.backward_judgement import backward_reports

        once = backward_reports(book, flow)
        if once:
            return once
    if not trainings and not by_rule:
        from gradbook.audit.repair.pasted_losses import cut_off_trainings

        trainings = within_budget(lambda: cut_off_trainings(book, flow), A_SHARE) or []
    trainings += within_budget(lambda: with_pasted_gradients(book, flow, trainings), A_SHARE) or []
    both = ((training, training_report(training)) for training in trainings)
    judged = [(training, sheet) for training, sheet in both if sheet is not None]
    if not judged and not by_rule:
        from gradbook.audit.rules.half_typed import half_typed_reports

        if searched is None:
            left.append(_updates())
        return half_typed_reports(book, flow) or without_training(book, flow)
    if not judged:
        return by_rule
    names = {name for training, _ in judged for name in training.names}
    frozen = frozen_sheets(book, flow, {training.sheet for training, _ in judged}, names)
    return [*by_rule, *(sheet for _, sheet in judged), *frozen]


def _perceptrons(book: Book, flow: Flow) -> list[Perceptron]:
    """The perceptrons, without those that are only taken for one: no update follows the rule, and
    the same weights learn by gradients."""
    perceptrons = find_perceptrons(book, flow)
    if all(perceptron.is_followed for perceptron in perceptrons):
        return perceptrons
    trainings = find_trainings(book, flow)
    learning = [training for training in trainings if find_loss(training)[1] > 0]
    by_gradients = {cell for training in learning for cell in training.weight_cells}
    return [p for p in perceptrons if p.is_followed or by_gradients.isdisjoint(p.weights)]
