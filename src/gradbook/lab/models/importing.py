"""Networks that other programs trained, as models: of images or rows, of classes or numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal, TypedDict, Unpack

import numpy as np

from gradbook.data.tables import Column
from gradbook.errors import DataError, UsageError, assume, did_you_mean
from gradbook.folders import temporary_folder
from gradbook.formats.file_kinds import read_network
from gradbook.formats.imported import AS_THEY_STAND, BRIGHTNESS, ImportedNet, Preparation
from gradbook.formats.layer_list import LEAST_SCALE
from gradbook.graph.names import is_sequence
from gradbook.lab.models.answers import number_names
from gradbook.lab.models.model import Model
from gradbook.lab.models.table_columns import TableColumns
from gradbook.layers.card import AnswerKind, spell
from gradbook.net import Activation, Net
from gradbook.net.description import Task

TASKS = ("numbers", "classes", "labels")
MOST_SCALED = 1 / LEAST_SCALE  # for brightness from 0 to 1; a larger divisor means bytes
LEAST_PIXELS = 64  # of a flat input that may be an image: 8 by 8
AT_EACH_STEP = (
    "{name}: it answers at every step ({makes}), which no model does: import its file as a text, "
    "gradbook import … -o net.txt"
)
LABELS = "it gives the probability of {} labels, of which any number may apply: it ends in {}"


@dataclass(frozen=True)
class Assumed:
    """An assumption about a network, and the option, or argument in Python, that changes it."""

    what: str
    option: str
    argument: str
    when: str

    def __str__(self) -> str:
        return f"{self.what}; use {self.option} {self.when}"

    @property
    def in_python(self) -> str:
        return f"{self.what}; use {self.argument} {self.when}"


Remark = str | Assumed
Tell = Callable[[str], object]


def _unless(task: Task | str, what: str, when: str) -> Assumed:
    return Assumed(what, f"--task {task}", f'task="{task}"', when)


class ImportOptions(TypedDict, total=False):
    """Facts about a network that its file doesn't contain, or that replace those in the file."""

    task: Literal["numbers", "classes", "labels"] | None  # the kind of its outputs
    classes: Sequence[str] | None  # their names, if they are classes
    softmax: bool  # whether to add a softmax to plain sums, for training with cross-entropy
    target: Sequence[str] | None  # the names of the predicted numbers, or the one of the class
    columns: Sequence[str] | None  # of the table whose rows it reads
    images: Sequence[int] | None  # the size of images given as flat values: channels, rows, columns
    mean: Sequence[float] | None  # of each channel's brightness from 0 to 1, or of each column
    deviation: Sequence[float] | None


def import_model(
    path: str | os.PathLike[str], tell: Tell | None = None, **options: Unpack[ImportOptions]
) -> Model:
    """The model in a file; `about["remarks"]` lists the assumptions, with their reasons.

    A network with a flat input reads rows of a table, any other reads images. `task` is
    'numbers', 'classes' or 'labels' (any number of which may apply); `classes` and `target` are
    names, `columns` those of a table. A flat input is an image if `images` gives its channels,
    rows and columns. `mean` and `deviation` are those with which brightness from 0 to 1, or each
    column, was normalised. `softmax` adds one to plain sums, for training with cross-entropy.
    `tell` is called with each assumption that an option could change.
    """
    return _model(read_network(path), os.path.basename(path), options, tell)


def import_net(
    path: str | os.PathLike[str], **options: Unpack[ImportOptions]
) -> tuple[Net, tuple[str, ...]]:
    """The network in a file, with its trained weights as start weights, and remarks on it; also a
    network that answers at every step, which models can't do."""
    imported = read_network(path)
    if is_sequence(imported.makes):
        _require_options(options)
        return imported.net, imported.remarks
    model = _model(imported, os.path.basename(path), options)
    return model.net, tuple(model.about["remarks"])


def from_torch(module: Any, example: Any, **options: Unpack[ImportOptions]) -> Model:
    """A PyTorch module as a model.

    Args:
        module: The module, after `module.eval()`.
        example: An input for it: a tensor of one image or row.
        options: The meaning of its outputs, the names of its columns and so on, as `gradbook
            import` takes them: `task="numbers"`, `classes=[…]`, `columns=[…]`, `target=…`,
            `mean=…`, `deviation=…`. Anything else is assumed, with a warning, an
            `Assumption`.

    Raises:
        GradbookError: It contains an operation without a matching layer; the message names it.

    >>> import torch, gradbook as gb
    >>> from torch import nn
    >>> module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).eval()
    >>> model = gb.from_torch(module, torch.zeros(1, 2), task="numbers")
    >>> print(model.net)  # doctest: +ELLIPSIS
    input 2
    dense 3
    tanh
    dense 1
    ...
    """
    from gradbook.formats.torch.read import torch_net

    return _model(torch_net(module, example), type(module).__name__, options, assume)


def from_keras(model: Any, **options: Unpack[ImportOptions]) -> Model:
    """A Keras model as a gradbook model; Keras writes a file, which gradbook reads.

    Args:
        model: The Keras model.
        options: As in `from_torch`.

    Raises:
        GradbookError: It contains an operation without a matching layer; the message names it.

    >>> import keras, gradbook as gb
    >>> layers = [keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)]
    >>> gb.from_keras(keras.Sequential(layers), task="numbers").parameters
    13
    """
    from gradbook.formats.keras.read import read_keras

    name = str(getattr(model, "name", type(model).__name__))
    with temporary_folder() as folder:
        path = os.path.join(folder, "model.keras")
        try:
            model.save(path)
        except Exception as error:  # the kind depends on the model
            first = str(error).strip().partition("\n")[0].replace(path, "a file")
            raise DataError(f"{name}: Keras can't save it ({first}): give a built model") from error
        imported = read_keras(path, name)
    return _model(imported, name, options, assume)


def _model(
    imported: ImportedNet, name: str, options: ImportOptions, tell: Tell | None = None
) -> Model:
    _require_options(options)
    if is_sequence(imported.makes):
        raise UsageError(AT_EACH_STEP.format(name=name, makes=spell(imported.makes)))
    rows = imported.reads_rows and not options.get("images")
    meaning = _meaning(imported, options, rows)
    if options.get("columns") and not rows:
        raise UsageError("it reads images, which have no columns: leave out the columns")
    make = _table_model if rows else _image_model
    model = make(imported, name, meaning, options)
    remarks: list[Remark] = model.about["remarks"]
    for remark in remarks:
        if tell and isinstance(remark, Assumed):
            tell(remark.in_python)
    model.about = {**model.about, "remarks": list(map(str, remarks))}
    return model


def _require_options(options: ImportOptions) -> None:
    known = ImportOptions.__annotations__
    for name in options:
        if name not in known:
            hint = did_you_mean(name, list(known)) or f": the options are {', '.join(known)}"
            raise UsageError(f"an import has no option '{name}'{hint}")
    if options.get("task") not in (None, *TASKS):
        raise UsageError(f"task '{options['task']}': it is one of {', '.join(TASKS)}")


# The meaning of the outputs.


@dataclass(frozen=True, eq=False)
class _Meaning:
    """The network with its ending, the names of its classes, if any, and the reason."""

    net: Net
    classes: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()
    labels: bool = False  # each output is the probability of a label, independent of the others


def _meaning(imported: ImportedNet, options: ImportOptions, rows: bool) -> _Meaning:
    """The meaning that was asked for, or else that of the file, of the end or of most networks."""
    net, notes = imported.net, imported.notes
    names = tuple(options.get("classes") or notes.classes)
    asked = options.get("task")
    if asked == "labels" and net.answer_kind is not AnswerKind.CHANCES:
        raise UsageError(f"each label needs a sigmoid, but the network ends in {_ending(net)}")
    if asked in ("numbers", "labels"):
        if options.get("classes") or options.get("softmax"):
            raise UsageError(f"{asked} have no classes and no softmax: leave these out")
        return _Meaning(net, (), labels=asked == "labels")
    if options.get("softmax"):
        if net.ending or net.outputs < 2:
            end = net.ending or "one output"
            raise UsageError(
                "softmax=True needs two or more outputs without an activation, "
                f"and the network ends in {end}"
            )
        return _of_classes(replace(net, layers=(*net.layers, Activation("softmax"))), names)
    if asked or names:
        is_told = notes.classes or notes.probabilities or net.outputs > 1
        make = _of_classes if is_told or net.answer_kind is AnswerKind.CHANCES else _of_logit
        return make(net, names)
    if notes.targets or notes.labels:
        return _Meaning(net, (), labels=notes.labels and net.answer_kind is AnswerKind.CHANCES)
    several = 1 < net.outputs != prod(net.input) and prod(imported.makes[1:]) == 1
    if several and net.answer_kind is AnswerKind.CHANCES and not notes.probabilities:
        what = LABELS.format(net.outputs, _ending(net))
        assumed = _unless(Task.CLASSES, what, "if exactly one does")
        return _Meaning(net, (), (assumed,), labels=True)
    remark, task = _guess(imported, rows)
    return _Meaning(net, (), (remark,)) if task is Task.NUMBERS else _of_classes(net, (), remark)


def _of_classes(net: Net, names: tuple[str, ...], *remarks: Remark) -> _Meaning:
    """Classes with these names, or else numbered."""
    names = names or tuple(map(str, range(net.class_count)))
    if len(names) != net.class_count:
        raise UsageError(f"{len(names)} classes for a network of {net.outputs} outputs")
    return _Meaning(net, names, remarks)


def _of_logit(net: Net, names: tuple[str, ...]) -> _Meaning:
    """A single sum that distinguishes two classes, as in the losses of PyTorch and Keras."""
    if net.ending:
        raise UsageError(f"it ends in one {net.ending}, which is not a probability of a class")
    remark = _unless(
        Task.NUMBERS,
        "its single output is taken as a logit, so a sigmoid is added: it gives the second "
        "class's probability",
        "if it predicts a number",
    )
    return _of_classes(replace(net, layers=(*net.layers, Activation("sigmoid"))), names, remark)


def _guess(imported: ImportedNet, rows: bool) -> tuple[Remark, Task]:
    """The meaning of an end about which nothing is known, and the remark about it."""
    net, end = imported.net, _ending(imported.net)
    if net.answer_kind.are_shares or imported.notes.probabilities:
        what = f"it predicts {net.class_count} classes: "
        return what + (
            f"it ends in {end}" if net.ending else "it gives probabilities"
        ), Task.CLASSES
    if net.answer_kind is AnswerKind.CHANCES and net.outputs == 1:
        what = "it predicts 2 classes: it ends in one sigmoid"
        return _unless(Task.NUMBERS, what, "if it predicts a number"), Task.CLASSES
    several = 1 < net.outputs != prod(net.input) and prod(imported.makes[1:]) == 1
    if several and not rows:
        what = (
            f"it probably predicts {net.outputs} classes, like most image networks with several "
            f"outputs: it ends in {end}"
        )
        return _unless(Task.NUMBERS, what, "if it predicts numbers"), Task.CLASSES
    numbers = "a number" if net.outputs == 1 else f"{net.outputs} numbers"
    what = f"it predicts {numbers}: it ends in {end}"
    return _unless(Task.CLASSES, what, "if it predicts classes"), Task.NUMBERS


def _ending(net: Net) -> str:
    one = net.outputs == 1
    if not net.ending:
        return "a plain sum" if one else "plain sums"
    return net.ending if one or net.answer_kind.are_shares else f"{net.outputs} of {net.ending}"


# The inputs.


def _table_model(
    imported: ImportedNet, name: str, meaning: _Meaning, options: ImportOptions
) -> Model:
    """A model of a table; its columns have the names asked for, or those of the file, or none."""
    count = prod(imported.net.input)
    named = tuple(map(Column, options.get("columns") or ()))
    noted = tuple(Column(*one) for one in imported.notes.columns)
    named = named or (noted if sum(column.width for column in noted) == count else ())
    columns, by_place = _columns(named, count)
    prepared, _ = _preparation(imported, options, count)
    targets, filling = _targets(imported, meaning, options), imported.notes.filling
    remarks: list[Remark] = [*imported.remarks, *meaning.remarks]
    order = {"features_first": True} if imported.features_first else {}  # the order of flat rows
    if by_place:
        remark = f"it reads rows of {count} numbers unchanged, in their order"
        shown = Assumed(remark, "--images CxHxW", "images=(C, H, W)", "if they are an image")
        remarks.append(shown if count >= LEAST_PIXELS else remark)
    return Model(
        meaning.net,
        imported.values,
        prepared.mean,
        prepared.deviation,
        meaning.classes,
        {"imported": name, "remarks": remarks, **_about_labels(meaning), **order},
        columns=TableColumns(
            columns,
            Column(targets[0] if len(targets) == 1 else "outputs", meaning.classes),
            *imported.notes.spread[::-1],
            outputs=targets if len(targets) > 1 else (),
            by_place=by_place,
            filling=np.array(filling) if len(filling) == count else None,
        ),
    )


def _columns(named: tuple[Column, ...], count: int) -> tuple[tuple[Column, ...], bool]:
    """The named columns, if they have this many numbers; otherwise columns by place."""
    columns = named or tuple(Column(f"x{k}") for k in range(1, count + 1))
    if sum(column.width for column in columns) != count:
        raise UsageError(f"{len(columns)} columns for a network that takes {count} numbers")
    return columns, not named


def _about_labels(meaning: _Meaning) -> dict[str, bool]:
    return {"labels": True} if meaning.labels else {}


def _targets(imported: ImportedNet, meaning: _Meaning, options: ImportOptions) -> tuple[str, ...]:
    """The names of what is predicted: the class, or each number."""
    count = 1 if meaning.classes else meaning.net.outputs
    asked = tuple(options.get("target") or ())
    if asked and len(asked) != count:
        what = "names for the class" if meaning.classes else f"names for {count} numbers"
        raise UsageError(f"{len(asked)} {what} that it predicts")
    if len(imported.notes.targets) == count:
        asked = asked or imported.notes.targets
    usual = ("class",) if meaning.classes else number_names(count)
    return asked or usual


def _image_model(
    imported: ImportedNet, name: str, meaning: _Meaning, options: ImportOptions
) -> Model:
    size, images = imported.net.input, options.get("images") or imported.picture
    if images and (prod(images) != prod(size) or len(images) not in (2, 3)):
        raise UsageError(f"images of {spell(tuple(images))} for a network that takes {spell(size)}")
    channels = size[0] if len(size) == 3 else 1
    prepared, remarks = _preparation(imported, options, channels)
    about: dict[str, Any] = {
        "imported": name,
        "remarks": [*imported.remarks, *meaning.remarks, *remarks],
        **_about_labels(meaning),
    }
    if images and len(size) == 1:
        about["images"] = [*([1] if len(images) == 2 else []), *images]
    if not meaning.classes:
        about["targets"] = list(_targets(imported, meaning, options))
    return Model(
        meaning.net, imported.values, prepared.mean, prepared.deviation, meaning.classes, about
    )


def _preparation(
    imported: ImportedNet, options: ImportOptions, channels: int
) -> tuple[Preparation, tuple[Remark, ...]]:
    """The preparation that was asked for or that the file contains, or else none."""
    mean, deviation, stored = options.get("mean"), options.get("deviation"), imported.preparation
    if mean is None and deviation is None and stored is not None:
        mean, deviation = stored.mean, stored.deviation
        if stored.most == AS_THEY_STAND and options.get("images") and min(deviation) > MOST_SCALED:
            mean, deviation = ([x / BRIGHTNESS for x in each] for each in (mean, deviation))
    size = imported.net.input
    if len(size) == 1 and mean is not None and len(mean) == size[0]:  # one for each flat value
        channels = size[0]
    means, deviations = (
        _each(mean, 0, channels, "means"),
        _each(deviation, 1, channels, "deviations"),
    )
    if not all(number > 0 for number in deviations):
        raise UsageError("a deviation must be above 0")
    prepared = Preparation(means, deviations)
    if mean is not None or deviation is not None:
        return prepared, ()
    remark = Assumed(
        "the normalisation of images is unknown, so brightness is taken as 0 to 1",
        "--mean and --deviation",
        "mean=[…] and deviation=[…]",
        "if that is wrong",
    )
    return prepared, (remark,)


def _each(
    values: Sequence[float] | None, usual: float, channels: int, what: str
) -> tuple[float, ...]:
    numbers = tuple(values) if values is not None else (float(usual),)
    if len(numbers) not in (1, channels):
        raise UsageError(f"{len(numbers)} {what} for {channels} channels")
    return numbers * (channels // len(numbers))


def from_sklearn(estimator: Any, *, columns: Sequence[str] = ()) -> Model:
    """A fitted scikit-learn estimator as a model of a table.

    Args:
        estimator: MLPClassifier, MLPRegressor (of several targets, too), LogisticRegression or
            LinearRegression, or a pipeline of StandardScaler, MinMaxScaler or SimpleImputer and
            such an estimator: the scaling and the filling become part of the model.
        columns: The names of its input columns, if it was fitted to rows without names.

    >>> import gradbook as gb
    >>> from sklearn.neural_network import MLPClassifier
    >>> fitted = MLPClassifier((3,), max_iter=2000, random_state=0, solver="lbfgs")
    >>> fitted = fitted.fit([[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "yes"])
    >>> gb.from_sklearn(fitted).classes
    ('no', 'yes')
    """
    from gradbook.formats.estimator import sklearn_net

    read = sklearn_net(estimator)
    net, classes = read.imported.net, read.imported.notes.classes
    several = not classes and net.outputs > 1
    inputs, by_place = _columns(tuple(map(Column, columns or read.columns)), net.input[0])
    known = TableColumns(
        inputs,
        Column("outputs" if several else "target", classes),
        outputs=number_names(net.outputs) if several else (),
        by_place=by_place,
        filling=read.before.filling,
    )
    about = {"imported": type(estimator).__name__} | ({"labels": True} if read.labels else {})
    scales = read.before.mean, read.before.deviation
    return Model(net, read.imported.values, *scales, classes, about, columns=known)
