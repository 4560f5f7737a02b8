"""The text form as tables: what a page knows of it that reads networks by itself.

Words, limits and every message are those of `gradbook.net`, so that a wrong text is told the same
on the page as by the command. The page's reader is `web/text/`, in JavaScript.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from gradbook import arguments, errors, statements
from gradbook.graph import window
from gradbook.layers import (
    ACTIVATIONS,
    LOSSES,
    UPDATES,
    Bias,
    card,
    fields,
    forms,
    norms,
    pools,
    sums,
    updates,
    wiring,
)
from gradbook.layers.activations import USUAL_SLOPE
from gradbook.net import BatchNorm, Loss, Role, Update, again, fit, network
from gradbook.net.task import Task, meant_loss
from gradbook.net.text import network as of_texts
from gradbook.net.text import settings, synonyms

MESSAGES = {  # of each module, those that the page's reader says as well
    statements: (
        *("NO_WHOLE", "NOT_WHOLE", "NO_NUMBER", "NOT_NUMBER", "COMMAS", "TOO_LARGE"),
        *("NO_SIZES", "NOT_SIZES", "NOT_EXPECTED", "SECOND"),
    ),
    of_texts: ("TOO_LONG", "NO_LAYERS", "UNKNOWN_LAYER", "NOT_A_LINE", "SEE_HELP", "BEFORE_INPUT"),
    settings: (
        *("TABLE_ALREADY", "SAMPLES_ALREADY", "NO_TARGETS", "WHICH_FILE", "WHICH_NAME"),
        *("WHICH_LOSS", "UNKNOWN_LOSS", "WHICH_UPDATE", "UNKNOWN_UPDATE"),
        *("DECAY_ALREADY", "UNKNOWN_KIND"),
    ),
    fields: ("UNKNOWN_CHOICE", "ONE_OF", "EXPECTED"),
    card: ("FLAT_ONLY", "CHANNELS_ONLY"),
    sums: ("OUT_OF_GROUPS", "INTO_GROUPS", "DEPTHWISE"),
    pools: ("SAME_AND_CEIL",),
    wiring: ("ADDED_SHAPES", "JOINED_SHAPES", "JOINED_NONE", "TOO_FAR_BACK", "DROPOUT_RATE"),
    again: ("NOTHING_BEFORE", "TOO_FAR", "APPLIED_ALREADY", "OTHER_WEIGHTS"),
    norms: ("EPSILON_OF", "GROUPS_OF_ONE", "GROUPS_OF_CHANNELS", "NO_PLACES"),
    window: ("LARGER_WINDOW", "PADDING_ALONE", "TOO_PADDED"),
    arguments: ("NOT_FROM", "KNOWN"),
    updates: ("MOMENTUM_RANGE", "BETAS_RANGE", "EPSILON_RANGE"),
    network: ("MADE_UP", "DROPPED", "ANY_SAMPLE"),
    fit: (
        *("RATE_RANGE", "SEED_RANGE", "NOTHING_TO_TRAIN", "TOO_DEEP", "TOO_WIDE", "UNPRINTABLE"),
        *("TOO_MUCH", "TOO_MANY_IN_A_ROW"),
        *("FLAT_OUTPUT", "PROBABILITIES", "SMOOTHING_RANGE", "SMOOTHING_OF", "DECAY_RANGE"),
        *("NO_DECAY", "START_COUNT", "NOT_ONE", "OTHER_LOSS", "NO_PROBABILITY", "SAMPLE_LENGTH"),
        "LEADS_NOWHERE",
    ),
}
MOST_WEIGHTS = 300  # that a page builds: more can't be told apart in a drawing
MOST_SINGLES = 4_000  # single values and products
BIASES = MappingProxyType(
    {str(bias): {"shared": bias.shared, "fixed": bias.fixed} for bias in Bias}
    | {str(Bias.NONE): None}
)


def grammar_table() -> dict[str, Any]:
    """The same for every network."""
    usual = Update()
    return {
        "messages": {name: getattr(of, name) for of, names in MESSAGES.items() for name in names},
        "number": statements.NUMBER.pattern,
        "whole": statements.WHOLE.pattern,
        "sizes": statements.SIZES.pattern,
        "wholes": statements.WHOLES.pattern,
        "longestText": of_texts.LONGEST_TEXT,
        "longestMessage": errors.LONGEST_MESSAGE,
        "longestName": fit.LONGEST_NAME,
        "closeEnough": errors.CLOSE_ENOUGH,
        "mostLayers": fit.MOST_LAYERS,
        "mostValues": fit.MOST_VALUES,
        "mostInAll": fit.MOST_IN_ALL,
        "mostInARow": fit.MOST_IN_A_ROW,
        "largestSeed": fit.LARGEST_SEED,
        "drawnDecimals": network.DRAWN_DECIMALS,
        "mostShown": network.MOST_SHOWN,
        "words": list(of_texts.WORDS),
        "layers": [*forms(), of_texts.AGAIN],
        "activations": list(ACTIVATIONS),
        "usualSlope": USUAL_SLOPE,
        "usualEpsilon": BatchNorm().epsilon,
        "synonyms": {
            "layers": synonyms.layer_words(),
            "updates": synonyms.UPDATE_WORDS,
            "losses": synonyms.LOSS_WORDS,
            "instead": synonyms.INSTEAD,
        },
        "biases": dict(BIASES),
        "usualBias": Bias.EACH,
        "losses": list(LOSSES),
        "meant": {kind: meant_loss(kind, Task.SAMPLES) for kind in ("", *ACTIVATIONS)},
        "endings": {name: loss.ending for name, loss in LOSSES.items() if loss.ending},
        "smoothed": Loss.CROSS,
        "rates": {kind: card.rate for kind, card in UPDATES.items()},
        "settings": {kind: card.settings for kind, card in UPDATES.items()},
        "usual": {"momentum": usual.momentum, "betas": usual.betas, "epsilon": usual.epsilon},
        "decayed": {k: {Role.WEIGHT: card.decay} for k, card in UPDATES.items() if card.decay},
        "kinds": settings.KINDS,
        "roles": list(Role),
        "mostWeights": MOST_WEIGHTS,
        "mostSingles": MOST_SINGLES,
    }
