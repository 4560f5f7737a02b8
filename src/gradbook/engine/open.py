"""The engine for a network on this machine: native where there is a compiler, else NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gradbook.data.warp import Warp
from gradbook.engine.base import Engine
from gradbook.engine.compile import find, macros
from gradbook.engine.compilers import side_by_side
from gradbook.net import Net


def open_engine(
    net: Net,
    batch: int,
    threads: int = 1,
    precision: str = "float32",
    warp: Warp | None = None,
) -> Engine:
    """Ready to train. `remark` tells the user where it is the slow one.

    What will draw the images by that `warp` is compiled beside it.
    """
    compiler = find()
    if compiler is None:
        from gradbook.engine.plain import PlainEngine

        return PlainEngine(net, batch)
    from gradbook.engine import warping
    from gradbook.engine.native import NativeEngine

    macros(compiler)  # which both ask for
    works: list[Callable[[], Any]] = [partial(NativeEngine, net, batch, threads, precision)]
    if warp and warp.changes_images:
        works.append(partial(warping.library, compiler))
    engine: Engine = side_by_side(*works)[0]
    return engine
