"""A network's text, statement by statement: read into a draft, and written to read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gradbook.errors import NetTextError, UsageError, did_you_mean
from gradbook.layers import Layer, forms, spell
from gradbook.net.again import NOTHING_BEFORE, Again, back_over, usual_layers
from gradbook.net.description import Description
from gradbook.net.fit import check_depth
from gradbook.net.text.settings import (
    GIVEN,
    TRAINING,
    Draft,
    pointing,
    sample_lines,
    start_lines,
    training_lines,
)
from gradbook.net.text.synonyms import INSTEAD, ours
from gradbook.statements import Statement, statements

AGAIN = "again"
LONGEST_TEXT = 1_000_000  # characters: many times what anyone writes, read in a second

WORDS = (*GIVEN, *TRAINING, *forms(), AGAIN)
"""What a statement may begin with."""

# What is said of a text as a whole.
TOO_LONG = (
    "{size:,} characters: the most is {most:,}; "
    "keep samples in a CSV file and name it with 'data FILE'"
)
NO_LAYERS = "no layers: begin with a line such as 'input 2'"
UNKNOWN_LAYER = "unknown layer {word!r}{hint}"
NOT_A_LINE = "{word!r} begins no line: {advice}"
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
    reader = _layer if word in forms() else STATEMENTS.get(word)
    if reader is None:
        if word in INSTEAD:
            line.fail(NOT_A_LINE.format(word=line.next, advice=INSTEAD[word]))
        hint = did_you_mean(word, WORDS) or SEE_HELP
        line.fail(UNKNOWN_LAYER.format(word=line.next, hint=hint))
    if not draft.shapes and word not in ("input", "name"):
        line.fail(BEFORE_INPUT.format(word=word))
    line.take()
    reader(draft, line)
    line.end()


def _layer(draft: Draft, line: Statement) -> None:
    with pointing(line, at=0):
        check_depth(len(draft.layers) + 1)
        kind, form = forms()[ours(line.words[0].group())]
        _add(draft, kind(**form.read(line, draft.shapes[-1])), line)


def _add(draft: Draft, layer: Layer, line: Statement) -> None:
    index = len(draft.layers)
    check_depth(index + 1)
    given = (draft.shapes[value] for value in layer.reads(index))
    draft.shapes.append(layer.output(*given))
    draft.layers.append(layer)
    draft.places[f"layer {index + 1}"] = line


def _again(draft: Draft, line: Statement) -> None:
    """The last layers once more and once more: each use is a layer like any other."""
    times = line.whole("again's number of times")
    said = line.whole("again's number of layers") if line.option("back") else None
    line.end()
    with pointing(line, at=0):
        layers = usual_layers(draft.layers) if said is None else said
        if not layers and said is None:
            raise UsageError(NOTHING_BEFORE)
        first = len(draft.layers) - layers
        back_over(len(draft.layers), layers, draft.again)
        one = Again(first, layers, times)
        for _, owner in one.uses():
            _add(draft, draft.layers[owner], line)
    draft.again += [one] if times > 1 else []


STATEMENTS: dict[str, Callable[[Draft, Statement], None]] = {**GIVEN, **TRAINING, AGAIN: _again}


def reads_as_text(argument: str) -> bool:
    """A name has no spaces; a network's text, one layer at least, always has."""
    return ";" in argument or any(character.isspace() for character in argument)


def write(net: Description) -> str:
    """The text that parses to this network."""
    lines = [
        *([f"name {net.name}"] if net.name else []),
        f"input {spell(net.input)}",
        *_layer_lines(net),
        *training_lines(net),
        *start_lines(net),
        *sample_lines(net),
    ]
    return "\n".join(lines) + "\n"


def _layer_lines(net: Description) -> Iterator[str]:
    """What is applied several times is said once."""
    blocks = {one.first: one for one in net.again}
    index = 0
    while index < len(net.layers):
        block = blocks.get(index, Again(index, 1, 1))
        once = net.layers[index : index + block.layers]
        yield from (layer.text for layer in once)
        if block.times > 1:
            back = "" if usual_layers(once) == block.layers else f" back {block.layers}"
            yield f"{AGAIN} {block.times}{back}"
        index = block.end
