"""Networks that other programs trained, as models of ours."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gradbook.data.columns import Column
from gradbook.errors import UsageError
from gradbook.folders import temporary_folder
from gradbook.lab.models.model import Model
from gradbook.lab.models.table_model import TableModel
from gradbook.models.imported import ImportedNet, Preparation
from gradbook.models.reading import read_network
from gradbook.net import Activation, Net


def import_model(
    path: str | os.PathLike[str],
    *,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    softmax: bool = False,
) -> Model:
    """The model in a file; what is to be known of it stands in `about["remarks"]`.

    `mean` and `deviation` of brightness from 0 to 1 are what its images were normalised by, and
    `classes` what its outputs stand for, where the file doesn't say. `softmax` ends a network in
    one that ends in plain sums, so that it trains on with cross-entropy.
    """
    return _model(read_network(path), os.path.basename(path), mean, deviation, classes, softmax)


def from_torch(
    module: Any,
    example: Any,
    *,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    softmax: bool = False,
) -> Model:
    """A PyTorch module at work (module.eval()) as a model; `example` is what it is called with.

    The rest is as for files: what its images were normalised by, and what its outputs stand for.
    """
    from gradbook.models.torch.reader import torch_net

    found = torch_net(module, example)
    return _model(found, type(module).__name__, mean, deviation, classes, softmax)


def from_keras(
    model: Any,
    *,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    softmax: bool = False,
) -> Model:
    """A Keras model as one of ours, by way of a file that it writes and that is read here."""
    from gradbook.models.keras.reader import read_keras

    with temporary_folder() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        found = read_keras(path)
    return _model(found, str(model.name), mean, deviation, classes, softmax)


def _model(
    found: ImportedNet,
    name: str,
    mean: Sequence[float] | None,
    deviation: Sequence[float] | None,
    classes: Sequence[str] | None,
    softmax: bool,
) -> Model:
    net = _ended(found.net) if softmax else found.net
    preparation, remarks = _preparation(found, mean, deviation)
    names = tuple(classes or found.classes) or tuple(map(str, range(max(net.outputs, 2))))
    if len(names) != max(net.outputs, 2):
        raise UsageError(f"{len(names)} classes for a network of {net.outputs} outputs")
    about = {"imported": name, "remarks": [*found.remarks, *remarks]}
    return Model(net, found.values, preparation.mean, preparation.deviation, names, about)


def _ended(net: Net) -> Net:
    if net.ending or net.outputs < 2:
        end = net.ending or "one sum"
        raise UsageError(f"the network ends in {end}: softmax is for several plain sums")
    return replace(net, layers=(*net.layers, Activation("softmax")))


def _preparation(
    found: ImportedNet, mean: Sequence[float] | None, deviation: Sequence[float] | None
) -> tuple[Preparation, tuple[str, ...]]:
    """As asked, as the file says, or else none."""
    told = found.preparation
    if mean is None and deviation is None and told is not None:
        mean, deviation = told.mean, told.deviation
    size = found.net.input
    channels = size[0] if len(size) == 3 else 1
    if len(size) == 1 and mean is not None and len(mean) == size[0]:  # of each value that lies flat
        channels = size[0]
    means, deviations = (
        _each(mean, 0, channels, "means"),
        _each(deviation, 1, channels, "deviations"),
    )
    if not all(number > 0 for number in deviations):
        raise UsageError("a deviation is more than 0")
    if mean is not None or deviation is not None:
        return Preparation(means, deviations), ()
    remark = (
        "how images were normalised isn't told: brightness is taken from 0 to 1, unless "
        "'gradbook import' is given --mean and --deviation"
    )
    return Preparation(means, deviations), (remark,)


def _each(
    given: Sequence[float] | None, usual: float, channels: int, what: str
) -> tuple[float, ...]:
    numbers = tuple(given) if given is not None else (float(usual),)
    if len(numbers) not in (1, channels):
        raise UsageError(f"{len(numbers)} {what} for {channels} channels")
    return numbers * (channels // len(numbers))


def from_sklearn(estimator: Any) -> TableModel:
    """A fitted MLPClassifier or MLPRegressor of scikit-learn's as a model of a table.

    A StandardScaler before it, in a pipeline, becomes the model's own scaling.
    """
    from gradbook.models.estimator import sklearn_net

    read = sklearn_net(estimator)
    return TableModel(
        read.found.net,
        read.found.values,
        tuple(map(Column, read.columns)),
        Column("target", read.found.classes),
        read.mean,
        read.deviation,
        about={"imported": type(estimator).__name__},
    )
