"""How the best recipe of a study reads the test images, once all is chosen."""

from __future__ import annotations

from dataclasses import dataclass

from gradbook.lab.recipes.text import parse
from gradbook.lab.training.seeds import Spread, train_seeds


@dataclass(frozen=True)
class TestScore:
    """Over trainings that differ in their seed, on all training images."""

    mean: float
    deviation: float
    accuracies: tuple[float, ...]
    seeds: int


def score_of(text: str, seeds: int) -> TestScore:
    recipe = parse(text)
    first = recipe.net.seed
    runs = train_seeds(recipe, range(first, first + seeds), held_back=False, show=False)
    if any(run.test_accuracy is None for run in runs):
        raise KeyboardInterrupt
    spread = Spread(tuple(run.test_accuracy or 0.0 for run in runs))
    return TestScore(spread.mean, spread.deviation, spread.values, len(spread.values))
