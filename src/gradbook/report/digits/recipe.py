"""A recipe as text that may be changed on the page, as far as the compiled code stays the same.

How its schedule is read, within which limits and what is said of a mistake are the command's own
words; the page's reader is `web/wasm/recipe.js`.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from gradbook.errors import ShapeError
from gradbook.lab.recipes import recipe as schedules
from gradbook.lab.recipes import text as texts
from gradbook.lab.recipes.recipe import Recipe
from gradbook.net import Net, Role
from gradbook.net.build import require_variance
from gradbook.net.names import leaf_name
from gradbook.targets.page.grammar import grammar_table

MOST_EPOCHS = 1_000  # on a page: their rates are worked out beforehand
MESSAGES = {  # of each module, those that the page's reader says as well
    schedules: (
        *("WHICH_SCHEDULE", "UNKNOWN_SCHEDULE", "ONE_CYCLE", "TWICE", "UNKNOWN_SETTING"),
        *("SETTINGS_AFTER", "ASKED_FOR", "RATES_FALL", "OUT_OF_RANGE"),
    ),
    texts: ("RATE_ALREADY", "COUNTED"),
}


def recipe_table(recipe: Recipe, images: int) -> dict[str, Any]:
    """The text, what may be said in it, and what follows from that; for so many images."""
    net = recipe.net
    return {
        "text": str(recipe),
        "grammar": _grammar(),
        "images": images,
        "mostEpochs": MOST_EPOCHS,
        "mostBatch": recipe.batch,
        "warps": recipe.warp.changes_images,
        "alone": _refused_alone(net),
        "drawn": _drawn(net),
    }


def _grammar() -> dict[str, Any]:
    plain = grammar_table()
    said = {name: getattr(of, name) for of, names in MESSAGES.items() for name in names}
    return {
        **{name: plain[name] for name in ("number", "whole", "longestMessage", "closeEnough")},
        "messages": plain["messages"] | said,
        "drawnDecimals": plain["drawnDecimals"],
        "schedules": schedules.OWN_SETTINGS,
        "words": schedules.SETTING_WORDS,
        "ranges": {
            name: {
                "what": own.what,
                "zero": own.zero,
                "below": own.below if own.below < 2 else None,
                "least": own.least,
                "where": own.where,
            }
            for name, own in schedules.RANGES.items()
        },
        "usual": {
            name: getattr(schedules.Schedule("constant", 1), name)
            for name in schedules.SETTING_WORDS
        },
        "usualWarm": schedules.USUAL_WARM,
        "rise": schedules.RISE,
    }


def _refused_alone(net: Net) -> str:
    """Why a last batch of one image won't do, if it won't."""
    try:
        require_variance(net, 1)
    except ShapeError as error:
        return error.message
    return ""


def _drawn(net: Net) -> list[tuple[str, int, float]]:
    """Which arrays are drawn from the seed, one after the other, and how far from 0."""
    if net.start.get(Role.WEIGHT):
        return []
    return [
        (str(leaf_name(p.role, p.layer)), p.size, sqrt(6 / sum(p.fans)))
        for p in net.parameters
        if p.role is Role.WEIGHT
    ]
