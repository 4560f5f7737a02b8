"""Runs side by side: what each reached, in which lines their recipes differ, who misreads what."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import Dataset
from gradbook.errors import one_line
from gradbook.lab.models.answers import Answers
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.runs.evidence import answered
from gradbook.lab.training.history import Epoch
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.seeds import SeedsFolder, Spread
from gradbook.net.text import TRAINING

NAMES = ("recipe", "about", "name", "seed")  # tell runs apart and change nothing else


@dataclass(frozen=True, eq=False)
class Compared:
    """A run, or the runs of several seeds as one."""

    name: str
    runs: tuple[RunFolder, ...]
    recipe: Recipe  # the first seed's
    histories: tuple[tuple[Epoch, ...], ...]
    results: tuple[Mapping[str, Any], ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(result["seed"] for result in self.results)

    @property
    def parameters(self) -> int:
        return self.recipe.net.count()

    @property
    def test(self) -> Spread:
        """The share of the test images read right, by each seed."""
        return Spread(tuple(result["test_accuracy"] for result in self.results))

    @property
    def seconds(self) -> float:
        """Of one training."""
        return fmean(result["seconds"] for result in self.results)

    @property
    def validations(self) -> tuple[float | None, ...]:
        """Each seed's share of the images held back, after its last epoch."""
        return tuple(h[-1].validation_accuracy if h else None for h in self.histories)

    @property
    def validation(self) -> float | None:
        found = [share for share in self.validations if share is not None]
        return fmean(found) if len(found) == len(self.runs) else None

    @cached_property
    def history(self) -> tuple[Epoch, ...]:
        """Epoch by epoch, the mean over the seeds."""
        return tuple(map(_mean, zip(*self.histories, strict=False)))

    def answers(self, dataset: Dataset) -> tuple[Answers, ...]:
        """Each seed's to the test images."""
        return tuple(answered(run.model(), dataset) for run in self.runs)


def _mean(epochs: Sequence[Epoch]) -> Epoch:
    """One epoch of several seeds."""

    def of(name: str) -> Any:
        values = [getattr(epoch, name) for epoch in epochs]
        return None if None in values else fmean(values)

    means = {field.name: of(field.name) for field in fields(Epoch)}
    return replace(epochs[0], **means | {"epoch": epochs[0].epoch})


def opened(path: str | os.PathLike[str]) -> Compared:
    """The finished run in a folder, or the finished runs of several seeds."""
    seeds = SeedsFolder(path)
    runs = [RunFolder(path)]
    if seeds.holds_seeds:
        runs = [seeds.run(seed) for seed in seeds.plan()[1]]
        runs = [run for run in runs if run.is_done] or runs[:1]
    recipe = runs[0].recipe()
    return Compared(
        one_line(Path(path).resolve().name),
        tuple(runs),
        recipe,
        tuple(run.history() for run in runs),
        tuple(run.result() for run in runs),
    )


def all_opened(paths: Sequence[str | os.PathLike[str]]) -> list[Compared]:
    """All of them; those of the same name by as much of their paths as tells them apart."""
    found = [opened(path) for path in paths]
    names = [run.name for run in found]
    if len(set(names)) == len(names):
        return found
    return [replace(run, name=os.fspath(path)) for run, path in zip(found, paths, strict=True)]


# How their recipes differ.


def differences(runs: Sequence[Compared]) -> dict[str, list[str]]:
    """The lines that not all recipes say alike, and what each says; the layers as one line."""
    said = [_lines(run.recipe) for run in runs]
    words = dict.fromkeys(word for lines in said for word in lines)
    told = {word: [lines.get(word, "") for lines in said] for word in words}
    return {word: each for word, each in told.items() if len(set(each)) > 1}


def _lines(recipe: Recipe) -> dict[str, str]:
    """What each of its words is followed by."""
    own, network = str(recipe).split("\n\n", 1)
    found: dict[str, list[str]] = {}
    for line in [*own.splitlines(), *network.splitlines()]:
        word, _, rest = line.partition(" ")
        if word in NAMES:
            continue
        if line in network.splitlines() and word not in (*TRAINING, "input"):
            word, rest = "layers", line
        found.setdefault(word, []).append(rest)
    return {word: "; ".join(parts) for word, parts in found.items()}


# Who misreads what.


@dataclass(frozen=True, eq=False)
class Majority:
    """What a run read in each test image: of several seeds, what most of them read."""

    read: NDArray[np.intp]
    sure: NDArray[np.float64]  # the mean over the seeds


def majority(seeds: Sequence[Answers]) -> Majority:
    """Where as many seeds read one as the other, the likelier counts."""
    likely = np.mean([answers.probabilities for answers in seeds], axis=0)
    images = np.arange(len(likely))
    votes = np.zeros_like(likely)
    for answers in seeds:
        votes[images, answers.read] += 1
    read = (votes + likely).argmax(axis=1)
    return Majority(read, likely[images, read])


@dataclass(frozen=True, eq=False)
class Misread:
    """What each run reads in the test images of one data set."""

    dataset: Dataset
    majorities: tuple[Majority, ...]

    @cached_property
    def wrong(self) -> NDArray[np.bool_]:
        """(runs, images)"""
        labels = self.dataset.test_for_reporting.labels
        return np.array([one.read != labels for one in self.majorities])

    @property
    def by_all(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.wrong.all(axis=0))

    def only_by(self, run: int) -> NDArray[np.intp]:
        others = np.delete(self.wrong, run, axis=0).any(axis=0)
        return np.flatnonzero(self.wrong[run] & ~others)


def misread(runs: Sequence[Compared], dataset: Dataset) -> Misread:
    """Let each model read the test images."""
    return Misread(dataset, tuple(majority(run.answers(dataset)) for run in runs))
