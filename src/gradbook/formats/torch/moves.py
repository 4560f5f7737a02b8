"""What PyTorch's operators do that only lay values out anew, done to any array.

So a weight is laid out as a value is: for a value, the array says where each of its numbers lies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.formats.imported import NoLayer

Told = Mapping[str, Any]
Numbers = NDArray[Any]


def _view(x: Numbers, told: Told) -> Numbers:
    return x.reshape(told["size"] if "size" in told else told["shape"])


def _flatten(x: Numbers, told: Told) -> Numbers:
    first, last = told["start_dim"] % x.ndim, told["end_dim"] % x.ndim
    return x.reshape(*x.shape[:first], -1, *x.shape[last + 1 :])


def _unflatten(x: Numbers, told: Told) -> Numbers:
    axis = told["dim"] % x.ndim
    return x.reshape(*x.shape[:axis], *told["sizes"], *x.shape[axis + 1 :])


def _squeeze(x: Numbers, told: Told) -> Numbers:
    axes = told["dim"]
    asked = range(x.ndim) if axes is None else (axis % x.ndim for axis in axes)
    return x.squeeze(tuple(axis for axis in asked if x.shape[axis] == 1))


def _permute(x: Numbers, told: Told) -> Numbers:
    return x.transpose(told["dims"])


def _transpose(x: Numbers, told: Told) -> Numbers:
    return x.swapaxes(told["dim0"], told["dim1"])


def _movedim(x: Numbers, told: Told) -> Numbers:
    return np.moveaxis(x, told["source"], told["destination"])


def _select(x: Numbers, told: Told) -> Numbers:
    return np.asarray(x.take(told["index"], told["dim"]))


def cuts_of(told: Told, dimensions: int) -> list[slice]:
    """Which places of each axis a `slice` takes."""
    cuts = [slice(None)] * dimensions
    cuts[told["dim"]] = slice(told["start"], told["end"], told["step"])
    return cuts


def _part(below: bool) -> Callable[[Told], Numbers]:
    def make(told: Told) -> Numbers:
        whole: Numbers = np.asarray(told["self"])
        rows, columns = (np.arange(count) for count in whole.shape[-2:])
        past = columns - rows[:, None] - told.get("diagonal", 0)
        return np.where(past <= 0 if below else past >= 0, whole, 0)

    return make


def _slice(x: Numbers, told: Told) -> Numbers:
    return x[tuple(cuts_of(told, x.ndim))]


def _expand(x: Numbers, told: Told) -> Numbers:
    sizes = told["size"]
    own = (1,) * (len(sizes) - x.ndim) + x.shape
    return np.broadcast_to(x, [n if s == -1 else s for s, n in zip(sizes, own, strict=True)])


MOVES: Mapping[str, Callable[[Numbers, Told], Numbers]] = {
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), _view),
    "flatten": _flatten,
    "unflatten": _unflatten,
    "squeeze": _squeeze,
    "unsqueeze": lambda x, told: np.expand_dims(x, told["dim"]),
    "permute": _permute,
    "transpose": _transpose,
    "mT": lambda x, told: x.swapaxes(-1, -2),
    "movedim": _movedim,
    "select": _select,
    "slice": _slice,
    "expand": _expand,
}
PASSING = ("alias", "clone", "contiguous", "detach", "to", "_to_copy", "lift_fresh_copy")


def move(operator: str, told: Told, numbers: Numbers) -> Numbers:
    """The same numbers as an operator lays them out."""
    if operator in PASSING:
        return numbers
    try:
        return MOVES[operator](numbers, told)
    except (ValueError, IndexError) as error:
        raise NoLayer("it lays out what it reads along axes that this doesn't have") from error


def parts_of(operator: str, told: Told, numbers: Numbers) -> list[Numbers]:
    """Of what an operator takes apart, each part."""
    axis = told["dim"]
    count = numbers.shape[axis]
    match operator:
        case "unbind":
            return [numbers.take(k, axis) for k in range(count)]
        case "chunk":
            sizes: int | list[int] = -(-count // told["chunks"])
        case _:
            sizes = told["split_size"] if "split_size" in told else told["split_sizes"]
    if isinstance(sizes, int):
        ends = [*range(sizes, count, sizes)]
    else:
        ends = np.cumsum(sizes)[:-1].tolist()
    return np.split(numbers, ends, axis)


# What is worked out of constants alone: masks, and where each step stands.


def _arange(told: Told) -> Numbers:
    return np.arange(told.get("start", 0) or 0, told["end"], told.get("step", 1) or 1)


def _chosen(condition: Any, one: Any, other: Any) -> Numbers:
    return np.asarray(np.where(np.asarray(condition).astype(bool), one, other))


CONSTANTS: Mapping[str, Callable[[Told], Numbers]] = {
    "arange": _arange,
    "ones": lambda told: np.ones(told["size"]),
    "zeros": lambda told: np.zeros(told["size"]),
    "eye": lambda told: np.eye(int(told["n"])),
    "full": lambda told: np.full(told["size"], float(told["fill_value"])),
    "tril": _part(below=True),
    "triu": _part(below=False),
    "eq": lambda told: told["self"] == told["other"],
    "ne": lambda told: told["self"] != told["other"],
    "lt": lambda told: told["self"] < told["other"],
    "le": lambda told: told["self"] <= told["other"],
    "gt": lambda told: told["self"] > told["other"],
    "ge": lambda told: told["self"] >= told["other"],
    "logical_not": lambda told: ~np.asarray(told["self"]).astype(bool),
    "bitwise_not": lambda told: ~np.asarray(told["self"]).astype(bool),
    "where": lambda told: _chosen(told["condition"], told["self"], told["other"]),
    "masked_fill": lambda told: _chosen(told["mask"], told["value"], told["self"]),
    "embedding": lambda told: told["weight"][np.asarray(told["indices"]).astype(int)],
    "neg": lambda told: -told["self"],
    "add": lambda told: told["self"] + told["other"],
    "sub": lambda told: told["self"] - told["other"],
    "mul": lambda told: told["self"] * told["other"],
    "div": lambda told: told["self"] / told["other"],
}
MOST_MADE = 2**22  # numbers that such an operator may make


def worked_out(operator: str, told: Told) -> Numbers | None:
    """What an operator makes of constants, if it is one of these and that isn't too much."""
    make = CONSTANTS.get(operator)
    size = told.get("size", ())
    asked = float(np.prod([float(n) for n in size])) if isinstance(size, list) else 1.0
    if operator in ("arange", "eye"):
        asked = abs(float(told["end"])) if operator == "arange" else float(told["n"]) ** 2
    if make is None or asked > MOST_MADE:
        return None
    made = np.asarray(make(told))
    return made if made.dtype == bool else made.astype(np.float64)
