"""What may be wrong: in which cells, by which edit, what speaks against it, and what is believed.

Generators only propose. A reading of a book holds what they propose against what is wrong in it;
which hypothesis is believed is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, NamedTuple, Protocol, TypeVar

from gradbook.audit.budget import A_SHARE, within_budget
from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import Edit, EditKind
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.workbook.book import Book
from gradbook.targets.excel.language import Expression

# Hypotheses ---------------------------------------------------------------------------


class Cause(Enum):
    """Where a mistake stands."""

    ROW = "some cells of one row"
    UPDATE = "an update, which takes another weight's gradient"
    COLUMN = "a column, from which gradients come"
    CLAIM = "a gradient's own formula, or an update's"


@dataclass(frozen=True)
class MissingPart:
    """A part of the chain rule that a formula leaves out."""

    kind: EditKind  # a term for a way, a factor for a slope
    cell: Address | None  # through which the way goes, or whose slope it is
    formula: Expression  # as the sheet would say it
    beside: Expression | None = None  # the part of the formula that it is put to; None: all of it
    is_put_in: bool = True  # or the formula is written anew


@dataclass(frozen=True)
class Hypothesis:
    """These cells should hold those formulas, and that explains some of what is wrong."""

    cause: Cause
    cells: tuple[Address, ...]
    formulas: tuple[str, ...]  # the right one of each cell, without its =
    edits: tuple[Edit, ...]  # of the first cell's formula
    explains: frozenset[int] = frozenset()  # weights, by their numbers
    whose: int = -1  # the weight whose gradient an update takes
    reproduces: bool = True  # the values in the cells, where values stand there
    missing: tuple[MissingPart, ...] = ()  # of the chain rule, where that is what is wrong

    @property
    def home(self) -> Address:
        return self.cells[0]

    def moved(self, away: int) -> Hypothesis:
        """Return the same of a sheet that says the same, so far away."""
        missing = [
            replace(part, cell=None if part.cell is None else part.cell + away)
            for part in self.missing
        ]
        cells = tuple(cell + away for cell in self.cells)
        return replace(self, cells=cells, missing=tuple(missing))

    def patterns(self, book: Book) -> dict[Address, Pattern]:
        """The formulas that it puts in the place of others."""
        both = zip(self.cells, self.formulas, strict=True)
        return {cell: book.reader.read_typed(text, cell) for cell, text in both}


class Doubts(NamedTuple):
    """What speaks against a hypothesis, the gravest first: where all are equal in one, the next
    counts."""

    disorder: int = 0  # inputs used twice, or in another order than their weights
    unexplained: int = 0  # the less it explains: one mistake is likelier than several
    made_up: bool = False  # it gives other values than those that were pasted over it
    makes_sense: bool = False  # what stands there could be meant: not a blank, another step
    unconventional: bool = False  # it doesn't become what networks are made of
    convention: int = 0  # … or by a large step: rather a sum went wrong than an activation
    rare: bool = False  # an edit on the way to the loss that hardly anyone means
    unmade: bool = False  # what is an activation, beside the way to the loss, would be none
    thresholds: int = 0  # that a sum would be compared with
    falls: bool = False  # an activation would fall where its input rises
    unlike: int = 0  # formulas of its kind that it would no longer look like
    spoilt: int = 0  # what is right and made of it, too
    kind: int = 0  # of the edit: slips of a reference are the commonest
    odd: int = 0  # a number for a cell, an unusual number, a factor in the midst of a sum
    other_order: int = 0  # formulas that it would no longer look like to the very order
    distance: float = 0  # from the cell that is mentioned to the one that should be
    length: int = 0  # of the formula


# Generators ---------------------------------------------------------------------------


class SearchStage(Enum):
    """What is looked at, in this order."""

    ROWS = "rows that aren't like most"
    UPDATES = "updates, which may take another weight's gradient"
    OTHER_ROWS = "columns that were to blame in other rows"
    COLUMNS = "columns that several gradients come from"
    CLAIMS = "a gradient's own formula, or what an update by a rule is made of"


class Proof(Enum):
    """What it takes to believe what a generator proposes."""

    NONE = "it has proved it itself"
    MENDS = "it puts something right and spoils nothing"
    REASONS = "… and something speaks against the cells rather than against what is made of them"


class SearchCase(Protocol):
    """What is wrong, and how a reading of a book proves hypotheses about it."""

    @property
    def wrong(self) -> Collection[int]:
        """The weights about which something is wrong."""

    @property
    def is_own_fault(self) -> bool:
        """Whether it is the fault of what is wrong itself, so that no other cell is suspected."""

    def prove(self, hypotheses: Sequence[Hypothesis], proof: Proof) -> Iterator[Hypothesis]:
        """Those that stand a proof, with what they explain, the likeliest first."""

    def is_doubtful(self, hypothesis: Hypothesis) -> bool:
        """Whether nothing speaks for what explains all that is wrong."""


SomeSearch = TypeVar("SomeSearch", bound=SearchCase)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Generator(Generic[SomeSearch]):
    """Hypotheses of one kind, by its name."""

    name: str
    stage: SearchStage
    proof: Proof
    propose: Callable[[SomeSearch], Iterator[Hypothesis]]


def unless_not_understood(work: Callable[[], Result]) -> Result | None:
    """Return what some work comes to; None where a formula in it isn't understood."""
    with suppress(NotUnderstood):
        return work()
    return None


# Which hypothesis is believed ---------------------------------------------------------


def choose(case: SomeSearch, generators: Sequence[Generator[SomeSearch]]) -> Hypothesis | None:
    """The first hypothesis that explains all that is wrong and that nothing makes doubtful; else a
    doubtful one that explains all; else one that explains some."""
    wrong, left = set(case.wrong), list[Hypothesis]()
    for generator in generators:
        reasons = generator.proof is Proof.REASONS
        found = None if reasons and case.is_own_fault else _believed(case, generator)
        if found is None:
            continue
        explains_all = found.explains >= wrong
        if not reasons and (explains_all or generator.stage is not SearchStage.COLUMNS):
            return found
        if explains_all and not case.is_doubtful(found):
            return found
        left.append(found)
    return max(left, key=lambda found: found.explains >= wrong, default=None)


def _believed(case: SomeSearch, generator: Generator[SomeSearch]) -> Hypothesis | None:
    """The likeliest of a generator's hypotheses that stand the proof."""

    def believe() -> Hypothesis | None:
        if generator.proof is Proof.NONE:
            return next(generator.propose(case), None)
        return next(case.prove(_affordable(case, generator), generator.proof), None)

    return unless_not_understood(believe)


def _affordable(case: SomeSearch, generator: Generator[SomeSearch]) -> list[Hypothesis]:
    """What a generator proposes as far as there is something to spend, and to weigh it with."""
    found: list[Hypothesis] = []
    within_budget(lambda: found.extend(generator.propose(case)), A_SHARE)
    return found  # what was added before nothing was left, too
