"""How numbers that remember are added, multiplied and compared, as Python's own or as NumPy's.

Knows neither arrays nor what is computed.
"""

from __future__ import annotations

import operator
import sys
from types import FrameType
from typing import Any

import numpy as np

from gradbook.recording.arrays import RecordedNumber, call_ufunc, index_of, make_number
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
    """Like Python, whose division by zero is an error, or like NumPy."""
    compute = getattr(operator, name)
    native, reflected = getattr(float, f"__{name}__"), getattr(float, f"__r{name}__")

    def forward(self: RecordedNumber, other: Any) -> Any:
        if not isinstance(other, SCALARS):
            return _with_other(ufunc, self, other)
        is_of_numpy = self._is_of_numpy or _is_of_numpy(other)
        value = compute(np.float64(self), np.float64(other)) if is_of_numpy else native(self, other)
        return _remember_number(ufunc, self, other, value, is_of_numpy, sys._getframe(1))

    def backward(self: RecordedNumber, other: Any) -> Any:
        if not isinstance(other, SCALARS):
            return _with_other(ufunc, other, self)
        is_of_numpy = self._is_of_numpy or _is_of_numpy(other)
        value = (
            compute(np.float64(other), np.float64(self)) if is_of_numpy else reflected(self, other)
        )
        return _remember_number(ufunc, other, self, value, is_of_numpy, sys._getframe(1))

    setattr(RecordedNumber, f"__{name}__", forward)
    setattr(RecordedNumber, f"__r{name}__", backward)


def _is_of_numpy(number: Any) -> Any:
    kind = type(number)
    if kind is RecordedNumber:
        return number._is_of_numpy
    return kind is not float and kind is not int and isinstance(number, np.generic)


def _with_other(ufunc: Any, left: Any, right: Any) -> Any:
    other = right if isinstance(left, RecordedNumber) else left
    if isinstance(other, (np.ndarray, list, tuple)):  # as NumPy's own numbers do
        return call_ufunc(ufunc, "__call__", (left, right), None, {})
    return NotImplemented


def _remember_number(
    ufunc: Any, left: Any, right: Any, value: Any, is_of_numpy: bool, frame: FrameType
) -> Any:
    if not isinstance(value, float):
        return value
    index = None
    if (RECORDER.is_on or RECORDER.resumes_in(3)) and RECORDER.is_program(frame.f_code):
        operands = (_operand(left), _operand(right))
        index = RECORDER.add(ufunc, operands, {}, np.float64(value), frame=frame)
    return make_number(value, index, is_of_numpy)


def _operand(number: Any) -> Any:
    if type(number) is not RecordedNumber:
        return number
    if number._episode == RECORDER.episode and number._index is not None:
        return Ref(number._index)
    return Ref(index_of(number))


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
            operands = (_operand(self), _operand(other))
            index = RECORDER.add(ufunc, operands, {}, np.bool_(truth))
            RECORDER.tape.branches.append((index, truth))
        return np.bool_(truth) if _is_of_numpy(self) or _is_of_numpy(other) else truth

    setattr(RecordedNumber, f"__{name}__", compare)


def _unary(name: str, ufunc: Any) -> None:
    native = getattr(float, f"__{name}__")

    def apply(self: RecordedNumber) -> Any:
        value, index, frame = native(self), None, sys._getframe(1)
        if RECORDER.is_on and RECORDER.is_program(frame.f_code):
            index = RECORDER.add(ufunc, (_operand(self),), {}, np.float64(value), frame=frame)
        return make_number(value, index, self._is_of_numpy)

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
