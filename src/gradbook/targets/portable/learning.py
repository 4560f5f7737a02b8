"""How the last dense layer of a network in C learns: one step of gradient descent per sample.

The slopes of the error with respect to the layer's sums follow, by the graph's chain rule, from the
ops of the loss and of the activation before it. Only this layer's weights are variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Array, Graph, Node
from gradbook.layers import Bias
from gradbook.layers.card import LayerSite
from gradbook.layers.losses import SampleError
from gradbook.net.trained import TrainedLayer, TrainedNet, strip_idle
from gradbook.targets.portable.answer_functions import argument_name
from gradbook.targets.portable.c_text import ConstantArray, fill, piece, spelt
from gradbook.targets.portable.makers import RowMaker, Work, row_makers
from gradbook.targets.portable.rules import Rule, number_of
from gradbook.targets.portable.rules_in_c import Index, OpWords, RuleWriting, spoken

RATE = 0.02  # the learning rate of sketches
WHOLE_RATE = 1 << 15  # the integer for a rate of 1
REFUSED = "--learn lets the last dense layer learn, but {why}: leave it out"

# The layer and its slopes ---------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LastLayer:
    """The weights (outputs, inputs), in the memory order of the map that they read, and the slopes
    of a sample's error with respect to the sums."""

    features: tuple[RowMaker, ...]  # the makers of that map
    maker: RowMaker
    weights: Array
    bias: Array | None
    slopes: SlopesOfSums

    @property
    def tables(self) -> list[ConstantArray]:
        """Its initial constants, in floats."""
        arrays = {"last_weights": self.weights.ravel()}
        arrays |= {} if self.bias is None else {"last_biases": self.bias}
        return [ConstantArray("float", name, x.astype(np.float32)) for name, x in arrays.items()]

    def memory(self, whole: bool) -> int:
        """The bytes that learning needs: for the layer itself, and for its sums."""
        outputs = len(self.weights)
        biases = 0 if self.bias is None else 4 * outputs
        return self.weights.size * (2 if whole else 4) + biases + 4 * whole + 4 + 4 * outputs


@dataclass(frozen=True, eq=False)
class SlopesOfSums:
    """The rule that computes the slopes from the layer's sums and the targets."""

    rule: Rule
    sums: Node
    wanted: Node


def last_layer(trained: TrainedNet) -> LastLayer:
    """Return the last dense layer, if it can learn, or raise an error with the reason."""
    stripped = strip_idle(trained)
    place = _place(stripped)
    layer, makers = stripped.layers[place], row_makers(trained)
    _require(len(trained.output) == 1, "this network answers at every step")
    _require(not stripped.is_shared(layer), "its weights are used elsewhere too")
    _require(layer.layer.bias is not Bias.SHARED, "its outputs share a bias")
    last = makers[-1]
    _require(
        last.work is Work.SUMS and last.scale is None and last.reads == (len(makers) - 2,),
        "what it reads isn't made right before it",
    )
    assert last.weights is not None
    weights = last.weights.reshape(len(last.weights), -1)
    slopes = _slopes(trained, stripped.layers[place + 1 :], len(weights))
    return LastLayer(tuple(makers[:-1]), last, weights, layer.tensors.get("bias"), slopes)


def _require(condition: bool, why: str) -> None:
    if not condition:
        raise TargetError(REFUSED.format(why=why))


def _place(trained: TrainedNet) -> int:
    """Find the layer: nothing after it has weights or reads anything but its result."""
    place = max(place for place, later in enumerate(trained.layers) if later.tensors)
    layer = trained.layers[place]
    dense = layer.is_plain_sum and layer.layer.reads_all
    _require(dense, f"'{layer.layer.text}' is the last one with weights")
    for later in trained.layers[place + 1 :]:
        plain = later.layer.elementwise and len(later.reads) == 1
        words = later.layer.text or later.layer.word
        _require(
            plain or later.layer.is_softmax or later.layer.passes_on, f"'{words}' stands behind it"
        )
    return place


def _slopes(trained: TrainedNet, after: Sequence[TrainedLayer], outputs: int) -> SlopesOfSums:
    """Apply the chain rule through the activation that follows the sums."""
    net, graph = trained.net, Graph()
    sums, wanted = (graph.leaf(Name(name), (outputs,), each=True) for name in "ot")
    before = value = sums
    for layer in after:
        site = LayerSite(
            graph, 0, None, Name("a"), Name("o"), layer.output, 1, outside=True, training=False
        )
        before, value = value, layer.layer.ops(site, [value], [])
    error = SampleError(net.objective, outputs, net.smoothing).of(value, before, wanted)
    slope = gradients(error, [sums])[sums]
    rule = Rule("the_last_layer", (slope,), {sums: 0, wanted: outputs}, (), {}, 0)
    return SlopesOfSums(rule, sums, wanted)


# In C -----------------------------------------------------------------------------


@dataclass
class SlopeWriting(RuleWriting):
    """Writes the function of the slopes; `wanted` writes the target of an output."""

    slopes: SlopesOfSums = field(kw_only=True)
    wanted: Callable[[str], str] = field(kw_only=True)

    def value_text(self, node: Node, index: Index, at: str = "") -> str:
        if node is self.slopes.sums:
            return f"last_sums[{index[0]}]"
        if node is self.slopes.wanted:
            return self.wanted(index[0])
        number = number_of(node)
        return (
            super().value_text(node, index, at) if number is None else self.wording.constant(number)
        )

    def _is_plain(self, node: Node) -> bool:
        return number_of(node) is not None or super()._is_plain(node)

    def _where(self, x: Node) -> str:
        return "last_sums" if x is self.slopes.sums else super()._where(x)

    def _computed(self, node: Node, index: Index, at: str) -> str:
        if node.op.name == "multiply":  # by 1, which begins the chain rule
            by = node.inputs[0]
            if (by.inputs[0] if by.op.name in ("spread", "reshape") else by).is_constant(1):
                return self.value_text(node.inputs[1], index, at)
        return super()._computed(node, index, at)

    def _declare(self, node: Node) -> None:
        name = self._fresh(f"{spoken(node, 'part')}s")
        self._line(f"total {name}[{max(node.shape, default=1)}];")
        self.arrays[node] = name

    def _keep(self, node: Node, expression: str, index: Index) -> None:
        self._line(f"slopes[{index[0]}] = {expression};")


@dataclass(frozen=True)
class WantedInC:
    """The target of a sample: the parameter, and the expression for an output's target."""

    parameter: str
    target: Callable[[str], str]
    classes: int = 0  # the number of classes; 0 if numbers are predicted


def wanted_in_c(trained: TrainedNet, truth: str) -> WantedInC:
    """Write a class or unscaled numbers as targets; `truth` converts a condition to 1 or 0."""
    if trained.classes:
        several = trained.net.outputs > 1
        says = "{} == wanted" if several else "wanted"
        classes = len(trained.classes)
        return WantedInC("int wanted", lambda k: truth.format(says.format(k)), classes)
    deviation, mean = trained.spread
    several = trained.net.outputs > 1
    parameter = "const float *wanted" if several else "float wanted"

    def target_text(k: str) -> str:
        target = f"wanted[{k}]" if several else "wanted"
        is_plain = trained.spread == (1.0, 0.0)
        return (
            target if is_plain else f"({target} - {spelt(float(mean))}) / {spelt(float(deviation))}"
        )

    return WantedInC(parameter, target_text)


def learning_in_c(
    last: LastLayer,
    text: str,
    wording: OpWords,
    wanted: WantedInC,
    words: Mapping[str, object],
    **marks: bool,
) -> str:
    """Fill in a piece of runtime/."""
    slopes = last.slopes
    writing = SlopeWriting(last.maker, slopes.rule, wording, slopes=slopes, wanted=wanted.target)
    writing.write()
    fields = {
        "SLOPES": "\n".join(writing.lines),
        "WANTED": wanted.parameter,
        "CLASSES": wanted.classes,
        "LAST_SUMS": len(last.weights),
        "LAST_WEIGHTS": last.weights.size,
        "LAST_READS": last.weights.shape[1],
    }
    marks |= {"bias": last.bias is not None, "class": wanted.classes > 0}
    return fill(text, {**fields, **words}, **marks)


def float_learning(
    last: LastLayer, answers: TrainedNet, sample: str, bent: str, wording: OpWords
) -> str:
    """Write the layer that learns; `bent` is its activation of a SUM."""
    answered = bent.replace("SUM", "last_sums[k]")
    if answers.spread != (1.0, 0.0):
        deviation, mean = map(spelt, map(float, answers.spread))
        answered = f"{deviation} * {answered} + {mean}"
    parameter, filling = argument_name(answers), answers.filling
    words = {
        "ANSWERED": answered,
        "GIVEN": f"const {sample} *{parameter}",
        "NUMBERS": parameter,
        "COUNT": 0 if filling is None else filling.size,
        "READY": parameter if filling is None else "complete",
    }
    marks = {"filled": filling is not None, "changed": answered != "last_sums[k]"}
    wanted = wanted_in_c(answers, "(float)({})")
    return learning_in_c(last, piece("learning_floats"), wording, wanted, words, **marks)


def told_of(name: str) -> str:
    """Describe the functions for learning."""
    return f"{name}_learn lets the last layer learn, {name}_forget forgets that"
