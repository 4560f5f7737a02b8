"""The audit's heuristics by name, each with a way to turn it off.

`mutants.py --without NAME` shows what is lost without one. To turn it off, a function is replaced
wherever it was imported, a generator is removed from its list, a doubt doesn't count. `watched`
records which of them make a difference to a book: only those need to be turned off for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nsmallest
from importlib import import_module
from inspect import isgeneratorfunction
from typing import Any, Protocol

from gradbook.audit import check_book
from gradbook.audit.edits import formula_edits
from gradbook.audit.repair import repaired_step
from gradbook.audit.repair.gradients import GENERATORS
from gradbook.audit.search.hypotheses import Doubts, Hypothesis
from gradbook.cells.formula.expression import EditKind

AUDIT = check_book.__name__.rpartition(".")[0]


class Heuristic(Protocol):
    """Something that the audit uses, and could do without."""

    def found(self) -> tuple[Any, str]:
        """The module or class that holds it, and its name there."""

    def off(self, now: Any) -> Any:
        """The replacement of the current object that turns the heuristic off."""

    def watching(self, now: Any, note: Callable[[], None]) -> Any:
        """The current object, which also calls `note` when it makes a difference."""


@dataclass(frozen=True)
class Function:
    """A function or a property of the audit, with a constant replacement."""

    module: str
    name: str
    instead: Callable[..., Any]

    def found(self) -> tuple[Any, str]:
        *classes, name = self.name.split(".")
        home: Any = import_module(f"{AUDIT}.{self.module}")
        for each in classes:
            home = getattr(home, each)
        return home, name

    def off(self, now: Any) -> Any:
        return (
            property(self.instead) if isinstance(now, property | cached_property) else self.instead
        )

    def watching(self, now: Any, note: Callable[[], None]) -> Any:
        if isinstance(now, property):
            return property(self._watching(now.fget, note))
        if isinstance(now, cached_property):
            watched: Any = cached_property(self._watching(now.func, note))
            watched.__set_name__(None, now.attrname)
            return watched
        return self._watching(now, note)

    def _watching(self, function: Any, note: Callable[[], None]) -> Callable[..., Any]:
        def watch(*given: Any, **named: Any) -> Any:
            result = function(*given, **named)
            if result != self.instead(*given, **named):
                note()
            return result

        def watch_each(*given: Any, **named: Any) -> Iterator[Any]:
            for one in function(*given, **named):
                note()
                yield one

        return watch_each if isgeneratorfunction(function) else watch


@dataclass(frozen=True)
class Generator:
    """One of the generators of hypotheses."""

    name: str
    module: str = "repair.gradients"
    registry: str = "GENERATORS"

    def found(self) -> tuple[Any, str]:
        return import_module(f"{AUDIT}.{self.module}"), self.registry

    def off(self, now: Any) -> Any:
        return tuple(one for one in now if one.name != self.name)

    def watching(self, now: Any, note: Callable[[], None]) -> Any:
        def watched(propose: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            def watch(*given: Any) -> Iterator[Any]:
                for one in propose(*given):
                    note()
                    yield one

            return watch

        return tuple(
            replace(one, propose=watched(one.propose)) if one.name == self.name else one
            for one in now
        )


@dataclass(frozen=True)
class Edits:
    """One of the generators of edits; it makes a difference where a hypothesis has such an edit."""

    name: str
    kinds: tuple[EditKind, ...]

    def found(self) -> tuple[Any, str]:
        return formula_edits, "EDITS"

    def off(self, now: Any) -> Any:
        return tuple(one for one in now if one.name != self.name)

    def watching(self, now: Any, note: Callable[[], None]) -> Any:
        _NOTES.update(dict.fromkeys(self.kinds, note))
        return now


_NOTES: dict[EditKind, Callable[[], None]] = {}


def _noting(make: Callable[..., None]) -> Callable[..., None]:
    """The constructor of a hypothesis, while its edits are watched."""

    def noted(self: Hypothesis, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        for edit in self.edits:
            _NOTES.get(edit.kind, bool)()

    return noted


KINDS = {
    "references": (EditKind.REFERENCE,),
    "operators": (EditKind.OPERATOR, EditKind.ORDER, EditKind.SIGN),
    "activations": (EditKind.ACTIVATION,),
    "exchanges": (EditKind.EXCHANGE,),
    "parentheses": (EditKind.PARENTHESES,),
    "omissions": (EditKind.OMISSION,),
    "numbers": (EditKind.NUMBER,),
    "ranges": (EditKind.RANGE,),
    "functions": (EditKind.FUNCTION,),
    "totals": (EditKind.REFERENCE, EditKind.NUMBER, EditKind.OMISSION),
    "missing factors": (EditKind.FACTOR,),
    "missing terms": (EditKind.TERM,),
}


@dataclass(frozen=True)
class Doubt:
    """One of the doubts by which hypotheses are ranked."""

    field: str

    def found(self) -> tuple[Any, str]:
        return repaired_step, "rank"

    def off(self, now: Any) -> Any:
        return lambda tested, every: _ranked(
            [repaired_step.RepairedStep(tested, one) for one in every], self.field
        )

    def watching(self, now: Any, note: Callable[[], None]) -> Any:
        def watch(tested: Any, every: Any) -> list[Hypothesis]:
            every = list(every)
            result: list[Hypothesis] = now(tested, every)
            if len(result) > 1:
                known = [_known(tested, one) for one in every]
                if result != _ranked(known, self.field):
                    note()
            return result

        return watch


def _ranked(every: list[repaired_step.RepairedStep], doubt: str) -> list[Hypothesis]:
    """Rank like `repaired_step.rank`, without one doubt."""

    def first(one: repaired_step.RepairedStep) -> Doubts:
        return _once(one, repaired_step.at_first_sight)._replace(**{doubt: 0})

    def later(one: repaired_step.RepairedStep) -> Doubts:
        return _once(one, repaired_step.doubts)._replace(**{doubt: 0})

    meant = (one for one in every if not _once(one, lambda one: one.is_pointless))
    some = nsmallest(repaired_step.WEIGHED, meant, key=first)
    kept = (one for one in some if one.conventions[1] >= one.conventions[0])
    return [one.hypothesis for one in sorted(kept, key=later)]


def _once(
    one: repaired_step.RepairedStep, judge: Callable[[repaired_step.RepairedStep], Any]
) -> Any:
    """A judgement that is cached, for it is repeated without each doubt."""
    kept = vars(one).setdefault("judged", {})
    if judge.__code__ not in kept:
        kept[judge.__code__] = judge(one)
    return kept[judge.__code__]


def _known(tested: Any, hypothesis: Hypothesis) -> repaired_step.RepairedStep:
    """The same object for the same hypothesis, as it caches the judgements."""
    kept = _KNOWN.get((id(tested), id(hypothesis)))
    if kept is None:
        kept = _KNOWN[id(tested), id(hypothesis)] = repaired_step.RepairedStep(tested, hypothesis)
    return kept


_KNOWN: dict[tuple[int, int], repaired_step.RepairedStep] = {}  # for the watched book


def _nothing(*_: object) -> None:
    return None


def _none(*_: object) -> list[Any]:
    return []


def _no(*_: object) -> bool:
    return False


def _last(*given: Any) -> Any:
    return given[-1]


def _all(*given: Any) -> list[Any]:
    return list(given[-1])


HEURISTICS: dict[str, Heuristic] = {
    # which cells are weights
    "lines by themselves": Function("training.weight_columns", "_with_own_feedback", _all),
    "updates pasted elsewhere": Function("training.weight_columns", "_with_own_start", _all),
    "along with most": Function("training.weight_columns", "_in_usual_directions", _all),
    "decaying weights": Function("training.weight_columns", "_decaying_weight", _nothing),
    "bridged rows": Function("training.weight_columns", "join_columns", _all),
    "aligned columns": Function("training.weight_columns", "align_columns", _all),
    "companions": Function("training.weight_columns", "LinesOfUpdates.companions", _none),
    "rate by its name": Function("training.sheet_training", "is_called_rate", _no),
    "unused rate": Function("training.sheet_training", "named_rate", _nothing),
    # the claims of updates
    "decay in updates": Function("training.claims", "GradientSearch._is_decay", _no),
    "momentum": Function("training.claims", "GradientSearch._remembers", _no),
    "gradients that are scaled": Function("training.claims", "GradientSearch._wrapped", _nothing),
    "as the second step": Function("training.claims", "_like_later", _none),
    "claims of the last row": Function("training.training_steps", "_copied", lambda *_: ()),
    # the loss
    "losses by their names": Function("training.training_steps", "called_a_loss", _no),
    "losses cut by a blank": Function("training.training_steps", "is_cut", _no),
    "a term left out": Function("judge.loss", "LossSearch._with_another", _last),
    "totals that repeat": Function("judge.loss", "_total", _nothing),
    "plausible losses": Function("judge.loss", "_is_plausible", _no),
    "cut off losses": Function(
        "repair.pasted_losses", "loss_behind_values", lambda training: (training, [])
    ),
    "cut off trainings": Function("repair.pasted_losses", "cut_off_trainings", _none),
    # updates and values
    "rate of the values": Function("judge.meant_updates", "_rate_kept", _nothing),
    "noise of differences": Function("formulas.points", "Numbers.is_noise", _no),
    # hypotheses, and the edits that some of them try
    **{f"generator: {one.name}": Generator(one.name) for one in GENERATORS},
    **{f"edits: {one.name}": Edits(one.name, KINDS[one.name]) for one in formula_edits.EDITS},
    "edits: functions of cells": Function("edits.formula_edits", "fill_templates", _none),
    "edits: differences": Function("edits.formula_edits", "differences", _none),
    # evidence for and against a hypothesis
    **{f"doubt: {field}": Doubt(field) for field in Doubts._fields},
    "pointless parts": Function("repair.repaired_step", "RepairedStep.is_pointless", _no),
    "conventions": Function("repair.repaired_step", "convention", lambda *_: 0),
    "leads astray": Function("repair.repaired_step", "RepairedStep.leads_astray", _no),
    "doubtful columns": Function("repair.symptoms", "Symptoms.is_doubtful", _no),
    "slips": Function("repair.gradients", "_is_slip", _no),
    "cells mentioned beside": Function("repair.symptoms", "_belongs_beside", _no),
    "numbers forgotten": Function("repair.symptoms", "forgets_a_number", _no),
    "own faults": Function("repair.symptoms", "Symptoms.is_own_fault", _no),
    "usual shapes": Function("repair.symptoms", "becomes_usual", _no),
    "easily its own": Function("repair.symptoms", "is_easily_its_own", _no),
    "only what changes": Function("repair.symptoms", "only_what_changes", _last),
    "constant formulas behind": Function("repair.symptoms", "Symptoms.constant_behind", _none),
    "formulas that only repeat": Function("repair.symptoms", "Symptoms.only_repeating", _none),
}


@contextmanager
def without(*names: str) -> Iterator[None]:
    """The audit with some heuristics turned off."""
    with ExitStack() as stack:
        for heuristic in map(HEURISTICS.__getitem__, names):
            stack.enter_context(_replaced(*heuristic.found(), heuristic.off))
        yield


@contextmanager
def watched() -> Iterator[set[str]]:
    """Run the audit unchanged; the set is filled with the heuristics that made a difference."""
    seen: set[str] = set()
    with ExitStack() as stack:
        for name, heuristic in HEURISTICS.items():

            def watching(now: Any, name: str = name, heuristic: Heuristic = heuristic) -> Any:
                return heuristic.watching(now, lambda: seen.add(name))

            stack.enter_context(_replaced(*heuristic.found(), watching))
        stack.enter_context(_replaced(Hypothesis, "__init__", _noting))
        yield seen
    _KNOWN.clear()


@contextmanager
def _replaced(home: Any, name: str, change: Callable[[Any], Any]) -> Iterator[None]:
    """Replace an object of a module or a class in all modules that have imported it."""
    now = vars(home)[name]
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(AUDIT)]
    places = [
        (place, key)
        for place in dict.fromkeys([home, *modules])
        for key, value in list(vars(place).items())
        if value is now
    ]
    instead = change(now)
    for place, key in places:
        setattr(place, key, instead)
    try:
        yield
    finally:
        for place, key in places:
            setattr(place, key, now)
