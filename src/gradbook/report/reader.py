"""A trained network as a workbook that reads images: the public `write_reader`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.data.dataset import BRIGHTEST, Dataset
from gradbook.errors import ShapeError
from gradbook.files import write_whole
from gradbook.graph.node import Array
from gradbook.lab.models.model import Model, for_inputs
from gradbook.layers import spell
from gradbook.net.measure import measure
from gradbook.net.work.at_work import values_of
from gradbook.targets.excel.reader import ReaderBook, ReaderPlan, require_room, written

TO_PICK_FROM = 20  # test images, as many of each class as there is room for


def write_reader(model: Model, data: Dataset, path: str | os.PathLike[str]) -> None:
    """Write the workbook that reads what is painted in it, or one of the test images of `data`."""
    net = model.net
    if len(net.input) != 3 or net.input[0] != 1:
        raise ShapeError(
            f"the network takes {spell(net.input)}: a workbook to paint in needs one of grey "
            "pictures, such as 1x28x28"
        )
    if net.outputs < 2:
        raise ShapeError("the network has one output: a workbook that reads needs one a class")
    plan = ReaderPlan(net)
    require_room(plan, measure(net).macs)
    images, names = _chosen(data)
    mean, deviation = for_inputs(net, model.mean, model.deviation)
    made = _made(model, plan, images[0])
    book = ReaderBook(
        plan,
        model.values,
        float(np.ravel(mean)[0]),
        float(np.ravel(deviation)[0]),
        float(BRIGHTEST),
        model.classes,
        images,
        names,
        np.zeros(net.input[1:], np.uint8),
        made,
        model.predict(images[:1])[0],
    )
    write_whole(path, written(book))


def _chosen(data: Dataset) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Test images of every class in turn, and what they are called."""
    test = data.test_for_reporting
    each = max(1, TO_PICK_FROM // len(data.classes))
    places = [k for c in range(len(data.classes)) for k in np.flatnonzero(test.labels == c)[:each]]
    places = places[:TO_PICK_FROM]
    names = tuple(
        f"{number}: {data.classes[int(test.labels[k])]}" for number, k in enumerate(places, 1)
    )
    pixels = np.asarray(test.pixels[places])
    return pixels.reshape(len(places), *pixels.shape[-2:]), names


def _made(model: Model, plan: ReaderPlan, image: NDArray[Any]) -> Mapping[int, Array]:
    """What each stage makes of an image."""
    kept = {name: model.values[name] for name in plan.blocks}
    made = values_of(plan.net, kept, model.prepare(image))
    return {
        number: made[stage.layers[-1] + 1].reshape(stage.grids.shape)
        for number, stage in enumerate(plan.stages)
    }
