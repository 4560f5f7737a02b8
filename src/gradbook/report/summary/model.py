"""A trained model as a notebook shows it: what it is in a line, and below it layer by layer."""

from __future__ import annotations

from gradbook.amounts import counted, percent
from gradbook.lab.models.model import Model
from gradbook.net.measure import measure
from gradbook.report.page.shell import text
from gradbook.report.page.tables import IN_A_NOTEBOOK, text_table
from gradbook.report.summary.table import table

COLUMNS = ("layer", "output", "parameters")


def cell(model: Model) -> str:
    shown = table(measure(model.net)).only(COLUMNS)
    return f"<p>{text(_line(model))}</p>{text_table(shown, left=IN_A_NOTEBOOK)}"


def lines(model: Model) -> str:
    return f"{_line(model)}\n\n{model.summary().rstrip()}"


def _line(model: Model) -> str:
    tested = model.about.get("test_accuracy")
    score = f", right on {percent(tested)} of the test images" if isinstance(tested, float) else ""
    classes = counted(len(model.classes), "class", "classes")
    name = model.net.name or "a network"
    return f"{name}: {counted(model.parameters, 'parameter')}, {classes}{score}"
