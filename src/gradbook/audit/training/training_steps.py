"""The steps of a training: the loss of each, its cells as a graph, and which steps are similar.

The loss of a step is a cell of the sheet, or is assumed if no cell contains it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain
from weakref import WeakKeyDictionary

from gradbook.audit.heading_words import CLIMBED, LEARNING, LOSS, calls
from gradbook.audit.training.claims import Claim, every_claim, first_claims
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.weight_columns import said_in
from gradbook.cells.flow import walk
from gradbook.cells.formula.address import ACROSS, DOWN, Address, sheet_of
from gradbook.cells.formula.expression import parts
from gradbook.cells.formula.pattern import Pattern, one_for_each
from gradbook.cells.formula.syntax import Call, Expression, Infix, Number, write
from gradbook.language.message import Message


class AssumedLoss(Enum):
    """A loss that no cell contains, inferred from the errors with which the gradients begin."""

    SQUARED = Message("half the squared error")
    BINARY = Message("binary cross-entropy")
    CATEGORICAL = Message("cross-entropy")


@dataclass(frozen=True)
class OutputError:
    """An output minus its target, or the target minus the output, in some formula."""

    pattern: Pattern  # the formula
    output: Expression
    target: Expression

    def __str__(self) -> str:
        return f"{write(self.output)} and {write(self.target)}"

    @property
    def square(self) -> str:
        """The squared difference of the two, as a formula."""
        return write(Infix("^", Infix("-", self.output, self.target), Number(2.0)))


@dataclass(frozen=True)
class StepLoss:
    """The loss of one step, times a scale, and times or divided by a setting: the sum of some cells
    or, if it is assumed, the sum of the losses of their errors."""

    cells: tuple[Address, ...]
    assumption: AssumedLoss | None = None
    errors: tuple[OutputError, ...] = ()  # one per cell, if it is assumed
    scale: float = 1.0
    setting: Address | None = None
    divides: bool = False  # whether by the setting

    @property
    def is_climbed(self) -> bool:
        """Whether it is maximised: what is descended is its negative."""
        return self.scale < 0

    def at(self, cells: tuple[Address, ...]) -> StepLoss:
        """Return the same loss in another step."""
        return replace(self, cells=cells)


# Candidates for the loss ----------------------------------------------------------------

SAYS_LEARNING = re.compile(r"lr|d[a-z_]{0,5}\d*/d[a-z_]{0,3}\d*")  # dE/dw
OTHER_WORDS = ("∂", "d", "grad", "δ", "delta", "Δ")


def candidates(training: SheetTraining) -> list[Address]:
    """Cells that depend on the first weights, the likeliest loss first."""
    flow, weight_cells, axis = training.flow, training.weight_cells, training.axis
    start = [weight.start for weight in training.weights]
    below = flow.below(start, weight_cells)
    elsewhere = flow.below(weight_cells.keys() - set(start), weight_cells)
    each = [{claim.owner for claim in said} for said in first_claims(training)]
    owners = set().union(*each)
    back, strides = training.looking_back, training.strides
    pasts = (training.past(memory, stride) for memory in back for stride in strides)
    rule = training.update_cells.union(pasts)
    each = [said - rule or said for said in each]
    gradients = {
        owner  # not an activation that such a gradient is computed from
        for said in each
        for owner in said
        if len(said) == 1 or said.isdisjoint(flow.below([owner], weight_cells))
    }
    made_of_gradients = flow.below(gradients, weight_cells)  # a loss may be among them
    figures = {c for c in made_of_gradients if not flow.users.get(c)}
    other = made_of_gradients - {c for c in figures if called_a_loss(training, flow.plain(c))}
    cells = (below - elsewhere or below) - owners - other
    called: dict[Address, list[str]] = {}  # the headings of each cell and of its repetitions
    for cell in sorted(cells):
        plain = flow.plain(cell, weight_cells)
        called.setdefault(plain, []).append(training.book.label(cell, axis).lower())
    plain_cells = [cell for cell in cells if flow.plain(cell, weight_cells) == cell]
    reach = Counter(c for cell in set(start) for c in (cell, *flow.below([cell], weight_cells)))
    used = {source for cell in plain_cells for source in flow.sources(cell)}
    serving = set().union(*(inside_of(training, owner) for owner in owners))

    def likelihood(cell: Address) -> tuple[object, ...]:
        is_loss = any(map(is_loss_word, called[cell]))
        return (
            cell in serving and not is_loss,
            -reach[cell],
            cell in serving,
            all(word.startswith(OTHER_WORDS) for word in called[cell]),
            not is_loss,
            sheet_of(cell) != training.sheet,
            cell in used,
            abs(axis.along(cell) - axis.along(start[0])),
            -cell,
        )

    return sorted((cell for cell in plain_cells if reach.get(cell)), key=likelihood)


def made_of_it(training: SheetTraining, cells: Sequence[Address]) -> Address | None:
    """The cell with a loss's heading that sums up errors, if only one of them was taken for it."""
    if len(cells) != 1:
        return None
    others = (cell for cell in candidates(training) if cell not in cells)
    named = (cell for cell in others if called_a_loss(training, cell))
    return next((cell for cell in named if not inside_of(training, cell).isdisjoint(cells)), None)


def called_a_loss(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell has a loss's heading."""
    return is_loss_word(training.label(cell).lower())


def is_maximised(training: SheetTraining, cells: Iterable[Address]) -> bool:
    """Whether one of a loss's cells has the heading of something to be maximised."""
    return any(calls(CLIMBED, training.label(cell)) for cell in cells)


def is_loss_word(word: str) -> bool:
    is_letter = re.fullmatch(r"[ejlc]_?\d*", word)
    return bool(is_letter) or calls(LOSS, word) or calls(CLIMBED, word)


def is_root(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell is the root of something, such as the RMSE: a figure for information, which
    isn't minimised."""
    top = said_in(training.book, training.flow.plain(cell))
    return isinstance(top, Call) and top.function.upper() == "SQRT"


def speaks_of_learning(training: SheetTraining, *, by_errors: bool = True) -> bool:
    """Whether headings mention gradients, learning or, with `by_errors`, errors, which controllers
    have, too. Without any, something that changes by a fraction of a difference may be a loan, or a
    cooling body."""
    book = training.book
    owners = [claim.owner for said in first_claims(training) for claim in said]
    behind = training.flow.behind(owners, training.weight_cells).union(owners)
    cells = behind & training.computed_cells
    if training.rate is not None:
        cells.add(training.rate)
    words = [book.label(cell, axis).lower() for cell in cells for axis in (DOWN, ACROSS)]
    return any(
        (by_errors and is_loss_word(word)) or SAYS_LEARNING.fullmatch(word) or calls(LEARNING, word)
        for word in words
    )


# What a cell is computed from ------------------------------------------------------------


def inside_of(training: SheetTraining, cell: Address) -> set[Address]:
    """The cell and all that it is computed from within its step."""
    flow, weight_cells = training.flow, training.weight_cells

    def inside(at: Address) -> Iterable[Address]:
        sources = () if at in weight_cells else flow.sources(at)
        return (flow.plain(source, weight_cells) for source in sources)

    return set(walk([flow.plain(cell, weight_cells)], inside))


def is_cut(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell depends on a blank, so that perhaps no weight influences it."""
    book, flow = training.book, training.flow
    return any(
        book.is_blank(source)
        for inside in inside_of(training, cell) & training.computed_cells
        for source in flow.sources(inside)
    )


# Similar steps ---------------------------------------------------------------------------

MOST_CASES = 20  # of what formulas choose in a group of steps: all are tested together
Signature = tuple[object, tuple[Address, ...]]

_groups: WeakKeyDictionary[SheetTraining, dict[tuple[StepLoss, ...], list[list[SheetStep]]]]
_groups = WeakKeyDictionary()


@dataclass(frozen=True)
class SheetStep:
    """One step: its weights' cells, the loss, and the claims about each weight."""

    number: int
    weights: tuple[Address | None, ...]
    loss: StepLoss
    claims: tuple[tuple[Claim, ...], ...]
    cells: tuple[Address, ...] = ()  # all cells, in an order that similar steps share

    @property
    def own(self) -> list[Address]:
        return [cell for cell in self.weights if cell is not None]

    @property
    def roots(self) -> list[Address]:
        """The cells that all others of the step are needed for."""
        return [*self.loss.cells, *(claim.owner for options in self.claims for claim in options)]

    @property
    def shape(self) -> object:
        """The form of its claims, and which weights have a cell in it."""
        ways = tuple(tuple((c.sign, c.whole) for c in options) for options in self.claims)
        return ways, tuple(weight is None for weight in self.weights)


def steps_of(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[SheetStep]:
    """Every step, including the last one, after which there is no update."""
    found: list[SheetStep] = []
    said = every_claim(training)

    def claims_of(j: int, k: int) -> tuple[Claim, ...]:
        """The claims about a weight in a step: none if its column has already ended."""
        if k < len(said[j]):
            return said[j][k]
        return _copied(training, found, j) if k < len(training.weights[j].cells) else ()

    for k in range(training.steps + 1):
        cells = tuple(w.cells[k] if k < len(w.cells) else None for w in training.weights)
        every = tuple(claims_of(j, k) for j in range(len(cells)))
        own = loss[k] if k < len(loss) else None
        if own is not None:
            found.append(SheetStep(k, cells, own, every))
    return found


def _copied(training: SheetTraining, earlier: Sequence[SheetStep], j: int) -> tuple[Claim, ...]:
    """Return the claims of the last row: those of the row before, moved down by one where the
    formulas continue."""
    book = training.book
    found = []
    for claim in earlier[-1].claims[j] if earlier else ():
        owner = claim.owner + training.weights[j].stride
        said = said_in(book, owner) if claim.owner in book.patterns else None
        is_number = owner not in book.patterns and isinstance(book.values.get(owner), float)
        if claim.whole and (said is not None or is_number):
            found.append(Claim(owner, claim.expression if said is None else said, True, claim.sign))
    return tuple(found)


def group_steps(training: SheetTraining, steps: Sequence[SheetStep]) -> list[list[SheetStep]]:
    """Group steps with the same formulas; every judge asks for them."""
    known, losses = _groups.setdefault(training, {}), tuple([step.loss for step in steps])
    if losses not in known:
        groups: defaultdict[object, list[SheetStep]] = defaultdict(list)
        cases: defaultdict[object, dict[object, int]] = defaultdict(dict)
        for step in steps:
            made_of, cells = _signature(training, step)
            kind = made_of, step.shape
            case = tuple(chain.from_iterable(_choosing(training, cell) for cell in cells))
            place = cases[kind].setdefault(case, len(cases[kind]))
            groups[*kind, place // MOST_CASES].append(replace(step, cells=cells))
        known[losses] = list(groups.values())
    return known[losses]


def _choosing(training: SheetTraining, cell: Address) -> Iterator[float | str | None]:
    """The values by which a formula chooses among cells that vary, as INDEX does."""
    said = said_in(training.book, cell)
    for part in parts(said) if said else ():
        if isinstance(part, Call) and training.varies(part, cell):
            places = one_for_each(part.function, len(part.arguments))
            keys = [part.arguments[place] for place in places or range(part.function == "CHOOSE")]
            cells = chain.from_iterable(training.cells_in(key, cell) for key in keys if key)
            yield from (training.book.values.get(c) for c in cells if c not in training.varying)


def _signature(training: SheetTraining, step: SheetStep) -> Signature:
    """The content of a step regardless of its position, and its cells in order."""
    book, weight_cells = training.book, training.weight_cells
    numbers: dict[Address, int] = {}
    content: list[object] = []
    own = {cell: j for j, cell in enumerate(step.own)}
    waiting = [training.plain(cell) for cell in reversed(step.roots)]
    roots = set(step.roots)
    while waiting:
        cell = waiting.pop()
        if cell in numbers:
            continue
        numbers[cell] = len(numbers)
        if cell in weight_cells and cell not in roots:
            content.append(("own", own[cell]) if cell in own else ("other", weight_cells[cell][0]))
            continue
        pattern = book.patterns.get(cell)
        if cell not in training.varying or pattern is None:
            value = book.values.get(cell)
            content.append(value if isinstance(value, str) else type(value))  # texts only choose
            continue
        sources = training.flow.sources(cell)
        inside = [training.plain(s) for s in sources if not training.before(cell, s)]
        content += [pattern.shape, inside]
        waiting.extend(reversed(inside))
    named = (
        tuple(numbers[s] for s in part) if isinstance(part, list) else part for part in content
    )
    return tuple(named), tuple(numbers)
