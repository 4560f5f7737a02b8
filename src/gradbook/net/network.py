"""A whole network whose parts fit together; it is read from a text and written as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import takewhile
from math import prod, sqrt
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gradbook.arguments import settle, sizes
from gradbook.builtin_networks import BUILTIN
from gradbook.errors import UsageError, did_you_mean
from gradbook.language import mark, tr
from gradbook.layers import Activation, Dense, Layer, Loss, Role, Update
from gradbook.looks import look, numbers, picture
from gradbook.net.description import Again, Description, Misfit, Sample
from gradbook.net.fit import about_part, all_of, check, settle_parts
from gradbook.net.text import (
    TRAINING,
    Draft,
    known_words,
    network_statements,
    ours,
    pointing,
    read_draft,
    read_layers,
    read_statement,
    reads_as_text,
    sample_lines,
    write,
)
from gradbook.net.tokens import with_tokens_spelled_out
from gradbook.statements import Statement

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import ArrayLike, NDArray

NOTHING: Mapping[str, Any] = MappingProxyType({})

DRAWN_DECIMALS = 4  # so that random numbers can be read aloud and retyped
LONGEST_REPR = 1000

# The message about a network without samples; a page shows the same for such a text.
MADE_UP = mark(
    "No sample is given, so inputs and targets are made up. Give your own: one line such as "
    "'{line}' for each, or {other}."
)
A_TABLE = mark("a CSV table with --data FILE.csv")
DROPPED = mark("a CSV file dropped onto this page")
ANY_SAMPLE = "sample NUMBER … -> NUMBER …"
MOST_SHOWN = 8  # numbers of a sample in a sentence


@dataclass(frozen=True, init=False, repr=False)
class Net(Description):
    """A network, layer by layer. `str(net)` is its text form, which `Net.parse` reads.

    Args:
        input: The number of inputs, or the shape of an image: (channels, height, width).
        layers: Records such as `gb.Dense(3)`, or lines of the text form: "lstm 8", "tanh".
        loss: The measure of the error, such as "mean squared error"; by default the usual one for
            the last layer.
        update: The rule by which weights change: "descent", "momentum", "adam" or "adamw".
        rate: The learning rate η.
        samples: Inputs and targets. Without any, one is drawn at random from the seed.
        start: Start values by kind of parameter, in the order of their numbers: {"w": [0.15, 0.2]}.
            Weights that aren't given are drawn from `seed`.
        seed: The random seed.
        name: A title.
        table: The CSV file that the samples come from; `gb.read_table` reads it.
        columns: The headings of that file.
        classes: The names of the classes, in the order of the outputs.
        smoothing: The share of cross-entropy's targets that is spread over all classes.
        decay: The share of themselves that parameters lose per step and unit of η, by kind.
        again: The layers that are applied several times.
        tokens: Whether each step of a sequence is a token: a single 1 among 0s.

    Raises:
        GradbookError: The parts don't fit each other.

    >>> import gradbook as gb
    >>> net = gb.Net(2, [gb.Dense(2), "sigmoid"], samples=[gb.Sample([1, 2], [0, 1])])
    >>> net.count()
    6
    >>> print(net)
    input 2
    dense 2
    sigmoid
    sample 1 2 -> 0 1
    <BLANKLINE>
    """

    def __init__(  # noqa: PLR0913 - nobody gives all of them
        self,
        input: int | Sequence[int],
        layers: Iterable[Layer | str],
        loss: Loss | str | None = None,
        update: Update | str = "descent",
        rate: float | None = None,
        samples: Iterable[Sample] = (),
        *,
        start: Mapping[Role, Sequence[float]] | Mapping[str, Sequence[float]] = NOTHING,
        seed: int = 0,
        name: str = "",
        table: str = "",
        columns: Sequence[str] = (),
        classes: Sequence[str] = (),
        smoothing: float = 0.0,
        decay: Mapping[Role, float] | Mapping[str, float] = NOTHING,
        again: Iterable[Again] = (),
        tokens: bool = False,
    ) -> None:
        arguments: dict[str, Any] = {**locals()}
        described = all_of("layer", (Layer, str), "such as Dense(2)", layers)
        if any(isinstance(layer, str) for layer in described):
            described, more = read_layers(sizes("the input's size", input), described)
            arguments["again"] = (*again, *more)
        arguments["layers"] = described
        settle(self, **{part.name: arguments[part.name] for part in fields(self)})
        settle(self, **settle_parts(self))
        check(self)

    @staticmethod
    def parse(text: str) -> Net:
        """The network that a text describes.

        >>> import gradbook as gb
        >>> gb.Net.parse("input 2; dense 3; tanh; dense 1").count()
        13
        """
        return parse(text)

    def forward(
        self, inputs: ArrayLike | None = None, targets: ArrayLike | None = None
    ) -> dict[str, NDArray[float64]]:
        """Every value from the inputs to the error, with the start weights.

        Args:
            inputs: A sample, or a row for each of several samples; by default the samples of
                the network itself.
            targets: Likewise, or the number of each one's class. With them, the result includes
                the errors.

        Returns:
            A number for each name: i1, h1, a_h1, o1, E1, E_total; for several samples an array for
            each except `E_total`, which is the mean error. Dropout keeps every value, and batch
            normalisation uses the mean and the variance of these samples.

        >>> import gradbook as gb
        >>> net = gb.builtin("worked")
        >>> print(net.forward()["E_total"].round(8))
        0.01418138
        >>> print(net.forward([[0, 0], [1, 0]])["a_h1"].round(4))
        [0.5    0.5374]
        """
        return numbers("Net forward", self, inputs, targets)

    def gradients(
        self, inputs: ArrayLike | None = None, targets: ArrayLike | None = None
    ) -> dict[str, NDArray[float64]]:
        """∂E_total/∂w of every weight that is trained, by its name, w1, w2, … b1, …, or by layer as
        an array in PyTorch's shape, "dense1.weight". More than a thousand are listed by layer.

        Args:
            inputs: A sample, or a row for each of several, over which the error is averaged;
                by default the samples of the network itself.
            targets: Likewise.

        >>> import gradbook as gb
        >>> net = gb.builtin("worked")
        >>> print(net.gradients()["w5"].round(8))
        0.01288082
        >>> print(net.gradients([1, 0], [0, 1])["w1"].round(8))
        0.00419336
        >>> net.gradients()["dense1.weight"].shape
        (2, 2)
        """
        return numbers("Net gradients", self, inputs, targets)

    def __str__(self) -> str:
        return write(self)

    def __repr__(self) -> str:
        """The code for this network, or the beginning of it if it is long."""
        text = str(self).rstrip().replace("\n", "; ")
        return f"Net.parse({text if len(text) <= LONGEST_REPR else text[:LONGEST_REPR] + ' …'!r})"

    def _repr_svg_(self) -> str:
        return look("Net as svg", self)

    def _repr_png_(self) -> bytes:
        """For notebooks that show no SVG, such as those that aren't trusted yet."""
        return picture("Net as png", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        remark = f"\n# {self.made_up()}" if self.made_up() else ""
        printer.text(f"{str(self).rstrip()}{remark}")

    def __hash__(self) -> int:
        return hash(self._values())

    def __reduce__(self) -> tuple[object, ...]:
        return _net_of, self._values()

    def _values(self) -> tuple[object, ...]:
        """The fields in their order, for pickles and hashes, which mappings don't support."""
        mappings = {"start": tuple(self.start.items()), "decay": tuple(self.decay.items())}
        plain = {**vars(self), **mappings}
        return tuple(plain[part.name] for part in fields(self))

    def with_samples(self, samples: Iterable[Sample], table: str = "") -> Net:
        """The same network with these samples instead of its own.

        >>> import gradbook as gb
        >>> net = gb.builtin("worked").with_samples([gb.Sample([1, 0], [0, 1])])
        >>> net.samples[0].inputs
        (1.0, 0.0)
        """
        return replace(self, samples=tuple(samples), table=table)

    def start_values(self) -> dict[Role, tuple[float, ...]]:
        """The start values of every kind of parameter, as given or as usual."""
        return {
            role: self.start.get(role) or self._usual_start(role)
            for role in Role
            if self.count(role)
        }

    def _usual_start(self, role: Role) -> tuple[float, ...]:
        """Weights uniform within ±√(6 / (inputs + outputs)), after Glorot and Bengio (2010)."""
        if role is not Role.WEIGHT:
            parameters = [p for p in self.parameters if p.role is role]
            return tuple(value for p in parameters for value in p.start or (role.start,) * p.size)
        parameters = [p for p in self.parameters if p.role is role]
        return _drawn_weights(self.seed, tuple((sum(p.fans), p.size, p.start) for p in parameters))

    def examples(self) -> tuple[Sample, ...]:
        """The given samples, or one drawn at random from the seed."""
        if self.table and not self.samples:
            raise Misfit("data", f"the samples are in {self.table}: read them with read_table")
        return self.samples or (self._drawn_sample(),)

    @property
    def has_samples(self) -> bool:
        return bool(self.samples or self.table)

    def made_up(self, other: str = A_TABLE) -> str:
        """The message about a random sample and how to give one; empty if samples are given."""
        if self.has_samples:
            return ""
        return tr(MADE_UP, line=self._sample_line(), other=tr(other))

    def _sample_line(self) -> str:
        if prod(self.input) + self.outputs > MOST_SHOWN:
            return ANY_SAMPLE
        return next(sample_lines(self.with_samples(self.examples())))

    def _drawn_inputs(self, random: Random) -> tuple[float, ...]:
        if self.tokens:
            steps, kinds = self.input
            tokens = [random.randrange(kinds) for _ in range(steps)]
            return tuple(float(k == token) for token in tokens for k in range(kinds))
        return tuple(round(random.random(), 2) for _ in range(prod(self.input)))

    def _drawn_sample(self) -> Sample:
        random = Random(f"sample {self.seed}")
        inputs = self._drawn_inputs(random)
        if self.objective.of_all:
            classes = self.shapes[-1][0]
            wanted = [random.randrange(classes) for _ in range(self.outputs // classes)]
            return Sample(
                inputs, tuple(float(k == kind) for kind in wanted for k in range(classes))
            )
        return Sample(inputs, tuple(round(random.random(), 2) for _ in range(self.outputs)))


def _net_of(*values: Any) -> Net:
    parts = dict(zip((part.name for part in fields(Net)), values, strict=True))
    return Net(**parts | {"start": dict(parts["start"]), "decay": dict(parts["decay"])})


def parse(text: str, source: str | None = None) -> Net:
    """The network that a text describes."""
    return parse_lines(network_statements(text, source), source)


def parse_lines(lines: Iterable[Statement], source: str | None = None) -> Net:
    """The network that these statements of a text describe."""
    draft = read_draft(lines, source)
    try:
        samples = tuple(draft.samples)
        tokens = draft.settings["tokens"]
        net = Net(
            layers=tuple(draft.layers),
            samples=() if tokens else samples,
            again=tuple(draft.again),
            start=draft.start,
            **draft.settings,
        )
        return _with_tokens(net, samples) if tokens else net
    except Misfit as error:
        last = f"layer {len(draft.layers)}" if draft.layers else "input"
        line = draft.places.get(error.part) or draft.places[last]
        line.fail(error.message, at=0)


def _with_tokens(net: Net, samples: Iterable[Sample]) -> Net:
    """The network with samples that contain the numbers of tokens."""
    spelled_out = []
    for place, sample in enumerate(samples, 1):
        with about_part(f"sample {place}"):
            spelled_out.append(with_tokens_spelled_out(net, sample))
    return replace(net, samples=tuple(spelled_out))


def net_changed(net: Net, lines: Iterable[Statement]) -> Net:
    """The network with these lines instead of its own settings for training."""
    draft = Draft(None, [net.shapes[-1]])
    for line in lines:
        if ours(line.next) not in known_words():
            known = ", ".join(TRAINING)
            hint = did_you_mean(line.next, TRAINING) or f": expected one of {known}"
            line.fail(f"unknown {line.next!r}{hint}")
        if ours(line.next) not in TRAINING:
            line.fail(f"{line.next!r} would change the network: give only lines about its training")
        read_statement(draft, line)
        with pointing(line, at=0):
            net = replace(net, **draft.settings)
    return net


@lru_cache(maxsize=1)  # one network is built several times: to train, to predict, to be tested
def _drawn_weights(
    seed: int, drawn: tuple[tuple[int, int, tuple[float, ...]], ...]
) -> tuple[float, ...]:
    """Start weights of tensors with so many inputs and outputs, and so many elements; or their own
    ones."""
    random = Random(seed)
    weights: list[float] = []
    for ends, size, start in drawn:
        reach = sqrt(6 / ends)
        weights += start or (
            round(random.uniform(-reach, reach), DRAWN_DECIMALS) for _ in range(size)
        )
    return tuple(weights)


def fixed_beginning(net: Net) -> tuple[Net, Net] | None:
    """The first layers, if their weights are fixed, so that each sample needs to pass through them
    only once; and the rest of the network, which then learns the same as with them.

    In the rest, layers that change nothing replace the first ones, so that all others keep their
    numbers, and with them their weights and dropout. None if the network doesn't begin like this,
    or if a later layer reads an input of the first ones.
    """
    learning = {p.layer for p in net.parameters if not p.fixed}
    same_again = takewhile(
        lambda k: not (k in learning or net.layers[k].draws or net.layers[k].mixes_samples),
        range(len(net.layers)),
    )
    owners = {p.layer for p in net.parameters}
    count = max((k + 1 for k in same_again if k in owners), default=0)
    later = [value for k in range(count, len(net.layers)) for value in net.layers[k].reads(k)]
    is_read = min(later, default=0) < count or any(block.first < count for block in net.again)
    if not count or is_read or net.start:
        return None
    plain = replace(net, samples=(), table="")
    first = replace(plain, layers=net.layers[:count], again=(), loss=None)
    places = (Activation("identity"),) * count
    return first, replace(plain, input=net.shapes[count], layers=places + net.layers[count:])


def builtin(name: str) -> Net:
    """The built-in network of this name: "worked", "mazur", "xor", "strokes" and others.

    >>> import gradbook as gb
    >>> gb.builtin("worked").count()
    8

    Raises:
        GradbookError: There is no such network; the message lists the names.
    """
    if name not in BUILTIN:
        known = ", ".join(BUILTIN)
        raise UsageError(
            f"no built-in network {name!r}{did_you_mean(name, BUILTIN) or f': {known}'}"
        )
    return parse(BUILTIN[name], source=name)


def as_net(what: Net | str) -> Net:
    """A network itself, a built-in one by its name, or a network from a text."""
    if isinstance(what, Net):
        return what
    if not isinstance(what, str):
        raise UsageError(f"a network must be a gb.Net, a name or a text, not {what!r}")
    return parse(what) if reads_as_text(what) else builtin(what)


def usual(inputs: int, hidden: Iterable[int], classes: int) -> Net:
    """Hidden layers of these widths with ReLU, then softmax; trained with Adam."""
    layers = [layer for width in hidden for layer in (Dense(width), Activation("relu"))]
    ending = (Dense(classes), Activation("log softmax"))
    return Net(inputs, (*layers, *ending), Loss.CROSS, "adam")
