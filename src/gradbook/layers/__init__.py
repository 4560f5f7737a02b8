"""A card per family of layers: fields, text, shapes, parameters, ops, words and help together.

Knows no networks, targets, formats or files.
"""

from __future__ import annotations

from functools import lru_cache

from gradbook.graph.levels import Bits
from gradbook.layers.activations import (
    ACTIVATIONS,
    NUMBERED,
    Activation,
    Numbered,
    PRelu,
    Quantize,
    activation,
)
from gradbook.layers.arranging import Pick, Reshape, Transpose
from gradbook.layers.card import (
    Bias,
    Layer,
    LayerSite,
    Parameter,
    ParameterSpec,
    Role,
    leaf_name,
    spell,
)
from gradbook.layers.fields import StatementForm
from gradbook.layers.losses import LOSSES, Loss, loss, unlisted_loss
from gradbook.layers.norms import BatchNorm, GroupNorm, LayerNorm, PlaceNorm, RmsNorm, SampleNorm
from gradbook.layers.pools import Pool
from gradbook.layers.sequences import (
    Attention,
    Embedding,
    Gru,
    Lstm,
    PositionEmbedding,
    Rnn,
    Sinusoids,
    Unembedding,
)
from gradbook.layers.spectra import Composed, MelBands
from gradbook.layers.sums import Conv, Dense, TransposedConv, Upsample
from gradbook.layers.updates import UPDATES, Update
from gradbook.layers.wiring import Concat, Dropout, Flatten, GoBack, Product, Residual

KINDS: list[type[Layer]] = [
    *(Dense, Conv, TransposedConv, Pool, Upsample),
    *(Embedding, Unembedding, Rnn, Gru, Lstm, Attention, PositionEmbedding, Sinusoids),
    MelBands,
    *(BatchNorm, GroupNorm, LayerNorm, PlaceNorm, RmsNorm),
    *(PRelu, Quantize, Numbered),
    *(Dropout, Flatten, Residual, Product, Concat, GoBack),
    *(Pick, Reshape, Transpose),
]
"""All but activations without parameters, in the order of the help."""

__all__ = [
    "ACTIVATIONS",
    "KINDS",
    "LOSSES",
    "NUMBERED",
    "UPDATES",
    "Activation",
    "Attention",
    "BatchNorm",
    "Bias",
    "Bits",
    "Composed",
    "Concat",
    "Conv",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GoBack",
    "GroupNorm",
    "Gru",
    "Layer",
    "LayerNorm",
    "LayerSite",
    "Loss",
    "Lstm",
    "MelBands",
    "Numbered",
    "PRelu",
    "Parameter",
    "ParameterSpec",
    "Pick",
    "PlaceNorm",
    "Pool",
    "PositionEmbedding",
    "Product",
    "Quantize",
    "Reshape",
    "Residual",
    "RmsNorm",
    "Rnn",
    "Role",
    "SampleNorm",
    "Sinusoids",
    "Transpose",
    "TransposedConv",
    "Unembedding",
    "Update",
    "Upsample",
    "activation",
    "forms",
    "inner_words",
    "leaf_name",
    "loss",
    "spell",
    "unlisted_loss",
]


def inner_words() -> dict[str, str]:
    """Descriptions of the inner values that layers name: h_query, a_share."""
    return {name: words for kind in KINDS for name, words in kind.inner_words.items()}


def forms() -> dict[str, tuple[type[Layer], StatementForm]]:
    """Every statement for a layer, by its first word, with the card that it fills in."""
    return _forms(tuple(KINDS), tuple(ACTIVATIONS))  # plug-ins extend these


@lru_cache(maxsize=1)
def _forms(
    kinds: tuple[type[Layer], ...], activations: tuple[str, ...]
) -> dict[str, tuple[type[Layer], StatementForm]]:
    known = {form.first: (kind, form) for kind in kinds for form in kind.forms}
    cards = (ACTIVATIONS[name] for name in activations)
    return known | {card.form.first: (Activation, card.form) for card in cards}
