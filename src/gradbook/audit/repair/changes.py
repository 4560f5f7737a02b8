"""The kinds of small edits: each gives alternatives of a formula, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from gradbook.audit.formula.edits import Edit, EditKind, regrouped, shortened
from gradbook.audit.formula.expression import Path, factors, product
from gradbook.audit.repair.search import OPERATIONS, Batch, Offer, Trial, hits
from gradbook.graph.node import Array
from gradbook.targets.excel.language.grammar import (
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    number,
)

MOST_GROUPINGS = 400
MOST_EXCHANGED = 12  # references
SHORT = 60  # parts of a formula in which a term may be missing anywhere


def replacements(
    trial: Trial, offered: Sequence[Offer], of: type[Reference] | type[Number]
) -> Iterator[Batch]:
    """A reference, or a number, that should be another."""
    if of is Reference:  # nobody writes a cell for nothing
        offered = [offer for offer in offered if offer.said != Number(0.0)]
    if not offered:
        return
    stack = _stack(offered)
    for paths in _spots(trial):
        old = trial.parts[paths[0]]
        if not isinstance(old, of):
            continue
        kind = EditKind.REFERENCE if of is Reference else EditKind.NUMBER
        choices = [Edit(kind, paths, old, offer.said) for offer in offered]
        yield choices, trial.with_(dict.fromkeys(paths, stack))


def other_operators(trial: Trial) -> Iterator[Batch]:
    """An operator that should be another, sides that should be exchanged, a sign turned round."""
    for path, part in trial.parts.items():
        for kind, new, values in _turned(trial, path, part):
            yield [Edit(kind, (path,), part, new)], trial.with_({path: values})[None]
        for new in _parted(trial, path, part):
            values = Trial(new, trial.opaque).whole
            yield [Edit(EditKind.OPERATOR, (path,), part, new)], trial.with_({path: values})[None]


def _turned(
    trial: Trial, path: Path, part: Expression
) -> Iterator[tuple[EditKind, Expression, Array]]:
    if isinstance(part, Infix) and part.operator in OPERATIONS:
        left, right = trial.values[*path, 0], trial.values[*path, 1]
        with np.errstate(all="ignore"):
            for operator, operation in OPERATIONS.items():
                if operator != part.operator:
                    yield (
                        EditKind.OPERATOR,
                        Infix(operator, part.left, part.right),
                        operation(left, right),
                    )
            if part.operator in "-/^":
                turned = OPERATIONS[part.operator](right, left)
                yield EditKind.ORDER, Infix(part.operator, part.right, part.left), turned
    if isinstance(part, Prefix) and part.operator == "-":
        yield EditKind.SIGN, part.operand, trial.values[*path, 0]
    else:
        yield EditKind.SIGN, Prefix("-", part), -trial.values[path]


def _parted(trial: Trial, path: Path, part: Expression) -> Iterator[Expression]:
    """a·b·c as a·b + c, a + b·c and with a minus: a sum of products that became one product."""
    if not (isinstance(part, Infix) and part.operator == "*") or _is_inside_product(trial, path):
        return
    split = factors(part)
    if split.sign < 0 or not all(factor.above for factor in split.parts):
        return
    for k in range(1, len(split.parts) - 1):  # where the last one parts is an operator turned
        left, right = product(split.parts[:k]), product(split.parts[k:])
        yield Infix("+", left, right)
        yield Infix("-", left, right)


def groupings(trial: Trial) -> Iterator[Batch]:
    """Parentheses that are missing, stand in the wrong place, or are too many."""
    for k, new in enumerate(dict.fromkeys(regrouped(trial.expression))):
        if k > MOST_GROUPINGS:
            break
        values = Trial(new, trial.opaque).whole
        yield [Edit(EditKind.PARENTHESES, ((),), trial.expression, new)], values[None]


def omissions(trial: Trial) -> Iterator[Batch]:
    """A factor or a term too many."""
    for shorter, left_out in shortened(trial.expression):
        values = Trial(shorter, trial.opaque).whole
        yield [Edit(EditKind.OMISSION, ((),), left_out, shorter)], np.asarray(values)[None]


def factors_more(trial: Trial, offered: Sequence[Offer]) -> Iterator[Batch]:
    """A part that should be multiplied, or divided, by something."""
    if not offered:
        return
    offered = [offer for offer in offered if offer.said != Number(0.0)]
    stack = _stack(offered)
    for operator in "*/":
        for path, part in trial.parts.items():
            if _is_inside_product(trial, path):
                continue  # the whole product times something is the same
            choices = [
                Edit(EditKind.FACTOR, (path,), part, Infix(operator, part, offer.said))
                for offer in offered
            ]
            with np.errstate(all="ignore"):
                values = OPERATIONS[operator](trial.values[path], stack)
            yield choices, trial.with_({path: values})


def _is_inside_product(trial: Trial, path: Path) -> bool:
    above = trial.parts[path[:-1]] if path else None
    return isinstance(above, Infix) and above.operator in "*/"


def exchanges(trial: Trial) -> Iterator[Batch]:
    """Two references, each where the other belongs."""
    spots = [(path, part) for path, part in trial.parts.items() if isinstance(part, Reference)]
    for (one, a), (other, b) in combinations(spots[:MOST_EXCHANGED], 2):
        if a != b:
            values = trial.with_({one: trial.values[other], other: trial.values[one]})
            yield [Edit(EditKind.EXCHANGE, (one, other), a, b)], np.asarray(values)[None]


def terms_more(trial: Trial, offered: Sequence[Offer]) -> Iterator[Batch]:
    """A sum that lacks a term."""
    if not offered:
        return
    stack = _stack(offered)
    for operator in "+-":
        for path, part in trial.parts.items():
            if len(path) < 2 or len(trial.parts) <= SHORT:
                choices = [
                    Edit(EditKind.TERM, (path,), part, Infix(operator, part, offer.said))
                    for offer in offered
                ]
                with np.errstate(all="ignore"):
                    values = OPERATIONS[operator](trial.values[path], stack)
                yield choices, trial.with_({path: values})


def pairs(trial: Trial, offered: Sequence[Offer], true: Array) -> Iterator[tuple[Edit, Edit]]:
    """Two references or numbers, as where cells are swapped."""
    if not offered:
        return
    stack = _stack(offered)
    across, down = stack[:, None, :], stack[None, :, :]
    for one, other in combinations(_spots(trial), 2):
        if set(one) & set(other):
            continue
        given = {**dict.fromkeys(one, across), **dict.fromkeys(other, down)}
        for j, k in hits(trial.with_(given), true):
            yield (
                Edit(EditKind.REFERENCE, one, trial.parts[one[0]], offered[j].said),
                Edit(EditKind.REFERENCE, other, trial.parts[other[0]], offered[k].said),
            )


def _spots(trial: Trial) -> list[tuple[Path, ...]]:
    """Every reference and number: all that say the same together, then one by one."""
    said: dict[Expression, list[Path]] = {}
    for path, part in trial.parts.items():
        if isinstance(part, Reference | Number):
            said.setdefault(part, []).append(path)
    together = [
        tuple(paths)
        for part, paths in said.items()
        if len(paths) > 1 and isinstance(part, Reference)
    ]
    return together + [(path,) for paths in said.values() for path in paths]


def _stack(offered: Sequence[Offer]) -> Array:
    return np.stack(np.broadcast_arrays(*(offer.values for offer in offered)))


def constants(shape: tuple[int, ...]) -> list[Offer]:
    """Numbers that formulas of this kind are made with."""
    usual = (1.0, 2.0, 0.5, -1.0, 0.0, 3.0, 4.0, 0.25)
    return [Offer(number(value), np.full(shape, value)) for value in usual]
