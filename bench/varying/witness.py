"""Says by LibreOffice and finite differences that a right training is right.

The training is laid out once more, a step a row, with its forward pass repeated for each weight, a
little larger and a little smaller; and each weight goes on by the optimiser as textbooks have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isclose, sqrt

from tests.audit.material.layouts.places import LAYOUTS, laid
from tests.audit.material.layouts.sketch import MENTION, Quantity, Sketch
from tests.audit.material.made import Spot, Table

NUDGE = 1e-5
CLOSE = 1e-5
PASSES = "forward", "error", "loss", "penalty"

Values = Mapping[tuple[str, int], float]


def table_with_differences(sketch: Sketch, steps: int) -> tuple[Table, Sketch]:
    """A book that computes each loss with each weight nudged, and its quantities."""
    found = list(sketch.quantities)
    for weight in _weights(sketch):
        for sign, word in (("+", "more"), ("-", "less")):
            found += _nudged(
                sketch, weight, f"({{{_seen(sketch, weight)}}}{sign}{NUDGE:.5f})", word
            )
    wide = replace(sketch, quantities=tuple(found))
    return laid(wide, "a step a row", steps), wide


def values_of(sketch: Sketch, numbers: Mapping[Spot, float], steps: int) -> Values:
    """The numbers of a book that is laid out a step a row."""
    place = LAYOUTS["a step a row"].place(sketch)
    every = ((q.called, step) for q in sketch.quantities for step in range(steps))
    return {one: numbers[spot] for one in every if (spot := place(*one)) in numbers}


def disagreements(
    sketch: Sketch, loss: str, steps: int, values: Values, law: str, factor: float = 1.0
) -> Iterator[str]:
    """What isn't as the witnesses say."""
    for weight in _weights(sketch):
        for step in range(steps):
            more, less = (values[f"{loss} {word} {weight}", step] for word in ("more", "less"))
            slope = factor * (more - less) / (2 * NUDGE)
            claimed = values[f"∂E/∂{weight}", step]
            if not isclose(slope, claimed, rel_tol=CLOSE, abs_tol=CLOSE):
                yield f"∂E/∂{weight} is {claimed} in step {step}, not {slope}"
        if law in LAWS:
            line = [values[weight, k] for k in range(steps)]
            given = [values[f"∂E/∂{weight}", k] for k in range(steps)]
            settings = {q.name: float(q.given[0]) for q in sketch.of("setting")}
            wanted = LAWS[law](line[0], given, settings)
            for k, (one, other) in enumerate(zip(line, wanted, strict=False)):
                if not isclose(one, other, rel_tol=1e-7, abs_tol=1e-9):
                    yield f"{weight} is {one} in step {k}, not {other}"


def _weights(sketch: Sketch) -> list[str]:
    return [q.name for q in sketch.of("weight") if q.sample < 2]


def _seen(sketch: Sketch, weight: str) -> str:
    """What the forward pass uses for a weight: the weight itself, or where it looks ahead."""
    names = {q.name for q in sketch.quantities}
    return f"ahead_{weight}" if f"ahead_{weight}" in names else weight


def _nudged(sketch: Sketch, weight: str, by: str, word: str) -> list[Quantity]:
    """The forward pass and loss again, with other names."""
    instead = {_seen(sketch, weight): by}
    found = []
    for q in sketch.quantities:
        if q.kind in PASSES and any(m[1] in instead for m in MENTION.finditer(q.formula)):
            instead[q.name] = f"{{{q.name} {word} {weight}⟦⟧}}"
    for q in sketch.quantities:
        if q.kind in PASSES and q.name in instead:

            def other(m: re.Match[str]) -> str:
                new = instead.get(m[1])
                return m[0] if new is None or m[3] else new.replace("⟦⟧", m[2] or "")

            name = f"{q.name} {word} {weight}"
            found.append(replace(q, name=name, formula=MENTION.sub(other, q.formula)))
    return found


# The optimisers -----------------------------------------------------------------------

Law = Callable[[float, Sequence[float], Mapping[str, float]], list[float]]


def _line(
    step: Callable[[float, float, int], float],
) -> Callable[[float, Sequence[float]], list[float]]:
    def line(w: float, gradients: Sequence[float]) -> list[float]:
        found = [w]
        for k, g in enumerate(gradients[:-1]):
            found.append(step(found[-1], g, k))
        return found

    return line


def _descent(w: float, gradients: Sequence[float], s: Mapping[str, float]) -> list[float]:
    return _line(lambda w, g, k: w - s["η"] * g)(w, gradients)


def _decay(w: float, gradients: Sequence[float], s: Mapping[str, float]) -> list[float]:
    return _line(lambda w, g, k: w - s["η"] * (g + s["λ"] * w))(w, gradients)


def _momentum(w: float, gradients: Sequence[float], s: Mapping[str, float]) -> list[float]:
    v = 0.0

    def step(w: float, g: float, k: int) -> float:
        nonlocal v
        v = s["μ"] * v + g
        return w - s["η"] * v

    return _line(step)(w, gradients)


def _nesterov(w: float, gradients: Sequence[float], s: Mapping[str, float]) -> list[float]:
    v = 0.0

    def step(w: float, g: float, k: int) -> float:
        nonlocal v
        v = s["μ"] * v + g
        return w - s["η"] * (g + s["μ"] * v)

    return _line(step)(w, gradients)


def _adagrad(w: float, gradients: Sequence[float], s: Mapping[str, float]) -> list[float]:
    total = 0.0

    def step(w: float, g: float, k: int) -> float:
        nonlocal total
        total += g * g
        return w - s["η"] * g / (sqrt(total) + s["ε"])

    return _line(step)(w, gradients)


def _rmsprop(w: float, gradients: Sequence[float], s: Mapping[str, float]) -> list[float]:
    mean = 0.0

    def step(w: float, g: float, k: int) -> float:
        nonlocal mean
        mean = s["β2"] * mean + (1 - s["β2"]) * g * g
        return w - s["η"] * g / (sqrt(mean) + s["ε"])

    return _line(step)(w, gradients)


def _adam(w: float, gradients: Sequence[float], s: Mapping[str, float]) -> list[float]:
    m = r = 0.0

    def step(w: float, g: float, k: int) -> float:
        nonlocal m, r
        m = s["β1"] * m + (1 - s["β1"]) * g
        r = s["β2"] * r + (1 - s["β2"]) * g * g
        root = sqrt(r / (1 - s["β2"] ** (k + 1))) + s["ε"]
        decayed = w * (1 - s["η"] * s.get("λ", 0.0))
        return decayed - s["η"] * m / (1 - s["β1"] ** (k + 1)) / root

    return _line(step)(w, gradients)


LAWS: dict[str, Law] = {
    "descent": _descent,
    "stopping": _descent,
    "decay": _decay,
    "momentum": _momentum,
    "momentum, rate inside": _momentum,
    "momentum, downwards": _momentum,
    "momentum, one step later": _momentum,
    "nesterov, rewritten": _nesterov,
    "nesterov, both velocities": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adam, correction inside": _adam,
    "adam, powers carried": _adam,
    "adamw": _adam,
    "adamw, decay inside": _adam,
}
