"""Which weight is meant by a name."""

from __future__ import annotations

from collections.abc import Iterable

from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.node import Node
from gradbook.graph.step import Step


def asked(step: Step, name: str) -> Node:
    """The trained weight of that name."""
    trained = {str(weight.name): weight for weight in step.gradients}
    if name in trained:
        return trained[name]
    names = _spans(step.gradients)
    if name in {str(weight.name) for weight in step.weights}:
        raise UsageError(f"'{name}' is fixed and has no gradient: choose one of {names}")
    close = did_you_mean(name, trained)
    raise UsageError(f"no weight is called '{name}'{close} (the weights are {names})")


def _spans(weights: Iterable[Node]) -> str:
    """w1 … w8, b1, b2: the names in few words."""
    kinds: dict[str, list[str]] = {}
    for weight in weights:
        assert weight.name
        kinds.setdefault(weight.name.stem, []).append(str(weight.name))
    return ", ".join(
        f"{names[0]} … {names[-1]}" if len(names) > 2 else ", ".join(names)
        for names in kinds.values()
    )
