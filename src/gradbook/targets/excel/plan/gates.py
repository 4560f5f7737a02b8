"""Where a workbook keeps what of the gradient passes the slopes of a layer's activations."""

from __future__ import annotations

from xlsxwriter.utility import quote_sheetname, xl_range_abs

from gradbook.graph.names import gradient_name
from gradbook.net.step import Step
from gradbook.rates.trial import LayerGate, layer_gates
from gradbook.targets.excel.plan.chains import derivative


class GateColumns(LayerGate):
    """A layer's activations, with the columns of their slopes and of what arrives and passes."""

    @property
    def share_heading(self) -> str:
        """Of the cell that says how much of what arrives it lets through."""
        return f"share that {self.name} lets through"

    @property
    def slope_heading(self) -> str:
        return f"steepest slope of {self.name}"

    @property
    def headings(self) -> tuple[str, ...]:
        slopes = [derivative(made, given) for given, made in self.units]
        arriving = [str(gradient_name(made.name)) for _, made in self.units]
        passing = [str(gradient_name(given.name)) for given, _ in self.units]
        return (*(slopes if self.slopes else ()), *arriving, *passing)

    def cells(self, first: int, top: int, samples: int, sheet: str) -> tuple[str, str, str]:
        """Where slopes, what arrives and what passes stand, if the first column is this one."""
        found = []
        for kind in (self.slopes, self.arriving, self.passing):
            last = first + max(len(kind), 1) - 1
            area = xl_range_abs(top, first, top + samples - 1, last)
            found.append(f"{quote_sheetname(sheet)}!{area}")
            first += len(kind)
        slopes, arriving, passing = found
        return slopes, arriving, passing


def gates_of(step: Step) -> tuple[GateColumns, ...]:
    """One for each layer with activations, from the inputs to the outputs."""
    return tuple(GateColumns(**vars(gate)) for gate in layer_gates(step))
