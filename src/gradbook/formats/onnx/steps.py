"""Reads ONNX's recurrent operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradbook.formats.gates import KINDS, ONNX, GateStack, Recurring, take_apart
from gradbook.formats.imported import NoLayer
from gradbook.graph.node import Array
from gradbook.layers.card import spell

RECURRENT = {word.upper(): kind for word, kind in KINDS.items()}


def read_recurrent(
    word: str, told: Mapping[str, Any], features: int, tensors: Sequence[Array | None]
) -> tuple[Recurring, dict[str, Array]]:
    """The layer that gives its states at all steps, and its tensors."""
    fed, back, both = tensors
    if fed is None or back is None:
        raise NoLayer("its weights are missing")
    layer = RECURRENT[word](back.shape[-1], all=True)
    gates = ONNX.of(layer)
    _require_shapes(fed, back, both, told.get("hidden_size"), features, len(gates))
    if "reset_before" in vars(layer):
        own = {**vars(layer), "reset_before": not told["linear_before_reset"]}
        layer = type(layer)(**own)
    bias, late = (None, None) if both is None else np.split(both[0], 2)
    return layer, take_apart(layer, GateStack(fed[0], back[0], bias, late), gates)


def _require_shapes(
    fed: Array, back: Array, both: Array | None, hidden: int | None, features: int, gates: int
) -> None:
    width = back.shape[-1]
    rows = gates * width
    need = ((1, rows, features), (1, rows, width), (1, 2 * rows))
    given = [one.shape for one in (fed, back, both) if one is not None]
    if given != [*need[: len(given)]] or hidden not in (None, width):
        has, fit = (", ".join(map(spell, shapes)) for shapes in (given, need))
        raise NoLayer(
            f"its weights are {has}, but {features} features and {width} states of hidden_size "
            f"need {fit}"
        )
