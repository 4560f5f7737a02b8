"""The text form of a network: its grammar, its reader, which places mistakes, and its writer.

The reader of a statement is next to its writer; layers' statements are in their cards. Recipes and
warps are written with the same statements. It doesn't know the `Net` that is made from a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gradbook import plugins
from gradbook.arguments import hint, sizes
from gradbook.errors import GradbookError, NetTextError, UsageError, did_you_mean
from gradbook.graph.window import Shape
from gradbook.layers import (
    ACTIVATIONS,
    KINDS,
    LOSSES,
    UPDATES,
    Layer,
    Loss,
    Role,
    Update,
    forms,
    spell,
)
from gradbook.layers.fields import HELP_COLUMN
from gradbook.net.description import (
    NOTHING_BEFORE,
    Again,
    Description,
    Sample,
    back_over,
    shapes_of,
    usual_layers,
)
from gradbook.net.fit import about_part, check_depth
from gradbook.net.formula_losses import loss_of_formula, reads_as_loss
from gradbook.net.tokens import with_tokens_by_number
from gradbook.statements import TWICE, Statement, digits, statements

__all__ = [
    "LONGEST_TEXT",
    "TRAINING",
    "Statement",
    "digits",
    "grammar",
    "known_words",
    "loss_words",
    "ours",
    "read_layers",
    "reads_as_text",
    "statements",
    "with_its_word",
    "write",
]


# Words of other libraries ----------------------------------------------------------

SETTING_WORDS = {
    "optimizer": "update",
    "lr": "rate",
    "learning": "rate",  # learning rate 0.5
    "learning_rate": "rate",
    "eta": "rate",
    "η": "rate",
}
INSTEAD = {  # for words that name things instead of layers
    "hidden": "write 'dense 3' for 3 units, with their activation on the next line: all but the "
    "last layer are hidden",
    "output": "write 'dense 2' for 2 outputs, with their activation on the next line: the last "
    "layer is the output",
    "activation": "write the activation on a line of its own, such as 'sigmoid' or 'relu'",
    "layer": "write 'dense 3' for a layer of 3 units, with its activation on the next line",
    "target": "write 'sample 0.05 0.1 -> 0.5 0.5': inputs, then targets",
    "targets": "write 'sample 0.05 0.1 -> 0.5 0.5': inputs, then targets",
    "bias": "write 'biases 0.1 0.2' for start values; 'dense 2 no bias' has none",
    "weight": "write 'weights 0.1 0.2' for start values, in the order of their numbers",
    "max": "write 'maxpool 2', in one word",
    **dict.fromkeys(("average", "avg", "mean"), "write 'avgpool 2', in one word"),
    **dict.fromkeys(("pool", "pooling"), "write 'maxpool 2' or 'avgpool 2'"),
    "convolution": "write 'conv 8 3x3' for 8 channels of windows of 3x3",
    "fully": "write 'dense 3' for a fully connected layer of 3 units",
    "soft": "write 'softmax', in one word",
}
"""What to write in their place."""
UPDATE_WORDS = {word: kind for kind, card in UPDATES.items() for word in card.form.synonyms}
LOSS_WORDS = {word.split()[0]: word for loss in LOSSES.values() for word in loss.synonyms}
INSTEAD |= {word: f"write 'update {word}'" for word in (*UPDATES, *UPDATE_WORDS)}
INSTEAD |= {first: f"write 'loss {words}'" for first, words in LOSS_WORDS.items()}


def with_its_word(line: str) -> str:
    """Put the word `update` before a line that begins with an update's name, as `momentum 0.9`."""
    word = line.partition(" ")[0].lower()
    return f"update {line}" if word in UPDATES or word in UPDATE_WORDS else line


def loss_synonyms() -> dict[str, str]:
    return {word: str(loss) for loss in LOSSES.values() for word in loss.synonyms}


def layer_words() -> dict[str, str]:
    """The known words of other libraries, and gradbook's words for them."""
    cards = forms().values()
    return {word: form.first for _, form in cards for word in form.synonyms} | SETTING_WORDS


def ours(word: str) -> str:
    """The first word of a statement here; capitals and a final colon don't matter."""
    plain = word.lower().removesuffix(":")
    if plain in known_words():
        return plain
    if plain not in layer_words():
        plugins.plugins(plugins.LAYERS)  # this adds their cards
    return layer_words().get(plain, plain)


# Input, loss, update, start values, samples -----------------------------------------


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
    )  # the line of each part of the network

    def set(self, key: str, value: object, line: Statement) -> None:
        if key in self.settings:
            line.fail(TWICE.format(word=line.words[0].group()), at=0)
        self.settings[key] = value
        self.places[key] = line


@contextmanager
def pointing(line: Statement, at: int) -> Iterator[None]:
    """Add the place in the text to errors about the network's parts."""
    try:
        yield
    except NetTextError:
        raise
    except GradbookError as error:
        line.fail(error.message, at)


ROLES = {role.plural: role for role in Role}  # in texts


# Messages about statements that can't be understood; a page shows the same.
TABLE_ALREADY = "the samples are already in a file: remove this line or the 'data' line"
SAMPLES_ALREADY = "samples are already given: remove the 'sample' lines or this one"
NO_TARGETS = "the targets are missing: write them after '->'"
OF_HOW_MANY = "how many different tokens are there? write 'input tokens 8 of 27'"
WHICH_FILE = "which file? write 'data samples.csv'"
WHICH_NAME = "which name? write 'name worked'"
WHICH_LOSS, UNKNOWN_LOSS = "which loss{hint}", "unknown loss {word!r}{hint}"
WHICH_UPDATE, UNKNOWN_UPDATE = "which update{hint}", "unknown update {word!r}{hint}"
DECAY_ALREADY = "decay is already given for these: write it once"
UNKNOWN_KIND = "unknown kind of parameter {word!r}{hint}"


# The definition of a network.


def _input(draft: Draft, line: Statement) -> None:
    tokens = line.option("tokens")
    size: Shape
    if tokens:
        steps = line.whole("the number of tokens")
        if not line.option("of"):
            line.fail(OF_HOW_MANY)
        size = (steps, line.whole("the number of different tokens"))
        with pointing(line, at=0):
            size = sizes("the input's tokens", size)
    else:
        size = line.sizes("the input", 3, "2 or 1x28x28")
    draft.set("input", size, line)
    draft.settings["tokens"] = tokens
    draft.shapes = [size]


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
    **{word: _start(role) for word, role in ROLES.items()},
    "sample": _sample,
    "data": _data,
}


# Its training.


def _loss(draft: Draft, line: Statement) -> None:
    phrase = line.rest("smoothing")
    phrase = loss_synonyms().get(phrase.lower(), phrase.lower())
    if phrase and phrase not in LOSSES:
        plugins.plugins(plugins.LAYERS)
        phrase = loss_synonyms().get(phrase, phrase)
    is_formula = phrase not in LOSSES and reads_as_loss(phrase)
    if phrase not in LOSSES and not is_formula:
        message = UNKNOWN_LOSS if phrase else WHICH_LOSS
        line.fail(message.format(word=phrase, hint=hint(phrase, LOSSES)), at=1)
    loss = loss_of_formula(phrase, line) if is_formula else Loss(phrase)
    draft.set("loss", loss, line)
    draft.settings["smoothing"] = line.value("smoothing") if line.option("smoothing") else 0.0


def _update(draft: Draft, line: Statement) -> None:
    kind = UPDATE_WORDS.get(line.next.lower(), line.next.lower())
    if kind not in UPDATES:
        message = UNKNOWN_UPDATE if kind else WHICH_UPDATE
        line.fail(message.format(word=kind, hint=hint(kind, UPDATES)))
    line.take()
    settings = UPDATES[kind].form.read(line, ())
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
    """The kinds of parameter named, or weights if none is."""
    roles: list[Role] = []
    while line.next:
        if line.next not in ROLES:
            line.fail(UNKNOWN_KIND.format(word=line.next, hint=hint(line.next, ROLES)))
        roles.append(ROLES[line.take()])
    return roles or [Role.WEIGHT]


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
    """The settings that aren't the usual ones, and the loss if it was given."""
    if net.loss or net.smoothing:
        yield f"loss {loss_words(net)}"
    if net.update != Update():
        yield f"update {net.update}"
    for word, role in ROLES.items():
        if role in net.decay:
            yield f"decay {digits(net.decay[role])} {word}"
    if net.rate is not None:
        yield f"rate {digits(net.rate)}"
    if net.seed:
        yield f"seed {net.seed}"


def loss_words(net: Description) -> str:
    return f"{net.objective}{f' smoothing {digits(net.smoothing)}' if net.smoothing else ''}"


def sample_lines(net: Description) -> Iterator[str]:
    if net.table:
        yield f"data {net.table}"
    else:
        for sample in net.samples:
            numbered = with_tokens_by_number(net, sample) if net.tokens else sample
            yield f"sample {_row(numbered.inputs)} -> {_row(numbered.targets)}"


def _row(numbers: Iterable[float]) -> str:
    return " ".join(map(digits, numbers))


# The text of `gradbook help networks` -------------------------------------------------

WINDOW_USAGE = """\
  A window K is written 3x3, rows by columns, or 3 for both. The same goes for its stride S and
  the distance D between the rows and columns it reads: 2, or 2x1. Its padding P is 1
  for all sides, 1x0 for rows and columns, 0x0x1x1 for above, left, below and right,
  or 'same': as many windows as strides fit into the input. A conv is padded with
  zeros. A pool ignores its padding and averages the rest; with 'zeros' an average
  counts the padding too. With 'ceil' the last window may extend past the input.
"""


def grammar() -> str:
    """The whole text form, with the layers and losses of plug-ins."""
    plugins.plugins(plugins.LAYERS)
    layers = (line for kind in KINDS for form in kind.forms for line in form.help_lines)
    activations = (line for card in ACTIVATIONS.values() for line in card.form.help_lines)
    losses = (f"  loss {name}".ljust(HELP_COLUMN) + card.usage for name, card in LOSSES.items())
    return GRAMMAR.format(
        layers="\n".join(layers),
        activations="\n".join(activations),
        losses="\n".join(losses),
        updates="\n".join(f"  update {card.form.usage}" for card in UPDATES.values()),
        roles=" ".join(ROLES),
        window=WINDOW_USAGE,
    )


GRAMMAR = """\
A network is a few lines of text with one item per line. A ';' may be used instead of a
line break, and '#' begins a comment.

  input SIZE                 2, or channels x height x width: 1x28x28; for a sequence,
                             steps x features: 8x3
  input tokens N of M        a sequence of N tokens out of M: samples contain their
                             numbers, counted from 0; targets that are classes do too,
                             and -1 means that a step has no target
{layers}
  again N [back L]           repeats the layers from the last conv or dense on, or the last L,
                             N times in all, one after another, with the same weights;
                             each use counts as that many layers

  An activation turns each value x into

{activations}

{window}
  BIAS is 'bias' (one for each sum, the default), 'no bias', 'shared bias' (one for the
  layer), 'fixed bias' or 'fixed shared bias' (not trained).
  BITS is 'bits 8', 'bits 4', 'bits 2' or 'ternary': weights with few bits, which
  are a scale times whole numbers: up to ±127, up to ±7, ±1 and ±3, or -1 0 1.

{losses}
  loss FORMULA               your own, such as (a - t)^4: averaged over the outputs, or
                             added up within sum(…)
                             for targets t and outputs a, summed or averaged over the
                             outputs, then averaged over the samples; with cross-entropy,
                             'smoothing S' spreads that share of each target over all.
                             The default is cross-entropy after softmax, otherwise half
                             squared error; 'gradbook train' learns classes and uses
                             binary cross-entropy after sigmoid
{updates}
  decay NUMBER [KIND …]      weight decay: the share that weights, or the KINDs named
                             ({roles}), lose per step
                             and unit of η;
                             the default is 0.01 for weights with adamw, otherwise none
  rate NUMBER                the learning rate η
  weights NUMBER …           start values of w1, w2, … in order; further lines continue
  biases, scales, shifts     likewise for b1 …, and γ1 …, β1 … of normalisations
  slopes NUMBER …            likewise for α1 … of prelu; the default is 0.25
  ranges NUMBER …            likewise for ρ1 … of quantize; the default is 3
  seed N                     the random seed for weights that are not given
  sample NUMBER … -> NUMBER …
                             inputs (channel by channel, row by row), then targets
  data FILE                  samples from a CSV file instead
  name WORDS                 a title

Words of other libraries are accepted if their meaning is clear: fc and linear for dense, conv2d,
maxpool2d, avgpool2d, bn, sgd for descent, mse, mae, bce and ce for the losses, learning rate for
rate. Capitals don't matter, nor does a colon after a line's first word: 'Dense: 3'.

The worked example:

  input 2
  dense 2 no bias
  sigmoid
  dense 2 no bias
  sigmoid
  loss half squared error
  weights 0.15 0.2 0.25 0.3 0.4 0.45 0.5 0.55
  sample 0.05 0.1 -> 0.5 0.5
"""


# A whole text ----------------------------------------------------------------------

AGAIN = "again"
LONGEST_TEXT = 1_000_000  # characters: far more than anyone writes, read in a second


def known_words() -> tuple[str, ...]:
    """The words that can begin a statement."""
    return (*GIVEN, *TRAINING, *forms(), AGAIN)


# Messages about a whole text.
TOO_LONG = (
    "{size:,} characters: the most is {most:,}; "
    "keep samples in a CSV file and name it with 'data FILE'"
)
NO_LAYERS = "no layers: begin with a line such as 'input 2'"
UNKNOWN_LAYER = "unknown layer {word!r}{hint}"
NOT_A_LINE = "no line begins with {word!r}: {advice}"
A_FORMULA = "{word} = … is a formula, which has a page of its own: gradbook play '{word} = …'"
SEE_HELP = ": see gradbook help networks"
NO_LAYER = "'{word}' isn't a layer: give it as a separate argument"
BEFORE_INPUT = "{word!r} before the input: begin with a line such as 'input 2'"


def network_statements(text: str, source: str | None) -> Iterable[Statement]:
    """The statements of a text; an error if it isn't text or is too long."""
    if not isinstance(text, str):
        raise UsageError(f"a network is written as a text, not {text!r}")
    if len(text) > LONGEST_TEXT:
        raise NetTextError(TOO_LONG.format(size=len(text), most=LONGEST_TEXT), source=source)
    return statements(text, source)


def read_draft(lines: Iterable[Statement], source: str | None) -> Draft:
    """The draft of a network from these statements."""
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
        if [match.group() for match in line.words[1:2]] == ["="]:
            line.fail(A_FORMULA.format(word=line.next))
        if word in INSTEAD:
            line.fail(NOT_A_LINE.format(word=line.next, advice=INSTEAD[word]))
        hint = did_you_mean(word, known_words()) or SEE_HELP
        line.fail(UNKNOWN_LAYER.format(word=line.next, hint=hint))
    if not draft.shapes and word not in ("input", "name"):
        line.fail(BEFORE_INPUT.format(word=word))
    line.take()
    reader(draft, line)
    line.end()


def read_layers(
    input_shape: Shape, layers: Iterable[Layer | str]
) -> tuple[tuple[Layer, ...], list[Again]]:
    """Layers, some of them given as in a text, and the blocks that are repeated."""
    draft = Draft(None, [input_shape])
    for place, layer in enumerate(layers, 1):
        if isinstance(layer, str):
            for line in statements(layer, f"layer {place}"):
                if ours(line.next) in {*GIVEN, *TRAINING}:
                    line.fail(NO_LAYER.format(word=line.next))
                read_statement(draft, line)
        else:
            with about_part(f"layer {len(draft.layers) + 1}"):
                _add(draft, layer)
    return tuple(draft.layers), draft.again


def _layer(draft: Draft, line: Statement) -> None:
    with pointing(line, at=0):
        check_depth(len(draft.layers) + 1)
        kind, form = forms()[ours(line.words[0].group())]
        _add(draft, kind(**form.read(line, draft.shapes[-1])), line)


def _add(draft: Draft, layer: Layer, line: Statement | None = None) -> None:
    index = len(draft.layers)
    check_depth(index + 1)
    if layer.reads_sequences and len(draft.shapes[0]) == 2:
        draft.shapes = shapes_of(draft.shapes[0], [*draft.layers, layer])[:-1]
    shapes = (draft.shapes[value] for value in layer.reads(index))
    draft.shapes.append(layer.output(*shapes))
    draft.layers.append(layer)
    if line:
        draft.places[f"layer {index + 1}"] = line


def _again(draft: Draft, line: Statement) -> None:
    """Repeat the last layers: each use is a layer like any other."""
    times = line.whole("again's number of times")
    count = line.whole("again's number of layers") if line.option("back") else None
    line.end()
    with pointing(line, at=0):
        layers = usual_layers(draft.layers) if count is None else count
        if not layers and count is None:
            raise UsageError(NOTHING_BEFORE)
        first = len(draft.layers) - layers
        back_over(len(draft.layers), layers, draft.again)
        block = Again(first, layers, times)
        for _, owner in block.uses():
            _add(draft, draft.layers[owner], line)
    draft.again += [block] if times > 1 else []


STATEMENTS: dict[str, Callable[[Draft, Statement], None]] = {**GIVEN, **TRAINING, AGAIN: _again}


def reads_as_text(argument: str) -> bool:
    """Whether the argument is a text: a name has no spaces, but a text always has."""
    return ";" in argument or any(character.isspace() for character in argument)


def write(net: Description) -> str:
    """The text that parses to this network."""
    lines = [
        *([f"name {net.name}"] if net.name else []),
        f"input {input_words(net)}",
        *_layer_lines(net),
        *training_lines(net),
        *(f"{word} {_row(net.start[role])}" for word, role in ROLES.items() if role in net.start),
        *sample_lines(net),
    ]
    return "\n".join(lines) + "\n"


def input_words(net: Description) -> str:
    if net.tokens:
        steps, kinds = net.input
        return f"tokens {steps} of {kinds}"
    return spell(net.input)


def _layer_lines(net: Description) -> Iterator[str]:
    """The lines of the layers; repeated ones are written once."""
    blocks = {block.first: block for block in net.again}
    index = 0
    while index < len(net.layers):
        block = blocks.get(index, Again(index, 1, 1))
        once = net.layers[index : index + block.layers]
        yield from (layer.text for layer in once)
        if block.times > 1:
            back = "" if usual_layers(once) == block.layers else f" back {block.layers}"
            yield f"{AGAIN} {block.times}{back}"
        index = block.end
