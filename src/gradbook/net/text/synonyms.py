"""Words of other libraries that mean one thing here: read as ours, and written as ours."""

from __future__ import annotations

from gradbook.layers import LOSSES, UPDATES, forms

SETTING_WORDS = {
    "optimizer": "update",
    "lr": "rate",
    "learning": "rate",  # learning rate 0.5
    "learning_rate": "rate",
    "eta": "rate",
    "η": "rate",
}
INSTEAD = {  # of words that say what something is, and not what it does
    "hidden": "write 'dense 3' for 3 units, their activation below: all but the last are hidden",
    "output": "write 'dense 2' for 2 outputs, their activation below: the last is the output",
    "activation": "write the activation alone in its line, such as 'sigmoid' or 'relu'",
    "layer": "write 'dense 3' for a layer of 3 units, and its activation below",
    "target": "write 'sample 0.05 0.1 -> 0.5 0.5': inputs, then targets",
    "targets": "write 'sample 0.05 0.1 -> 0.5 0.5': inputs, then targets",
    "bias": "write 'biases 0.1 0.2' for start values; 'dense 2 no bias' has none",
    "weight": "write 'weights 0.1 0.2' for start values, in the order of their numbers",
}
"""What to write in their place."""
UPDATE_WORDS = {word: kind for kind, card in UPDATES.items() for word in card.synonyms}
LOSS_WORDS = {word: str(loss) for loss in LOSSES.values() for word in loss.synonyms}


def layer_words() -> dict[str, str]:
    """What begins a statement elsewhere, and what begins it here."""
    cards = forms().values()
    return {word: form.first for _, form in cards for word in form.synonyms} | SETTING_WORDS


def ours(word: str) -> str:
    """What a statement begins with here; capitals and a colon behind it don't matter."""
    plain = word.lower().removesuffix(":")
    return layer_words().get(plain, plain)
