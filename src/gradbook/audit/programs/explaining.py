"""The chain rule of one weight in a program's own words: from the loss back, by expressions.

Knows neither how a run is recorded nor how a chain looks.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.audit.programs.judging import JudgedStep, ModelDescription, best_trial
from gradbook.audit.programs.line_values import FIRST
from gradbook.audit.programs.naming import SourceNames
from gradbook.audit.programs.program_report import Gradient, ProgramLoss, SourceSpan
from gradbook.audit.programs.stepping import Watch, find_trainings
from gradbook.errors import UsageError
from gradbook.looks import look
from gradbook.recording.calls import RecordedCall, Tape
from gradbook.recording.source_places import SourceText

FEWEST_NAMED = 2  # with fewer named values, every call is a link
MOST_NAMES = 8  # of weights in a message
MOST_FACTORS = 24  # of a formula that is still read


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One value between a weight and the loss."""

    span: SourceSpan  # the expression that computes it
    name: str  # what the program calls it; else the expression
    shape: tuple[int, ...]  # of the numbers, () for one
    numbers: tuple[float, ...]  # the first four
    slopes: tuple[float, ...]  # the loss's slope by these
    index: int  # links are in the order of the program if sorted by it


@dataclass(frozen=True, slots=True)
class ProgramChain:
    """How the loss depends on a weight. Printed, it is text; in a notebook it shows itself."""

    file: str
    weight: str  # what the program calls it
    shape: tuple[int, ...]  # of the numbers, () for one
    loss: ProgramLoss  # which one it is
    links: tuple[ChainLink, ...]  # each value between, from the loss on, without the weight itself
    formula: str  # "∂loss/∂W2 = ∂loss/∂A2 · ∂A2/∂W2"; empty where paths part and meet again
    gradient: Gradient | None  # the program's own beside the exact one
    numbers: tuple[float, ...]  # the weight's first four
    slopes: tuple[float, ...]  # the loss's slope by these
    step: int  # of the training, from 1

    def __str__(self) -> str:
        return look("ProgramChain as text", self)

    def _repr_html_(self) -> str:
        return look("ProgramChain as html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self).rstrip())


def explain_weight(
    tape: Tape, watch: Watch, sources: dict[str, SourceText], file: str, weight: str
) -> ProgramChain:
    """The chain of the weight that the program calls so, or of the first; the tape is the
    recorder's."""
    names: list[str] = []
    for group in find_trainings(watch):
        trial = best_trial(tape.calls, tape.branches, group)
        if trial is None:
            continue
        naming = SourceNames(tape.calls, sources, file, trial.step.first, trial.step.last)
        description = ModelDescription(trial, naming, max(len(steps) for _, steps in group), 0.0)
        called = [description._weight_name(n) for n in range(len(trial.step.states))]
        names += called
        number = _number_of(called, weight)
        if number is not None:
            return _chain(trial, naming, description, number, called[number])
    known = ", ".join(dict.fromkeys(names[:MOST_NAMES])) or "no weight at all"
    raise UsageError(f"no weight '{weight}' is trained: {known}")


def _number_of(names: list[str], weight: str) -> int | None:
    """Which weight is meant: by its whole name, or by the end of it, W1 of self.W1."""
    if not weight:
        return 0 if names else None
    if weight in names:
        return names.index(weight)
    ends = [re.split(r"[.\[]", name)[-1].strip("'\"] ") for name in names]
    return ends.index(weight) if ends.count(weight) == 1 else None


def _chain(
    trial: JudgedStep, naming: SourceNames, description: ModelDescription, number: int, name: str
) -> ProgramChain:
    judgement = trial.judgement
    if judgement is None:
        raise UsageError(f"no line computes a loss that '{name}' could be explained by")
    calls, state = trial.step.calls, trial.step.states[number]
    ends = judgement.objective.ends
    with np.errstate(all="ignore"):
        slopes = description._base_slopes()
        gradients = description._gradients()
    between = _between(calls, state.now, ends)
    links = list(_links(naming, between, ends, slopes))
    loss = description._loss(judgement.objective)
    gradient = next((g for g in gradients if g.weight == name), None)
    value = calls[state.now].value
    return ProgramChain(
        naming.file,
        name,
        np.shape(value),
        loss,
        tuple(links),
        _formula(calls, links, state.now, name, loss),
        gradient,
        _first(value),
        _first(slopes.get(state.now)),
        trial.number + 1,
    )


def _between(calls: list[RecordedCall], weight: int, ends: Iterable[int]) -> list[int]:
    """Every call that depends on the weight and that the loss depends on, the last first."""
    behind: set[int] = set()
    todo = [end for end in ends if end > weight]
    while todo:
        index = todo.pop()
        if index in behind or index <= weight:
            continue
        behind.add(index)
        todo += calls[index].operands
    reached = {weight}
    for index in sorted(behind):
        if not reached.isdisjoint(calls[index].operands):
            reached.add(index)
    return sorted(reached - {weight}, reverse=True)


def _links(
    naming: SourceNames, between: list[int], ends: tuple[int, ...], slopes: Mapping[int, Any]
) -> Iterator[ChainLink]:
    named = {index: naming.assigned(index) for index in between if naming.calls[index].frames}
    is_short = sum(assigned is not None for assigned in named.values()) < FEWEST_NAMED
    for index in between:
        if not (named.get(index) or index in ends or is_short):
            continue
        name, span = named.get(index) or ("", naming.span_of(index))
        if span is None or getattr(naming.calls[index].value, "dtype", None) is None:
            continue
        value = naming.calls[index].value
        words = name or " ".join(span.text.split())
        yield ChainLink(
            span, words, np.shape(value), _first(value), _first(slopes.get(index)), index
        )


def _first(value: Any) -> tuple[float, ...]:
    return () if value is None else tuple(map(float, np.ravel(value)[:FIRST]))


def _formula(
    calls: list[RecordedCall], links: list[ChainLink], weight: int, name: str, loss: ProgramLoss
) -> str:
    """The product along the links, if every way from the weight to the loss has them all."""
    if len(links) > MOST_FACTORS:
        return ""
    order = [weight, *(link.index for link in reversed(links))]
    for first, second in itertools.pairwise(order):
        if not _is_only_way(calls, first, second, order[-1]):
            return ""
    names = [*(link.name for link in links), name]
    is_assumed = loss.is_assumed or not links
    top = "loss" if is_assumed else names[0]
    factors = [f"∂{top}/∂{names[0]}"] if is_assumed else []
    factors += [f"∂{a}/∂{b}" for a, b in itertools.pairwise(names)]
    return f"∂{top}/∂{name} = {' · '.join(factors)}" if len(factors) > 1 else ""


def _is_only_way(calls: list[RecordedCall], first: int, second: int, last: int) -> bool:
    """Whether nothing after `second` depends on `first` but through it."""
    reached = {first}
    for index in range(first + 1, last + 1):
        if index != second and not reached.isdisjoint(calls[index].operands):
            reached.add(index)
    return last not in reached or second == last
