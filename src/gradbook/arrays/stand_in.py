"""Plain arrays in NumPy's place."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import nullcontext
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

from gradbook.arrays import array, functions
from gradbook.arrays.array import ndarray


class PlainGenerator:
    """Draws random numbers: not NumPy's for a seed, but always the same ones."""

    def __init__(self, seed: Any = None) -> None:
        self._random = Random(repr(seed))

    def _filled(self, draw: Callable[[], Any], size: Any) -> Any:
        if size is None:
            return draw()
        wanted = (size,) if isinstance(size, int) else tuple(size)
        return ndarray([draw() for _ in range(math.prod(wanted))], wanted)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Any = None) -> Any:
        return self._filled(lambda: self._random.uniform(low, high), size)

    def normal(self, mean: float = 0.0, spread: float = 1.0, size: Any = None) -> Any:
        return self._filled(lambda: self._random.gauss(mean, spread), size)

    def choice(self, some: Any, size: Any = None) -> Any:
        items = list(range(some)) if isinstance(some, int) else array.asarray(some).items
        return self._filled(lambda: self._random.choice(items), size)


NAMES: dict[str, Any] = {
    **{name: made for part in (array, functions) for name, made in vars(part).items()},
    "nan": math.nan,
    "inf": math.inf,
    "pi": math.pi,
    "abs": functions.abs_,
    "all": functions.all_,
    "any": functions.any_,
    "max": functions.max_,
    "min": functions.min_,
    "sum": functions.sum_,
    "round": functions.round_,
    "repeat": array.repeat_,
    "empty": array.zeros,
    "errstate": lambda **settings: nullcontext(),
    "finfo": lambda kind: SimpleNamespace(max=sys.float_info.max, eps=sys.float_info.epsilon),
    "result_type": lambda *kinds: float,
    "linalg": SimpleNamespace(lstsq=functions.solve_least_squares),
    "random": SimpleNamespace(default_rng=PlainGenerator, Generator=PlainGenerator),
    "float64": float,
    "float32": float,
    "int64": int,
    "int8": int,
    "uint64": int,
    "intp": int,
    "bool_": bool,
}


def _refuse(*arguments: Any, **more: Any) -> Any:
    raise NotImplementedError("this needs NumPy")


def stand_in() -> None:
    """Let `import numpy` import this stand-in, unless NumPy is installed."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        pass
    else:
        return
    numbers = ModuleType("numpy", __doc__)
    numbers.__dict__.update({**NAMES, "__getattr__": lambda name: _refuse})
    types = ModuleType("numpy.typing")
    types.__dict__.update(NDArray=ndarray, ArrayLike=Any)
    windows = ModuleType("numpy.lib.stride_tricks")
    windows.__dict__["sliding_window_view"] = _refuse
    numbers.__dict__["typing"] = types
    sys.modules |= {
        "numpy": numbers,
        "numpy.typing": types,
        "numpy.lib": ModuleType("numpy.lib"),
        "numpy.lib.stride_tricks": windows,
    }
