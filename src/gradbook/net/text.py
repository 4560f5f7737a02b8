"""The text form of a network: reading it, with the place of every mistake, and writing it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import isinf
from typing import Any, NoReturn

from gradbook.errors import GradbookError, NetTextError, UsageError, did_you_mean
from gradbook.net.fit import Misfit, check_depth
from gradbook.net.layers import (
    ACTIVATIONS,
    Activation,
    BatchNorm,
    Bias,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
    Role,
    Shape,
    spell,
)
from gradbook.net.network import Net
from gradbook.net.task import USUAL_RATES, Loss, Sample, Update

GRAMMAR = """\
A network is a few lines of text, one thing a line; ';' may stand for a line's end and
'#' begins a remark.

  input SIZE                 2, or channels x height x width: 1x28x28
  dense N [BIAS]             N weighted sums of all inputs
  conv N KxK [stride S] [pad P] [groups G] [BIAS]
                             N windows of K by K slid over all channels, or with
                             groups each over its own group of channels
  depthwise KxK [stride S] [pad P] [BIAS]
                             one window for each channel: as many groups as channels
  maxpool K [stride S]       the largest value of each K by K window
  avgpool K [stride S]       its average; 'all' for K is one window over everything
  batchnorm [epsilon E]      each channel centred and scaled over the samples
  dropout RATE [channels]    while training, values set to 0 by chance, or whole channels
  flatten                    all values in one line, for dense
  sigmoid, tanh, relu, leaky relu [SLOPE], softplus, identity, softmax, log softmax

  BIAS is 'bias' (one for each sum; so it is when nothing is said), 'no bias',
  'shared bias' (one for the layer), 'fixed bias' or 'fixed shared bias' (not trained).

  loss half squared error    Σ ½(t−a)²; also 'mean squared error',
                             'binary cross-entropy' after sigmoid,
                             'cross-entropy' after softmax, where 'smoothing S' spreads
                             that share of each target over all; averaged over the samples
  update descent             also 'momentum [M] [nesterov]' and 'adam' or 'adamw'
                             [BETA1 BETA2 [EPSILON]]
  decay NUMBER [KIND …]      the share of themselves that weights, or the KINDs named
                             (weights biases scales shifts), lose per step and unit of η;
                             adamw takes 0.01 for weights where nothing is said
  rate NUMBER                the learning rate η
  weights NUMBER …           start values of w1, w2, … in order; more lines go on
  biases, scales, shifts     likewise for b1 …, and γ1 …, β1 … of batchnorm
  seed N                     what weights that are not given are drawn from
  sample NUMBER … -> NUMBER …
                             inputs (channel by channel, row by row), then targets
  data FILE                  samples from a CSV file instead
  name WORDS                 a title

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

LONGEST_TEXT = 1_000_000  # characters: many times what anyone writes, read in a second

BYTE_ORDER_MARK = "\ufeff"
LINE_END = re.compile(r"\r\n|\r|\n")
WORD = re.compile(r"\S+")
WHOLE = re.compile(r"[0-9]{1,9}")
NUMBER = re.compile(r"[-+−]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
SIZES = re.compile(r"[1-9][0-9]{0,8}(x[1-9][0-9]{0,8})*")

START_WORDS = {
    "weights": Role.WEIGHT,
    "biases": Role.BIAS,
    "scales": Role.SCALE,
    "shifts": Role.SHIFT,
}


@dataclass
class Line:
    """The words of one statement, taken one after the other."""

    words: list[re.Match[str]]
    number: int  # of the line; the first is 1
    column: int  # of the statement's first character
    source: str | None
    used: int = 0

    @property
    def next(self) -> str:
        return self.words[self.used].group() if self.used < len(self.words) else ""

    def take(self) -> str:
        self.used += 1
        return self.words[self.used - 1].group()

    def rest(self, until: str = "") -> str:
        """All words that are left, or those before the word `until`, as one phrase."""
        left = [word.group() for word in self.words[self.used :]]
        taken = left.index(until) if until in left else len(left)
        self.used += taken
        return " ".join(left[:taken])

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        """Point at the word of that number, or at the next one."""
        place = self.used if at is None else at
        start = self.words[place].start() if place < len(self.words) else self.words[-1].end()
        raise NetTextError(
            message, line=self.number, column=self.column + start, source=self.source
        )

    def whole(self, what: str) -> int:
        if not self.next:
            self.fail(f"{what} is missing: write a whole number here")
        if not WHOLE.fullmatch(self.next):
            self.fail(f"{what} is a whole number of at most 9 digits, not {self.next!r}")
        return int(self.take())

    def value(self, what: str) -> float:
        word = self.next
        if not word:
            self.fail(f"{what} is missing: write a number here")
        if not NUMBER.fullmatch(word):
            hint = ", with a point and spaces between numbers" if "," in word else ""
            self.fail(f"{what} is a number such as 0.15{hint}, not {word!r}")
        value = float(word.replace("−", "-"))
        if isinf(value):
            self.fail(f"{what} is too large, take less than 1e308: {word}")
        self.used += 1
        return value

    def values(self, what: str, until: str = "") -> tuple[float, ...]:
        """One number or more, up to the end or the word `until`."""
        found = [self.value(what)]
        for word in self.words[self.used :]:
            if word.group() == until:
                break
            found.append(self.value(what))
        return tuple(found)

    def sizes(self, what: str, most: int, example: str) -> tuple[int, ...]:
        """Up to `most` sizes with an x between them."""
        if not self.next:
            self.fail(f"{what} is missing: write it like {example}")
        if not SIZES.fullmatch(self.next) or self.next.count("x") >= most:
            self.fail(f"{what} is written like {example}, not {self.next!r}")
        return tuple(map(int, self.take().split("x")))

    def option(self, word: str) -> bool:
        """Whether the next word is this one; it is then taken."""
        found = self.next == word
        self.used += found
        return found

    def end(self) -> None:
        if self.next:
            before = self.words[self.used - 1].group()
            self.fail(f"unexpected {self.next!r} after {before!r}: take it out or begin a new line")


@dataclass
class Draft:
    """What has been read so far."""

    source: str | None
    shape: Shape = ()
    layers: list[Layer] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    start: dict[Role, tuple[float, ...]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Line] = field(default_factory=dict)  # which line a part of the net stands in

    def set(self, key: str, value: object, line: Line) -> None:
        if key in self.settings:
            line.fail(f"a second {line.words[0].group()!r}: say it once", at=0)
        self.settings[key] = value
        self.places[key] = line


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
        with _pointing(line, at=0):
            net = replace(net, **draft.settings)
    return net


def statements(text: str, source: str | None) -> Iterator[Line]:
    """What the lines of a text say, between semicolons and without remarks."""
    for number, row in enumerate(LINE_END.split(text.removeprefix(BYTE_ORDER_MARK)), 1):
        column = 1
        for statement in row.partition("#")[0].split(";"):
            words = list(WORD.finditer(statement))
            if words:
                yield Line(words, number, column, source)
            column += len(statement) + 1


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
    with _pointing(line, at=0):
        check_depth(len(draft.layers) + 1)
        layer = LAYERS[line.words[0].group()](line, draft.shape)
        draft.shape = layer.output(draft.shape)
    draft.layers.append(layer)
    draft.places[f"layer {len(draft.layers)}"] = line


@contextmanager
def _pointing(line: Line, at: int) -> Iterator[None]:
    """What the network's parts complain of, with its place in the text."""
    try:
        yield
    except NetTextError:
        raise
    except GradbookError as error:
        line.fail(error.message, at)


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


# Layers: each reader is called with its own word taken, and with the shape it is given.


def _bias(line: Line, *others: str) -> Bias:
    """What is left of the line; `others` are words that could have stood in it."""
    start = line.used
    phrase = line.rest()
    if phrase not in ("", *Bias):
        known = [*others, *Bias]
        hint = did_you_mean(phrase, known) or f": expected one of {', '.join(known)}"
        line.fail(f"unknown {phrase!r}{hint}", at=start)
    return Bias(phrase or Bias.EACH)


def _dense(line: Line, shape: Shape) -> Layer:
    return Dense(line.whole("dense's width"), _bias(line))


def _conv(line: Line, shape: Shape) -> Layer:
    channels = line.whole("conv's number of channels")
    return _windows(line, channels, "stride", "pad", "groups")


def _depthwise(line: Line, shape: Shape) -> Layer:
    if len(shape) != 3:
        raise UsageError(f"depthwise takes channels x height x width, not {spell(shape)}")
    return replace(_windows(line, shape[0], "stride", "pad"), groups=shape[0])


def _windows(line: Line, channels: int, *options: str) -> Conv:
    kernel = line.sizes(f"{line.words[0].group()}'s window", 2, "3x3")
    steps: dict[str, int] = {}
    while line.next in options:
        if line.next in steps:
            line.fail(f"a second {line.next!r}: say it once")
        word = line.take()
        steps[word] = line.whole(word)
    bias = _bias(line, *(f"{option} {option[0].upper()}" for option in options))
    return Conv(channels, (kernel[0], kernel[-1]), **steps, bias=bias)


def _pool(kind: str) -> Callable[[Line, Shape], Layer]:
    def read(line: Line, shape: Shape) -> Layer:
        if line.option("all"):
            return Pool(kind, None)
        size = line.whole(f"{kind}pool's size")
        return Pool(kind, size, line.whole("stride") if line.option("stride") else None)

    return read


def _batchnorm(line: Line, shape: Shape) -> Layer:
    return BatchNorm(line.value("epsilon")) if line.option("epsilon") else BatchNorm()


def _dropout(line: Line, shape: Shape) -> Layer:
    return Dropout(line.value("dropout's rate"), line.option("channels"))


def _activation(kind: str) -> Callable[[Line, Shape], Layer]:
    def read(line: Line, shape: Shape) -> Layer:
        for word in kind.split()[1:]:
            if not line.option(word):
                line.fail(f"expected {kind!r}")
        if kind == "leaky relu" and line.next:
            return Activation(kind, line.value("the slope"))
        return Activation(kind)

    return read


LAYERS: dict[str, Callable[[Line, Shape], Layer]] = {
    "dense": _dense,
    "conv": _conv,
    "depthwise": _depthwise,
    "maxpool": _pool("max"),
    "avgpool": _pool("avg"),
    "batchnorm": _batchnorm,
    "dropout": _dropout,
    "flatten": lambda line, shape: Flatten(),
    **{kind.split()[0]: _activation(kind) for kind in ACTIVATIONS},
}


# The other lines.


def _input(draft: Draft, line: Line) -> None:
    draft.shape = line.sizes("the input", 3, "2 or 1x28x28")
    draft.set("input", draft.shape, line)


def _name(draft: Draft, line: Line) -> None:
    draft.set("name", _phrase(line, "which name? write 'name worked'"), line)


def _phrase(line: Line, question: str) -> str:
    if not line.next:
        line.fail(question)
    return line.rest()


def _loss(draft: Draft, line: Line) -> None:
    phrase = line.rest(until="smoothing")
    if phrase not in list(Loss):
        known = [str(loss) for loss in Loss]
        hint = did_you_mean(phrase, known) or ": one of " + ", ".join(known)
        line.fail(f"unknown loss {phrase!r}{hint}" if phrase else f"which loss{hint}", at=1)
    draft.set("loss", Loss(phrase), line)
    draft.settings["smoothing"] = line.value("smoothing") if line.option("smoothing") else 0.0


def _update(draft: Draft, line: Line) -> None:
    kind = line.next
    settings: dict[str, Any] = {}
    if kind not in USUAL_RATES:
        hint = did_you_mean(kind, USUAL_RATES) or ": one of " + ", ".join(USUAL_RATES)
        line.fail(f"unknown update {kind!r}{hint}" if kind else f"which update{hint}")
    line.take()
    if kind == "momentum":
        if line.next not in ("", "nesterov"):
            settings["momentum"] = line.value("momentum")
        settings["nesterov"] = line.option("nesterov")
    if kind in ("adam", "adamw") and line.next:
        settings["betas"] = (line.value("beta1"), line.value("beta2"))
        if line.next:
            settings["epsilon"] = line.value("epsilon")
    with _pointing(line, at=1):
        draft.set("update", Update(kind, **settings), line)


def _decay(draft: Draft, line: Line) -> None:
    decay = line.value("decay")
    known = draft.settings.setdefault("decay", {})
    draft.places["decay"] = line
    for role in _kinds(line):
        if role in known:
            line.fail("decay is given for these already: say it once", at=0)
        known[role] = decay


def _kinds(line: Line) -> list[Role]:
    """The kinds of parameter named, or weights where none is."""
    found: list[Role] = []
    while line.next:
        if line.next not in START_WORDS:
            hint = did_you_mean(line.next, START_WORDS) or ": one of " + ", ".join(START_WORDS)
            line.fail(f"unknown kind of parameter {line.next!r}{hint}")
        found.append(START_WORDS[line.take()])
    return found or [Role.WEIGHT]


def _rate(draft: Draft, line: Line) -> None:
    draft.set("rate", line.value("the rate"), line)


def _seed(draft: Draft, line: Line) -> None:
    draft.set("seed", line.whole("the seed"), line)


def _start(role: Role) -> Callable[[Draft, Line], None]:
    def read(draft: Draft, line: Line) -> None:
        draft.start[role] = draft.start.get(role, ()) + line.values("a start value")
        draft.places[role] = line

    return read


def _sample(draft: Draft, line: Line) -> None:
    if "table" in draft.settings:
        line.fail("samples stand in a file already: take out this line or the 'data' line", at=0)
    inputs = line.values("an input", until="->")
    if not line.option("->"):
        line.fail("the targets are missing: write '->' and then them")
    draft.samples.append(Sample(inputs, line.values("a target")))
    draft.places[f"sample {len(draft.samples)}"] = line


def _data(draft: Draft, line: Line) -> None:
    if draft.samples:
        line.fail("samples are given already: take out the 'sample' lines or this one", at=0)
    draft.set("table", _phrase(line, "which file? write 'data samples.csv'"), line)
    draft.places["data"] = line


STATEMENTS: dict[str, Callable[[Draft, Line], None]] = {
    "input": _input,
    "name": _name,
    "loss": _loss,
    "update": _update,
    "decay": _decay,
    "rate": _rate,
    "seed": _seed,
    **{word: _start(role) for word, role in START_WORDS.items()},
    "sample": _sample,
    "data": _data,
}
TRAINING = ("loss", "update", "decay", "rate", "seed")
"""Statements that say how a network is trained, not what it is."""

WORDS = (*STATEMENTS, *LAYERS)
"""What a statement may begin with."""


# Writing.


def write(net: Net) -> str:
    """The text that parses to this network."""
    lines = [f"name {net.name}"] if net.name else []
    lines += [f"input {spell(net.input)}", *map(layer_words, net.layers), _loss_line(net)]
    lines += [f"update {update_words(net.update)}"] if net.update != Update() else []
    lines += [
        f"decay {digits(net.decay[role])} {word}"
        for word, role in START_WORDS.items()
        if role in net.decay
    ]
    lines += [f"rate {digits(net.rate)}"] if net.rate is not None else []
    lines += [f"seed {net.seed}"] if net.seed else []
    lines += [
        f"{word} {' '.join(map(digits, net.start[role]))}"
        for word, role in START_WORDS.items()
        if role in net.start
    ]
    lines += [f"data {net.table}"] if net.table else map(_sample_line, net.samples)
    return "\n".join(lines) + "\n"


def layer_words(layer: Layer) -> str:
    """The layer as the text form says it: conv 2 3x3 no bias."""
    match layer:
        case Dense(width, bias):
            return f"dense {width}{_bias_words(bias)}"
        case Conv(channels, kernel):
            return f"conv {channels} {spell(kernel)}{_steps(layer)}{_bias_words(layer.bias)}"
        case Pool(kind, size, stride):
            return f"{kind}pool {size or 'all'}" + ("" if stride is None else f" stride {stride}")
        case BatchNorm(epsilon):
            return "batchnorm" + ("" if layer == BatchNorm() else f" epsilon {digits(epsilon)}")
        case Dropout(rate, channels):
            return f"dropout {digits(rate)}{' channels' if channels else ''}"
        case Flatten():
            return "flatten"
        case Activation(kind, slope):
            leaning = kind == "leaky relu" and layer != Activation(kind)
            return f"{kind} {digits(slope)}" if leaning else kind


def _steps(conv: Conv) -> str:
    said = (("stride", conv.stride, 1), ("pad", conv.pad, 0), ("groups", conv.groups, 1))
    return "".join(f" {word} {value}" for word, value, usual in said if value != usual)


def _loss_line(net: Net) -> str:
    return f"loss {net.loss}" + (f" smoothing {digits(net.smoothing)}" if net.smoothing else "")


def _bias_words(bias: Bias) -> str:
    return "" if bias is Bias.EACH else f" {bias}"


def update_words(update: Update) -> str:
    if update.kind == "momentum":
        ahead = " nesterov" if update.nesterov else ""
        return f"momentum {digits(update.momentum)}{ahead}"
    if update.kind in ("adam", "adamw"):
        return f"{update.kind} " + " ".join(map(digits, (*update.betas, update.epsilon)))
    return update.kind


def _sample_line(sample: Sample) -> str:
    inputs, targets = (" ".join(map(digits, part)) for part in (sample.inputs, sample.targets))
    return f"sample {inputs} -> {targets}"


def digits(value: float) -> str:
    """The shortest digits that read back as the same number: 1, 0.15, 1e-08."""
    return repr(value).removesuffix(".0")
