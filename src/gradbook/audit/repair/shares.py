"""The parts of a gradient: samples' shares that it adds up, and what it omits from the chain rule.

Shares may be in a column of samples, or scattered. If they are scattered, a right share identifies
its sample, since it is the slope through one of the formulas that use the weight; wrong shares
belong to the remaining samples. Omissions from the chain rule are found without trying edits: a sum
over some of the paths from the loss, or a product without one slope, is recognised by its values at
any numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np

from gradbook.audit.formulas.points import CLOSE, is_multiple
from gradbook.audit.repair.repaired_step import meaning_of, repair_step
from gradbook.audit.repair.wrong_formula import WrongFormula, anew, restore
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.omissions import Omissions
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.cells.budget import spend
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import copy_formula, rename_cells_in
from gradbook.cells.formula.syntax import Call, Number, Reference
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node

MOST_SHARES = 60  # shares of one gradient
SEEN = 1_000  # budget for adapting a formula to another sample
SHARE = 20_000  # budget for comparing a share with a sample

WrongShare = tuple[Address, Node]  # a cell, and its right value


def wrong_shares(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """A correction of the wrong shares that a claim adds up, if there are any; None if one can't be
    corrected. Shares of several samples get the same correction, if that works."""
    known: list[Hypothesis] = []
    try:
        for cell, target in (
            *_of_column(tested, weight, claim),
            *_scattered(tested, weight, claim),
        ):
            right = _alike(tested, known[0], cell, target) if known else None
            if right is None and tested.formula(cell) is None:
                right = anew(tested, cell, Number(0.0), target)
            elif right is None and (wrong := WrongFormula.at(tested, cell, target)):
                right = wrong.repair
            if right is None:
                return None
            known.append(right)
    except NotUnderstood:
        return None
    if not known:
        return None
    cells, texts = (one.home for one in known), (one.formulas[0] for one in known)
    edits = known[0].edits
    return Hypothesis(Cause.COLUMN, tuple(cells), tuple(texts), edits, frozenset({weight}))


def _alike(
    tested: StepUnderTest, first: Hypothesis, cell: Address, target: Node
) -> Hypothesis | None:
    """A share with the same correction as another sample's, if that is right."""
    text = as_seen_from(tested, first.formulas[0], first.home, cell)
    meant = meaning_of(tested, text, cell)
    if meant is None or not tested.same(meant, target):
        return None
    return replace(first, cells=(cell,), formulas=(text,))


def _ways(tested: StepUnderTest, weight: int) -> dict[Address, Node]:
    """The formulas on the path to the loss that use a weight, or a cell that repeats it."""
    at, known = tested.step.weights[weight], tested.graph.known
    assert at is not None
    patterns, users = tested.training.book.patterns, tested.training.flow.users
    repeating, using = [at], set[Address]()
    for cell in repeating:
        for user in tested.forward.intersection(users.get(cell, ())):
            if patterns[user].repeated_reference is None:
                using.add(user)
            elif user not in repeating:
                repeating.append(user)
    return {cell: node for cell in sorted(using) if isinstance(node := known.get(cell), Node)}


def _without(tested: StepUnderTest, weight: int, others: Iterable[Node]) -> Node:
    """∂loss/∂w without the paths through other nodes."""
    at = tested.step.weights[weight]
    assert at is not None
    node = tested.graph.node(at)
    return gradients(tested.loss, [node], list(others))[node]


# Shares in a column --------------------------------------------------------------------


def _of_column(tested: StepUnderTest, weight: int, claim: Claim) -> Iterator[WrongShare]:
    every = shares_of(tested, claim)
    for cell in every if len(every) > 1 else ():
        target, share = share_target(tested, weight, claim, cell)
        if share is None or not tested.same(share, target):
            yield cell, target


def shares_of(tested: StepUnderTest, claim: Claim) -> list[Address]:
    """The cells of one column, with formulas of one shape, that the claim adds up."""
    training = tested.training
    patterns = training.book.patterns
    sources = list(dict.fromkeys(training.flow.sources(claim.owner)))
    cells = [cell for cell in sources if cell in patterns and cell not in training.weight_cells]
    if not cells and isinstance(claim.expression, Call):
        cells = [c for c in sources if isinstance(training.book.values.get(c), float)]  # pasted
    if len({patterns[c].shape if c in patterns else "" for c in cells}) > 1:
        return []
    return cells if len(set(map(training.axis.beside, cells))) == 1 else []


def share_target(
    tested: StepUnderTest, weight: int, claim: Claim, cell: Address
) -> tuple[Node, Node | None]:
    """The right value of a share, for its own sample, and its present value."""
    along, ways = tested.training.axis.along, _ways(tested, weight)
    others = (way for user, way in ways.items() if along(user) != along(cell))
    target = _without(tested, weight, others)
    try:
        claimed = tested.claim_node(claim)
        share = tested.graph.known.get(cell)
    except NotUnderstood:
        share = None  # it can't be computed, so it has no factor either
    if not isinstance(share, Node):
        return target, None
    return target / gradients(claimed, [share])[share], share


# Scattered shares ----------------------------------------------------------------------


def _scattered(tested: StepUnderTest, weight: int, claim: Claim) -> Iterator[WrongShare]:
    """The wrong shares, each with the slope of the sample whose numbers it is computed from; none
    if they all are a multiple of it, which their sum has too much."""
    training, ways = tested.training, list(_ways(tested, weight).values())
    shares = [
        cell
        for cell in dict.fromkeys(training.flow.sources(claim.owner))
        if cell in training.book.patterns and cell in training.computed_cells
    ]
    if not 1 < len(shares) <= MOST_SHARES or len(ways) != len(shares) or shares_of(tested, claim):
        return
    nodes = {cell: tested.graph.node(cell) for cell in shares}
    factors = gradients(tested.claim_node(claim), list(nodes.values()))
    left = [_without(tested, weight, (o for o in ways if o is not way)) for way in ways]
    wrong: list[Address] = []
    for cell, node in nodes.items():
        spend(SHARE * len(left))
        own = next((slope for slope in left if tested.same(node * factors[node], slope)), None)
        if own is None:
            wrong.append(cell)
        else:
            left.remove(own)
    is_all, pairs = len(wrong) == len(shares), list[WrongShare]()
    for cell in wrong:
        given = tested.numbers_in([nodes[cell]])
        common = [len(given & tested.numbers_in([slope])) for slope in left]
        if is_all and common.count(max(common)) > 1:
            return
        pairs.append((cell, left.pop(common.index(max(common))) / factors[nodes[cell]]))
    of = tested.random.of
    if not is_all or not all(is_multiple(of(nodes[cell]), of(slope)) for cell, slope in pairs):
        yield from pairs


# Omissions from the chain rule -----------------------------------------------------------

LAYERS = 4  # layers of columns that are computed from each other
MOST_CELLS = 60  # cells that are examined
MOST_NAMED = 240  # cells that are compared only with the values in their labels


def omissions_of_all(
    tested: StepUnderTest, wrong: Mapping[int, Claim]
) -> list[tuple[StepUnderTest, Hypothesis]]:
    """The omissions in every wrong gradient, if nothing else is wrong, each with the step in which
    it is corrected: cells that gradients use come first."""
    if not wrong or any(_may_be_odd(tested, j, claim) for j, claim in wrong.items()):
        return []
    is_own = all(tested.left_out(claim, j) for j, claim in wrong.items())
    others = tested.wrong_weights() - wrong.keys()
    found: list[tuple[StepUnderTest, Hypothesis]] = []
    for _ in range(LAYERS):
        columns = list(_lacking_columns(tested, wrong, only_named=not is_own))
        found += [(tested, column) for column in columns]
        for column in columns:
            tested = repair_step(tested, column)
        if not columns:
            break
    for weight in sorted(tested.wrong_weights() & wrong.keys()):
        own = omission_of_claim(tested, weight, wrong[weight])
        if own is None:
            return []
        found.append((tested, own))
        tested = repair_step(tested, own)
    return found if found and tested.wrong_weights() <= others else []


def _may_be_odd(tested: StepUnderTest, weight: int, claim: Claim) -> bool:
    """Whether a claim omits a path from a weight that different formulas use: one of these may be
    odd, which is examined first. Formulas of two layers with the same weight are meant so."""
    cell = tested.step.weights[weight]
    if cell is None or tested.chain is None:
        return True
    of, partials = tested.graph.node(cell), tested.chain.partials
    patterns, cells = tested.training.book.patterns, tested.cells_of_values
    users = [cells[place] for place, some in partials.items() if of in some and place in cells]
    shapes = {patterns[cell].shape for cell in users if cell in patterns}
    if any(not tested.made_of([cell]).isdisjoint(users) for cell in users):
        return False
    return len(shapes) > 1 and any(one.is_way for one in tested.left_out(claim, weight))


def omission_of_claim(tested: StepUnderTest, weight: int, claim: Claim) -> Hypothesis | None:
    """A claim with what it omits from a weight's gradient added to its formula."""
    if len(shares_of(tested, claim)) > 1:
        return None
    omissions, cell = tested.left_out(claim, weight), tested.step.weights[weight]
    wrong = WrongFormula.of_claim(tested, weight, claim) if omissions else None
    if wrong is None or cell is None:
        return None
    found = restore(wrong, tested.graph.node(cell), omissions)
    return None if found is None else replace(found, explains=frozenset({weight}))


class LackingCell(NamedTuple):
    """A cell that omits something from the slope that it should be."""

    cell: Address
    of: Node  # the value by which it should be the slope
    omissions: Omissions[Node]
    target: Node
    per: Node | None = None  # the gradient's derivative with respect to this share


def _lacking_columns(
    tested: StepUnderTest, wrong: Mapping[int, Claim], *, only_named: bool
) -> Iterator[Hypothesis]:
    """Corrections of the innermost cells of wrong gradients that omit something; perhaps only of
    those labelled with the name of a value on the path to the loss."""
    still = {j: claim for j, claim in wrong.items() if j in tested.wrong_weights()}
    owners = {claim.owner for claim in still.values()}
    made_of = {j: tested.made_of([claim.owner]) for j, claim in still.items()}
    shares = {cell: j for j, claim in still.items() for cell in shares_of(tested, claim)}
    inside = set().union(*made_of.values()) - tested.forward - owners
    inside -= _merely_repeated(tested, inside)
    lacking: dict[Address, LackingCell] = {}
    every = sorted(inside & tested.graph.known.keys())
    named = (cell for cell in every if _values_called_by(tested, cell))
    for cell in islice(named, MOST_NAMED) if only_named else every[:MOST_CELLS]:
        users = [j for j, cells in made_of.items() if cell in cells]
        if cell in shares and len(users) == 1:
            found = _lacking_share(tested, shares[cell], still[shares[cell]], cell)
        else:
            found = _lacking_slope(tested, cell, len(users))
        if found is not None:
            lacking[cell] = found
    columns: defaultdict[object, list[Address]] = defaultdict(list)  # as of several samples
    for cell in lacking:
        if not tested.made_of([cell]) & lacking.keys() - {cell}:
            shape = tested.training.book.patterns[cell].shape
            columns[tested.training.axis.line(cell), shape].append(cell)
    for cells in columns.values():
        right: list[Hypothesis] = []
        for each in map(lacking.__getitem__, cells):
            formula = WrongFormula.at(tested, each.cell, each.target)
            mended = formula and restore(formula, each.of, each.omissions, Cause.COLUMN, each.per)
            right += [mended] if mended else []
        if len(right) == len(cells):
            explains = frozenset(j for j, made in made_of.items() if not made.isdisjoint(cells))
            formulas = tuple(one.formulas[0] for one in right)
            yield replace(right[0], cells=tuple(cells), formulas=formulas, explains=explains)


def _merely_repeated(tested: StepUnderTest, cells: Collection[Address]) -> set[Address]:
    """The cells like others that a formula repeats without adding anything: it is the odd one."""
    patterns, shapes = tested.training.book.patterns, sum(tested.shapes, Counter())
    repeated = {
        source
        for cell in cells
        if cell in patterns and isinstance(patterns[cell].expression, Reference)
        for source in tested.training.flow.sources(cell)
    }
    return {c for c in repeated if c in patterns and shapes[patterns[c].shape] > 1}


def _lacking_slope(tested: StepUnderTest, cell: Address, users: int) -> LackingCell | None:
    """Return what a cell omits from the slope with respect to a value on the path to the loss; None
    if it is right. `users` is the number of gradients that use it."""
    chain, value = tested.chain, tested.graph.known.get(cell)
    if chain is None or not isinstance(value, Node) or cell in tested.training.weight_cells:
        return None
    claimed = np.atleast_1d(tested.random.of(value))
    if not np.ptp(claimed):
        return None

    def is_slope(node: Node) -> bool:
        true = chain.true(node)
        return true is not None and np.allclose(true, claimed, rtol=CLOSE, atol=0, equal_nan=True)

    own = _values_called_by(tested, cell)
    if any(map(is_slope, own or tested.cells_of_values if users < 2 else own)):
        return None
    known = ((node, chain.left_out(node, claimed)) for node in own or tested.cells_of_values)
    lacking = [(node, omissions) for node, omissions in known if omissions]
    if not lacking:
        return None
    of, omissions = min(lacking, key=lambda one: (len(one[1]), -one[0].index))
    there = _of_its_sample(tested, omissions, cell)
    return LackingCell(cell, of, there, tested.slopes[of]) if there else None


def _lacking_share(
    tested: StepUnderTest, weight: int, claim: Claim, cell: Address
) -> LackingCell | None:
    """What a sample's share of a gradient omits."""
    chain, at = tested.chain, tested.step.weights[weight]
    target, share = share_target(tested, weight, claim, cell)
    if chain is None or at is None or share is None:
        return None
    along, of = tested.training.axis.along, tested.graph.node(at)
    per = gradients(tested.claim_node(claim), [share])[share]
    users = [node for node, place in tested.cells_of_values.items() if along(place) == along(cell)]
    claimed = np.atleast_1d(tested.random.of(share * per))
    omissions = _of_its_sample(tested, chain.left_out(of, claimed, users), cell)
    return LackingCell(cell, of, omissions, target, per) if omissions else None


def _of_its_sample(
    tested: StepUnderTest, omissions: Omissions[Node], cell: Address
) -> Omissions[Node]:
    """The omissions in a cell's own sample, if there are several samples."""
    along, held, found = tested.training.axis.along, tested.cells_of_values, []
    for one in omissions:
        own = (p for p in one.places if p in held and along(held[p]) == along(cell))
        found.append(replace(one, places=one.places if len(one.places) == 1 else tuple(own)))
    return tuple(one for one in found if one.places)


def _values_called_by(tested: StepUnderTest, cell: Address) -> list[Node]:
    """The values on the path to the loss whose name is part of a cell's label, as h1 is of ∂E/∂h1;
    if there are several names, the longest."""
    said, names = tested.training.label(cell).lower(), tested.names_of_values
    within = {node: len(name) for node, name in names.items() if name and name in said}
    longest = max(within.values(), default=0)
    return [node for node, length in within.items() if length == longest]


# Formulas of other samples ------------------------------------------------------------


def as_seen_from(tested: StepUnderTest, text: str, home: Address, cell: Address) -> str:
    """The formula of another sample: references to a sample's own cells move with it."""
    reader = tested.training.book.reader

    def follow(reference: str) -> str:
        at = reader.cell(reference, home)
        there = None if at is None else beside(tested, at, cell, home)
        if at is None or there is None or there == at:
            return reference
        return copy_formula(reference, at, there)

    return rename_cells_in(text, follow)


def unlike_others(tested: StepUnderTest, cells: Sequence[Address]) -> list[Address]:
    """Return the cells of a column whose formulas differ from most, each in its own sample; all of
    them if there is no majority, since they may be below each other by chance."""
    patterns = tested.training.book.patterns
    if len(cells) < 2 or len({patterns[cell] for cell in cells}) == 1:
        return []
    first, said = cells[0], {}
    for cell in cells:
        spend(SEEN)
        text = as_seen_from(tested, patterns[cell].text_at(cell), cell, first)
        said[cell] = text.replace("$", "")  # in a single cell $ makes no difference
    ((usual, often),) = Counter(said.values()).most_common(1)
    return [cell for cell in cells if said[cell] != usual or 2 * often <= len(cells)]


def beside(tested: StepUnderTest, cell: Address, home: Address, first: Address) -> Address:
    """The cell in the same position to `home` as `cell` to `first`, the first sample's."""
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
