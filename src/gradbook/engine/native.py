"""An engine in native code: loaded, fed with arrays, run without holding the interpreter."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.data.warp import Warp
from gradbook.engine import compile as compiling
from gradbook.engine.warping import Warping
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.build import inference, training_step
from gradbook.graph.step import Step
from gradbook.net import Net
from gradbook.targets.c.machine import machine
from gradbook.targets.c.write import Array, Source, source

TRAIN, PREDICT = 0, 1
MOST_THREADS = 64
Real = Any

_pointer = ctypes.c_void_p


class Job(ctypes.Structure):
    """`struct job` of runtime/fetch.c."""

    _fields_ = (
        ("images", ctypes.c_int64),
        ("batch", ctypes.c_int64),
        ("bytes", _pointer),
        ("numbers", _pointer),
        ("labels", _pointer),
        ("targets", _pointer),
        ("order", _pointer),
        ("scale", _pointer),
        ("shift", _pointer),
        ("rates", _pointer),
        ("seed", ctypes.c_uint64),
        ("epoch", ctypes.c_uint64),
        ("warp", _pointer),
        ("how", _pointer),
        ("losses", _pointer),
        ("outputs", _pointer),
        ("done", ctypes.c_int64),
        ("stop", ctypes.c_int32),
    )


@dataclass
class Run:
    """A call under way: `steps_done` can be read and `stop()` called from another thread."""

    job: Job

    @property
    def steps_done(self) -> int:
        return int(self.job.done)

    def stop(self) -> None:
        """Stop after the current step."""
        self.job.stop = 1


class Engine:
    """A network ready to train. Its weights and what else it carries live in native memory."""

    def __init__(
        self,
        net: Net,
        batch: int,
        threads: int = 1,
        precision: str = "float32",
        *,
        level: str = "native",
        compiler: str | None = None,
        extra: Sequence[str] = (),
    ) -> None:
        if not 1 <= threads <= MOST_THREADS:
            raise UsageError(f"from 1 to {MOST_THREADS} threads, not {threads}")
        if precision not in ("float32", "float64"):
            raise UsageError(f"precision is float32 or float64, not {precision!r}")
        if batch < 1:
            raise UsageError(f"a batch holds at least 1 image, not {batch}")
        self.net = net
        self.batch = batch
        self.threads = threads
        self.real = np.dtype(precision)
        self.compiler = compiling.needed(compiler)
        self.level = level
        self.step_graph: Step = training_step(net, batch)
        vectors = compiling.vectors(self.compiler, level)
        self.source: Source = source(
            self.step_graph, inference(net), machine(vectors, precision == "float64")
        )
        self.path = compiling.library(self.source.text, self.compiler, level, extra)
        self._library = _loaded(self.path)
        self._handle = self._library.engine_open(threads)
        if not self._handle:
            raise MemoryError("no room for the engine: take a smaller batch")
        self.scale, self.shift = np.ones(net.input[0]), np.zeros(net.input[0])
        for leaf, values in self.step_graph.start.items():
            self.arrays[str(leaf.name)][...] = values

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.engine_close(self._handle)
            self._handle = None

    def normalise(self, mean: ArrayLike, deviation: ArrayLike, most: float = 1) -> None:
        """Inputs x come in as (x / most − mean) / deviation, channel by channel."""
        channels = self.net.input[0]
        deviations = np.broadcast_to(np.asarray(deviation, float), channels)
        self.scale = 1 / (most * deviations)
        self.shift = -np.broadcast_to(np.asarray(mean, float), channels) / deviations

    # What is carried from step to step.

    @cached_property
    def arrays(self) -> Mapping[str, NDArray[Real]]:
        """Every array by its name in the graph, in native memory: writing to one changes it."""
        return {
            array.name: self._view(number, array)
            for number, array in enumerate(self.source.arrays)
        }

    def _view(self, number: int, array: Array) -> NDArray[Real]:
        size = int(np.prod(array.shape, dtype=int))
        kind = ctypes.c_double if self.real == np.float64 else ctypes.c_float
        address = self._library.engine_array(self._handle, number)
        held = ctypes.cast(address, ctypes.POINTER(kind))
        view: NDArray[Real] = np.ctypeslib.as_array(held, (size,)).reshape(array.shape)
        return view

    def carried(self) -> dict[str, NDArray[Real]]:
        """A copy of all that goes from step to step: with it training goes on as it was."""
        return {a.name: self.arrays[a.name].copy() for a in self.source.arrays if a.carried}

    def restore(self, values: Mapping[str, ArrayLike]) -> None:
        for name, value in values.items():
            if name not in self.arrays or np.shape(value) != self.arrays[name].shape:
                raise ShapeError(f"{name} {np.shape(value)} isn't part of this network")
            self.arrays[name][...] = value

    def weights(self) -> dict[str, NDArray[Real]]:
        return {str(w.name): self.arrays[str(w.name)].copy() for w in self.step_graph.weights}

    def gradients(self) -> dict[str, NDArray[Real]]:
        """Of the last step, by the names of the weights."""
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
        if len(images) > self.batch:
            raise ShapeError(f"{len(images)} images in a batch of at most {self.batch}")
        return float(self.epoch(images, labels, rate, seed=seed, epoch=epoch)[0])

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
        run: Run | None = None,
    ) -> NDArray[np.float64]:
        """Train on every image once; the loss of each step, before its update.

        `images` are bytes or numbers, `labels` classes or the targets themselves. `rates` is one
        rate or one for each step. Only bytes can be warped.
        """
        count = len(images) if order is None else len(np.asarray(order))
        steps = ceil(count / self.batch)
        losses = np.full(steps, np.nan)
        rate = self.net.learning_rate if rates is None else rates
        keep = {
            "rates": np.ascontiguousarray(np.broadcast_to(np.asarray(rate, float), steps)),
            "losses": losses,
            **self._given(images),
            **self._wanted(labels, len(images)),
        }
        if order is not None:
            keep["order"] = _checked_order(order, len(images))
        warping = self._warping(warp, images) if warp and warp.changes_images else None
        done = self._run(TRAIN, count, keep, seed, epoch, run, warping)
        return losses[:done]

    def predict(self, images: NDArray[Any]) -> NDArray[Real]:
        """What the network says to each image, with the running statistics."""
        outputs = np.empty((len(images), self.net.outputs), self.real)
        self._run(PREDICT, len(images), {"outputs": outputs, **self._given(images)}, 0, 0, None)
        return outputs

    def _given(self, images: NDArray[Any]) -> dict[str, NDArray[Any]]:
        if images.shape[1:] != self.net.input and images[:1].size != np.prod(self.net.input):
            raise ShapeError(f"images {images.shape[1:]} for a network that takes {self.net.input}")
        if images.dtype == np.uint8:
            return {"bytes": np.ascontiguousarray(images)}
        return {"numbers": np.ascontiguousarray(images, self.real)}

    def _warping(self, warp: Warp, images: NDArray[Any]) -> Warping:
        if images.dtype != np.uint8:
            raise ShapeError(f"only bytes can be warped, not {images.dtype} numbers")
        if len(self.net.input) != 3:
            raise ShapeError(f"only images can be warped: this network takes {self.net.input}")
        channels, rows, columns = self.net.input
        return Warping(warp, (channels, rows, columns), self.compiler, self.level)

    def _wanted(self, labels: NDArray[Any], count: int) -> dict[str, NDArray[Any]]:
        if len(labels) != count:
            raise ShapeError(f"{len(labels)} labels for {count} images")
        if labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer):
            if count and not 0 <= labels.min() <= labels.max() < self.net.outputs:
                raise ShapeError(f"classes go from 0 to {self.net.outputs - 1}")
            return {"labels": np.ascontiguousarray(labels, np.int32)}
        return {"targets": np.ascontiguousarray(labels, self.real).reshape(count, -1)}

    def _run(
        self,
        what: int,
        count: int,
        keep: dict[str, NDArray[Any]],
        seed: int,
        epoch: int,
        run: Run | None,
        warping: Warping | None = None,
    ) -> int:
        keep["scale"] = np.ascontiguousarray(self.scale, self.real)
        keep["shift"] = np.ascontiguousarray(self.shift, self.real)
        run = run or Run(Job())
        job = run.job
        job.images, job.batch, job.seed, job.epoch, job.done = count, self.batch, seed, epoch, 0
        job.warp = warping.function if warping else None
        job.how = warping.how if warping else None
        for name, array in keep.items():
            setattr(job, name, array.ctypes.data)
        return int(self._library.engine_run(self._handle, ctypes.byref(job), what))


def _checked_order(order: ArrayLike, count: int) -> NDArray[np.int64]:
    places = np.ascontiguousarray(order, np.int64)
    if places.size and not 0 <= places.min() <= places.max() < count:
        raise ShapeError(f"the order names images beyond the {count} there are")
    return places


def _loaded(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    library.engine_open.argtypes, library.engine_open.restype = [ctypes.c_int], _pointer
    library.engine_close.argtypes, library.engine_close.restype = [_pointer], None
    library.engine_array.argtypes = [_pointer, ctypes.c_int]
    library.engine_array.restype = _pointer
    library.engine_run.argtypes = [_pointer, _pointer, ctypes.c_int]
    library.engine_run.restype = ctypes.c_int64
    return library
