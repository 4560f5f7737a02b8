"""Arrays and numbers that remember how they were computed, by the protocols of NumPy.

Knows neither where a program comes from nor what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradbook.recording.calls import (
    Masked,
    Ref,
    getitem,
    item_of,
    put_flat,
    references,
    refill,
    setitem,
    split_names,
)
from gradbook.recording.recorder import RECORDER

NARROW = {np.float32, np.float16, *("float32", "float16", "single", "half", "f", "e")}
NARROW |= {f"{order}f{size}" for order in ("", "<", ">", "=") for size in (2, 4)}
SIMPLE = {int, float, bool, str, type(None), type(...), type, np.dtype}
UNRECORDED = {
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "array2string",
    "array_repr",
    "array_str",
}
FRESH = {"zeros_like", "ones_like", "empty_like", "full_like"}


@dataclass(slots=True)
class ArrayView:
    """Which part of which array an array is: a change to one is a change to the other."""

    parent: RecordedArray
    function: Any
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    parent_index: int


_holders: dict[int, int] = {}  # id of a buffer → the call whose value it still is
_copies: dict[int, tuple[Any, Any]] = {}
_new_number: Any = np.float64.__new__


def is_numeric(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fiub"


def owner(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def plain(structure: Any) -> Any:
    """The same without memory, for NumPy's own code."""
    kind = type(structure)
    if kind is RecordedArray:
        return structure.view(np.ndarray)
    if kind in SIMPLE:
        return structure
    if isinstance(structure, RecordedNumber):
        return np.float64(structure)
    if isinstance(structure, tuple):
        parts = [plain(part) for part in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    if isinstance(structure, list):
        return [plain(part) for part in structure]
    if isinstance(structure, dict):
        return {key: plain(part) for key, part in structure.items()}
    if isinstance(structure, slice):
        return slice(*plain((structure.start, structure.stop, structure.step)))
    return structure


def _constant(array: np.ndarray[Any, Any]) -> Any:
    """A copy of an array from elsewhere, one for as long as it doesn't change."""
    copy = _copies.get(id(array))
    if copy is None or copy[0] is not array or not np.array_equal(copy[1], array):
        copy = _copies[id(array)] = (array, array.copy())
        RECORDER.tape.kept_bytes += array.nbytes
    return copy[1]


def refer(structure: Any) -> Any:
    """The same with references in place of what remembers."""
    if type(structure) in SIMPLE:
        return structure
    if isinstance(structure, (RecordedArray, RecordedNumber)):
        return Ref(index_of(structure))
    if isinstance(structure, tuple):
        return tuple([refer(part) for part in structure])
    if isinstance(structure, list):
        return [refer(part) for part in structure]
    if isinstance(structure, dict):
        return {key: refer(part) for key, part in structure.items()}
    if isinstance(structure, slice):
        return slice(*refer((structure.start, structure.stop, structure.step)))
    if isinstance(structure, np.ndarray):
        return _constant(structure)
    return structure


def index_of(number: RecordedArray | RecordedNumber) -> int:
    """The call that computed it; a new leaf where that wasn't recorded."""
    index = number._index
    if isinstance(number, RecordedNumber):
        if index is None or number._episode != RECORDER.episode:
            index = number._index = RECORDER.add(None, (), {}, np.float64(number))
            number._episode = RECORDER.episode
        return index
    view = number._view
    is_current = index is not None and number._episode == RECORDER.episode
    if view is None:
        if not is_current:
            index = RECORDER.add(None, (), {}, np.array(number.view(np.ndarray)))
            number._index, number._episode = index, RECORDER.episode
        return index  # type: ignore[return-value]
    parent = index_of(view.parent)
    if not is_current or parent != view.parent_index:
        arguments = (Ref(parent), *refer(view.arguments))
        value = np.array(number.view(np.ndarray))
        index = RECORDER.add(view.function, arguments, refer(view.options), value)
        number._index, number._episode, view.parent_index = index, RECORDER.episode, parent
    return index  # type: ignore[return-value]


def widen(value: Any) -> Any:
    """Double precision, so that slopes can be compared to many digits."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f":
        return value.astype(np.float64) if value.dtype.itemsize < 8 else value
    return value


def wide_type(option: Any) -> Any:
    if isinstance(option, np.dtype):
        return np.dtype(np.float64) if option.kind == "f" else option
    return np.float64 if isinstance(option, (type, str)) and option in NARROW else option


def wrap(value: Any, index: int | None) -> Any:
    """The value as one that remembers."""
    if isinstance(value, np.ndarray):
        array = value.view(RecordedArray)
        array._index, array._episode = index, RECORDER.episode
        return array
    if isinstance(value, (float, np.floating)):
        return make_number(value, index, isinstance(value, np.floating))
    return value


def make_number(value: Any, index: int | None, is_of_numpy: bool) -> RecordedNumber:
    number: RecordedNumber = _new_number(RecordedNumber, value)
    number._index, number._episode, number._is_of_numpy = index, RECORDER.episode, is_of_numpy
    return number


def as_python(number: Any) -> Any:
    """The same number as one of Python's own, which divides and is shown otherwise."""
    if isinstance(number, RecordedNumber) and number._is_of_numpy:
        copy = make_number(float(number), number._index, False)
        copy._episode = number._episode
        return copy
    return number


def keep(value: Any) -> Any:
    """The value as the tape keeps it: the buffer itself if nothing else can change it."""
    if not isinstance(value, np.ndarray):
        return value
    return np.array(value) if value.base is not None else value


def hold(value: Any, index: int) -> None:
    if isinstance(value, np.ndarray) and value.base is None:
        _holders[id(value)] = index


def before_write(array: np.ndarray[Any, Any]) -> None:
    """Keep the old numbers of a buffer that is about to change."""
    if isinstance(array, RecordedArray) and array._view is not None:
        index_of(array)  # so that the array that it is part of is known, too
    buffer = owner(array)
    index = _holders.pop(id(buffer), None)
    if index is not None and index < len(RECORDER.tape):
        call = RECORDER.tape[index]
        if call.value is buffer:
            call.value = buffer.copy()


def without_objects(structure: Any) -> Any:
    """An array of objects that are numbers, as one of numbers."""
    if type(structure) is not np.ndarray or structure.dtype.kind != "O" or not RECORDER.is_on:
        return structure
    is_numeric_inside = all(isinstance(part, (int, float, np.number)) for part in structure.flat)
    return record(np.array, (structure.tolist(), float), {}) if is_numeric_inside else structure


def record(function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call a function of arrays, and remember the call."""
    arguments = tuple([without_objects(wide_type(part)) for part in arguments])
    if options:
        options = {key: wide_type(part) for key, part in options.items()}
    value = function(*plain(arguments), **plain(options))
    if not RECORDER.is_on:
        return _wrap_unrecorded(value)
    return remember(function, arguments, options, value)


def _wrap_unrecorded(value: Any) -> Any:
    if is_numeric(value):
        return wrap(value, None)
    if _is_of_several(value):
        return _together(value, [wrap(part, None) for part in value])
    return value


def _is_of_several(value: Any) -> bool:
    """Whether a function has several results, such as `np.split` and `np.linalg.svd`."""
    return (
        isinstance(value, (tuple, list)) and bool(value) and all(is_numeric(part) for part in value)
    )


def _together(values: Any, parts: list[Any]) -> Any:
    return type(values)(*parts) if hasattr(values, "_fields") else type(values)(parts)


def remember(function: Any, arguments: tuple[Any, ...], options: dict[str, Any], value: Any) -> Any:
    value = widen(value)
    if is_numeric(value):
        references = refer(arguments), refer(options)
        index = RECORDER.add(function, *references, keep(value))
        result = wrap(value, index)
        if isinstance(value, np.ndarray):
            first = arguments[0] if arguments else None
            if value.base is None:
                hold(value, index)
            elif isinstance(first, RecordedArray) and np.may_share_memory(value, first):
                parent = references[0][0].index
                result._view = ArrayView(first, function, arguments[1:], options, parent)
        elif value.dtype.kind == "b":
            RECORDER.tape.branches.append((index, bool(value)))
        return result
    if _is_of_several(value):
        parts = [widen(part) for part in value]
        index = RECORDER.add(function, refer(arguments), refer(options), parts)
        places = [
            RECORDER.add(item_of, (Ref(index), place), {}, np.array(part))
            for place, part in enumerate(parts)
        ]
        return _together(value, [wrap(*pair) for pair in zip(parts, places, strict=True)])
    return value


def kept_after_write(array: RecordedArray) -> Any:
    """The value of an array that was changed in place: its buffer, unless it is part of one."""
    buffer = owner(array)
    is_whole = array._view is None and buffer.shape == array.shape
    return buffer if is_whole else np.array(array.view(np.ndarray))


def after_write(array: RecordedArray, index: int) -> None:
    """An array was changed in place: so was all of which it is a view."""
    array._index, array._episode = index, RECORDER.episode
    view = array._view
    if view is None:
        buffer = owner(array)
        if RECORDER.tape[index].value is buffer:
            _holders[id(buffer)] = index
        return
    parent = view.parent
    old = view.parent_index
    now = kept_after_write(parent)
    if view.function is getitem:
        arguments = (Ref(old), *refer(view.arguments), Ref(index))
        new = RECORDER.add(setitem, arguments, {}, now)
    else:
        numbers = np.arange(parent.size).reshape(parent.shape)
        places = view.function(numbers, *plain(view.arguments), **plain(view.options))
        new = RECORDER.add(put_flat, (Ref(old), places, Ref(index)), {}, now)
    view.parent_index = new
    after_write(parent, new)


def _is_same_place(first: Any, second: Any) -> bool:
    if first is second:
        return True
    try:
        return type(first) is type(second) and bool(np.all(plain(first) == plain(second)))
    except (ValueError, TypeError):
        return False


class RecordedArray(np.ndarray[Any, Any]):
    _index: int | None = None
    _episode = -1
    _view: ArrayView | None = None
    __array_priority__ = 1000

    def __array_finalize__(self, source: Any) -> None:
        self._index, self._episode, self._view = None, -1, None

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        return call_ufunc(ufunc, method, inputs, out, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        return call_function(function, arguments, options)

    def __getitem__(self, index: Any) -> Any:
        value = self.view(np.ndarray)[plain(index)]
        if not is_numeric(value):
            return value
        if not RECORDER.is_on:
            result = wrap(value, None)
            if isinstance(value, np.ndarray) and value.base is not None:
                result._view = ArrayView(self, getitem, (index,), {}, -1)
            return result
        parent = index_of(self)
        call = RECORDER.add(getitem, (Ref(parent), refer(index)), {}, keep(value))
        result = wrap(value, call)
        if isinstance(value, np.ndarray):
            if value.base is not None:
                result._view = ArrayView(self, getitem, (index,), {}, parent)
            else:
                hold(value, call)
        elif value.dtype.kind == "b":
            RECORDER.tape.branches.append((call, bool(value)))
        return result

    def __setitem__(self, index: Any, value: Any) -> None:
        view = value._view if isinstance(value, RecordedArray) else None
        if (
            view is not None
            and view.parent is self
            and view.function is getitem
            and _is_same_place(view.arguments[0], index)
        ):
            return  # what `W[i] -= …` writes back after its change in place
        if not RECORDER.is_on:
            self.view(np.ndarray)[plain(index)] = plain(value)
            return
        old = index_of(self)
        operands = (refer(index), refer(value))
        if self._is_untouched(old) and not list(references(operands)):
            self.view(np.ndarray)[plain(index)] = plain(value)  # as if it had begun so
            return
        before_write(self)
        self.view(np.ndarray)[plain(index)] = plain(value)
        kept = kept_after_write(self)
        after_write(self, RECORDER.add(setitem, (Ref(old), *operands), {}, kept))

    def _is_untouched(self, index: int) -> bool:
        """Whether an array is new, and nothing has used it yet."""
        tape = RECORDER.tape
        call = tape[index]
        return (
            call.function is None
            and self._view is None
            and index not in tape.used
            and call.value is owner(self)
        )

    def __iter__(self) -> Any:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        for place in range(len(self)):
            yield self[place]

    def __bool__(self) -> bool:
        truth = bool(self.view(np.ndarray))
        if RECORDER.is_on and self._index is not None and self._episode == RECORDER.episode:
            RECORDER.tape.branches.append((self._index, truth))
        return truth

    def __format__(self, form: str) -> str:
        return format(self.item() if self.ndim == 0 else self.view(np.ndarray), form)

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))

    def __str__(self) -> str:
        return str(self.view(np.ndarray))

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()

    def __deepcopy__(self, memo: Any) -> Any:
        return record(np.copy, (self,), {})

    def __copy__(self) -> Any:
        return record(np.copy, (self,), {})

    def tolist(self) -> Any:
        if RECORDER.is_on and self.dtype.kind == "f" and self.size <= 4096:
            return [
                part.tolist() if isinstance(part, RecordedArray) else as_python(part)
                for part in self
            ]
        return self.view(np.ndarray).tolist()

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, *arguments: Any, **options: Any) -> None:
        self[...] = record(np.sort, (self, *arguments), options)

    def partition(self, *arguments: Any, **options: Any) -> None:
        self[...] = record(np.partition, (self, *arguments), options)

    def put(self, *arguments: Any, **options: Any) -> None:
        np.put(self, *arguments, **options)

    def item(self, *place: Any) -> Any:
        if self.size == 1 and place in ((), (0,), (-1,)):
            return as_python(self.reshape(-1)[0])
        if len(place) == 1 and isinstance(place[0], int):
            return as_python(self.reshape(-1)[place[0]])
        return as_python(self[place]) if place else self.view(np.ndarray).item()

    @property
    def T(self) -> Any:  # noqa: N802
        return record(np.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802
        return record(np.swapaxes, (self, -1, -2), {})

    @property  # type: ignore[misc]
    def real(self) -> Any:
        return self

    @property
    def flat(self) -> Any:
        return self.reshape(-1)


METHODS = split_names("""
    sum mean dot max min reshape transpose flatten ravel copy astype argmax argmin std var clip
    prod squeeze round cumsum repeat swapaxes diagonal trace all any take cumprod argsort ptp
    argpartition compress conj conjugate nonzero searchsorted""")
OF_A_NUMBER = split_names(
    "clip round prod max min cumsum cumprod flatten ravel repeat std var take argsort ptp"
)


def _function_of(method: str) -> Any:
    def call(array: Any, *arguments: Any, **options: Any) -> Any:
        if method == "ptp":
            return np.ptp(array, *arguments, **options)
        return getattr(np.asarray(array), method)(*arguments, **options)

    call.__name__ = method
    return call


def _method(name: str, owners: tuple[type, ...]) -> None:
    function = _function_of(name)

    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        result = record(function, (self, *arguments), options)
        if out is None:
            return result
        out[...] = result
        return out

    method.__name__ = name
    for kind in owners:
        setattr(kind, name, method)


def call_ufunc(ufunc: Any, method: str, inputs: Any, out: Any, options: Any) -> Any:
    function = ufunc if method == "__call__" else getattr(ufunc, method)
    if not (RECORDER.is_on or RECORDER.resumes_in(3)) or not RECORDER.is_within_program(3):
        outs = {} if out is None else {"out": plain(out)}
        value = function(*plain(inputs), **plain(options), **outs)
        if out is not None and method != "at":
            return out[0] if len(out) == 1 else out
        return _wrap_unrecorded(value)
    if "dtype" in options:
        options["dtype"] = wide_type(options["dtype"])
    inputs = tuple([without_objects(part) for part in inputs])
    if method == "at":
        return _ufunc_at(ufunc, inputs)
    if out is not None and out[0] is not None:
        return _ufunc_into(function, inputs, out[0], options)
    if method == "__call__":
        value = ufunc(*plain(inputs), **plain(options)) if options else ufunc(*plain(inputs))
        return remember(ufunc, inputs, options, value)

    value = function(*plain(inputs), **plain(options))
    return remember(_named(function, ufunc, method), inputs, options, value)


def _named(function: Any, ufunc: Any, method: str) -> Any:
    if ufunc is np.add and method == "reduce":

        def add_reduce(array: Any, axis: Any = 0, **options: Any) -> Any:
            return np.sum(array, axis=axis, **options)

        add_reduce.__name__ = "sum"
        return add_reduce
    return function


def _ufunc_at(ufunc: Any, inputs: Any) -> None:
    def at(array: Any, *rest: Any) -> Any:
        array = np.array(array)
        ufunc.at(array, *rest)
        return array

    at.__name__ = f"{ufunc.__name__}_at"
    array = inputs[0]
    if not isinstance(array, RecordedArray):
        ufunc.at(array, *plain(inputs[1:]))
        return
    operands = refer(tuple(inputs))
    before_write(array)
    ufunc.at(array.view(np.ndarray), *plain(inputs[1:]))
    after_write(array, RECORDER.add(at, operands, {}, kept_after_write(array)))


def _ufunc_into(function: Any, inputs: Any, target: Any, options: Any) -> Any:
    """An operation in place, or one with `out=`."""
    if not isinstance(target, RecordedArray):
        return function(*plain(inputs), out=target, **plain(options))
    if options.get("where", True) is not True:
        options = dict(options)
        inputs = (target, options.pop("where"), *inputs)
        function = Masked(function)
    operands = refer(tuple(inputs)), refer(options)
    value = function(*plain(inputs), **plain(options))
    is_fitting = np.shape(value) == target.shape and value.dtype == target.dtype
    old = None if is_fitting else index_of(target)
    before_write(target)
    target.view(np.ndarray)[...] = value
    kept = kept_after_write(target) if is_fitting else widen(np.array(value))
    index = RECORDER.add(function, *operands, kept)
    if old is not None:
        index = RECORDER.add(refill, (Ref(old), Ref(index)), {}, kept_after_write(target))
    after_write(target, index)
    return target


def call_function(function: Any, arguments: Any, options: Any) -> Any:
    name = getattr(function, "__name__", "")
    module = getattr(function, "__module__", "") or ""
    if name in UNRECORDED or module.startswith(("numpy.random", "numpy.lib.npyio")):
        return function(*plain(arguments), **plain(options))
    if name in FRESH:
        options = {key: wide_type(part) for key, part in options.items()}
        value = widen(function(*plain(arguments), **plain(options)))
        return fresh(value)
    if name == "copyto":
        arguments[0][...] = arguments[1]
        return None
    if name in ("shape", "ndim", "size"):
        return function(*plain(arguments), **plain(options))
    if name in ("fill_diagonal", "put", "put_along_axis", "place", "putmask"):
        return _change_in_place(function, arguments, options)
    options = dict(options)
    out = options.pop("out", None)
    result = record(function, tuple(arguments), options)
    if isinstance(out, tuple):
        out = out[0]
    if out is None:
        return result
    out[...] = result
    return out


def _change_in_place(function: Any, arguments: Any, options: Any) -> None:
    def changed(array: Any, *rest: Any, **more: Any) -> Any:
        array = np.array(array)
        function(array, *rest, **more)
        return array

    changed.__name__ = function.__name__
    array = arguments[0]
    if isinstance(array, RecordedArray):
        array[...] = record(changed, tuple(arguments), dict(options))
    else:
        function(*plain(arguments), **plain(options))


def fresh(value: Any, is_random: bool = False) -> Any:
    """A new array or number that nothing recorded went into."""
    if not is_numeric(value):
        return value
    if not RECORDER.is_on:
        return wrap(value, None)
    index = RECORDER.add(None, (), {}, keep(value), is_random)
    hold(value, index)
    return wrap(value, index)


def round_number(number: Any, digits: int) -> Any:
    return np.float64(round(float(number), digits))


class RecordedNumber(np.float64):
    """A float that remembers."""

    __slots__ = ("_episode", "_index", "_is_of_numpy")
    _index: int | None
    _episode: int
    _is_of_numpy: bool  # or one of Python's own, which raises where NumPy's are infinite

    def __new__(cls, value: Any = 0.0) -> RecordedNumber:
        number = super().__new__(cls, value)
        number._index, number._episode, number._is_of_numpy = None, -1, False
        return number

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        return call_ufunc(ufunc, method, inputs, out, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        return call_function(function, arguments, options)

    def __repr__(self) -> str:
        return repr(np.float64(self)) if self._is_of_numpy else float.__repr__(self)

    def __str__(self) -> str:
        return float.__repr__(self)

    def __round__(self, digits: Any = None) -> Any:
        if digits is None:
            return round(float(self))
        if self._is_of_numpy:
            return record(np.round, (self, digits), {})
        return as_python(record(round_number, (self, digits), {}))

    def __format__(self, form: str) -> str:
        return float.__format__(self, form)

    def __reduce__(self) -> Any:
        return (np.float64 if self._is_of_numpy else float, (float(self),))

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __copy__(self) -> Any:
        return self

    def __hash__(self) -> int:
        return float.__hash__(self)

    def item(self, *place: Any) -> Any:
        return as_python(self)

    def tolist(self) -> Any:
        return as_python(self)

    @property
    def real(self) -> Any:
        return self

    def conjugate(self, *arguments: Any) -> Any:
        return self

    conj = conjugate

    def copy(self, *arguments: Any) -> Any:
        """The same number as one of NumPy's."""
        if self._is_of_numpy:
            return self
        number = make_number(self, self._index, True)
        number._episode = self._episode
        return number

    def astype(self, kind: Any, *arguments: Any, **options: Any) -> Any:  # type: ignore[override]
        if wide_type(kind) in (float, np.float64, "float64", "float"):
            return self
        return np.float64.astype(self, kind, *arguments, **options)

    def sum(self, *arguments: Any, **options: Any) -> Any:
        return self

    mean = squeeze = sum

    @property
    def T(self) -> Any:  # noqa: N802
        return self

    def reshape(self, *shape: Any) -> Any:  # type: ignore[override]
        return record(np.reshape, (self, shape[0] if len(shape) == 1 else shape), {})


for _name in METHODS:
    _method(_name, (RecordedArray, RecordedNumber) if _name in OF_A_NUMBER else (RecordedArray,))
