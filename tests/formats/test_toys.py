"""Other programs' formats say a made-up normalisation and activation, or that they can't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from gradbook.errors import TargetError
from gradbook.formats.keras.write import keras_bytes
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.formats.torch.write import module_source
from gradbook.graph.tensors import spread, sum_last
from gradbook.graph.window import Window
from gradbook.layers import KINDS, ParameterSpec, Role, StatementForm
from gradbook.layers.card import Layer
from gradbook.layers.norms import EPSILON
from gradbook.net import parse
from tests.formats.keras import test_writer as keras_writer
from tests.formats.onnx import test_writer as onnx_writer
from tests.formats.torch.test_module import module_of
from tests.toys import PairNorm
from tests.trained import by_the_graph, drawn, trained_of

pytestmark = pytest.mark.usefixtures("toys")
NET = "input 1x6x6; conv 4 3x3; pairnorm; wavy; flatten; dense 4; pairnorm epsilon 0.1; dense 2"


def given() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (5, 1, 6, 6)).astype(np.float32)


def expected() -> np.ndarray:
    return by_the_graph(parse(NET), drawn(parse(NET)), given())


@pytest.mark.witness("onnx", "onnxruntime")
def test_onnx_says_them():
    content = onnx_bytes(trained_of(parse(NET)))
    np.testing.assert_allclose(onnx_writer.said(content, given()), expected(), atol=1e-5)


@pytest.mark.witness("keras", "torch")
def test_keras_says_them():
    found = keras_writer.said(keras_bytes(trained_of(parse(NET))), keras_writer.last(given()))
    np.testing.assert_allclose(found, expected(), atol=1e-5)


@pytest.mark.witness("torch")
def test_pytorch_says_them():
    import torch

    found = module_of(trained_of(parse(NET)))(torch.tensor(given())).detach().numpy()
    np.testing.assert_allclose(found, expected(), atol=1e-5)


@dataclass(frozen=True)
class Softsign(Layer):
    """x over 1 + |x|, said with what every format has."""

    word: ClassVar[str] = "softsign"
    letter: ClassVar[str] = "sg"
    elementwise: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("softsign", (), ("x/(1+|x|)",)),)

    def at_a_place(self, given, parameters=()):
        (x,) = given
        return x / (1 + x.graph.make("choose", x, x, -x))


@dataclass(frozen=True)
class UnitNorm(Layer):
    """All values of a sample over the root of the sum of their squares."""

    word: ClassVar[str] = "l2norm"
    letter: ClassVar[str] = "u"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("l2norm", (), ("over size",)),)

    def ops(self, site, given, parameters):
        (x,) = given
        size = site.make("sqrt", sum_last(x**2, len(x.shape)) + 1e-6)
        return x / spread(size, x.shape)


@dataclass(frozen=True)
class StripeNorm(PairNorm):
    """Over every other channel, which no other program has."""

    word: ClassVar[str] = "stripenorm"
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm("stripenorm", (EPSILON,), ("over every other value",)),
    )

    def members(self, shape):
        return super().members(shape)[:, ::-1]


@dataclass(frozen=True)
class Highway(Layer):
    """Of each value a share that a gate takes of new ones, and what is left of itself."""

    word: ClassVar[str] = "highway"
    letter: ClassVar[str] = "hw"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("highway", (), ("gated",)),)

    def parameters(self, shape):
        square, fans = (*shape, *shape), (*shape, *shape)
        return tuple(
            spec
            for part in ("new", "gate")
            for spec in (
                ParameterSpec(Role.WEIGHT, square, fans, part=part),
                ParameterSpec(Role.BIAS, shape, part=part),
            )
        )

    def ops(self, site, given, parameters):
        (x,), (new, bias, gate, shift) = given, parameters
        made = site.make("tanh", site.make("linear", new, x) + bias)
        share = site.make("sigmoid", site.make("linear", gate, x) + shift)
        return share * made + (1 - share) * x


@dataclass(frozen=True)
class Maxout(Layer):
    """At each place the larger of two sums of its channels."""

    word: ClassVar[str] = "maxout"
    letter: ClassVar[str] = "mx"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("maxout", (), ("larger",)),)

    def parameters(self, shape):
        fans = (shape[0], shape[0])
        square = (*fans, 1, 1)
        return tuple(ParameterSpec(Role.WEIGHT, square, fans, part=part) for part in ("a", "b"))

    def ops(self, site, given, parameters):
        (x,) = given
        both = (site.make("conv", w, x, attributes=(Window((1, 1)), 1)) for w in parameters)
        return site.make("largest", *both)


CARDS = [Softsign, UnitNorm, StripeNorm, Highway, Maxout]
ALL_OF_THEM = (
    "input 1x6x6; conv 4 3x3; stripenorm; maxout; softsign; l2norm; flatten; dense 4; highway; "
    "l2norm; softsign; dense 2"
)


@pytest.mark.witness("onnx", "onnxruntime", "keras", "torch")
@pytest.mark.parametrize("format", ["onnx", "keras", "torch"])
def test_cards_that_no_format_has_a_layer_for_are_said_by_their_ops(format, monkeypatch):
    monkeypatch.setattr("gradbook.layers.KINDS", [*KINDS, *CARDS])
    net, inputs = parse(ALL_OF_THEM), given()
    match format:
        case "onnx":
            found = onnx_writer.said(onnx_bytes(trained_of(net)), inputs)
        case "keras":
            found = keras_writer.said(keras_bytes(trained_of(net)), keras_writer.last(inputs))
        case _:
            import torch

            found = module_of(trained_of(net))(torch.tensor(inputs)).detach().numpy()
    np.testing.assert_allclose(found, by_the_graph(net, drawn(net), inputs), atol=1e-5)


@dataclass(frozen=True)
class Sorted(Layer):
    """What no format has words for."""

    word: ClassVar[str] = "sorted"
    letter: ClassVar[str] = "so"
    forms: ClassVar[tuple[StatementForm, ...]] = (StatementForm("sorted", (), ("in order",)),)

    def ops(self, site, given, parameters):
        return site.make("winners", given[0], attributes=(Window((1, 1)),))


@pytest.mark.witness("onnx", "keras")
@pytest.mark.parametrize("write", [onnx_bytes, keras_bytes, module_source])
def test_what_a_format_has_no_words_for_is_refused_in_one_line(write, monkeypatch):
    monkeypatch.setattr("gradbook.layers.KINDS", [*KINDS, Sorted])
    net = parse("input 1x6x6; sorted; flatten; dense 2")
    said = r"^sorted1: .* has no words for sorted, which is made with winners: .* another format$"
    with pytest.raises(TargetError, match=said):
        write(trained_of(net))
