"""How many digits of a number are written, and whether those are all of it: = or ≈."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from gradbook.targets.algebra.math import Form, Number

DIGITS = 7  # significant, of a number that had to be rounded
EXACT = 1e-14  # a number this close to its rounding was meant to be it, relatively


def sign_before(form: Form) -> str:
    """'=' before what is printed to the last digit, '≈' before what is rounded anywhere."""
    return "=" if all(map(_exact, numbers_in(form))) else "≈"


def worked_out(put_in: Form, number: float) -> list[tuple[str, Form]]:
    """The numbers put into a formula, and what they come to, each with its sign."""
    result = Number(number)
    steps = [result] if isinstance(put_in, Number) else [put_in, result]
    return [(sign_before(step), step) for step in steps]


def digits(value: float) -> str:
    """0.4, or 0.1496830 where digits are lost: then what is left keeps its zeros. No minus zero."""
    return f"{value + 0.0:{'' if _exact(value) else '#'}.{DIGITS}g}"


def _exact(value: float) -> bool:
    return abs(float(f"{value:.{DIGITS}g}") - value) <= EXACT * abs(value)


def numbers_in(form: Form) -> Iterator[float]:
    if isinstance(form, Number):
        yield form.value
    for part in fields(form):
        inner = getattr(form, part.name)
        for piece in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(piece, Form):
                yield from numbers_in(piece)
