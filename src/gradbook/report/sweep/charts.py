"""A sweep as charts: the gentle rates in one, the violent in another, a colour for each rate."""

from __future__ import annotations

from gradbook.amounts import counted, shortest
from gradbook.net.task import split
from gradbook.palette import curve_colours
from gradbook.rates.sweep import Sweep
from gradbook.report import figures as curve_svg
from gradbook.report.charts import Chart, Curve

LONGEST_LABEL = 8


def charts(sweep: Sweep) -> list[Chart]:
    """One chart or two; the rates go from gentle to violent in both."""
    inks = colours(sweep)
    groups = zip(("gentle", "violent"), split(sweep.rates), strict=True)
    return [
        Chart(
            f"Loss at the {word} rates",
            tuple(Curve(_label(rate), sweep[rate].losses, inks[rate]) for rate in rates),
            labels="rate",
        )
        for word, rates in groups
        if rates
    ]


def colours(sweep: Sweep) -> dict[float, str]:
    """Each rate's own."""
    return dict(zip(sweep.rates, curve_colours(len(sweep.rates)), strict=True))


def _label(rate: float) -> str:
    """The rate, in fewer digits where all of them would be long."""
    exact = shortest(rate)
    return exact if len(exact) <= LONGEST_LABEL else f"{rate:.5g}"


def title(sweep: Sweep) -> str:
    return f"What the learning rate does: {sweep.net.name or 'a network'}"


def picture(sweep: Sweep) -> str:
    """The charts under each other as one SVG."""
    heading = f"{title(sweep)}, {counted(sweep.epochs, 'epoch')}"
    return curve_svg.stack_charts(charts(sweep), heading, sweep.finding)
