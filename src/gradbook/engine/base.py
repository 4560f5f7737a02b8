"""What engines have in common: inputs are checked, steps make epochs, an epoch can be watched."""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.data.warp import Warp
from gradbook.errors import ShapeError, UsageError
from gradbook.net import Net
from gradbook.net.build import NOT_FROZEN, Frozen, training_step
from gradbook.net.step import Step

JobArrays = dict[str, NDArray[Any]]
GIVEN = "bytes numbers labels targets order scale shift rates"  # what a job points at
MADE = "warp how losses right outputs"


def fields(kind: Any, names: str) -> list[tuple[str, Any]]:
    """Members of a structure that are of one kind."""
    return [(name, kind) for name in names.split()]


class Job(ctypes.Structure):
    """`struct job` of runtime/fetch.c."""

    _fields_ = (
        *fields(ctypes.c_int64, "images batch"),
        *fields(ctypes.c_void_p, GIVEN),
        *fields(ctypes.c_uint64, "seed epoch"),
        *fields(ctypes.c_void_p, MADE),
        *fields(ctypes.c_int64, "done"),
        *fields(ctypes.c_int32, "stop"),
    )

    def point_at_nothing(self) -> None:
        """Clear the pointers, so that no later call uses arrays that may be freed."""
        for name in (*GIVEN.split(), *MADE.split()):
            setattr(self, name, None)


@dataclass(frozen=True)
class StepRecords:
    """The loss and the right answers of each step, before its update.

    An answer is right if the largest output and the largest target are in the same place; a single
    output, if both are at least ½ or both below. NaN is never right.
    """

    losses: NDArray[np.float64]
    right: NDArray[np.int32]  # answers


@dataclass
class EpochRun:
    """A running epoch, which another thread may watch and stop."""

    job: Job = field(default_factory=Job)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def so_far(self) -> StepRecords:
        """The steps that are done."""
        done = int(self.job.done)
        if not self.arrays:
            return StepRecords(np.empty(0), np.empty(0, np.int32))
        return StepRecords(self.arrays["losses"][:done].copy(), self.arrays["right"][:done].copy())

    def stop(self) -> None:
        """Stop after the current step."""
        self.job.stop = 1


class Engine(ABC):
    """A network ready to train on batches of at most `batch` images."""

    remark = ""  # for the user, about how it trains

    def __init__(
        self,
        net: Net,
        batch: int,
        precision: str,
        weighted: bool = False,
        frozen: Frozen = NOT_FROZEN,
    ) -> None:
        if precision not in ("float32", "float64"):
            raise UsageError(f"precision is float32 or float64, not {precision!r}")
        if batch < 1:
            raise UsageError(f"a batch has at least 1 image, not {batch}")
        self.net = net
        self.batch = batch
        self.weighted = weighted  # whether samples have weights
        self.real: np.dtype[np.floating[Any]] = np.dtype(precision)
        self.step_graph: Step = training_step(net, batch, weighted, frozen)
        self.scale: NDArray[np.float64] = np.ones(net.input[0])
        self.shift: NDArray[np.float64] = np.zeros(net.input[0])

    @property
    @abstractmethod
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """All that passes from step to step and the last gradients, by their names in the graph."""

    @abstractmethod
    def train(
        self, arrays: JobArrays, warp: Warp | None, key: tuple[int, int], run: EpochRun
    ) -> None:
        """Go through the images; `run` counts the steps that are done."""

    @abstractmethod
    def predict(self, images: NDArray[Any]) -> NDArray[Any]:
        """The network's outputs for each image, with the running statistics."""

    def twin(self) -> Engine | None:
        """An engine of the same compiled code with one thread and memory of its own; None if this
        one isn't compiled."""
        return None

    def normalise(self, mean: ArrayLike, deviation: ArrayLike, most: float = 1) -> None:
        """Scale inputs x to (x / most − mean) / deviation, channel by channel."""
        channels = self.net.input[0]
        deviations = np.broadcast_to(np.asarray(deviation, float), channels)
        self.scale = 1 / (most * deviations)
        self.shift = -np.broadcast_to(np.asarray(mean, float), channels) / deviations

    # What is carried from step to step.

    def state(self) -> dict[str, NDArray[Any]]:
        """A copy of all that passes from step to step, from which training can continue."""
        return {str(leaf.name): self.arrays[str(leaf.name)].copy() for leaf in self.step_graph.next}

    def restore(self, values: Mapping[str, ArrayLike]) -> None:
        for name, value in values.items():
            if name not in self.arrays or np.shape(value) != self.arrays[name].shape:
                raise ShapeError(f"{name} {np.shape(value)} isn't part of this network")
            self.arrays[name][...] = value

    def weights(self) -> dict[str, NDArray[Any]]:
        return {str(w.name): self.arrays[str(w.name)].copy() for w in self.step_graph.weights}

    def gradients(self) -> dict[str, NDArray[Any]]:
        """The gradients of the last step, by the names of the weights."""
        return {
            str(weight.name): self.arrays[str(slope.name)].copy()
            for weight, slope in self.step_graph.gradients.items()
        }

    # Running.

    def step(
        self,
        images: NDArray[Any],
        labels: NDArray[Any],
        rate: float | None = None,
        *,
        seed: int = 0,
        epoch: int = 0,
    ) -> float:
        """One step on at most a batch of images; the loss before it."""
        if not 1 <= len(images) <= self.batch:
            raise ShapeError(f"{len(images)} images, but a batch has 1 to {self.batch}")
        return float(self.epoch(images, labels, rate, seed=seed, epoch=epoch).losses[0])

    def epoch(
        self,
        images: NDArray[Any],
        labels: NDArray[Any],
        rates: float | ArrayLike | None = None,
        *,
        order: ArrayLike | None = None,
        seed: int = 0,
        epoch: int = 0,
        warp: Warp | None = None,
        run: EpochRun | None = None,
    ) -> StepRecords:
        """Train on every image once; the loss and the right answers of each step.

        `images` are bytes or numbers, `labels` classes or the targets themselves. `rates` is one
        rate or one for each step. Only bytes can be warped.
        """
        places = np.arange(len(images)) if order is None else np.asarray(order)
        if places.size and not 0 <= places.min() <= places.max() < len(images):
            raise ShapeError(f"the order names images beyond the {len(images)} there are")
        steps = ceil(len(places) / self.batch)
        rate = self.net.learning_rate if rates is None else rates
        arrays = {
            "rates": np.ascontiguousarray(np.broadcast_to(np.asarray(rate, float), steps)),
            "losses": np.full(steps, np.nan),
            "right": np.zeros(steps, np.int32),
            "order": np.ascontiguousarray(places, np.int64),
            **self.inputs(images),
            **self._targets(labels, len(images)),
        }
        changing = warp if warp and warp.changes_images else None
        if changing:
            self._require_images(images)
        run = run or EpochRun()
        run.job.done, run.arrays = 0, arrays
        self.train(arrays, changing, (seed, epoch), run)
        return run.so_far

    def inputs(self, images: NDArray[Any]) -> JobArrays:
        if images.shape[1:] != self.net.input and images[:1].size != np.prod(self.net.input):
            raise ShapeError(f"images {images.shape[1:]} for a network that takes {self.net.input}")
        if images.dtype == np.uint8:
            return {"bytes": np.ascontiguousarray(images)}
        return {"numbers": np.ascontiguousarray(images, self.real)}

    def _targets(self, labels: NDArray[Any], count: int) -> JobArrays:
        if len(labels) != count:
            raise ShapeError(f"{len(labels)} labels for {count} images")
        if labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer):
            if count and not 0 <= labels.min() <= labels.max() < self.net.outputs:
                raise ShapeError(f"classes are numbered from 0 to {self.net.outputs - 1}")
            return {"labels": np.ascontiguousarray(labels, np.int32)}
        targets = np.ascontiguousarray(labels, self.real).reshape(count, -1)
        if targets.shape[1] != self.net.outputs + self.weighted:
            raise ShapeError(f"{targets.shape[1]} targets for {self.net.outputs} outputs")
        return {"targets": targets}

    def _require_images(self, images: NDArray[Any]) -> None:
        if images.dtype != np.uint8:
            raise ShapeError(f"only bytes can be warped, not {images.dtype} numbers")
        if len(self.net.input) != 3:
            raise ShapeError(f"only images can be warped: this network takes {self.net.input}")
