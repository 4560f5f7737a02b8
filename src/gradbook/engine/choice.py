"""Which engine suits: native where there is a compiler and it pays, else NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

from gradbook.data.warp import Warp
from gradbook.engine.base import Engine
from gradbook.engine.compilers import find, macros
from gradbook.engine.processes import side_by_side
from gradbook.net import Conv, Net
from gradbook.net.measure import measure

COMPILING = 2.0  # seconds, about; what NumPy is through with sooner needs no compiler
NUMPY_STEP = 0.6e-3  # seconds for each step, and a second for so many multiply-adds
DENSE_MACS, CONV_MACS = 1e9, 1e8


def sooner(net: Net, batch: int, rows: int, epochs: int) -> str:
    """'plain' or 'native', for a training over so many rows and epochs."""
    steps = epochs * ceil(rows / batch)
    macs = epochs * rows * measure(net).training_macs
    speed = CONV_MACS if any(isinstance(layer, Conv) for layer in net.layers) else DENSE_MACS
    is_little = steps * NUMPY_STEP + macs / speed < COMPILING
    return "plain" if is_little or find() is None else "native"


def open_sooner(net: Net, batch: int, rows: int, epochs: int, *, weighted: bool = False) -> Engine:
    """The one that is through sooner with so many rows and epochs."""
    return open_kind(sooner(net, batch, rows, epochs), net, batch, weighted=weighted)


def open_kind(
    kind: str, net: Net, batch: int, threads: int = 1, *, weighted: bool = False
) -> Engine:
    """The 'plain' one, or the 'native' one where there is a compiler."""
    if kind == "native":
        return open_engine(net, batch, threads, weighted=weighted)
    from gradbook.engine.plain import PlainEngine

    return PlainEngine(net, batch, weighted)


def open_engine(
    net: Net,
    batch: int,
    threads: int = 1,
    precision: str = "float32",
    warp: Warp | None = None,
    weighted: bool = False,
) -> Engine:
    """Ready to train. `remark` tells the user where it is the slow one.

    What will draw the images by that `warp` is compiled beside it.
    """
    compiler = find()
    if compiler is None:
        from gradbook.engine.plain import PlainEngine

        return PlainEngine(net, batch, weighted)
    from gradbook.engine import warping
    from gradbook.engine.native import NativeEngine

    macros(compiler)  # which both ask for
    native = partial(NativeEngine, net, batch, threads, precision, weighted=weighted)
    works: list[Callable[[], Any]] = [native]
    if warp and warp.changes_images:
        works.append(partial(warping.library, compiler))
    engine: Engine = side_by_side(*works)[0]
    return engine
