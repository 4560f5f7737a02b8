"""A network's outputs for rows of a table: in NumPy, or many in the code that trained it.

It knows nothing of columns, classes and files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.tables import Numbers
from gradbook.graph.routine import Routine
from gradbook.interruption import side_by_side
from gradbook.lab.models.input_range import all_finite
from gradbook.net import Net
from gradbook.net.build import inference
from gradbook.system import cores

if TYPE_CHECKING:
    from gradbook.engine.base import Engine

ROWS_AT_ONCE, MANY_AT_ONCE = 1024, 16_384  # in NumPy, and in compiled code
FAR_FROM_0 = 1000  # deviations: scaling loses digits of single precision if a mean is so far

Filling = Callable[[], Numbers] | None  # what replaces missing numbers; None if there are none


@dataclass(eq=False)
class RowReader:
    """A trained network that reads rows, in single and in double precision.

    Its values and scales are those at the first reading.
    """

    net: Net
    values: Mapping[str, NDArray[Any]]
    mean: Numbers
    deviation: Numbers
    trained_by: Engine | None  # if that is still in memory
    _routines: dict[str, Routine] = field(default_factory=dict, init=False)

    def outputs(self, rows: NDArray[Any], filling: Filling) -> NDArray[Any]:
        """The network's outputs, in the precision of the rows."""
        real = "float32" if rows.dtype == np.float32 else "float64"
        if 0 < len(rows) <= ROWS_AT_ONCE:
            return self._in_numpy(rows, real, filling)
        outputs = np.empty((len(rows), self.net.outputs), real)
        if len(rows) > MANY_AT_ONCE and self._compiled:
            self._read_side_by_side(rows, outputs, filling)
            return outputs
        for first in range(0, len(rows), ROWS_AT_ONCE):
            here = slice(first, first + ROWS_AT_ONCE)
            outputs[here] = self._in_numpy(rows[here], real, filling)
        return outputs

    def _in_numpy(self, rows: NDArray[Any], real: str, filling: Filling) -> NDArray[Any]:
        scaled = _filled(rows, filling) - self.mean
        scaled /= self.deviation
        scaled = scaled.astype(real, copy=False).reshape(-1, *self.net.input)
        outputs = self._routine(real)(scaled).reshape(len(rows), -1)
        return outputs.astype(real, copy=False)

    def _read_side_by_side(
        self, rows: NDArray[Any], outputs: NDArray[Any], filling: Filling
    ) -> None:
        """Many rows in compiled code: each engine reads pieces in a thread of its own."""
        engines, stopped = self._compiled, Event()

        def read(number: int) -> None:
            for first in range(number * MANY_AT_ONCE, len(rows), len(engines) * MANY_AT_ONCE):
                here = slice(first, first + MANY_AT_ONCE)
                if not stopped.is_set():
                    outputs[here] = engines[number].predict(_filled(rows[here], filling))

        side_by_side(*(partial(read, number) for number in range(len(engines))), stop=stopped.set)

    def _routine(self, real: str) -> Routine:
        """What computes the outputs in this precision, with nothing to compile; their last bits
        depend on the machine."""
        if real not in self._routines:
            forward, sample = inference(self.net), np.zeros((1, *self.net.input), real)
            values = {name: np.asarray(value, real) for name, value in self.values.items()}
            self._routines[real] = Routine(
                forward.outputs, forward.inputs, sample, values, is_quick=True
            )
        return self._routines[real]

    @cached_property
    def _compiled(self) -> tuple[Engine, ...]:
        """Engines for many rows, one for each core, if the one that trained it was compiled: they
        read in its single precision."""
        ratios = np.abs(self.mean) / np.abs(self.deviation)
        if self.trained_by is None or len(self.net.input) > 1 or ratios.max() > FAR_FROM_0:
            return ()
        twins = (self.trained_by.twin() for _ in range(cores()))
        engines = tuple(engine for engine in twins if engine)
        for engine in engines:
            engine.normalise(self.mean, self.deviation)
            engine.restore(self.values)
        return engines


def _filled(rows: NDArray[Any], filling: Filling) -> NDArray[Any]:
    """The rows with another number for each missing one."""
    if filling and not all_finite(rows) and np.isnan(rows).any():
        return np.where(np.isnan(rows), filling(), rows)
    return rows
