"""All of a network that isn't a layer, as statements: input, loss, update, start, samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gradbook.arguments import hint
from gradbook.errors import GradbookError, NetTextError
from gradbook.graph.window import Shape
from gradbook.layers import LOSSES, UPDATES, Layer, Loss, Role, Update
from gradbook.net.again import Again
from gradbook.net.description import Description
from gradbook.net.task import Sample
from gradbook.net.text.synonyms import LOSS_WORDS, UPDATE_WORDS
from gradbook.statements import SECOND, Statement, digits


@dataclass
class Draft:
    """What has been read so far."""

    source: str | None
    shapes: list[Shape] = field(default_factory=list)  # the input's, then each layer's
    layers: list[Layer] = field(default_factory=list)
    again: list[Again] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    start: dict[Role, tuple[float, ...]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Statement] = field(
        default_factory=dict
    )  # which line a part of the net stands in

    def set(self, key: str, value: object, line: Statement) -> None:
        if key in self.settings:
            line.fail(SECOND.format(word=line.words[0].group()), at=0)
        self.settings[key] = value
        self.places[key] = line


@contextmanager
def pointing(line: Statement, at: int) -> Iterator[None]:
    """What the network's parts complain of, with its place in the text."""
    try:
        yield
    except NetTextError:
        raise
    except GradbookError as error:
        line.fail(error.message, at)


KINDS = {role.plural: role for role in Role}  # of parameter, as the text calls them


# What is said of statements that can't be meant; a page says the same.
TABLE_ALREADY = "samples stand in a file already: take out this line or the 'data' line"
SAMPLES_ALREADY = "samples are given already: take out the 'sample' lines or this one"
NO_TARGETS = "the targets are missing: write '->' and then them"
WHICH_FILE = "which file? write 'data samples.csv'"
WHICH_NAME = "which name? write 'name worked'"
WHICH_LOSS, UNKNOWN_LOSS = "which loss{hint}", "unknown loss {word!r}{hint}"
WHICH_UPDATE, UNKNOWN_UPDATE = "which update{hint}", "unknown update {word!r}{hint}"
DECAY_ALREADY = "decay is given for these already: say it once"
UNKNOWN_KIND = "unknown kind of parameter {word!r}{hint}"


# What a network is given.


def _input(draft: Draft, line: Statement) -> None:
    draft.set("input", line.sizes("the input", 3, "2 or 1x28x28"), line)
    draft.shapes = [draft.settings["input"]]


def _phrase(line: Statement, question: str) -> str:
    if not line.next:
        line.fail(question)
    return line.rest()


def _start(role: Role) -> Callable[[Draft, Statement], None]:
    def read(draft: Draft, line: Statement) -> None:
        draft.start[role] = draft.start.get(role, ()) + line.values("a start value")
        draft.places[role] = line

    return read


def _sample(draft: Draft, line: Statement) -> None:
    if "table" in draft.settings:
        line.fail(TABLE_ALREADY, at=0)
    inputs = line.values("an input", until="->")
    if not line.option("->"):
        line.fail(NO_TARGETS)
    draft.samples.append(Sample(inputs, line.values("a target")))
    draft.places[f"sample {len(draft.samples)}"] = line


def _data(draft: Draft, line: Statement) -> None:
    if draft.samples:
        line.fail(SAMPLES_ALREADY, at=0)
    draft.set("table", _phrase(line, WHICH_FILE), line)
    draft.places["data"] = line


GIVEN: dict[str, Callable[[Draft, Statement], None]] = {
    "input": _input,
    "name": lambda draft, line: draft.set("name", _phrase(line, WHICH_NAME), line),
    **{word: _start(role) for word, role in KINDS.items()},
    "sample": _sample,
    "data": _data,
}


# How it is trained.


def _loss(draft: Draft, line: Statement) -> None:
    phrase = line.rest(until="smoothing")
    phrase = LOSS_WORDS.get(phrase.lower(), phrase.lower())
    if phrase not in LOSSES:
        asked = UNKNOWN_LOSS if phrase else WHICH_LOSS
        line.fail(asked.format(word=phrase, hint=hint(phrase, LOSSES)), at=1)
    draft.set("loss", Loss(phrase), line)
    draft.settings["smoothing"] = line.value("smoothing") if line.option("smoothing") else 0.0


def _update(draft: Draft, line: Statement) -> None:
    kind = UPDATE_WORDS.get(line.next.lower(), line.next.lower())
    settings: dict[str, Any] = {}
    if kind not in UPDATES:
        asked = UNKNOWN_UPDATE if kind else WHICH_UPDATE
        line.fail(asked.format(word=kind, hint=hint(kind, UPDATES)))
    line.take()
    if kind == "momentum":
        if line.next not in ("", "nesterov"):
            settings["momentum"] = line.value("momentum")
        settings["nesterov"] = line.option("nesterov")
    if kind in ("adam", "adamw") and line.next:
        settings["betas"] = (line.value("beta1"), line.value("beta2"))
        if line.next:
            settings["epsilon"] = line.value("epsilon")
    with pointing(line, at=1):
        draft.set("update", Update(kind, **settings), line)


def _decay(draft: Draft, line: Statement) -> None:
    decay = line.value("decay")
    known = draft.settings.setdefault("decay", {})
    draft.places["decay"] = line
    for role in _kinds(line):
        if role in known:
            line.fail(DECAY_ALREADY, at=0)
        known[role] = decay


def _kinds(line: Statement) -> list[Role]:
    """The kinds of parameter named, or weights where none is."""
    found: list[Role] = []
    while line.next:
        if line.next not in KINDS:
            line.fail(UNKNOWN_KIND.format(word=line.next, hint=hint(line.next, KINDS)))
        found.append(KINDS[line.take()])
    return found or [Role.WEIGHT]


def _rate(draft: Draft, line: Statement) -> None:
    if line.words[0].group().lower() == "learning":
        line.option("rate:") or line.option("rate")
    draft.set("rate", line.value("the rate"), line)


TRAINING: dict[str, Callable[[Draft, Statement], None]] = {
    "loss": _loss,
    "update": _update,
    "decay": _decay,
    "rate": _rate,
    "seed": lambda draft, line: draft.set("seed", line.whole("the seed"), line),
}


# Writing.


def training_lines(net: Description) -> Iterator[str]:
    """Whatever isn't as usual, and the loss that is said."""
    if net.loss or net.smoothing:
        yield f"loss {loss_words(net)}"
    if net.update != Update():
        yield f"update {update_words(net.update)}"
    for word, role in KINDS.items():
        if role in net.decay:
            yield f"decay {digits(net.decay[role])} {word}"
    if net.rate is not None:
        yield f"rate {digits(net.rate)}"
    if net.seed:
        yield f"seed {net.seed}"


def loss_words(net: Description) -> str:
    return f"{net.objective}{f' smoothing {digits(net.smoothing)}' if net.smoothing else ''}"


def update_words(update: Update) -> str:
    if update.kind == "momentum":
        ahead = " nesterov" if update.nesterov else ""
        return f"momentum {digits(update.momentum)}{ahead}"
    if update.kind in ("adam", "adamw"):
        return f"{update.kind} " + " ".join(map(digits, (*update.betas, update.epsilon)))
    return update.kind


def start_lines(net: Description) -> Iterator[str]:
    for word, role in KINDS.items():
        if role in net.start:
            yield f"{word} {_row(net.start[role])}"


def sample_lines(net: Description) -> Iterator[str]:
    if net.table:
        yield f"data {net.table}"
    else:
        yield from (f"sample {_row(one.inputs)} -> {_row(one.targets)}" for one in net.samples)


def _row(numbers: Iterable[float]) -> str:
    return " ".join(map(digits, numbers))
