"""The plan of a workbook: what it contains, each value's place, and what each cell shows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from math import ceil

from xlsxwriter.utility import xl_col_to_name

from gradbook.amounts import counted
from gradbook.errors import LimitError
from gradbook.graph.names import is_sequence
from gradbook.graph.node import Node
from gradbook.layers import Role
from gradbook.net import Net
from gradbook.net.derivation import Local
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step
from gradbook.net.smaller import what_fits
from gradbook.net.step import Step
from gradbook.targets.excel.plan.cell_layout import (
    DATA,
    ColumnBlock,
    RecordedRun,
    RunLayout,
    Start,
    following_values,
    record,
)
from gradbook.targets.excel.plan.column_order import (
    ColumnGroup,
    Exercise,
    backward_values,
    forward_values,
    groups,
    is_activation,
)
from gradbook.targets.excel.plan.gradient_check import EpochNudges, GradientCheck, Nudges
from gradbook.targets.excel.plan.record import KNOWN_BY

NETWORK, DERIVATION, TRAINING, SAMPLES = "Network", "Derivation", "Training", "Samples"
GRIDS = "Grids"
RATES, RATES_WORK, CHECK, CHECK_WORK = "Learning rates", "Rates work", "Check", "Check work"
EXERCISE = "Exercise"

RATE_NAME = "eta"
CHECK_NAME, EPOCHS_NAME = "gradients_checked", "epochs_checked"
HEAD_ROWS = 4  # title, remark, groups, names
BESIDE, BELOW = (5, 12), (17, 4)  # the first sample's row and column on Network, or how far
# it is below the row where the guide begins
PICTURE = (21, 4)  # the row and column of its upper left corner on Network
PICTURE_FINENESS = 1.5  # pixels of the picture per pixel of the sheet; more for a wide picture
PICTURE_WIDEST = 1200  # pixels of the sheet
GUIDE_ROW = 35  # lower if the picture is high
ROW_HEIGHT = 20  # pixels
MOST_WORDS = 24  # characters of a column's name, in the panel
RATE_WORDS = KNOWN_BY["rate"]
MOST_BESIDE = (14, 5)  # samples and values that fit beside the chart
ASCII = str.maketrans({str(role): role.typed for role in Role})  # so that names can be typed


@dataclass(frozen=True)
class WorkbookPlan:
    """One network's workbook. Values in `blank` are left for a student to fill in."""

    step: Step
    epochs: int
    rate: float
    rates: tuple[float, ...]
    picture: bytes | None = None
    exercise: Exercise | None = None
    why: Callable[[Local], str] = lambda _: ""  # explains a partial derivative in words

    @cached_property
    def blank(self) -> frozenset[Node]:
        return frozenset(self.exercise.blank(self.step) if self.exercise else ())

    @cached_property
    def groups(self) -> list[ColumnGroup]:
        return groups(self.step)

    @property
    def several(self) -> bool:
        return self.step.samples > 1

    def columns(self, *, each: bool) -> list[ColumnGroup]:
        parts = [group.only(each=each) for group in self.groups]
        return [group for group in parts if group.nodes]

    # Places -----------------------------------------------------------------

    def _table(
        self, sheet: str, row: int, column: int, *, each: bool, stride: int = 1
    ) -> ColumnBlock:
        nodes = [node for group in self.columns(each=each) for node in group.nodes]
        return ColumnBlock(sheet, {node: column + k for k, node in enumerate(nodes)}, row, stride)

    @cached_property
    def training(self) -> RunLayout:
        """The run at the learning rate on the Network sheet."""
        of_step = self._table(TRAINING, HEAD_ROWS, 1, each=False)
        of_sample = self._table(SAMPLES, HEAD_ROWS, 2, each=True, stride=self.step.samples)
        return self._run(of_step, of_sample, RATE_NAME)

    def at_rate(self, number: int) -> RunLayout:
        """The run at one of the learning rates, stacked with the others on the working sheet.

        It has the columns of Training; column A contains each row's rate.
        """
        stride = self.step.samples
        row = HEAD_ROWS + number * self.epochs * stride
        of_step = self._table(RATES_WORK, row, 1, each=False, stride=stride)
        across = 1 + len(of_step.columns)
        of_sample = self._table(RATES_WORK, row, across, each=True, stride=stride)
        return self._run(of_step, of_sample, "$A{e}")

    def _run(self, of_step: ColumnBlock, of_sample: ColumnBlock, rate: str) -> RunLayout:
        outside, following = {self.step.rate: rate}, following_values(self.step)
        return RunLayout(self.step, of_step, of_sample, outside, self.data_place[0], following)

    @cached_property
    def starts(self) -> Mapping[Node, Start]:
        """References to first values, such as w1_start, i1_given; memory starts with a number."""
        weights = set(self.step.weights)
        starts: dict[Node, Start] = {
            leaf: start_name(leaf) if leaf in weights else float(value)
            for leaf, value in self.step.start.items()
        }
        return starts | self.leaf_references

    @cached_property
    def picture_scale(self) -> float:
        """The factor from the picture's pixels to the sheet's; names stay large enough to read."""
        return min(1 / PICTURE_FINENESS, PICTURE_WIDEST / self._picture_size[0])

    @cached_property
    def guide_row(self) -> int:
        """The row on the Network sheet, below the picture, at which the guide begins."""
        height = self._picture_size[1] * self.picture_scale
        return max(GUIDE_ROW, PICTURE[0] + ceil(height / ROW_HEIGHT) + 1)

    @property
    def _picture_size(self) -> tuple[int, int]:
        """Width and height, from the PNG header."""
        if self.picture is None:
            return 1, 0
        width, height = (int.from_bytes(self.picture[k : k + 4]) for k in (16, 20))
        return width, height

    @cached_property
    def data_place(self) -> tuple[int, int]:
        """The row and column of the first sample on the Network sheet."""
        values = len(self.step.inputs) + len(self.step.targets)
        small = self.step.samples <= MOST_BESIDE[0] and values <= MOST_BESIDE[1]
        row, column = BESIDE if small else (self.guide_row + BELOW[0], BELOW[1])
        return row + bool(self.column_names), column  # the names of the columns are above it

    @cached_property
    def column_names(self) -> Mapping[Node, str]:
        """The names that the samples' table gives to inputs and targets, as far as it has any."""
        net, inputs, targets = self.step.source, self.step.inputs, self.step.targets
        named = net.classes or net.columns[len(inputs) :]
        names = named if len(named) == len(targets) else ()
        pairs = [*zip(inputs, net.columns, strict=False), *zip(targets, names, strict=False)]
        return dict(pairs)

    def words_of(self, leaf: Node) -> str:
        """The label beside the cell with a leaf's value."""
        name = self.column_names.get(leaf, "")
        return f"{leaf.name}: {name}"[:MOST_WORDS] if name else str(leaf.name)

    @cached_property
    def leaf_references(self) -> dict[Node, str]:
        """References to the inputs and targets."""
        leaves = (*self.step.inputs, *self.step.targets)
        if not self.several:
            return {leaf: leaf_cell_name(leaf) for leaf in leaves}
        first = self.data_place[1] + 1
        return {
            leaf: f"{NETWORK}!${xl_col_to_name(place)}${DATA}"
            for place, leaf in enumerate(leaves, first)
        }

    def rows_of(self, node: Node) -> tuple[int, int]:
        """The first and the last row, from 0, of a column that is left blank."""
        table = self.training.table(node)
        later = 1 if node in self.step.next else 0  # a weight's first value is given
        return table.row(later), table.row(self.epochs) - 1

    # Contents ---------------------------------------------------------------

    @cached_property
    def record(self) -> RecordedRun:
        return record(self.step, self.epochs, [self.rate], self.blank)[0]

    @cached_property
    def rate_records(self) -> list[RecordedRun]:
        return record(self.step, self.epochs, self.rates, self.blank) if self.rates else []

    @cached_property
    def guarded(self) -> frozenset[str]:
        """The ops whose usual spelling fails at some rate, because values become too extreme."""
        runs = [self.record, *self.rate_records]
        if self.exercise:  # as it will be once it is filled in
            runs = record(self.step, self.epochs, (self.rate, *self.rates))
        return frozenset().union(*(run.extreme for run in runs))

    def loss(self, epoch: int) -> float:
        return float(self.record.values[self.step.loss][epoch])

    @cached_property
    def check(self) -> GradientCheck:
        place = (self.step, CHECK_WORK, self.data_place[0], self.leaf_references)
        nudges, record = Nudges(*place), self.record.values
        epochs = EpochNudges(*place, self.epochs, nudges.end + 3, record)
        return GradientCheck(nudges, epochs, self.training, record, self.blank)

    @property
    def sheets(self) -> list[str]:
        """Their names in order."""
        return [
            NETWORK,
            *([] if self.exercise else [DERIVATION]),
            TRAINING,
            *([SAMPLES] if self.several else []),
            *([GRIDS] if self.has_grids else []),
            *([RATES] if self.rates else []),
            *([CHECK] if self.has_check else []),
            *([RATES_WORK] if self.rates else []),
            *([CHECK_WORK] if self.has_check else []),
            *([EXERCISE] if self.exercise else []),
        ]

    @property
    def behind(self) -> frozenset[str]:
        """The hidden working sheets; one that a student must fill in isn't hidden."""
        work = {CHECK_WORK, EXERCISE}
        also = set() if self.exercise else {RATES_WORK}
        return frozenset((work | also).intersection(self.sheets))

    @property
    def has_grids(self) -> bool:
        """An exercise has none: they would reveal the gradients."""
        return self.exercise is None and last_grid_layer(self.step.source) >= 0

    @property
    def has_check(self) -> bool:
        return self.exercise is None or self.exercise.has_check


def is_in_steps(net: Net) -> bool:
    """Whether a network is laid out step by step; not if none of its layers depends on steps."""
    return len(net.shapes[0]) == 3 and is_sequence(net.shapes[0])


def last_grid_layer(net: Net | Formulas) -> int:
    """The last layer that is shown as grids, -1 if there is none.

    That is the last convolution, pool or normalisation, or an elementwise layer directly after it;
    in a network that reads a sequence it is the last layer.
    """
    layers = net.layers
    if isinstance(net, Formulas):
        return -1
    if is_in_steps(net):
        return len(layers) - 1
    last = max(
        (k for k, layer in enumerate(layers) if layer.statistics or layer.window(net.shapes[k])),
        default=-1,
    )
    follows = takewhile(
        lambda layer: not (layer.reads_all or layer.passes_on or layer.is_softmax),
        layers[last + 1 :],
    )
    return last + len(list(follows)) if last >= 0 else -1


def start_name(weight: Node) -> str:
    """The name of the cell with a weight's start value (w1 itself is a cell's address)."""
    return f"{str(weight.name).translate(ASCII)}_start"


def leaf_cell_name(leaf: Node) -> str:
    """The same for an input or a target; a name can't contain a step's parentheses."""
    return f"{leaf.name}_given".replace("(", "_step_").replace(")", "")


# How much fits --------------------------------------------------------------
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
MOST_CELLS = 1_500_000  # about half a minute to write, and half a minute to open
QUICK_CELLS = 2_000  # per epoch: LibreOffice opens and computes 70, and a check, in about 5 s
SPARE = 64  # rows and columns for headings and counters


def fitting_rates(
    step: Step, epochs: int, asked: tuple[float, ...] | None, usual: tuple[float, ...]
) -> tuple[float, ...]:
    """The rates whose runs fit beside the training table; a LimitError if those requested don't.

    If none were requested, as many of the usual rates as open quickly, spread evenly.
    """
    per_epoch = _cells(step, step.samples)
    _check_size(step, epochs)
    each = epochs * per_epoch
    room = MOST_CELLS if asked is not None else min(MOST_CELLS, QUICK_CELLS * epochs)
    most = min(max(0, room - each) // each, (MOST_ROWS - SPARE) // (epochs * step.samples))
    wanted = usual if asked is None else asked
    if len(wanted) <= most:
        return wanted
    if asked is not None:
        raise LimitError(
            f"{len(wanted)} rates of {epochs:,} epochs take {len(wanted) * each:,} more "
            f"cells, but a workbook stays quick only up to {MOST_CELLS:,}: "
            f"{_fewer_rates(step, epochs, len(wanted), most)}"
        )
    last = len(usual) - 1
    return tuple(usual[round(k * last / (most - 1))] for k in range(most)) if most > 1 else ()


def _cells(step: Step, samples: int) -> int:
    """The cells of an epoch with this many samples."""
    return sum(samples if node.each else 1 for group in groups(step) for node in group.nodes)


def _fewer_rates(step: Step, epochs: int, wanted: int, most: int) -> str:
    """The remedy: how many of the rates fit, or how many epochs of all of them."""

    def cells(few: int) -> int:
        return (1 + wanted) * few * _cells(step, step.samples)

    few = bisect_right(range(1, epochs), MOST_CELLS, key=cells)
    epochs_fit = f"--epochs {few}" if few else ""
    rates_fit = f"at most {most} of them" if most else "--rates none"
    return " or ".join(filter(None, (f"take {rates_fit}", epochs_fit)))


def _values_in_a_row(net: Net) -> int:
    return sum(len(group.nodes) for group in groups(scalar_step(net)))


def _check_size(step: Step, epochs: int) -> None:
    across = sum(len(group.nodes) for group in groups(step))
    if across > MOST_COLUMNS - SPARE:
        raise LimitError(
            f"{across:,} values in a row, but a sheet has {MOST_COLUMNS:,} columns: "
            f"{what_fits(step.net, _values_in_a_row, MOST_COLUMNS - SPARE)}"
        )
    rows, per_epoch = epochs * step.samples, _cells(step, step.samples)
    most = min(MOST_CELLS // per_epoch, (MOST_ROWS - SPARE) // step.samples)
    if epochs > most:
        cells = epochs * per_epoch
        kind = f"{rows:,} rows" if rows > MOST_ROWS - SPARE else f"{cells:,} cells"
        raise LimitError(
            f"{epochs:,} epochs of {per_epoch:,} values are {kind}, more than a sheet holds "
            f"or opens in a reasonable time: there is room for {_room(step, epochs, most)}"
        )


def _room(step: Step, epochs: int, most: int) -> str:
    """For at most this many epochs, or for fewer samples in the epochs that were requested."""
    few = _fitting_samples(step, epochs)
    fewer_epochs = counted(most, "epoch") if most else ""
    fewer = f"{few:,} of the {step.samples:,} samples" if few else ""
    alone = f"1 epoch of {_fitting_samples(step, 1):,} samples"
    return " or for ".join(filter(None, (fewer_epochs, fewer))) or alone


def _fitting_samples(step: Step, epochs: int) -> int:
    """The number of samples that fit in this many epochs; 0 if there is only one."""
    once = _cells(step, 0)
    each = _cells(step, 1) - once
    if step.samples == 1:
        return 0
    return max(0, min((MOST_CELLS // epochs - once) // each, (MOST_ROWS - SPARE) // epochs))


# What a filled-in workbook is compared with ----------------------------------

ANY = 2  # epochs: all rows have the same formulas
COUNTERS = {False: ("epoch",), True: ("epoch", "sample")}  # of Training and of Samples


class WorkbookContents:
    """The contents of a network's workbook: the values in columns, and references to the others."""

    def __init__(self, net: Net | Formulas, words: Mapping[str, str] = KNOWN_BY) -> None:
        self.step: Step = scalar_step(net)
        self.words = words
        self.plan = WorkbookPlan(self.step, ANY, net.learning_rate, ())

    def columns(self, *, each: bool) -> Mapping[Node, int]:
        """The values with a column on Training, or on Samples, with the column's number."""
        table = self.plan.training.of_sample if each else self.plan.training.of_step
        return table.columns

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The values with a column, by their names."""
        return {str(node.name): node for each in COUNTERS for node in self.columns(each=each)}

    def counters(self, *, each: bool) -> tuple[str, ...]:
        """The headings of the columns that count that table's rows."""
        return tuple(self.words[key] for key in COUNTERS[each])

    @property
    def telling(self) -> tuple[str, str]:
        """The titles of the sheets that reveal what the exercise asks for."""
        return self.words["check"], self.words["passes"]

    @cached_property
    def forward(self) -> list[Node]:
        """The named values on the path to the loss."""
        return forward_values(self.step)

    @cached_property
    def memory(self) -> Mapping[Node, Node]:
        """The memory of the update, apart from the weights, and its next value in each step."""
        weights = set(self.step.weights)
        return {leaf: value for leaf, value in self.step.next.items() if leaf not in weights}

    @cached_property
    def activations(self) -> frozenset[Node]:
        """The values that are a function of a single sum."""
        return frozenset(filter(is_activation, self.forward))

    @property
    def gradients(self) -> tuple[Node, ...]:
        """All that an exercise asks for by default."""
        return tuple(backward_values(self.step))

    def named_cells(self) -> Iterator[tuple[Node, str, str]]:
        """Each value with a cell of its own: the node, the cell's name, its label."""
        yield self.step.rate, RATE_NAME, self.words["rate"]
        for leaf, name in self.plan.starts.items():
            if isinstance(name, str) and "!" not in name:
                yield leaf, name, self.plan.words_of(leaf)

    @property
    def sample_columns(self) -> Mapping[str, Node]:
        """The headings of the table of samples; none if there is only one sample."""
        return (
            {str(leaf.name): leaf for leaf in self.plan.leaf_references}
            if self.plan.several
            else {}
        )
