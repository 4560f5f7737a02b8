"""CONVERT: units of the same kind, each as a multiple of one, and temperatures."""

from __future__ import annotations

from collections.abc import Mapping

from gradbook.cells.formula.formula_values import Meaning, error, number
from gradbook.graph.node import Graph, Node

INCH, POUND = 0.0254, 453.59237  # metres, grams
GRAVITY = 9.80665
KINDS: Mapping[str, Mapping[str, float]] = {
    "grams": {
        "g": 1,
        "sg": 14593.902937206,
        "lbm": POUND,
        "u": 1.66053906660e-24,
        "ozm": POUND / 16,
        "grain": POUND / 7000,
        "cwt": 100 * POUND,
        "stone": 14 * POUND,
        "ton": 2000 * POUND,
    },
    "metres": {
        "m": 1,
        "mi": 63360 * INCH,
        "Nmi": 1852,
        "in": INCH,
        "ft": 12 * INCH,
        "yd": 36 * INCH,
        "ang": 1e-10,
        "ell": 45 * INCH,
        "ly": 9.46073047258080e15,
    },
    "seconds": {
        "yr": 31_557_600,
        "day": 86_400,
        "d": 86_400,
        "hr": 3_600,
        "mn": 60,
        "min": 60,
        "sec": 1,
        "s": 1,
    },
    "pascals": {"Pa": 1, "p": 1, "atm": 101_325, "at": 101_325, "mmHg": 133.322},
    "newtons": {"N": 1, "dyn": 1e-5, "dy": 1e-5, "lbf": POUND * GRAVITY / 1000},
    "joules": {
        "J": 1,
        "e": 1e-7,
        "c": 4.184,
        "cal": 4.1868,
        "eV": 1.602176634e-19,
        "ev": 1.602176634e-19,
        "Wh": 3600,
        "wh": 3600,
        "BTU": 1055.05585262,
        "btu": 1055.05585262,
    },
    "watts": {"W": 1, "w": 1, "HP": 745.69987158227, "h": 745.69987158227, "PS": 735.49875},
    "litres": {
        "l": 1,
        "L": 1,
        "lt": 1,
        "tsp": 0.00492892159375,
        "tbs": 0.01478676478125,
        "oz": 0.0295735295625,
        "cup": 0.2365882365,
        "pt": 0.473176473,
        "us_pt": 0.473176473,
        "uk_pt": 0.56826125,
        "qt": 0.946352946,
        "gal": 3.785411784,
        "m3": 1000,
    },
    "square metres": {
        "m2": 1,
        "ha": 10_000,
        "ft2": (12 * INCH) ** 2,
        "in2": INCH**2,
        "ar": 100,
        "mi2": (63360 * INCH) ** 2,
        "yd2": (36 * INCH) ** 2,
        "us_acre": 4046.872609874252,
    },
    "metres a second": {"m/s": 1, "m/h": 1 / 3600, "mph": 63360 * INCH / 3600, "kn": 1852 / 3600},
    "bits": {"bit": 1, "byte": 8},
}
"""The common ones that Excel has."""
PREFIXED = {
    *("g", "m", "s", "sec", "Pa", "p", "N", "J", "e", "c", "cal", "eV", "ev", "Wh", "wh", "W", "w"),
    *("l", "L", "lt", "m2", "m3", "m/s", "bit", "byte"),
}
PREFIXES = {
    "Y": 24,
    "Z": 21,
    "E": 18,
    "P": 15,
    "T": 12,
    "G": 9,
    "M": 6,
    "k": 3,
    "h": 2,
    "da": 1,
    "d": -1,
    "c": -2,
    "m": -3,
    "u": -6,
    "n": -9,
    "p": -12,
    "f": -15,
    "a": -18,
    "z": -21,
}
TEMPERATURES = {  # the kelvins of a degree, and of 0
    "C": (1.0, 273.15),
    "cel": (1.0, 273.15),
    "K": (1.0, 0.0),
    "kel": (1.0, 0.0),
    "F": (5 / 9, 459.67 * 5 / 9),
    "fah": (5 / 9, 459.67 * 5 / 9),
    "Rank": (5 / 9, 0.0),
}
POWERS = {"m2": 2, "m3": 3}  # the prefix of the metre counts as often


def convert(graph: Graph, value: Meaning, of: Meaning, to: Meaning) -> Node:
    """CONVERT; an error for an unknown unit, or two that don't belong together."""
    amount = number(graph, value)
    if not isinstance(of, str) or not isinstance(to, str):
        return error(graph)
    if of in TEMPERATURES and to in TEMPERATURES:
        (size, zero), (other, base) = TEMPERATURES[of], TEMPERATURES[to]
        return amount * (size / other) + (zero - base) / other
    first, second = _size(of), _size(to)
    if first is None or second is None or first[0] != second[0]:
        return error(graph)
    return amount * (first[1] / second[1])


def _size(unit: str) -> tuple[str, float] | None:
    """A unit's kind and its size."""
    for kind, units in KINDS.items():
        if unit in units:
            return kind, units[unit]
    for prefix, power in PREFIXES.items():
        plain = unit.removeprefix(prefix)
        if unit.startswith(prefix) and plain in PREFIXED:
            kind = next(kind for kind, units in KINDS.items() if plain in units)
            return kind, KINDS[kind][plain] * 10.0 ** (power * POWERS.get(plain, 1))
    return None
