"""Checks one book: reads it, finds its trainings, judges them, says what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from os import PathLike

from gradbook import limits
from gradbook.audit.backward.judgement import backward_reports
from gradbook.audit.budget import (
    A_SHARE,
    BudgetSpent,
    budget,
    budget_of_book,
    forget_failures,
    note_if_spent,
    within_budget,
)
from gradbook.audit.copies.correct import loss_curve
from gradbook.audit.exercise.judgement import exercise_report
from gradbook.audit.exercise.places import (
    NOT_JUDGED,
    find_blank_columns,
    record_in,
    with_blank_columns,
)
from gradbook.audit.findings import (
    BLANK_RATE,
    FORWARD_PASS,
    FROZEN,
    NO_NETWORK,
    PASTED,
    RIGHT,
    TO_FILL_IN,
    UNFINISHED,
    UNREADABLE,
    WORST_FIRST,
    WRONG,
    BookReport,
    Finding,
    LossCurves,
    SheetReport,
    finding_in,
    fingerprint_of,
    new_findings,
)
from gradbook.audit.formula.address import Address, cells_of, name_of, row_of
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.formula.meaning import LeadsBack, NotUnderstood
from gradbook.audit.judge.accounts import account_for
from gradbook.audit.judge.loss import (
    decimal_logarithms,
    descends_wholly,
    every_step,
    find_loss,
    loss_findings,
    loss_notes,
    name_of_loss,
    wrong_terms,
)
from gradbook.audit.judge.memories import departing_memories, optimiser_findings
from gradbook.audit.judge.other_cells import (
    blank_columns,
    blank_findings,
    level_findings,
    neuron_findings,
    rounded_gradients,
    stale_findings,
)
from gradbook.audit.judge.updates import (
    drifting_rates,
    measured_notes,
    measured_slopes,
    of_other_steps,
    stray_findings,
    update_findings,
)
from gradbook.audit.left_out import extend_to_all_rows, not_looked_at, notes_on
from gradbook.audit.repair.broken_trainings import (
    between_iterations,
    called_as_typed,
    cut_off_trainings,
    in_own_cells,
    loss_behind_values,
    with_circles,
    with_texts_read,
    without_circles,
    without_ties,
)
from gradbook.audit.repair.gradients import gradient_findings
from gradbook.audit.rules.half_typed import half_typed_reports
from gradbook.audit.rules.perceptron import find_perceptrons
from gradbook.audit.rules.perceptron_findings import perceptron_report
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.no_training import (
    frozen_sheets,
    trained_out_of_sight,
    with_pasted_gradients,
    without_training,
)
from gradbook.audit.training.steps import (
    SheetStep,
    StepLoss,
    group_steps,
    made_of_it,
    steps_of,
)
from gradbook.audit.training.training import SheetTraining, find_trainings
from gradbook.audit.training.weight_columns import goes_on_by
from gradbook.audit.workbook.book import Book, origin_of
from gradbook.audit.workbook.evaluate import fill_in
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.read import read_book
from gradbook.errors import GradbookError, LimitError
from gradbook.files import open_file
from gradbook.language.message import Message, words_of

SCALES = (2.0, 0.5)  # of a loss: the commonest that are lost, or counted though there is no loss


def check(path: str | PathLike[str]) -> BookReport:
    """Audit a workbook that somebody made: is each gradient the derivative of the sheet's own loss?

    Args:
        path: An .xlsx or .ods file. It is read, never run.

    Raises:
        GradbookError: There is no such file, or it can't be opened.

    Returns:
        The report. `.verdict` is "right", "wrong", "frozen", "unfinished", "forward pass", "no
        network" or "unreadable"; each of `.sheets` has its `.findings`, with the cells, the
        reason and the right formula. Printed, it is the report; in a notebook it shows itself.

    >>> import gradbook as gb
    >>> book = gb.write_workbook("worked", "worked.xlsx")
    >>> gb.check("worked.xlsx").verdict
    'right'
    """
    with suppress(LimitError), open_file(path, limits.BOOK):  # what is too large has a report
        pass
    return report_on(path)


def report_on(path: str | PathLike[str]) -> BookReport:
    """The same; what can't be opened is unreadable."""
    with budget_of_book():
        return _report(str(path), path)


def check_again(path: str) -> BookReport:
    """The same of a corrected copy, in less time."""
    with budget_of_book(again=True):
        return _report(path, path)


def _report(name: str, path: str | PathLike[str]) -> BookReport:
    try:
        book = read_book(path)
        flow = Flow(book)
        ours = record_in(book)
        exercise = exercise_report(book, flow, ours) if ours else None
        origin = origin_of(book, None if exercise is None else _cells_found(book, exercise))
        iterating = ""
        if exercise is not None:
            left, sheets = list(budget().left), extend_to_all_rows(book, [exercise])
        else:
            asked = find_blank_columns(book)
            book, iterating = between_iterations(book, flow)
            flow = Flow(book) if iterating else flow
            as_typed = book
            book, meant, texts = with_texts_read(book, flow)
            flow = Flow(book) if meant or texts else flow
            for mended in (without_ties, without_circles):
                book, more = mended(book, flow)
                flow = Flow(book) if more else flow
                meant = [*meant, *more]
            fill_in(book, flow)
            left = list(budget().left)  # before any sheet is judged, which tells its own
            sheets = with_circles(_sheets(book, flow), meant)
            sheets = called_as_typed(as_typed, texts, sheets)
            sheets = in_own_cells(sheets) if iterating else sheets
            sheets = with_blank_columns(book, extend_to_all_rows(book, sheets), asked)
        is_any = any(sheet.loss or sheet.rule for sheet in sheets)
        hidden = trained_out_of_sight(book, flow, is_any)
    except GradbookError as error:
        return BookReport(name, UNREADABLE, problem=words_of(error))
    except BudgetSpent:
        return BookReport(
            name, UNFINISHED, notes=(not_looked_at(Message("there is too much of it")),)
        )
    except (RecursionError, MemoryError):
        return BookReport(name, UNREADABLE, problem=Message("its formulas are too deep to follow"))
    verdict = min((s.verdict for s in sheets), key=WORST_FIRST.index, default=NO_NETWORK)
    doubtful = _is_doubtful(book, flow, verdict) or (bool(hidden) and not is_any)
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


def _cells_found(book: Book, sheet: SheetReport) -> set[Address]:
    """Where something is wrong: what is right, or as we wrote it, says nothing of who typed it."""
    places = {part.title: number for number, part in enumerate(book.sheets)}
    found = (f for f in sheet.findings if f.kind != TO_FILL_IN)
    return {cell for f in found for cell in cells_of(f.cells, places[f.sheet])}


def _is_doubtful(book: Book, flow: Flow, verdict: str) -> bool:
    """Whether what wasn't looked at may say otherwise."""
    if any(not book.sheets[span.sheet].is_hidden for span in book.unread):
        return verdict in (RIGHT, FORWARD_PASS, NO_NETWORK)
    return verdict in (FORWARD_PASS, NO_NETWORK) and goes_on_by(book, flow, book.too_wide)


def _sheets(book: Book, flow: Flow) -> list[SheetReport]:
    """A report for each training, and for each sheet that holds the numbers of one; or what there
    is in a book without any."""
    perceptrons = within_budget(lambda: find_perceptrons(book, flow), A_SHARE) or []
    by_rule = [perceptron_report(perceptron) for perceptron in perceptrons]
    taken = set().union(*(perceptron.cells for perceptron in perceptrons))
    trainings = [t for t in find_trainings(book, flow) if taken.isdisjoint(t.weight_cells)]
    is_once = not by_rule and all(map(_takes_one_step, trainings))
    done = set().union(*(t.varying for t in trainings if is_once and descends_wholly(t)))
    once = backward_reports(book, flow, done) if is_once else []
    if once and not done:
        return once
    if not trainings and not by_rule:
        trainings = within_budget(lambda: cut_off_trainings(book, flow), A_SHARE) or []
    trainings += within_budget(lambda: with_pasted_gradients(book, flow, trainings), A_SHARE) or []
    both = ((training, _checked(training)) for training in trainings)
    judged = [(training, sheet) for training, sheet in both if sheet is not None]
    if not judged:
        return by_rule or half_typed_reports(book, flow) or without_training(book, flow)
    names = {name for training, _ in judged for name in training.names}
    frozen = frozen_sheets(book, flow, {training.sheet for training, _ in judged}, names)
    return [*by_rule, *(sheet for _, sheet in judged), *frozen, *once]


def _takes_one_step(training: SheetTraining) -> bool:
    """Whether most weights are updated once."""
    once = sum(len(weight.cells) == 2 for weight in training.weights)
    return 2 * once > len(training.weights)


def _checked(training: SheetTraining) -> SheetReport | None:
    """A training's report, or why there can't be one; None of what only looks like one."""
    left = budget().left
    before = len(left)
    try:
        report = _judged(training)
    except BudgetSpent:
        return replace(
            _described(training), notes=(not_looked_at(Message("there is too much of it")),)
        )
    except NotUnderstood as error:
        findings = (_circle(training, error.cell),) if isinstance(error, LeadsBack) else ()
        notes = (Message("it can't be judged further: {problem}", problem=words_of(error)),)
        verdict = WRONG if findings else UNFINISHED
        return replace(_described(training), verdict=verdict, findings=findings, notes=notes)
    if report is None or len(left) == before:
        return report
    more = tuple(map(not_looked_at, left[before:]))
    verdict = UNFINISHED if report.verdict == RIGHT else report.verdict
    return replace(report, verdict=verdict, notes=(*report.notes, *more))


def _described(training: SheetTraining) -> SheetReport:
    """Where a training stands, before it is judged."""
    cells, book, rate = training.weight_cells, training.book, training.rate
    return SheetReport(
        sheet=book.sheets[training.sheet].title,
        verdict=UNFINISHED,
        rate="" if rate is None else book.name_of(rate, training.weights[0].start),
        weights=tuple(training.names),
        rows=(min(map(row_of, cells)) + 1, max(map(row_of, cells)) + 1),
        steps=training.steps,
    )


def _judged(training: SheetTraining) -> SheetReport | None:
    blank = blank_columns(training)
    if blank:
        return replace(_described(training), findings=tuple(blank), notes=(NOT_JUDGED,))
    circle = training.flow.circle(sorted(training.computed_cells), training.weight_cells)
    if circle is not None:
        called = training.book.name_of(circle)
        raise LeadsBack(Message("{cell}, which leads back to itself", cell=called), circle)
    loss, share = find_loss(training)
    if share <= 0:
        training, found = loss_behind_values(training)
        loss = found or loss
    of_loss = tuple(decimal_logarithms(training, loss) or wrong_terms(training, loss))
    explained = ExplainedGradients(of_loss, loss) if of_loss else _explained(training, loss, SCALES)
    findings, loss = explained.findings, explained.loss
    if not loss or loss[0] is None:
        return None
    if share <= 0 and all(map(_is_unexplained, findings)) and len({f.weight for f in findings}) > 1:
        if budget().seeking.is_empty:
            raise BudgetSpent
        return _not_understood(training, loss[0], findings)
    by_steps = measured_slopes(training, findings)
    findings = tuple(finding for finding in findings if finding not in by_steps)
    steps = steps_of(training, loss)
    groups = group_steps(training, steps)
    unaccounted: list[Message] = []
    with note_if_spent(
        lambda: Message("the updates and whether the values are those of the formulas")
    ):
        findings, unaccounted = _with_updates(training, steps, groups, findings)
    cells = [step.cells for step in loss if step and not step.assumption]
    for further in (
        neuron_findings(training, steps),
        level_findings(training, groups),
        rounded_gradients(training, steps),
        blank_findings(training, cells),
    ):
        findings += tuple(new_findings(list(further), findings))
    curve: LossCurves | None = None
    with note_if_spent(lambda: Message("how its loss would go on")):
        curve = loss_curve(training.book, training.flow, cells, findings)
    return replace(
        _described(training),
        verdict=UNFINISHED if unaccounted and not findings else _verdict(training, findings),
        loss=name_of_loss(training, loss[0]),
        notes=(
            *loss_notes(training, loss[0], not findings),
            *measured_notes(by_steps),
            *unaccounted,
        ),
        findings=findings,
        curve=curve,
        is_half_judged=not explained.is_whole,
    )


def _with_updates(
    training: SheetTraining,
    steps: Sequence[SheetStep],
    groups: Sequence[Sequence[SheetStep]],
    findings: tuple[Finding, ...],
) -> tuple[tuple[Finding, ...], list[Message]]:
    """The findings of gradients that are their own, and what is wrong with the updates; then notes
    on what nothing accounts for."""
    tested = StepUnderTest.of(training, steps[:1])
    rows = [*drifting_rates(training), *departing_memories(training, tested)]
    findings = (*rows, *new_findings(findings, rows))
    account = account_for(training, groups, findings)
    odd = list(new_findings(account.findings, findings))
    updates = [*odd, *update_findings(training, steps, [*findings, *odd])]
    elsewhere = list(of_other_steps(training, steps, findings, updates))
    findings = tuple(finding for finding in findings if finding not in elsewhere)
    findings += (*stray_findings(training, steps), *updates, *stale_findings(training, groups))
    of_laws, notes = optimiser_findings(training, groups, steps)
    findings += tuple(new_findings(of_laws, findings))
    return findings, [*account.notes(findings), *([] if findings else notes)]


def _is_unexplained(finding: Finding) -> bool:
    return finding.kind == EditKind.FORMULA.value


def _not_understood(
    training: SheetTraining, loss: StepLoss, findings: Sequence[Finding]
) -> SheetReport:
    """Report that so much is wrong that another reading of the sheet is likelier."""
    called, where = name_of_loss(training, loss), findings[0].cells.partition(",")[0]
    note = Message(
        "none of the gradients is one of {loss}, nor a small change away from it ({cells} and "
        "others): they may be those of another loss, or something here isn't understood",
        loss=called,
        cells=where,
    )
    return replace(_described(training), notes=(note,))


@dataclass(frozen=True)
class ExplainedGradients:
    """What is wrong with the gradients of a loss."""

    findings: tuple[Finding, ...]
    loss: list[StepLoss | None]
    is_whole: bool = True  # what most steps have in common was judged to its end


def _explained(
    training: SheetTraining, loss: list[StepLoss | None], scales: Sequence[float]
) -> ExplainedGradients:
    """Find what is wrong with the gradients.

    Where no small change explains some of them, the loss that this one is a part of is tried too;
    where none is right or none explained, also multiples of this loss. Whichever explains more is
    taken.
    """
    if not loss or loss[0] is None:
        return ExplainedGradients((), loss)
    groups = group_steps(training, steps_of(training, loss))
    wrong, is_whole = gradient_findings(training, groups)
    found = ExplainedGradients((*loss_findings(training, loss), *wrong), loss, is_whole)
    unexplained = sum(map(_is_unexplained, found.findings))
    blamed = {name for f in found.findings for name in (f.weight, *f.spoils)}
    none_fits = unexplained == len(found.findings) or blamed.issuperset(training.names)
    others = [
        [step and replace(step, scale=scale * step.scale) for step in loss]
        for scale in (scales if none_fits else ())
    ]
    whole = made_of_it(training, loss[0].cells) if unexplained and scales else None
    wider = [every_step(training, StepLoss((whole,)))] if whole is not None else []
    for other in (*others, *wider) if unexplained else ():
        with forget_failures():
            instead = _explained(training, other, ())
        left = sum(map(_is_unexplained, instead.findings))
        if instead.is_whole >= found.is_whole and left < unexplained:
            found, unexplained = instead, left
    return found


def _verdict(training: SheetTraining, findings: Sequence[Finding]) -> str:
    kinds = {finding.kind for finding in findings}
    if not kinds:
        return RIGHT
    if kinds == {TO_FILL_IN}:
        return UNFINISHED
    pasted = {  # the weights whose gradients are numbers in every step
        f.weight
        for f in findings
        if f.quantity == f"∂E/∂{f.weight}"
        and sum(1 for _ in cells_of(f.cells, training.sheet)) >= training.steps
    }
    is_frozen = kinds == {BLANK_RATE} or (kinds == {PASTED} and pasted.issuperset(training.names))
    return FROZEN if is_frozen else WRONG


def _circle(training: SheetTraining, cell: Address) -> Finding:
    """A formula that is computed from itself, with those of its line that are like it."""
    book, axis = training.book, training.axis
    pattern, line = book.patterns[cell], axis.line(cell)
    alike = sorted(c for c, p in book.patterns.items() if p is pattern and axis.line(c) == line)
    name = name_of(alike[0])
    why = Message("{cell} is computed from itself", cell=name)
    return finding_in(book, alike, "circular reference", training.name_of(alike[0]), why)
