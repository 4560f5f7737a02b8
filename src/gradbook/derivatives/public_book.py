"""A workbook, its cells, and the derivatives of one of them: what Python works with.

book = gb.read_book("model.xlsx")
found = book.derivatives("B14")
found["Volatility"]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradbook.cells.book import Book, CellValue
from gradbook.cells.budget import BudgetSpent, budget_of_book
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.package import WorkbookError
from gradbook.cells.read import read_book as read_cells
from gradbook.cells.slopes import NoDerivative, Slopes, propose_results, slopes_of
from gradbook.derivatives.addition import require_other_file
from gradbook.derivatives.cell_names import find_cell, find_each, find_inputs
from gradbook.derivatives.labels import label
from gradbook.derivatives.sensitivities import Sensitivity, sensitivities
from gradbook.derivatives.solutions import SolvedCells, Watch, read_limits, solve_cells, within
from gradbook.errors import LimitError, UsageError
from gradbook.language.message import words_of
from gradbook.looks import look

if TYPE_CHECKING:
    from gradbook.derivatives.training_sheet import TrainingOutcome

EPOCHS = 70  # of a sheet that trains, unless others are given


@dataclass(frozen=True)
class WorkbookCell:
    """A cell of a workbook, such as book["B14"]."""

    book: Workbook = field(repr=False)
    address: Address = field(repr=False)
    name: str  # with its sheet: Model!B14
    label: str = ""  # the words beside it

    @property
    def value(self) -> CellValue:
        """What the cell shows."""
        return self.book.content.values.get(self.address)

    @property
    def formula(self) -> str:
        """Its formula with its =; '' for a typed value."""
        return self.book.content.formula(self.address)


class Workbook:
    """A workbook that somebody made: its cells, and the derivatives of each.

    >>> import gradbook as gb
    >>> written = gb.write_workbook("worked", "worked.xlsx")
    >>> book = gb.read_book("worked.xlsx")
    >>> book.results[0].formula[:1]
    '='
    """

    def __init__(self, path: Path, content: Book, flow: Flow) -> None:
        self.path = path
        self.content = content
        self.flow = flow

    @property
    def sheets(self) -> list[str]:
        """The titles of its sheets."""
        return [sheet.title for sheet in self.content.sheets]

    @cached_property
    def results(self) -> list[WorkbookCell]:
        """The cells that are most likely results: the likeliest first, at most three."""
        return [self._cell(address) for address in propose_results(self.content, self.flow)]

    def __getitem__(self, name: str) -> WorkbookCell:
        """The cell of this name: "B14", "Model.B14", a defined name, or the label beside it."""
        return self._cell(find_cell(self.content, name))

    def derivatives(
        self, of: str | WorkbookCell | None = None, *, by: str | Sequence[str] = ()
    ) -> Derivatives:
        """The derivatives of a cell with respect to the numbers on which it depends.

        Args:
            of: The cell; the default is the likeliest result that has a derivative.
            by: The inputs, such as "B4:B9,Rate"; the default is all typed numbers on which the
                cell depends. "SUM(A66:A265)" counts as one: all its cells rise together.

        Raises:
            GradbookError: There is no such cell, or it has no derivative; the message names the
                cell that is the reason.
        """
        if of is not None:
            return self._derivatives(of if isinstance(of, WorkbookCell) else self[of], by)
        first, *others = self.results or [self._no_result()]
        for result in (first, *others):
            with suppress(NoDerivative):
                proposed = [_called(cell) for cell in (first, *others) if cell is not result]
                return self._derivatives(result, by, proposed)
        return self._derivatives(first, by)

    def _derivatives(
        self, result: WorkbookCell, by: str | Sequence[str], proposed: Sequence[str] | None = None
    ) -> Derivatives:
        if isinstance(result.value, str):
            raise UsageError(
                f"{result.name} shows a text, which has no derivative: name a cell with a number"
            )
        listed = [by] if isinstance(by, str) else by
        near = sheet_of(result.address)
        inputs = [cells for words in listed for cells in find_inputs(self.content, words, near)]
        every = tuple(dict.fromkeys(chain.from_iterable(inputs)))
        with bounded(self.path):
            slopes = slopes_of(self.content, result.address, every, self.flow)
        if not slopes.inputs:
            why = f" ({next(iter(slopes.fixed))})" if slopes.fixed else ""
            raise UsageError(
                f"{result.name} has no slope by any typed number{why}: name another cell"
            )
        together = [cells for cells in inputs if len(cells) > 1]
        return Derivatives(result, slopes, proposed, together)

    def _no_result(self) -> WorkbookCell:
        if self.content.too_wide:
            where = self.content.name_of(self.content.too_wide[0])
            raise LimitError(
                f"{where}: it refers to too many cells, as do others: keep only the rows and "
                "sheets on which the result depends"
            )
        raise UsageError(
            f"{self.path} has no formula that depends on a typed number: nothing has a derivative"
        )

    def write(
        self,
        path: str | PathLike[str],
        of: str | WorkbookCell | None = None,
        *,
        by: str | Sequence[str] = (),
        learn: str | Sequence[str] = (),
        epochs: int = EPOCHS,
        rate: float | None = None,
    ) -> Path:
        """Write a copy of the workbook with a cell's derivatives as live formulas.

        Args:
            path: The file to write; not the workbook itself.
            of: The cell; the default is as for `derivatives`.
            by: The inputs.
            learn: Cells that an added sheet trains, so that the cell becomes smaller.
            epochs: The number of rows of that sheet.
            rate: Its learning rate, which is a cell and can be changed; the default is one at which
                the loss falls in the first ten epochs.

        Returns:
            The path of the written file.
        """
        return self.derivatives(of, by=by).write(path, learn=learn, epochs=epochs, rate=rate)

    def solve(
        self,
        of: str | WorkbookCell,
        *,
        by: str | Sequence[str],
        to: str | float = "min",
        bounds: tuple[float | None, float | None] = (None, None),
        keep: str | Sequence[str] = (),
        watch: Watch = lambda progress: True,
    ) -> SolvedCells:
        """Find numbers for some cells at which another is lowest, highest, or has a value.

        Args:
            of: The cell that should become so.
            by: The cells that may change, such as "B3:B9": typed numbers or blank cells.
            to: "min", "max", or the value; it is reached with the smallest change, relative to the
                cells' numbers now.
            bounds: The lowest and the highest number of each of them; None for none.
            keep: Limits of any cells, such as "B3:B5 >= 0" or "Total <= 100".
            watch: Called after each evaluation with how far it has come; False ends the search.

        Returns:
            The numbers and how good they are; `write` puts them into a copy.

        Raises:
            GradbookError: The cell doesn't depend on these, or a formula between isn't understood.

        >>> import gradbook as gb, xlsxwriter
        >>> with xlsxwriter.Workbook("parabola.xlsx") as made:
        ...     _ = made.add_worksheet().write_column("A1", [5, "=(A1-3)^2+1"])
        >>> solved = gb.read_book("parabola.xlsx").solve("A2", by="A1")
        >>> round(solved["A1"], 6), round(solved.value, 6), solved.kind
        (3.0, 1.0, 'slopeless')
        """
        result = of if isinstance(of, WorkbookCell) else self[of]
        near = sheet_of(result.address)
        listed = [by] if isinstance(by, str) else by
        inputs = [cell for words in listed for cell in find_each(self.content, words, near)]
        stated = [keep] if isinstance(keep, str) else keep
        limits = [limit for words in stated for limit in read_limits(self.content, words, near)]
        limits += within(inputs, bounds)
        with bounded(self.path):
            return solve_cells(
                self.path, self.content, self.flow, result.address, inputs, to, limits, watch
            )

    def __repr__(self) -> str:
        count = len(self.content.patterns)
        return f"Workbook({str(self.path)!r}, {len(self.sheets)} sheets, {count:,} formulas)"

    def _cell(self, address: Address) -> WorkbookCell:
        return WorkbookCell(
            self, address, self.content.name_of(address), label(self.content, address)
        )


class Derivatives(Mapping[str, float]):
    """The derivatives of a cell: by the names of its inputs, the most sensitive first.

    Cells between the inputs and the result can be looked up, too. Printed, it is the list; in a
    notebook it shows itself, with the sheet coloured by what matters.

    >>> import gradbook as gb
    >>> written = gb.write_workbook("worked", "worked.xlsx")
    >>> slopes = gb.read_book("worked.xlsx").derivatives()
    >>> len(slopes) > 0
    True
    """

    def __init__(
        self,
        result: WorkbookCell,
        slopes: Slopes,
        proposed: Sequence[str] | None = None,
        together: Sequence[Sequence[Address]] = (),
    ) -> None:
        self.result = result
        self.slopes = slopes
        self.proposed = proposed  # other likely results, if this one wasn't chosen by the caller
        self.together = together  # cells that count as one input
        self.training: TrainingOutcome | None = None  # of the copy that was written last

    @cached_property
    def inputs(self) -> tuple[Sensitivity, ...]:
        """The inputs, each with its label, value, derivative and a sentence about it."""
        with bounded(self.result.book.path):
            return sensitivities(self.slopes, self.together)

    def find(self, name: str) -> Address:
        """The cell of that name, of which the derivative is known."""
        inputs = [entry.cell for entry in self.inputs if name in (entry.name, entry.label)]
        if len(inputs) == 1:
            return inputs[0]
        cell = find_cell(self.slopes.book, name, sheet_of(self.slopes.result))
        if cell not in self.by_cell:
            called = self.slopes.book.name_of
            raise UsageError(
                f"{called(self.slopes.result)} doesn't depend on {called(cell)}, or it is held "
                "fixed: name one of the inputs"
            )
        return cell

    @cached_property
    def by_cell(self) -> dict[Address, float]:
        """The derivative by each cell between the inputs and the result, and by these."""
        by_one = {entry.cell: entry.slope for entry in self.inputs if entry.by_one}
        return {**self.slopes.values(), **by_one}

    def __getitem__(self, name: str) -> float:
        """The derivative by the cell of this name: "Model.B6", "B6", or the label beside it."""
        slopes = [entry.slope for entry in self.inputs if name in (entry.name, entry.label)]
        return slopes[0] if len(slopes) == 1 else self.by_cell[self.find(name)]

    def __iter__(self) -> Iterator[str]:
        return (entry.name for entry in self.inputs)

    def __len__(self) -> int:
        return len(self.inputs)

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self[name] is not None
        except UsageError:
            return False

    def to_frame(self) -> Any:
        """The inputs as a pandas DataFrame, one row for each.

        Raises:
            GradbookError: pandas isn't installed.
        """
        try:
            pandas: Any = import_module("pandas")
        except ImportError as error:
            raise UsageError("to_frame makes a DataFrame of pandas: pip install pandas") from error
        columns: dict[str, list[object]] = {
            "label": [entry.label for entry in self.inputs],
            "value": [entry.value for entry in self.inputs],
            "derivative": [entry.slope for entry in self.inputs],
            "percent per percent": [entry.elasticity for entry in self.inputs],
            "remark": [entry.remark for entry in self.inputs],
        }
        index = pandas.Index([entry.name for entry in self.inputs], name="cell")
        return pandas.DataFrame(columns, index=index)

    def write(
        self,
        path: str | PathLike[str],
        *,
        learn: str | Sequence[str] = (),
        epochs: int = EPOCHS,
        rate: float | None = None,
    ) -> Path:
        """Write a copy of the workbook with these derivatives; see `Workbook.write`."""
        from gradbook.derivatives.sheets import write_derivatives

        source, out = self.result.book.path, Path(path)
        require_other_file(source, out)
        listed = [learn] if isinstance(learn, str) else learn
        near = sheet_of(self.result.address)
        weights = [cell for words in listed for cell in find_each(self.slopes.book, words, near)]
        with bounded(source):
            self.training = write_derivatives(
                source,
                self.slopes,
                out,
                learn=weights,
                rate=rate,
                epochs=epochs,
                together=self.together,
            )
        return out

    def __str__(self) -> str:
        return look("Derivatives as text", self)

    def __repr__(self) -> str:
        return f"Derivatives({_called(self.result)}, {len(self)} inputs)"

    def _repr_html_(self) -> str:
        return look("Derivatives as html", self)


def read_book(path: str | PathLike[str]) -> Workbook:
    """Read a workbook that somebody made, to differentiate its cells.

    Args:
        path: An .xlsx, .xlsm or .ods file. It is read, never run.

    Raises:
        GradbookError: There is no such file, or it can't be read.

    >>> import gradbook as gb
    >>> written = gb.write_workbook("worked", "worked.xlsx", epochs=2)
    >>> gb.read_book("worked.xlsx").sheets[0]
    'Network'
    """
    with bounded(path):
        try:
            content = read_cells(path, every_row=True)
        except WorkbookError as error:
            raise WorkbookError(f"{path}: {words_of(error)}") from error
        flow = Flow(content)
        fill_in(content, flow)
    return Workbook(Path(path), content, flow)


@contextmanager
def bounded(path: str | PathLike[str]) -> Iterator[None]:
    """Give the work on a book that may be hostile a budget, and end in one line if it is spent."""
    too_large = f"{path}: it is too large: keep only the sheets on which the result depends"
    try:
        with budget_of_book(derives=True):
            yield
    except (BudgetSpent, RecursionError, MemoryError):
        raise LimitError(too_large) from None


def _called(cell: WorkbookCell) -> str:
    return f"{cell.label} ({cell.name})" if cell.label else cell.name
