"""Finds the wrong gradients of a training: which cells cause them, and what is right.

The generators propose hypotheses, in the order of the list; the accepted one becomes faults in the
cells of all similar steps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from gradbook.audit.findings import OTHER_GRADIENT, TO_FILL_IN, Finding, typed_in
from gradbook.audit.repair.backward_cells import cells_by_their_slopes, cells_unlike_others
from gradbook.audit.repair.column_repairs import (
    changed_columns,
    constant_formulas,
    lacking_columns,
    pasted_columns,
)
from gradbook.audit.repair.departures import (
    going_on,
    known_columns,
    other_gradients,
    repeated_cell,
    serving_others,
)
from gradbook.audit.repair.missing_links import missing_links
from gradbook.audit.repair.repaired_step import RepairedStep, repair_step
from gradbook.audit.repair.shares import omission_of_claim, omissions_of_all, wrong_shares
from gradbook.audit.repair.sibling_formulas import sibling_formulas
from gradbook.audit.repair.symptoms import EarlierRows, Symptoms, becomes_its_line, becomes_usual
from gradbook.audit.repair.wrong_formula import (
    WrongFormula,
    anew,
    few_differences,
    one_edit,
    two_edits,
)
from gradbook.audit.search.hypotheses import (
    Cause,
    Generator,
    Hypothesis,
    Proof,
    SearchStage,
    choose,
    unless_not_understood,
)
from gradbook.audit.search.wording import Fault, Surroundings, Wording, findings_of
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import SheetStep
from gradbook.cells.budget import A_SHARE, budget, note_if_spent, spend, within_budget
from gradbook.cells.formula.address import SHEET, Address, sheet_of
from gradbook.cells.formula.expression import EditKind
from gradbook.cells.formula.pattern import copy_formula, rename_cells_in
from gradbook.cells.formula.syntax import Expression, read, write
from gradbook.language.message import Message, message_count

# Generators ---------------------------------------------------------------------------


Way = Callable[[Symptoms], Hypothesis | None]
Proposing = Callable[[Symptoms], Iterator[Hypothesis]]


def _alone(way: Way) -> Proposing:
    """Make a generator of a function that returns one hypothesis about a weight's claim."""

    def propose(symptoms: Symptoms) -> Iterator[Hypothesis]:
        found = way(symptoms)
        if found is not None:
            yield replace(found, explains=frozenset({symptoms.looked_at}))

    return propose


def _of_claim(way: Callable[[StepUnderTest, int, Claim], Hypothesis | None]) -> Proposing:
    """Make a generator of a function that corrects a claim, or its parts."""
    return _alone(lambda s: way(s.under_test, s.looked_at, s.wrong[s.looked_at]))


def _of_formula(way: Callable[[WrongFormula], Hypothesis | None]) -> Proposing:
    """Make a generator of a function that corrects the formula of a claim."""
    return _alone(lambda s: way(wrong) if (wrong := s.formula(s.looked_at)) else None)


def written_anew(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """The result of the chain rule, written with the sheet's own cells."""
    true = tested.gradients[weight]
    wrong = WrongFormula.of_claim(tested, weight, claim)
    old = claim.expression if wrong is None else wrong.expression
    return anew(tested, claim.owner, old, true if claim.sign > 0 else -true)


SIBLINGS, BACKWARD_CELLS = "siblings", "backward cells"
GENERATORS = (
    Generator("other gradients", SearchStage.UPDATES, Proof.NONE, other_gradients),
    Generator(SIBLINGS, SearchStage.COLUMNS, Proof.MENDS, sibling_formulas),
    Generator(BACKWARD_CELLS, SearchStage.COLUMNS, Proof.MENDS, cells_by_their_slopes),
    Generator("missing links", SearchStage.COLUMNS, Proof.MENDS, missing_links),
    Generator("pasted columns", SearchStage.COLUMNS, Proof.MENDS, pasted_columns),
    Generator("constant formulas", SearchStage.COLUMNS, Proof.REASONS, constant_formulas),
    Generator("changed columns", SearchStage.COLUMNS, Proof.REASONS, changed_columns),
    Generator("lacking columns", SearchStage.COLUMNS, Proof.REASONS, lacking_columns),
    Generator("cells unlike others", SearchStage.COLUMNS, Proof.MENDS, cells_unlike_others),
    Generator("shares of samples", SearchStage.CLAIMS, Proof.MENDS, _of_claim(wrong_shares)),
    Generator("omitted parts", SearchStage.CLAIMS, Proof.NONE, _of_claim(omission_of_claim)),
    Generator("repeated cells", SearchStage.CLAIMS, Proof.NONE, _of_formula(repeated_cell)),
    Generator("one edit", SearchStage.CLAIMS, Proof.NONE, _of_formula(one_edit)),
    Generator("few differences", SearchStage.CLAIMS, Proof.NONE, _of_formula(few_differences)),
    Generator("two edits", SearchStage.CLAIMS, Proof.NONE, _of_formula(two_edits)),
    Generator("written anew", SearchStage.CLAIMS, Proof.NONE, _of_claim(written_anew)),
)


def _of_stage(stage: SearchStage) -> list[Generator[Symptoms]]:
    return [generator for generator in GENERATORS if generator.stage is stage]


def _chosen(symptoms: Symptoms, stage: SearchStage) -> Hypothesis | None:
    """The accepted hypothesis of a stage's generators: searched for once for identical sheets."""
    case, sheet, known = symptoms.case, symptoms.under_test.training.sheet, budget().known
    if case is None:
        return choose(symptoms, _of_stage(stage))
    if (stage, case) not in known:
        found = choose(symptoms, _of_stage(stage))
        if found is None and budget().seeking.is_empty:
            return None
        known[stage, case] = sheet, found
    first, hypothesis = known[stage, case]
    return hypothesis.moved((sheet - first) * SHEET) if hypothesis else None


# Findings -----------------------------------------------------------------------------

ROUNDS = 3  # mistakes shared by several gradients, in one step
SHOWN = 3  # number of steps listed as not judged


def gradient_findings(
    training: SheetTraining, groups: Sequence[Sequence[SheetStep]]
) -> tuple[list[Finding], bool]:
    """Return a finding for each wrong gradient, with equal mistakes of a column combined; and
    whether the budget was enough for the most frequent kind of steps."""
    ordered = sorted(groups, key=lambda group: -len(group))
    if not ordered:
        return [], True
    usual = ordered[0]
    faults: list[Fault] = []
    waiting = list(ordered)
    with note_if_spent(lambda: _not_judged(training, waiting)):
        first = StepUnderTest.of(training, usual)
        earlier = EarlierRows()
        options = enumerate(first.step.claims)
        best = {j: first.best(j, some) for j, some in options if some}
        # the weights with a part of the gradient in the update itself, such as weight decay
        partly = {j for j, (_, claim) in best.items() if claim and not claim.whole}
        for group in ordered:
            steps = [
                replace(step, claims=tuple(() if j in partly else o for j, o in enumerate(claims)))
                if step.number == training.steps and partly  # which no update follows
                else step
                for step, claims in ((step, step.claims) for step in group)
            ]
            faults += explain_step(StepUnderTest.of(training, steps), earlier)
            waiting.remove(group)
    return findings_of(training.book, faults, training.axis), usual not in waiting


def _not_judged(training: SheetTraining, groups: Sequence[Sequence[SheetStep]]) -> str:
    """A note on the steps for which the budget wasn't enough."""
    steps = [step for group in groups for step in group]
    return message_count(
        "{number} of its steps: {cells} …",
        "{number} of its steps: {cells} …",
        len(steps),
        number=f"{len(steps):,}",
        cells=training.place_of(*[s.own[0] for s in steps if s.own][:SHOWN]),
    )


def explain_step(tested: StepUnderTest, earlier: EarlierRows) -> Iterator[Fault]:
    """The faults of similar steps, stage by stage: what one stage finds is corrected, or excluded,
    before the next. What was wrong in other steps is wrong here, too."""
    known = within_budget(partial(lambda step: list(known_columns(step, earlier)), tested), A_SHARE)
    for again in known or ():
        yield from faults_of(tested, again)
        tested = repair_step(tested, again)
    wrong = wrong_claims(tested, earlier)
    aside: set[int] = set()
    for update in within_budget(lambda: _updates(Symptoms(tested, wrong, earlier))) or ():
        yield from faults_of(tested, update)
        earlier.updates.append((tested, update))
        aside |= update.explains
    earlier.mistaken |= aside
    serving = earlier.mistaken & serving_others(tested, wrong)
    for before, update in going_on(tested, earlier.updates, serving):
        yield from faults_of(before, update)
    aside |= serving
    symptoms = Symptoms(tested, _without(wrong, aside), earlier)
    by_cells = within_budget(partial(_by_cells, symptoms), A_SHARE)
    omissions = partial(omissions_of_all, tested, symptoms.wrong)
    lacking = (  # what is left out says more than which cells differ
        within_budget(partial(unless_not_understood, omissions), A_SHARE)
        if by_cells is None or by_cells.like
        else None
    )
    if by_cells is not None and not lacking:
        yield from faults_of(tested, by_cells)
        earlier.columns.append((tested.step, by_cells))
        return
    for before, omission in lacking or ():
        if omission.cause is Cause.COLUMN:
            yield from faults_of(before, omission)
            earlier.columns.append((tested.step, omission))
        else:
            (weight,) = omission.explains
            yield claim_fault(before, weight, symptoms.wrong[weight], omission)
    if lacking:
        return
    for _ in range(ROUNDS):
        column = within_budget(partial(_column, symptoms), A_SHARE)
        if column is None:
            break
        own = within_budget(partial(_slips_instead, symptoms, column), A_SHARE)
        if own:
            yield from own
            return
        yield from faults_of(tested, column)
        earlier.columns.append((tested.step, column))
        tested = repair_step(tested, column)
        wrong = _without(wrong_claims(tested, earlier), aside)
        mended = symptoms.mended.union(column.cells)
        symptoms = Symptoms(tested, wrong, earlier, mended=mended)
    yield from _each_by_itself(symptoms)


def _slips_instead(symptoms: Symptoms, column: Hypothesis) -> list[Fault]:
    """The same slip in every gradient, as in formulas that were filled to the right, instead of
    something that the forward pass seems to lack; none if there isn't one."""
    if len(symptoms.wrong) == 1 or not RepairedStep(symptoms.apart, column).is_unlikely:
        return []
    own = list(_each_by_itself(symptoms))
    kinds = {fault.finding.kind for fault in own}
    is_one = len(own) == len(symptoms.wrong) and len(kinds) == 1
    return own if is_one and EditKind.FORMULA.value not in kinds else []


def _updates(symptoms: Symptoms) -> list[Hypothesis]:
    """Return the updates with other weights' gradients. None if one edit elsewhere explains more: a
    mistake that exchanges gradients makes them look like those of other weights."""
    found = [h for g in _of_stage(SearchStage.UPDATES) for h in g.propose(symptoms)]
    if not found or (len(found) == 1 and found[0].explains >= symptoms.wrong.keys()):
        return found
    column = _chosen(symptoms, SearchStage.COLUMNS)
    if column is None or (len(found) == 1 and not column.explains >= symptoms.wrong.keys()):
        return found
    return []


def _by_cells(symptoms: Symptoms) -> Hypothesis | None:
    """A backward cell that isn't the slope that it should be, if that explains all wrong
    gradients."""
    at_once = [one for one in GENERATORS if one.name in (SIBLINGS, BACKWARD_CELLS)]
    found = choose(symptoms, at_once) if symptoms.wrong else None
    if found is None or not found.explains >= symptoms.wrong.keys():
        return None
    return _with_omission(symptoms, found) if found.like else found


def _with_omission(symptoms: Symptoms, hypothesis: Hypothesis) -> Hypothesis:
    """With what a gradient leaves out as the reason, if it leaves anything out."""
    for weight, claim in symptoms.wrong.items():
        if hypothesis.cells == (claim.owner,):
            omission = omission_of_claim(symptoms.under_test, weight, claim)
            if omission and omission.missing:
                return replace(hypothesis, missing=omission.missing, like=())
    return hypothesis


def _column(symptoms: Symptoms) -> Hypothesis | None:
    """The hypothesis for a wrong column."""
    if not symptoms.wrong:
        return None
    case = tuple((weight, claim.expression) for weight, claim in symptoms.wrong.items())
    elsewhere = case, symptoms.under_test.layout
    in_vain, known = symptoms.earlier.in_vain, budget().in_vain
    is_hopeless = case in in_vain or elsewhere in known
    found = None if is_hopeless else _chosen(symptoms, SearchStage.COLUMNS)
    if found is None:
        in_vain.add(case)
        known[elsewhere] += 1
    return found


def _each_by_itself(symptoms: Symptoms) -> Iterator[Fault]:
    """The faults of single gradients: first those that others are computed from, since these may be
    right once the first are corrected."""
    made_of = symptoms.made_of_others
    done: set[int] = set()
    for weight in sorted(symptoms.wrong, key=lambda weight: len(made_of[weight])):
        if weight in done:
            continue
        found = _mistake_in_its_formula(symptoms.of_weight(weight), weight)
        users = {other for other, cells in made_of.items() if weight in cells} - done
        after, spoilt = symptoms, set[int]()
        if found is not None and users:
            tested = repair_step(symptoms.under_test, found)
            if tested.leads_on():
                spoilt = users - tested.wrong_weights()
                after = symptoms.after(tested)
        yield from _own_faults(symptoms, weight, found, spoilt)
        done |= {weight, *spoilt}
        symptoms = after


def _mistake_in_its_formula(symptoms: Symptoms, weight: int) -> Hypothesis | None:
    """The likely mistake in one gradient's own formula; None if no formula could be right, because
    the loss doesn't depend on its weight."""
    if symptoms.under_test.has_no_influence(weight):
        return None
    claim, known = symptoms.wrong[weight], symptoms.earlier.formulas
    pattern = symptoms.under_test.training.book.patterns.get(claim.owner)
    if pattern in known:
        again = _copied(symptoms, weight, known[pattern])
        if again is not None:
            return again
    found = within_budget(lambda: _chosen(symptoms, SearchStage.CLAIMS))
    if found is None and budget().seeking.is_empty:
        return written_anew(symptoms.under_test, weight, claim)
    if found is not None and pattern is not None and found.cells == (claim.owner,):
        known[pattern] = found
    return found


def _copied(symptoms: Symptoms, weight: int, remedy: Hypothesis) -> Hypothesis | None:
    """The remedy of a copy of a claim's formula, for the claim; None if it isn't right there."""
    tested, claim = symptoms.under_test, symptoms.wrong[weight]
    if remedy.edits[0].kind is EditKind.FORMULA:  # other remedies were sought in vain
        return written_anew(tested, weight, claim)

    def here(part: Expression) -> Expression:
        return read(copy_formula(write(part), remedy.home, claim.owner))

    copy = replace(
        remedy,
        cells=(claim.owner,),
        formulas=(copy_formula(remedy.formulas[0], remedy.home, claim.owner),),
        edits=tuple([replace(e, old=here(e.old), new=here(e.new)) for e in remedy.edits]),
        missing=tuple([replace(part, formula=here(part.formula)) for part in remedy.missing]),
        explains=frozenset({weight}),
    )
    verdict, _ = repair_step(tested, copy).best(weight, [claim])
    return copy if verdict <= ClaimVerdict.RIGHT_HERE else None


def _own_faults(
    symptoms: Symptoms, weight: int, found: Hypothesis | None, spoilt: set[int]
) -> Iterator[Fault]:
    """The faults of one gradient; others may be wrong because of it."""
    tested, claim = symptoms.under_test, symptoms.wrong[weight]
    if found is not None and found.cause is Cause.COLUMN:
        yield from faults_of(tested, found)
        symptoms.earlier.shares.append((tested.step, found))
        return
    yield claim_fault(tested, weight, claim, found, spoilt)


# Which claims are wrong ---------------------------------------------------------


def wrong_claims(tested: StepUnderTest, earlier: EarlierRows) -> dict[int, Claim]:
    """The wrong claims, by weight; those that are right only for these numbers are included if a
    likely mistake explains them."""
    found: dict[int, Claim] = {}
    right_here: dict[int, Claim] = {}
    for weight, options in enumerate(tested.step.claims):
        if not options or tested.is_known_right(weight):
            continue
        verdict, claim = tested.best(weight, options)
        if claim is not None and tested.climbs(weight, claim, verdict):
            earlier.climbing.add(weight)
        opposite = verdict is ClaimVerdict.OPPOSITE and weight in earlier.climbing
        if verdict is ClaimVerdict.RIGHT or claim is None or opposite:
            continue
        alone = Symptoms(tested, {weight: claim}, earlier, weight=weight)
        if verdict is not ClaimVerdict.RIGHT_HERE or within_budget(
            partial(_is_slip, alone, weight)
        ):
            found[weight] = claim
        else:
            right_here[weight] = claim
    unsure = Symptoms(tested, right_here, earlier)
    slip = None if found else within_budget(partial(_by_cells, unsure), A_SHARE)
    if slip is not None and RepairedStep(tested, slip).likeness > 0:
        found |= right_here  # such as p + t where all others have p - t, and t is 0
    return found


def _is_slip(symptoms: Symptoms, weight: int) -> bool:
    """Whether a claim that is right only for these numbers has a wrong reference, lacks something
    that the other gradients have, or adds what other rows subtract."""
    shares = wrong_shares(symptoms.under_test, weight, symptoms.wrong[weight])
    wrong = symptoms.formula(weight)
    found = shares or (wrong.repair if wrong else None)
    if found is None:
        return False
    kinds = {edit.kind for edit in found.edits}
    if kinds <= {EditKind.REFERENCE}:
        return True
    if shares is not None or wrong is None:
        return False
    return becomes_usual(wrong) or (kinds == {EditKind.OPERATOR} and becomes_its_line(wrong))


def _without(claims: dict[int, Claim], weights: set[int]) -> dict[int, Claim]:
    return {weight: claim for weight, claim in claims.items() if weight not in weights}


# Faults -------------------------------------------------------------------------------

CHARACTER = 250  # budget per character for adapting a formula to another step
NOT_SOUGHT = Message("it isn't the gradient; the search for a small repair was stopped")


def faults_of(tested: StepUnderTest, hypothesis: Hypothesis) -> Iterator[Fault]:
    """Yield the faults for a hypothesis about an update or a column."""
    match hypothesis.cause:
        case Cause.UPDATE:
            yield _update_fault(tested, hypothesis)
        case _:
            yield _column_fault(tested, hypothesis)


def _update_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    """A fault for an update with another weight's gradient."""
    names, wording = tested.training.names, _wording(tested, hypothesis.home)
    (weight,), (edit,) = hypothesis.explains, hypothesis.edits
    name, said = names[weight], write(edit.new)
    right = tested.training.book.reader.cell(said, hypothesis.home)
    taken = write(edit.old).rpartition("!")[2]
    kind = EditKind.REFERENCE.value
    needed = wording.label(right)
    meant = Message("{needed}, so {cell}", needed=needed, cell=said) if needed else said
    parts = {"cell": taken, "weight": name, "right": meant}
    why: str = Message("{cell} is the loss itself; {weight} needs {right}", **parts)
    if hypothesis.whose == weight:  # in another step
        _, why = wording.kind_and_reason(hypothesis, name)
    elif hypothesis.whose >= 0:
        kind, other = OTHER_GRADIENT, names[hypothesis.whose]
        why = Message("{cell} belongs to {other}; {weight} needs {right}", other=other, **parts)
    edits = wording.in_names(hypothesis.edits)
    known: dict[str, Any] = {
        "kind": kind,
        "quantity": name,
        "weight": name,
        "why": why,
        "edits": edits,
    }
    return _fault(tested, weight, hypothesis, hypothesis.home, **known)


def _column_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    """A fault for a column that gradients are computed from."""
    home, wording, book = hypothesis.home, _wording(tested, hypothesis.home), tested.training.book
    names = tuple(tested.training.names[weight] for weight in sorted(hypothesis.explains))
    called = _called(tested, home, home)
    if home in book.patterns:
        (kind, why), edits = wording.kind_and_reason(hypothesis), hypothesis.edits
    else:
        (kind, why), edits = typed_in(book, home, called), ()
    return _fault(
        tested,
        -1,
        hypothesis,
        home,
        kind=kind,
        quantity=called,
        weight=names[0] if len(names) == 1 else "",
        why=why,
        spoils=() if called == f"∂E/∂{names[0]}" and len(names) == 1 else names,
        edits=wording.in_names(edits),
    )


def claim_fault(
    tested: StepUnderTest,
    weight: int,
    claim: Claim,
    hypothesis: Hypothesis | None,
    spoilt: Collection[int] = (),
) -> Fault:
    """A fault for one claim, with the other weights that are wrong because of it."""
    book, name, home = tested.training.book, tested.training.names[weight], claim.owner
    kind: str = EditKind.FORMULA.value
    why: str = Message("no formula was found for it")
    wording, edits = _wording(tested, home), hypothesis.edits if hypothesis else ()
    if book.is_blank(home):
        kind = TO_FILL_IN
        why = Message("the gradient of {weight} is still to be filled in", weight=name)
    elif home not in book.patterns:
        kind, why = typed_in(book, home, f"∂E/∂{name}")
    elif hypothesis is not None and edits:
        kind, why = wording.kind_and_reason(hypothesis, name)
    elif tested.has_no_influence(weight):
        loss = ", ".join(_called(tested, cell, home) for cell in sorted(tested.loss_cells))
        why = Message("the loss ({loss}) doesn't depend on {weight}", loss=loss, weight=name)
    if kind == EditKind.FORMULA.value and budget().seeking.is_empty:
        why = NOT_SOUGHT
    return _fault(
        tested,
        weight,
        hypothesis,
        home,
        kind=kind,
        quantity=f"∂E/∂{name}",
        weight=name,
        why=why,
        relative_error=unless_not_understood(
            lambda: tested.relative_error(tested.claim_node(claim), tested.gradients[weight])
        ),
        spoils=tuple(tested.training.names[j] for j in sorted({weight, *spoilt}) if spoilt),
        edits=wording.in_names(edits) if home in book.patterns else (),
    )


def _wording(tested: StepUnderTest, home: Address) -> Wording:
    training, own = tested.training, tested.step.weights
    around = training.book, training.flow, training.axis, training.weight_cells
    return Wording(Surroundings(*around, own, training.computed_cells), home)


def _called(tested: StepUnderTest, cell: Address, home: Address) -> str:
    return _wording(tested, cell).label(cell) or tested.training.book.name_of(cell, home)


def _fault(
    tested: StepUnderTest, number: int, hypothesis: Hypothesis | None, home: Address, **said: Any
) -> Fault:
    """A fault with the corrections for all similar steps."""
    book, first = tested.training.book, min(step.number for step in tested.alike)
    known = {"cells": "", "formula": book.content(home), "expected": "", **said}
    finding = Finding(sheet=book.sheets[sheet_of(home)].title, **known)
    if hypothesis is None:
        owners = tuple(tested.positions.there(home, step) for step in tested.alike)
        wrong = book.patterns.get(home) if finding.why == NOT_SOUGHT else None
        return Fault(number, finding, owners, first_step=first, wrong=wrong)
    fixes: dict[Address, str] = {}
    for step in tested.alike:
        for cell, text in zip(hypothesis.cells, hypothesis.formulas, strict=True):
            there = tested.positions.there(cell, step)
            follows = hypothesis.cause is not Cause.UPDATE or there in book.patterns
            if follows and there not in fixes:  # a cell that all steps use comes only once
                fixes[there] = _in_step(tested, text, cell, step)
    expected = book.reader.read_typed(hypothesis.formulas[0], hypothesis.home)
    finding = replace(finding, expected=f"={expected.text}")
    return Fault(number, finding, tuple(fixes), expected, first, fixes)


def _in_step(tested: StepUnderTest, text: str, owner: Address, step: SheetStep) -> str:
    """A formula adapted to the same cell of another step: filled down if that refers to the right
    cell or a copy of it; otherwise with each reference moved, since samples and epochs may have
    different distances."""
    spend(CHARACTER * len(text))
    positions, book = tested.positions, tested.training.book
    plain, reader = tested.training.plain, book.reader
    away = positions.there(owner, step)
    update = owner in tested.training.weight_cells and not positions.owns(owner)

    def follow(reference: str) -> str:
        cell, filled = reader.cell(reference, owner), copy_formula(reference, owner, away)
        if cell is None or goes_along(cell):
            return filled
        other, meant = positions.there(cell, step), reader.cell(filled, away)
        stays = other == cell and not positions.owns(cell) and sheet_of(cell) == sheet_of(owner)
        same = meant is not None and plain(meant) == plain(other)
        if stays or same:
            return filled
        if sheet_of(other) != sheet_of(cell):
            return book.name_of(other, away)
        return copy_formula(reference, cell, other)

    def goes_along(cell: Address) -> bool:
        """Whether a cell beside an update isn't the step's own, such as a velocity."""
        beside = positions.row(cell) == positions.row(owner)
        return update and beside and not positions.owns(cell)

    return rename_cells_in(text, cache(follow))  # a long formula repeats a few cells
