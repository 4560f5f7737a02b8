"""Whether the parts of a network fit each other; each misfit says which part it is."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, prod
from types import MappingProxyType
from typing import Any

from gradbook.amounts import counted
from gradbook.errors import ShapeError, UsageError
from gradbook.net.description import Description, Misfit
from gradbook.net.layers import Layer, spell
from gradbook.net.parameters import Role
from gradbook.net.plain import listed, number, numbers, one_of, sizes, whole, words
from gradbook.net.task import Loss, Sample, Update

MOST_VALUES = 10_000_000  # in one layer: beyond this a typing slip is likelier than a wish
MOST_LAYERS = 100  # each puts its name around the one before: a_a_h1
LARGEST_SEED = 999_999_999
LONGEST_NAME = 200


def require_classes(net: Description, count: int, whose: str) -> None:
    """Refuse a network that can't tell so many classes apart; `whose` they are."""
    if net.classes_told != count:
        raise ShapeError(
            f"{whose} has {counted(count, 'class', 'classes')}, but the network has "
            f"{counted(net.outputs, 'output')}: end it with 'dense {count}'"
        )


def settled(net: Description) -> dict[str, object]:
    """The fields in their one canonical form, so that equal networks compare equal."""
    return {
        "input": sizes("the input's size", net.input),
        "layers": _all("layer", Layer, "such as Dense(2)", net.layers),
        "loss": None if net.loss is None else Loss(one_of("loss", net.loss, Loss)),
        "update": _update(net.update),
        "rate": None if net.rate is None else number("the rate", net.rate),
        "samples": _all("sample", Sample, "Sample(inputs, targets)", net.samples),
        "start": MappingProxyType(_start(net.start)),
        "seed": whole("the seed", net.seed, 0),
        "name": words("the name", net.name),
        "table": words("the data file", net.table),
        "smoothing": number("smoothing", net.smoothing),
        "decay": MappingProxyType(_decay(net.decay)),
    }


def _all(what: str, kind: Any, example: str, things: object) -> tuple[Any, ...]:
    found = listed(f"the {what}s", things)
    for place, thing in enumerate(found, 1):
        if not isinstance(thing, kind):
            raise UsageError(f"{what} {place} is a {what}, {example}, not {thing!r}")
    return found


def _update(update: object) -> Update:
    if isinstance(update, Update):
        return update
    if isinstance(update, str):
        return Update(update)
    raise UsageError(f"the update is one such as Update('adam'), not {update!r}")


def _start(given: object) -> dict[Role, tuple[float, ...]]:
    """In the order of the roles, kinds of parameter without values left out."""
    mapping = _by_role("start is a mapping such as {'w': weights}", given)
    values = {role: numbers(f"start value {role}", mapping[role]) for role in mapping}
    return {role: found for role, found in values.items() if found}


def _decay(given: object) -> dict[Role, float]:
    mapping = _by_role("decay is a mapping such as {'w': 0.0005}", given)
    return {role: number(f"decay of {role}", mapping[role]) for role in mapping}


def _by_role(what: str, given: object) -> dict[Role, Any]:
    """In the order of the roles."""
    if not isinstance(given, Mapping):
        raise UsageError(f"{what}, not {given!r}")
    unknown = next((role for role in given if role not in list(Role)), None)
    if unknown is not None:
        raise UsageError(f"no parameter is called {unknown!r}: one of {', '.join(Role)}")
    return {role: given[role] for role in Role if role in given}


def check(net: Description) -> None:
    _check_sizes(net)
    _check_loss(net)
    _check_start(net)
    _check_samples(net)
    _check_decay(net)
    if net.rate is not None and not (isfinite(net.rate) and net.rate >= 0):
        raise Misfit("rate", f"the rate is a number from 0 up, not {net.rate}")
    if net.seed > LARGEST_SEED:
        raise Misfit("seed", f"the seed is at most {LARGEST_SEED}, not {net.seed}")
    _check_words("name", net.name)
    _check_words("data", net.table)


def _check_sizes(net: Description) -> None:
    if not 1 <= len(net.input) <= 3:
        raise Misfit("input", "the input is one to three sizes from 1 up, such as 2 or 1x28x28")
    check_depth(len(net.layers))
    for place, shape in enumerate(net.shapes):
        _check_room(f"layer {place}" if place else "input", "values", prod(shape))
    for parameter in net.parameters:
        _check_room(f"layer {parameter.layer + 1}", "parameters", parameter.size)
    if not net.parameters:
        raise Misfit("input", "there is nothing to train: add a layer such as 'dense 2'")


def check_depth(layers: int) -> None:
    if layers > MOST_LAYERS:
        raise Misfit(f"layer {MOST_LAYERS + 1}", f"more than {MOST_LAYERS} layers: take fewer")


def _check_room(part: str, what: str, size: int) -> None:
    if size > MOST_VALUES:
        raise Misfit(part, f"{size:,} {what} in one layer: the most is {MOST_VALUES:,}")


def _check_words(part: str, phrase: str) -> None:
    if set(phrase) & set(";#") or not phrase.isprintable() or len(phrase) > LONGEST_NAME:
        raise Misfit(
            part,
            f"{part} {phrase!r}: at most {LONGEST_NAME} printable characters, without ';' and '#'",
        )


def _check_loss(net: Description) -> None:
    if len(net.shapes[-1]) != 1:
        raise Misfit(
            "loss",
            f"the loss reads a flat output, not {spell(net.shapes[-1])}: put 'flatten' before it",
        )
    wanted = {Loss.BINARY: "sigmoid", Loss.CROSS: "softmax"}.get(net.objective)
    if wanted and net.ending.removeprefix("log ") != wanted:
        raise Misfit("loss", f"{net.objective} reads probabilities: end the layers with '{wanted}'")
    if not 0 <= net.smoothing < 1:
        raise Misfit("loss", f"smoothing lies from 0 to below 1, not {net.smoothing}")
    if net.smoothing and net.objective is not Loss.CROSS:
        raise Misfit("loss", f"smoothing belongs to cross-entropy, not to {net.objective}")


def _check_decay(net: Description) -> None:
    for role, decay in net.decay.items():
        if not (isfinite(decay) and decay >= 0):
            raise Misfit("decay", f"decay is a number from 0 up, not {decay}")
        if not net.count(role):
            raise Misfit("decay", f"no {role} to decay: the layers have none")


def _check_start(net: Description) -> None:
    for role, values in net.start.items():
        wanted = net.count(role)
        if len(values) != wanted:
            given = _count(len(values), "start value")
            raise Misfit(role, f"{given}, but the layers have {_numbered(role, wanted)}")
        if not all(map(isfinite, values)):
            raise Misfit(role, "start values are finite numbers")


def _check_samples(net: Description) -> None:
    for place, sample in enumerate(net.samples, 1):
        part = f"sample {place}"
        _check_length(part, "input", len(sample.inputs), prod(net.input))
        _check_length(part, "target", len(sample.targets), net.outputs)
        if not all(map(isfinite, sample.inputs + sample.targets)):
            raise Misfit(part, "samples are finite numbers")
        if net.objective is Loss.CROSS and abs(sum(sample.targets) - 1) > 1e-9:
            total = f"{sum(sample.targets):g}"
            other = "" if net.loss else ", or 'loss half squared error' for targets of any kind"
            raise Misfit(
                part, f"cross-entropy's targets sum to 1, not {total}: one 1, the rest 0{other}"
            )
        if net.objective is Loss.BINARY and not all(0 <= t <= 1 for t in sample.targets):
            raise Misfit(part, "binary cross-entropy's targets lie from 0 to 1")


def _check_length(part: str, what: str, given: int, wanted: int) -> None:
    if given != wanted:
        raise Misfit(part, f"{part} has {_count(given, what)}, but the network takes {wanted}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _numbered(role: Role, count: int) -> str:
    names = [f"{role}1"] * (count > 0) + [f"{role}{count}"] * (count > 1)
    return " … ".join(names) or f"no {role} at all"
