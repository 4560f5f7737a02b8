"""A network as a text, read with the place of every mistake, and written so that it reads back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradbook.errors import NetTextError, UsageError, did_you_mean
from gradbook.net.fit import Misfit, check_depth
from gradbook.net.layers import spell
from gradbook.net.network import Net
from gradbook.net.text.layers import LAYERS, layer_words
from gradbook.net.text.settings import (
    GIVEN,
    TRAINING,
    Draft,
    pointing,
    sample_lines,
    start_lines,
    training_lines,
)
from gradbook.net.text.statement import Line, statements

LONGEST_TEXT = 1_000_000  # characters: many times what anyone writes, read in a second

STATEMENTS = {**GIVEN, **TRAINING}
WORDS = (*STATEMENTS, *LAYERS)
"""What a statement may begin with."""


def parse(text: str, source: str | None = None) -> Net:
    """The network that a text describes."""
    if not isinstance(text, str):
        raise UsageError(f"a network is written as text, not {text!r}")
    if len(text) > LONGEST_TEXT:
        raise NetTextError(
            f"{len(text):,} characters: the most is {LONGEST_TEXT:,}; "
            "keep samples in a CSV file and name it with 'data FILE'",
            source=source,
        )
    return parse_lines(statements(text, source), source)


def parse_lines(lines: Iterable[Line], source: str | None = None) -> Net:
    """The network that these statements of a text describe."""
    draft = Draft(source)
    for line in lines:
        _read_line(draft, line)
    if not draft.shape:
        raise NetTextError(
            "no layers: begin with a line such as 'input 2'", line=1, column=1, source=source
        )
    return _net(draft)


def changed(net: Net, lines: Iterable[Line]) -> Net:
    """The network with what these statements say about its training in place of its own."""
    draft = Draft(None, net.shapes[-1])
    for line in lines:
        if line.next not in TRAINING:
            line.fail(f"{line.next!r} would be another network: say only how this one is trained")
        _read_line(draft, line)
        with pointing(line, at=0):
            net = replace(net, **draft.settings)
    return net


def reads_as_text(argument: str) -> bool:
    """A name has no spaces; a network's text, one layer at least, always has."""
    return ";" in argument or any(character.isspace() for character in argument)


def _read_line(draft: Draft, line: Line) -> None:
    word = line.next
    reader = STATEMENTS.get(word)
    if reader is None and word not in LAYERS:
        line.fail(
            f"unknown layer {word!r}{did_you_mean(word, WORDS) or ': see gradbook help networks'}"
        )
    if not draft.shape and word not in ("input", "name"):
        line.fail(f"{word!r} before the input: begin with a line such as 'input 2'")
    line.take()
    (reader or _layer)(draft, line)
    line.end()


def _layer(draft: Draft, line: Line) -> None:
    with pointing(line, at=0):
        check_depth(len(draft.layers) + 1)
        layer = LAYERS[line.words[0].group()](line, draft.shape)
        draft.shape = layer.output(draft.shape)
    draft.layers.append(layer)
    draft.places[f"layer {len(draft.layers)}"] = line


def _net(draft: Draft) -> Net:
    try:
        return Net(
            layers=tuple(draft.layers),
            samples=tuple(draft.samples),
            start=draft.start,
            **draft.settings,
        )
    except Misfit as error:
        last = f"layer {len(draft.layers)}" if draft.layers else "input"
        line = draft.places.get(error.part) or draft.places[last]
        line.fail(error.message, at=0)


def write(net: Net) -> str:
    """The text that parses to this network."""
    lines = [
        *([f"name {net.name}"] if net.name else []),
        f"input {spell(net.input)}",
        *map(layer_words, net.layers),
        *training_lines(net),
        *start_lines(net),
        *sample_lines(net),
    ]
    return "\n".join(lines) + "\n"
