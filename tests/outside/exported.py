"""Exports opened by the programs that they are for: each predicts what the model predicts.

`case(number)` is a network of `tests.every_card` as a model with random weights, and samples as
`predict` takes them; `opened(export, case, folder)` is what the other program makes of those.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gradbook.data.tables import Column
from gradbook.errors import GradbookError
from gradbook.graph.node import Node, ancestors
from gradbook.lab.models.answers import probabilities
from gradbook.lab.models.exporting import FORMATS
from gradbook.lab.models.model import Model
from gradbook.lab.models.table_columns import TableColumns
from gradbook.layers.card import AnswerKind
from gradbook.net import Loss, Net
from gradbook.net.build import inference
from gradbook.net.network import parse
from tests.every_card import network
from tests.targets.portable.compiled import called
from tests.trained import by_the_graph, drawn, is_rounded_alike, outputs

SAMPLES = 5
ROUNDING = 1e-7  # of any value, to be sure
ATTEMPTS = 60
TOLERANCE = 1e-5
MOST = 1e4


@dataclass(frozen=True, eq=False)
class Case:
    """A model of a random network, and samples for it."""

    number: int
    model: Model
    given: np.ndarray  # as `predict` takes it

    @property
    def net(self) -> Net:
        return self.model.net

    @cached_property
    def expected(self) -> np.ndarray:
        return self.model.predict(self.given)

    @cached_property
    def prepared(self) -> np.ndarray:
        """The network's own inputs."""
        return prepared(self.model, self.given)

    def read_by(self, bare: bool, axes: int) -> np.ndarray:
        """What a file reads: its own inputs if it is `bare`, but tokens by number if it has that
        many axes."""
        return self.prepared if bare and not (self.net.tokens and axes == 2) else self.given

    def is_close(self, found: np.ndarray, expected: np.ndarray | None = None) -> bool:
        expected = self.expected if expected is None else expected
        if found.shape != expected.shape:
            return False
        size = max(1, float(abs(expected).max()))
        return bool(np.all(abs(found - expected) <= TOLERANCE * size))


def case(number: int) -> Case | None:
    """The network of this number with weights that don't amplify rounding; None if there are none.

    What an exported file makes of it may differ as rounding does: so a network that turns the last
    bits of its weights into large differences says nothing.
    """
    net = network(number)
    for attempt in range(ATTEMPTS):
        seed = number * ATTEMPTS + attempt
        model, given = model_of(net, seed), given_to(net, seed)
        if is_steady(model, given, seed):
            return Case(number, model, given)
    return None


def given_to(net: Net, seed: int) -> np.ndarray:
    """Bytes of images, tokens, steps or rows of numbers."""
    random = np.random.default_rng(seed)
    if len(net.input) == 3:
        return random.integers(0, 256, (SAMPLES, *net.input), np.uint8)
    if net.tokens:
        return random.integers(0, net.input[1], (SAMPLES, net.input[0]))
    return random.normal(3, 2, (SAMPLES, *net.input)).astype(np.float32)


def model_of(net: Net, seed: int) -> Model:
    """A model as a training leaves it: of images, or of a table's rows, some of whose columns only
    have an order."""
    random = np.random.default_rng(seed)
    values, count = drawn(net, seed), net.outputs
    at_steps = len(net.shapes[-1]) > 1
    is_one = count > 1 and net.answer_kind is AnswerKind.CHANCES and seed % 2  # of several labels
    classes = ()
    if not at_steps and not is_one and net.loss in (Loss.CROSS, Loss.BINARY):
        classes = tuple(map(str, range(net.class_count)))
    labels = not at_steps and not classes and net.loss is Loss.BINARY
    about: Mapping[str, Any] = {"labels": True} if labels else {}
    if len(net.input) == 3:
        means, deviations = random.uniform(0.1, 0.6, (2, net.input[0])).tolist()
        return Model(net, values, means, deviations, classes, about)
    width = prod(net.input)
    mean, deviation = np.zeros(width), np.ones(width)
    if not net.tokens:
        mean, deviation = random.uniform(2, 4, width), random.uniform(1, 3, width)
    spread = (0.0, 1.0) if classes or labels or count > 1 else (30.0, 12.5)  # as `rows_problem` has
    names = () if classes or count == 1 else tuple(f"y{k}" for k in range(count))
    columns = TableColumns(
        tuple(Column(f"c{k}") for k in range(width)),
        Column("kind", classes),
        *spread,
        names,
        by_place=net.tokens or bool(seed % 2),
    )
    return Model(net, values, mean, deviation, classes, about, columns=columns)


def prepared(model: Model, given: np.ndarray) -> np.ndarray:
    net = model.net
    if model.columns is None:
        across = (-1, 1, 1)
        mean, deviation = (np.reshape(one, across) for one in (model.mean, model.deviation))
        return (given / 255 - mean) / deviation
    rows = np.eye(net.input[1])[given] if net.tokens else given
    rows = (rows.reshape(len(rows), -1) - model.mean) / model.deviation
    return rows.reshape(-1, *net.input)


def is_steady(model: Model, given: np.ndarray, seed: int) -> bool:
    """Whether the last bits of every value on the way hardly matter."""
    random = np.random.default_rng(seed)
    inputs, net = prepared(model, given), model.net
    exact = by_the_graph(net, dict(model.values), inputs)
    if not np.isfinite(exact).all() or abs(exact).max() > MOST:
        return False
    if not is_rounded_alike(net, dict(model.values), inputs):
        return False
    for _ in range(3):
        near = roughly(net, model.values, inputs, random)
        pairs = [(exact, near.reshape(exact.shape))]
        if model.classes:
            pairs.append((probabilities(net, exact), probabilities(net, pairs[0][1])))
        if not all(abs(a - b).max() <= TOLERANCE / 4 * max(1, abs(a).max()) for a, b in pairs):
            return False
    return True


def roughly(
    net: Net, values: Mapping[str, np.ndarray], inputs: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """What the graph's own evaluation gives if each value is off by about a float's last bits, of
    the largest value beside it."""
    forward = inference(net)
    known: dict[Node, np.ndarray] = {forward.inputs: inputs}
    for node in ancestors([forward.outputs]):
        value = known.get(node)
        if value is None and node.op.name == "leaf":
            value = np.asarray(values[str(node.name)], float)
        elif value is None:
            value = node.op.value(*(known[source] for source in node.inputs), *node.attributes)
            if node.each and np.ndim(value) <= len(node.shape):
                value = np.broadcast_to(value, (len(inputs), *node.shape))
        if node.op.name != "constant" and np.size(value):
            most = np.abs(value).max()
            value = value + ROUNDING * most * random.normal(size=np.shape(value))
        known[node] = value
    return np.asarray(known[forward.outputs])


# Each as its own program reads it ----------------------------------------------------


def by_keras(file: Path, case: Case, bare: bool = False) -> np.ndarray:
    os.environ.update(KERAS_BACKEND="torch", KERAS_HOME=str(file.parent))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

        network = keras.models.load_model(file)
        given = case.read_by(bare, network.input.ndim)
        given = np.moveaxis(given, 1, -1) if given.ndim == 4 else given
        said = network(given.astype(network.input.dtype), training=False)
    return np.asarray(said.detach())


def by_onnxruntime(file: Path, case: Case, bare: bool = False) -> np.ndarray:
    from onnxruntime import InferenceSession

    session = InferenceSession(file)
    (wanted,) = session.get_inputs()
    given = case.read_by(bare, len(wanted.shape))
    given = given[:, 0] if given.ndim == 4 > len(wanted.shape) else given
    kinds = {"tensor(float)": "f4", "tensor(uint8)": "u1", "tensor(int64)": "i8"}
    found: np.ndarray = session.run(None, {wanted.name: given.astype(kinds[wanted.type])})[0]
    return found


def by_pytorch(file: Path, case: Case) -> np.ndarray:
    import torch

    spec = spec_from_file_location("exported", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    answers = module.probabilities if case.model.classes else module.answers
    found: np.ndarray = answers(module.load(), torch.tensor(case.given)).numpy()
    return found


def by_numpy(file: Path, case: Case) -> np.ndarray:
    found: np.ndarray = runpy.run_path(str(file))["predict"](case.given)
    return found


def by_a_compiler(file: Path, case: Case) -> np.ndarray:
    kind = np.float32 if case.model.columns and not case.net.tokens else np.uint8
    given = case.given.astype(kind)
    _, found = called(file.read_text("utf-8"), "net", given, case.expected.shape[1])
    at_steps = len(case.net.shapes[-1]) > 1
    if at_steps and case.net.answer_kind is AnswerKind.LOGARITHMS:  # it says how sure it is
        with np.errstate(divide="ignore"):
            return np.log(found)
    return found


def by_its_tensors(file: Path, case: Case) -> np.ndarray:
    """The layers that it lists, one after the other, with its tensors."""
    if file.suffix == ".npz":
        tensors = dict(np.load(file))
        about = json.loads(str(tensors.pop("gradbook.json")))
    else:
        about = json.loads(file.read_text("utf-8"))
        tensors = {
            name: np.reshape(one["values"], one["shape"]) for name, one in about["tensors"].items()
        }
    trained = case.model.trained()
    assert parse(about["network"]) == case.net
    assert [one["reads"] for one in about["layers"]] == [[*one.reads] for one in trained.layers]
    layers = tuple(
        replace(layer, tensors=_by_word(layer.tensors, one["tensors"], tensors))
        for layer, one in zip(trained.layers, about["layers"], strict=True)
    )
    return outputs(replace(trained, layers=layers), case.prepared)


def _by_word(
    words: Mapping[str, Any], names: list[str], tensors: Mapping[str, Any]
) -> dict[str, Any]:
    return {word: tensors[name] for word, name in zip(words, names, strict=True)}


@dataclass(frozen=True)
class Export:
    """What is written, and how it is read."""

    ending: str
    needs: tuple[str, ...]
    read: Callable[..., np.ndarray]
    options: Mapping[str, Any]
    bare: bool = False  # whether it has the network's own inputs and outputs


WITH = {"with_preparation": True}
EXPORTS = {
    ".keras": Export(".keras", ("keras", "torch"), by_keras, WITH),
    ".keras, bare": Export(".keras", ("keras", "torch"), by_keras, {}, bare=True),
    ".onnx": Export(".onnx", ("onnx", "onnxruntime"), by_onnxruntime, WITH),
    ".onnx, unfolded": Export(
        ".onnx", ("onnx", "onnxruntime"), by_onnxruntime, {"fold": False, **WITH}
    ),
    ".onnx, bare": Export(".onnx", ("onnx", "onnxruntime"), by_onnxruntime, {}, bare=True),
    ".py": Export(".py", ("torch",), by_pytorch, {}),
    ".numpy.py": Export(".numpy.py", (), by_numpy, {}),
    ".c": Export(".c", ("cc",), by_a_compiler, {}),
    ".h": Export(".h", ("cc",), by_a_compiler, {}),
    ".json": Export(".json", (), by_its_tensors, {}, bare=True),
    ".npz": Export(".npz", (), by_its_tensors, {}, bare=True),
}
OTHERS = {".ino": "its network is the .h", ".txt": "it has no weights"}
assert {one.ending for one in EXPORTS.values()} | OTHERS.keys() == FORMATS.keys()


@dataclass(frozen=True)
class Outcome:
    """Whether an export computes what the model computes; else what it does, or why not."""

    kind: str  # same | refused | wrong | broken
    detail: str = ""

    @property
    def reason(self) -> str:
        """The detail without the names and numbers of one network."""
        return re.sub(r"[a-z_]*[a-z]\d+|\b\d+(x\d+)*\b", "N", self.detail)


def opened(name: str, case: Case, folder: Path) -> Outcome:
    """Export the case and have it read."""
    export = EXPORTS[name]
    try:
        file = case.model.export(folder / f"net{export.ending}", **export.options).files[0]
        if export.bare:
            expected = by_the_graph(case.net, dict(case.model.values), case.prepared)
            bare = {} if export.read is by_its_tensors else {"bare": True}
            found = export.read(file, case, **bare)
        else:
            expected, found = case.expected, export.read(file, case)
            found = found.reshape(expected.shape) if found.size == expected.size else found
    except GradbookError as error:
        return Outcome("refused", error.message)
    except Exception as error:
        words = " ".join(str(error).split())
        return Outcome("broken", f"{type(error).__name__}: {words[:300]}")
    if case.is_close(np.asarray(found), expected):
        return Outcome("same")
    if found.shape != expected.shape:
        return Outcome("wrong", f"its shape is {found.shape}, not {expected.shape}")
    return Outcome("wrong", f"off by {np.abs(found - expected).max():.2g}")
