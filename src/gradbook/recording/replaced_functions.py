"""What makes numbers in NumPy, `math` and `random`, replaced by what makes ones that remember.

For a process that runs a program and does nothing else: the modules themselves are changed.
"""

from __future__ import annotations

import copy
import math
import random
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradbook.recording.arithmetic import give_arithmetic
from gradbook.recording.arrays import (
    RecordedArray,
    RecordedNumber,
    as_python,
    fresh,
    make_number,
    owner,
    plain,
    record,
    remember,
    wide_type,
    widen,
    wrap,
)
from gradbook.recording.calls import split_names
from gradbook.recording.recorder import RECORDER

CONSTRUCTORS = split_names("""
    zeros ones full array asarray asanyarray empty loadtxt genfromtxt eye identity arange
    linspace logspace geomspace load frombuffer fromfile fromstring fromiter fromfunction
    ascontiguousarray asfortranarray asarray_chkfinite zeros_like ones_like empty_like full_like
    atleast_1d atleast_2d atleast_3d concatenate vstack hstack dstack stack column_stack row_stack
    block tri indices meshgrid""")
BY_BYTES = ("frombuffer", "fromfile", "fromstring", "load")  # their type is that of what they read
BY_SHAPE = ("zeros_like", "ones_like", "empty_like")
AS_IS = ("asarray", "asanyarray", "ascontiguousarray")
ORDERS = ("shuffle", "permutation", "permuted")
NO_NUMBERS = ("seed", "bytes", "spawn", "tomaxint")
_arange = np.arange
MATHS = {
    name: getattr(np, {"pow": "power", "fabs": "absolute", "atan": "arctan"}.get(name, name))
    for name in split_names("""
    exp log sqrt tanh sin cos tan log1p expm1 pow fabs log2 log10 sinh cosh exp2 cbrt
        atan hypot""")
    if hasattr(math, name)
}
MATHS_ALONE = ("erf", "erfc", "fsum", "prod", "dist", "sumprod")  # without a twin in NumPy
PYTHON_RANDOM = split_names("""
    random uniform gauss normalvariate betavariate triangular expovariate lognormvariate
    gammavariate vonmisesvariate paretovariate weibullvariate""")


class Replacements:
    """What stands in the modules for their own functions, until it is undone."""

    def __init__(self) -> None:
        self.parts: list[tuple[Any, dict[str, Any], dict[str, Any]]] = []

    def make(self) -> None:
        owners: list[Any] = [np, np.random, np.lib.stride_tricks, math, random, random.Random]
        if "scipy.special" in sys.modules:
            owners.append(sys.modules["scipy.special"])
        before = [(owner, dict(vars(owner))) for owner in owners]
        try:
            _replace_functions()
        finally:
            self.parts = [
                (owner, names, {k: v for k, v in vars(owner).items() if v is not names.get(k)})
                for owner, names in before
            ]

    def undo(self) -> None:
        """What the program itself put there stays."""
        for module, before, after in self.parts:
            for name, value in after.items():
                if vars(module).get(name) is not value:
                    continue
                if name in before:
                    setattr(module, name, before[name])
                elif isinstance(module, type):  # it was inherited
                    delattr(module, name)
        self.parts = []


def _replace_functions() -> None:
    give_arithmetic()
    for name in CONSTRUCTORS:
        if hasattr(np, name):
            setattr(np, name, _constructor(getattr(np, name)))
    for name, function in list(vars(np.random).items()):
        if name in ("shuffle", "permutation"):
            setattr(np.random, name, _ordering(function, name))
        elif isinstance(function, types.BuiltinFunctionType) and name not in NO_NUMBERS:
            setattr(np.random, name, _drawing(function))
    _replace_generators()
    for name, ufunc in MATHS.items():
        setattr(math, name, _maths(getattr(math, name), ufunc))
    for name in MATHS_ALONE:
        if hasattr(math, name):
            setattr(math, name, _recorded(getattr(math, name)))
    for name in PYTHON_RANDOM:
        if hasattr(random, name):
            setattr(random, name, _python_drawing(getattr(random, name)))
            method = getattr(random.Random, name)
            setattr(random.Random, name, _python_drawing(method))
    np.vectorize = _Vectorized  # type: ignore[misc,assignment]
    np.apply_along_axis = _apply_along_axis  # type: ignore[assignment]
    np.lib.stride_tricks.as_strided = _strided(np.lib.stride_tricks.as_strided)
    special = sys.modules.get("scipy.special")
    if special is not None:
        for name in ("softmax", "log_softmax", "logsumexp"):
            setattr(special, name, _recorded(getattr(special, name)))


def has_memory(structure: Any) -> bool:
    """Whether a (nested) sequence has numbers that remember."""
    if isinstance(structure, (RecordedArray, RecordedNumber)):
        return isinstance(structure, RecordedArray) or structure._index is not None
    if isinstance(structure, (list, tuple)):
        return any(has_memory(part) for part in structure)
    return False


def _constructor(function: Any) -> Any:
    def make(*arguments: Any, **options: Any) -> Any:
        if not RECORDER.called_by_program():
            return function(*arguments, **options)
        if function.__name__ not in BY_BYTES:
            arguments = tuple([wide_type(part) for part in arguments])
            options = {key: wide_type(part) for key, part in options.items()}
        first = arguments[0] if arguments else options.get("object")
        if isinstance(first, (types.GeneratorType, map, zip, filter)):
            first = list(first)
            arguments = (first, *arguments[1:])
        likes = function.__name__ in BY_SHAPE
        if RECORDER.is_on and not likes and has_memory((*arguments, *options.values())):
            if function.__name__ in AS_IS and (
                isinstance(first, RecordedArray)
                and len(arguments) == 1
                and not options
                and (function.__name__ != "ascontiguousarray" or first.flags.c_contiguous)
            ):
                return first
            try:
                if object in (options.get("dtype"), *arguments[1:2]):
                    return function(_in_lists(first), *arguments[1:], **options)
                return record(function, arguments, options)
            except (ValueError, TypeError):
                return function(*plain(arguments), **plain(options))
        value = function(*plain(arguments), **plain(options))
        if isinstance(value, (tuple, list)):
            return type(value)(fresh(widen(part)) for part in value)
        if isinstance(value, np.ndarray) and isinstance(first, np.ndarray) and not likes:
            if isinstance(first, RecordedArray):
                return first if np.may_share_memory(value, first) else fresh(widen(value))
            value = np.array(value)
        return fresh(widen(value))

    make.__name__ = function.__name__
    make.__wrapped__ = function  # type: ignore[attr-defined]
    return make


def _in_lists(value: Any) -> Any:
    """Numbers instead of arrays, which are filled into an array of objects one by one."""
    if isinstance(value, RecordedArray):
        return value.tolist()
    is_nested = isinstance(value, list) and all(isinstance(part, RecordedArray) for part in value)
    if is_nested and len({part.shape for part in value}) == 1:
        return [part.tolist() for part in value]
    return value


def _recorded(function: Any) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        if has_memory(arguments):
            return record(function, arguments, options)
        return function(*arguments, **options)

    call.__name__ = function.__name__
    return call


def _drawing(function: Any) -> Any:
    def draw(*arguments: Any, **options: Any) -> Any:
        if not RECORDER.called_by_program():
            return function(*arguments, **options)
        return _wrap_drawn(function(*plain(arguments), **plain(options)))

    draw.__name__ = getattr(function, "__name__", "draw")
    return draw


def _wrap_drawn(value: Any) -> Any:
    if type(value) is float:
        return as_python(fresh(np.float64(value), is_random=True))
    if isinstance(value, (np.ndarray, np.floating)):
        return fresh(widen(value), is_random=value.dtype.kind == "f")
    return value


def _ordering(function: Any, name: str) -> Any:
    def order(array: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(array, RecordedArray):
            return function(array if name == "shuffle" else plain(array), *arguments, **options)
        axis = arguments[0] if arguments else options.get("axis", 0)
        if name == "permuted" or axis not in (0, -array.ndim):
            places = _arange(array.size).reshape(array.shape)
        else:
            places = _arange(len(array))
            arguments, options = (), {}
        if name == "shuffle":
            function(places, *arguments, **options)
            result, array[...] = None, _at_places(array, places)
            return result
        return _at_places(array, function(places, *arguments, **options))

    order.__name__ = name
    return order


def _at_places(array: RecordedArray, places: Any) -> Any:
    return array[places] if places.ndim == 1 else array.reshape(-1)[places]


def _method(generator: Any, name: str) -> Any:
    value = getattr(generator, name)
    if name in ORDERS:
        return _ordering(value, name)
    if not callable(value) or name in NO_NUMBERS:
        return value

    def call(*arguments: Any, **options: Any) -> Any:
        if "dtype" in options:
            options["dtype"] = wide_type(options["dtype"])
        return _wrap_drawn(value(*plain(arguments), **plain(options)))

    return call


def _replace_generators() -> None:
    make_generator, state = np.random.default_rng, np.random.RandomState
    generator = np.random.Generator

    class RecordedGenerator:
        """A generator whose arrays remember."""

        def __init__(self, source: Any) -> None:
            self._source = source

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):  # also when it is copied, and has no source yet
                raise AttributeError(name)
            return _method(self._source, name)

        def __deepcopy__(self, memo: Any) -> Any:
            return type(self)(copy.deepcopy(self._source, memo))

        def __reduce__(self) -> Any:
            return self._source.__reduce__()

    def default_rng(*arguments: Any, **options: Any) -> Any:
        arguments = tuple(
            part._source if isinstance(part, RecordedGenerator) else part for part in arguments
        )
        made = make_generator(*arguments, **options)
        return RecordedGenerator(made) if RECORDER.called_by_program() else made

    class StateType(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, (state, RecordedState))

        def __call__(cls, *arguments: Any, **options: Any) -> Any:
            made = state(*arguments, **options)
            return RecordedState(made) if RECORDER.called_by_program() else made

    class RecordedState(RecordedGenerator):
        pass

    class GeneratorType(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, generator) or type(value) is RecordedGenerator

        def __call__(cls, *arguments: Any, **options: Any) -> Any:
            made = generator(*arguments, **options)
            return RecordedGenerator(made) if RECORDER.called_by_program() else made

    np.random.default_rng = default_rng
    np.random.RandomState = StateType("RandomState", (), {})  # type: ignore[misc,assignment]
    np.random.Generator = GeneratorType("Generator", (), {})  # type: ignore[misc,assignment]


def _maths(original: Any, ufunc: Any) -> Any:
    def compute(*arguments: Any) -> Any:
        if (
            RECORDER.is_on
            and any(isinstance(part, RecordedNumber) for part in arguments)
            and RECORDER.called_by_program()
        ):
            if ufunc is np.log and len(arguments) == 2:  # what math.log does with a base, too
                return compute(arguments[0]) / compute(arguments[1])
            if len(arguments) == ufunc.nin:
                value = np.float64(original(*[float(part) for part in arguments]))
                return as_python(remember(ufunc, arguments, {}, value))
        if arguments and isinstance(arguments[0], RecordedArray) and arguments[0].size == 1:
            return compute(arguments[0].item(), *arguments[1:])
        return original(*arguments)

    compute.__name__ = original.__name__
    return compute


def _python_drawing(original: Any) -> Any:
    def draw(*arguments: Any, **options: Any) -> Any:
        value = original(*arguments, **options)
        if RECORDER.called_by_program() and isinstance(value, float):
            return as_python(fresh(np.float64(value), is_random=True))
        return value

    draw.__name__ = original.__name__
    return draw


def _strided(original: Any) -> Any:
    def as_strided(array: Any, shape: Any = None, strides: Any = None, **options: Any) -> Any:
        """Its windows by their places: where they are in memory differs from run to run."""
        if not isinstance(array, RecordedArray) or array.dtype.itemsize != 8:
            return original(array, shape, strides, **options)
        numbers, buffer = array.view(np.ndarray), owner(array)
        offset = numbers.ctypes.data - buffer.ctypes.data
        places = np.ndarray(
            numbers.shape, np.int64, np.zeros(buffer.size, np.int64), offset, numbers.strides
        )
        places[...] = _arange(numbers.size).reshape(numbers.shape)
        return array.reshape(-1)[original(places, shape, strides).copy()]

    return as_strided


def _memories_around(function: Any) -> Iterator[Any]:
    """What a function of the program uses besides its arguments."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    for cell in function.__closure__ or ():
        yield cell.cell_contents
    for name in code.co_names:
        yield function.__globals__.get(name)


def _apply_along_axis(function: Any, axis: Any, array: Any, *arguments: Any, **options: Any) -> Any:
    """`np.apply_along_axis`, slice by slice, so that the function's own numbers remember, too."""
    if not isinstance(array, RecordedArray) or not RECORDER.called_by_program():
        return _along_axis(function, axis, array, *arguments, **options)
    moved = np.moveaxis(array, axis, -1)
    places = list(np.ndindex(moved.shape[:-1]))
    parts = [function(moved[place], *arguments, **options) for place in places]
    together = record(np.stack, (parts,), {})
    together = together.reshape(moved.shape[:-1] + together.shape[1:])
    if together.ndim < array.ndim:
        return together
    last = range(array.ndim - 1, together.ndim)
    return np.moveaxis(together, list(last), [axis % array.ndim + n for n in range(len(last))])


_along_axis = np.apply_along_axis


class _Vectorized:
    """`np.vectorize`: its function is one call for all entries."""

    original = np.vectorize

    def __init__(self, function: Any = None, **options: Any) -> None:
        self.options = options
        self.scalar = function
        self.function = _Vectorized.original(function, **options) if function else None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self.function is None:
            return _Vectorized(arguments[0], **self.options)
        vectorized = self.function
        if RECORDER.is_on and not options and has_memory(tuple(_memories_around(self.scalar))):
            return self._one_by_one(arguments)

        def elementwise(*parts: Any, **more: Any) -> Any:
            return vectorized(*parts, **more)

        elementwise.__name__ = "elementwise"
        if any(isinstance(part, (RecordedArray, RecordedNumber)) for part in arguments):
            is_on, RECORDER.is_on = RECORDER.is_on, False
            try:
                value = plain(elementwise(*plain(arguments), **plain(options)))
            finally:
                RECORDER.is_on = is_on
            return remember(elementwise, arguments, options, value) if is_on else wrap(value, None)
        return vectorized(*arguments, **options)

    def _one_by_one(self, arguments: Any) -> Any:
        """Its function has numbers that remember besides its arguments."""
        arrays = np.broadcast_arrays(*[_listed(part) for part in arguments])
        values = [
            self.scalar(*[each[place] for each in arrays]) for place in np.ndindex(arrays[0].shape)
        ]
        return record(np.array, (values,), {}).reshape(arrays[0].shape)


# What the rewritten source calls.


def literal(number: float) -> RecordedNumber:
    """A number that stands in the source: it becomes a leaf when it is first used."""
    return make_number(number, None, False)


def convert(kind: Any, *arguments: Any) -> Any:
    """`float(x)`, which would forget."""
    if kind is float and len(arguments) == 1:
        value = arguments[0]
        if isinstance(value, RecordedNumber):
            return as_python(value)
        if isinstance(value, RecordedArray) and value.size == 1:
            return value.item()
        number = float(*arguments)
        if isinstance(value, RecordedArray):
            return number
        return as_python(fresh(np.float64(number)))
    if isinstance(kind, type) and issubclass(kind, np.generic) and len(arguments) == 1:
        value = arguments[0]
        if isinstance(value, RecordedNumber) and issubclass(kind, np.floating):
            return value.copy()
        if isinstance(value, RecordedArray):
            return value.astype(kind)
    return kind(*arguments)


def dot(left: Any, *arguments: Any, **options: Any) -> Any:
    """`left.dot(…)`, which forgets what a plain array is multiplied by."""
    if (
        type(left) is np.ndarray
        and len(arguments) == 1
        and isinstance(arguments[0], (RecordedArray, RecordedNumber))
    ):
        return record(np.dot, (left, *arguments), options)
    return left.dot(*arguments, **options)


def _listed(value: Any) -> Any:
    """NumPy forgets what the numbers of a list are."""
    if isinstance(value, (list, tuple)) and RECORDER.is_on and has_memory(value):
        return record(np.array, (value,), {})
    return value


HELPERS = {
    "__gradbook_listed__": _listed,
    "__gradbook_literal__": literal,
    "__gradbook_convert__": convert,
    "__gradbook_dot__": dot,
}
