"""The text form as tables, for a page that reads networks by itself.

Words, limits and every message are those of `gradbook.net`, so that the page and the command give
the same message about a wrong text. The page's reader is `web/text/`, in JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, cast

from gradbook import arguments, errors, statements
from gradbook.graph import window
from gradbook.language import tr
from gradbook.layers import (
    ACTIVATIONS,
    KINDS,
    LOSSES,
    UPDATES,
    Activation,
    Bias,
    Layer,
    arranging,
    card,
    forms,
    norms,
    pools,
    sequences,
    sums,
    wiring,
)
from gradbook.layers import fields as text_fields
from gradbook.layers.activations import ANSWER_KINDS
from gradbook.layers.card import AnswerKind
from gradbook.layers.fields import OptionsField, TextField
from gradbook.net import Net, Role, description, fit, network, text, tokens
from gradbook.net.description import Task, default_loss
from gradbook.targets.page.patterns import ValuePattern
from gradbook.targets.page.recurrent_steps import state_table, tensor_table
from gradbook.targets.page.traced import TracedWidth, traced_widths

MESSAGES = {  # the messages of each module that the page's reader also uses
    statements: (
        *("NO_WHOLE", "NOT_WHOLE", "NO_NUMBER", "NOT_NUMBER", "COMMAS", "TOO_LARGE"),
        *("NO_SIZES", "NOT_SIZES", "NOT_EXPECTED", "TWICE"),
    ),
    text: (
        *(
            "TOO_LONG",
            "NO_LAYERS",
            "UNKNOWN_LAYER",
            "NOT_A_LINE",
            "A_FORMULA",
            "SEE_HELP",
            "BEFORE_INPUT",
        ),
        *("TABLE_ALREADY", "SAMPLES_ALREADY", "NO_TARGETS", "WHICH_FILE", "WHICH_NAME"),
        *("WHICH_LOSS", "UNKNOWN_LOSS", "WHICH_UPDATE", "UNKNOWN_UPDATE"),
        *("DECAY_ALREADY", "UNKNOWN_KIND", "OF_HOW_MANY"),
    ),
    text_fields: (
        *("UNKNOWN_CHOICE", "ONE_OF", "EXPECTED", "NOT_PLACES", "TOO_MANY_PLACES"),
        *("SHARE", "SHARE_ABOVE_0"),
    ),
    arranging: ("NO_SUCH_PLACE", "NOTHING_PICKED", "OTHER_COUNT", "THREE_SIZES"),
    card: ("FLAT_ONLY", "CHANNELS_ONLY"),
    sums: ("OUT_OF_GROUPS", "INTO_GROUPS", "LEAVES_NOTHING"),
    pools: ("SAME_AND_CEIL",),
    wiring: (
        "ADDED_SHAPES",
        "MULTIPLIED_SHAPES",
        "JOINED_SHAPES",
        "JOINED_NONE",
        "TOO_FAR_BACK",
        "DROPOUT_RATE",
    ),
    description: (
        *("NOTHING_BEFORE", "TOO_FAR", "APPLIED_ALREADY", "OTHER_WEIGHTS"),
        *("NONE_TIED", "OTHER_TIED"),
    ),
    tokens: ("COUNT", "UNKNOWN"),
    sequences: ("SEQUENCES_ONLY", "HEADS"),
    norms: ("EPSILON_OF", "GROUPS_OF_ONE", "GROUPS_OF_CHANNELS", "NO_PLACES"),
    window: ("LARGER_WINDOW", "PADDING_ALONE", "TOO_PADDED"),
    arguments: ("NOT_FROM", "KNOWN"),
    network: ("MADE_UP", "DROPPED", "ANY_SAMPLE"),
    fit: (
        *("RATE_RANGE", "SEED_RANGE", "NOTHING_TO_TRAIN", "TOO_DEEP", "TOO_WIDE", "UNPRINTABLE"),
        *("TOO_MUCH", "TOO_MANY_IN_A_ROW"),
        *("FLAT_OUTPUT", "PROBABILITIES", "SMOOTHING_RANGE", "SMOOTHING_OF", "DECAY_RANGE"),
        *("NO_DECAY", "START_COUNT", "NOT_ONE", "OTHER_LOSS", "NO_PROBABILITY", "SAMPLE_LENGTH"),
        *("LEADS_NOWHERE", "NO_STEP_LEFT", "TOKENS_UNREAD"),
    ),
}
MOST_WEIGHTS = 300  # in a network that a page builds; a drawing can't show more
MOST_SINGLES = 4_000  # single values and products
BIASES = MappingProxyType(
    {str(bias): {"shared": bias.shared, "fixed": bias.fixed} for bias in Bias}
    | {str(Bias.NONE): None}
)

BUILT = frozenset(  # cards that the page's own modules know, in text/layers.js
    {
        *("dense", "conv", "pool", "prelu", "activation", "numbered"),
        *("batchnorm", "groupnorm", "layernorm", "placenorm", "rmsnorm"),
        *("rnn", "gru", "lstm", "attention", "positionembedding"),
        *("embedding", "unembedding", "sinusoids"),
        *("dropout", "flatten", "residual", "product", "concat", "goback"),
    }
)


def unbuilt(net: Net) -> str:
    """The first word of the first layer that a page can't build by itself, or of a loss by a
    formula, or ''."""
    for layer, shape in zip(net.layers, net.shapes, strict=False):
        if layer.bits:
            return str(layer.bits)
        kind = type(layer)
        is_traced = len(shape) == 1 and shape[0] in _traced(kind) and layer == kind()
        if not (_is_built(kind) or is_traced):
            return layer.text.split()[0]
    return "" if net.objective in LOSSES else "loss"


def _is_built(kind: type[Layer]) -> bool:
    """Whether the page has a module for it, or its values at a step can be traced."""
    return _card_name(kind) in BUILT or issubclass(kind, sequences.Recurrent)


def _traced(kind: type[Layer]) -> dict[int, TracedWidth]:
    return {} if _is_built(kind) else traced_widths(kind)


TRAITS = {  # a layer's properties, by their names on the page
    "letter": "letter",
    "lastLetter": "last_letter",
    "passesOn": "passes_on",
    "namesAfter": "names_after",
    "sums": "sums",
    "mixesSamples": "mixes_samples",
    "normalises": "normalises",
    "readsSteps": "reads_sequences",
    "ties": "ties",
}


def traced_patterns() -> Iterator[ValuePattern]:
    """The patterns of all layers without a module on the page."""
    for kind in KINDS:
        for width in _traced(kind).values():
            yield from width.patterns


def grammar_table() -> dict[str, Any]:
    """The grammar, which is the same for every network."""
    return {
        "messages": {name: getattr(of, name) for of, names in MESSAGES.items() for name in names},
        "number": statements.NUMBER.pattern,
        "whole": statements.WHOLE.pattern,
        "sizes": statements.SIZES.pattern,
        "wholes": statements.WHOLES.pattern,
        "longestText": text.LONGEST_TEXT,
        "longestMessage": errors.LONGEST_MESSAGE,
        "longestName": fit.LONGEST_NAME,
        "closeEnough": errors.CLOSE_ENOUGH,
        "mostPicked": text_fields.MOST_PICKED,
        "mostLayers": fit.MOST_LAYERS,
        "mostValues": fit.MOST_VALUES,
        "mostInAll": fit.MOST_IN_ALL,
        "mostInARow": fit.MOST_IN_A_ROW,
        "largestSeed": fit.LARGEST_SEED,
        "drawnDecimals": network.DRAWN_DECIMALS,
        "mostShown": network.MOST_SHOWN,
        "words": list(text.known_words()),
        **_forms(),
        "cards": {_card_name(kind): _card_table(kind) for kind, _ in forms().values()},
        "mixing": [kind for kind in ACTIVATIONS if Activation(kind).is_softmax],
        "synonyms": {
            "layers": text.layer_words(),
            "updates": text.UPDATE_WORDS,
            "losses": text.loss_synonyms(),
            "instead": text.INSTEAD,
        },
        "biases": dict(BIASES),
        "losses": {
            name: _short({"ending": loss.ending, "ofAll": loss.of_all, "summed": loss.summed})
            for name, loss in LOSSES.items()
        },
        "meant": {
            kind: default_loss(ANSWER_KINDS.get(kind, AnswerKind.NUMBERS), Task.SAMPLES)
            for kind in ("", *ACTIVATIONS)
        },
        "rates": {kind: card.rate for kind, card in UPDATES.items()},
        "decayed": {k: {Role.WEIGHT: card.decay} for k, card in UPDATES.items() if card.decay},
        "kinds": text.ROLES,
        "roles": list(Role),
        "starts": {role: role.start for role in Role if role.start},
        "mostWeights": MOST_WEIGHTS,
        "mostSingles": MOST_SINGLES,
    }


def _forms() -> dict[str, Any]:
    """Every field once, and each statement's fields by number; those in any order are grouped."""
    known: dict[str, int] = {}

    def number(field: TextField) -> Any:
        if isinstance(field, OptionsField):
            return [number(option) for option in field.options]
        text = json.dumps(_short(field.table()), ensure_ascii=False)
        return known.setdefault(text, len(known))

    statements = {
        first: {
            "card": _card_name(kind),
            **({} if _is_built(kind) or _traced(kind) else {"isUnbuilt": True}),
            **_short({**form.table(), "fields": [number(field) for field in form.fields]}),
        }
        for first, (kind, form) in forms().items()
    }
    updates = {kind: list(map(number, card.form.fields)) for kind, card in UPDATES.items()}
    fields = list(map(json.loads, known))
    named = [*LOSSES, *filter(None, (field.get("what") for field in fields))]
    called = {name: words for name in named if (words := tr(name)) != name}
    table = {"fields": fields, "forms": statements, "updates": updates}
    return table | ({"called": called} if called else {})


def _card_name(kind: type[Layer]) -> str:
    return kind.__name__.lower()


def _card_table(kind: type[Layer]) -> dict[str, Any]:
    """A card's default fields, its letters and its other properties."""
    usual = {it.name: it.default for it in fields(cast(Any, kind)) if it.default is not MISSING}
    traits = {name: getattr(kind, attribute) for name, attribute in TRAITS.items()}
    known = {name: it for name, it in traits.items() if not isinstance(it, property)}
    like = next((_card_name(it) for it in kind.__mro__[1:] if it in KINDS), None)
    widths = {str(width): it.table for width, it in _traced(kind).items()}
    parts = {"state": state_table(kind), "tensors": tensor_table(kind), "like": like}
    parts |= {"traced": widths} if widths else {}
    return {"usual": usual, **_short({**known, **parts})}


def _short(table: Any) -> Any:
    """A table without its empty entries."""
    if isinstance(table, dict):
        return {k: _short(v) for k, v in table.items() if v or (v == 0 and v is not False)}
    return list(map(_short, table)) if isinstance(table, (list, tuple)) else table
