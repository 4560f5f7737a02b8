"""What a training's charts show: loss, accuracy and rate, of one run or of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradbook.amounts import loss, percent, short
from gradbook.lab.training.history import Epoch
from gradbook.palette import curve_colours
from gradbook.report.chart.curves import Chart, Curve
from gradbook.report.chart.scale import EVEN, TOWARDS

TRAINING, VALIDATION, RATE = "#C27A09", "#077DB3", "#BC3E78"  # of palette.CURVES
Histories = Sequence[tuple[str, Sequence[Epoch]]]


def of_run(history: Sequence[Epoch]) -> list[Chart]:
    """Loss and accuracy of training and of validation, and the rate."""
    parts = [("training", "train", TRAINING), ("validation", "validation", VALIDATION)]
    shown = parts if _validated(history) else parts[:1]

    def curves(figure: str) -> tuple[Curve, ...]:
        return tuple(_curve(name, history, f"{key}_{figure}", ink) for name, key, ink in shown)

    return [
        _losses("Loss", curves("loss")),
        _accuracies("Accuracy", curves("accuracy")),
        _rates((_curve("rate", history, "rate", RATE),)),
    ]


def of_several(runs: Histories) -> list[Chart]:
    """The same of several runs, a colour for each; validation where all have it, else training."""
    validated = all(_validated(history) for _, history in runs)
    whose = "validation" if validated else "training"
    key = "validation" if validated else "train"
    return [
        _losses(f"{whose.capitalize()} loss", _curves(runs, f"{key}_loss")),
        _accuracies(f"{whose.capitalize()} accuracy", _curves(runs, f"{key}_accuracy")),
        _rates(_curves(runs, "rate")),
    ]


def _losses(title: str, curves: tuple[Curve, ...]) -> Chart:
    return Chart(title, curves, spell=loss)


def _accuracies(title: str, curves: tuple[Curve, ...]) -> Chart:
    return Chart(title, curves, scale=TOWARDS, measure="accuracy", spell=percent)


def _rates(curves: tuple[Curve, ...]) -> Chart:
    return Chart("Learning rate", curves, scale=EVEN, measure="rate", spell=short)


def _curves(runs: Histories, column: str) -> tuple[Curve, ...]:
    """One for each run, or one for all where all are the same."""
    inks = curve_colours(len(runs))
    curves = tuple(
        _curve(name, history, column, ink) for (name, history), ink in zip(runs, inks, strict=True)
    )
    if len({curve.values.tobytes() for curve in curves}) == 1 < len(curves):
        return (Curve("all", curves[0].values, RATE),)
    return curves


def _validated(history: Sequence[Epoch]) -> bool:
    return all(epoch.validation_accuracy is not None for epoch in history)


def _curve(label: str, history: Sequence[Epoch], column: str, colour: str) -> Curve:
    values = [getattr(epoch, column) for epoch in history]
    return Curve(label, np.array(values, np.float64), colour)
