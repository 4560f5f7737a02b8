"""The sheet Derivation: every chain of partials with the numbers of one epoch, live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add, mul
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from gradbook.graph.node import Node, ancestors, named_inputs
from gradbook.language import mark, tr
from gradbook.net.derivation import (
    Chain,
    ChainProduct,
    ChainSum,
    Derivation,
    Local,
    OverSamples,
    Worked,
    derivation,
    first_values,
    partials,
)
from gradbook.palette import GRADIENT, QUIET, RATE, Colour
from gradbook.targets.excel.language import (
    NAMES,
    Expression,
    Number,
    Reference,
    Speller,
    infix,
    quote,
    write,
)
from gradbook.targets.excel.language import digits as typed
from gradbook.targets.excel.plan.book import DERIVATION, TRAINING, WorkbookPlan
from gradbook.targets.excel.plan.check import AGREES, DIFFERS
from gradbook.targets.excel.plan.layout import cell_value
from gradbook.targets.excel.sheets.look import SMALL, SMALL_IN_FULL, Look, an_epoch, colour, page

# Which chains are worked, what they refer to, and how they read --------------

MOST_CELLS = 12_000  # beyond this two weights are worked, and the others go the same way
A_WEIGHTS_LINES = 12  # or so: its partials, its chain


@dataclass(frozen=True)
class Chains:
    """The chains of a derivation; a sum of paths has a line of its own and is referred to."""

    derived: Derivation

    @cached_property
    def owners(self) -> dict[int, Node]:
        """The value whose whole chain a sum is, by the sum's identity."""
        chains = self.derived.chains.items()
        return {id(chain): value for value, chain in chains if isinstance(chain, ChainSum)}

    def weights(self) -> list[Node]:
        """The weights that are worked: all, or the first one of the first and the last layer."""
        step = self.derived.step
        trained = step.trained
        if len(trained) * A_WEIGHTS_LINES * step.samples <= MOST_CELLS:
            return trained
        by_name = {str(weight.name): weight for weight in trained}
        names = [p.names[0] for p in step.net.parameters if p.names[0] in by_name]
        return [by_name[name] for name in dict.fromkeys((names[0], names[-1]))]

    def reached(self, weights: Iterable[Node]) -> list[Node]:
        """The weights and the lines that their chains refer to, from the error backwards."""
        chains = self.derived.chains
        found = set(ancestors(list(weights), sources=lambda value: self._referred(chains[value])))
        return [value for value in chains if value in found]

    def _referred(self, chain: Chain, inside: bool = False) -> Iterator[Node]:
        """The values whose own lines a chain refers to."""
        match chain:
            case Worked(_, value):
                yield value
            case ChainSum() if inside and (owner := self.owners.get(id(chain))):
                yield owner
            case ChainProduct(several) | ChainSum(several):
                for part in several:
                    yield from self._referred(part, inside=True)
            case OverSamples(part):
                yield from self._referred(part, inside=True)

    def locals(self, reached: Sequence[Node]) -> Iterator[Local]:
        """The local partials in the chains of these values."""
        for value in reached:
            for part in partials(self.derived.chains[value]):
                if isinstance(part, Local):
                    yield part

    def forward(self, reached: Sequence[Node]) -> list[Node]:
        """The values whose formulas those partials are taken of."""
        mentioned = {local.of for local in self.locals(reached)} | {self.derived.step.loss}
        return [node for node in self.derived.forward if node in mentioned]

    def given(self, reached: Sequence[Node], forward: Sequence[Node]) -> list[Node]:
        """What the formulas of those partials and values mention besides those values."""
        formulas = [local.formula for local in self.locals(reached)]
        found: set[Node] = set()
        for formula in [*formulas, *forward]:
            found.update([formula] if formula in self._named else named_inputs(formula))
        found.update(node for value in forward for node in named_inputs(value))
        return sorted(found - set(forward), key=lambda node: node.index)

    @cached_property
    def _named(self) -> set[Node]:
        return set(self.derived.step.graph.names)

    def words(self, chain: Chain, top: bool = False) -> str:
        """A chain in names: ∂E1/∂a_o1 · ∂a_o1/∂o1 · ∂o1/∂w5."""
        owner = None if top else self.owners.get(id(chain))
        if owner is not None:
            return derivative(self.derived.roots[owner], owner)
        match chain:
            case Local(of, to):
                return derivative(of, to)
            case Worked(root, value):
                return derivative(root, value)
            case ChainProduct(factors):
                return " · ".join(self.words(factor) for factor in factors)
            case ChainSum(()):
                return tr("0: it reaches no error")
            case ChainSum(terms):
                return " + ".join(self.words(term) for term in terms)
            case OverSamples(inside, mean):
                said = mark("mean of ({chain})") if mean else mark("sum of ({chain})")
                return tr(said, chain=self.words(inside))


def derivative(of: Node, to: Node) -> str:
    return f"∂{of.name}/∂{to.name}"


def prose(expression: Expression) -> str:
    """A formula in names, with room around its signs."""
    apart = re.sub(r"(?<=[\w)])(?<!\dE)([-+])", r" \1 ", write(expression))
    return apart.replace("*", "·").replace("-", "−")


# The sheet -------------------------------------------------------------------

NAME, WORDS, NUMBER, TABLE, VERDICT, SAMPLE = 1, 2, 3, 4, 5, 6  # columns
EPOCH_ROW, HEADING_ROW = 2, 3
WORKED_EPOCH = "derivation_epoch"  # what the cell with the epoch is called
NARROWEST = 72  # characters in a line of words, at the least
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WIDEST = 90  # characters of a formula in names

SAME = 1e-9  # of the largest gradient: how far apart equals may be


@dataclass(frozen=True)
class LineValue:
    """Something that formulas on the sheet can mention: one for all, or one for each sample."""

    number: Any  # a number, or one for each sample
    at: Callable[[int], Expression]

    @property
    def each(self) -> bool:
        return bool(np.ndim(self.number))

    @staticmethod
    def combined(operator: str, values: Sequence[LineValue]) -> LineValue:
        """The sum or the product of some."""
        number = reduce(add if operator == "+" else mul, (value.number for value in values))
        return LineValue(number, lambda k: infix(operator, *(value.at(k) for value in values)))


def write_derivation(look: Look, book: WorkbookPlan) -> None:
    written = _Derivation(look, book)
    written.write()
    rows, across = written.row - HEADING_ROW, SAMPLE - NUMBER + book.step.samples
    look.plain_zeros(written.sheet, HEADING_ROW + 1, NUMBER, rows, across)


@dataclass
class _Derivation:
    look: Look
    book: WorkbookPlan
    row: int = HEADING_ROW
    longest: int = 0  # of the words so far
    lines: dict[object, LineValue] = field(default_factory=dict)  # of partials and chains
    known: dict[Node, LineValue] = field(default_factory=dict)  # of values themselves
    told: set[str] = field(default_factory=set)  # why a partial is what it is, once for each kind

    def __post_init__(self) -> None:
        self.step = self.book.step
        self.derived = derivation(self.step)
        self.values = first_values(self.derived)
        self.chains = Chains(self.derived)
        self.speller = Speller(self.refer, self.block, self.book.guarded)
        remark = tr(
            "All numbers are those of one epoch of {training}: type another.", training=TRAINING
        )
        trained = len(self.step.gradients)
        if len(self.chains.weights()) < trained:
            some = tr(
                "Of the {count} weights, the very first and the first of the last layer are "
                "worked out.",
                count=trained,
            )
            remark = f"{remark} {some}"
        self.sheet = self.look.workbook.add_worksheet(DERIVATION)
        page(self.sheet)
        self.sheet.set_row(0, 28)
        self.sheet.write_string(0, NAME, tr("The chain rule, with live numbers"), self.look.title)
        self.sheet.write_string(1, NAME, remark, self.look.remark)

    # The sheet from top to bottom --------------------------------------------

    def write(self) -> None:
        self.head()
        weights = self.chains.weights()
        reached = self.chains.reached(weights)
        forward = self.chains.forward(reached)
        self.section(tr("Given"), tr("the inputs, and the weights as they are in that epoch"))
        for node in self.chains.given(reached, forward):
            self.known_line(node, "")
        self.section(tr("Forward"), tr("what is computed from the inputs to the error"))
        for node in forward:
            self.known_line(node, prose(NAMES.formula(node)))
        self.section(
            tr("Local partials"),
            tr("the derivative of each formula with respect to one of its values"),
        )
        ancestors = set(self.chains.locals(reached))
        for node in self.derived.forward:
            for local in self.derived.locals.get(node, ()):
                if local in ancestors:
                    self.partial(local)
                    self.why(local)
        shared = [value for value in reached if value not in self.step.gradients]
        if shared:
            self.section(tr("Shared steps"), tr("what several chains share, worked out once"))
        for value in shared:
            self.line(value)
        self.section(tr("Gradients"), tr("the chain of each weight, from the error to the weight"))
        for weight in weights:
            self.line(weight)
            self.compare(weight)
        self.sheet.set_column(WORDS, WORDS, min(max(30, 0.9 * self.longest), WIDEST))
        self.sheet.freeze_panes(HEADING_ROW + 1, NUMBER)

    def head(self) -> None:
        sheet, look = self.sheet, self.look
        sheet.set_column(0, 0, 2)
        sheet.set_column(NAME, NAME, 18)
        sheet.set_column(NUMBER, VERDICT, 14)
        sheet.set_column(SAMPLE, SAMPLE + self.step.samples, 11)
        beside = tr("in {training}", training=TRAINING)
        headings = {NUMBER: tr("number"), TABLE: beside, VERDICT: ""}
        if self.book.several:
            samples = range(self.step.samples)
            headings |= {SAMPLE + k: tr("sample {number}", number=k + 1) for k in samples}
        sheet.write_string(EPOCH_ROW, NUMBER, tr("epoch"), look.name(RATE))
        sheet.write_number(EPOCH_ROW, TABLE, 1, look.given(RATE))
        cell = xl_rowcol_to_cell(EPOCH_ROW, TABLE, row_abs=True, col_abs=True)
        look.workbook.define_name(WORKED_EPOCH, f"={DERIVATION}!{cell}")
        sheet.data_validation(EPOCH_ROW, TABLE, EPOCH_ROW, TABLE, an_epoch(self.book.epochs))
        for place, words in headings.items():
            sheet.write(HEADING_ROW, place, words or None, look.heading(QUIET))

    def section(self, title: str, words: str) -> None:
        self.row += 1 if self.row == HEADING_ROW else 2
        self.sheet.write_string(self.row, NAME, title, self.look.section)
        self.sheet.write_string(self.row, WORDS, words, self.look.remark)

    # Lines -------------------------------------------------------------------

    def known_line(self, node: Node, words: str) -> None:
        """A value as the table has it in the epoch that is asked for."""
        samples = range(self.step.samples if node.each else 1)
        cells = [Reference(self.in_epoch(node, sample)) for sample in samples]
        value = LineValue(self.values[node], lambda k: cells[k if node.each else 0])
        self.known[node] = self.put(str(node.name), words, value, colour(node.name))

    def in_epoch(self, node: Node, sample: int = 0) -> str:
        """A value's cell in the epoch that is asked for."""
        return self.book.training.in_epoch(node, self.book.epochs, WORKED_EPOCH, sample)

    def refer(self, node: Node) -> Reference | None:
        """A value's cell on this sheet; `{c}` is the column of the sample that asks."""
        value = self.known.get(node)
        if value is None:
            return None
        cell = write(value.at(0))
        return Reference(f"{{c}}{cell.lstrip(LETTERS)}") if value.each else Reference(cell)

    def value(self, chain: Chain) -> LineValue:
        """What formulas say for a chain, with lines of its own where it has some."""
        match chain:
            case Local():
                return self.partial(chain)
            case Worked():
                return self.lines[chain.value]
            case ChainSum() if self.chains.owners.get(id(chain)) in self.lines:
                return self.lines[self.chains.owners.get(id(chain))]
            case ChainProduct(factors):
                return LineValue.combined("*", [self.value(factor) for factor in factors])
            case ChainSum(()):
                return LineValue(np.float64(0), lambda _: Number(0.0))
            case ChainSum(terms):
                return LineValue.combined("+", [self.value(term) for term in terms])
            case OverSamples():
                return self.over_samples(tr("mean") if chain.mean else tr("sum"), chain)

    def partial(self, local: Local) -> LineValue:
        """∂of/∂to, written when it is first needed."""
        if local not in self.lines:
            said = self.speller.mention(local.formula)
            value = LineValue(self.values[local.formula], lambda _: said)
            words = prose(NAMES.mention(local.formula))
            name = derivative(local.of, local.to)
            self.lines[local] = self.put(name, words, value, GRADIENT)
        return self.lines[local]

    def why(self, local: Local) -> None:
        """Why it is so, in the words of the derivation's page, below the first of its kind."""
        words = self.book.why(local)
        if words and words not in self.told:
            self.told.add(words)
            self.row += 1
            self.sheet.set_row(self.row, 16 * (1 + len(words) // NARROWEST))
            style = self.look.style(text_wrap=True, font_color=QUIET.ink, indent=1)
            self.sheet.merge_range(self.row, WORDS, self.row, VERDICT, words, style)

    def block(self, node: Node) -> Reference:
        """The cells that a sum over the samples adds; a line of their own where they have none."""
        if node not in self.known:
            said = self.speller.mention(node)
            value = LineValue(np.broadcast_to(self.values[node], self.step.samples), lambda _: said)
            self.known[node] = self.put(tr("to be added"), prose(NAMES.mention(node)), value, QUIET)
        return Reference(self.samples(self.known[node]))

    def line(self, value: Node) -> None:
        """∂E/∂value by its chain."""
        chain = self.derived.chains[value]
        name = derivative(self.derived.roots[value], value)
        if isinstance(chain, OverSamples):
            self.lines[value] = self.over_samples(name, chain)
        else:
            words = self.chains.words(chain, top=True)
            self.lines[value] = self.put(name, words, self.value(chain), GRADIENT)

    def over_samples(self, name: str, chain: OverSamples) -> LineValue:
        """Each sample's share beside the sum or the mean."""
        if chain in self.lines:
            return self.lines[chain]
        inside = self.value(chain.inside)
        shares = LineValue(np.broadcast_to(inside.number, self.step.samples), inside.at)
        of = mark("sum over the samples of {chain}")
        of = mark("mean over the samples of {chain}") if chain.mean else of
        words = tr(of, chain=self.chains.words(chain.inside))
        put = self.put(name, words, shares, GRADIENT)
        total = shares.number.sum() / (self.step.samples if chain.mean else 1)
        formula = f"=SUM({self.samples(put)})" + (f"/{self.step.samples}" if chain.mean else "")
        style = self.look.value(GRADIENT, SMALL_IN_FULL, bold=True)
        self.sheet.write_formula(self.row, NUMBER, formula, style, cell_value(total))
        cell = Reference(xl_rowcol_to_cell(self.row, NUMBER))
        self.lines[chain] = LineValue(total, lambda _: cell)
        return self.lines[chain]

    def samples(self, value: LineValue) -> str:
        """The cells of a line's samples."""
        first, last = value.at(0), value.at(self.step.samples - 1)
        return f"{write(first)}:{write(last)}"

    def put(self, name: str, words: str, value: LineValue, tint: Colour) -> LineValue:
        """Write a line, and say where its numbers stand."""
        self.row += 1
        self.longest = max(self.longest, len(words))
        row = self.row
        self.sheet.write_string(row, NAME, name, self.look.name(tint))
        self.sheet.write_string(row, WORDS, words, self.look.style(indent=1))
        style = self.look.value(tint, SMALL if value.each else SMALL_IN_FULL)
        places = range(self.step.samples) if value.each else [0]
        column = SAMPLE if value.each else NUMBER
        for sample in places:
            formula = f"={write(value.at(sample))}".format(c=xl_col_to_name(SAMPLE + sample))
            number = value.number[sample] if value.each else value.number
            self.sheet.write_formula(row, column + sample, formula, style, cell_value(number))

        def at(sample: int) -> Expression:
            return Reference(xl_rowcol_to_cell(row, column + (sample if value.each else 0)))

        return LineValue(value.number, at)

    def compare(self, weight: Node) -> None:
        """The gradient as Training has it, beside the chain's."""
        row = self.row
        here, there, verdict = (
            xl_rowcol_to_cell(row, column) for column in (NUMBER, TABLE, VERDICT)
        )
        gradient = self.step.gradients[weight]
        value = float(self.book.record.values[gradient][0])
        style = self.look.value(GRADIENT, SMALL_IN_FULL)
        formula = f"={self.in_epoch(gradient)}"
        self.sheet.write_formula(row, TABLE, formula, style, cell_value(value))
        number = float(np.sum(self.lines[weight].number))
        same = abs(number - value) <= SAME * self.largest_gradient
        near = f"{typed(SAME)}*MAX(MAX({self.all_gradients}),-MIN({self.all_gradients}))"
        agrees, differs = tr(AGREES), tr(DIFFERS)
        formula = f"=IF(ABS({here}-{there})<={near},{quote(agrees)},{quote(differs)})"
        found = agrees if same else differs
        self.sheet.write_formula(row, VERDICT, formula, self.look.verdict(), found)
        self.look.colour_verdicts(self.sheet, verdict)

    @cached_property
    def all_gradients(self) -> str:
        """Those of the epoch that is asked for: a row of the table's part that has them."""
        slopes, table = list(self.step.gradients.values()), self.book.training.of_step
        last = table.cell(slopes[-1], self.book.epochs - 1).rpartition("!")[2]
        return f"INDEX({table.cell(slopes[0])}:{last},{WORKED_EPOCH},0)"

    @cached_property
    def largest_gradient(self) -> float:
        slopes = self.step.gradients.values()
        return max(abs(float(self.book.record.values[slope][0])) for slope in slopes)
