"""Networks for images: recipes that fit them, their training data, and the result.

Every change to a recipe is reported in words. All images stay at their places in the data set and
are identified by their numbers there, so that an image is warped in the same way whichever fold is
held back.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.arguments import whole
from gradbook.data.dataset import BRIGHTEST, Dataset, Images, balance_remark, framing
from gradbook.data.warp import write_warp
from gradbook.engine.base import Engine
from gradbook.engine.compilers import side_by_side
from gradbook.engine.engines import open_engine
from gradbook.errors import ShapeError
from gradbook.graph.window import Shape
from gradbook.lab.models.answers import FinalScore, score_classes
from gradbook.lab.models.input_range import InputRange
from gradbook.lab.models.model import Model
from gradbook.lab.problem import (
    About,
    AdaptedRecipe,
    Material,
    Problem,
    Rows,
    Samples,
    Values,
    require_last_batch,
    with_default_loss,
)
from gradbook.lab.recipes.recipe import (
    USUAL_DATA,
    Recipe,
    own_adapts,
    smaller_batches,
    with_fitting_batch,
)
from gradbook.layers.card import spell
from gradbook.net import Layer, Net
from gradbook.net.description import Task
from gradbook.net.fit import require_classes
from gradbook.system import cores

if TYPE_CHECKING:
    from gradbook.data.sources import NamedDataset

# The recipe for its data ------------------------------------------------------

SMALLEST_BATCH = 32
OWN_SIDE = 28  # pixels of the digits
ADAPTS_TO = 64  # pixels along a side: larger pictures are scaled to the digits' size
LONGEST_WRITTEN = 60  # characters of a data set's name
LEAST_STEPS = 600  # in a training; quick takes 588 on the digits
MOST_EPOCHS = 100


def adapt(recipe: Recipe, dataset: Dataset | None = None) -> AdaptedRecipe:
    """Fit the recipe to these images or, if none are given, to those that it names.

    The included data sets are loaded while the engine is compiled, if nothing has to be adapted
    to them.
    """
    included = None if dataset else _included_images(recipe)
    if included:
        _require_fit(recipe.net, recipe.data, (1, *included.size), included.classes)
    elif dataset is None:
        dataset = images_of(recipe)
    if dataset and not recipe.tests:
        dataset = dataset.with_everything()
    remarks = list(dataset.remarks) if dataset else []
    if dataset and recipe.adapts and recipe.data != USUAL_DATA:
        fit = _in_smaller_batches if recipe.adapts <= own_adapts(recipe.net) else _fitted
        recipe = fit(recipe, dataset, remarks)
    if dataset:
        recipe = _on_its_ground(recipe, dataset, remarks)
        if not recipe.class_weights:
            counts = dataset.training_and_validation.counts(len(dataset.classes))
            remarks += balance_remark(dataset.classes, counts, "image")
    if not recipe.tests:
        remarks.append(
            "it trains on all images and holds none back: its accuracy on others is unknown"
        )
    net, loss_remarks = with_default_loss(recipe.net, Task.CLASSES)
    remarks += loss_remarks
    recipe = replace(recipe, net=net, adapts=frozenset())
    return AdaptedRecipe(recipe, tuple(remarks), ImageProblem(recipe, dataset))


def _on_its_ground(recipe: Recipe, dataset: Dataset, remarks: list[str]) -> Recipe:
    """Fill the edges of a warped image with the brightness of the images' own edges."""
    seen = dataset.training_and_validation[dataset.folds != recipe.held_back]
    warp = recipe.warp.on_ground_of(seen) if len(seen) else recipe.warp
    if warp == recipe.warp:
        return recipe
    remarks.append(
        f"warped on a background of {warp.background}, the brightness at the images' edges"
    )
    return replace(recipe, warp=warp)


# An included recipe on data other than its own.


def _fitted(recipe: Recipe, dataset: Dataset, remarks: list[str]) -> Recipe:
    """Make it fit these images, with enough steps to learn them; the title names their source."""
    net = recipe.net
    if "net" in recipe.adapts:
        net = fit_net(net, dataset.shape, len(dataset.classes))
    warp = recipe.warp
    if "warp" in recipe.adapts:
        side = min(dataset.shape[1:])
        warp = warp if side == OWN_SIDE else warp.for_side(side, OWN_SIDE)
    fitted = _with_steps(replace(recipe, net=net, warp=warp), dataset)
    changes = [
        *([f"input {spell(net.input)}"] if net.input != recipe.net.input else []),
        *([counted(net.outputs, "class", "classes")] if net.outputs != recipe.net.outputs else []),
        *([f"warp {write_warp(warp).replace(';', ',')}"] if warp != recipe.warp else []),
        *([f"batches of {fitted.batch}"] if fitted.batch != recipe.batch else []),
        *([counted(fitted.epochs, "epoch")] if fitted.epochs != recipe.epochs else []),
    ]
    plain = (letter for letter in dataset.name if letter.isprintable() and letter not in ";#")
    name = " ".join("".join(plain).split())[:LONGEST_WRITTEN] or "other data"
    title = f"{recipe.title}, adapted to {name}" if changes else f"{recipe.title} on {name}"
    if changes:
        remarks.append(f"{recipe.title} is adapted to {name}: {', '.join(changes)}")
    return replace(fitted, name=title, about="", net=replace(net, name=title))


def _in_smaller_batches(recipe: Recipe, dataset: Dataset, remarks: list[str]) -> Recipe:
    """Change nothing in a user's own recipe except a batch size that it doesn't give."""
    fitted = with_fitting_batch(recipe, int((dataset.folds != recipe.held_back).sum()))
    remarks += smaller_batches(recipe, fitted)
    return fitted


def _with_steps(recipe: Recipe, dataset: Dataset) -> Recipe:
    """For few images, use smaller batches at a proportionally lower rate, and more epochs."""
    images = int((dataset.folds != recipe.held_back).sum())
    recipe = with_fitting_batch(recipe, images)
    steps = ceil(images / max(recipe.batch, SMALLEST_BATCH))  # smaller batches see no fewer images
    if "epochs" in recipe.adapts and steps * recipe.epochs < LEAST_STEPS:
        wanted = ceil(LEAST_STEPS / max(steps, 1))
        recipe = replace(recipe, epochs=max(recipe.epochs, min(wanted, MOST_EPOCHS)))
    return recipe


def for_fewer(recipe: Recipe, images: int) -> Recipe:
    """The same training on a part of its images, with the same epochs but smaller batches, and a
    proportionally lower rate, so that it has enough steps.
    """
    batch = recipe.batch
    while batch > SMALLEST_BATCH and ceil(images / batch) * recipe.epochs < LEAST_STEPS:
        batch //= 2
    schedule = recipe.schedule.slower(batch / recipe.batch)
    return replace(recipe, batch=batch, schedule=schedule)


def fit_net(net: Net, shape: Shape, classes: int) -> Net:
    """The network for images of another shape and another number of classes.

    Its last layer has as many sums as there are classes, windows that are too large become smaller,
    and a pool that leaves one value per class covers whatever there is.
    """
    last = max(k for k, layer in enumerate(net.layers) if layer.sums)
    layers: list[Layer] = []
    shapes = [shape]
    ends = [*net.layers[:last], *(layer.ending_in(classes) for layer in net.layers[last:])]
    if ends[last] != net.layers[last] and net.owners.count(net.owners[last]) > 1:
        raise ShapeError(
            f"layer {last + 1} is repeated, so it can't have {classes} outputs for "
            f"{classes} classes: end the network with a layer of its own, 'dense {classes}'"
        )
    for index, layer in enumerate(ends):
        layers.append(layer.fitted(shapes[-1]))
        shapes.append(layers[-1].output(*(shapes[value] for value in layer.reads(index))))
    return replace(net, input=shape, layers=tuple(layers))


# Training data and results -----------------------------------------------------

AT_ONCE = 512  # images: few enough that results fit into the cache
IMAGES_OF_A_THREAD = 16  # the most that one thread handles at a time
TRAINED_ON = "images trained on"  # the name of the scored images if none are held out
COLUMNS = (
    *("epoch", "rate", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"),
    *("seconds", "images_per_second"),
)


@dataclass(frozen=True, eq=False)
class ImageProblem(Problem):
    """The classes of images: those that a recipe names, or others instead."""

    recipe: Recipe
    other_images: Dataset | None = None
    weights: NDArray[np.float64] | None = None  # of each of the other images
    start: Model | None = None

    unit = "image"
    samples_key = "images"
    is_watched = True
    columns: ClassVar[Mapping[str, str]] = dict(zip(COLUMNS, COLUMNS, strict=True))
    score_name = "test_accuracy"

    @cached_property
    def dataset(self) -> Dataset:
        return self.other_images or images_of(self.recipe)

    @property
    def everything(self) -> bool:
        return self.dataset.everything

    @property
    def title(self) -> str:
        return self.dataset.name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.classes

    def test_count(self) -> int:
        return 0 if self.everything else len(self.dataset.test_for_reporting)

    def adapt(self, recipe: Recipe) -> AdaptedRecipe:
        adapted = adapt(recipe, self.other_images)
        assert isinstance(adapted.problem, ImageProblem)
        problem = replace(adapted.problem, weights=self.weights, start=self.start)
        return replace(adapted, problem=problem)

    def material(self, recipe: Recipe) -> Material:
        require_trainable(recipe, self.dataset)
        images, folds = self.dataset.training_and_validation, self.dataset.folds
        numbers, weights = numbers_trained_on(self.dataset, recipe.held_back), self.weights
        if weights is not None:
            numbers = numbers[weights[numbers] > 0]
            weights = weights / weights[numbers].mean()
        others = None if recipe.held_back is None else images[folds == recipe.held_back]
        sums = sums_of(images)
        mark = zlib.crc32(repr(images.pixels.shape).encode())
        for array in (sums, images.labels, folds):
            mark = zlib.crc32(array.tobytes(), mark)
        count = len(numbers) * images.pixels[0, 0].size
        totals = sums[numbers].sum(axis=0).tolist()
        spreads = (count * squares - total**2 for total, squares in totals)  # exact, so at least 0
        mean = tuple(total / (count * BRIGHTEST) for total, _ in totals)
        deviation = tuple(spread**0.5 / (count * BRIGHTEST) or 1.0 for spread in spreads)
        if self.start and not self.start.columns and len(self.start.mean) == len(mean):
            mean, deviation = tuple(self.start.mean), tuple(self.start.deviation)
            mark = zlib.crc32(repr((mean, deviation)).encode(), mark)
        return Material(
            net=recipe.net,
            samples=Samples(images.pixels, images.labels, weights),
            numbers=numbers,
            held_back=Samples(others.pixels, others.labels) if others else None,
            mark=mark,
            mean=mean,
            deviation=deviation,
            most=BRIGHTEST,
        )

    def set_up(self, recipe: Recipe, threads: int | None) -> tuple[Material, Engine]:
        most = -(-recipe.batch // IMAGES_OF_A_THREAD)  # more threads would have nothing to do
        count = min(cores(), most) if threads is None else whole("threads", threads, 1)

        weighted = bool(recipe.class_weights) or self.weights is not None
        how: dict[str, Any] = {"weighted": weighted, "frozen": recipe.frozen_layers}

        def opened() -> Engine:
            return open_engine(recipe.net, recipe.batch, count, warp=recipe.warp, **how)

        if self.other_images:
            return self.material(recipe), opened()
        material, engine = side_by_side(lambda: self.material(recipe), opened)
        return material, engine

    def model(self, recipe: Recipe, material: Material, values: Values, about: About) -> Model:
        images = self.dataset.training_and_validation
        facts: dict[str, Any] = {"images": list(images.shape)}
        facts["framing"] = str(framing(images) or "") or None
        if self.dataset.brightest != BRIGHTEST:
            facts["brightest"] = self.dataset.brightest
        unit = self.dataset.brightest / BRIGHTEST
        facts["range"] = asdict(InputRange.of(images.pixels, pictures=True).times(unit))
        scales = material.mean, material.deviation
        model = Model(recipe.net, values, *scales, self.classes, {**about, **facts}, recipe.batch)
        model.trained_on = self.other_images
        return model

    def test(self, recipe: Recipe, engine: Engine, model: Any) -> FinalScore:
        images = self.dataset.test_for_reporting
        outputs = engine.predict(images.pixels)
        return score_classes(recipe.net, outputs, images.labels, self.classes)

    def figures(self, test: FinalScore | None) -> dict[str, Any]:
        class_figures = test.class_figures if test else {"macro_f1": None, "classes": {}}
        on = {"tested_on": TRAINED_ON} if self.everything else {}
        return {self.score_name: test.score if test else None, **on, **class_figures}


def require_trainable(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse a recipe that can't be trained on these images."""
    require_fit(recipe.net, dataset)
    if recipe.warp.changes_images:
        if recipe.net.input != dataset.shape:
            raise ShapeError(
                f"only images can be warped, but the network takes {spell(recipe.net.input)}: "
                f"begin it with 'input {spell(dataset.shape)}' and 'flatten', or remove the warp"
            )
        recipe.warp.require_fit(*dataset.shape[1:])
    name, fold = dataset.name, recipe.held_back
    numbers = numbers_trained_on(dataset, fold)
    labels = dataset.training_and_validation.labels[numbers]
    if recipe.class_weights:
        recipe.weights_for(np.bincount(labels, minlength=len(dataset.classes)))
    if not len(numbers):
        raise ShapeError(f"{name} has no images except those held back: write 'hold back none'")
    if fold is not None and not np.any(dataset.folds == fold):
        raise ShapeError(
            f"{name} has too few images to hold back fold {fold}: write 'hold back none'"
        )
    if not len(dataset.test_for_reporting):
        raise ShapeError(f"{name} has too few images to hold any out for the test: give more")
    require_last_batch(recipe.net, len(numbers), recipe.batch)


def numbers_trained_on(dataset: Dataset, held_back: int | None) -> Rows:
    """The numbers of the training images, if this fold is held back."""
    if held_back is None:
        return np.arange(len(dataset.training_and_validation))
    return np.flatnonzero(dataset.folds != held_back)


def sums_of(images: Images) -> NDArray[np.int64]:
    """(images, channels, 2): the sum of each image's bytes and of their squares."""
    pixels = images.pixels
    sums = np.empty((*pixels.shape[:2], 2), np.int64)
    for first in range(0, len(pixels), AT_ONCE):
        some = pixels[first : first + AT_ONCE].reshape(-1, pixels.shape[1], pixels[0, 0].size)
        real = some.astype(np.float64)  # whole numbers far below 2⁵³ are exact
        sums[first : first + AT_ONCE, :, 0] = real.sum(axis=2)
        sums[first : first + AT_ONCE, :, 1] = np.einsum("icp,icp->ic", real, real)
    return sums


def images_of(recipe: Recipe, moved_to: str | os.PathLike[str] | None = None) -> Dataset:
    """The data set of the recipe; pictures are scaled to the network's input, unless the network
    network adapts to them."""
    from gradbook.data.sources import load_at_size

    *_, rows, columns = (0, *recipe.net.input)
    size = (rows, columns) if rows else None  # a sequence has steps x features
    adapts_to = ADAPTS_TO if "net" in recipe.adapts else 0
    images = load_at_size(recipe.data if moved_to is None else moved_to, size, adapts_to)
    return images if recipe.tests else images.with_everything()


def _included_images(recipe: Recipe) -> NamedDataset | None:
    """The recipe's data set, not loaded, if gradbook includes it and nothing is adapted to it."""
    from gradbook.data.sources import KNOWN

    known = KNOWN.get(recipe.data)
    return None if known and recipe.adapts and recipe.data != USUAL_DATA else known


def require_fit(net: Net, dataset: Dataset) -> None:
    """Refuse a network that can't read these images or has another number of classes."""
    _require_fit(net, dataset.name, dataset.shape, len(dataset.classes))


def _require_fit(net: Net, name: str, shape: Shape, classes: int) -> None:
    if classes < 2:
        raise ShapeError(f"all images of {name} belong to one class: add images of another class")
    if net.input not in (shape, (prod(shape),), (shape[0] * shape[1], shape[2])):
        raise ShapeError(
            f"the images of {name} are {spell(shape)}, but the network takes "
            f"{spell(net.input)}: begin it with 'input {spell(shape)}'"
        )
    require_classes(net, classes, name)


def with_whole_path(recipe: Recipe) -> Recipe:
    """The recipe with the full path of its data set's file, which can be found from anywhere."""
    from gradbook.data.sources import KNOWN

    if recipe.data in KNOWN or not os.path.exists(recipe.data):
        return recipe
    return replace(recipe, data=str(Path(recipe.data).absolute()))
