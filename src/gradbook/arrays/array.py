"""An array: its numbers in a list, row by row; its shapes and its parts."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

Shape = tuple[int, ...]
WIDEST = (bool, int, float, complex, object)  # each can represent those before it
FORMATS = {bool: "?", int: "q", float: "d"}


class ndarray:  # noqa: N801  NumPy's name
    """Numbers in rows and columns, or in more dimensions."""

    __slots__ = ("items", "shape")
    __array_priority__ = 1
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, items: list[Any], shape: Shape) -> None:
        self.items = items
        self.shape = shape

    def __class_getitem__(cls, item: object) -> type:
        return cls

    @property
    def dtype(self) -> type:
        return type(self.items[0]) if self.items else float

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return len(self.items)

    @property
    def T(self) -> ndarray:  # noqa: N802
        return transpose(self)

    flat = property(lambda self: iter(self.items))

    # Python's own protocols

    def item(self, place: int | None = None) -> Any:
        """The only number, or the one at that place."""
        if place is not None:
            return self.items[place]
        (number,) = self.items
        return number

    def tolist(self) -> Any:
        if not self.shape:
            return self.item()
        return [row.tolist() if isinstance(row, ndarray) else row for row in self]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single number has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if len(self.shape) == 1:
            return iter(self.items)
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        if len(self.items) != 1:
            raise ValueError("an array has no truth value: use any() or all()")
        return bool(self.items[0])

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.item(), digits)

    def __format__(self, form: str) -> str:
        return format(self.item(), form) if form else str(self)

    def __repr__(self) -> str:
        return f"array({self.tolist()!r})"

    # Parts

    def __getitem__(self, key: Any) -> Any:
        if type(key) is int and len(self.shape) == 1:
            return self.items[key]
        try:
            places, shape = _known_places(self.shape, key)
        except TypeError:  # a list, an array
            places, shape = _places(self.shape, key)
        chosen = [self.items[k] for k in places]
        return chosen[0] if shape == () and _is_single(key) else ndarray(chosen, shape)

    def __setitem__(self, key: Any, value: Any) -> None:
        places, shape = _places(self.shape, key)
        kind = self.dtype
        for k, number in zip(places, spread_items(asarray(value), shape), strict=True):
            self.items[k] = kind(number) if kind in WIDEST[:-1] else number

    def copy(self) -> ndarray:
        return ndarray(list(self.items), self.shape)

    def astype(self, kind: Any) -> ndarray:
        return array(self, dtype=kind)

    def tobytes(self) -> bytes:
        return struct.pack(f"={len(self.items)}{FORMATS[self.dtype]}", *self.items)


# Making arrays ------------------------------------------------------------------------


def array(values: Any, dtype: Any = None) -> ndarray:
    if isinstance(values, ndarray):
        items, shape = values.items, values.shape
    else:
        items, shape = _flattened(values)
    kind = dtype
    if not kind:
        kinds = set(map(type, items)) or {float}
        kind = kinds.pop() if len(kinds) == 1 else max(kinds, key=_width)
    is_alike = kind is object or {kind}.issuperset(map(type, items))
    return ndarray(list(items) if is_alike else [kind(item) for item in items], shape)


def asarray(values: Any, dtype: Any = None) -> ndarray:
    if isinstance(values, ndarray) and (dtype is None or values.dtype is dtype or not values.items):
        return values
    kind = type(values)
    if kind is float and dtype in (None, float):
        return ndarray([values], ())
    return array(values, dtype)


def _flattened(values: Any) -> tuple[list[Any], Shape]:
    if isinstance(values, ndarray):
        return values.items, values.shape
    if isinstance(values, str) or not isinstance(values, Sequence | range):
        return [values], ()
    rows = [_flattened(row) for row in values]
    shapes = {shape for _, shape in rows}
    if len(shapes) > 1:
        raise ValueError("rows of different lengths")
    return list(chain.from_iterable(items for items, _ in rows)), (len(rows), *(*shapes, ())[0])


def _width(kind: type) -> int:
    return WIDEST.index(kind) if kind in WIDEST else len(WIDEST)


def full(shape: Any, value: Any, dtype: Any = None) -> ndarray:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if isinstance(value, ndarray):
        return broadcast_to(value, shape)
    return ndarray([dtype(value) if dtype else value] * math.prod(shape), shape)


def zeros(shape: Any, dtype: Any = float) -> ndarray:
    return full(shape, None if dtype is object else dtype(0))


def ones(shape: Any, dtype: Any = float) -> ndarray:
    return full(shape, dtype(1))


def full_like(like: ndarray, value: Any) -> ndarray:
    return full(like.shape, value, like.dtype)


def arange(*bounds: int) -> ndarray:
    return array(range(*map(int, bounds)), int)


# Shapes -------------------------------------------------------------------------------


def shape(values: Any) -> Shape:
    return values.shape if isinstance(values, ndarray) else _flattened(values)[1]


def ndim(values: Any) -> int:
    return len(shape(values))


def size(values: Any) -> int:
    return math.prod(shape(values))


def reshape(values: Any, wanted: Any) -> ndarray:
    made = asarray(values)
    wanted = (wanted,) if isinstance(wanted, int) else tuple(wanted)
    known = math.prod(k for k in wanted if k >= 0)
    whole = tuple(len(made.items) // known if k < 0 else k for k in wanted)
    if math.prod(whole) != len(made.items):
        raise ValueError(f"{made.shape} doesn't fit into {wanted}")
    return ndarray(list(made.items), whole)


def ravel(values: Any) -> ndarray:
    items = asarray(values).items
    return ndarray(list(items), (len(items),))


def transpose(values: Any, axes: Sequence[int] | None = None) -> ndarray:
    made = asarray(values)
    axes = range(made.ndim)[::-1] if axes is None else axes
    if list(axes) == list(range(made.ndim)):
        return made
    steps = _steps(made.shape)
    wanted = tuple(made.shape[k] for k in axes)
    places = _sums([range(0, made.shape[k] * steps[k], steps[k]) for k in axes])
    return ndarray([made.items[k] for k in places], wanted)


def moveaxis(values: Any, source: int, target: int) -> ndarray:
    made = asarray(values)
    axes = list(range(made.ndim))
    axis = axes.pop(source)
    axes.insert(target % made.ndim, axis)
    return transpose(made, axes)


def swapaxes(values: Any, a: int, b: int) -> ndarray:
    made = asarray(values)
    axes = list(range(made.ndim))
    axes[a], axes[b] = axes[b], axes[a]
    return transpose(made, axes)


def atleast_1d(values: Any) -> ndarray:
    made = asarray(values)
    return made if made.shape else ndarray(made.items, (1,))


def atleast_2d(values: Any) -> ndarray:
    made = atleast_1d(values)
    return made if made.ndim > 1 else ndarray(made.items, (1, *made.shape))


def resize(values: Any, count: int) -> ndarray:
    items = asarray(values).items
    return ndarray((items * (count // len(items) + 1))[:count], (count,))


def repeat_(values: Any, times: int, axis: int | None = None) -> ndarray:
    made = asarray(values) if axis is not None else ravel(values)
    places = [k for k in range(made.shape[axis or 0]) for _ in range(times)]
    made_again: ndarray = made[(*[slice(None)] * (axis or 0), places)]
    return made_again


def concatenate(some: Iterable[Any], axis: int = 0) -> ndarray:
    parts = [asarray(part) for part in some]
    axis %= parts[0].ndim
    if axis:
        return moveaxis(concatenate([moveaxis(part, axis, 0) for part in parts]), 0, axis)
    items = list(chain.from_iterable(part.items for part in parts))
    length = sum(part.shape[0] for part in parts)
    return array(ndarray(items, (length, *parts[0].shape[1:])))


def stack(some: Iterable[Any], axis: int = 0) -> ndarray:
    parts = [asarray(part) for part in some]
    if len({part.shape for part in parts}) > 1:
        raise ValueError("arrays of different shapes")
    items = list(chain.from_iterable(part.items for part in parts))
    made = array(ndarray(items, (len(parts), *parts[0].shape)))
    return moveaxis(made, 0, axis) if axis else made


def broadcast_shapes(*shapes: Shape) -> Shape:
    longest = max(map(len, shapes), default=0)
    padded = [(1,) * (longest - len(shape)) + shape for shape in shapes]
    wanted = []
    for lengths in zip(*padded, strict=True):
        longer = {length for length in lengths if length != 1}
        if len(longer) > 1:
            raise ValueError(f"shapes {shapes} don't fit each other")
        wanted.append(longer.pop() if longer else 1)
    return tuple(wanted)


def broadcast_to(values: Any, wanted: Any) -> ndarray:
    wanted = (wanted,) if isinstance(wanted, int) else tuple(wanted)
    made = asarray(values)
    return made if made.shape == wanted else ndarray(spread_items(made, wanted), wanted)


def broadcast_arrays(*some: Any) -> list[ndarray]:
    parts = [asarray(part) for part in some]
    wanted = broadcast_shapes(*(part.shape for part in parts))
    return [broadcast_to(part, wanted) for part in parts]


def spread_items(values: ndarray, wanted: Shape) -> list[Any]:
    if values.shape == wanted:
        return values.items
    if len(values.items) == 1:
        return values.items * math.prod(wanted)
    return [values.items[k] for k in _spread(values.shape, wanted)]


@lru_cache(maxsize=500)
def _spread(shape: Shape, wanted: Shape) -> list[int]:
    """The places of a shape's items, repeated so that they fill another shape."""
    if broadcast_shapes(shape, wanted) != wanted:
        raise ValueError(f"{shape} can't be repeated to {wanted}")
    padded = (1,) * (len(wanted) - len(shape)) + shape
    steps = _steps(padded)
    return _sums(
        [
            [0] * length if extent == 1 else range(0, length * step, step)
            for extent, length, step in zip(padded, wanted, steps, strict=True)
        ]
    )


def _steps(shape: Shape) -> list[int]:
    """How far apart in the list neighbours along each axis are."""
    return [math.prod(shape[k + 1 :]) or 1 for k in range(len(shape))]


def _sums(axes: Sequence[Sequence[int]]) -> list[int]:
    """All sums of one step along each axis, in order."""
    places = [0]
    for axis in axes:
        places = [place + further for place in places for further in axis]
    return places


# Parts of arrays ----------------------------------------------------------------------


def _is_single(key: Any) -> bool:
    """Whether a key selects a single number, not an array."""
    return all(isinstance(part, int) for part in (key if isinstance(key, tuple) else (key,)))


@lru_cache(maxsize=2000)
def _known_places(shape: Shape, key: Any) -> tuple[Sequence[int], Shape]:
    """The same for a key of plain numbers and slices, which is often asked for again."""
    return _places(shape, key)


def _places(shape: Shape, key: Any) -> tuple[list[int], Shape]:
    """The places in the list that a key selects, and their shape."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    rest = len(shape) - sum(map(_axes_of, parts))
    steps = _steps(shape)
    places: list[Sequence[int]] = []
    wanted: list[int] = []
    axis = 0
    before: Any = None
    for part in chain.from_iterable([slice(None)] * rest if p is Ellipsis else [p] for p in parts):
        if part is None:
            wanted.append(1)
            before = None
            continue
        axes = _axes_of(part)
        along, lengths = _chosen(part, shape[axis : axis + axes])
        step = steps[axis + axes - 1] if axes else 1
        if _is_list(part) and _is_list(before):  # of rows and columns, in pairs
            places[-1] = [a + k * step for a, k in zip(places[-1], along, strict=True)]
        else:
            places.append([k * step for k in along])
            wanted += lengths
        axis += axes
        before = part
    return _sums(places), tuple(wanted)


def _axes_of(part: Any) -> int:
    """How many axes a part of a key covers."""
    return 0 if part is None or part is Ellipsis else part.ndim if _is_mask(part) else 1


def _chosen(part: Any, shape: Shape) -> tuple[Sequence[int], Shape]:
    """The places that a part of a key selects, along an axis or by a mask, and their shape."""
    if isinstance(part, slice):
        along = range(shape[0])[part]
        return along, (len(along),)
    if _is_mask(part):
        if part.shape != shape:
            raise IndexError("a mask of another shape")
        some = [k for k, is_chosen in enumerate(part.items) if is_chosen]
        return some, (len(some),)
    every = range(shape[0])
    if _is_list(part):
        listed = asarray(part)
        return [every[int(k)] for k in listed.items], listed.shape
    return [every[operator.index(part)]], ()


def _is_mask(part: Any) -> bool:
    return isinstance(part, ndarray) and part.dtype is bool


def _is_list(part: Any) -> bool:
    """Whether a part of a key lists places."""
    is_array = isinstance(part, ndarray) and part.shape != () and not _is_mask(part)
    return is_array or isinstance(part, list)
