"""Warps at speed: runtime/warp.c, compiled once for all networks and called for each image."""

from __future__ import annotations

import ctypes
from functools import cache
from math import radians
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook.data.warp import Warp, crop_factors, from_the_middle, influence
from gradbook.engine import compile as compiling
from gradbook.engine import kept
from gradbook.engine.base import fields
from gradbook.engine.compilers import Compiler, needed
from gradbook.errors import ShapeError
from gradbook.targets.c.source import part

AT_ONCE = 16  # as in warp.c
FLAGS = ("-O3",)  # at less, gcc takes loops over pixels pixel by pixel: six times slower, same bits

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]  # channels, rows, columns

_pointer = ctypes.c_void_p


class WarpStruct(ctypes.Structure):
    """`struct warp` of runtime/warp.c."""

    _fields_ = (
        *fields(ctypes.c_int32, "channels height width background"),
        *fields(ctypes.c_double, "rotate shear shift smallest largest"),
        *fields(ctypes.c_double, "crop_chance crop_height crop_width bend"),
        *fields(ctypes.c_int32, "spacing points_down points_across"),
        *fields(ctypes.c_void_p, "down across rows columns"),
    )


class Warping:
    """A warp of images of one shape: `function` and `how` are what `struct job` asks for."""

    def __init__(
        self, warp: Warp, shape: Shape, compiler: Compiler | None = None, level: str = "native"
    ) -> None:
        _, rows, columns = self.shape = shape
        warp.require_fit(rows, columns)
        self._library = _loaded(library(compiler or needed(), level).path)
        self.tables = tables_of(warp, rows, columns)
        self.asked = asked_of(warp, shape, self.tables)

    @property
    def function(self) -> int:
        """The address of `warp_image`."""
        return ctypes.cast(self._library.warp_image, _pointer).value or 0

    @property
    def how(self) -> int:
        """The address of `asked`, which lasts as long as this object."""
        return ctypes.addressof(self.asked)

    def images(
        self,
        pixels: NDArray[np.uint8],
        order: ArrayLike,
        *,
        seed: int,
        epoch: int,
        scale: ArrayLike = 1,
        shift: ArrayLike = 0,
    ) -> Floats:
        """scale · byte + shift of the images of these numbers, warped; channel by channel."""
        if pixels.dtype != np.uint8 or pixels.shape[1:] != self.shape:
            raise ShapeError(f"images {pixels.shape[1:]} for a warp of {self.shape} bytes")
        numbers = np.ascontiguousarray(order, np.int64)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(pixels):
            raise ShapeError(f"the order names images beyond the {len(pixels)} there are")
        given = np.ascontiguousarray(pixels)
        factors, terms = (_for_each_channel(value, self.shape) for value in (scale, shift))
        made = np.empty((len(numbers), *self.shape), np.float32)
        room = np.empty(self._library.room_to_warp(*self.shape[1:]), np.uint8)
        self._library.warp_images(
            self.how,
            seed,
            epoch,
            numbers.ctypes.data,
            len(numbers),
            given.ctypes.data,
            factors.ctypes.data,
            terms.ctypes.data,
            made.ctypes.data,
            room.ctypes.data,
        )
        return made


def source() -> str:
    """All of the C."""
    return f"#include <stdint.h>\n\n{part('room')}\n{part('chance')}\n{part('warp')}"


def library(compiler: Compiler, level: str = "native") -> kept.Library:
    return compiling.library(source(), compiler, level, FLAGS)


@cache
def _loaded(path: Path) -> ctypes.CDLL:
    loaded = kept.loaded(path, "warp_image", "warp_images", "room_to_warp")
    key = [ctypes.c_uint64, ctypes.c_uint64]
    loaded.warp_images.argtypes = [_pointer, *key, _pointer, ctypes.c_int64, *[_pointer] * 5]
    loaded.warp_images.restype = None
    loaded.room_to_warp.argtypes = [ctypes.c_int, ctypes.c_int]
    loaded.room_to_warp.restype = ctypes.c_size_t
    return loaded


def tables_of(warp: Warp, rows: int, columns: int) -> dict[str, Floats]:
    """What `struct warp` points at, by its names."""
    x, y = np.meshgrid(from_the_middle(columns), from_the_middle(rows))
    tables = {"columns": x, "rows": y}
    if warp.elastic:
        down, across = influence(rows, warp.elastic), influence(columns, warp.elastic)
        first = np.arange(rows)[:, None] // warp.elastic.spacing
        tables["down"] = np.take_along_axis(down, first + np.arange(4), axis=1)
        tables["across"] = np.pad(across.T, ((0, 0), (0, -columns % AT_ONCE)))
    return {name: np.ascontiguousarray(table, np.float32) for name, table in tables.items()}


def asked_of(warp: Warp, shape: Shape, tables: dict[str, Floats]) -> WarpStruct:
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
        spacing=elastic.spacing if elastic else 1,
        points_down=elastic.points(rows) if elastic else 0,
        points_across=elastic.points(columns) if elastic else 0,
        **{name: table.ctypes.data for name, table in tables.items()},
    )


def _for_each_channel(value: ArrayLike, shape: Shape) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(value), shape[0]), np.float32)
