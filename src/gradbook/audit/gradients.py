"""The claimed gradients of a training that aren't: where, by how much, and what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradbook.audit.address import Address, column_of, row_of, sheet_of, written
from gradbook.audit.blame import elsewhere, makes_usual, patient_of, put_right
from gradbook.audit.columns import Remedy
from gradbook.audit.departures import blamed, wrong_lanes
from gradbook.audit.evidence import cured
from gradbook.audit.faults import Fault, finding_of, gathered, in_step, shown
from gradbook.audit.findings import Finding
from gradbook.audit.judge import HERE, OPPOSITE, RIGHT, Bench, all_right, best
from gradbook.audit.meaning import NotUnderstood
from gradbook.audit.mistaken import mistaken, serve_others
from gradbook.audit.pasted import pasted_column
from gradbook.audit.pattern import Pattern, moved
from gradbook.audit.reason import kind, label_of, why
from gradbook.audit.recover import Claim, Training
from gradbook.audit.repair import Patient, Repair, anew, forward, repair, restores
from gradbook.audit.samples import repaired_shares
from gradbook.audit.search import Choice
from gradbook.audit.steps import Step
from gradbook.targets.excel.grammar import write
from gradbook.targets.excel.reader import read

ROUNDS = 3  # faults that several gradients share, in one step


class Known:
    """What was found out about formulas that come again in other rows."""

    def __init__(self) -> None:
        self.hopeless: set[object] = set()  # wrong claims that no edit elsewhere puts right
        self.repairs: dict[tuple[int, str], tuple[Repair, Pattern, Address]] = {}

    def repair(self, patient: Patient, lane: int, claim: Claim) -> Repair | None:
        """The repair of the same formula in another row, where it helps here too."""
        if (lane, patient.pattern.key) not in self.repairs:
            return None
        found, right, home = self.repairs[lane, patient.pattern.key]
        down = row_of(patient.owner) - row_of(home)
        across = column_of(patient.owner) - column_of(home)
        expression = read(moved(right.text, down, across))
        changes = tuple(_moved_choice(choice, down, across) for choice in found.changes)
        again = Repair(expression, changes)
        fits = restores(patient.bench, again, patient.owner, patient.bench.true[lane], claim.sign)
        return again if fits else None

    def keep(self, patient: Patient, lane: int, found: Repair | None) -> None:
        if found is not None:
            text = write(found.expression)
            right = patient.bench.training.book.reader.typed(text, patient.owner)
            self.repairs.setdefault((lane, patient.pattern.key), (found, right, patient.owner))


def _moved_choice(choice: Choice, down: int, across: int) -> Choice:
    old, new = (read(moved(write(part), down, across)) for part in (choice.old, choice.new))
    return replace(choice, old=old, new=new)


def gradient_findings(training: Training, groups: Sequence[Sequence[Step]]) -> list[Finding]:
    """Every gradient that isn't, equal faults of one column gathered."""
    ordered = sorted(groups, key=lambda group: -len(group))
    if not ordered:
        return []
    usual = ordered[0]
    usually_wrong = wrong_lanes(Bench(training, usual[0], like=usual))
    faults: list[Fault] = []
    known = Known()
    for group in ordered:
        instead: dict[Address, Pattern] = {}
        if len(group) < len(usual):
            wrong = wrong_lanes(Bench(training, group[0], like=group))
            if wrong - usually_wrong:
                instead = blamed(training, usual[0], group[0], usually_wrong)
                faults += [_departure(training, group, c, p) for c, p in instead.items()]
        faults += _of_group(training, group, instead, known)
    return [finding_of(same) for same in gathered(faults)]


def _of_group(
    training: Training, group: Sequence[Step], instead: dict[Address, Pattern], known: Known
) -> Iterator[Fault]:
    """The faults of steps that are alike: first those that several gradients share."""
    bench = Bench(training, group[0], instead, group)
    wrong = _wrong_claims(bench)
    exchanged = list(mistaken(bench, wrong))
    if len(exchanged) > 1 and elsewhere(bench, wrong) is not None:
        exchanged = []  # one edit of a sum says more than several of updates
    for fault in exchanged:
        del wrong[fault.lane]
        yield fault
    for lane in serve_others(bench, wrong):
        del wrong[lane]
    for _ in range(ROUNDS):
        if not wrong:
            break
        case = tuple((lane, claim.expression) for lane, claim in wrong.items())
        remedy = None
        if case not in known.hopeless:
            remedy = pasted_column(bench, wrong) or elsewhere(bench, wrong)
        if remedy is None:
            known.hopeless.add(case)
            break
        yield _column_fault(bench, remedy)
        instead = {**instead, **cured(bench, remedy)}
        bench = Bench(training, group[0], instead, group)
        wrong = _wrong_claims(bench)
    for lane, claim in wrong.items():
        shares = repaired_shares(bench, lane, claim)
        if shares is not None:
            remedy = Remedy(shares.cells, shares.repair, shares.expressions, frozenset({lane}))
            if put_right(bench, remedy, {lane: claim} | wrong):
                yield _column_fault(bench, remedy)
                continue
        yield _fault(bench, lane, claim, known)


def _wrong_claims(bench: Bench) -> dict[int, Claim]:
    """The claims that aren't right, by weight."""
    found: dict[int, Claim] = {}
    if all_right(bench):
        return found
    for lane, options in enumerate(bench.step.claims):
        if not options:
            continue
        verdict, claim = best(bench, lane, options)
        if verdict == RIGHT or claim is None or (verdict == OPPOSITE and claim.sign < 0):
            continue
        if verdict != HERE or _is_slip(bench, lane, claim):
            found[lane] = claim
    return found


def _is_slip(bench: Bench, lane: int, claim: Claim) -> bool:
    """Whether what is right for these numbers alone is a reference gone wrong, or lacks what the
    other gradients have."""
    shares = repaired_shares(bench, lane, claim)
    patient = patient_of(bench, claim, lane)
    found = shares.repair if shares else repair(patient, bench.true[lane]) if patient else None
    if found is None:
        return False
    slipped = all(c.kind == "reference" for c in found.changes)
    return slipped or (shares is None and patient is not None and makes_usual(patient, found))


def _shared(bench: Bench, claim: Claim) -> bool:
    """Whether a claim goes by way of cells that serve no other end than gradients."""
    training = bench.training
    before = forward(bench)
    inside = (training.plain(c) for c in training.flow.sources(claim.owner))
    return any(c in training.moving and c not in before and c not in training.stop for c in inside)


def _column_fault(bench: Bench, remedy: Remedy) -> Fault:
    book, owner = bench.training.book, remedy.cells[0]
    names = [bench.training.names[lane] for lane in sorted(remedy.lanes)]
    pasted = owner not in book.patterns
    finding = Finding(
        kind="pasted value" if pasted else kind(bench, owner, remedy.repair),
        quantity=label_of(bench, owner) or written(owner),
        weight=names[0] if len(names) == 1 else "",
        cells="",
        formula=book.formula(owner) or shown(book.values.get(owner)),
        expected=f"={write(remedy.repair.expression)}",
        why=f"{written(owner)} holds a number, and so does its whole column"
        if pasted
        else why(bench, owner, "", remedy.repair),
        sheet=book.sheets[sheet_of(owner)].title,
        spoils=tuple(names),
    )
    fixes = {
        bench.there(cell, step): in_step(bench, write(right), cell, step)
        for step in bench.like
        for cell, right in zip(remedy.cells, remedy.expressions, strict=True)
    }
    expected = book.reader.typed(finding.expected[1:], owner)
    return Fault(-1, tuple(fixes), finding, expected, fixes)


def _departure(
    training: Training, group: Sequence[Step], cell: Address, expected: Pattern
) -> Fault:
    book = training.book
    bench = Bench(training, group[0], like=group)
    pasted = cell not in book.patterns
    lane = next(
        (j for j, options in enumerate(group[0].claims) for c in options if c.owner == cell), -1
    )
    name = training.names[lane] if lane >= 0 else ""
    what = shown(book.values.get(cell)) or "nothing"
    words = (
        f"{written(cell)} holds {what} where the others of its column have a formula"
        if pasted
        else f"{written(cell)} departs from the rest of its column"
    )
    finding = Finding(
        kind="pasted value" if pasted else "departing row",
        quantity=f"∂E/∂{name}" if name else label_of(bench, cell) or written(cell),
        weight=name,
        cells="",
        formula=book.formula(cell) or what,
        expected=f"={expected.text}",
        why=words,
        sheet=book.sheets[sheet_of(cell)].title,
    )
    fixes = {bench.there(cell, step): in_step(bench, expected.text, cell, step) for step in group}
    return Fault(lane, tuple(fixes), finding, expected, fixes)


def _fault(bench: Bench, lane: int, claim: Claim, known: Known) -> Fault:
    """What is wrong with one claim, by itself."""
    true = bench.true[lane]
    try:
        error = bench.relative_error(bench.claimed(claim), true)
    except NotUnderstood:
        error = None
    patient = patient_of(bench, claim, lane)
    if patient is None:
        found = anew(bench, claim.owner, claim.expression, true if claim.sign > 0 else -true)
    else:
        found = known.repair(patient, lane, claim) or repair(
            patient, true if claim.sign > 0 else -true
        )
        known.keep(patient, lane, found)
    return _described(bench, lane, claim, found, error)


def _described(
    bench: Bench, lane: int, claim: Claim, found: Repair | None, error: float | None
) -> Fault:
    book, name = bench.training.book, bench.training.names[lane]
    place = bench.step.claims[lane].index(claim)
    owners = tuple(step.claims[lane][place].owner for step in bench.like)
    pasted = claim.owner not in book.patterns
    blank = pasted and claim.owner not in book.values
    finding = Finding(
        kind=_kind(bench, claim, found, pasted, blank),
        quantity=f"∂E/∂{name}",
        weight=name,
        cells="",
        formula=book.formula(claim.owner) or shown(book.values.get(claim.owner)),
        expected=f"={write(found.expression)}" if found else "",
        why=_why(bench, claim, found, name, pasted, blank),
        relative_error=error,
        sheet=book.sheets[sheet_of(claim.owner)].title,
    )
    if not found:
        return Fault(lane, owners, finding, None, {})
    text = finding.expected[1:]
    fixes = {
        owner: in_step(bench, text, claim.owner, step)
        for owner, step in zip(owners, bench.like, strict=True)
    }
    return Fault(lane, owners, finding, book.reader.typed(text, claim.owner), fixes)


def _kind(bench: Bench, claim: Claim, found: Repair | None, pasted: bool, blank: bool) -> str:
    if blank:
        return "to fill in"
    if pasted:
        return "pasted value"
    return kind(bench, claim.owner, found) if found else "wrong formula"


def _why(
    bench: Bench, claim: Claim, found: Repair | None, name: str, pasted: bool, blank: bool
) -> str:
    if blank:
        return f"the gradient of {name} is still to be filled in"
    if pasted:
        return f"{written(claim.owner)} holds a number where the gradient of {name} belongs"
    return why(bench, claim.owner, name, found) if found else "no formula was found for it"
