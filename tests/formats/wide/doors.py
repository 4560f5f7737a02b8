"""The doors by which an architecture of the wide list may come in, and whether it says the same.

Each door writes a file as its program does, reads it here, and holds what the network says
against what the framework said.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.onnx

from gradbook.errors import GradbookError
from gradbook.formats.file_kinds import read_network
from gradbook.formats.imported import ImportedNet
from tests.formats.wide.listed import ARCHITECTURES
from tests.trained import by_the_graph

CLOSE = 1e-5
BATCH = 3


def made(name: str) -> tuple[Any, torch.Tensor]:
    """The module at work, after normalisation has seen something; and some inputs."""
    torch.manual_seed(3)
    own = ARCHITECTURES[name]
    module = own.make()

    def drawn() -> torch.Tensor:
        if own.tokens:
            return torch.randint(own.tokens, (BATCH, *own.shape))
        return torch.rand(BATCH, *own.shape) * 2 - 0.5

    with torch.no_grad():
        for _ in range(3):
            module(drawn())
    return module.eval(), drawn()


# Doors: what writes a module and inputs for it to a path.


def by_tracing(module: Any, inputs: torch.Tensor, path: Path) -> None:
    torch.onnx.export(
        module, (inputs,), path, input_names=["x"], dynamic_axes={"x": {0: "N"}}, dynamo=False
    )


def by_dynamo(module: Any, inputs: torch.Tensor, path: Path) -> None:
    torch.onnx.export(module, (inputs,), path, dynamo=True, external_data=False, verbose=False)


def by_program(module: Any, inputs: torch.Tensor, path: Path) -> None:
    torch.export.save(torch.export.export(module, (inputs,)), path)


Door = Callable[[Any, torch.Tensor, Path], None]
DOORS: dict[str, tuple[Door, str]] = {
    "ONNX, traced": (by_tracing, "net.onnx"),
    "ONNX, dynamo": (by_dynamo, "net.onnx"),
    ".pt2": (by_program, "net.pt2"),
}
HERE = [name for name in DOORS if name != "ONNX, dynamo" or find_spec("onnxscript")]


def judged(
    name: str, door: str, folder: Path, of: Callable[[str], tuple[Any, torch.Tensor]] = made
) -> str:
    """Why an architecture doesn't come in by a door; nothing if it does and says the same."""
    write, file = DOORS[door]
    module, inputs = of(name)
    with torch.no_grad():
        expected = module(inputs).numpy()
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            write(module, inputs, folder / file)
    except torch.onnx.errors.OnnxExporterError as error:
        return f"PyTorch can't write it ({str(error).strip().partition(chr(10))[0]:.80})"
    try:
        found = read_network(folder / file)
    except GradbookError as error:
        return error.message
    return _difference(found, inputs.numpy(), expected)


def _difference(found: ImportedNet, inputs: np.ndarray, expected: np.ndarray) -> str:
    if found.net.tokens:
        inputs = np.eye(found.net.input[1])[inputs]
    given = inputs.reshape(len(inputs), *found.net.input).astype(float)
    if found.preparation is not None:
        by, shape = found.preparation, (-1, *(1,) * (len(found.net.input) - 1))
        given = (given - np.reshape(by.mean, shape)) / np.reshape(by.deviation, shape)
    said = by_the_graph(found.net, dict(found.values), given)
    if said.ndim == 4 and expected.ndim == 3:  # a sequence of ours, with features first
        said = said[:, :, 0].swapaxes(1, 2)
    if said.size != expected.size:
        return f"it says {said.shape[1:]} numbers, not {expected.shape[1:]}"
    off = float(abs(said - expected.reshape(said.shape)).max())
    return "" if off <= CLOSE * max(1, abs(expected).max()) else f"it differs by {off:.1e}"
