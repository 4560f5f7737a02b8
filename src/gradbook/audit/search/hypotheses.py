"""What may be wrong: the cells, the edit, the reasons against it, and which hypothesis is chosen.

Generators only propose hypotheses. Each kind of audit tests them against what is wrong; this module
decides which one is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, NamedTuple, Protocol, TypeVar

from gradbook.cells.book import Book
from gradbook.cells.budget import A_SHARE, within_budget
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import Pattern
from gradbook.cells.formula.syntax import Expression

# Hypotheses ---------------------------------------------------------------------------


class Cause(Enum):
    """Where a mistake is."""

    ROW = "some cells of one row"
    UPDATE = "an update, which uses another weight's gradient"
    COLUMN = "a column that gradients are computed from"
    CLAIM = "a gradient's own formula, or an update's"


@dataclass(frozen=True)
class MissingPart:
    """A part of the chain rule that a formula leaves out."""

    kind: EditKind  # a term for a path, a factor for a slope
    cell: Address | None  # on the missing path, or whose slope is missing
    formula: Expression  # in the sheet's own references
    beside: Expression | None = None  # the part that it is combined with; None: the whole formula
    is_put_in: bool = True  # False if the formula is rewritten instead
    is_link: bool = False  # only the path on which the value is next to the cell


@dataclass(frozen=True)
class Hypothesis:
    """These cells should contain those formulas, which explains some of the errors."""

    cause: Cause
    cells: tuple[Address, ...]
    formulas: tuple[str, ...]  # the right one of each cell, without its =
    edits: tuple[Edit, ...]  # edits of the first cell's formula
    explains: frozenset[int] = frozenset()  # indices of weights
    whose: int = -1  # the weight whose gradient an update uses
    reproduces: bool = True  # the cells' values, if they contain values
    missing: tuple[MissingPart, ...] = ()  # parts of the chain rule, if that is the mistake
    like: tuple[Address, ...] = ()  # cells beside the first one that have the same formula

    @property
    def home(self) -> Address:
        return self.cells[0]

    def moved(self, away: int) -> Hypothesis:
        """Return the same hypothesis for an identical sheet at a distance."""
        missing = [
            replace(part, cell=None if part.cell is None else part.cell + away)
            for part in self.missing
        ]
        cells = tuple(cell + away for cell in self.cells)
        like = tuple(cell + away for cell in self.like)
        return replace(self, cells=cells, missing=tuple(missing), like=like)

    def patterns(self, book: Book) -> dict[Address, Pattern]:
        """The formulas that it replaces others with."""
        both = zip(self.cells, self.formulas, strict=True)
        return {cell: book.reader.read_typed(text, cell) for cell, text in both}


class Doubts(NamedTuple):
    """Reasons against a hypothesis, the most serious first: if hypotheses are equal in one, the
    next one decides."""

    disorder: int = 0  # inputs used twice, or not in the order of their weights
    unexplained: int = 0  # errors left: one mistake is likelier than several
    made_up: bool = False  # its values differ from those pasted over it
    makes_sense: bool = False  # the original may be intended: not blank, not of another step
    unconventional: bool = False  # the result isn't a usual part of a network
    convention: int = 0  # … or is far from it: errors in sums are likelier than in activations
    rare: bool = False  # an edit before the loss that hardly anyone makes by mistake
    unmade: bool = False  # an activation that isn't on the path to the loss would no longer be one
    thresholds: int = 0  # numbers with which a sum would be compared
    falls: bool = False  # an activation would decrease in its input
    unlike: int = 0  # how many fewer similar formulas it would resemble
    spoilt: int = 0  # right cells computed from it that would become wrong
    kind: int = 0  # the kind of edit: wrong references are the most frequent
    odd: int = 0  # a number for a cell, an unusual number, a factor within a sum
    other_order: int = 0  # the same, with factors in the same order
    distance: float = 0  # from the cell in the formula to the right one
    length: int = 0  # the formula's length


# Generators ---------------------------------------------------------------------------


class SearchStage(Enum):
    """What is examined, in this order."""

    UPDATES = "updates, which may use another weight's gradient"
    COLUMNS = "columns that several gradients are computed from"
    CLAIMS = "a gradient's own formula, or the parts of an update by a rule"


class Proof(Enum):
    """The proof that a generator's proposal needs."""

    NONE = "the generator has proved it"
    MENDS = "it corrects something and breaks nothing"
    REASONS = "… and there is a reason to suspect these cells rather than those computed from them"


class SearchCase(Protocol):
    """What is wrong, and how one kind of audit proves hypotheses about it."""

    @property
    def wrong(self) -> Collection[int]:
        """The weights with something wrong."""

    @property
    def is_own_fault(self) -> bool:
        """Whether the wrong formulas themselves are at fault, so that no other cell is
        suspected."""

    def prove(self, hypotheses: Sequence[Hypothesis], proof: Proof) -> Iterator[Hypothesis]:
        """The hypotheses that pass a proof, with what they explain, the likeliest first."""

    def is_doubtful(self, hypothesis: Hypothesis) -> bool:
        """Whether a hypothesis that explains everything has no other support."""

    def likeness(self, hypothesis: Hypothesis) -> int:
        """How many formulas a hypothesis makes one unlike, as a negative number."""


SomeSearch = TypeVar("SomeSearch", bound=SearchCase)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Generator(Generic[SomeSearch]):
    name: str
    stage: SearchStage
    proof: Proof
    propose: Callable[[SomeSearch], Iterator[Hypothesis]]


def unless_not_understood(work: Callable[[], Result]) -> Result | None:
    """Return the result of `work`, or None if it needs a formula that isn't understood."""
    with suppress(NotUnderstood):
        return work()
    return None


# Which hypothesis is accepted ---------------------------------------------------------


def choose(case: SomeSearch, generators: Sequence[Generator[SomeSearch]]) -> Hypothesis | None:
    """The first hypothesis that explains everything and isn't doubtful; otherwise a doubtful one
    that explains everything, if possible without making a formula unlike those beside it; otherwise
    one that explains something."""
    wrong, left = set(case.wrong), list[Hypothesis]()
    for generator in generators:
        reasons = generator.proof is Proof.REASONS
        found = None if reasons and case.is_own_fault else _believed(case, generator)
        if found is None:
            continue
        explains_all = found.explains >= wrong
        is_column = generator.stage is SearchStage.COLUMNS
        is_any = not is_column or (explains_all and case.likeness(found) >= 0)
        if not reasons and is_any:
            return found
        if explains_all and not case.is_doubtful(found):
            return found
        left.append(found)
    return max(left, key=lambda f: (f.explains >= wrong, case.likeness(f)), default=None)


def _believed(case: SomeSearch, generator: Generator[SomeSearch]) -> Hypothesis | None:
    """The likeliest of a generator's hypotheses that pass the proof."""

    def believe() -> Hypothesis | None:
        if generator.proof is Proof.NONE:
            return next(generator.propose(case), None)
        proposals: list[Hypothesis] = []  # including those made before the budget ran out
        within_budget(lambda: proposals.extend(generator.propose(case)), A_SHARE)
        return next(case.prove(proposals, generator.proof), None)

    return unless_not_understood(believe)
