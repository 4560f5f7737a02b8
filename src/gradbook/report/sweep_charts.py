"""A sweep as charts: the gentle rates in one, the violent in another, a colour for each rate."""

from __future__ import annotations

from gradbook.lab.sweep import Sweep
from gradbook.net.rates import split
from gradbook.palette import curve_colours
from gradbook.report import curve_svg
from gradbook.report.curve import Chart, Curve


def charts(sweep: Sweep) -> list[Chart]:
    """One chart or two; the rates go from gentle to violent in both."""
    colours = dict(zip(sweep.rates, curve_colours(len(sweep.rates)), strict=True))
    groups = zip(("gentle", "violent"), split(sweep.rates), strict=True)
    return [
        Chart(
            f"Loss at the {word} rates",
            tuple(Curve(rate_text(rate), sweep[rate].losses, colours[rate]) for rate in rates),
        )
        for word, rates in groups
        if rates
    ]


def rate_text(rate: float) -> str:
    """The shortest digits that are this rate: 0.05, 10000."""
    return repr(float(rate)).removesuffix(".0")


def title(sweep: Sweep) -> str:
    return f"What the learning rate does: {sweep.net.name or 'a network'}"


def picture(sweep: Sweep) -> str:
    """The charts under each other as one SVG."""
    return curve_svg.stacked(charts(sweep), f"{title(sweep)}, {sweep.epochs:,} epochs")
