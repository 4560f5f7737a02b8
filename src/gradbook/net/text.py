"""The text form of a network: reading it, with the place of every mistake, and writing it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from gradbook.errors import GradbookError, NetTextError, did_you_mean
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
from gradbook.net.network import USUAL_RATES, Loss, Misfit, Net, Sample, Update

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
                             'cross-entropy [smoothing S]' after softmax; averaged
                             over the samples
  update descent             also 'momentum [M] [nesterov]' and 'adam' or 'adamw'
                             [BETA1 BETA2 [EPSILON]]
  decay NUMBER [KIND …]      the share of themselves that weights, or the KINDs named
                             (weights biases scales shifts), lose per step and unit of η
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

LONGEST_TEXT = 4_000_000  # characters
MOST_LAYERS = 1_000

START_WORDS = {
    "weights": Role.WEIGHT,
    "biases": Role.BIAS,
    "scales": Role.SCALE,
    "shifts": Role.SHIFT,
}


@dataclass(frozen=True)
class Word:
    text: str
    line: int
    column: int


@dataclass
class Line:
    """The words of one statement, taken one after the other."""

    words: list[Word]
    source: str | None
    used: int = 0

    @property
    def next(self) -> str:
        return self.words[self.used].text if self.used < len(self.words) else ""

    def take(self) -> str:
        self.used += 1
        return self.words[self.used - 1].text

    def rest(self) -> str:
        """All words that are left, as one phrase."""
        phrase = " ".join(word.text for word in self.words[self.used :])
        self.used = len(self.words)
        return phrase

    def phrase(self, until: str) -> str:
        """All words up to the word `until`, as one."""
        words: list[str] = []
        while self.next and self.next != until:
            words.append(self.take())
        return " ".join(words)

    def fail(self, message: str, back: int = 0) -> NoReturn:
        """Point at the next word, or `back` words before it."""
        at = self.used - back
        if at < len(self.words):
            line, column = self.words[at].line, self.words[at].column
        else:
            last = self.words[-1]
            line, column = last.line, last.column + len(last.text)
        raise NetTextError(message, line=line, column=column, source=self.source)

    def integer(self, what: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", self.next):
            self.fail(
                f"{what} is a whole number, not {self.next!r}"
                if self.next
                else f"{what} is missing: write a whole number here"
            )
        return int(self.take())

    def number(self, what: str) -> float:
        if not self.next:
            self.fail(f"{what} is missing: write a number here")
        if not re.fullmatch(r"[-+−]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", self.next):
            self.fail(f"{what} is a number such as 0.15, not {self.next!r}")
        value = float(self.next.replace("−", "-"))
        if value in (float("inf"), float("-inf")):
            self.fail(f"{what} is too large: {self.next}")
        self.used += 1
        return value

    def numbers(self, what: str, until: str = "") -> tuple[float, ...]:
        """One number or more, up to the end or the word `until`."""
        values = [self.number(what)]
        while self.next and self.next != until:
            values.append(self.number(what))
        return tuple(values)

    def sizes(self, what: str, counts: Sequence[int]) -> tuple[int, ...]:
        text = self.next
        if not re.fullmatch(r"[0-9]{1,9}(x[0-9]{1,9})*", text) or text.count("x") + 1 not in counts:
            example = "2 or 1x28x28" if 3 in counts else "3x3"
            self.fail(
                f"{what} is written like {example}, not {text!r}"
                if text
                else f"{what} is missing: write it like {example}"
            )
        return tuple(map(int, self.take().split("x")))

    def option(self, word: str) -> bool:
        """Whether the next word is this one; it is then taken."""
        found = self.next == word
        self.used += found
        return found

    def end(self, expected: str = "the line ends here") -> None:
        if self.next:
            self.fail(f"unexpected {self.next!r}: {expected}")


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
            line.used = 0
            line.fail(f"a second {line.next!r}: say it once")
        self.settings[key] = value
        self.places[key] = line


def parse(text: str, source: str | None = None) -> Net:
    """The network that a text describes."""
    if len(text) > LONGEST_TEXT:
        raise NetTextError(
            f"{len(text):,} characters: the most is {LONGEST_TEXT:,}; "
            "keep samples in a CSV file and name it with 'data FILE'",
            source=source,
        )
    draft = Draft(source)
    for line in _lines(text, source):
        _read_line(draft, line)
    if not draft.shape:
        raise NetTextError("no layers: begin with a line such as 'input 2'", line=1, source=source)
    return _net(draft)


def _lines(text: str, source: str | None) -> Iterator[Line]:
    for number, row in enumerate(text.splitlines(), 1):
        column = 0
        for statement in row.split("#", 1)[0].split(";"):
            words = [
                Word(found.group(), number, column + found.start() + 1)
                for found in re.finditer(r"\S+", statement)
            ]
            column += len(statement) + 1
            if words:
                yield Line(words, source)


def _read_line(draft: Draft, line: Line) -> None:
    word = line.next
    reader = STATEMENTS.get(word)
    if reader is None and word not in LAYERS:
        known = [*STATEMENTS, *LAYERS]
        line.fail(
            f"unknown layer {word!r}{did_you_mean(word, known) or ': see gradbook help networks'}"
        )
    if not draft.shape and word not in ("input", "name"):
        line.fail(f"{word!r} before the input: begin with a line such as 'input 2'")
    line.take()
    (reader or _layer)(draft, line)
    line.end()


def _layer(draft: Draft, line: Line) -> None:
    if len(draft.layers) >= MOST_LAYERS:
        line.fail(f"more than {MOST_LAYERS:,} layers")
    try:
        layer = LAYERS[line.words[0].text](line, draft.shape)
        draft.shape = layer.output(draft.shape)
    except NetTextError:
        raise
    except GradbookError as error:
        line.used = 0
        line.fail(error.message)
    draft.layers.append(layer)


def _net(draft: Draft) -> Net:
    try:
        return Net(
            layers=tuple(draft.layers),
            samples=tuple(draft.samples),
            start=draft.start,
            **draft.settings,
        )
    except Misfit as error:
        line = draft.places.get(error.part) or draft.places["input"]
        line.used = 0
        line.fail(error.message)


# Layers: each reader is called with its own word taken, and with the shape it is given.


def _bias(line: Line) -> Bias:
    phrase = line.rest()
    if not phrase:
        return Bias.EACH
    if phrase not in list(Bias):
        line.used -= len(phrase.split())
        known = [str(bias) for bias in Bias]
        line.fail(
            f"unknown {phrase!r}{did_you_mean(phrase, known) or ': one of ' + ', '.join(known)}"
        )
    return Bias(phrase)


def _dense(line: Line, shape: Shape) -> Layer:
    return Dense(line.integer("dense's width"), _bias(line))


def _conv(line: Line, shape: Shape) -> Layer:
    channels = line.integer("conv's number of channels")
    return _windows(line, channels, {"stride": 1, "pad": 0, "groups": 1})


def _depthwise(line: Line, shape: Shape) -> Layer:
    return replace(_windows(line, shape[0], {"stride": 1, "pad": 0}), groups=shape[0])


def _windows(line: Line, channels: int, options: dict[str, int]) -> Conv:
    kernel = line.sizes(f"{line.words[0].text}'s window", (1, 2))
    while line.next in options:
        word = line.take()
        options[word] = line.integer(word)
    return Conv(channels, (kernel[0], kernel[-1]), **options, bias=_bias(line))


def _pool(kind: str) -> Callable[[Line, Shape], Layer]:
    def read(line: Line, shape: Shape) -> Layer:
        if line.option("all"):
            return Pool(kind, None)
        size = line.integer(f"{kind}pool's size")
        return Pool(kind, size, line.integer("stride") if line.option("stride") else None)

    return read


def _batchnorm(line: Line, shape: Shape) -> Layer:
    return BatchNorm(line.number("epsilon")) if line.option("epsilon") else BatchNorm()


def _dropout(line: Line, shape: Shape) -> Layer:
    return Dropout(line.number("dropout's rate"), line.option("channels"))


def _activation(kind: str) -> Callable[[Line, Shape], Layer]:
    def read(line: Line, shape: Shape) -> Layer:
        for word in kind.split()[1:]:
            if not line.option(word):
                line.fail(f"expected {kind!r}")
        if kind == "leaky relu" and line.next:
            return Activation(kind, line.number("the slope"))
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
    draft.shape = line.sizes("the input", (1, 2, 3))
    draft.set("input", draft.shape, line)


def _name(draft: Draft, line: Line) -> None:
    draft.set("name", line.rest(), line)


def _loss(draft: Draft, line: Line) -> None:
    phrase = line.phrase(until="smoothing")
    if phrase not in list(Loss):
        line.used -= len(phrase.split())
        known = [str(loss) for loss in Loss]
        close = did_you_mean(phrase, known) or ": one of " + ", ".join(known)
        line.fail(f"unknown loss {phrase!r}{close}" if phrase else f"which loss{close}")
    draft.set("loss", Loss(phrase), line)
    if line.option("smoothing"):
        draft.settings["smoothing"] = line.number("smoothing")


def _update(draft: Draft, line: Line) -> None:
    kind = line.next
    if kind not in USUAL_RATES:
        close = did_you_mean(kind, USUAL_RATES) or ": one of " + ", ".join(USUAL_RATES)
        line.fail(f"unknown update {kind!r}{close}")
    line.take()
    settings: dict[str, Any] = {}
    if kind == "momentum" and line.next:
        if line.next != "nesterov":
            settings["momentum"] = line.number("momentum")
        settings["nesterov"] = line.option("nesterov")
    if kind in ("adam", "adamw") and line.next:
        settings["betas"] = (line.number("beta1"), line.number("beta2"))
        if line.next:
            settings["epsilon"] = line.number("epsilon")
    line.end()
    try:
        draft.set("update", Update(kind, **settings), line)
    except NetTextError:
        raise
    except GradbookError as error:
        line.used = 1
        line.fail(error.message)


def _decay(draft: Draft, line: Line) -> None:
    decay = line.number("decay")
    known = draft.settings.setdefault("decay", {})
    draft.places["decay"] = line
    for word in _kinds(line):
        if START_WORDS[word] in known:
            line.fail(f"a second decay of the {word}: say it once", back=1)
        known[START_WORDS[word]] = decay


def _kinds(line: Line) -> Iterator[str]:
    """The kinds of parameter named, or weights where none is."""
    if not line.next:
        yield "weights"
    while line.next:
        if line.next not in START_WORDS:
            close = did_you_mean(line.next, START_WORDS) or ": one of " + ", ".join(START_WORDS)
            line.fail(f"unknown kind {line.next!r}{close}")
        yield line.take()


def _rate(draft: Draft, line: Line) -> None:
    draft.set("rate", line.number("the rate"), line)


def _seed(draft: Draft, line: Line) -> None:
    draft.set("seed", line.integer("the seed"), line)


def _start(role: Role) -> Callable[[Draft, Line], None]:
    def read(draft: Draft, line: Line) -> None:
        draft.start[role] = draft.start.get(role, ()) + line.numbers("a start value")
        draft.places[role] = line

    return read


def _sample(draft: Draft, line: Line) -> None:
    if "table" in draft.settings:
        line.fail("samples stand in a file already: take out this line or the 'data' line", back=1)
    inputs = line.numbers("an input", until="->")
    if not line.option("->"):
        line.fail("expected '->' and the targets")
    draft.samples.append(Sample(inputs, line.numbers("a target")))
    draft.places[f"sample {len(draft.samples)}"] = line


def _data(draft: Draft, line: Line) -> None:
    if draft.samples:
        line.fail("samples are given already: take out the 'sample' lines or this one", back=1)
    file = line.rest()
    if not file:
        line.fail("which file? write 'data samples.csv'")
    draft.set("table", file, line)


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


# Writing.


def write(net: Net) -> str:
    """The text that parses to this network."""
    lines = [f"name {net.name}"] if net.name else []
    lines += [f"input {spell(net.input)}", *map(layer_words, net.layers), _loss_line(net)]
    lines += [f"update {_update_words(net.update)}"] if net.update != Update() else []
    lines += [
        f"decay {_digits(net.decay[role])} {word}"
        for word, role in START_WORDS.items()
        if role in net.decay
    ]
    lines += [f"rate {_digits(net.rate)}"] if net.rate is not None else []
    lines += [f"seed {net.seed}"] if net.seed else []
    lines += [
        f"{word} {' '.join(map(_digits, net.start[role]))}"
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
            return "batchnorm" + ("" if layer == BatchNorm() else f" epsilon {_digits(epsilon)}")
        case Dropout(rate, channels):
            return f"dropout {_digits(rate)}{' channels' if channels else ''}"
        case Flatten():
            return "flatten"
        case Activation(kind, slope):
            leaning = kind == "leaky relu" and layer != Activation(kind)
            return f"{kind} {_digits(slope)}" if leaning else kind


def _steps(conv: Conv) -> str:
    said = (("stride", conv.stride, 1), ("pad", conv.pad, 0), ("groups", conv.groups, 1))
    return "".join(f" {word} {value}" for word, value, usual in said if value != usual)


def _loss_line(net: Net) -> str:
    return f"loss {net.loss}" + (f" smoothing {_digits(net.smoothing)}" if net.smoothing else "")


def _bias_words(bias: Bias) -> str:
    return "" if bias is Bias.EACH else f" {bias}"


def _update_words(update: Update) -> str:
    if update.kind == "momentum":
        ahead = " nesterov" if update.nesterov else ""
        return f"momentum {_digits(update.momentum)}{ahead}"
    if update.kind in ("adam", "adamw"):
        return f"{update.kind} " + " ".join(map(_digits, (*update.betas, update.epsilon)))
    return update.kind


def _sample_line(sample: Sample) -> str:
    inputs, targets = (" ".join(map(_digits, part)) for part in (sample.inputs, sample.targets))
    return f"sample {inputs} -> {targets}"


def _digits(value: float) -> str:
    """The shortest digits that read back as the same number: 1, 0.15, 1e-08."""
    return repr(value).removesuffix(".0")
