"""Judges a training: its loss, its gradients, its updates, and other cells of its steps.

Modules that only wrong trainings need are imported only for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from gradbook.audit.arbitration import weigh
from gradbook.audit.exercise.places import NOT_JUDGED
from gradbook.audit.findings import (
    BLANK_RATE,
    CIRCULAR,
    FROZEN,
    PASTED,
    RIGHT,
    TO_FILL_IN,
    UNFINISHED,
    WRONG,
    Finding,
    LossCurves,
    SheetReport,
    finding_in,
    new_findings,
)
from gradbook.audit.judge.accounts import account_for, decay_notes, wrong_penalty
from gradbook.audit.judge.loss import (
    every_step,
    find_loss,
    loss_findings,
    loss_notes,
    name_of_loss,
    wrong_terms,
)
from gradbook.audit.judge.meant_losses import WHY_NEGATIVE, meant_loss_findings
from gradbook.audit.judge.meant_updates import blank_rate, with_formulas, with_meant_updates
from gradbook.audit.judge.memories import have_laws, optimiser_findings
from gradbook.audit.judge.other_cells import (
    blank_columns,
    blank_findings,
    level_findings,
    neuron_findings,
    note_of_typed,
    rounded_gradients,
    stale_findings,
    types_the_same,
)
from gradbook.audit.judge.players import Player, players_of
from gradbook.audit.judge.update_judgement import (
    CLIMBING,
    measured_notes,
    measured_slopes,
    stray_findings,
    update_findings,
)
from gradbook.audit.ledger import Ledger, idle_notes, ledger_of
from gradbook.audit.left_out import not_looked_at
from gradbook.audit.one_program import OneProgram, with_one_program, without_pasted_updates
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.claims import first_claims
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import (
    SheetStep,
    StepLoss,
    group_steps,
    made_of_it,
    steps_of,
)
from gradbook.cells.budget import (
    A_SHARE,
    BudgetSpent,
    budget,
    forget_failures,
    note_if_spent,
    within_budget,
)
from gradbook.cells.formula.address import (
    ACROSS,
    Address,
    cells_of,
    column_of,
    letters,
    name_of,
    row_of,
)
from gradbook.cells.formula.expression import EditKind
from gradbook.cells.formula.formula_values import LeadsBack, NotUnderstood
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Call
from gradbook.language.message import Message, enumerated, words_of

SAMPLED = 16  # kinds of steps, to see whether another loss explains more
SCALES = (2.0, 0.5)  # the factors of a loss that are most often omitted, or superfluous


def training_report(training: SheetTraining) -> SheetReport | None:
    """The report on a training, or on why it can't be judged; None if it only looks like one."""
    left = budget().left
    before = len(left)
    try:
        report = _judged(training)
    except BudgetSpent:
        return replace(_described(training), notes=(not_looked_at(Message("it is too large")),))
    except NotUnderstood as error:
        findings = (_circle(training, error.cell),) if isinstance(error, LeadsBack) else ()
        notes = (Message("the rest can't be judged: {problem}", problem=words_of(error)),)
        verdict = WRONG if findings else UNFINISHED
        return replace(_described(training), verdict=verdict, findings=findings, notes=notes)
    if report is None or len(left) == before:
        return report
    more = tuple(map(not_looked_at, left[before:]))
    verdict = UNFINISHED if report.verdict == RIGHT else report.verdict
    return replace(report, verdict=verdict, notes=(*report.notes, *more))


def _described(training: SheetTraining) -> SheetReport:
    """The description of a training before it is judged."""
    cells, book, rate = training.weight_cells, training.book, training.rate
    columns = letters(min(map(column_of, cells))), letters(max(map(column_of, cells)))
    return SheetReport(
        sheet=book.sheets[training.sheet].title,
        verdict=UNFINISHED,
        rate="" if rate is None else book.name_of(rate, training.weights[0].start),
        weights=tuple(training.names),
        rows=(min(map(row_of, cells)) + 1, max(map(row_of, cells)) + 1),
        columns=columns if training.axis is ACROSS else None,
        steps=training.steps,
    )


def _judged(
    training: SheetTraining, known: list[StepLoss | None] | None = None
) -> SheetReport | None:
    """The report on a training, perhaps with a `known` loss."""
    typed, pasted = training, tuple[Finding, ...]()
    if not training.is_circular:
        program = within_budget(lambda: without_pasted_updates(typed), A_SHARE)
        training, pasted = (program.training, program.findings) if program else (typed, ())
    blank = blank_columns(training)
    if blank:
        return replace(_described(training), findings=tuple(blank), notes=(NOT_JUDGED,))
    _without_circle(training)
    meant = _as_meant(training, known)
    players = None if known else _players(meant)
    if players:
        return _together(typed, [sheet for player in players if (sheet := _judged(*player))])
    training, loss, share = meant.training, meant.loss, meant.share
    of_loss = tuple(
        meant_loss_findings(training, loss)
        or wrong_terms(training, loss)
        or wrong_penalty(training, loss)
    )
    scales = (*_counts_of_means(training, loss), *SCALES)
    explained = ExplainedGradients(of_loss, loss) if of_loss else _explained(training, loss, scales)
    findings, loss = explained.findings, explained.loss
    if not loss or loss[0] is None:
        return None
    by_steps = measured_slopes(training, findings)
    findings = tuple(f for f in findings if f not in by_steps)
    if share <= 0 and all(map(_is_unexplained, findings)) and len({f.weight for f in findings}) > 1:
        if budget().seeking.is_empty:
            raise BudgetSpent
        return _not_understood(training, loss[0], findings)
    same = [finding for finding in findings if types_the_same(training, finding)]
    findings = tuple(f for f in findings if f not in same)
    if same:
        training = with_formulas(training, _fixes_in(training, same))
    descended = _with_its_sign(loss, findings)
    steps = steps_of(training, descended)
    cells = [step.cells for step in loss if step and not step.assumption]
    findings, unaccounted = _further(training, steps, findings, cells, meant.slips)
    ledger = Ledger() if known else _last_word(training, descended, findings)
    findings = weigh(typed, (*pasted, *meant.departing), findings, ledger.findings)
    unaccounted += ledger.unaccounted
    curve: LossCurves | None = None
    with note_if_spent(lambda: Message("how its loss would continue")):
        curve = _curve(typed, loss, findings)
    remarks = None  # what is said of a right training, if the budget suffices
    if not findings:
        groups = group_steps(training, steps)
        remarks = within_budget(lambda: [*decay_notes(training, groups), *idle_notes(training)])
    return replace(
        _described(training),
        verdict=UNFINISHED if unaccounted and not findings else _verdict(training, findings),
        loss=name_of_loss(training, loss[0]),
        notes=(
            *loss_notes(training, loss[0], not findings),
            *measured_notes(training, by_steps),
            *(note_of_typed(training, finding) for finding in same),
            *(remarks or ()),
            *unaccounted,
        ),
        findings=findings,
        curve=curve,
        is_half_judged=not explained.is_whole,
    )


def _players(meant: MeantTraining) -> Sequence[Player]:
    return within_budget(lambda: players_of(meant.training, meant.loss), A_SHARE) or ()


def _together(training: SheetTraining, sheets: Sequence[SheetReport]) -> SheetReport:
    """One report on players that were judged by themselves."""
    findings: list[Finding] = []
    for sheet in sheets:
        findings += new_findings(list(sheet.findings), findings)
    verdicts = {sheet.verdict for sheet in sheets}
    return replace(
        _described(training),
        verdict=next((v for v in (WRONG, FROZEN, UNFINISHED) if v in verdicts), RIGHT),
        loss=enumerated(sheet.loss for sheet in sheets),
        notes=tuple(dict.fromkeys(note for sheet in sheets for note in sheet.notes)),
        findings=tuple(findings),
    )


def _with_its_sign(
    loss: list[StepLoss | None], findings: Sequence[Finding]
) -> list[StepLoss | None]:
    """The loss of each step with the minus sign that it lacks, if that is found."""
    if all(finding.why != WHY_NEGATIVE for finding in findings):
        return loss
    return [step and replace(step, scale=-step.scale) for step in loss]


def _without_circle(training: SheetTraining) -> None:
    circle = training.flow.circle(sorted(training.computed_cells), training.weight_cells)
    if circle is not None:
        called = training.book.name_of(circle)
        raise LeadsBack(Message("{cell}, which depends on itself", cell=called), circle)


@dataclass(frozen=True)
class MeantTraining:
    """A training as its author meant it, before its gradients are judged, and its loss."""

    training: SheetTraining
    departing: tuple[Finding, ...]  # cells that aren't copies of those in the other steps
    slips: tuple[Finding, ...]  # rates and weights that updates take instead of others
    loss: list[StepLoss | None]
    share: float  # of the gradients that are those of this loss


def _as_meant(typed: SheetTraining, known: list[StepLoss | None] | None = None) -> MeantTraining:
    """Read each step as the same program, with the rate and the weights that updates mean."""
    training, departing = _as_one_program(typed)
    training, slips = with_meant_updates(training)
    loss, share = (known, 1.0) if known else find_loss(training)
    of_losses = {cell for step in loss if step for cell in step.cells}
    training, more = _as_one_program(training, of_losses)
    if share <= 0:
        from gradbook.audit.repair.pasted_losses import loss_behind_values

        training, found = loss_behind_values(training)
        loss = found or loss
    return MeantTraining(training, (*departing, *more), tuple(slips), loss, share)


def _as_one_program(
    training: SheetTraining, losses: Collection[Address] = frozenset()
) -> tuple[SheetTraining, tuple[Finding, ...]]:
    """The training with the same program in each step, and findings for what departed from it."""
    if training.is_circular:
        return training, ()
    program = within_budget(lambda: with_one_program(training, losses)) or OneProgram(training)
    return program.training, program.findings


def _fixes_in(training: SheetTraining, findings: Sequence[Finding]) -> dict[Address, Pattern]:
    """The right formulas of some findings, by cell."""
    reader = training.book.reader
    return {
        cell: reader.read_typed(finding.fixes[name_of(cell)].strip("{}").removeprefix("="), cell)
        for finding in findings
        for cell in finding.cells_in(training.book)
        if name_of(cell) in finding.fixes
    }


def _further(
    training: SheetTraining,
    steps: Sequence[SheetStep],
    findings: tuple[Finding, ...],
    losses: Sequence[Sequence[Address]],
    slips: Sequence[Finding],
) -> tuple[tuple[Finding, ...], list[Message]]:
    """The findings for gradients, updates, and all other cells; and notes on updates that remain
    unexplained."""
    groups = group_steps(training, steps)
    unaccounted: list[Message] = []
    with note_if_spent(lambda: Message("the updates, and whether the values are up to date")):
        findings, unaccounted = _with_updates(training, steps, groups, findings)
    findings = (*slips, *findings)
    for further in (
        neuron_findings(training, steps),
        level_findings(training, groups),
        rounded_gradients(training, steps),
        blank_findings(training, losses),
        _compared(training, steps) if not findings else (),
    ):
        findings += tuple(new_findings(list(further), findings))
    return findings, unaccounted


def _compared(training: SheetTraining, steps: Sequence[SheetStep]) -> Iterator[Finding]:
    """Findings for a second form of the loss: the search is loaded only where formulas test it."""
    users = (training.flow.users.get(cell, ()) for step in steps[:1] for cell in step.loss.cells)
    if any(users):
        from gradbook.audit.repair.second_forms import compared_findings

        yield from compared_findings(training, steps)


def _last_word(
    training: SheetTraining, loss: Sequence[StepLoss | None], findings: Sequence[Finding]
) -> Ledger:
    """The ledger of the training as its findings mend it; an empty one if they don't."""
    if training.is_circular or not all(finding.fixes for finding in findings):
        return Ledger()
    with note_if_spent(lambda: Message("whether each cell has a part in the steps")):
        mended = with_formulas(training, _fixes_in(training, findings))
        steps = steps_of(mended, loss)
        return ledger_of(mended, steps, group_steps(mended, steps))
    return Ledger()


def _with_updates(
    training: SheetTraining,
    steps: Sequence[SheetStep],
    groups: Sequence[Sequence[SheetStep]],
    findings: tuple[Finding, ...],
) -> tuple[tuple[Finding, ...], list[Message]]:
    """The findings for gradients and updates, and notes on updates that remain unexplained."""
    account = account_for(training, groups, findings)
    of_laws: list[Finding] = []
    notes: list[Message] = []
    if have_laws(training, steps):
        of_laws, notes = optimiser_findings(training, groups, findings)
    elif account.has_other_laws:  # each weight may be scaled by its own, such as a second slope
        few, _ = optimiser_findings(training, groups, findings)
        blamed = len({f.weight for f in few})
        of_laws = (
            few if 2 * blamed < len(training.weights) or blamed == len(training.weights) else []
        )
    behind = {f.weight for f in of_laws if f.quantity != f.weight}  # in cells behind its update
    odd = [f for f in new_findings(account.findings, findings) if f.weight not in behind]
    updates = [
        *odd,
        *blank_rate(training, steps),
        *update_findings(training, steps, [*findings, *odd]),
    ]
    findings += (*stray_findings(training, steps), *updates, *stale_findings(training, groups))
    climbing = {f.weight for f in updates if f.kind == CLIMBING}
    findings += tuple(new_findings([f for f in of_laws if f.weight not in climbing], findings))
    return findings, [*account.notes(findings), *([] if findings else notes)]


def _is_unexplained(finding: Finding) -> bool:
    return finding.kind == EditKind.FORMULA.value


def _not_understood(
    training: SheetTraining, loss: StepLoss, findings: Sequence[Finding]
) -> SheetReport:
    """A report that so much is wrong that the sheet probably means something else."""
    called, where = name_of_loss(training, loss), findings[0].cells.partition(",")[0]
    note = Message(
        "none of the gradients is a gradient of {loss}, even with a small change ({cells} and "
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
    is_whole: bool = True  # whether the most frequent kind of steps was fully judged


def _explained(
    training: SheetTraining, loss: list[StepLoss | None], scales: Sequence[float]
) -> ExplainedGradients:
    """Find the mistakes in the gradients.

    If no small change explains some of them, the larger loss that this one is a part of is tried
    too; if all are wrong or none is explained, also multiples of this loss. The loss that explains
    the most is chosen.
    """
    if not loss or loss[0] is None:
        return ExplainedGradients((), loss)
    groups = group_steps(training, steps_of(training, loss))
    wrong, is_whole = _wrong_gradients(training, groups)
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
    for other in (*wider, *others):
        if not unexplained:
            break
        if budget().seeking.is_empty and _wrong(training, other) >= _wrong(training, loss):
            continue
        with forget_failures():
            instead = _explained(training, other, ())
        left = sum(map(_is_unexplained, instead.findings))
        if instead.is_whole >= found.is_whole and left < unexplained:
            found, unexplained = instead, left
    return found


def _wrong(training: SheetTraining, loss: list[StepLoss | None]) -> int:
    """The number of gradients in some steps that are wrong with a loss: all that counts if nothing
    can be searched for any more."""
    groups = group_steps(training, steps_of(training, loss))
    some = groups[:: 1 + len(groups) // SAMPLED]
    return sum(len(StepUnderTest.of(training, group).wrong_weights()) for group in some)


def _counts_of_means(training: SheetTraining, loss: Sequence[StepLoss | None]) -> Iterator[float]:
    """The factors of a loss whose samples are added up, if its gradients are means, or the other
    way round."""
    first = next(filter(None, loss), None)
    owners = {claim.owner for options in first_claims(training) for claim in options}
    for cells, way in ((owners, -1.0), (first.cells if first else (), 1.0)):
        said = (training.book.patterns[cell] for cell in cells if cell in training.book.patterns)
        counts = {
            len(training.flow.sources(pattern.home))
            for pattern in said
            if isinstance(pattern.expression, Call) and pattern.expression.function == "AVERAGE"
        }
        yield from (count**way for count in counts if count > 1)


def _wrong_gradients(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]]
) -> tuple[list[Finding], bool]:
    """The mistakes in the gradients, and whether most steps were fully judged."""
    if len(groups) == 1 and within_budget(StepUnderTest.of(training, groups[0]).is_right):
        return [], True
    from gradbook.audit.repair.gradients import gradient_findings

    return gradient_findings(training, groups)


def _curve(
    training: SheetTraining, loss: Sequence[StepLoss | None], findings: Sequence[Finding]
) -> LossCurves | None:
    """The loss curves with the sheet's formulas and with the right ones."""
    if not findings:
        return None
    from gradbook.audit.copies.correct import loss_curve

    steps = [step for step in loss if step and not step.assumption]
    cells, own = [step.cells for step in steps], training.weight_cells.keys()
    curve = loss_curve(training.book, training.flow, cells, findings, own)
    is_climbed = any(step.is_climbed for step in steps)
    return curve and replace(curve, is_climbed=is_climbed)


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
    """A finding for a formula that depends on itself, with the same formulas of its line."""
    book, axis = training.book, training.axis
    pattern, line = book.patterns[cell], axis.line(cell)
    alike = sorted(c for c, p in book.patterns.items() if p is pattern and axis.line(c) == line)
    name = name_of(alike[0])
    why = Message("{cell} is computed from itself", cell=name)
    return finding_in(book, alike, CIRCULAR, training.name_of(alike[0]), why)
