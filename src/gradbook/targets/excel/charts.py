"""Charts of an error over the epochs, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart

from gradbook.palette import PAPER, QUIET

FLOOR = 1e-12  # an error that has learned all there is must not squeeze the others together


@dataclass(frozen=True)
class Curve:
    """One line: the cells of its values, of its epochs, and of its name (or the name itself)."""

    values: str
    epochs: str
    colour: str
    name: str


def loss_chart(
    workbook: Workbook, curves: Sequence[Curve], title: str, epochs: int, lowest: float
) -> Chart:
    """`lowest` is the smallest error at first; what lies below the axis isn't drawn."""
    chart = workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for curve in curves:
        chart.add_series(
            {
                "name": curve.name,
                "categories": curve.epochs,
                "values": curve.values,
                "line": {"color": curve.colour, "width": 2.25 if len(curves) == 1 else 1.75},
            }
        )
    font = {"color": PAPER.ink, "size": 9, "bold": False}
    axis = {"num_font": font, "name_font": font, "line": {"color": QUIET.ink}}
    grid = {"visible": True, "line": {"color": QUIET.fill, "width": 0.75}}
    chart.set_title(
        {"name": title, "name_font": {"size": 12, "color": PAPER.ink}, "overlay": False}
    )
    chart.set_x_axis(
        {
            **axis,
            "name": "epoch",
            "min": 0,
            "max": epochs,
            "major_gridlines": {"visible": False},
            "crossing": "min",
        }
    )
    floor = {"min": FLOOR} if lowest < FLOOR else {}
    chart.set_y_axis(
        {
            **axis,
            **floor,
            "name": "error",
            "log_base": 10,
            "major_gridlines": grid,
            "num_format": "0E+0",
            "crossing": "min",
        }
    )
    chart.set_legend({"position": "right", "font": font})
    chart.show_na_as_empty_cell()
    chart.set_chartarea({"border": {"color": QUIET.fill}})
    return chart
