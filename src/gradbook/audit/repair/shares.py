"""Shares of samples that a gradient adds up: which of them are wrong, and what they should be.

They may stand in a column of samples, or here and there; where samples don't stand below each
other, which share is of which sample is told by what most of them say: each is the slope by way of
one of the formulas that mention the weight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address, sheet_of
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import copy_formula, rename_cells_in
from gradbook.audit.repair.wrong_formula import WrongFormula, anew
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.targets.excel.language import Call, Number

MOST_SHARES = 60  # shares of one gradient
SEEN = 1_000  # numbers that could be computed while a formula is led to another sample
SHARE = 20_000  # numbers that could be computed while one is held against a sample

WrongShare = tuple[Address, Node]  # a cell, and what it should be


def column_shares(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """What is wrong with the shares that a claim gathers from a column, if it gathers some."""
    return _together(_of_column, tested, weight, claim)


def scattered_shares(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """What is wrong with single shares of a claim, where its other shares are right."""
    return _together(_scattered, tested, weight, claim)


def _together(
    repair: Callable[[StepUnderTest, int, Claim], Iterator[Hypothesis | None]],
    tested: StepUnderTest,
    weight: int,
    claim: Claim,
) -> Hypothesis | None:
    """One hypothesis of those about each share; none where one can't be put right."""
    try:
        found = list(repair(tested, weight, claim))
    except NotUnderstood:
        return None
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None
    cells, texts = (one.home for one in known), (one.formulas[0] for one in known)
    edits = known[0].edits
    return Hypothesis(Cause.COLUMN, tuple(cells), tuple(texts), edits, frozenset({weight}))


def repaired_as(tested: StepUnderTest, cell: Address, target: Node) -> Hypothesis | None:
    """How a share becomes what it should be."""
    if tested.formula(cell) is None:
        return anew(tested, cell, Number(0.0), target)
    wrong = WrongFormula.at(tested, cell, target)
    return None if wrong is None else wrong.repair


def _ways(tested: StepUnderTest, weight: int) -> dict[Address, Node]:
    """The formulas on the way to the loss that mention a weight."""
    at, known = tested.step.weights[weight], tested.graph.known
    assert at is not None
    users = sorted(set(tested.training.flow.users.get(at, ())) & tested.forward)
    return {cell: node for cell in users if isinstance(node := known.get(cell), Node)}


def _without(tested: StepUnderTest, weight: int, others: Iterable[Node]) -> Node:
    """∂loss/∂w as far as it doesn't come by way of others."""
    at = tested.step.weights[weight]
    assert at is not None
    node = tested.graph.node(at)
    return gradients(tested.loss, [node], list(others))[node]


# Those of a column --------------------------------------------------------------------


def _of_column(tested: StepUnderTest, weight: int, claim: Claim) -> Iterator[Hypothesis | None]:
    every = shares_of(tested, claim)
    cells = [cell for cell in every if not _is_right(tested, weight, claim, cell)]
    if not cells or len(every) < 2:
        return
    first = cells[0]
    found = repaired_as(tested, first, share_target(tested, weight, claim, first)[0])
    yield found
    if found is not None:
        for cell in cells[1:]:
            text = as_seen_from(tested, found.formulas[0], first, cell)
            yield replace(found, cells=(cell,), formulas=(text,))


def shares_of(tested: StepUnderTest, claim: Claim) -> list[Address]:
    """The cells of one column, formulas of one shape, that the claim is gathered from."""
    training = tested.training
    patterns = training.book.patterns
    sources = list(dict.fromkeys(training.flow.sources(claim.owner)))
    cells = [cell for cell in sources if cell in patterns and cell not in training.weight_cells]
    if not cells and isinstance(claim.expression, Call):
        cells = [c for c in sources if isinstance(training.book.values.get(c), float)]  # pasted
    if len({patterns[c].shape if c in patterns else "" for c in cells}) > 1:
        return []
    return cells if len(set(map(training.axis.beside, cells))) == 1 else []


def _is_right(tested: StepUnderTest, weight: int, claim: Claim, cell: Address) -> bool:
    """Whether one sample's share is what it should be."""
    target, share = share_target(tested, weight, claim, cell)
    return share is not None and tested.same(share, target)


def share_target(
    tested: StepUnderTest, weight: int, claim: Claim, cell: Address
) -> tuple[Node, Node | None]:
    """What a share should be, by way of its own sample, and what it is."""
    along, ways = tested.training.axis.along, _ways(tested, weight)
    others = (way for user, way in ways.items() if along(user) != along(cell))
    target = _without(tested, weight, others)
    try:
        claimed = tested.claim_node(claim)
        share = tested.graph.known.get(cell)
    except NotUnderstood:
        share = None  # it can't be worked, so it has no factor either
    if not isinstance(share, Node):
        return target, None
    return target / gradients(claimed, [share])[share], share


# Single ones --------------------------------------------------------------------------


def _scattered(tested: StepUnderTest, weight: int, claim: Claim) -> Iterator[Hypothesis | None]:
    training = tested.training
    shares = [
        cell
        for cell in dict.fromkeys(training.flow.sources(claim.owner))
        if cell in training.book.patterns and cell in training.computed_cells
    ]
    if 1 < len(shares) <= MOST_SHARES:
        for cell, target in _wrong_ones(tested, weight, claim, shares):
            yield repaired_as(tested, cell, target)


def _wrong_ones(
    tested: StepUnderTest, weight: int, claim: Claim, shares: Sequence[Address]
) -> list[WrongShare]:
    """Pair the wrong shares with what the samples that have none should give, in their order;
    nothing where all are wrong, or where the two don't match in number."""
    nodes = {cell: tested.graph.node(cell) for cell in shares}
    factors = gradients(tested.claim_node(claim), list(nodes.values()))
    ways = list(_ways(tested, weight).values())
    if len(ways) != len(shares):
        return []
    left = [_without(tested, weight, (o for o in ways if o is not way)) for way in ways]
    wrong: list[Address] = []
    for cell, node in nodes.items():
        spend(SHARE * len(left))
        mine = next((slope for slope in left if tested.same(node * factors[node], slope)), None)
        if mine is None:
            wrong.append(cell)
        else:
            left.remove(mine)
    if len(wrong) == len(shares):
        return []
    return [(cell, slope / factors[nodes[cell]]) for cell, slope in zip(wrong, left, strict=True)]


# As seen from another sample ----------------------------------------------------------


def as_seen_from(tested: StepUnderTest, text: str, home: Address, cell: Address) -> str:
    """The formula of another sample: what is a sample's own moves with it, all else stays."""
    reader = tested.training.book.reader

    def follow(reference: str) -> str:
        at = reader.cell(reference, home)
        there = None if at is None else beside(tested, at, cell, home)
        if at is None or there is None or there == at:
            return reference
        return copy_formula(reference, at, there)

    return rename_cells_in(text, follow)


def unlike_others(tested: StepUnderTest, cells: Sequence[Address]) -> list[Address]:
    """Return the cells of a column that differ from most in what they say of their samples; all of
    them where there is no majority, as where they only happen to stand below each other."""
    patterns = tested.training.book.patterns
    if len(cells) < 2 or len({patterns[cell] for cell in cells}) == 1:
        return []
    first, said = cells[0], {}
    for cell in cells:
        spend(SEEN)
        text = as_seen_from(tested, patterns[cell].text_at(cell), cell, first)
        said[cell] = text.replace("$", "")  # which is fixed makes no difference in one cell
    ((usual, often),) = Counter(said.values()).most_common(1)
    return [cell for cell in cells if said[cell] != usual or 2 * often <= len(cells)]


def beside(tested: StepUnderTest, cell: Address, home: Address, first: Address) -> Address:
    """The cell that stands to a sample's `home` as this one stands to the first sample's."""
    training, known = tested.training, tested.graph.known
    there = cell + home - first
    if there == cell or cell in training.weight_cells or sheet_of(cell) != sheet_of(home):
        return cell
    if there in training.weight_cells:
        return cell
    if training.plain(there) not in known and there not in tested.positions.unused_formulas:
        return cell
    a, b = (training.book.patterns.get(c) for c in (cell, there))
    alike = a is b or (a is not None and b is not None and a.shape == b.shape)
    return there if alike else cell
