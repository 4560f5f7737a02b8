"""The module's class: a line for each layer with parameters, and the forward pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.formats.expressions import Expression, places, put_into
from gradbook.formats.gates import is_known
from gradbook.formats.layer_ops import ops_of
from gradbook.formats.torch.modules import TorchWords, words_of
from gradbook.formats.torch.op_words import SAYS, TorchOps
from gradbook.layers import Attention
from gradbook.layers.activations import Quantize
from gradbook.layers.norms import BatchNorm
from gradbook.layers.sequences import Recurrent
from gradbook.net.trained import ByFeature, ByStep, TrainedLayer, TrainedNet

ROOM = "gradbook.formats.torch"
WIDEST = 88  # characters of a line
TO_STEPS, TO_ROW = "{0}.squeeze(2).movedim(1, 2)", "{0}.movedim(1, 2).unsqueeze(2)"
X = Expression("x")
WORDS = {
    "dense": "fc",
    "batchnorm": "bn",
    "groupnorm": "gn",
    "layernorm": "ln",
    "placenorm": "pn",
}  # PyTorch users' names for these layers


def functions(room: str) -> dict[str, str]:
    """Return the sections of the folder's functions.txt, by name."""
    text = (files(room) / "functions.txt").read_text("utf-8")
    _, *parts = re.split(r"^=== (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def function_source(name: str, room: str = ROOM, /, **values: object) -> str:
    """Return the section of functions.txt with this name, with values filled in.

    A line that begins with ?word: is kept if that word's value is true; with !word:, if it isn't.
    """
    lines = []
    for line in functions(room)[name].splitlines(keepends=True):
        condition = re.match(r"([?!])(\w+):", line)
        if condition is None:
            lines.append(line)
        elif bool(values.get(condition[2])) == (condition[1] == "?"):
            lines.append(line[condition.end() :])
    return Template("".join(lines)).substitute(values)


def class_name(trained: TrainedNet) -> str:
    """Name the class, such as QuickNet for the network quick."""
    words = re.findall(r"[A-Za-z0-9]+", trained.net.name)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return f"{name}Net" if name and not name[0].isdigit() else "Network"


def torch_name(layer: TrainedLayer) -> str:
    """Name the layer as in PyTorch: conv1, bn2, fc1."""
    word = layer.name.rstrip("0123456789")
    return WORDS.get(word, word) + layer.name[len(word) :]


def module_name(layer: TrainedLayer) -> str:
    """Name the module to call: the first use's, unless the layer keeps its own statistics."""
    if layer.again and not isinstance(layer.layer, BatchNorm):
        return torch_name(replace(layer, name=layer.again))
    return torch_name(layer)


def all_words(trained: TrainedNet) -> dict[str, TorchWords]:
    """Describe each layer in PyTorch, by its name."""
    uses: dict[str, list[TrainedLayer]] = {}
    for layer in trained.layers:
        uses.setdefault(module_name(layer), []).append(layer)
    return {
        layer.name: _words(trained, layer, uses[module_name(layer)]) for layer in trained.layers
    }


def _words(trained: TrainedNet, layer: TrainedLayer, uses: list[TrainedLayer]) -> TorchWords:
    """Describe a layer; one without a PyTorch module gets its tensors as parameters."""
    if isinstance(layer.layer, ByFeature | ByStep):
        return TorchWords()
    if words := words_of(layer, uses):
        return words
    ops_of(trained, layer, SAYS)  # raises an error for an op without a PyTorch call
    parameters = {
        name: f"nn.Parameter(torch.zeros({a.shape}))" for name, a in layer.tensors.items()
    }
    tensors = {f"_{name}": array for name, array in layer.tensors.items()}
    in_steps = None if layer.layer.elementwise and not layer.tensors else False
    return TorchWords("", tensors=tensors, in_steps=in_steps, begins=True, parameters=parameters)


def state_dict(trained: TrainedNet) -> dict[str, NDArray[Any]]:
    """Return the tensors under PyTorch's own names, as safetensors takes them: row by row."""
    words = all_words(trained)
    return {
        f"{module_name(layer)}{ending}": np.asarray(
            array, array.dtype if array.dtype == np.int64 else "f4", order="C"
        )
        for layer in trained.layers
        for ending, array in words[layer.name].tensors.items()
    }


def few_bits(trained: TrainedNet) -> bool:
    """Whether any of its weights have few bits."""
    return any(layer.layer.bits for layer in trained.layers)


def module_source(trained: TrainedNet) -> str:
    """Return the class as it is written in the file."""
    words = all_words(trained)
    modules = (write_assignment(f"self.{name}", call, 8) for name, call in _modules(trained, words))
    few = [function_source("few bits"), ""] if few_bits(trained) else []
    if any(isinstance(layer.layer, Quantize) for layer in trained.layers):
        few += [function_source("rounded values"), ""]
    lines = [
        *few,
        f"class {class_name(trained)}(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *modules,
        *(f"        {line}" for line in _fixed(trained, words)),
        "",
        "    def forward(self, x):",
        *(f"        {line}" for line in _Way(trained, words).write()),
    ]
    return "\n".join(lines) + "\n"


def write_assignment(name: str, call: str, indent: int) -> str:
    """Write an assignment, in three lines if one would be too long."""
    margin = " " * indent
    line = f"{margin}{name} = {call}"
    if len(line) <= WIDEST:
        return line
    word, _, arguments = call.partition("(")
    return f"{margin}{name} = {word}(\n{margin}    {arguments[:-1]}\n{margin})"


def _modules(trained: TrainedNet, words: dict[str, TorchWords]) -> Iterator[tuple[str, str]]:
    """Yield each module and parameter, and the call that makes it."""
    for layer in trained.layers:
        if (name := torch_name(layer)) != module_name(layer):
            continue
        if module := words[layer.name].init:
            yield name, module
        for tensor, module in words[layer.name].parameters.items():
            yield f"{name}_{tensor}", module


def _fixed(trained: TrainedNet, words: dict[str, TorchWords]) -> Iterator[str]:
    """Yield the lines for buffers, fixed parameters and parameters that normalisations share."""
    for layer in trained.layers:
        module, described = f"self.{torch_name(layer)}", words[layer.name]
        for name, buffer in described.buffers.items():
            line = f'self.register_buffer("{name}", {buffer}, persistent=False)'
            fits = len(line) <= WIDEST - 8
            inside = f'    "{name}", {buffer}, persistent=False'
            yield from [line] if fits else ["self.register_buffer(", inside, ")"]
        if layer.again and isinstance(layer.layer, BatchNorm):
            first = torch_name(replace(layer, name=layer.again))
            for word in ("weight", "bias"):
                yield f"{module}.{word} = self.{first}.{word}"
        elif layer.again:
            continue
        if layer.layer.bits:
            bits = layer.layer.bits
            numbers = (bits.step, bits.highest, bits.of_mean, layer.layer.level_groups)
            few = f"FewBits({', '.join(map(str, numbers))})"
            register = "nn.utils.parametrize.register_parametrization"
            yield f'{register}({module}, "weight", {few})'
        for name in described.fixed:
            yield f"{module}.{name}.requires_grad_(False)"


@dataclass
class _Way:
    """The lines of `forward`: a statement for each layer with weights and what follows it."""

    trained: TrainedNet
    words: dict[str, TorchWords]
    lines: list[str] = field(default_factory=list)
    now: Expression = X  # the current one
    in_steps: bool = False  # whether it is steps x features, as PyTorch's sequences are
    skips_in_steps: dict[int, bool] = field(default_factory=dict)  # whether each kept value is, too

    @cached_property
    def _skipped(self) -> dict[int, Expression]:
        """The variables of the values that are read again later."""
        layers = enumerate(self.trained.layers)
        values = sorted(
            {value for place, layer in layers for value in layer.reads if value != place}
        )
        return {value: Expression(f"skip{number}") for number, value in enumerate(values, 1)}

    def write(self) -> list[str]:
        self._remember(0)
        for number, layer in enumerate(self.trained.layers, 1):
            if number - 1 not in layer.reads:
                first = layer.reads[0]
                self.now, self.in_steps = self._skipped[first], self.skips_in_steps[first]
            self._say(layer)
            self._remember(number)
        self.lines.append(f"return {self.now.text}")
        return self.lines

    def _say(self, layer: TrainedLayer) -> None:
        if isinstance(layer.layer, ByFeature):  # PyTorch's modules read it as it is
            self.in_steps = True
            return
        words, to_steps = self.words[layer.name], isinstance(layer.layer, ByStep)
        fitting = self.in_steps if words.in_steps is None else words.in_steps
        self._lay_out(to_steps or fitting)
        if to_steps:
            return
        if words.begins:
            self._settle()
        longer = self._around(layer, words, self.now)
        if len(longer.text) > WIDEST - len("        return "):
            self._settle()
            longer = self._around(layer, words, self.now)
        self.now = longer
        recurrent = (
            layer.layer if isinstance(layer.layer, Recurrent) and is_known(layer.layer) else None
        )
        if recurrent or isinstance(layer.layer, Attention):  # only the first of two results is read
            statement = write_assignment("x, _", self.now.text, 8)
            self.lines += [line[8:] for line in statement.split("\n")]
            self.now = X
        if recurrent and not recurrent.all:
            self.now, self.in_steps = put_into("{0}[:, -1]", X), False

    def _lay_out(self, in_steps: bool) -> None:
        if self.in_steps != in_steps:
            if len(self.now.text) > WIDEST // 2:
                self._settle()
            self.now = put_into(TO_STEPS if in_steps else TO_ROW, self.now)
            self.in_steps = in_steps

    def _settle(self) -> None:
        if self.now not in (X, *self._skipped.values()):
            self.lines.append(f"x = {self.now.text}")
            self.now = X

    def _remember(self, value: int) -> None:
        if value in self._skipped:
            self.skips_in_steps[value] = self.in_steps
            self._settle()
            self.lines.append(f"{self._skipped[value].text} = {self.now.text}")

    def _read(self, layer: TrainedLayer, x: Expression) -> list[Expression]:
        """Write the values that it reads, x for the latest, all in the same layout."""
        latest = self.trained.layers.index(layer)
        read = []
        for value in layer.reads:
            expression = x if value == latest else self._skipped[value]
            if value != latest and self.skips_in_steps[value] != self.in_steps:
                expression = put_into(TO_STEPS if self.in_steps else TO_ROW, expression)
            read.append(expression)
        return read

    def _as_wide(self, layer: TrainedLayer, x: Expression) -> list[Expression]:
        """Write the values that it reads; flat values become 1 x 1 maps if its result is a map."""
        values = zip(layer.reads, self._read(layer, x), strict=True)
        wide = len(layer.output)
        return [
            put_into("{0}[..., None, None]", x) if len(self.trained.shape(value)) < wide else x
            for value, x in values
        ]

    def _around(self, layer: TrainedLayer, words: TorchWords, x: Expression) -> Expression:
        """Wrap the expression in one more layer."""
        if not words.call:
            sources = dict(zip(layer.reads, self._read(layer, x), strict=True))
            return TorchOps(torch_name(layer), module_name(layer), self.lines).write(
                ops_of(self.trained, layer, SAYS), sources
            )
        values = self._as_wide(layer, x) if words.joins else [x]
        turned = words.turned and not self.in_steps
        if turned:
            values = [put_into("{0}.permute(0, 2, 3, 1)", x)]
        joined = words.joins.join(places(len(values)))
        called = put_into(words.call, *values, all=joined, module=f"self.{module_name(layer)}")
        return put_into("{0}.permute(0, 3, 1, 2)", called) if turned else called
