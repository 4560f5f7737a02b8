"""Train a network by a recipe: from loading the images to the score on the test images."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from gradbook.amounts import counted, duration, percent
from gradbook.arguments import whole
from gradbook.data.dataset import Dataset
from gradbook.engine.processes import side_by_side
from gradbook.engine.surroundings import surroundings
from gradbook.errors import UsageError
from gradbook.files import made_folder
from gradbook.interruption import until_stopped
from gradbook.lab.models.answers import ClassScore, macro_f1
from gradbook.lab.models.model import Model
from gradbook.lab.recipes.builtin import recipe as recipe_of
from gradbook.lab.recipes.recipe import Recipe
from gradbook.lab.training import checkpoint as checkpoints
from gradbook.lab.training.adapt import Adapted, adapted
from gradbook.lab.training.checkpoint import Checkpoint
from gradbook.lab.training.find_rate import range_test
from gradbook.lab.training.history import Epoch, kept_of
from gradbook.lab.training.live import shown
from gradbook.lab.training.material import Material, comes_along, images_of, material, placed
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.training import Listener, TrainingRun
from gradbook.net import Net
from gradbook.system import cores

if TYPE_CHECKING:
    from gradbook.engine.base import Engine

USUAL = "quick"
TRAINED_ON = "images trained on"  # what the figures are of, where none are kept for the test
IMAGES_OF_A_THREAD = 16  # that one thread takes at a time, at the most

Meant = Recipe | Net | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training came to."""

    recipe: Recipe  # as it was used; its network's seed is the seed
    model: Model
    history: tuple[Epoch, ...]
    seconds: float  # from loading to the last update, all resumed parts together
    test_accuracy: float | None  # from 0 to 1; none if it was stopped
    stopped: bool
    folder: Path | None = None
    class_scores: Mapping[str, ClassScore] = field(default_factory=dict)  # of the test images

    @property
    def validation_accuracy(self) -> float | None:
        return self.kept.validation_accuracy if self.kept else None

    @property
    def kept(self) -> Epoch | None:
        """The epoch whose weights are the model's."""
        return kept_of(self.recipe, self.history) if self.history else None

    @property
    def images_per_second(self) -> float:
        """While it took steps, over all epochs."""
        each = [1 / epoch.images_per_second for epoch in self.history]
        return len(each) / sum(each) if each else 0.0

    @property
    def event(self) -> dict[str, Any]:
        """What a program is told at the end; also what result.json holds."""
        kept = self.folder is not None and not self.stopped
        return {
            "event": "stopped" if self.stopped else "done",
            "recipe": self.recipe.title,
            "parameters": self.model.parameters,
            "epochs": len(self.history),
            "kept_epoch": self.kept.epoch if self.kept else None,
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
            "validation_accuracy": self.validation_accuracy,
            "test_accuracy": self.test_accuracy,
            **({} if self.recipe.tests else {"tested_on": TRAINED_ON}),
            "macro_f1": macro_f1(self.class_scores.values()) if self.class_scores else None,
            "classes": {name: asdict(score) for name, score in self.class_scores.items()},
            "seed": self.recipe.net.seed,
            "model": str(RunFolder(self.folder or "").model_file) if kept else None,
        }

    def __repr__(self) -> str:
        said = f"{counted(len(self.history), 'epoch')} in {duration(self.seconds)}"
        right = percent(self.test_accuracy)
        score = f", {right} of the test" if right else ""
        return f"<Trained {self.recipe.title}: {said}{score}>"

    def _repr_html_(self) -> str:
        from gradbook.report.run.epochs import cell

        return cell(self)


def train(  # noqa: PLR0913 - each but the first is left out more often than not
    recipe: Meant | None = None,
    changes: str = "",
    *,
    data: Dataset | str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    threads: int | None = None,
    resume: bool = False,
    held_back: bool | None = None,
    listener: Listener | Callable[[Epoch], object] | None = None,
    show: bool | None = None,
) -> Trained:
    """Train a network: `trained = train("quick")`, then `trained.model` reads images.

    `recipe` is a recipe's or a network's name, a file, a text, a `Net`; `changes` are lines in
    place of its own, such as "epochs 5; batch 64". `data` and `seed` take the place of the
    recipe's. With a `folder` the run is kept there: `resume=True` goes on with it after
    whatever interrupted it. `held_back=False` trains on the validation images as well.
    `listener` is called with each epoch when it is done, `print` for example; a `Listener` hears
    more. In a notebook a bar and the curves move below the cell until it is done; `show=False`
    leaves them out, and `show=True` prints a line for each epoch elsewhere.

    The same seed gives the same weights, bit for bit, for any number of threads. Ctrl-C ends
    the training after its step; `trained.stopped` then says so.
    """
    began = monotonic()
    kept = None if folder is None else RunFolder(folder)
    own = _begun_before(kept) if resume else None
    if own and seed is None:
        seed = own.net.seed
    asked = _meant(own or USUAL if recipe is None else recipe, changes, data, seed, held_back)
    if kept and not own:
        kept.require_free()
    given = data if isinstance(data, Dataset) else None
    with shown(listener, show) as told:
        ready = prepared(own or asked, given, threads, new=not own)
        if kept and own:
            _require_same(asked, ready, kept.path)
        ready = with_found_rate(ready)
        if kept is None:
            return _run(_training(ready, began), None, told)
        made_folder(kept.path)
        with kept.held():
            return _run(_training_in(kept, ready, began, goes_on=resume), kept, told)


def _begun_before(kept: RunFolder | None) -> Recipe:
    if kept is None:
        raise UsageError("nothing to resume: name the folder of the run")
    return kept.recipe()


def _training(ready: Prepared, began: float) -> TrainingRun:
    return TrainingRun(ready.recipe, ready.material, ready.engine, began, tuple(ready.remarks))


def _training_in(kept: RunFolder, ready: Prepared, began: float, goes_on: bool) -> TrainingRun:
    """At its start, or where it stood."""
    if not goes_on:
        kept.begin(ready.recipe)
        kept.clear_parts()
        return _training(ready, began)
    training = _training(ready, began)
    start = _standing(kept, training)
    kept.clear_parts()
    if start:
        training.go_on_from(start)
    return training


def _meant(
    recipe: Meant,
    changes: str,
    data: Dataset | str | os.PathLike[str] | None,
    seed: int | None,
    held_back: bool | None,
) -> Recipe:
    """The whole recipe, with what takes the place of its own."""
    found = recipe_of(recipe, changes)
    if seed is not None:
        found = replace(found, net=replace(found.net, seed=whole("the seed", seed, 0)))
    if held_back is not None:
        found = replace(found, held_back=(found.held_back or 0) if held_back else None)
    if isinstance(data, Dataset):
        return replace(found, data=data.name)
    return placed(found if data is None else replace(found, data=str(data)))


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a training needs, and what is to be said about it."""

    recipe: Recipe
    material: Material
    engine: Engine
    adaptations: tuple[str, ...]  # and a rate that was found, a line each

    @property
    def remarks(self) -> list[str]:
        return [*self.adaptations, *([self.engine.remark] if self.engine.remark else [])]


def prepared(recipe: Recipe, dataset: Dataset | None, threads: int | None, new: bool) -> Prepared:
    """The images and the engine, which is compiled while images that surely fit are loaded.

    The recipe of a run that goes on was adapted to its data when it began.
    """
    if dataset or not comes_along(recipe):
        dataset = dataset or images_of(recipe)
        dataset = dataset if recipe.tests else dataset.with_everything()
        found = adapted(recipe, dataset) if new else Adapted(recipe)
        made = material(found.recipe, dataset)
        return Prepared(found.recipe, made, _engine(found.recipe, threads), found.remarks)
    found = adapted(recipe) if new else Adapted(recipe)

    def counted() -> Material:
        made = material(found.recipe)
        made.mark  # noqa: B018 - counted while the compiler runs
        return made

    made, engine = side_by_side(counted, lambda: _engine(found.recipe, threads))
    return Prepared(found.recipe, made, engine, found.remarks)


def _require_same(asked: Recipe, ready: Prepared, folder: Path) -> None:
    """Refuse to go on with a run by another recipe than its own."""
    own = ready.recipe
    if asked.find_rate:
        asked = replace(asked, find_rate=False, schedule=own.schedule)
    if adapted(asked, ready.material.dataset).recipe != own:
        raise UsageError(
            f"{folder} holds another run than this would be: resume it without changes, "
            "or name another folder"
        )


def with_found_rate(ready: Prepared) -> Prepared:
    """The schedule as high as a range test suggests, where the recipe asks for one."""
    if not ready.recipe.find_rate:
        return ready
    test = range_test(ready.recipe, ready.material, ready.engine)
    old = ready.recipe.schedule
    schedule = replace(old, rate=test.suggested, end=min(old.end, test.suggested))
    recipe = replace(ready.recipe, schedule=schedule, find_rate=False)
    said = (*ready.adaptations, f"rate found: {test.why}")
    return replace(ready, recipe=recipe, adaptations=said)


def _engine(recipe: Recipe, threads: int | None) -> Engine:
    from gradbook.engine.choice import open_engine

    most = -(-recipe.batch // IMAGES_OF_A_THREAD)  # more would have nothing to do
    count = min(cores(), most) if threads is None else whole("threads", threads, 1)
    weighted = bool(recipe.class_weights)
    return open_engine(recipe.net, recipe.batch, count, warp=recipe.warp, weighted=weighted)


def _standing(kept: RunFolder, training: TrainingRun) -> Checkpoint | None:
    """The checkpoint to go on from, if there is one; what is to be said of it is a remark."""
    recipe = training.recipe
    found, remarks = checkpoints.newest(kept.checkpoints, str(recipe), training.require_fit)
    if found and found.mark != training.material.mark:
        raise UsageError(
            f"the images of {recipe.data} are others than when {kept.path} was begun: "
            "put them back, or begin a new run"
        )
    training.remarks += tuple(remarks)
    return found


def _run(training: TrainingRun, kept: RunFolder | None, listener: Listener) -> Trained:
    def save(checkpoint: Checkpoint) -> None:
        if kept:
            checkpoints.write(kept.checkpoints, checkpoint)
            kept.write_history(checkpoint.history)

    def work() -> None:
        listener.started(training)
        training.run(save, listener)

    if kept:
        kept.write_history(training.history)
    until_stopped(work, training.stop)
    stopped = not training.is_over
    if not stopped:
        training.settle()
    test, scores = (None, ()) if stopped else training.test()
    history = training.history
    trained = Trained(
        recipe=training.recipe,
        model=training.model(test),
        history=history,
        seconds=training.seconds if stopped else history[-1].seconds,
        test_accuracy=test,
        class_scores=dict(zip(training.material.dataset.classes, scores, strict=False)),
        stopped=stopped,
        folder=kept.path if kept else None,
    )
    if kept and not stopped:
        trained.model.save(kept.model_file)
        threads = getattr(training.engine, "threads", 1)
        kept.write_result(trained.event | {"made_with": surroundings(threads)})
    return trained
