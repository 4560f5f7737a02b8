"""A range test: the rate rises step by step, and the loss says how high it may be.

After Smith, "Cyclical Learning Rates for Training Neural Networks" (2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import short
from gradbook.data.dataset import BRIGHTEST
from gradbook.engine.base import Engine
from gradbook.errors import UsageError
from gradbook.lab.models.model import for_inputs
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.training.material import Material
from gradbook.lab.training.rows import in_order, wanted_of

STEPS = 120
LOWEST, HIGHEST = 1e-5, 100.0
MEMORY = 0.9  # of the losses before, in the smoothed one
LOST = 3.0  # times the lowest loss: from there on it is lost
FALLEN = 0.9  # of the loss at the start: with less of a fall nothing can be said
SAFE = 4.0  # the suggested rate is so many times below the one with the lowest loss


@dataclass(frozen=True, eq=False)
class RangeTest:
    """Rates and the smoothed losses that the steps with them had, as far as they were numbers."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]

    @property
    def lowest(self) -> int:
        """The step whose loss was the lowest."""
        return int(self.losses.argmin())

    @property
    def lost(self) -> int | None:
        """The first step after it whose loss has risen far above it."""
        beyond = np.flatnonzero(self.losses[self.lowest :] > LOST * self.losses[self.lowest])
        return self.lowest + int(beyond[0]) if len(beyond) else None

    @property
    def suggested(self) -> float:
        """A part of the rate that brought the loss lowest, rounded as people write it."""
        return float(f"{self.rates[self.lowest] / SAFE:.1g}")

    @property
    def why(self) -> str:
        """In a line."""
        lowest, loss = self.rates[self.lowest], self.losses[self.lowest]
        end = "" if self.lost is None else f" and is lost from {short(self.rates[self.lost])} on"
        return (
            f"the loss falls from {short(self.losses[0])} to {short(loss)} as the rate rises to "
            f"{short(lowest)}{end}; {short(self.suggested)} is a quarter of that, to be safe"
        )


def range_test(recipe: Recipe, material: Material, engine: Engine) -> RangeTest:
    """Steps at ever higher rates, from the engine's start; the engine then stands there again."""
    start = engine.carried()
    engine.normalise(*for_inputs(recipe.net, *material.brightness), BRIGHTEST)
    try:
        losses = _losses(recipe, material, engine)
    finally:
        engine.restore(start)
    rates = rising(len(losses))
    found = RangeTest(rates[np.isfinite(losses)], smoothed(losses[np.isfinite(losses)]))
    if not len(found.losses) or found.losses[found.lowest] > FALLEN * found.losses[0]:
        raise UsageError(
            f"no rate from {short(LOWEST)} to {short(HIGHEST)} lets the loss fall in {STEPS} "
            "steps: look at the network and the data, and say a rate"
        )
    return found


def _losses(recipe: Recipe, material: Material, engine: Engine) -> NDArray[np.float64]:
    seed, images = recipe.net.seed, material.images
    mixed = in_order(seed, 0, material.numbers)
    seen = engine.epoch(
        images.pixels,
        wanted_of(recipe, images.labels, material.counts),
        rising(STEPS),
        order=np.resize(mixed, STEPS * recipe.batch),
        seed=seed,
        warp=recipe.warp,
    )
    return seen.losses


def rising(steps: int) -> NDArray[np.float64]:
    """Rates a constant factor apart."""
    return np.geomspace(LOWEST, HIGHEST, STEPS)[:steps]


def smoothed(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """A running mean that forgets, without its start's bias towards 0."""
    found, mean = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses.tolist()):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        found[k] = mean / (1 - MEMORY ** (k + 1))
    return found


def as_record(test: RangeTest) -> Mapping[str, Any]:
    """For programs."""
    return {
        "version": 1,
        "suggested": test.suggested,
        "why": test.why,
        "rates": test.rates.tolist(),
        "losses": test.losses.tolist(),
    }
