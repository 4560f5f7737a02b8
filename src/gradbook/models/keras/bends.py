"""Which activation some layers of Keras come to that work on each value alone.

Keras has no layer for GELU in its tanh form, so it is written with products and sums. Whichever way
it is written, the numbers that it makes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from gradbook.graph.node import OPS, Array
from gradbook.models.keras.content import KerasContent, KerasEntry
from gradbook.net.layers import Activation

KNOWN = ("gelu", "exact gelu", "silu", "hard swish")
PLACES = np.linspace(-8, 8, 401)
MOST_LAYERS = 24


@dataclass(frozen=True, eq=False)
class BendLayers:
    """An activation, and the layers that it is written with."""

    layer: Activation
    entries: tuple[KerasEntry, ...]


def bend_from(content: KerasContent, value: str) -> BendLayers | None:
    """The activation that begins at a value, if some layers after it come to one: the longest."""
    longest: BendLayers | None = None
    made: dict[str, Array] = {value: PLACES}
    inside: list[KerasEntry] = []
    for entry in content.entries:
        if entry.reads and set(entry.reads) <= made.keys() and len(inside) < MOST_LAYERS:
            found = _worked_out(entry, made)
            if found is None:
                continue
            made[entry.name] = found
            inside.append(entry)
            layer = _same(found) if len(inside) > 1 and _closed(content, inside) else None
            if layer is not None:
                longest = BendLayers(layer, tuple(inside))
    return longest


def _closed(content: KerasContent, inside: list[KerasEntry]) -> bool:
    """Whether only the last one's output is read elsewhere."""
    hidden = {entry.name for entry in inside[:-1]}
    outside = [entry for entry in content.entries if entry not in inside]
    return content.made not in hidden and not any(hidden & set(e.reads) for e in outside)


def _worked_out(entry: KerasEntry, made: Mapping[str, Array]) -> Array | None:
    given = [made[name] for name in entry.reads]
    work = WORK.get(entry.kind)
    if work is not None:
        return np.asarray(work(given))
    settings = entry.settings
    if entry.kind == "Rescaling":
        scale, offset = settings.get("scale", 1), settings.get("offset", 0)
        if isinstance(scale, int | float) and isinstance(offset, int | float):
            return scale * given[0] + offset
    if entry.kind == "Activation" and isinstance(settings.get("activation"), str):
        kind = "silu" if settings["activation"] == "swish" else settings["activation"]
        if kind == "linear":
            return given[0]
        if kind in ("sigmoid", "tanh", "relu", "softplus", "silu"):
            return np.asarray(OPS[kind].value(given[0]))
    return None


def _same(found: Array) -> Activation | None:
    for kind in KNOWN:
        layer = Activation(kind)
        if np.allclose(found, OPS[layer.word].value(PLACES), rtol=1e-5, atol=1e-5):
            return layer
    return None


WORK: Mapping[str, Callable[[list[Array]], Array]] = {
    "Add": lambda given: np.asarray(sum(given)),
    "Multiply": lambda given: np.asarray(prod(given[1:], start=given[0])),
    "Subtract": lambda given: given[0] - given[-1],
}
