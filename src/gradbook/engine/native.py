"""An engine in native code: loaded, fed with arrays, run without holding the interpreter."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock, current_thread, main_thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.warp import Warp
from gradbook.engine import compilers
from gradbook.engine.base import Engine, EpochRun, Given, Job
from gradbook.engine.compile import library
from gradbook.engine.kept import loaded
from gradbook.engine.warping import Warping
from gradbook.errors import LimitError, UsageError
from gradbook.interruption import side_by_side
from gradbook.net import Net
from gradbook.net.build import inference
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import Array, Source, source

TRAIN, PREDICT = 0, 1
MOST_THREADS = 64

_pointer = ctypes.c_void_p


class NativeMemory:
    """What an engine holds in native code, given back when nothing refers to it any more.

    Views of it refer to this and not to the engine that has them: NumPy's arrays aren't looked
    through for circles, so an engine in one would stay for ever.
    """

    def __init__(self, library: ctypes.CDLL, threads: int) -> None:
        self._library = library
        self._handle = library.engine_open(threads)
        if not self._handle:
            raise LimitError("no memory for the engine: take a smaller batch")

    def __del__(self) -> None:
        if self._handle:
            self._library.engine_close(self._handle)
            self._handle = None

    def array(self, number: int) -> int:
        """Where it is."""
        return int(self._library.engine_array(self._handle, number))

    def run(self, job: Job, what: int) -> None:
        self._library.engine_run(self._handle, ctypes.byref(job), what)


class NativeEngine(Engine):
    """Its weights and what else it carries live in native memory."""

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
        weighted: bool = False,
    ) -> None:
        if not 1 <= threads <= MOST_THREADS:
            raise UsageError(f"from 1 to {MOST_THREADS} threads, not {threads}")
        super().__init__(net, batch, precision, weighted)
        self.threads = threads
        self.compiler = compilers.needed(compiler)
        self.level = level
        vectors = compilers.vectors(self.compiler, level)
        self.source: Source = source(
            self.step_graph, inference(net), machine(vectors, precision == "float64")
        )
        found = library(self.source.text, self.compiler, level, extra, self.source.effort)
        self.path, self.remark = found.path, found.remark
        self._running = Lock()
        self._memory = NativeMemory(_loaded(self.path), threads)
        for leaf, values in self.step_graph.start.items():
            self.arrays[str(leaf.name)][...] = values

    @cached_property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """In native memory: writing to one changes the engine."""
        return {
            array.name: self._view(number, array) for number, array in enumerate(self.source.arrays)
        }

    def _view(self, number: int, array: Array) -> NDArray[Any]:
        size = int(np.prod(array.shape, dtype=int))
        kind = ctypes.c_double if self.real == np.float64 else ctypes.c_float
        held: Any = (kind * size).from_address(self._memory.array(number))
        held.memory = self._memory  # which lasts as long as the view
        return np.frombuffer(held, self.real).reshape(array.shape)

    def train(self, given: Given, warp: Warp | None, key: tuple[int, int], run: EpochRun) -> None:
        shape = self.net.input
        warping = None
        if warp:
            warping = Warping(warp, (shape[0], shape[1], shape[2]), self.compiler, self.level)
        self._run(TRAIN, len(given["order"]), given, key, run, warping)

    def predict(self, images: NDArray[Any]) -> NDArray[Any]:
        outputs = np.empty((len(images), self.net.outputs), self.real)
        given = {"outputs": outputs, **self.inputs(images)}
        self._run(PREDICT, len(images), given, (0, 0), EpochRun(), None)
        return outputs

    def _run(
        self,
        what: int,
        count: int,
        given: Given,
        key: tuple[int, int],
        run: EpochRun,
        warping: Warping | None,
    ) -> None:
        given["scale"] = np.ascontiguousarray(self.scale, self.real)
        given["shift"] = np.ascontiguousarray(self.shift, self.real)
        job = run.job
        job.images, job.batch = count, self.batch
        job.seed, job.epoch = key
        call = partial(self._call, job, what, given, warping)
        if current_thread() is not main_thread() or job.images <= self.batch:
            call()
        else:  # Ctrl-C ends it after its step
            side_by_side(call, stop=run.stop)

    def _call(self, job: Job, what: int, given: Given, warping: Warping | None) -> None:
        """Native code, in this thread, which holds all that the code may touch: whatever becomes
        of whoever waits for it, nothing of that is freed or given to another call before.
        """
        with self._running:  # one call at a time
            for name, array in given.items():
                setattr(job, name, array.ctypes.data)
            if warping:
                job.warp, job.how = warping.function, warping.how
            try:
                self._memory.run(job, what)
            finally:
                job.point_at_nothing()


def _loaded(path: Path) -> ctypes.CDLL:
    library = loaded(path, *(f"engine_{name}" for name in ("open", "close", "array", "run")))
    library.engine_open.argtypes, library.engine_open.restype = [ctypes.c_int], _pointer
    library.engine_close.argtypes, library.engine_close.restype = [_pointer], None
    library.engine_array.argtypes = [_pointer, ctypes.c_int]
    library.engine_array.restype = _pointer
    library.engine_run.argtypes = [_pointer, _pointer, ctypes.c_int]
    library.engine_run.restype = ctypes.c_int64
    return library
