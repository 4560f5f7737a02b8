"""A network's text, statement by statement: read into a draft, and written to read back."""

from __future__ import annotations

from collections.abc import Iterable

from gradbook.errors import NetTextError, UsageError, did_you_mean
from gradbook.net.description import Description
from gradbook.net.fit import check_depth
from gradbook.net.layers import spell
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
from gradbook.net.text.statement import Statement, statements
from gradbook.net.text.synonyms import ours

LONGEST_TEXT = 1_000_000  # characters: many times what anyone writes, read in a second

STATEMENTS = {**GIVEN, **TRAINING}
WORDS = (*STATEMENTS, *LAYERS)
"""What a statement may begin with."""

# What is said of a text as a whole.
TOO_LONG = (
    "{size:,} characters: the most is {most:,}; "
    "keep samples in a CSV file and name it with 'data FILE'"
)
NO_LAYERS = "no layers: begin with a line such as 'input 2'"
UNKNOWN_LAYER = "unknown layer {word!r}{hint}"
SEE_HELP = ": see gradbook help networks"
BEFORE_INPUT = "{word!r} before the input: begin with a line such as 'input 2'"


def network_statements(text: str, source: str | None) -> Iterable[Statement]:
    """The statements of a text, unless it is none or too long."""
    if not isinstance(text, str):
        raise UsageError(f"a network is written as text, not {text!r}")
    if len(text) > LONGEST_TEXT:
        raise NetTextError(TOO_LONG.format(size=len(text), most=LONGEST_TEXT), source=source)
    return statements(text, source)


def drafted(lines: Iterable[Statement], source: str | None) -> Draft:
    """What these statements say of a network."""
    draft = Draft(source)
    for line in lines:
        read_statement(draft, line)
    if not draft.shapes:
        raise NetTextError(NO_LAYERS, line=1, column=1, source=source)
    return draft


def read_statement(draft: Draft, line: Statement) -> None:
    word = ours(line.next)
    reader = STATEMENTS.get(word)
    if reader is None and word not in LAYERS:
        hint = did_you_mean(word, WORDS) or SEE_HELP
        line.fail(UNKNOWN_LAYER.format(word=line.next, hint=hint))
    if not draft.shapes and word not in ("input", "name"):
        line.fail(BEFORE_INPUT.format(word=word))
    line.take()
    (reader or _layer)(draft, line)
    line.end()


def _layer(draft: Draft, line: Statement) -> None:
    index = len(draft.layers)
    with pointing(line, at=0):
        check_depth(index + 1)
        layer = LAYERS[ours(line.words[0].group())](line, draft.shapes[-1])
        given = (draft.shapes[value] for value in layer.reads(index))
        draft.shapes.append(layer.output(*given))
    draft.layers.append(layer)
    draft.places[f"layer {index + 1}"] = line


def reads_as_text(argument: str) -> bool:
    """A name has no spaces; a network's text, one layer at least, always has."""
    return ";" in argument or any(character.isspace() for character in argument)


def write(net: Description) -> str:
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
