"""How numbers that remember are added, multiplied and compared, as Python's own or as NumPy's.

Knows neither arrays nor what is computed.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from gradbook.recording.arrays import RecordedNumber, call_ufunc, index_of, make_number, wrap
from gradbook.recording.calls import Ref
from gradbook.recording.recorder import RECORDER

BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "pow": np.power,
    "mod": np.remainder,
    "floordiv": np.floor_divide,
}
COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
SCALARS = (int, float, np.integer, np.floating, np.bool_)


def _binary(name: str, ufunc: Any) -> None:
    native = getattr(float, f"__{name}__")

    def compute(left: Any, right: Any) -> Any:
        """Like Python, whose division by zero is an error, or like NumPy."""
        if _is_of_numpy(left) or _is_of_numpy(right):
            return ufunc(np.float64(left), np.float64(right))
        return native(float(left), float(right))

    def forward(self: RecordedNumber, other: Any) -> Any:
        if not isinstance(other, SCALARS):
            return _with_other(ufunc, self, other)
        value = compute(self, other)
        if not RECORDER.records_in():
            return wrap(value, None)
        return _remember_number(ufunc, (self, other), value)

    def backward(self: RecordedNumber, other: Any) -> Any:
        if not isinstance(other, SCALARS):
            return _with_other(ufunc, other, self)
        value = compute(other, self)
        if not RECORDER.records_in():
            return wrap(value, None)
        return _remember_number(ufunc, (other, self), value)

    setattr(RecordedNumber, f"__{name}__", forward)
    setattr(RecordedNumber, f"__r{name}__", backward)


def _is_of_numpy(number: Any) -> bool:
    if isinstance(number, RecordedNumber):
        return number._is_of_numpy
    return isinstance(number, np.generic)


def _with_other(ufunc: Any, left: Any, right: Any) -> Any:
    other = right if isinstance(left, RecordedNumber) else left
    if isinstance(other, (np.ndarray, list, tuple)):  # as NumPy's own numbers do
        return call_ufunc(ufunc, "__call__", (left, right), None, {})
    return NotImplemented


def _remember_number(ufunc: Any, operands: tuple[Any, ...], value: Any) -> Any:
    if not isinstance(value, float):
        return value
    kept = np.float64(value)
    index = RECORDER.add(ufunc, _operands(*operands), {}, kept)
    return make_number(value, index, _is_of_numpy(value))


def _operands(*numbers: Any) -> tuple[Any, ...]:
    return tuple(
        [Ref(index_of(part)) if isinstance(part, RecordedNumber) else part for part in numbers]
    )


def _comparison(name: str, ufunc: Any) -> None:
    native = getattr(float, f"__{name}__")

    def compare(self: RecordedNumber, other: Any) -> Any:
        if not isinstance(other, SCALARS):
            if isinstance(other, np.ndarray):
                return call_ufunc(ufunc, "__call__", (self, other), None, {})
            return NotImplemented
        truth = native(self, float(other))
        if (
            RECORDER.is_on
            and (self._index is not None or getattr(other, "_index", None) is not None)
            and RECORDER.is_program(sys._getframe(1).f_code)
        ):
            index = RECORDER.add(ufunc, _operands(self, other), {}, np.bool_(truth))
            RECORDER.tape.branches.append((index, truth))
        return np.bool_(truth) if _is_of_numpy(self) or _is_of_numpy(other) else truth

    setattr(RecordedNumber, f"__{name}__", compare)


def _unary(name: str, ufunc: Any) -> None:
    native = getattr(float, f"__{name}__")

    def apply(self: RecordedNumber) -> Any:
        if not RECORDER.is_on or not RECORDER.is_program(sys._getframe(1).f_code):
            return make_number(native(self), None, self._is_of_numpy)
        value = np.float64(native(self)) if self._is_of_numpy else native(self)
        return _remember_number(ufunc, (self,), value)

    setattr(RecordedNumber, f"__{name}__", apply)


def give_arithmetic() -> None:
    """Replace what `RecordedNumber` has from `float`."""
    for name, ufunc in BINARY.items():
        _binary(name, ufunc)
    for name, ufunc in COMPARISONS.items():
        _comparison(name, ufunc)
    _unary("neg", np.negative)
    _unary("abs", np.absolute)
    RecordedNumber.__pos__ = lambda self: self  # type: ignore[method-assign]
