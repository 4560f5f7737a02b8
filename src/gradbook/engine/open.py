"""The engine for a network on this machine: native where there is a compiler, else NumPy."""

from __future__ import annotations

from gradbook.engine.base import Engine
from gradbook.engine.compile import find
from gradbook.net import Net


def open_engine(net: Net, batch: int, threads: int = 1, precision: str = "float32") -> Engine:
    """Ready to train. `remark` tells the user where it is the slow one."""
    if find() is None:
        from gradbook.engine.plain import PlainEngine

        return PlainEngine(net, batch)
    from gradbook.engine.native import NativeEngine

    return NativeEngine(net, batch, threads, precision)
