"""A trained network in C with floats: the probability of each class, or the predicted numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gradbook.graph.node import Node
from gradbook.layers import Layer
from gradbook.layers.activations import GELU_CUBE, GELU_SCALE
from gradbook.lowering import OTHER_FORMAT, Vocabulary
from gradbook.net.trained import TrainedNet, with_answers
from gradbook.targets.c_words import words_in_c
from gradbook.targets.portable.answer_functions import argument_type, float_ending
from gradbook.targets.portable.c_text import ConstantArray, fill, piece, spelt, switch
from gradbook.targets.portable.file_parts import BoardProgram, Dialect, program
from gradbook.targets.portable.makers import NORMING, RowMaker, Work, row_makers
from gradbook.targets.portable.rules_in_c import OpWords, RuleWriting
from gradbook.targets.portable.schedule import stream_of

WORDS = {  # ops of inputs and attributes, each of which is a name or a number
    **words_in_c("{}f".format),
    "normal_share": "0.5f * erfcf(-0.70710678f * {0})",
    "leaky_relu": "{0} > 0 ? {0} : {1} * {0}",
    "sigmoid": "1 / (1 + expf(-{0}))",
    "relu6": "{0} > 0 ? ({0} < 6 ? {0} : 6) : 0",
    "elu": "{0} > 0 ? {0} : expm1f({0})",
    "gelu": f"0.5f * {{0}} * (1 + tanhf({spelt(GELU_SCALE)} * {{0}} * "
    f"(1 + {spelt(GELU_CUBE)} * {{0}} * {{0}})))",
    "exact_gelu": "0.5f * {0} * erfcf(-0.70710678f * {0})",
    "silu": "{0} / (1 + expf(-{0}))",
    "hard_swish": "{0} > -3 ? ({0} < 3 ? {0} * ({0} + 3) / 6 : {0}) : 0",
}
SQUARE = "{0} * {0}"
SAYS = Vocabulary("C", frozenset(WORDS), OTHER_FORMAT)


def float_program(trained: TrainedNet, name: str) -> BoardProgram:
    """Write a file with `int NAME_predict(const uint8_t *image, float *probabilities)`.

    A table's columns are given as floats. A single number is returned (`float NAME_predict(…)`),
    several are written (`void NAME_predict(…, float *outputs)`).
    """
    answers = with_answers(trained)
    makers = row_makers(answers, by_tables=True)
    names = {part.layer.with_numbers(part.tensors): part.name for part in reversed(answers.layers)}
    bending = [maker.activation for maker in makers]
    activations = {layer: names[layer] if layer else "" for layer in bending}
    numbers = {layer: number for number, layer in enumerate(activations)}
    fields: dict[str, tuple[str, Sequence[int | str]]] = {
        "activation": ("uint8_t", [numbers[maker.activation] for maker in makers])
    }
    if any(maker.work in NORMING for maker in makers):
        fields["epsilon"] = ("float", [spelt(float(maker.epsilon)) for maker in makers])
    frames = [maker.window.size[0] for maker in makers if maker.work is Work.WAVES]
    sample = argument_type(trained)
    dialect = Dialect(
        value="float",
        total="float",
        sample=sample,
        edge="0",
        tables=[
            _of_channels(makers, "scale", 1),
            _of_channels(makers, "shift", 0),
        ],
        keep=fill(piece("keep_floats"), {"ACTIVATIONS": _activations(activations)}),
        works=("work_floats",),
        sizes={"FRAME": max(frames)} if frames else {},
        name=name,
        fields=fields,
        includes=("math.h",),
        rules={
            number: RuleWriting(maker, maker.rule, FLOAT_WORDS).rule_in_c()
            for number, maker in enumerate(makers)
            if maker.rule is not None
        },
        tokens=bool(trained.token_count),
    )
    weights = [None if m.weights is None else m.weights.astype(np.float32) for m in makers]
    ending = float_ending(answers, name, sample, stream_of(makers))
    return program(makers, weights, dialect, ending)


def _of_channels(makers: Sequence[RowMaker], name: str, otherwise: float) -> ConstantArray:
    """A table of each maker's numbers for each of its channels."""
    every = [getattr(maker, name) for maker in makers]
    filled = [
        np.full(maker.shape[2], otherwise) if numbers is None else numbers
        for maker, numbers in zip(makers, every, strict=True)
    ]
    return ConstantArray("float", f"{name}s", np.concatenate(filled).astype(np.float32))


def _activations(activations: Mapping[Layer | None, str]) -> str:
    """Write all activations of x, by number."""
    cases = {
        str(number): _body(layer, name)
        for number, (layer, name) in enumerate(activations.items())
        if layer is not None
    }
    return switch("activation", cases, "return x;").rstrip()


def _body(layer: Layer, name: str) -> str:
    """Write an activation of x: as one expression, or as several steps if C has no name for it."""
    steps = SAYS.steps(layer, name)
    terms = {steps[0]: "x"}
    lines: list[str] = []
    for node in steps[1:]:
        if node.is_constant():
            terms[node] = spelt(node.number)
            continue
        text = _expression(node, [terms[source] for source in node.inputs])
        terms[node] = text if node is steps[-1] else f"t{len(lines) + 1}"
        if node is not steps[-1]:
            lines.append(f"        const float {terms[node]} = {text};\n")
    opening, closing = (" {", "\n    }") if lines else ("", "")
    return f"{opening}\n{''.join(lines)}        return {terms[steps[-1]]};{closing}"


def _expression(node: Node, terms: Sequence[str]) -> str:
    squares = node.op.name == "power" and node.inputs[1].is_constant(2)
    words = SQUARE if squares else WORDS[node.op.name]
    numbers = (spelt(number) for number in node.attributes if isinstance(number, float))
    return words.format(*terms, *numbers)


FLOAT_WORDS = OpWords(SAYS, _expression, spelt)
