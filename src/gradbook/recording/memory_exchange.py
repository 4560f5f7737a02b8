"""Lets arrays, numbers and generators that exist already remember, and undoes it.

Knows neither why nor for how long.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradbook.recording import replaced_functions
from gradbook.recording.arrays import RecordedArray, RecordedNumber, is_numeric, make_number, widen

DEEPEST = 8  # containers in containers
LONGEST = 20_000  # items of one that are looked at
MOST = 200_000  # values in all
SKIPPED = ("In", "Out", "exit", "quit")  # a notebook's own variables


class RecordedSource:
    """A generator that was made before; what it draws remembers."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return replaced_functions._method(self._source, name)


GENERATORS = (np.random.Generator, np.random.RandomState)


class MemoryExchange:
    """One recording's exchange of values; `wrap` before it, `unwrap` after it."""

    def __init__(self, is_program: Callable[[str], bool]) -> None:
        self.is_program = is_program
        self.widens = False  # to double precision: only what is a copy
        self.replaced: dict[int, Any] = {}  # id of the original → what stands for it
        self.originals: dict[int, Any] = {}  # id of what stands for it → the original
        self.kept: list[Any] = []  # so that no id is used again
        self.exchange: Callable[[Any], Any] = self._remembering
        self.seen: set[int] = set()

    def wrap(self, names: dict[str, Any]) -> None:
        self._walk_names(names, self._remembering)

    def unwrap(self, names: dict[str, Any]) -> None:
        self._walk_names(names, self._as_before)

    def wrapped_copy(self, value: Any) -> Any:
        """A value that nobody else has as one that remembers, in double precision."""
        self.exchange, self.seen, self.widens = self._remembering, set(), True
        try:
            return self._value(value, 0)
        finally:
            self.widens = False

    def _remembering(self, value: Any) -> Any:
        kind = type(value)
        if kind in (float, np.float64):
            return make_number(value, None, kind is np.float64)
        if (kind is np.ndarray and is_numeric(value)) or kind in GENERATORS:
            other = self.replaced.get(id(value))
            if other is None:
                is_array = kind is np.ndarray
                array = widen(value) if self.widens else value
                other = array.view(RecordedArray) if is_array else RecordedSource(value)
                self.replaced[id(value)] = other
                self.originals[id(other)] = value
                self.kept += [value, other]
            return other
        return value

    def _as_before(self, value: Any) -> Any:
        if isinstance(value, RecordedNumber):
            return np.float64(value) if value._is_of_numpy else float(value)
        original = self.originals.get(id(value))
        if original is not None:
            return original
        if isinstance(value, RecordedArray):
            return value.view(np.ndarray)
        if type(value).__name__ in ("RecordedGenerator", "RecordedState"):
            return value._source
        return value

    # ---- the walk

    def _walk_names(self, names: dict[str, Any], exchange: Callable[[Any], Any]) -> None:
        self.exchange, self.seen = exchange, set()
        for name in list(names):
            if name.startswith("__") or name in SKIPPED:
                continue
            value = names[name]
            other = self._value(value, 0)
            if other is not value:
                names[name] = other

    def _value(self, value: Any, depth: int) -> Any:
        other = self.exchange(value)
        if other is not value:
            return other
        if isinstance(value, (str, bytes, int, float, complex, np.ndarray, type(None))):
            return value
        if depth > DEEPEST or id(value) in self.seen or len(self.seen) > MOST:
            return value
        self.seen.add(id(value))
        if type(value) is tuple:
            parts = tuple([self._value(part, depth + 1) for part in value[:LONGEST]])
            is_same = all(a is b for a, b in zip(parts, value, strict=False))
            return value if is_same or len(value) > LONGEST else parts
        if isinstance(value, list):
            for place, part in enumerate(value[:LONGEST]):
                other = self._value(part, depth + 1)
                if other is not part:
                    value[place] = other
        elif isinstance(value, dict):
            self._items(value, depth)
        else:
            self._inside(value, depth)
        return value

    def _items(self, items: dict[Any, Any], depth: int) -> None:
        for key in list(items)[:LONGEST]:
            part = items[key]
            other = self._value(part, depth + 1)
            if other is not part:
                items[key] = other

    def _inside(self, value: Any, depth: int) -> None:
        """The attributes of the program's own objects, classes and modules, and closures."""
        if isinstance(value, types.MethodType):
            self._value(value.__self__, depth + 1)
            value = value.__func__
        if isinstance(value, types.FunctionType):
            if self.is_program(value.__code__.co_filename):
                for cell in value.__closure__ or ():
                    self._cell(cell, depth)
            return
        if isinstance(value, types.ModuleType):
            if self.is_program(getattr(value, "__file__", None) or ""):
                self._attributes(value, depth)
            return
        kind = value if isinstance(value, type) else type(value)
        module = sys.modules.get(kind.__module__)
        file = getattr(module, "__file__", None) or ""
        if kind.__module__ == "__main__" or (file and self.is_program(os.path.abspath(file))):
            self._attributes(value, depth)
            if value is not kind:
                self._value(kind, depth + 1)

    def _cell(self, cell: Any, depth: int) -> None:
        try:
            part = cell.cell_contents
        except ValueError:  # not yet filled
            return
        other = self._value(part, depth + 1)
        if other is not part:
            cell.cell_contents = other

    def _attributes(self, owner: Any, depth: int) -> None:
        for name, part in list(getattr(owner, "__dict__", {}).items()):
            if name.startswith("__"):
                continue
            other = self._value(part, depth + 1)
            if other is part:
                continue
            if isinstance(owner, (type, types.ModuleType)):
                setattr(owner, name, other)
            else:
                owner.__dict__[name] = other
