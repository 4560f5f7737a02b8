"""Engines to train with: the native one if there is a compiler and it pays, else NumPy's.

NumPy's engine is here: it trains slowly without a compiler, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.warp import Warp, warp_images
from gradbook.engine.base import Engine, EpochRun, JobArrays
from gradbook.engine.compilers import find_compiler, macros, side_by_side, why_numpy
from gradbook.graph.node import Node, ancestors
from gradbook.graph.reference import evaluate_in_order
from gradbook.graph.routine import Routine
from gradbook.layers.losses import HALF_SURE
from gradbook.net import Net
from gradbook.net.build import NOT_FROZEN, Frozen, inference
from gradbook.net.measure import measure
from gradbook.net.step import drawn


class PlainEngine(Engine):
    """Evaluates the graph op by op, in double precision."""

    def __init__(
        self, net: Net, batch: int, weighted: bool = False, frozen: Frozen = NOT_FROZEN
    ) -> None:
        super().__init__(net, batch, "float64", weighted, frozen)
        self.remark = why_numpy()

    @cached_property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        step = self.step_graph
        carried = {str(x.name): np.array(values, self.real) for x, values in step.start.items()}
        slopes = {str(d.name): np.zeros(d.shape) for d in step.gradients.values()}
        return carried | slopes

    def train(
        self, arrays: JobArrays, warp: Warp | None, key: tuple[int, int], run: EpochRun
    ) -> None:
        for number in range(len(arrays["losses"])):
            images = arrays["order"][number * self.batch : (number + 1) * self.batch]
            arrays["losses"][number], arrays["right"][number] = self._one_step(
                self._fetched(arrays, images, warp, key),
                self._wanted(arrays, images),
                arrays["rates"][number],
                drawn(self.step_graph.masks, *key, images),
            )
            run.job.done = number + 1
            if run.job.stop:
                break

    def _one_step(
        self,
        inputs: NDArray[Any],
        targets: NDArray[Any],
        rate: float,
        masks: Mapping[Node, NDArray[Any]],
    ) -> tuple[float, int]:
        """The loss and the right answers, before the update."""
        step, (order, names) = self.step_graph, self._plan
        assert step.count is not None
        leaf_values = {
            step.inputs[0]: inputs,
            step.targets[0]: targets.reshape(-1, *step.targets[0].shape),
            step.rate: np.asarray(rate),
            step.count: np.asarray(float(len(inputs))),
            **masks,
            **{leaf: self.arrays[names[leaf]] for leaf in step.start},
        }
        values = evaluate_in_order(order, leaf_values, len(inputs))
        following = [(names[leaf], values[node]) for leaf, node in step.next.items()]
        slopes = [(names[slope], values[slope]) for slope in step.gradients.values()]
        for name, value in (*following, *slopes):
            self.arrays[name][...] = value
        outputs = values[step.outputs[0]].reshape(len(targets), -1)
        return float(values[step.loss]), _right_answers(outputs, targets)

    @cached_property
    def _plan(self) -> tuple[list[Node], dict[Node, str]]:
        """The nodes of a step in their order, and the names of those that are arrays here."""
        step = self.step_graph
        results = [step.loss, *step.outputs, *step.next.values(), *step.gradients.values()]
        named = [*step.start, *step.gradients.values()]
        return list(ancestors(results)), {node: str(node.name) for node in named}

    def _fetched(
        self, arrays: JobArrays, images: NDArray[Any], warp: Warp | None, key: tuple[int, int]
    ) -> NDArray[Any]:
        pixels = arrays["bytes" if "bytes" in arrays else "numbers"]
        pixels = pixels.reshape(-1, *self.net.input)
        if warp:
            seed, epoch = key
            chosen: NDArray[Any] = warp_images(
                pixels, warp, images.tolist(), seed=seed, epoch=epoch
            )
        else:
            chosen = pixels[images]
        return self._normalised(chosen)

    def _normalised(self, pixels: NDArray[Any]) -> NDArray[Any]:
        tail = (1,) * (pixels.ndim - 2)
        scale, shift = self.scale.reshape(-1, *tail), self.shift.reshape(-1, *tail)
        return np.asarray(pixels * scale + shift)

    def _wanted(self, arrays: JobArrays, images: NDArray[Any]) -> NDArray[Any]:
        if "labels" in arrays:
            return np.asarray(np.eye(self.net.outputs)[arrays["labels"][images]])
        return np.asarray(arrays["targets"][images])

    def predict(self, images: NDArray[Any]) -> NDArray[Any]:
        outputs = np.empty((len(images), self.net.outputs), self.real)
        for first in range(0, len(images), self.batch):
            (pixels,) = self.inputs(images[first : first + self.batch]).values()
            inputs = self._normalised(pixels.reshape(-1, *self.net.input))
            outputs[first : first + self.batch] = self._routine(inputs).reshape(len(inputs), -1)
        return outputs

    @cached_property
    def _routine(self) -> Routine:
        forward, sample = inference(self.net), np.zeros((1, *self.net.input))
        return Routine(forward.outputs, forward.inputs, sample, self.arrays)


def _right_answers(outputs: NDArray[Any], targets: NDArray[Any]) -> int:
    targets = targets[:, : outputs.shape[1]]  # a weight may be behind them
    if targets.shape[1] == 1:
        same = (outputs >= HALF_SURE) == (targets >= HALF_SURE)
    else:
        same = outputs.argmax(axis=1) == targets.argmax(axis=1)
    return int(np.sum(same.ravel() & ~np.isnan(outputs).any(axis=1)))


# Which one ------------------------------------------------------------------------

COMPILING = 1.2  # seconds, about; a shorter training in NumPy needs no compiler
NUMPY_STEP = 0.6e-3  # seconds per step; below, multiply-adds per second
DENSE_MACS, CONV_MACS = 1e9, 1e8


def faster_kind(net: Net, batch: int, rows: int, epochs: int) -> str:
    """'plain' or 'native', for a training over so many rows and epochs."""
    steps = epochs * ceil(rows / batch)
    macs = epochs * rows * measure(net).training_macs
    slides = any(layer.sums and not layer.reads_all for layer in net.layers)
    speed = CONV_MACS if slides else DENSE_MACS
    is_little = steps * NUMPY_STEP + macs / speed < COMPILING
    return "plain" if is_little or find_compiler() is None else "native"


def open_faster(net: Net, batch: int, rows: int) -> Engine:
    """The engine that goes sooner through so many rows once."""
    return open_engine(net, batch, kind=faster_kind(net, batch, rows, 1))


def open_engine(
    net: Net,
    batch: int,
    threads: int = 1,
    precision: str = "float32",
    warp: Warp | None = None,
    weighted: bool = False,
    frozen: Frozen = NOT_FROZEN,
    kind: str = "native",
) -> Engine:
    """An engine ready to train, the 'plain' one if there is no compiler; its `remark` tells the
    user if it is the slow one. The code that changes images by `warp` is compiled beside it.
    """
    compiler = find_compiler()
    if compiler is None or kind == "plain":
        return PlainEngine(net, batch, weighted, frozen)
    from gradbook.engine.native import NativeEngine, warp_library

    macros(compiler)  # both need these
    works: list[Callable[[], Any]] = [
        partial(NativeEngine, net, batch, threads, precision, weighted=weighted, frozen=frozen)
    ]
    if warp and warp.changes_images:
        works.append(partial(warp_library, compiler))
    engine: Engine = side_by_side(*works)[0]
    return engine
