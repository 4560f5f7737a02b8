"""The audit's heuristics by name, each with what stands in its place when it is turned off.

`mutants.py --without NAME` asks what is lost without one. A heuristic is a function of the audit;
turned off, another takes its place wherever it was imported. `watched` notes which of them make a
difference to a book, so that only those need to be turned off for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import isgeneratorfunction
from typing import Any

from gradbook.audit import check

AUDIT = check.__name__.rpartition(".")[0]


@dataclass(frozen=True)
class Heuristic:
    """A function of the audit, by its module and name, and what else may stand there."""

    module: str
    name: str
    instead: Callable[..., Any]

    @property
    def home(self) -> Any:
        """The module that holds it, or the class."""
        *classes, _ = self.name.split(".")
        found: Any = import_module(f"{AUDIT}.{self.module}")
        for name in classes:
            found = getattr(found, name)
        return found

    @property
    def function(self) -> Callable[..., Any]:
        return self.home.__dict__[self.name.rpartition(".")[2]]


def _nothing(*_: object, **__: object) -> None:
    return None


def _none(*_: object, **__: object) -> list[Any]:
    return []


def _no(*_: object, **__: object) -> bool:
    return False


def _last(*given: Any) -> Any:
    return given[-1]


def _found(*given: Any) -> Any:
    """Where a function has its last argument looked at, the argument as it is."""
    return list(given[-1])


HEURISTICS = {
    # which cells are weights
    "updates pasted elsewhere": Heuristic("training.weight_columns", "_that_start", _found),
    "along with most": Heuristic("training.weight_columns", "_along_with_most", _found),
    "decaying weights": Heuristic("training.weight_columns", "_but_a_share", _nothing),
    "bridged rows": Heuristic("training.broken_columns", "joined", _found),
    "aligned columns": Heuristic("training.broken_columns", "aligned", _found),
    "companions": Heuristic("training.broken_columns", "companions", _none),
    "unused rate": Heuristic("training.training", "_unused_rate", _nothing),
    # what updates claim
    "decay in updates": Heuristic("training.claims", "_is_decay", _no),
    "momentum": Heuristic("training.claims", "_without_memory", _nothing),
    "momentum further back": Heuristic("training.claims", "_remembers", _no),
    "claims of the last row": Heuristic("training.steps", "_copied", lambda *_: ()),
    # the loss
    "parts of the loss": Heuristic("judge.loss", "numbers_behind", lambda *_: set()),
    "a term left out": Heuristic("judge.loss", "_with_another", _last),
    "plausible losses": Heuristic("judge.loss", "_is_plausible", _no),
    "cut off losses": Heuristic(
        "repair.cut_off", "loss_behind_values", lambda training: (training, [])
    ),
    "cut off trainings": Heuristic("repair.cut_off", "cut_off_trainings", _none),
    # updates and values
    "updates in other words": Heuristic("judge.updates", "_same", _no),
    "noise of differences": Heuristic("judge.stale", "_summands", lambda node: [node]),
}


@contextmanager
def without(*names: str) -> Iterator[None]:
    """The audit with some heuristics turned off."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(_replaced(HEURISTICS[name], HEURISTICS[name].instead))
        yield


@contextmanager
def watched() -> Iterator[set[str]]:
    """The audit as it is; what is given is filled with the heuristics that made a difference."""
    seen: set[str] = set()
    with ExitStack() as stack:
        for name, heuristic in HEURISTICS.items():
            stack.enter_context(_replaced(heuristic, _watching(name, heuristic, seen)))
        yield seen


def _watching(name: str, heuristic: Heuristic, seen: set[str]) -> Callable[..., Any]:
    function = heuristic.function

    def watching_all(*given: Any, **named: Any) -> Iterator[Any]:
        for one in function(*given, **named):
            seen.add(name)
            yield one

    def watching(*given: Any, **named: Any) -> Any:
        result = function(*given, **named)
        if name not in seen and result != heuristic.instead(*given, **named):
            seen.add(name)
        return result

    return watching_all if isgeneratorfunction(function) else watching


@contextmanager
def _replaced(heuristic: Heuristic, instead: Callable[..., Any]) -> Iterator[None]:
    """Another function wherever a heuristic's is known by some name."""
    function, home = heuristic.function, heuristic.home
    modules = [m for name, m in list(sys.modules.items()) if name.startswith(AUDIT)]
    places = [
        (place, name)
        for place in dict.fromkeys([home, *modules])
        for name, value in list(vars(place).items())
        if value is function
    ]
    for place, name in places:
        setattr(place, name, instead)
    try:
        yield
    finally:
        for place, name in places:
            setattr(place, name, function)
