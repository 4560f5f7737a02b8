"""What a training's charts show: loss, accuracy and rate, of one run or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradbook.amounts import loss, percent, short
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.training.epochs import Epoch, rates_of, schedule_losses
from gradbook.palette import curve_colours
from gradbook.report.charts import EVEN, TOWARDS, Chart, Curve

TRAINING, VALIDATION, RATE = "#C27A09", "#077DB3", "#BC3E78"  # of palette.CURVES
STEPS = 100  # of an epoch, that its rate is drawn at
Histories = Sequence[tuple[str, Recipe, Sequence[Epoch]]]


def of_run(recipe: Recipe, history: Sequence[Epoch]) -> list[Chart]:
    """Loss and accuracy of training and of validation, and the rate of every step."""
    parts = [("training", "train", TRAINING), ("validation", "validation", VALIDATION)]
    shown = parts if _validated(history) else parts[:1]

    def curves(figure: str) -> tuple[Curve, ...]:
        return tuple(_curve(name, history, f"{key}_{figure}", ink) for name, key, ink in shown)

    smoothing = recipe.net.smoothing
    unlike = f" (of training with smoothing {smoothing:g})" if smoothing and len(shown) > 1 else ""
    return [
        _losses(f"Loss{unlike}", curves("loss")),
        _accuracies("Accuracy", curves("accuracy")),
        _rates((_rate("rate", recipe, history, RATE),)),
    ]


def _rate(label: str, recipe: Recipe, history: Sequence[Epoch], colour: str) -> Curve:
    """By steps: between the ends of two epochs it may rise and fall."""
    steps = rates_of(recipe.schedule, recipe.epochs, schedule_losses(history), STEPS)
    return replace(_curve(label, history, "rate", colour), steps=steps)


def of_several(runs: Histories) -> list[Chart]:
    """The same of several runs, a colour for each; validation where all have it, else training."""
    validated = all(_validated(history) for _, _, history in runs)
    inks = curve_colours(len(runs))
    whose = "validation" if validated else "training"
    key = "validation" if validated else "train"

    def curves(figure: str) -> tuple[Curve, ...]:
        return tuple(
            _curve(name, history, f"{key}_{figure}", ink)
            for (name, _, history), ink in zip(runs, inks, strict=True)
        )

    return [
        _losses(f"{whose.capitalize()} loss", curves("loss")),
        _accuracies(f"{whose.capitalize()} accuracy", curves("accuracy")),
        _rates(_shared([_rate(*run, ink) for run, ink in zip(runs, inks, strict=True)])),
    ]


def _losses(title: str, curves: tuple[Curve, ...]) -> Chart:
    return Chart(title, curves, spell=loss)


def _accuracies(title: str, curves: tuple[Curve, ...]) -> Chart:
    return Chart(title, curves, scale=TOWARDS, measure="accuracy", spell=percent)


def _rates(curves: tuple[Curve, ...]) -> Chart:
    return Chart("Learning rate of each step", curves, scale=EVEN, measure="rate", spell=short)


def _shared(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """One for each run, or one for all where all are the same."""
    if len({curve.values.tobytes() for curve in curves}) == 1 < len(curves):
        return (replace(curves[0], label="all", colour=RATE),)
    return tuple(curves)


def _validated(history: Sequence[Epoch]) -> bool:
    return all(epoch.validation_accuracy is not None for epoch in history)


def _curve(label: str, history: Sequence[Epoch], column: str, colour: str) -> Curve:
    values = [getattr(epoch, column) for epoch in history]
    return Curve(label, np.array(values, np.float64), colour)
