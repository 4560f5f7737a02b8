"""Checks whether the parts of a network fit together; each misfit names the part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite, prod
from types import MappingProxyType
from typing import Any

from gradbook.amounts import counted
from gradbook.arguments import as_list, number, numbers, one_of, sizes, whole, words
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.names import is_sequence
from gradbook.layers import LOSSES, Layer, Loss, Role, Update, spell
from gradbook.net.description import (
    Again,
    Description,
    Misfit,
    Sample,
    in_order,
    misfit,
    unfit_weights,
    unread,
)
from gradbook.net.formula_losses import loss_of_formula, reads_as_loss
from gradbook.net.tokens import require_tokens

MOST_VALUES = 10_000_000  # in one layer: a larger number is probably a slip
MOST_IN_ALL = 100_000_000  # values, or parameters, of all layers: less than a gigabyte
MOST_LAYERS = 1_000
MOST_IN_A_ROW = 100  # activations, each of which adds its name around the one before: a_a_h1
LARGEST_SEED = 999_999_999
LONGEST_NAME = 200

# Messages about parts that don't fit; a page shows the same for a network that is written there.
RATE_RANGE = "the rate must be a number of at least 0, not {value!r}"
SEED_RANGE = "the seed must be at most {most}, not {value}"
NOTHING_TO_TRAIN = "there is nothing to train: add a layer such as 'dense 2'"
LEADS_NOWHERE = (
    "layer {layer}: its result is never used: join it to another branch further on, with "
    "'add back' or 'concat back'"
)
LATER_STEPS = (
    "layer {layer}: '{text}' uses later steps, which '{causal}' must not see: {instead}, "
    "or leave out 'causal'"
)
TOO_DEEP = "more than {most:,} layers: use fewer"
TOO_MANY_IN_A_ROW = "more than {most} activations in a row: use fewer"
TOO_MUCH = "{size:,} {what} in all layers: the most is {most:,}"
TOO_WIDE = "{size:,} {what} in one layer: the most is {most:,}"
UNPRINTABLE = "{part} {words!r}: at most {most} printable characters, without ';' and '#'"
FLAT_OUTPUT = "the loss needs a flat output, not {shape}: put 'flatten' before it"
PROBABILITIES = "{loss} needs probabilities: end the layers with '{ending}'"
SMOOTHING_RANGE = "smoothing must be at least 0 and below 1, not {value!r}"
SMOOTHING_OF = "smoothing is only for cross-entropy, not for {loss}"
DECAY_RANGE = "decay must be a number of at least 0, not {value!r}"
NO_DECAY = "no {role} to decay: the layers have none"
START_COUNT = "{given}, but the layers have {numbered}"
NOT_ONE = "cross-entropy's targets must sum to 1, not {total:g}: one 1, the rest 0{other}"
OTHER_LOSS = ", or 'loss half squared error' for targets of any kind"
NO_STEP_LEFT = "no step has a target: give at least one step a target"
NO_PROBABILITY = "binary cross-entropy's targets must be from 0 to 1"
TOKENS_UNREAD = "tokens need a layer for sequences: begin with one such as 'embed 8'"
SAMPLE_LENGTH = "{part} has {given}, but the network takes {wanted}"


def require_classes(net: Description, count: int, whose: str) -> None:
    """Refuse a network without an output for each of so many classes; `whose` names their owner."""
    if net.class_count != count:
        raise ShapeError(
            f"{whose} has {counted(count, 'class', 'classes')}, but the network has "
            f"{counted(net.outputs, 'output')}: end it with 'dense {count}'"
        )


def settle_parts(net: Description) -> dict[str, object]:
    """Bring the fields into one canonical form, so that equal networks compare equal."""
    return {
        "input": sizes("the input's size", net.input),
        "layers": all_of("layer", Layer, "such as Dense(2)", net.layers),
        "loss": None if net.loss is None else _loss(net.loss),
        "update": _update(net.update),
        "rate": None if net.rate is None else number("the rate", net.rate),
        "samples": all_of("sample", Sample, "Sample(inputs, targets)", net.samples),
        "start": MappingProxyType(_start(net.start)),
        "seed": whole("the seed", net.seed, 0),
        "name": words("the name", net.name),
        "table": words("the data file", net.table),
        "smoothing": number("smoothing", net.smoothing),
        "decay": MappingProxyType(_decay(net.decay)),
        "again": in_order(all_of("block", Again, "such as Again(0, 2, times=3)", net.again)),
        "tokens": bool(net.tokens),
    }


def all_of(what: str, kind: Any, example: str, things: object) -> tuple[Any, ...]:
    listed = as_list(f"the {what}s", things)
    for place, thing in enumerate(listed, 1):
        if not isinstance(thing, kind):
            raise UsageError(f"{what} {place} must be a {what}, {example}, not {thing!r}")
    return listed


def _loss(loss: object) -> Loss:
    if isinstance(loss, str) and loss not in LOSSES and reads_as_loss(loss):
        return loss_of_formula(loss)
    return Loss(one_of("loss", loss, LOSSES))


def _update(update: object) -> Update:
    if isinstance(update, Update):
        return update
    if isinstance(update, str):
        return Update(update)
    raise UsageError(f"the update must be one such as Update('adam'), not {update!r}")


def _start(start: object) -> dict[Role, tuple[float, ...]]:
    """In the order of the roles, without kinds of parameter that have no values."""
    mapping = _by_role("start must be a mapping such as {'w': weights}", start)
    values = {role: numbers(f"start value {role}", mapping[role]) for role in mapping}
    return {role: row for role, row in values.items() if row}


def _decay(decay: object) -> dict[Role, float]:
    mapping = _by_role("decay must be a mapping such as {'w': 0.0005}", decay)
    return {role: number(f"decay of {role}", mapping[role]) for role in mapping}


def _by_role(what: str, mapping: object) -> dict[Role, Any]:
    """The mapping in the order of the roles."""
    if not isinstance(mapping, Mapping):
        raise UsageError(f"{what}, not {mapping!r}")
    unknown = next((role for role in mapping if role not in list(Role)), None)
    if unknown is not None:
        raise UsageError(f"no parameter is called {unknown!r}: one of {', '.join(Role)}")
    return {role: mapping[role] for role in Role if role in mapping}


def check(net: Description) -> None:
    _check_again(misfit(net.layers, net.again))
    _check_sizes(net)
    _check_loss(net)
    _check_start(net)
    _check_samples(net)
    _check_decay(net)
    if net.rate is not None and not (isfinite(net.rate) and net.rate >= 0):
        raise Misfit("rate", RATE_RANGE.format(value=net.rate))
    if net.seed > LARGEST_SEED:
        raise Misfit("seed", SEED_RANGE.format(most=LARGEST_SEED, value=net.seed))
    _check_words("name", net.name)
    _check_words("data", net.table)


def _check_sizes(net: Description) -> None:
    if not 1 <= len(net.input) <= 3:
        raise Misfit("input", "the input must have 1 to 3 sizes above 0, such as 2 or 1x28x28")
    if net.tokens and (len(net.input) != 2 or not net.laid_out):
        raise Misfit("input", TOKENS_UNREAD)
    check_depth(len(net.layers))
    _check_again(unfit_weights(net.layers, net.shapes, net.owners))
    for place, shape in enumerate(net.shapes):
        _check_room(f"layer {place}" if place else "input", "values", prod(shape))
    for parameter in net.parameters:
        _check_room(f"layer {parameter.layer + 1}", "parameters", parameter.size)
    _check_all("values", sum(map(prod, net.shapes)))
    _check_all("parameters", sum(parameter.size for parameter in net.parameters))
    _check_rows(net.layers)
    if not net.parameters:
        raise Misfit("input", NOTHING_TO_TRAIN)
    _check_later_steps(net)
    nowhere = unread(net.layers)
    if nowhere is not None:
        raise Misfit(f"layer {nowhere + 1}", LEADS_NOWHERE.format(layer=nowhere + 1))


def _check_later_steps(net: Description) -> None:
    """If a network answers at every step and one of its layers is causal, no other layer may use
    later steps, since the network would learn from what it must predict."""
    causal = next((layer.text for layer in net.layers if layer.causal), "")
    if not causal or not is_sequence(net.shapes[-1]):
        return
    for index, layer in enumerate(net.layers):
        reads, makes = [net.shapes[k] for k in layer.reads(index)], net.shapes[index + 1]
        keeps_steps = is_sequence(makes) and makes[-1] in {shape[-1] for shape in reads}
        instead = layer.instead_of_later(*reads) if keeps_steps else ""
        if instead:
            words = {"text": layer.text, "causal": causal, "instead": instead}
            raise Misfit(f"layer {index + 1}", LATER_STEPS.format(layer=index + 1, **words))


def _check_again(fault: tuple[int, str] | None) -> None:
    if fault:
        index, words = fault
        raise Misfit(f"layer {index + 1}", f"layer {index + 1}: {words}")


def check_depth(layers: int) -> None:
    if layers > MOST_LAYERS:
        raise Misfit(f"layer {MOST_LAYERS + 1}", TOO_DEEP.format(most=MOST_LAYERS))


def _check_room(part: str, what: str, size: int) -> None:
    if size > MOST_VALUES:
        raise Misfit(part, TOO_WIDE.format(size=size, what=what, most=MOST_VALUES))


def _check_all(what: str, size: int) -> None:
    if size > MOST_IN_ALL:
        raise Misfit("input", TOO_MUCH.format(size=size, what=what, most=MOST_IN_ALL))


def _check_rows(layers: tuple[Layer, ...]) -> None:
    """Activations, and layers between them that pass values on, are named after their input."""
    length = 0
    for place, layer in enumerate(layers, 1):
        length = length + 1 if layer.names_after or layer.passes_on else 0
        if length > MOST_IN_A_ROW:
            raise Misfit(f"layer {place}", TOO_MANY_IN_A_ROW.format(most=MOST_IN_A_ROW))


def _check_words(part: str, phrase: str) -> None:
    if set(phrase) & set(";#") or not phrase.isprintable() or len(phrase) > LONGEST_NAME:
        raise Misfit(part, UNPRINTABLE.format(part=part, words=phrase, most=LONGEST_NAME))


def _check_loss(net: Description) -> None:
    last = net.shapes[-1]
    if len(last) != 1 and not (len(last) == 3 and is_sequence(last)):
        raise Misfit("loss", FLAT_OUTPUT.format(shape=spell(net.shapes[-1])))
    wanted = net.objective.ending
    if wanted and net.ending.removeprefix("log ") != wanted:
        raise Misfit("loss", PROBABILITIES.format(loss=net.objective, ending=wanted))
    if not 0 <= net.smoothing < 1:
        raise Misfit("loss", SMOOTHING_RANGE.format(value=net.smoothing))
    if net.smoothing and not net.objective.of_all:
        raise Misfit("loss", SMOOTHING_OF.format(loss=net.objective))


def _check_decay(net: Description) -> None:
    for role, decay in net.decay.items():
        if not (isfinite(decay) and decay >= 0):
            raise Misfit("decay", DECAY_RANGE.format(value=decay))
        if not net.count(role):
            raise Misfit("decay", NO_DECAY.format(role=role))


def _check_start(net: Description) -> None:
    for role, values in net.start.items():
        wanted = net.count(role)
        if len(values) != wanted:
            amount = _count(len(values), "start value")
            names = [f"{role}1"] * (wanted > 0) + [f"{role}{wanted}"] * (wanted > 1)
            numbered = " … ".join(names) or f"no {role}"
            raise Misfit(role, START_COUNT.format(given=amount, numbered=numbered))
        if not all(map(isfinite, values)):
            raise Misfit(role, "start values must be finite numbers")
        if role.card.is_positive and min(values) <= 0:
            raise Misfit(role, f"the start values of {role.plural} must be above 0")


@contextmanager
def about_part(part: str) -> Iterator[None]:
    """Name the part in errors that occur inside."""
    try:
        yield
    except ShapeError as error:
        raise Misfit(part, f"{part}: {error.message}") from None


def _check_samples(net: Description) -> None:
    for place, sample in enumerate(net.samples, 1):
        part = f"sample {place}"
        _check_length(part, "input", len(sample.inputs), prod(net.input))
        _check_length(part, "target", len(sample.targets), net.outputs)
        if not all(map(isfinite, sample.inputs + sample.targets)):
            raise Misfit(part, "samples must be finite numbers")
        if net.tokens:
            with about_part(part):
                require_tokens(net, sample)
        if net.objective.of_all:
            _check_shares(net, part, sample.targets)
        if net.objective.ending and not all(0 <= t <= 1 for t in sample.targets):
            raise Misfit(part, NO_PROBABILITY)


def _check_shares(net: Description, part: str, targets: tuple[float, ...]) -> None:
    """Check each step of a sequence; steps without a target consist of 0s."""
    classes = net.shapes[-1][0]
    totals = [sum(targets[k : k + classes]) for k in range(0, len(targets), classes)]
    if len(totals) > 1:
        totals = [total for total in totals if total]
        if not totals:
            raise Misfit(part, NO_STEP_LEFT)
    for total in totals:
        if abs(total - 1) > 1e-9:
            other = "" if net.loss else OTHER_LOSS
            raise Misfit(part, NOT_ONE.format(total=total, other=other))


def _check_length(part: str, what: str, count: int, wanted: int) -> None:
    if count != wanted:
        words = SAMPLE_LENGTH.format(part=part, given=_count(count, what), wanted=wanted)
        raise Misfit(part, words)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
