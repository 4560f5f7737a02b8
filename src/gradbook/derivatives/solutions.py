"""What Python gets of a solved workbook: its numbers, the sentences about it, and a copy with them.

solved = gb.read_book("model.xlsx").solve("B14", by="B3:B9", keep=["B3:B9 >= 0"])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from math import isfinite
from os import PathLike
from pathlib import Path

from gradbook.cells.book import Book
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.solving import (
    CellLimit,
    Relation,
    Solution,
    SolutionKind,
    SolverGoal,
    SolverProgress,
    solve,
)
from gradbook.derivatives.cell_names import find_cell, find_each
from gradbook.derivatives.labels import label
from gradbook.errors import UsageError
from gradbook.language import mark, numeral, tr

RELATIONS = {
    "<=": Relation.AT_MOST,
    "≤": Relation.AT_MOST,
    "<": Relation.AT_MOST,
    ">=": Relation.AT_LEAST,
    "≥": Relation.AT_LEAST,
    ">": Relation.AT_LEAST,
    "=": Relation.EQUAL,
    "==": Relation.EQUAL,
}
TURNED = {Relation.AT_MOST: Relation.AT_LEAST, Relation.AT_LEAST: Relation.AT_MOST}
SIGN = re.compile(r"(<=|>=|==|≤|≥|<|>|=)")
WHOLE = re.compile(r"(.*\S)\s+(?:whole|integer|int)", re.IGNORECASE)
HOW = "write a limit as B3:B9 >= 0, 0 <= B3 <= 1 or Total = 100"
GOALS = {"min": SolverGoal.SMALLEST, "max": SolverGoal.LARGEST}
Watch = Callable[[SolverProgress], bool]


# Limits as people write them ----------------------------------------------------


def read_limits(book: Book, words: str, near: int) -> Iterator[CellLimit]:
    """The limits of cells that a line states, such as B3:B9 >= 0 or 0 <= Share <= 1."""
    if whole := WHOLE.fullmatch(words.strip()):
        for cell in find_each(book, whole[1], near):
            yield CellLimit(cell, Relation.WHOLE)
        return
    sides = [side.strip() for side in SIGN.split(words)]
    if len(sides) not in (3, 5) or not all(sides):
        raise UsageError(f"'{words}' is no limit: {HOW}")
    for left, sign, right in zip(sides[::2], sides[1::2], sides[2::2], strict=False):
        yield from _compared(book, words, left, RELATIONS[sign], right, near)


def _compared(
    book: Book, words: str, left: str, relation: Relation, right: str, near: int
) -> Iterator[CellLimit]:
    first, last = _number(left), _number(right)
    if first is not None:
        left, last, relation = right, first, TURNED.get(relation, relation)
        if _number(right) is not None:
            raise UsageError(f"'{words}' names no cell: {HOW}")
    for cell in find_each(book, left, near):
        if last is not None:
            yield CellLimit(cell, relation, last)
        else:
            yield CellLimit(cell, relation, find_cell(book, right, near), of_cell=True)


def _number(text: str) -> float | None:
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None


# The solution -------------------------------------------------------------------


def within(cells: Sequence[Address], bounds: tuple[float | None, float | None]) -> list[CellLimit]:
    """The same bounds for each cell; None where there is none."""
    stated = zip((Relation.AT_LEAST, Relation.AT_MOST), bounds, strict=True)
    ends = [(relation, bound) for relation, bound in stated if bound is not None]
    return [CellLimit(cell, relation, bound) for cell in cells for relation, bound in ends]


class SolvedCells(Mapping[str, float]):
    """Numbers for cells of a workbook, by their names, at which its result is as wanted.

    Printed, it says how they were found and how good they are.
    """

    def __init__(
        self, path: Path, book: Book, flow: Flow, result: Address, solution: Solution
    ) -> None:
        self.path, self.book, self.flow, self.result = path, book, flow, result
        self.solution = solution

    @property
    def value(self) -> float:
        """What the result is then."""
        return self.solution.value

    @property
    def kind(self) -> str:
        """What kind of place it is, in a word: slopeless, limited, reached, corner, flat, …"""
        return self.solution.kind.value

    @property
    def is_good(self) -> bool:
        """Whether the goal is reached, as far as slopes can say."""
        return self.solution.is_good

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, how good it is, and which limits aren't kept."""
        return tuple(sentences_of(self.solution, self.book, self.result))

    @cached_property
    def by_name(self) -> dict[str, float]:
        return {self.book.name_of(cell): x for cell, x in self.solution.numbers.items()}

    def __getitem__(self, name: str) -> float:
        """The number of the cell of this name: "Model!B6", "B6", or the label beside it."""
        if name in self.by_name:
            return self.by_name[name]
        cell = find_cell(self.book, name)
        if cell not in self.solution.numbers:
            raise UsageError(f"{self.book.name_of(cell)} wasn't solved for: name one that was")
        return self.solution.numbers[cell]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def write(self, path: str | PathLike[str]) -> Path:
        """Write a copy of the workbook with these numbers, and a sheet that says how they were
        found."""
        from gradbook.derivatives.solution_sheet import WrittenSolution, write_solution

        written = WrittenSolution(self.book, self.flow, self.result, self.solution, self.sentences)
        return write_solution(self.path, written, Path(path))

    def __str__(self) -> str:
        numbers = (f"{name} = {number:.10g}" for name, number in self.items())
        return "\n".join([*self.sentences, *numbers])

    def __repr__(self) -> str:
        return f"SolvedCells({self.book.name_of(self.result)}, {self.kind}, {len(self)} cells)"


def solve_cells(
    path: Path,
    book: Book,
    flow: Flow,
    result: Address,
    inputs: Sequence[Address],
    to: str | float,
    limits: Sequence[CellLimit],
    watch: Watch,
) -> SolvedCells:
    """Solve a workbook's result for some of its cells."""
    goal, wanted = SolverGoal.REACHED, 0.0
    if isinstance(to, str) and to.lower() in GOALS:
        goal = GOALS[to.lower()]
    else:
        number = _number(to) if isinstance(to, str) else float(to)
        if number is None or not isfinite(number):
            raise UsageError(f"'{to}' is no goal: min, max or a number")
        wanted = number
    solution = solve(book, result, inputs, goal, to=wanted, limits=limits, watch=watch, flow=flow)
    return SolvedCells(path, book, flow, result, solution)


# In words -----------------------------------------------------------------------

AROUND = {
    SolverGoal.SMALLEST: {
        SolutionKind.SLOPELESS: mark("it is lowest there: around it, every change raises it"),
        SolutionKind.LIMITED: mark("around it, bounds or limits stop whatever would lower it"),
        SolutionKind.CORNER: mark("it is lowest there, at a corner: its slope jumps"),
        SolutionKind.ENDLESS: mark("it falls without end: state limits"),
    },
    SolverGoal.LARGEST: {
        SolutionKind.SLOPELESS: mark("it is highest there: around it, every change lowers it"),
        SolutionKind.LIMITED: mark("around it, bounds or limits stop whatever would raise it"),
        SolutionKind.CORNER: mark("it is highest there, at a corner: its slope jumps"),
        SolutionKind.ENDLESS: mark("it rises without end: state limits"),
    },
}
IN_GENERAL = {
    SolutionKind.REACHED: mark("these cells change little for that"),
    SolutionKind.MISSED: mark("it comes no nearer from these start values: try others"),
    SolutionKind.JUMP: mark("its value jumps beside it: slopes can't say what is beyond"),
    SolutionKind.FLAT: mark("around it, no change has an effect: try other start values"),
    SolutionKind.BROKEN: mark("no place near the start keeps all limits: try other start values"),
    SolutionKind.UNFINISHED: mark("it took too long: this is the best so far"),
    SolutionKind.STOPPED: mark("it was stopped: this is the best so far"),
}


def sentences_of(solution: Solution, book: Book, result: Address) -> Iterator[str]:
    """What was found, how good it is, and which limits aren't kept."""
    kind = AROUND.get(solution.goal, {}).get(solution.kind) or IN_GENERAL[solution.kind]
    yield tr(
        "{result} goes from {before} to {after}: {kind}",
        result=label(book, result) or book.name_of(result),
        before=shown(solution.start),
        after=shown(solution.value),
        kind=tr(kind),
    )
    if solution.goal is SolverGoal.REACHED:
        yield tr("evaluations: {count}", count=solution.evaluations)
    elif solution.steepest is None:
        yield tr("evaluations: {count}, and no slope is left", count=solution.evaluations)
    else:
        yield tr(
            "evaluations: {count}; largest slope left: {slope}, by {cell}",
            count=solution.evaluations,
            slope=shown(solution.slope),
            cell=book.name_of(solution.steepest),
        )
    for limit, amount in solution.broken:
        yield tr(
            "not kept: {limit}, by {amount}", limit=limit_text(book, limit), amount=shown(amount)
        )


def limit_text(book: Book, limit: CellLimit) -> str:
    """A limit as it is written: Model!B3 >= 0."""
    bound = limit.bound
    right = book.name_of(int(bound)) if limit.of_cell else shown(bound)
    return f"{book.name_of(limit.cell)} {limit.relation.value} {right}"


def shown(number: float) -> str:
    """A number in six digits, as the reader's language writes it."""
    return numeral(f"{number:.6g}")
