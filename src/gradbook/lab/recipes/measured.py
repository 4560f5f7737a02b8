"""What the built-in recipes reached where they were measured: measured.json.

`bench/accuracy.py` fills the file; nothing in it is typed by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Measured:
    """A recipe trained on all its images with several seeds, the test images scored at the end."""

    seeds: int
    mean: float  # of the shares of test images that were read right
    deviation: float
    lowest: float
    seconds: float  # a training, from loading to the last update
    threads: int
    machine: str

    def seconds_with(self, threads: int) -> float:
        """About as long as it takes on so many cores like those."""
        return self.seconds * self.threads / threads


def measured(name: str) -> Measured | None:
    """What was measured of the recipe of that name, if it was."""
    found = _all().get(name)
    return Measured(**found) if found else None


@cache
def _all() -> dict[str, dict[str, Any]]:
    text = files("gradbook.lab.recipes").joinpath("measured.json").read_text("utf-8")
    known: dict[str, dict[str, Any]] = json.loads(text)
    return known
