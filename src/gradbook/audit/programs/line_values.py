"""What each line of a program computed in the step that was judged, for those who point at it.

Knows neither what is right nor how a value is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradbook.audit.programs.naming import SourceNames
from gradbook.audit.programs.program_report import NamedValue

FIRST = 4  # numbers that are kept of a value
MOST_CALLS = 20_000  # of a step: with more, a program computes number by number
MOST_LINES = 2_000


def line_values(naming: SourceNames, slopes: Mapping[int, Any]) -> tuple[NamedValue, ...]:
    """The value that each line gives a name, and the loss's slope by it where that is known; of a
    line that is run several times the last."""
    if naming.last - naming.first > MOST_CALLS:
        return ()
    values: dict[tuple[object, ...], NamedValue] = {}
    for value in _named(naming, slopes):
        span = value.span
        values[(span.file, span.cell, span.line, value.name)] = value
        if len(values) >= MOST_LINES:
            break
    return tuple(values.values())


def _named(naming: SourceNames, slopes: Mapping[int, Any]) -> Iterator[NamedValue]:
    for index in range(naming.first, naming.last + 1):
        call = naming.calls[index]
        assigned = naming.assigned(index) if call.frames else None
        kind = getattr(call.value, "dtype", None)
        if assigned is None or kind is None or kind.kind not in "fiub":
            continue
        name, span = assigned
        shape = np.shape(call.value)
        slope = slopes.get(index)
        is_alike = slope is not None and np.shape(slope) == shape
        yield NamedValue(span, name, shape, _first(call.value), _first(slope) if is_alike else ())


def _first(value: Any) -> tuple[float, ...]:
    return tuple(map(float, np.ravel(value)[:FIRST]))
