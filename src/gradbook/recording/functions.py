"""What NumPy, `math` and `random` offer to make numbers, replaced by what makes numbers that remember.

For a process that runs a program and does nothing else: the modules themselves are changed.
"""

from __future__ import annotations

import math
import random
import sys
import types
from typing import Any

import numpy as np

from gradbook.recording.arrays import (
    SCALARS,
    RecordedArray,
    RecordedNumber,
    fresh,
    plain,
    record,
    remember,
    wide_type,
    widen,
    wrap,
)
from gradbook.recording.recorder import RECORDER

CONSTRUCTORS = (
    "zeros ones full array asarray asanyarray empty loadtxt genfromtxt eye identity arange "
    "linspace logspace load frombuffer fromfile fromiter fromfunction ascontiguousarray zeros_like "
    "ones_like empty_like full_like atleast_1d atleast_2d concatenate vstack hstack stack "
    "column_stack row_stack tri indices meshgrid"
).split()
RANDOM = (
    "rand randn random uniform normal random_sample standard_normal randint ranf sample binomial "
    "laplace exponential beta gamma truncated_normal integers multivariate_normal choice"
).split()
ORDERS = ("shuffle", "permutation")
_arange = np.arange
MATHS = {
    name: getattr(np, {"pow": "power", "fabs": "absolute"}.get(name, name))
    for name in (
        "exp log sqrt tanh sin cos tan log1p expm1 pow fabs log2 log10 sinh cosh exp2 cbrt".split()
    )
    if hasattr(math, name)
}
PYTHON_RANDOM = (
    "random uniform gauss normalvariate betavariate triangular expovariate lognormvariate"
).split()


def replace_functions() -> None:
    for name in CONSTRUCTORS:
        if hasattr(np, name):
            setattr(np, name, _constructor(getattr(np, name)))
    for name in RANDOM:
        if hasattr(np.random, name):
            setattr(np.random, name, _drawing(getattr(np.random, name), 2))
    for name in ORDERS:
        setattr(np.random, name, _ordering(getattr(np.random, name), name))
    _replace_generators()
    for name, ufunc in MATHS.items():
        setattr(math, name, _maths(getattr(math, name), ufunc))
    for name in PYTHON_RANDOM:
        if hasattr(random, name):
            setattr(random, name, _python_drawing(getattr(random, name)))
            method = getattr(random.Random, name)
            setattr(random.Random, name, _python_drawing(method))
    np.vectorize = _Vectorized  # type: ignore[misc,assignment]
    for module, names in (("scipy.special", "softmax log_softmax logsumexp"),):
        if module in sys.modules:
            for name in names.split():
                original = getattr(sys.modules[module], name)
                setattr(sys.modules[module], name, _recorded(original))


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
        arguments = tuple([wide_type(part) for part in arguments])
        options = {key: wide_type(part) for key, part in options.items()}
        first = arguments[0] if arguments else options.get("object")
        if isinstance(first, (types.GeneratorType, map, zip, filter)):
            first = list(first)
            arguments = (first, *arguments[1:])
        likes = function.__name__.endswith("_like")
        if RECORDER.is_on and not likes and has_memory(first):
            if function.__name__ in ("asarray", "asanyarray", "ascontiguousarray") and (
                isinstance(first, RecordedArray) and len(arguments) == 1 and not options
            ):
                return first
            try:
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


def _recorded(function: Any) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        if has_memory(arguments):
            return record(function, arguments, options)
        return function(*arguments, **options)

    call.__name__ = function.__name__
    return call


def _drawing(function: Any, depth: int) -> Any:
    def draw(*arguments: Any, **options: Any) -> Any:
        if not RECORDER.called_by_program():
            return function(*arguments, **options)
        return _wrap_drawn(function(*plain(arguments), **plain(options)))

    draw.__name__ = getattr(function, "__name__", "draw")
    return draw


def _wrap_drawn(value: Any) -> Any:
    if isinstance(value, int):
        return value
    value = widen(np.float64(value) if isinstance(value, float) else value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" or isinstance(value, np.floating):
        return fresh(value, is_random=True)
    return fresh(value) if isinstance(value, np.ndarray) and value.dtype.kind in "iub" else value


def _ordering(function: Any, name: str) -> Any:
    def order(array: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(array, RecordedArray):
            return function(plain(array) if name == "permutation" else array, *arguments, **options)
        places = _arange(len(array))
        if name == "shuffle":
            function(places, *arguments, **options)
            array[...] = array[places]
            return None
        return array[function(places, *arguments, **options)]

    order.__name__ = name
    return order


def _method(owner: Any, name: str) -> Any:
    value = getattr(owner, name)
    if name in ORDERS:
        return _ordering(value, name)
    if not callable(value):
        return value

    def call(*arguments: Any, **options: Any) -> Any:
        if "dtype" in options:
            options["dtype"] = wide_type(options["dtype"])
        result = value(*plain(arguments), **plain(options))
        return _wrap_drawn(result) if name in RANDOM else result

    return call


def _replace_generators() -> None:
    make_generator, state = np.random.default_rng, np.random.RandomState
    generator = np.random.Generator

    class RecordedGenerator:
        """A generator whose arrays remember."""

        def __init__(self, source: Any) -> None:
            self._source = source

        def __getattr__(self, name: str) -> Any:
            return _method(self._source, name)

    def default_rng(*arguments: Any, **options: Any) -> Any:
        arguments = tuple(
            part._source if isinstance(part, RecordedGenerator) else part for part in arguments
        )
        made = make_generator(*arguments, **options)
        return RecordedGenerator(made) if RECORDER.called_by_program() else made

    class StateType(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, state)

        def __call__(cls, *arguments: Any, **options: Any) -> Any:
            made = state(*arguments, **options)
            return RecordedState(made) if RECORDER.called_by_program() else made

    class RecordedState(RecordedGenerator):
        pass

    class GeneratorType(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, (generator, RecordedGenerator))

        def __call__(cls, *arguments: Any, **options: Any) -> Any:
            made = generator(*arguments, **options)
            return RecordedGenerator(made) if RECORDER.called_by_program() else made

    np.random.default_rng = default_rng
    np.random.RandomState = StateType("RandomState", (), {})  # type: ignore[misc,assignment]
    np.random.Generator = GeneratorType("Generator", (), {})  # type: ignore[misc,assignment]


def _maths(original: Any, ufunc: Any) -> Any:
    def compute(*arguments: Any) -> Any:
        if RECORDER.is_on and any(isinstance(part, RecordedNumber) for part in arguments):
            if RECORDER.called_by_program() and len(arguments) == ufunc.nin:
                value = np.float64(original(*[float(part) for part in arguments]))
                return remember(ufunc, arguments, {}, value)
        if arguments and isinstance(arguments[0], RecordedArray) and arguments[0].size == 1:
            return compute(arguments[0].item(), *arguments[1:])
        return original(*arguments)

    compute.__name__ = original.__name__
    return compute


def _python_drawing(original: Any) -> Any:
    def draw(*arguments: Any, **options: Any) -> Any:
        value = original(*arguments, **options)
        if RECORDER.called_by_program() and isinstance(value, float):
            return fresh(np.float64(value), is_random=True)
        return value

    draw.__name__ = original.__name__
    return draw


class _Vectorized:
    """`np.vectorize`: its function is one call for all entries."""

    original = np.vectorize

    def __init__(self, function: Any = None, **options: Any) -> None:
        self.options = options
        self.function = _Vectorized.original(function, **options) if function else None

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self.function is None:
            return _Vectorized(arguments[0], **self.options)
        vectorized = self.function

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


# What the rewritten source calls.


def literal(number: float) -> RecordedNumber:
    """A number that stands in the source: it becomes a leaf when it is first used."""
    return RecordedNumber(number)


def convert(kind: Any, *arguments: Any) -> Any:
    """`float(x)`, which would forget."""
    if kind is float and len(arguments) == 1:
        value = arguments[0]
        if isinstance(value, RecordedNumber):
            return value
        if isinstance(value, RecordedArray) and value.size == 1:
            return value.item()
        number = float(*arguments)
        return fresh(np.float64(number)) if not isinstance(value, RecordedArray) else number
    if isinstance(kind, type) and issubclass(kind, np.generic) and len(arguments) == 1:
        value = arguments[0]
        if isinstance(value, RecordedNumber) and issubclass(kind, np.floating):
            return value
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


HELPERS = {
    "__gradbook_literal__": literal,
    "__gradbook_convert__": convert,
    "__gradbook_dot__": dot,
}
__all__ = ["HELPERS", "SCALARS", "replace_functions"]
