"""Tells a derivation, from the network to the next weights, as far as a reader can follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.node import Node
from gradbook.net.derivation import Derivation, Local, derivation, partials
from gradbook.net.step import Step
from gradbook.targets.algebra.notation.chains import Algebra, algebra, at, symbol_of
from gradbook.targets.algebra.notation.document import Code, Document
from gradbook.targets.algebra.story.general import tell_in_general
from gradbook.targets.algebra.story.introduction import introduce, title
from gradbook.targets.algebra.story.passes import tell_backward, tell_forward, tell_update
from gradbook.targets.algebra.story.story import Story

MOST_WEIGHTS = 16  # trained, of a network that is worked whole unasked
MOST_FORMULAS = 40  # of the forward part, likewise
MOST_PARTIALS = 30  # of the one weight that is worked of a larger network


def derive(step: Step, only: str | None = None, everything: bool = False) -> Document:
    """The derivation of a scalar step: of one weight, of all, or of as many as can be read."""
    known = algebra(derivation(step))
    story = Story(title(step.net))
    introduce(story, step)
    if only is not None:
        weights = [asked(step, only)]
    elif everything or _is_small(known.derived):
        layers = {name: p.layer for p in step.net.parameters for name in p.names}
        weights = sorted(step.gradients, key=lambda weight: -layers[str(weight.name)])
    else:
        weights = [_telling(known)]
        tell_in_general(story, step.net)
        story.heading("One weight in full: ", symbol_of(weights[0]))
        story.say(
            f"The other {len(step.gradients) - 1:,} go the same way. ",
            Code(f"--only {list(step.gradients)[-1].name}"),
            " works another one in full, ",
            Code("--all"),
            " works them all.",
        )
    tell_forward(story, known, _told_forward(known.derived, weights))
    tell_backward(story, known, weights)
    tell_update(story, known, [weight for weight in step.weights if weight in weights])
    return story.document()


def _is_small(derived: Derivation) -> bool:
    return len(derived.step.gradients) <= MOST_WEIGHTS and len(derived.forward) <= MOST_FORMULAS


def _telling(known: Algebra) -> Node:
    """A weight that tells the most in few lines: of an early layer, and not without a gradient."""
    candidates = list(_one_of_each_parameter(known))
    lengths = {weight: len(set(_locals(known.derived, [weight]))) for weight in candidates}
    short = (weight for weight in candidates if lengths[weight] <= MOST_PARTIALS)
    return next(short, min(candidates, key=lambda weight: lengths[weight]))


def _one_of_each_parameter(known: Algebra) -> Iterator[Node]:
    """The first weight of each kind in each layer that has a gradient; or any, where none has."""
    weights = {str(weight.name): weight for weight in known.derived.step.gradients}
    for parameter in known.derived.step.net.parameters:
        own = [weights[name] for name in parameter.names if name in weights]
        yield from [weight for weight in own if at(known.slopes[weight])][:1] or own[:1]


def _told_forward(derived: Derivation, weights: Sequence[Node]) -> Sequence[Node]:
    """The values that the chains of these weights mention; in a small network all values."""
    if _is_small(derived) or len(weights) > 1:
        return derived.forward
    spoken = {derived.step.loss}
    for local in _locals(derived, weights):
        spoken |= {local.of, local.formula, *derived.mentions(local.formula)}
    for value in reversed(derived.forward):
        if value in spoken and value.op.name != "add":  # sums lead to ever more
            spoken.update(other for other in derived.mentions(value) if other.op.name != "add")
    return [value for value in derived.forward if value in spoken]


def _locals(derived: Derivation, weights: Sequence[Node]) -> Iterator[Local]:
    """The local partials of these weights' chains and of all that they begin with."""
    waiting, seen = list(weights), set(weights)
    while waiting:
        for part in partials(derived.chains[waiting.pop()]):
            if isinstance(part, Local):
                yield part
            elif part.value not in seen:
                seen.add(part.value)
                waiting.append(part.value)


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
