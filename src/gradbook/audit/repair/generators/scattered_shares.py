"""A gradient gathered from shares that stand here and there: the share that isn't its sample's.

Where samples don't stand below each other, which share is of which sample is told by what most of
them say: each is the slope by way of one of the formulas that mention the weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.audit.budget import spend
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.generators.samples import repaired_as
from gradbook.audit.repair.hypotheses import Cause, Hypothesis
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.training.claims import Claim
from gradbook.graph.chain import gradients
from gradbook.graph.node import Node

MOST = 60  # shares of one gradient
SHARE = 20_000  # numbers that could be computed while one is held against a sample


def scattered_shares(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """What is wrong with the shares that a claim adds up, where the others are those of samples."""
    tested, weight = symptoms.under_test, symptoms.weight
    assert weight is not None
    claim = symptoms.wrong[weight]
    shares = _shares(tested, claim)
    if not 1 < len(shares) <= MOST:
        return
    try:
        wanted = _wanted(tested, weight, claim, shares)
        found = [repaired_as(tested, cell, target) for cell, target in wanted]
    except NotUnderstood:
        return
    known = [one for one in found if one is not None]
    if known and len(known) == len(found):
        cells = tuple(one.home for one in known)
        texts = tuple(one.formulas[0] for one in known)
        yield Hypothesis(Cause.COLUMN, cells, texts, known[0].edits, frozenset({weight}))


def _shares(tested: StepUnderTest, claim: Claim) -> list[Address]:
    """The formulas of the step that the claim mentions."""
    training = tested.training
    return [
        cell
        for cell in dict.fromkeys(training.flow.sources(claim.owner))
        if cell in training.book.patterns and cell in training.computed_cells
    ]


def _wanted(
    tested: StepUnderTest, weight: int, claim: Claim, shares: Sequence[Address]
) -> list[tuple[Address, Node]]:
    """The shares that are no sample's, with those of the samples that have none, in their order;
    nothing where all are wrong, or where there are more of the one than of the other."""
    claimed = tested.claim_node(claim)
    nodes = {cell: tested.graph.node(cell) for cell in shares}
    factors = gradients(claimed, list(nodes.values()))
    left = _by_way_of_each(tested, weight)
    if len(left) != len(shares):
        return []
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


def _by_way_of_each(tested: StepUnderTest, weight: int) -> list[Node]:
    """∂loss/∂w as far as it comes by way of each formula that mentions the weight."""
    at, known = tested.step.weights[weight], tested.graph.known
    assert at is not None
    users = sorted(set(tested.training.flow.users.get(at, ())) & tested.forward)
    ways = [node for node in map(known.get, users) if isinstance(node, Node)]
    start = tested.graph.node(at)
    if len(ways) > MOST:
        return []
    apart = ([other for other in ways if other is not way] for way in ways)
    return [gradients(tested.loss, [start], others)[start] for others in apart]
