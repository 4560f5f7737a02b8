"""What the rates are tried on: the worked network, and a parabola of known curvature."""

from __future__ import annotations

from gradbook.net import builtin, parse

WORKED = builtin("worked")


def line(wanted=1, start=3, x=1, update="descent"):
    """E = ½(wanted − w·x)², a parabola whose curvature is x²."""
    return parse(
        f"input 1; dense 1 no bias; loss half squared error; update {update}; "
        f"weights {start}; sample {x} -> {wanted}"
    )
