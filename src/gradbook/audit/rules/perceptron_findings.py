"""What is wrong in a training by the perceptron rule, and in which cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gradbook.audit.findings.findings import RIGHT, WRONG, Finding, SheetReport, finding_in
from gradbook.audit.formula.address import Address, cells_of, ranges, row_of
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.rules.perceptron import Perceptron, RuleStep
from gradbook.audit.rules.rule_repairs import RepairSearch, RuleRepair
from gradbook.audit.rules.rule_wording import RuleWords
from gradbook.audit.rules.usual import Trouble, Usual

RULE = "perceptron"


def perceptron_report(perceptron: Perceptron) -> SheetReport:
    """What there is to say of a training by the perceptron rule."""
    usual = Usual(perceptron)
    words = RuleWords(usual)
    findings = tuple(_merged(perceptron_findings(usual, words)))
    cells = [u.cell for u in perceptron.updates if u.cell not in perceptron.formulas]
    cells += [u.base for u in perceptron.steps[0].updates]
    rate = usual.rate.fixed
    return SheetReport(
        sheet=perceptron.book.sheets[perceptron.sheet].title,
        verdict=WRONG if findings else RIGHT,
        rate=perceptron.book.called(rate, cells[0]) if rate is not None else "",
        weights=tuple(words.names),
        rows=(min(map(row_of, cells)) + 1, max(map(row_of, cells)) + 1),
        findings=findings,
        rule=RULE,
        updates=perceptron.real,
    )


def perceptron_findings(usual: Usual, words: RuleWords) -> Iterator[Finding]:
    """The findings of one training: those of steps that are alike together."""
    alike: defaultdict[object, list[RuleStep]] = defaultdict(list)
    for step in usual.steps:
        troubles = usual.troubles(step)
        if troubles:
            made_of = [usual.perceptron.signature(u)[0] for u in step.updates]
            said = [(usual.weight[u], trouble) for u, trouble in troubles.items()]
            alike[tuple(made_of), tuple(said)].append(step)
    for steps in alike.values():
        yield from _of_alike(usual, words, steps)


def _of_alike(usual: Usual, words: RuleWords, steps: Sequence[RuleStep]) -> Iterator[Finding]:
    step = steps[0]
    search = RepairSearch(usual, step)
    waiting = dict(search.before)
    for update in [u for u, trouble in waiting.items() if trouble is Trouble.PASTED]:
        del waiting[update]
        yield from _pasted(usual, words, steps, step.updates.index(update))
    while waiting:
        repair = search.best(list(waiting))
        update = repair.healed[0] if repair else next(iter(waiting))
        if repair is None:
            yield from _without_repair(usual, words, steps, step.updates.index(update))
            del waiting[update]
            continue
        yield _repaired(usual, words, steps, repair, waiting[update])
        for healed in repair.healed:
            waiting.pop(healed)


def _repaired(
    usual: Usual,
    words: RuleWords,
    steps: Sequence[RuleStep],
    repair: RuleRepair,
    trouble: Trouble,
) -> Finding:
    kind, why = words.of_repair(steps[0], repair, trouble)
    cells = [repair.cell - steps[0].first + step.first for step in steps]
    cells = _like_them(usual.perceptron, dict.fromkeys(cells))
    weights = tuple(dict.fromkeys(map(words.name, repair.healed)))
    return _finding(
        usual.perceptron,
        cells,
        kind,
        words.quantity(repair.cell, repair.healed),
        why,
        weights,
        repair.right,
    )


def _like_them(perceptron: Perceptron, cells: dict[Address, None]) -> list[Address]:
    """The cells that hold something, and those next to them with the same formula."""
    patterns, axis = perceptron.book.patterns, perceptron.axis
    found = {cell for cell in cells if cell in patterns or cell in perceptron.book.values}
    found = found or set(cells)
    if axis is None or len(found) < 2:
        return sorted(found)
    for cell in list(found):
        for stride in (axis.step, -axis.step):
            following = cell + stride
            while _is_another(patterns, cell, following) and following not in found:
                found.add(following)
                following += stride
    return sorted(found)


def _is_another(patterns: Mapping[Address, Pattern], cell: Address, other: Address) -> bool:
    return other in patterns and patterns[other] is patterns.get(cell)


def _pasted(
    usual: Usual, words: RuleWords, steps: Sequence[RuleStep], place: int
) -> Iterator[Finding]:
    """A weight that is typed, or pasted, where the update before should have left it."""
    update = steps[0].updates[place]
    cells = [usual.perceptron.plain(step.updates[place].base) for step in steps]
    for cell, step in zip(cells, steps, strict=True):
        if cell in usual.producer:
            continue
        options = usual.usual_at(step, cell)
        name = words.name(update)
        if cell in usual.perceptron.book.patterns or not options:
            yield _finding(
                usual.perceptron,
                [step.updates[place].cell],
                "another row",
                f"Δ{name}",
                words.not_carried(step.updates[place]),
                (name,),
                None,
            )
        else:
            right = usual.perceptron.book.reader.typed(options[0].text_at(cell), cell)
            yield _finding(
                usual.perceptron,
                [cell],
                "pasted value",
                f"Δ{name}",
                words.pasted(cell),
                (name,),
                right,
            )


def _without_repair(
    usual: Usual, words: RuleWords, steps: Sequence[RuleStep], place: int
) -> Iterator[Finding]:
    """An update that isn't what the rule says, whatever is to blame."""
    perceptron, update = usual.perceptron, steps[0].updates[place]
    cells = [step.updates[place].cell for step in steps]
    real = [cell for cell in cells if cell not in perceptron.formulas]
    if real:
        name = words.name(update)
        why = f"{words.rule(update)}; this says something else"
        yield _finding(perceptron, real, "wrong formula", f"Δ{name}", why, (name,), None)


def _finding(
    perceptron: Perceptron,
    cells: Sequence[Address],
    kind: str,
    quantity: str,
    why: str,
    weights: tuple[str, ...],
    right: Pattern | None,
) -> Finding:
    found = finding_in(perceptron.book, cells, kind, quantity, why, weight=weights[0], right=right)
    return replace(found, spoils=weights if len(weights) > 1 else ())


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, one for each mistake: rows that are made otherwise may make it too."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = finding.kind, finding.quantity
        first = found.setdefault(key, finding)
        if first is not finding:
            both = [*cells_of(first.cells, 0), *cells_of(finding.cells, 0)]
            fixes = {**finding.fixes, **first.fixes}
            found[key] = replace(first, cells=ranges(both), fixes=fixes)
    return list(found.values())
