"""Selects the target that writes a trained network into a file, and checks its options.

A format is a line of `FORMATS` and a function that makes the contents of its files. They are
written after all of them were made: all files are written, or none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradbook.amounts import percent, size
from gradbook.errors import GradbookError, ShapeError, UsageError, did_you_mean
from gradbook.files import as_bytes, said_plainly, write_all
from gradbook.folders import temporary_folder
from gradbook.formats.onnx import USUAL_OPSET
from gradbook.plugins import EXPORTS, plugins

if TYPE_CHECKING:  # help on the formats and other exports don't need these
    import numpy as np
    from numpy.typing import NDArray

    from gradbook.data.dataset import Dataset, Images
    from gradbook.data.signals import Windows
    from gradbook.formats.torch.training_loop import TorchTraining
    from gradbook.lab.models.recorded import RecordedWindows
    from gradbook.lab.recipes.recipe import Recipe
    from gradbook.net.trained import TrainedNet
    from gradbook.targets.portable.c_file import CFile
    from gradbook.targets.portable.whole_makers import WholeNumbers


Scorer = Callable[["Images"], float]
Recorded = Callable[[Any], tuple["RecordedWindows", float]]
"""Of a file, samples in Python, or None: those that were trained on."""
ARRAYS = "arrays"  # the name of what was given in Python
FLAGS = {"fold": "fold=False"}  # for options that exist only in Python


@dataclass(frozen=True)
class ExportOptions:
    """The options of an export; each format knows some of them."""

    opset: int = USUAL_OPSET
    fold: bool = True
    with_preparation: bool = False
    int8: bool = False
    small: bool = False
    main: bool = False
    data: Any = None  # in Python also samples: (inputs, targets)
    train: bool = False
    layout: str | None = None

    @staticmethod
    def of(options: Mapping[str, Any]) -> ExportOptions:
        known = [field.name for field in fields(ExportOptions)]
        for name in options:
            if name not in known:
                hint = did_you_mean(name, known) or f": the options are {', '.join(known)}"
                raise UsageError(f"export has no option '{name}'{hint}")
        data = options.get("data")
        if not isinstance(data, str | os.PathLike | None):
            if not isinstance(data, tuple | list) or len(data) != 2:
                raise UsageError("data is the name of a file, or samples: (inputs, targets)")
            options = {**options, "data": tuple(data)}
        return ExportOptions(**options)

    def unusual(self) -> list[str]:
        """The options that differ from the defaults."""
        return [f.name for f in fields(self) if getattr(self, f.name) != f.default]


@dataclass(frozen=True, eq=False)
class ExportSource:
    """What is exported: the network, how it was trained (a recipe's text), the file's name."""

    trained: TrainedNet
    recipe: str
    stem: str
    data: str | Dataset = ""
    score: Scorer | None = None
    windows: Windows | None = None  # of a model of signals
    recordings: Recorded | None = None  # of a model of signals or rows

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of a signal, or the columns of a row."""
        if self.windows:
            return self.windows.channels
        size = self.trained.input
        count = size[1] if len(size) == 2 else prod(size)  # each step has the same
        return (*self.trained.input_names, *(f"x{k}" for k in range(1, count + 1)))[:count]


@dataclass(frozen=True)
class ExportContents:
    """The contents of each file by the ending after the name, and remarks to print."""

    files: Mapping[str, bytes | str]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """The files of an export, the requested one first."""

    files: tuple[Path, ...]  # the files that were written
    remarks: tuple[str, ...] = ()  # what the user should know about them


@dataclass(frozen=True)
class ExportFormat:
    """What an ending stands for, the options that it allows, and what makes the files."""

    about: str
    make: Callable[[ExportSource, ExportOptions], ExportContents]
    options: tuple[str, ...] = ()


def _plain(ending: str, source: ExportSource, options: ExportOptions) -> ExportContents:
    from gradbook.targets import plain

    writers: dict[str, Callable[[TrainedNet, str], bytes | str]] = {
        ".npz": plain.as_archive,
        ".json": plain.as_json,
        ".txt": plain.as_text,
    }
    remarks = () if ending == ".txt" else _on_missing(source.trained)
    return ExportContents({ending: writers[ending](source.trained, source.recipe)}, remarks)


def _onnx(source: ExportSource, options: ExportOptions) -> ExportContents:
    from gradbook.formats.onnx.write import onnx_bytes

    asked = {name: getattr(options, name) for name in ("opset", "fold", "with_preparation")}
    remarks = () if options.with_preparation else _on_missing(source.trained)
    return ExportContents({".onnx": onnx_bytes(source.trained, **asked)}, remarks)


def _keras(source: ExportSource, options: ExportOptions) -> ExportContents:
    from gradbook.formats.keras.write import keras_bytes

    content = keras_bytes(source.trained, options.with_preparation)
    return ExportContents({".keras": content}, _on_missing(source.trained))


def _on_missing(trained: TrainedNet) -> tuple[str, ...]:
    """For a file that doesn't fill in missing values: a remark that they must be filled in."""
    if trained.filling is None:
        return ()
    return ("this file doesn't fill in missing values: its notes list the values under 'missing'",)


def _c(ending: str, source: ExportSource, options: ExportOptions) -> ExportContents:
    program = made_c(source, options)
    return ExportContents({ending: program.file.text}, program.remarks)


def _sketch(source: ExportSource, options: ExportOptions) -> ExportContents:
    from gradbook.targets.portable.c_file import c_name
    from gradbook.targets.portable.sketches import boards_for, signal_sketch, sketch

    program = made_c(source, options)
    if source.windows:
        name = c_name(source.stem)
        text = signal_sketch(source.trained, source.windows, source.stem, name, program.whole)
    else:
        text = sketch(source.trained, source.stem, options.int8)
    remarks = (*program.remarks, boards_for(source.trained, program.file))
    return ExportContents({".ino": text, ".h": program.file.text}, remarks)


def _torch(source: ExportSource, options: ExportOptions) -> ExportContents:
    from gradbook.data.sources import KNOWN
    from gradbook.formats.torch.program import torch_files
    from gradbook.lab.recipes.recipe_text import parse

    recipe = None
    with nullcontext() if options.train else suppress(GradbookError):
        if source.recipe and source.trained.reads_bytes:
            recipe = parse(source.recipe)
    data = recipe.data if recipe and recipe.data in KNOWN else ""
    if not options.train:
        return ExportContents(torch_files(source.trained, source.stem, data))
    if recipe is None:
        raise UsageError(
            "--train works only for networks that a recipe trained on images: leave it out"
        )
    files = torch_files(source.trained, source.stem, data, torch_training(recipe))
    return ExportContents(files, omission_remarks(recipe))


def _numpy(source: ExportSource, options: ExportOptions) -> ExportContents:
    from gradbook.formats.numpy.program import numpy_files

    return ExportContents(numpy_files(source.trained, source.stem))


OF_C = ("int8", "small", "data")
FORMATS = {  # by ending
    ".onnx": ExportFormat(
        "an ONNX model, for onnxruntime and most others",
        _onnx,
        ("opset", "fold", "with_preparation"),
    ),
    ".c": ExportFormat("one file of C99 for any machine", partial(_c, ".c"), (*OF_C, "main")),
    ".h": ExportFormat("a header with the same content to include", partial(_c, ".h"), OF_C),
    ".ino": ExportFormat("a sketch for Arduino, and the .h", _sketch, OF_C),
    ".py": ExportFormat(
        "a PyTorch module in the usual style, with a file of weights", _torch, ("train",)
    ),
    ".numpy.py": ExportFormat("a program that needs only NumPy, with a file of weights", _numpy),
    ".keras": ExportFormat(
        "a Keras model, channels last, for any of its backends", _keras, ("with_preparation",)
    ),
    ".npz": ExportFormat("all tensors by name, a NumPy archive", partial(_plain, ".npz")),
    ".json": ExportFormat(
        "all tensors by name with their shapes, as JSON", partial(_plain, ".json")
    ),
    ".txt": ExportFormat("the recipe and the network, to train it again", partial(_plain, ".txt")),
}


LIBRARY = ("layout", *OF_C)  # options for a folder with a library


def _library(source: ExportSource, options: ExportOptions) -> ExportContents:
    from gradbook.targets.portable.board_libraries import CLibrary, library_files

    assert options.layout
    program = made_c(source, options)
    library = CLibrary(source.trained, program.file, source.stem, source.windows, program.whole)
    return ExportContents(library_files(options.layout, library), program.remarks)


def _library_format(path: str | os.PathLike[str], options: ExportOptions) -> ExportFormat:
    """The format that writes a library into a new folder, if the options allow it."""
    from gradbook.targets.portable.board_libraries import LAYOUTS

    if options.layout not in LAYOUTS:
        hint = did_you_mean(str(options.layout), LAYOUTS) or f": there are {', '.join(LAYOUTS)}"
        raise UsageError(f"no layout '{options.layout}'{hint}")
    target = Path(path)
    if target.suffix.lower() in FORMATS or not target.name:
        raise UsageError(
            f"--layout writes a folder, and '{os.fspath(path)}' names a file: name a folder"
        )
    if os.path.lexists(target):
        raise UsageError(f"{target} already exists: name a new folder")
    for name in options.unusual():
        if name not in LIBRARY:
            flag = FLAGS.get(name, "--" + name.replace("_", "-"))
            raise UsageError(f"{flag} doesn't work with --layout: leave it out")
    return ExportFormat("a library of C in a folder", _library, LIBRARY)


def _ending(path: str | os.PathLike[str]) -> str:
    """The part after the last dot, or after the last but one if that is a format: .numpy.py."""
    suffixes = [word.lower() for word in Path(path).suffixes]
    last_two = "".join(suffixes[-2:])
    return last_two if last_two in FORMATS else "".join(suffixes[-1:])


def format_for(path: str | os.PathLike[str], options: ExportOptions) -> ExportFormat:
    """The format for this file, if the options allow it."""
    if options.small and not options.int8:
        raise UsageError("--small works only with --int8: add it, or leave out --small")
    if options.layout is not None:
        return _library_format(path, options)
    ending = _ending(path)
    formats = FORMATS if ending in FORMATS else FORMATS | plugins(EXPORTS)
    if ending not in formats:
        raise UsageError(
            f"'{os.fspath(path)}' has no ending that selects a format: end the name in "
            f"{', '.join(formats)}"
        )
    for name in options.unusual():
        if name not in formats[ending].options:
            able = [other for other, kind in FORMATS.items() if name in kind.options]
            flag = FLAGS.get(name, "--" + name.replace("_", "-"))
            raise UsageError(
                f"{flag} works only for {', '.join(able)}, not for {ending}: leave it out"
            )
    return formats[ending]


def export(
    trained: TrainedNet,
    recipe: str,
    path: str | os.PathLike[str],
    options: ExportOptions,
    data: str | Dataset = "",
    score: Scorer | None = None,
    windows: Windows | None = None,
    recordings: Recorded | None = None,
) -> Exported:
    """Write the network in the format of the file's ending, completely or not at all.

    For a model of images, `data` is its training data set and `score` its accuracy; for a model of
    signals, `windows` are its inputs; `recordings` gives those that it was trained on, or others.
    """
    chosen, target = format_for(path, options), Path(path)
    usual = _ending(path)
    stem = target.name[: len(target.name) - len(usual)]
    source = ExportSource(trained, recipe, stem, data, score, windows, recordings)
    if options.layout is not None:
        from gradbook.targets.portable.c_file import c_name

        contents = chosen.make(replace(source, stem=c_name(target.name)), options)
        return Exported(_written_folder(target, contents.files), contents.remarks)
    contents = chosen.make(source, options)
    files = {
        target if ending == usual else target.with_name(stem + ending): content
        for ending, content in contents.files.items()
    }
    write_all(files)
    return Exported(tuple(files), contents.remarks)


def _written_folder(folder: Path, files: Mapping[str, bytes | str]) -> tuple[Path, ...]:
    """Write all files into a new folder, or none; the folder comes first in the result."""
    with said_plainly("write", folder), temporary_folder(folder.parent) as part:
        whole = part / folder.name
        for name, content in files.items():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            (whole / name).write_bytes(as_bytes(content))
        whole.rename(folder)
    return (folder, *(folder / name for name in files))


# C for small machines, calibrated on training images and scored ---------------

GONE = "a model's file doesn't contain the samples that it was trained on, and --int8 needs some"
LEARNED_FROM = 512  # training images that show how large values get
AT_ONCE = 250


@dataclass(frozen=True)
class MadeC:
    """The file, and remarks about it."""

    file: CFile
    remarks: tuple[str, ...]
    whole: WholeNumbers | None = None


def made_c(source: ExportSource, options: ExportOptions) -> MadeC:
    """C in floats, or in whole numbers that are calibrated on some training samples and scored on
    others beside the network itself."""
    from gradbook.targets.portable.c_file import c_file

    whole, score, channels = None, list[str](), tuple[str, ...]()
    if options.int8 and source.recordings:
        channels = source.channels
        whole, remark = _fitted_to_rows(source, source.recordings, options)
        score.append(remark)
    elif options.int8:
        whole, remark = _fitted_to_images(source, options)
        score.append(remark)
    file = c_file(source.trained, source.stem, whole, options.main, channels, options.small)
    sizes = size(file.constants), size(file.memory)
    remark = f"{sizes[0]} of constants and {sizes[1]} of memory beside the code"
    return MadeC(file, (remark, *score), whole)


def _fitted_to_images(source: ExportSource, options: ExportOptions) -> tuple[WholeNumbers, str]:
    """The network in whole numbers, and a remark on its test images."""
    from gradbook.targets.portable.whole_makers import quantise, require_classes

    require_classes(source.trained)
    dataset = _fitting(options.data or source.data, source.trained)
    whole = quantise(source.trained, fitting_images(dataset))
    test = dataset.test_for_reporting
    right = accuracy_in_c(whole, test)
    before = source.score(test) if source.score else None
    what = "test images" if isinstance(options.data, str | None) else "given images"
    return whole, _share_right(right, before, len(test), f"{what} read")


def _fitted_to_rows(
    source: ExportSource, recordings: Recorded, options: ExportOptions
) -> tuple[WholeNumbers, str]:
    """The network in whole numbers, and a remark on the windows or rows held out."""
    from gradbook.targets.portable.whole_makers import quantise_windows, require_classes

    require_classes(source.trained)
    windows, before = recordings(options.data)
    many, fitting = len(source.channels), in_places(windows.fitting)
    whole = quantise_windows(source.trained, fitting, many)
    assert whole.sensor
    right = whole.classify(whole.sensor.of(windows.scored)) == windows.labels
    remark = _share_right(float(right.mean()), before, len(right), f"{windows.what} told")
    return whole, remark


def _share_right(right: float, before: float | None, count: int, what: str) -> str:
    """A remark on the share of right answers among so many samples, also before rounding."""
    line = f"{percent(right, count)} of {count:,} {what} right"
    return line if before is None else f"{line}, {percent(before, count)} before rounding"


def _fitting(name: str | Dataset, trained: TrainedNet) -> Dataset:
    """The data set of this name, if its images have the network's size and classes."""
    from gradbook.data.sources import load
    from gradbook.layers.card import spell

    assert trained.picture is not None
    if name == ARRAYS:
        raise UsageError(f"{GONE}: give some with data=(images, labels) in Python, or with --data")
    data = load(name, trained.picture[1:]) if isinstance(name, str) else name
    if data.shape != trained.picture or len(data.classes) != len(trained.classes):
        raise ShapeError(
            f"{data.name} has {spell(data.shape)} and {len(data.classes)} classes, the network "
            f"{spell(trained.picture)} and {len(trained.classes)}: name other images with --data"
        )
    return data


def fitting_images(dataset: Dataset) -> NDArray[np.uint8]:
    """Training images from all over the data set."""
    return in_places(dataset.training.pixels)


def in_places(rows: NDArray[Any]) -> NDArray[Any]:
    """Some of the rows, evenly spaced."""
    import numpy as np

    places = np.linspace(0, len(rows) - 1, min(LEARNED_FROM, len(rows))).astype(int)
    return np.asarray(rows[places])


def accuracy_in_c(whole: WholeNumbers, images: Images) -> float:
    """The share of the images that the C program reads right."""
    parts = (images[k : k + AT_ONCE] for k in range(0, len(images), AT_ONCE))
    right = sum(int((whole.classify(part.pixels) == part.labels).sum()) for part in parts)
    return right / len(images)


# Settings of a recipe that a training loop in PyTorch uses, and those that it leaves out --


def torch_training(recipe: Recipe) -> TorchTraining:
    from gradbook.formats.torch.training_loop import TorchTraining
    from gradbook.lab.recipes.recipe import RISE, SETTLING, UNWARPED

    rates = recipe.schedule
    return TorchTraining(
        epochs=recipe.epochs,
        batch=recipe.batch,
        kind=rates.kind,
        rate=rates.rate,
        factor=rates.factor,
        every=rates.every,
        patience=rates.patience,
        warm=rates.warm or 0.0,
        end=rates.end,
        rise=RISE,
        warp=recipe.warp,
        settling=SETTLING if recipe.statistics == UNWARPED else 0,
        holds_back=recipe.held_back is not None,
        leaves_out=_left_out(recipe),
    )


def omission_remarks(recipe: Recipe) -> tuple[str, ...]:
    """A remark on the settings that the loop leaves out, if there are any."""
    omissions = _left_out(recipe)
    return (f"the training loop doesn't include {omissions}",) if omissions else ()


def _left_out(recipe: Recipe) -> str:
    from gradbook.lab.recipes.recipe import LAST
    from gradbook.layers import Bias

    biases = [getattr(layer, "bias", None) for layer in recipe.net.layers]
    omissions = {
        "class weights": bool(recipe.class_weights),
        f"early stop {recipe.early_stop}": recipe.early_stop is not None,
        f"keep {recipe.keep}": recipe.keep != LAST,
        f"freeze {' '.join(recipe.frozen)}": bool(recipe.frozen),
        f"start {recipe.start}": bool(recipe.start),
        "shared bias (each output gets its own)": Bias.SHARED in biases,
    }
    return "; ".join(words for words, is_said in omissions.items() if is_said)
