"""What the words in a name say: which part of a data set it is, and whether images or labels."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gradbook.data.dataset import TEST, TRAINING, VALIDATION
from gradbook.errors import DataError

PARTS = {
    "train": TRAINING,
    "training": TRAINING,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "t10k": TEST,
}
IMAGES = {"images", "image", "x", "data", "pixels"}
LABELS = {"labels", "label", "y", "target", "targets"}


def words(name: str) -> list[str]:
    """'Train-images.idx3-ubyte' has the words train, images, idx3, ubyte."""
    return [word for word in re.split("[^a-z0-9]+", name.lower()) if word]


def part(name: str) -> str | None:
    """The part that the name speaks of."""
    return next((PARTS[word] for word in words(name) if word in PARTS), None)


def holds_images(name: str) -> bool:
    return not IMAGES.isdisjoint(words(name))


def holds_labels(name: str) -> bool:
    return not LABELS.isdisjoint(words(name))


def by_part(names: Iterable[str], where: str) -> dict[str, str]:
    """Part → the one name that speaks of it. A name that speaks of none is of training."""
    found: dict[str, str] = {}
    for name in names:
        other = found.setdefault(part(name) or TRAINING, name)
        if other != name:
            raise DataError(
                f"{other} and {name} could both be the {part(name) or TRAINING} part: keep one",
                file=where,
            )
    return found
