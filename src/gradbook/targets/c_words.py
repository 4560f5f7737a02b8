"""How ops on numbers are written in C, in the engine and in exported files alike.

They differ in loops and memory, and in the type of their numbers.
"""

from __future__ import annotations

from collections.abc import Callable

CALLED = ("exp", "log", "sqrt", "floor", "tanh", "sin", "cos", "atan")  # named as in math.h
MATH_FUNCTIONS = (*CALLED, "pow", "log1p", "fabs", "erfc")


def words_in_c(function: Callable[[str], str]) -> dict[str, str]:
    """Op → expression, whose operands are {0}, {1} …; `function` names one of MATH_FUNCTIONS for
    the type of the numbers: expf for exp."""
    exp, log1p, fabs, power = map(function, ("exp", "log1p", "fabs", "pow"))
    return {
        "add": "{0} + {1}",
        "subtract": "{0} - {1}",
        "multiply": "{0} * {1}",
        "divide": "{0} / {1}",
        "negate": "-{0}",
        "power": f"{power}({{0}}, {{1}})",
        **{name: f"{function(name)}({{0}})" for name in CALLED},
        "softplus": f"({{0}} > 0 ? {{0}} : 0) + {log1p}({exp}(-{fabs}({{0}})))",
        "relu": "{0} > 0 ? {0} : 0",  # NaN stays NaN
        "choose": "{0} > 0 ? {1} : {2}",
    }
