"""Layers that read sequences: recurrent ones, whose state changes at each step, and attention.

Recurrent layers have the same weights at each step. The steps are written out one after the other,
so the chain rule goes back through time as it goes through layers. A layer's output is the state at
the last step or, with `all`, the states at all steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import cos, prod, sin
from typing import ClassVar

from gradbook.errors import ShapeError, UsageError
from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import Node
from gradbook.graph.ops import sigmoid_of
from gradbook.graph.sequences import at_step, scores, shares, stack, weigh
from gradbook.graph.tensors import reshape
from gradbook.graph.window import Both, Shape, Window
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.layers.card import (
    Bias,
    Layer,
    LayerSite,
    ParameterSpec,
    Role,
    add_bias,
    spell,
    spread_over,
)
from gradbook.layers.fields import FlagField, OptionsField, StatementForm, WholeField, WholeOption
from gradbook.layers.sums import BIAS, Conv, bias_specs

SEQUENCES_ONLY = (
    "{word} takes a sequence of two steps or more, not {shape}: write the input as steps x "
    "features, such as 'input 8x3'"
)
WIDTH, ALL = WholeField("width", "N", mark("width")), FlagField("all")
ONE_STEP = Window((1, 1))
Parts = Mapping[tuple[Role, str], Node]  # a layer's parameters


def require_steps(word: str, shape: Shape) -> None:
    if len(shape) != 3 or not is_sequence(shape):
        raise ShapeError(SEQUENCES_ONLY.format(word=word, shape=spell(shape)))


def named_parts(specs: Sequence[ParameterSpec], parameters: Sequence[Node]) -> Parts:
    pairs = zip(specs, parameters, strict=True)
    return {(spec.role, spec.part): node for spec, node in pairs}


def each_step(site: LayerSite, parts: Parts, part: str, x: Node) -> Node:
    """Weighted sums of the features at each step."""
    sums = site.make("conv", parts[Role.WEIGHT, part], x, attributes=(ONE_STEP, 1))
    return add_bias(sums, [parts[Role.BIAS, part]] if (Role.BIAS, part) in parts else [])


# Recurrent layers -----------------------------------------------------------------


RECURRENT = "recurrent"
NEW = {
    "h_new": "the weighted sum of the new value",
    "a_new": "the new value: what the step proposes for the state",
}


def of_state(gate: str) -> str:
    """The name of the part whose weights multiply the state before, rather than the step."""
    return f"{gate}_{RECURRENT}" if gate else RECURRENT


@dataclass(frozen=True)
class Steps:
    """The site at which a recurrent layer computes its states, step by step."""

    site: LayerSite
    parts: Parts
    fed: Mapping[str, Node]  # the contributions of all steps to each of its sums
    count: int

    def name(self, node: Node, stem: str, word: str, step: int) -> Node:
        name = replace(self.site.part(stem), word=word, step=step + 1)
        return self.site.graph.named(node, name)

    def fed_back(self, gate: str, state: Node, step: int) -> Node:
        """A state's contribution to a sum. Each use of the weights has its own name, so that their
        gradients are summed over the samples use by use."""
        weights = self.parts[Role.WEIGHT, of_state(gate)]
        copy = self.site.make("copy", weights, attributes=(f"step {step + 1}",))
        return self.site.make("linear", copy, state)

    def sum(self, gate: str, state: Node | None, step: int) -> Node:
        """The sum of a step's contribution and the previous state's."""
        total = at_step(self.fed[gate], step)
        if state is not None:
            total += self.fed_back(gate, state, step)
        return self.name(total, "h", gate, step)


class Recurrent(Layer):
    """What recurrent layers share: weighted sums of a step and the previous state, one per gate."""

    width: int
    all: bool
    letter: ClassVar[str] = "h"
    sums: ClassVar[bool] = True
    reads_all: ClassVar[bool] = True
    reads_sequences: ClassVar[bool] = True
    has_inner_values: ClassVar[bool] = True
    inner_words: ClassVar[Mapping[str, str]] = {
        "a_state": mark("the state after this step, which the next step reads")
    }
    gates: ClassVar[tuple[str, ...]]

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_steps(self.word, shape)
        return (self.width, 1, shape[2]) if self.all else (self.width,)

    def name(self, plain: Name, shape: Shape) -> Name:
        state = self.state_name(plain)
        return state if self.all else state.at_step(shape[2])

    def state_name(self, plain: Name) -> Name:
        return replace(plain, stem="a", word="state")

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return tuple(spec for gate in self.gates for spec in self._of_gate(gate, shape))

    def _of_gate(self, gate: str, shape: Shape) -> Iterator[ParameterSpec]:
        (features, _, steps), wide = shape, self.width
        fed = ParameterSpec(Role.WEIGHT, (wide, features, 1, 1), (features, wide), uses=steps)
        back = ParameterSpec(Role.WEIGHT, (wide, wide), (wide, wide), uses=steps - 1)
        yield replace(fed, part=gate)
        yield replace(back, part=of_state(gate))
        yield from bias_specs(self.bias, wide, steps, gate)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        parts = named_parts(self.parameters(x.shape), parameters)
        fed = {gate: each_step(site, parts, gate, x) for gate in self.gates}
        states = self.states(Steps(site, parts, fed, x.shape[2]))
        return stack(states) if self.all else states[-1]

    def states(self, steps: Steps) -> list[Node]:
        """The state at each step."""
        raise NotImplementedError

    def words(self, shape: Shape) -> str:
        if self.all:
            return tr_count(
                "the states at all steps of a unit that reads those step by step",
                "the states at all steps of {count} units that read those step by step",
                self.width,
            )
        return tr_count(
            "the state at the last step of a unit that reads those step by step",
            "the state at the last step of {count} units that read those step by step",
            self.width,
        )


@dataclass(frozen=True)
class Rnn(Recurrent):
    """The state is the tanh of a weighted sum of the step and the previous state."""

    width: int
    all: bool = False
    bias: Bias = Bias.EACH
    word: ClassVar[str] = "rnn"
    inner_words: ClassVar[Mapping[str, str]] = {
        "h_": mark("the weighted sum of the step and the previous state"),
        "a_h": Recurrent.inner_words["a_state"],
    }
    gates: ClassVar[tuple[str, ...]] = ("",)
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "rnn",
            (WIDTH, ALL, BIAS),
            (
                "N units that read 'input STEPSxFEATURES' step by step, together with",
                "their previous state, by tanh: the last state, or all of them",
            ),
            ("simplernn",),
        ),
    )

    def state_name(self, plain: Name) -> Name:
        return Name("a", of=plain)

    def states(self, steps: Steps) -> list[Node]:
        states: list[Node] = []
        for step in range(steps.count):
            state = steps.site.make("tanh", steps.sum("", states[-1] if states else None, step))
            name = self.state_name(steps.site.part("h")).at_step(step + 1)
            states.append(steps.site.graph.named(state, name))
        return states


@dataclass(frozen=True)
class Gru(Recurrent):
    """One gate decides how much of the previous state is kept, another how much the new one uses.

    The reset gate multiplies the previous state's contribution to the new value's sum, which then
    has its own bias, as in PyTorch and Keras. With `reset_before`, it multiplies that state itself,
    as in Cho et al. (2014), and in Keras with reset_after=False.
    """

    width: int
    all: bool = False
    reset_before: bool = False
    bias: Bias = Bias.EACH
    word: ClassVar[str] = "gru"
    gates: ClassVar[tuple[str, ...]] = ("reset", "update", "new")
    inner_words: ClassVar[Mapping[str, str]] = {
        "h_reset": mark("the weighted sum of the reset gate"),
        "a_reset": mark("the reset gate: how much of the previous state the new value uses"),
        "h_update": mark("the weighted sum of the update gate"),
        "a_update": mark("the update gate: how much of the previous state is kept"),
        **NEW,
        **Recurrent.inner_words,
    }
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "gru",
            (WIDTH, ALL, FlagField("reset_before"), BIAS),
            (
                "the same with gates: how much of a state is kept; the reset gate",
                "multiplies what the previous state adds, or that state itself",
            ),
        ),
    )

    def _of_gate(self, gate: str, shape: Shape) -> Iterator[ParameterSpec]:
        yield from super()._of_gate(gate, shape)
        if gate == "new" and not self.reset_before:
            yield from bias_specs(self.bias, self.width, shape[2], of_state(gate))

    def states(self, steps: Steps) -> list[Node]:
        states: list[Node] = []
        for step in range(steps.count):
            before = states[-1] if states else None
            reset = steps.name(sigmoid_of(steps.sum("reset", before, step)), "a", "reset", step)
            update = steps.name(sigmoid_of(steps.sum("update", before, step)), "a", "update", step)
            total = at_step(steps.fed["new"], step)
            seen = self._seen(steps, reset, before, step)
            total = steps.name(total if seen is None else total + seen, "h", "new", step)
            new = steps.name(steps.site.make("tanh", total), "a", "new", step)
            state = (1 - update) * new
            state = state if before is None else state + update * before
            states.append(steps.name(state, "a", "state", step))
        return states

    def _seen(self, steps: Steps, reset: Node, before: Node | None, step: int) -> Node | None:
        """The previous state's contribution to the new value."""
        if self.reset_before:
            return None if before is None else steps.fed_back("new", reset * before, step)
        seen = None if before is None else steps.fed_back("new", before, step)
        late = steps.parts.get((Role.BIAS, of_state("new")))
        if late is not None:
            bias = spread_over(late, reset.shape)
            seen = bias if seen is None else seen + bias
        return None if seen is None else reset * seen


@dataclass(frozen=True)
class Lstm(Recurrent):
    """A cell is passed on beside the state; gates decide what it adds, keeps and outputs."""

    width: int
    all: bool = False
    bias: Bias = Bias.EACH
    word: ClassVar[str] = "lstm"
    gates: ClassVar[tuple[str, ...]] = ("in", "forget", "new", "out")
    inner_words: ClassVar[Mapping[str, str]] = {
        "h_in": mark("the weighted sum of the input gate"),
        "a_in": mark("the input gate: how much of the new value is added to the cell"),
        "h_forget": mark("the weighted sum of the forget gate"),
        "a_forget": mark("the forget gate: how much of the previous cell is kept"),
        **NEW,
        "h_out": mark("the weighted sum of the output gate"),
        "a_out": mark("the output gate: how much of the cell the state contains"),
        "a_cell": mark("the cell after this step: a memory beside the state"),
        **Recurrent.inner_words,
    }
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "lstm",
            (WIDTH, ALL, BIAS),
            ("the same with a cell, and gates for what it adds, keeps and outputs",),
        ),
    )

    def states(self, steps: Steps) -> list[Node]:
        states: list[Node] = []
        cell: Node | None = None
        for step in range(steps.count):
            before = states[-1] if states else None
            sums = {gate: steps.sum(gate, before, step) for gate in self._used(step)}
            gates = {
                gate: steps.name(
                    steps.site.make("tanh" if gate == "new" else "sigmoid", total),
                    "a",
                    gate,
                    step,
                )
                for gate, total in sums.items()
            }
            added = gates["in"] * gates["new"]
            cell = added if cell is None else gates["forget"] * cell + added
            cell = steps.name(cell, "a", "cell", step)
            shown = gates["out"] * steps.site.make("tanh", cell)
            states.append(steps.name(shown, "a", "state", step))
        return states

    def _used(self, step: int) -> list[str]:
        """The gates used at a step: at the first, there is nothing to forget."""
        return [gate for gate in self.gates if step or gate != "forget"]


# Attention -----------------------------------------------------------------------

HEADS = "{features} features can't be split among {heads} heads: use a number that divides them"


@dataclass(frozen=True)
class Attention(Layer):
    """Each step gets a mean of all steps' values, weighted by how well its query fits their keys.

    Each of the `heads` has an equal share of the features. If it is `causal`, no step attends to
    later ones.
    """

    heads: int = 1
    causal: bool = False
    bias: Bias = Bias.EACH
    word: ClassVar[str] = "attention"
    remark: ClassVar[str] = mark(
        "softmax is taken along each row, over the keys; a causal layer leaves out those of later "
        "steps. With several heads, each does this with its own rows of the features."
    )
    letter: ClassVar[str] = "h"
    sums: ClassVar[bool] = True
    reads_sequences: ClassVar[bool] = True
    has_inner_values: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("query", "key", "value", "output")
    inner_words: ClassVar[Mapping[str, str]] = {
        "h_query": mark("a query: what the step looks for in other steps"),
        "h_key": mark("a key: what other steps' queries are compared with"),
        "h_value": mark("a value: what the step contributes to other steps"),
        "h_score": mark(
            "a score: how well a step's query fits another's key. The last two numbers are the "
            "step of the query and the step of the key"
        ),
        "a_share": mark("a share: the weight of a step's value. The shares of one step sum to 1"),
        "h_mixed": mark("the sum of all steps' values, weighted by their shares"),
    }
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "attention",
            (
                OptionsField("", options=(WholeOption("heads", "H", 1, "number of heads"),)),
                FlagField("causal"),
                BIAS,
            ),
            (
                "a mean of all steps' values for each step, weighted by how well its",
                "query fits their keys; 'causal': only of steps up to its own",
            ),
            ("self_attention", "multihead_attention"),
        ),
    )

    def instead_of_later(self, shape: Shape, *others: Shape) -> str:
        return "" if self.causal else "make it 'causal', too"

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_steps(self.word, shape)
        if shape[0] % self.heads:
            raise ShapeError(HEADS.format(features=shape[0], heads=self.heads))
        return shape

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        features, _, steps = shape
        square, fans = (features, features, 1, 1), (features, features)
        return tuple(
            spec
            for part in self.parts
            for spec in (
                ParameterSpec(Role.WEIGHT, square, fans, part=part, uses=steps),
                *bias_specs(self.bias, features, steps, part),
            )
        )

    def words(self, shape: Shape) -> str:
        if self.causal:
            return tr_count(
                "those up to each step, weighted by attention",
                "those up to each step, weighted by attention with {count} heads",
                self.heads,
            )
        return tr_count(
            "those of all steps, weighted by attention",
            "those of all steps, weighted by attention with {count} heads",
            self.heads,
        )

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,) = inputs
        parts = named_parts(self.parameters(x.shape), parameters)

        def named(node: Node, stem: str, word: str) -> Node:
            return site.graph.named(node, replace(site.part(stem), word=word))

        query, key, value = (
            named(each_step(site, parts, part, x), "h", part) for part in self.parts[:3]
        )
        size = x.shape[0] // self.heads
        fits = scores(query, key, self.heads)
        if size > 1:
            fits = fits / site.make("sqrt", site.graph.constant(size))
        share = named(shares(named(fits, "h", "score"), self.causal), "a", "share")
        mixed = named(weigh(share, value), "h", "mixed")
        return each_step(site, parts, "output", mixed)


LONGEST_WAVE = 10_000  # times 2π: an upper bound of the wavelengths, in steps

# The vectors of tokens and of positions --------------------------------------------


@dataclass(frozen=True)
class Embedding(Conv):
    """A vector for each token: sums of a step's features, one of which is 1 and the others 0."""

    kernel: Both = (1, 1)
    bias: Bias = Bias.NONE
    row: bool = True
    word: ClassVar[str] = "embed"
    letter: ClassVar[str] = "e"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "embed",
            (WholeField("channels", "N", mark("width")),),
            ("a learned vector of N numbers for each token of a sequence",),
            ("embedding",),
        ),
    )

    def check(self) -> None:
        usual = {part.name: part.default for part in fields(self) if part.name != "channels"}
        if any(getattr(self, name) != value for name, value in usual.items()):
            raise UsageError("embed has a width and no other options")

    @property
    def in_other_words(self) -> Conv:
        return Conv(**vars(self))

    def words(self, shape: Shape) -> str:
        return tr_count(
            "each token's vector of {amount} number",
            "each token's vector of {amount} numbers",
            self.channels,
            amount=numeral(f"{self.channels:,}"),
        )


@dataclass(frozen=True)
class Unembedding(Layer):
    """How well each step fits the vector of each token: the embedding's own weights, transposed, as
    GPT-2 predicts the next token."""

    width: int  # tokens
    word: ClassVar[str] = "unembed"
    letter: ClassVar[str] = "l"
    reads_sequences: ClassVar[bool] = True
    has_inner_values: ClassVar[bool] = True
    ties: ClassVar[str] = Embedding.word
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "unembed",
            (WIDTH,),
            ("how well each step fits each of N tokens, with the", "weights of its 'embed'"),
        ),
    )

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_steps(self.word, shape)
        return (self.width, *shape[1:])

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        """The parameters of the embedding."""
        return Embedding(shape[0]).parameters((self.width, *shape[1:]))

    def words(self, shape: Shape) -> str:
        return tr_count(
            "how well each step fits the vectors of {amount} token",
            "how well each step fits the vectors of {amount} tokens",
            self.width,
            amount=numeral(f"{self.width:,}"),
        )

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,), (vectors,) = inputs, parameters
        return site.make("conv_back", vectors, x, attributes=(x.shape[1:], ONE_STEP, 1))


@dataclass(frozen=True)
class PositionEmbedding(Layer):
    """Adds a vector of its own to each step, which distinguishes equal steps."""

    word: ClassVar[str] = "positions"
    letter: ClassVar[str] = "e"
    reads_sequences: ClassVar[bool] = True
    has_inner_values: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "positions", (), ("adds to each step of a sequence a learned vector of its own",)
        ),
    )

    def output(self, shape: Shape, *others: Shape) -> Shape:
        require_steps(self.word, shape)
        return shape

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return (ParameterSpec(Role.BIAS, (prod(shape),)),)  # feature by feature

    def words(self, shape: Shape) -> str:
        return tr("each plus its step's learned vector")

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,), (positions,) = inputs, parameters
        return reshape(reshape(x, positions.shape) + positions, x.shape)


@dataclass(frozen=True)
class Sinusoids(PositionEmbedding):
    """Positions whose vectors aren't learned: waves of increasing length, each as a sine and a
    cosine, after Vaswani et al. (2017)."""

    word: ClassVar[str] = "sinusoids"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "sinusoids", (), ("adds to each step sines and cosines of its place, not learned",)
        ),
    )

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        (spec,) = super().parameters(shape)
        features, _, steps = shape
        waves = (
            (sin, cos)[feature % 2](step / LONGEST_WAVE ** (feature // 2 * 2 / features))
            for feature in range(features)
            for step in range(steps)
        )
        return (replace(spec, fixed=True, start=tuple(waves)),)

    def words(self, shape: Shape) -> str:
        return tr("each plus the sine or cosine of its step")
