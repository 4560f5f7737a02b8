"""A trained network: its answers for images or rows of a table, and its file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import isqrt, prod
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.data.dataset import BRIGHTEST
from gradbook.data.frames import NamedColumns
from gradbook.data.tables import ColumnTable, Numbers, encode, read_columns, unknown_words
from gradbook.errors import DataError, GradbookError, ShapeError, UsageError, assume
from gradbook.graph.window import Shape
from gradbook.lab.models import stored
from gradbook.lab.models.answers import (
    FinalScore,
    class_numbers,
    likeliest_classes,
    losses_of,
    number_names,
    probabilities,
    score,
    score_classes,
    score_labels,
    score_numbers,
)
from gradbook.lab.models.input_range import (
    RANGE,
    InputRange,
    all_finite,
    are_units,
    range_of_scales,
    require_numbers,
)
from gradbook.lab.models.recorded import RecordedWindows, recorded_windows
from gradbook.lab.models.row_outputs import RowReader
from gradbook.lab.models.table_columns import (
    NO_NUMBERS,
    TABLE_RECORD,
    TableColumns,
    channels_first,
    columns_of,
    filling_remark,
    require_complete,
)
from gradbook.layers import spell
from gradbook.looks import look
from gradbook.net import Net
from gradbook.net.fit import MOST_VALUES, require_classes
from gradbook.schema import (
    FiniteNumber,
    IfThere,
    ListOf,
    PlainText,
    Schema,
    TrueOrFalse,
    WholeNumber,
)

if TYPE_CHECKING:
    from gradbook.data.dataset import Dataset, Images
    from gradbook.data.signals import Windows
    from gradbook.engine.base import Engine
    from gradbook.lab.models.exporting import Exported
    from gradbook.net.trained import TrainedNet


KIND, TABLE_KIND, VERSION = "model", "table model", 1
USUAL_BATCH = 128
REALS = (np.dtype(np.float32), np.dtype(np.float64))
Scales = Sequence[float] | Numbers
Readable = ColumnTable | ArrayLike | Mapping[str, ArrayLike] | os.PathLike[str]
MOST_AT_ONCE = 2**24  # values of all layers computed together, which limits memory
FEW_IMAGES = 32  # images: so few are sooner read by NumPy than a compiler starts

ABOUT = Schema(  # the keys of it that are used
    recipe=IfThere(PlainText()),
    images=IfThere(ListOf(WholeNumber(1, MOST_VALUES), 3, 3)),
    framing=IfThere(PlainText()),
    remarks=IfThere(ListOf(PlainText())),
    labels=IfThere(TrueOrFalse()),
    targets=IfThere(ListOf(PlainText())),
    test_accuracy=IfThere(FiniteNumber(0, 1)),
    brightest=IfThere(WholeNumber(1, BRIGHTEST)),
    range=IfThere(RANGE),
)
IMAGE_RECORD = Schema(
    network=PlainText(),
    mean=ListOf(FiniteNumber(), 1),
    deviation=ListOf(FiniteNumber(0), 1),
    classes=ListOf(PlainText(), 0, limits.CLASSES.most),
    batch=WholeNumber(1, limits.BATCH.most),
    about=ABOUT,
)


@dataclass(eq=False, repr=False)
class Model:
    """A network with its trained values, which reads images, rows of a table or windows of signals.

    `gb.train(…).model` and `gb.load(…)` give one; `save` and `export` write it.

    Args:
        net: The network.
        values: Its parameters by the names that the graph gives them.
        mean: The mean of each channel of the training images, with bytes from 0 to 1; or of each
            number of a row.
        deviation: The standard deviation, likewise.
        classes: The names of its classes; empty if it predicts numbers.
        about: Its origin.
        batch: The batch size in training, for which the engine is already compiled.
        columns: The columns of the table whose rows it reads; None if it reads images.

    >>> import gradbook as gb
    >>> from sklearn.linear_model import LinearRegression
    >>> model = gb.from_sklearn(LinearRegression().fit([[0, 1], [1, 0], [1, 1]], [1, 2, 3]))
    >>> model.parameters
    3
    >>> print(model.predict([[2, 2]]).round(4))
    [[6.]]
    """

    net: Net
    values: Mapping[str, NDArray[Any]]
    mean: Scales
    deviation: Scales
    classes: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    batch: int = USUAL_BATCH
    columns: TableColumns | None = None

    def __post_init__(self) -> None:
        self.classes, self.about = tuple(self.classes), dict(self.about)
        # What it was trained on, while that is in memory: a data set, or a function for its rows.
        self.trained_on: Any = None
        self.trained_by: Engine | None = None

    @property
    def parameters(self) -> int:
        return self.net.count()

    @overload
    def predict(
        self, inputs: Readable, *, names: Literal[False] = False
    ) -> NDArray[np.floating]: ...

    @overload
    def predict(self, inputs: Readable, *, names: Literal[True]) -> NDArray[np.str_]: ...

    def predict(
        self, inputs: Readable, *, names: bool = False
    ) -> NDArray[np.floating] | NDArray[np.str_]:
        """The probability of each class or label, or the predicted numbers: one row for each input,
        in single precision if a table's rows come in it. After a training in compiled code many
        rows are read in that, which is as precise as the training was.

        Images are bytes, or numbers in the range that was trained on; those that are surely in
        another are refused. Rows come from a table's file or a data frame, whose columns are found
        by name, or, if no column has words, are numbers in the columns' order; sequences as
        (rows, steps, features), and tokens as whole numbers, (rows, steps).

        With `names`, the name of the likeliest class of each.
        """
        are_complete = self._are_complete_rows(inputs)
        rows = cast("NDArray[Any]", inputs) if are_complete else self._read(inputs)
        answers = self._answers(rows, are_complete)
        if not names:
            return answers.astype(np.float32) if rows.dtype == np.float32 else answers
        self.require_classes()
        return np.array(self.classes)[likeliest_classes(self.net, answers)]

    def evaluate(self, inputs: Readable, targets: ArrayLike) -> FinalScore:
        """The score on inputs that `predict` takes, and their classes, by name or by number, their
        numbers, or 0 and 1 for each label.

        `.score` is the share predicted correctly, or R²; for classes, `.confusion` has the true
        ones as rows, and `.classes` the figures of each.
        """
        rows = self._read(inputs)
        return self.score_of(rows, self._wanted(np.asarray(targets), len(rows)))

    def _wanted(self, targets: NDArray[Any], count: int) -> NDArray[Any]:
        """A caller's targets in the form of `score_of`."""
        if not self.classes:
            is_whole = targets.size == count * self.net.outputs and targets.shape[:1] == (count,)
            if targets.dtype.kind not in "biuf" or not is_whole:
                raise ShapeError(
                    f"the targets are {targets.dtype} {targets.shape}: give "
                    f"{counted(self.net.outputs, 'number')} for each of the {count} inputs"
                )
            if targets.dtype.kind == "f" and not np.isfinite(targets).all():
                row = int(np.argwhere(~np.isfinite(targets))[0][0]) + 1
                why = "not a finite number, so there is nothing to score: leave the row out"
                raise DataError(why, file="the targets", row=row)
            return targets.reshape(count, -1).astype(np.float64)
        if targets.ndim == 2 and targets.shape[1] == len(self.classes) > 1:
            targets = targets.argmax(axis=1)  # a 1 for the class
        numbers = class_numbers(targets.reshape(-1), self.classes)
        return _as_labels(numbers, count, self.classes)

    def answers(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Like `predict`, for rows from `rows_of` or for images, of which bytes are taken to be
        bytes, however dark."""
        return self._answers(self._rows_or_images(rows))

    def _answers(self, rows: NDArray[Any], are_complete: bool = False) -> NDArray[np.float64]:
        outputs = self._outputs(rows, are_complete)
        if self.classes:
            return probabilities(self.net, outputs)
        if self.columns:
            return np.asarray(outputs * self.columns.target_deviation + self.columns.target_mean)
        return np.asarray(outputs, float)

    def classify(self, inputs: Readable) -> NDArray[np.int32]:
        """The number of the class of each image or row."""
        self.require_classes()
        return likeliest_classes(self.net, self._outputs(self._read(inputs))).astype(np.int32)

    def score(self, inputs: Readable, labels: NDArray[np.integer[Any]]) -> float:
        """The share of the images or rows with the right class, from 0 to 1."""
        self.require_classes()
        outputs = self._outputs(self._read(inputs))
        return score(self.net, outputs, _as_labels(labels, len(outputs), self.classes)).accuracy

    def score_of(self, rows: NDArray[Any], wanted: NDArray[Any]) -> FinalScore:
        """The score for rows in the form of `answers`, and the numbers of their classes or their
        own numbers."""
        if self.classes:
            return score_classes(self.net, self._outputs(rows), wanted, self.classes)
        got, wanted = self._answers(rows), wanted.reshape(len(wanted), -1).astype(np.float64)
        mean, deviation = self._spread
        each = losses_of(self.net, (got - mean) / deviation, (wanted - mean) / deviation)
        if self.labels:
            return score_labels(float(each.mean()), got, wanted)
        named = self.predicts if len(self.predicts) == got.shape[1] else ()
        return score_numbers(float(each.mean()), got, wanted, named or number_names(got.shape[1]))

    @property
    def _spread(self) -> tuple[Any, Any]:
        """The mean and deviation with which the numbers were learned, of each if there are
        several."""
        if known := self.about.get("spread"):
            return np.array(known[0]), np.array(known[1])
        if self.columns:
            return self.columns.target_mean, self.columns.target_deviation
        return 0.0, 1.0

    @property
    def predicts(self) -> tuple[str, ...]:
        """The names of the predicted numbers; for classes from a table, the name of its column."""
        if self.columns:
            return self.columns.predicts
        named = tuple(self.about.get("targets") or ())
        usual = number_names(self.net.outputs)
        return () if self.classes else named if len(named) == len(usual) else usual

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, each of which applies or doesn't; `predict` gives the probability of each."""
        return self.predicts if self.about.get("labels") else ()

    def require_classes(self) -> None:
        if not self.classes:
            what = "labels, of which several may apply" if self.labels else "numbers"
            raise UsageError(f"this model predicts {what}, not classes")

    @property
    def data(self) -> str:
        """The data set it was trained on, as its recipe names it."""
        from gradbook.lab.recipes.recipe import USUAL_DATA
        from gradbook.lab.recipes.recipe_text import parse

        with suppress(GradbookError):
            return parse(str(self.about["recipe"])).data if "recipe" in self.about else USUAL_DATA
        return USUAL_DATA

    @property
    def _reads_pictures(self) -> bool:
        with suppress(UsageError):
            return bool(self.picture)
        return False

    @property
    def picture(self) -> tuple[int, int, int]:
        """Channels, rows and columns of its images; a network with a flat input is told them."""
        size = self.net.input
        sides = self.about.get("images") or size
        side = isqrt(prod(size))
        if len(size) == 1 and sides == size and side * side == prod(size):
            sides = (1, side, side)
        has_sides = isinstance(sides, list | tuple) and len(sides) == 3
        if self.columns or not has_sides or prod(size) != prod(sides):
            raise UsageError(f"this model reads no images: its network takes {spell(size)} numbers")
        channels, rows, columns = sides
        return channels, rows, columns

    def prepare(self, image: NDArray[Any]) -> NDArray[np.float64]:
        """One image in the form of the network's input: normalised, and in its shape."""
        (pixels,) = self._as_images(np.asarray(image)[None])
        places = (-1,) + (1,) * (len(self.net.input) - 1)
        scales = for_inputs(self.net, self.mean, self.deviation)
        mean, deviation = (np.reshape(scale, places) for scale in scales)
        return np.asarray((pixels / BRIGHTEST - mean) / deviation)

    def summary(self) -> str:
        """The layers, the shapes of their outputs and their parameters, in lines of text."""
        return look("Model in short", self.net)

    def __repr__(self) -> str:
        name, parameters = self.net.name or "a network", counted(self.parameters, "parameter")
        numbers = counted(self.net.outputs, "label" if self.labels else "number")
        what = counted(len(self.classes), "class", "classes") if self.classes else numbers
        if self.columns:
            read = counted(len(self.columns.inputs), "column")
            what = f"{read} to {', '.join(self.predicts)} ({what})"
        return f"<Model of {name}: {parameters}, {what}>"

    def _repr_html_(self) -> str:
        return look("Model as html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(look("Model as text", self))

    def __getstate__(self) -> dict[str, Any]:
        """What is kept of it in a copy or a pickle: not the engines, which are opened again."""
        kept = {part.name: getattr(self, part.name) for part in fields(self)}
        return kept | {"trained_on": None, "trained_by": None}

    # The file.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to one file: safetensors, with the network's text and all that it needs."""
        record = {
            "kind": TABLE_KIND if self.columns else KIND,
            "version": VERSION,
            "network": str(self.net),
            "mean": [float(mean) for mean in self.mean],
            "deviation": [float(deviation) for deviation in self.deviation],
            "about": dict(self.about),
        }
        facts = {"classes": self.classes, "batch": self.batch}
        stored.write(path, self.values, record | (self.columns.record() if self.columns else facts))

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Model:
        """The model in a file that `save` wrote."""
        if stored.kind_of(path) == TABLE_KIND:
            return stored.read_as(path, TABLE_KIND, VERSION, _fitted_to_rows)
        return stored.read_as(path, KIND, VERSION, _fitted)

    # In other languages.

    def trained(self) -> TrainedNet:
        """Its layers and their tensors, for targets that write it in another language."""
        from gradbook.net.trained import Scaling, trained_net

        columns = self.columns
        picture = self.picture if self._reads_pictures else None
        scales = self.mean, self.deviation
        if not columns:
            scales = for_inputs(self.net, *scales)
        net = trained_net(
            self.net,
            self.values,
            Scaling(1 if columns else BRIGHTEST, *map(np.array, scales)),
            picture,
            self.classes,
            targets=self.predicts,
        )
        net = replace(net, labels=bool(self.labels), range=self._range_of_files)
        if not columns:
            return net
        named = {} if columns.by_place else {one.heading: one.words for one in columns.inputs}
        spread = columns.target_deviation, columns.target_mean
        return replace(net, spread=spread, columns=named, filling=columns.filling)

    def export(self, path: str | os.PathLike[str], **options: Any) -> Exported:
        """Write it for other programs; the file's ending selects the format.

        The options are those of `gradbook export`: opset=13, fold=False, with_preparation=True …
        For int8, `data` gives samples to calibrate on, (inputs, targets) or a file's name; after
        `gb.train` these are those that it was trained on.
        """
        from gradbook.lab.models.exporting import ExportOptions, export

        trained, recipe = self.trained(), str(self.about.get("recipe", ""))
        asked = ExportOptions.of(options)
        if self.columns:
            recordings = self._recordings if self.windows else self._recorded_rows
            return export(trained, recipe, path, asked, windows=self.windows, recordings=recordings)

        def score_of(images: Images) -> float:
            return float((self.classify(images.pixels) == images.labels).mean())

        if asked.data is not None and not isinstance(asked.data, str | os.PathLike):
            asked = replace(asked, data=self._dataset_of(*asked.data))
        return export(trained, recipe, path, asked, self.trained_on or self.data, score_of)

    def _dataset_of(self, images: Any, labels: Any) -> Dataset:
        """A caller's images as a data set."""
        from gradbook.data.dataset import Dataset, Images

        pixels = np.rint(self._as_images(images)).clip(0, BRIGHTEST).astype(np.uint8)
        numbers = self._wanted(np.asarray(labels), len(pixels)).astype(np.int32)
        held = Images(pixels.reshape(-1, *self.picture), numbers)
        folds = np.ones(len(held), np.uint8)
        return Dataset("the given images", self.classes, held, folds, held, "given in Python")

    # Predictions.

    def _are_complete_rows(self, inputs: Readable) -> bool:
        """Whether a caller's input is in the form that `answers` needs, as most is: finite numbers
        in columns that are only numbers, of which none can be on another scale."""
        if not self.columns or type(inputs) is not np.ndarray or inputs.dtype not in REALS:
            return False
        learned = self.input_range
        return (
            inputs.shape[1:] == self.net.input == self.columns.numbers
            and not (learned and learned.refuses_reals)
            and all_finite(inputs)
        )

    def _read(self, inputs: Readable) -> NDArray[Any]:
        """A caller's input in the form that `answers` needs."""
        if not self.columns:
            if isinstance(inputs, str | os.PathLike):
                raise UsageError(f"this model reads arrays of images, not '{os.fspath(inputs)}'")
            return self._as_images(inputs)
        if isinstance(inputs, str | os.PathLike):
            inputs = read_columns(inputs)
        if isinstance(inputs, ColumnTable):
            rows = self.rows_of(inputs)
            for remark in unknown_words(inputs, self.columns.inputs):
                assume(remark)
            return self._with_remark(rows)
        if (frame := NamedColumns.of(inputs)) and frame.keys:
            return self._with_remark(self._rows_of_frame(frame))
        numbers = cast("ArrayLike", inputs)
        if known := self.input_range:
            known.require(numbers)
        features_first = bool(self.about.get("features_first"))
        rows = self.columns.read_numbers(numbers, self.net, features_first)
        if all_finite(rows):
            return rows
        if np.isinf(rows).any():
            raise DataError(NO_NUMBERS)
        if not self.fills_in:
            require_complete(rows)
        return self._with_remark(rows)

    def _with_remark(self, rows: Numbers) -> Numbers:
        """The rows, with a warning that names what is filled in for missing values."""
        if not all_finite(rows):
            columns = self.require_columns()
            assume(filling_remark(columns.inputs, rows, self.instead_of_missing))
        return rows

    @cached_property
    def engine(self) -> Engine:
        """The engine for many images, made when it is first needed."""
        from gradbook.engine.engines import open_engine

        each = prod(self.net.input) + sum(map(prod, self.net.shapes))
        return self._ready(
            open_engine(self.net, min(self.batch, max(FEW_IMAGES, MOST_AT_ONCE // each)))
        )

    @cached_property
    def _plain_engine(self) -> Engine:
        """An engine for a few images, with nothing to compile."""
        from gradbook.engine.engines import PlainEngine

        return self._ready(PlainEngine(self.net, FEW_IMAGES))

    @cached_property
    def _row_reader(self) -> RowReader:
        mean, deviation = np.asarray(self.mean, float), np.asarray(self.deviation, float)
        return RowReader(self.net, self.values, mean, deviation, self.trained_by)

    def _ready(self, engine: Engine) -> Engine:
        if not self.columns:
            engine.normalise(*for_inputs(self.net, self.mean, self.deviation), BRIGHTEST)
        engine.restore(self.values)
        return engine

    def outputs(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The network's own outputs for what `answers` takes."""
        return self._outputs(self._rows_or_images(rows))

    def _rows_or_images(self, rows: NDArray[Any]) -> NDArray[Any]:
        are_bytes = isinstance(rows, np.ndarray) and rows.dtype == np.uint8
        return rows if self.columns or are_bytes else self._as_images(rows)

    def _outputs(self, rows: NDArray[Any], are_complete: bool = False) -> NDArray[Any]:
        if self.columns:
            filling = None if are_complete else lambda: self.instead_of_missing
            return self._row_reader.outputs(rows, filling)
        return (self._plain_engine if len(rows) <= FEW_IMAGES else self.engine).predict(rows)

    def _as_images(self, images: object) -> NDArray[Any]:
        """A caller's images in the network's form. They may have its shape or that of the pictures,
        with or without a side of 1, or be flat; an equal number of values alone isn't enough."""
        size = self.net.input
        try:
            array = np.asarray(images)
        except ValueError as error:
            raise ShapeError(f"all images must have one size, here {spell(size)}") from error
        if array.dtype.kind not in "buif":
            raise ShapeError(f"images must be bytes or numbers from 0 to 255, not {array.dtype}")
        shapes = [size, *([self.picture] if self._reads_pictures else [])]
        array = channels_first(array, shapes[-1]) if array.ndim == 4 else array
        known = {tuple(side for side in shape if side > 1) for shape in (*shapes, (prod(size),))}
        if not array.ndim or tuple(side for side in array.shape[1:] if side > 1) not in known:
            one = "image is" if len(array.shape) and len(array) == 1 else "images are"
            raise ShapeError(
                f"the {one} {spell(array.shape[1:]) or 'one number'}, but this model reads an "
                f"array of images, each {' or '.join(dict.fromkeys(map(spell, shapes)))}"
            )
        return self._in_bytes(array).reshape(-1, *size)

    def _in_bytes(self, images: NDArray[Any]) -> NDArray[Any]:
        """Images whose brightness is up to 255 as in bytes, whether they are in the range that was
        trained on, and either are from 0 to 1, if the training's were, or bytes already."""
        known = self.input_range
        if not images.size or known is None:
            require_numbers(images)
            return images
        if self.about.get("brightest") == 1 and are_units(images):
            known.require(images)
            return images * float(BRIGHTEST)
        if self.about.get("brightest") == 1:
            known = known.times(BRIGHTEST)
        known.require(images)
        return images

    @property
    def _range_of_files(self) -> tuple[float, float] | None:
        """The range of the pictures that an export takes: bytes for a model of images."""
        known = self.input_range
        if known is None or not known.pictures:
            return None
        return (known.least, known.most) if self.columns else (0.0, float(BRIGHTEST))

    @cached_property
    def input_range(self) -> InputRange | None:
        """The range of what it was trained on, or what its file suggests; None if neither says."""
        if kept := self.about.get("range"):
            return InputRange(**kept)
        if self.columns:
            is_picture = len(self.net.input) == 3
            return range_of_scales(self.mean, self.deviation) if is_picture else None
        if not any(self.mean) and np.allclose(np.multiply(self.deviation, BRIGHTEST), 1):
            return None  # a network of others, which reads unscaled numbers
        brightest = self.about.get("brightest", BRIGHTEST)
        learned_dark = 0 < max(self.mean) * BRIGHTEST <= 1  # trained on zeros and ones
        return InputRange(0, 1 if learned_dark else brightest)

    # Rows of a table.

    @property
    def windows(self) -> Windows | None:
        """The windows of the signals that it reads, if it does."""
        return self.columns.windows if self.columns else None

    def require_columns(self) -> TableColumns:
        if not self.columns:
            raise UsageError("this model reads images, not rows of a table")
        return self.columns

    def rows_of(self, table: ColumnTable, *, complete: bool = False) -> Numbers:
        """A table's rows as numbers, NaN where a value is missing; if they must be `complete`,
        a missing value is refused."""
        columns = self.require_columns()
        table = columns.in_place(table)
        if complete or not self.fills_in:
            table.require_complete(columns.inputs)
        return encode(table, columns.inputs)

    def _rows_of_frame(self, frame: NamedColumns) -> Numbers:
        """The columns of a data frame by name; unused ones are left out with a warning."""
        columns = self.require_columns()
        names = columns.names_in(frame.names)
        if remark := columns.names_remark(frame.names):
            assume(remark)
        return frame.rows(columns.inputs, names, complete=not self.fills_in)

    @property
    def fills_in(self) -> bool:
        """Whether it has a replacement for missing values: one that was trained on a table has,
        unless they were refused there, and one of arrays or of other programs has none."""
        columns = self.require_columns()
        if self.about.get("missing") == "refuse":
            return False
        known = "rows" in self.about and not (columns.by_place or columns.windows)
        return columns.filling is not None or known

    @property
    def instead_of_missing(self) -> Numbers:
        """The replacement of each missing number in a row."""
        if not self.fills_in:
            raise DataError(f"{NO_NUMBERS}: they were refused in training, so fill them in first")
        return self.require_columns().usual_row(np.array(self.mean))

    def recorded_windows(self, data: str = "") -> RecordedWindows:
        """Windows from the training recordings of a model of signals, or from other recordings."""
        assert self.windows
        return recorded_windows(self.windows, self.classes, self.about, data)

    def _recorded_rows(self, data: Any) -> tuple[RecordedWindows, float]:
        """Rows for calibrating and scoring whole numbers, and the score in floats: given ones,
        those of a table's file, or those that it was trained on a moment ago."""
        if data is None and self.trained_on is not None:
            return self._with_score(self.trained_on())
        if data is None:
            from gradbook.lab.models.exporting import GONE

            raise UsageError(
                f"{GONE}: give some with data=(inputs, targets) in Python, or --data FILE.csv"
            )
        if isinstance(data, str | os.PathLike):
            table = self.require_columns().in_place(read_columns(data))
            inputs, targets = self.rows_of(table), table.words(self.require_columns().target)
        else:
            samples, wanted = data
            inputs = self._read(samples)
            targets = self._wanted(np.asarray(wanted), len(inputs))
        return self._with_score(
            RecordedWindows(inputs, inputs, np.asarray(targets, np.int64), "given rows")
        )

    def _with_score(self, recorded: RecordedWindows) -> tuple[RecordedWindows, float]:
        """With missing values filled in, and the score in floats."""
        fill = self.instead_of_missing if np.isnan(recorded.fitting).any() else 0.0
        parts = (np.where(np.isnan(it), fill, it) for it in (recorded.fitting, recorded.scored))
        fitting, scored = parts
        read = likeliest_classes(self.net, self._answers(scored))
        share = float((read == recorded.labels).mean())
        return RecordedWindows(fitting, scored, recorded.labels, recorded.what), share

    def _recordings(self, data: str | None) -> tuple[RecordedWindows, float]:
        """Windows for calibrating and scoring whole numbers, and the score in floats."""
        recorded = self.recorded_windows(data or "")
        read = likeliest_classes(self.net, self._answers(recorded.scored))
        return recorded, float((read == recorded.labels).mean())


def untrained_model(net: Net, dataset: Dataset) -> Model:
    """An untrained network for the images of a data set."""
    from gradbook.data.dataset import statistics
    from gradbook.net.work.at_work import at_start

    if prod(net.input) != prod(dataset.shape):
        raise ShapeError(
            f"the network takes {spell(net.input)}, but the images of {dataset.name} are "
            f"{spell(dataset.shape)}: name other images with --data"
        )
    require_classes(net, len(dataset.classes), dataset.name)
    scales = statistics(dataset.training_and_validation)
    return Model(net, at_start(net), scales.mean, scales.deviation, dataset.classes)


def _as_labels(labels: object, images: int, classes: Sequence[str]) -> NDArray[Any]:
    """A caller's labels as the number of each image's class."""
    array = np.asarray(labels)
    if not images or array.shape[:1] != (images,):
        count = len(array) if array.ndim else "no"
        raise ShapeError(f"{count} labels for {images} images: give one for each")
    numbers = array.ndim == 1 and array.dtype.kind in "ui"
    if not numbers or array.min() < 0 or array.max() >= len(classes):
        raise ShapeError(f"labels must be the numbers of the classes, from 0 to {len(classes) - 1}")
    return array


def for_inputs(net: Net, mean: Scales, deviation: Scales) -> tuple[list[float], list[float]]:
    """Each channel's mean and deviation, repeated for every input that belongs to the channel."""
    often = net.input[0] // len(mean) if len(net.input) < 3 else 1
    return [m for m in mean for _ in range(often)], [d for d in deviation for _ in range(often)]


def trained_shapes(net: Net) -> dict[str, Shape]:
    """The shapes of what a trained network needs: its parameters and running statistics."""
    from gradbook.graph.node import ancestors
    from gradbook.net.build import inference

    nodes = ancestors([inference(net).outputs])
    return {str(n.name): n.shape for n in nodes if n.op.name == "leaf" and not n.each}


def require_shapes(net: Net, shapes: stored.Shapes) -> None:
    """Refuse shapes that differ from those of a trained network's values."""
    stored_size = sum(map(prod, shapes.values()))
    if stored_size < net.count():
        raise ValueError(f"{stored_size:,} values for {net.count():,} parameters")
    if shapes != trained_shapes(net):
        raise ValueError("its values aren't those of its network")


def _fitted(shapes: stored.Shapes, record: stored.Record) -> Callable[[stored.Arrays], Model]:
    """Check that everything in a file fits together before anything is made from it."""
    known = IMAGE_RECORD.read(record)
    net = Net.parse(known["network"])
    require_shapes(net, shapes)
    mean, deviation, classes = known["mean"], known["deviation"], tuple(known["classes"])
    if len(mean) != len(deviation) or net.input[0] % len(mean):
        raise ValueError(f"{len(mean)} means and {len(deviation)} deviations")
    if classes:
        require_classes(net, len(classes), "it")
    further = (tuple(mean), tuple(deviation), classes, known["about"], known["batch"])
    return lambda values: Model(net, values, *further)


def _fitted_to_rows(
    shapes: stored.Shapes, record: stored.Record
) -> Callable[[stored.Arrays], Model]:
    known = TABLE_RECORD.read(record)
    net = Net.parse(known["network"])
    require_shapes(net, shapes)
    columns = columns_of(known, net)
    mean, deviation, classes = known["mean"], known["deviation"], columns.target.words
    if not len(mean) == len(deviation) == columns.width:
        raise ValueError("its columns aren't those of its network")
    if not all(each > 0 for each in deviation):
        raise ValueError("some of its columns have no deviation")
    if classes:
        require_classes(net, len(classes), "it")
    return lambda values: Model(
        net, values, mean, deviation, classes, known["about"], columns=columns
    )


# Included models --------------------------------------------------------------


def load_shipped(recipe: str) -> Model | None:
    """The network of this recipe, trained by it, if gradbook includes it.

    `scripts/ship_model.py` puts the model of a run there.
    """
    from importlib.resources import as_file, files

    file = files("gradbook.lab.recipes") / f"{recipe}.safetensors"
    if not file.is_file():
        return None
    with as_file(file) as path:
        return Model.load(path)
