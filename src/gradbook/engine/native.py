"""Native code, loaded and called without holding the interpreter: a network's engine, and warps.

An engine's C is for exactly one network. The C of warps (runtime/warp.c) is compiled once and
called for each image.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache, cached_property, partial
from math import radians
from pathlib import Path
from threading import Lock, current_thread, main_thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.warp import Warp, crop_factors, from_the_middle, influence
from gradbook.engine import compilers
from gradbook.engine.base import Engine, EpochRun, Job, JobArrays, fields
from gradbook.engine.compilers import Compiler, require_compiler
from gradbook.engine.libraries import Library, compile_library, load
from gradbook.errors import LimitError, UsageError
from gradbook.interruption import side_by_side
from gradbook.net import Net
from gradbook.net.build import NOT_FROZEN, Frozen, inference
from gradbook.targets.c.machine import machine
from gradbook.targets.c.source import Array, Source, part, source

TRAIN, PREDICT = 0, 1
MOST_THREADS = 64

_pointer = ctypes.c_void_p


class NativeMemory:
    """The memory of an engine in native code, freed when nothing refers to it.

    Views of it refer to this object and not to the engine: Python's collector doesn't
    look for cycles through NumPy's arrays, so an engine in a cycle would stay for ever.
    """

    def __init__(self, library: ctypes.CDLL, threads: int) -> None:
        self._library = library
        self._handle = library.engine_open(threads)
        if not self._handle:
            raise LimitError("not enough memory for the engine: use a smaller batch")

    def __del__(self) -> None:
        if self._handle:
            self._library.engine_close(self._handle)
            self._handle = None

    def array(self, number: int) -> int:
        """The address of an array."""
        return int(self._library.engine_array(self._handle, number))

    def run(self, job: Job, what: int) -> None:
        self._library.engine_run(self._handle, ctypes.byref(job), what)


class NativeEngine(Engine):
    """An engine whose weights, and whatever else passes from step to step, are in native memory."""

    def __init__(  # noqa: PLR0913 - tests choose what users don't
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
        frozen: Frozen = NOT_FROZEN,
    ) -> None:
        if not 1 <= threads <= MOST_THREADS:
            raise UsageError(f"from 1 to {MOST_THREADS} threads, not {threads}")
        super().__init__(net, batch, precision, weighted, frozen)
        self.threads = threads
        self.compiler = compilers.require_compiler(compiler)
        self.level = level
        vectors = compilers.vectors(self.compiler, level)
        self.source: Source = source(
            self.step_graph, inference(net), machine(vectors, precision == "float64")
        )
        library = compile_library(self.source.text, self.compiler, level, extra, self.source.effort)
        self.path, self.remark = library.path, library.remark
        self._running = Lock()
        self._memory = NativeMemory(_load_engine(self.path), threads)
        for leaf, values in self.step_graph.start.items():
            self.arrays[str(leaf.name)][...] = values

    def twin(self) -> NativeEngine:
        other = copy(self)
        other.__dict__.pop("arrays", None)
        other.threads, other._running = 1, Lock()
        other._memory = NativeMemory(_load_engine(self.path), 1)
        return other

    @cached_property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """In native memory: writing to one changes the engine."""
        return {
            array.name: self._view(number, array) for number, array in enumerate(self.source.arrays)
        }

    def _view(self, number: int, array: Array) -> NDArray[Any]:
        size = int(np.prod(array.shape, dtype=int))
        kind = ctypes.c_double if self.real == np.float64 else ctypes.c_float
        memory: Any = (kind * size).from_address(self._memory.array(number))
        memory.memory = self._memory  # keeps it alive with the view
        return np.frombuffer(memory, self.real).reshape(array.shape)

    def train(
        self, arrays: JobArrays, warp: Warp | None, key: tuple[int, int], run: EpochRun
    ) -> None:
        shape = self.net.input
        warping = None
        if warp:
            warping = Warping(warp, (shape[0], shape[1], shape[2]), self.compiler, self.level)
        self._run(TRAIN, len(arrays["order"]), arrays, key, run, warping)

    def predict(self, images: NDArray[Any]) -> NDArray[Any]:
        outputs = np.empty((len(images), self.net.outputs), self.real)
        arrays = {"outputs": outputs, **self.inputs(images)}
        self._run(PREDICT, len(images), arrays, (0, 0), EpochRun(), None)
        return outputs

    def _run(
        self,
        what: int,
        count: int,
        arrays: JobArrays,
        key: tuple[int, int],
        run: EpochRun,
        warping: Warping | None,
    ) -> None:
        arrays["scale"] = np.ascontiguousarray(self.scale, self.real)
        arrays["shift"] = np.ascontiguousarray(self.shift, self.real)
        job = run.job
        job.images, job.batch = count, self.batch
        job.seed, job.epoch = key
        call = partial(self._call, job, what, arrays, warping)
        if current_thread() is not main_thread() or job.images <= self.batch:
            call()
        else:  # Ctrl-C ends it after its step
            side_by_side(call, stop=run.stop)

    def _call(self, job: Job, what: int, arrays: JobArrays, warping: Warping | None) -> None:
        """Run native code in this thread, which holds all arrays that the code may touch: whatever
        happens to the caller, none is freed or reused before the code is done.
        """
        with self._running:  # one call at a time
            for name, array in arrays.items():
                setattr(job, name, array.ctypes.data)
            if warping:
                job.warp, job.how = warping.function, warping.how
            try:
                self._memory.run(job, what)
            finally:
                job.point_at_nothing()


def _load_engine(path: Path) -> ctypes.CDLL:
    library = load(path, *(f"engine_{name}" for name in ("open", "close", "array", "run")))
    library.engine_open.argtypes, library.engine_open.restype = [ctypes.c_int], _pointer
    library.engine_close.argtypes, library.engine_close.restype = [_pointer], None
    library.engine_array.argtypes = [_pointer, ctypes.c_int]
    library.engine_array.restype = _pointer
    library.engine_run.argtypes = [_pointer, _pointer, ctypes.c_int]
    library.engine_run.restype = ctypes.c_int64
    return library


# Warps ----------------------------------------------------------------------------

AT_ONCE = 16  # as in warp.c
FLAGS = ("-O3",)  # with less, gcc doesn't vectorise loops over pixels: six times slower, same bits

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]  # channels, rows, columns


class WarpStruct(ctypes.Structure):
    """`struct warp` of runtime/warp.c."""

    _fields_ = (
        *fields(ctypes.c_int32, "channels height width background"),
        *fields(ctypes.c_double, "rotate shear shift smallest largest"),
        *fields(ctypes.c_double, "crop_chance crop_height crop_width bend flip_chance cut_chance"),
        *fields(ctypes.c_int32, "spacing points_down points_across cut"),
        *fields(_pointer, "down across rows columns"),
    )


class Warping:
    """A warp of images of one shape: `function` and `how` are members of `struct job`."""

    def __init__(
        self, warp: Warp, shape: Shape, compiler: Compiler | None = None, level: str = "native"
    ) -> None:
        _, rows, columns = self.shape = shape
        warp.require_fit(rows, columns)
        self.library = load_warp(warp_library(compiler or require_compiler(), level).path)
        self.tables = warp_tables(warp, rows, columns)
        self.asked = warp_struct(warp, shape, self.tables)

    @property
    def function(self) -> int:
        """The address of `warp_image`."""
        return ctypes.cast(self.library.warp_image, _pointer).value or 0

    @property
    def how(self) -> int:
        """The address of `asked`, which lasts as long as this object."""
        return ctypes.addressof(self.asked)


def warp_source() -> str:
    """The C of warps, whole."""
    return f"#include <stdint.h>\n\n{part('room')}\n{part('chance')}\n{part('warp')}"


def warp_library(compiler: Compiler, level: str = "native") -> Library:
    return compile_library(warp_source(), compiler, level, FLAGS)


@cache
def load_warp(path: Path) -> ctypes.CDLL:
    loaded = load(path, "warp_image", "warp_images", "room_to_warp")
    key = [ctypes.c_uint64, ctypes.c_uint64]
    loaded.warp_images.argtypes = [
        _pointer,
        *key,
        _pointer,
        ctypes.c_int64,
        *[_pointer] * 5,
    ]
    loaded.warp_images.restype = None
    loaded.room_to_warp.argtypes = [ctypes.c_int, ctypes.c_int]
    loaded.room_to_warp.restype = ctypes.c_size_t
    return loaded


def warp_tables(warp: Warp, rows: int, columns: int) -> dict[str, Floats]:
    """The tables that `struct warp` points at, by their names there."""
    x, y = np.meshgrid(from_the_middle(columns), from_the_middle(rows))
    tables = {"columns": x, "rows": y}
    if warp.elastic:
        down, across = influence(rows, warp.elastic), influence(columns, warp.elastic)
        first = np.arange(rows)[:, None] // warp.elastic.spacing
        tables["down"] = np.take_along_axis(down, first + np.arange(4), axis=1)
        tables["across"] = np.pad(across.T, ((0, 0), (0, -columns % AT_ONCE)))
    return {name: np.ascontiguousarray(table, np.float32) for name, table in tables.items()}


def warp_struct(warp: Warp, shape: Shape, tables: dict[str, Floats]) -> WarpStruct:
    channels, rows, columns = shape
    wider, higher = crop_factors(warp, rows, columns)
    elastic = warp.elastic
    return WarpStruct(
        channels=channels,
        height=rows,
        width=columns,
        background=warp.background or 0,
        rotate=radians(warp.rotate),
        shear=radians(warp.shear),
        shift=warp.shift,
        smallest=warp.scale[0],
        largest=warp.scale[1],
        crop_chance=warp.crop.chance if warp.crop else 0,
        crop_height=1 / higher,
        crop_width=1 / wider,
        bend=elastic.most if elastic else 0,
        flip_chance=warp.flip.chance if warp.flip else 0,
        cut_chance=warp.cutout.chance if warp.cutout else 0,
        cut=warp.cutout.size if warp.cutout else 0,
        spacing=elastic.spacing if elastic else 1,
        points_down=elastic.points(rows) if elastic else 0,
        points_across=elastic.points(columns) if elastic else 0,
        **{name: table.ctypes.data for name, table in tables.items()},
    )
