"""The sheet Derivation: every chain of partial derivatives with the numbers of one epoch, live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add, mul
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from gradbook.cells.formula.syntax import Expression, Reference, write
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
from gradbook.palette import GRADIENT, QUIET, Colour
from gradbook.targets.excel.live import LiveValue, call, live, when
from gradbook.targets.excel.plan.gradient_check import AGREES, DIFFERS
from gradbook.targets.excel.plan.workbook_plan import DERIVATION, TRAINING, WorkbookPlan
from gradbook.targets.excel.sheets.look import SMALL, SMALL_IN_FULL, Look, Page, an_epoch, colour
from gradbook.targets.excel.spellings import NAMES, Speller

# The chains to work out, the values they refer to, and their text ------------

MOST_CELLS = 12_000  # a larger derivation works out only two weights, as examples of the others
A_WEIGHTS_LINES = 12  # approximately: its partials, its chain


@dataclass(frozen=True)
class Chains:
    """The chains of a derivation; a sum of paths has its own line, to which others refer."""

    derived: Derivation

    @cached_property
    def owners(self) -> dict[int, Node]:
        """The value whose whole chain is this sum, by the sum's identity."""
        chains = self.derived.chains.items()
        return {id(chain): value for value, chain in chains if isinstance(chain, ChainSum)}

    def weights(self) -> list[Node]:
        """The weights to work out: all, or the first one of the first and of the last layer."""
        step = self.derived.step
        trained = step.trained
        if len(trained) * A_WEIGHTS_LINES * step.samples <= MOST_CELLS:
            return trained
        by_name = {str(weight.name): weight for weight in trained}
        names = [p.names[0] for p in step.source.parameters if p.names[0] in by_name]
        return [by_name[name] for name in dict.fromkeys((names[0], names[-1]))]

    def reached(self, weights: Iterable[Node]) -> list[Node]:
        """The weights and the values whose lines their chains refer to, from the error back."""
        chains = self.derived.chains
        reached = set(ancestors(list(weights), sources=lambda it: self._referred(chains[it])))
        return [value for value in chains if value in reached]

    def _referred(self, chain: Chain, inside: bool = False) -> Iterator[Node]:
        """The values whose lines a chain refers to."""
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
        """The values whose formulas those partials differentiate."""
        mentioned = {local.of for local in self.locals(reached)} | {self.derived.step.loss}
        return [node for node in self.derived.forward if node in mentioned]

    def leaves(self, reached: Sequence[Node], forward: Sequence[Node]) -> list[Node]:
        """The other values that the formulas of those partials and values mention."""
        formulas = [local.formula for local in self.locals(reached)]
        mentioned: set[Node] = set()
        for formula in [*formulas, *forward]:
            mentioned.update([formula] if formula in self._named else named_inputs(formula))
        mentioned.update(node for value in forward for node in named_inputs(value))
        return sorted(mentioned - set(forward), key=lambda node: node.index)

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
                return tr("0: it affects no error")
            case ChainSum(terms):
                return " + ".join(self.words(term) for term in terms)
            case OverSamples(inside, mean):
                message = mark("mean of ({chain})") if mean else mark("sum of ({chain})")
                return tr(message, chain=self.words(inside))


def derivative(of: Node, to: Node) -> str:
    return f"∂{of.name}/∂{to.name}"


def prose(expression: Expression) -> str:
    """A formula in names, with spaces around its signs."""
    apart = re.sub(r"(?<=[\w)])(?<!\dE)([-+])", r" \1 ", write(expression))
    return apart.replace("*", "·").replace("-", "−")


# The sheet -------------------------------------------------------------------

NAME, WORDS, NUMBER, TABLE, VERDICT, SAMPLE = 1, 2, 3, 4, 5, 6  # columns
EPOCH_ROW, HEADING_ROW = 2, 3
WORKED_EPOCH = "derivation_epoch"  # the name of the cell with the epoch
NARROWEST = 72  # characters that fit into a line of words even in the narrowest column
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WIDEST = 90  # characters of a formula in names

SAME = 1e-9  # of the largest gradient: the most that equal values may differ


@dataclass(frozen=True)
class LineValue:
    """A value that formulas on the sheet can refer to: one for all samples, or one for each."""

    contents: tuple[LiveValue, ...]
    each: bool = False

    @staticmethod
    def of(formula: Expression, numbers: Any) -> LineValue:
        """The results of a formula; {c} stands for the column of the sample."""
        contents = tuple(LiveValue(formula, number) for number in np.atleast_1d(numbers))
        return LineValue(contents, bool(np.ndim(numbers)))

    def at(self, sample: int) -> LiveValue:
        return self.contents[sample if self.each else 0]

    @staticmethod
    def combined(work: Callable[[Any, Any], Any], values: Sequence[LineValue]) -> LineValue:
        """The sum or the product of several."""
        samples = range(max(len(value.contents) for value in values))
        contents = tuple(reduce(work, (value.at(k) for value in values)) for k in samples)
        return LineValue(contents, any(value.each for value in values))


def write_derivation(look: Look, book: WorkbookPlan) -> None:
    step = book.step
    chains = Chains(derivation(step))
    remark = tr("All numbers belong to one epoch of {training}: type another.", training=TRAINING)
    if len(chains.weights()) < len(step.gradients):
        some = tr(
            "Of the {count} weights, only the first of the first layer and the first of the last "
            "layer are worked out.",
            count=len(step.gradients),
        )
        remark = f"{remark} {some}"
    title = tr("The chain rule, with live numbers")
    sheet = look.sheet(DERIVATION, title, remark, left=NAME)
    written = _Derivation(Page(sheet, look), book, chains)
    written.write()
    rows, across = written.row - HEADING_ROW, SAMPLE - NUMBER + step.samples
    look.plain_zeros(sheet, HEADING_ROW + 1, NUMBER, rows, across)


@dataclass
class _Derivation:
    page: Page
    book: WorkbookPlan
    chains: Chains
    row: int = HEADING_ROW
    longest: int = 0  # characters of the words so far
    lines: dict[object, LineValue] = field(default_factory=dict)  # of partials and chains
    known: dict[Node, LineValue] = field(default_factory=dict)  # of the network's values
    reasons: set[str] = field(default_factory=set)  # explanations written so far, each only once

    def __post_init__(self) -> None:
        self.sheet, self.look = self.page.sheet, self.page.look
        self.step, self.derived = self.book.step, self.chains.derived
        self.values = first_values(self.derived)
        self.speller = Speller(self.refer, self.block, self.book.guarded)

    # The sheet from top to bottom --------------------------------------------

    def write(self) -> None:
        self.head()
        weights = self.chains.weights()
        reached = self.chains.reached(weights)
        forward = self.chains.forward(reached)
        self.section(tr("Given"), tr("the inputs, and the weights in that epoch"))
        for node in self.chains.leaves(reached, forward):
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
            self.section(tr("Shared steps"), tr("factors of several chains, worked out once"))
        for value in shared:
            self.line(value)
        self.section(tr("Gradients"), tr("the chain of each weight, from the error to the weight"))
        for weight in weights:
            self.line(weight)
            self.compare(weight)
        self.sheet.set_column(WORDS, WORDS, min(max(30, 0.9 * self.longest), WIDEST))
        self.sheet.freeze_panes(HEADING_ROW + 1, NUMBER)

    def head(self) -> None:
        sheet = self.sheet
        sheet.set_column(0, 0, 2)
        sheet.set_column(NAME, NAME, 18)
        sheet.set_column(NUMBER, VERDICT, 14)
        sheet.set_column(SAMPLE, SAMPLE + self.step.samples, 11)
        headings = {NUMBER: tr("number"), TABLE: tr("in {training}", training=TRAINING)}
        if self.book.several:
            samples = range(self.step.samples)
            headings |= {SAMPLE + k: tr("sample {number}", number=k + 1) for k in samples}
        rule = an_epoch(self.book.epochs)
        self.page.asked(EPOCH_ROW, NUMBER, tr("epoch"), 1, WORKED_EPOCH, rule)
        for place, words in {**headings, VERDICT: None}.items():
            sheet.write(HEADING_ROW, place, words, self.look.heading(QUIET))

    def section(self, title: str, words: str) -> None:
        self.row += 1 if self.row == HEADING_ROW else 2
        self.sheet.write_string(self.row, NAME, title, self.look.section)
        self.sheet.write_string(self.row, WORDS, words, self.look.remark)

    # Lines -------------------------------------------------------------------

    def known_line(self, node: Node, words: str) -> None:
        """Write a value from the table in the chosen epoch."""
        numbers = np.atleast_1d(self.values[node])
        contents = tuple(LiveValue.at(self.in_epoch(node, k), it) for k, it in enumerate(numbers))
        value = LineValue(contents, node.each)
        self.known[node] = self.put(str(node.name), words, value, colour(node.name))

    def in_epoch(self, node: Node, sample: int = 0) -> str:
        """A value's cell in the chosen epoch."""
        return self.book.training.in_epoch(node, self.book.epochs, WORKED_EPOCH, sample)

    def refer(self, node: Node) -> Reference | None:
        """A value's cell on this sheet; `{c}` stands for the column of the sample."""
        value = self.known.get(node)
        if value is None:
            return None
        cell = value.at(0).cells
        return Reference(f"{{c}}{cell.lstrip(LETTERS)}" if value.each else cell)

    def value(self, chain: Chain) -> LineValue:
        """The formula of a chain, which refers to its lines if it has any."""
        match chain:
            case Local():
                return self.partial(chain)
            case Worked():
                return self.lines[chain.value]
            case ChainSum() if self.chains.owners.get(id(chain)) in self.lines:
                return self.lines[self.chains.owners.get(id(chain))]
            case ChainProduct(factors):
                return LineValue.combined(mul, [self.value(factor) for factor in factors])
            case ChainSum(()):
                return LineValue((live(0.0),))
            case ChainSum(terms):
                return LineValue.combined(add, [self.value(term) for term in terms])
            case OverSamples():
                return self.over_samples(tr("mean") if chain.mean else tr("sum"), chain)

    def partial(self, local: Local) -> LineValue:
        """∂of/∂to, written when it is first needed."""
        if local not in self.lines:
            formula = self.speller.mention(local.formula)
            value = LineValue.of(formula, self.values[local.formula])
            words = prose(NAMES.mention(local.formula))
            name = derivative(local.of, local.to)
            self.lines[local] = self.put(name, words, value, GRADIENT)
        return self.lines[local]

    def why(self, local: Local) -> None:
        """Write the explanation of a partial derivative below the first one of its kind."""
        words = self.book.why(local)
        if words and words not in self.reasons:
            self.reasons.add(words)
            self.row += 1
            self.sheet.set_row(self.row, 16 * (1 + len(words) // NARROWEST))
            style = self.look.style(text_wrap=True, font_color=QUIET.ink, indent=1)
            self.sheet.merge_range(self.row, WORDS, self.row, VERDICT, words, style)

    def block(self, node: Node) -> Reference:
        """The cells that a sum over the samples adds; values without cells get a line."""
        if node not in self.known:
            numbers = np.broadcast_to(self.values[node], self.step.samples)
            value = LineValue.of(self.speller.mention(node), numbers)
            words = prose(NAMES.mention(node))
            self.known[node] = self.put(tr("to be added"), words, value, QUIET)
        return Reference(self.samples(self.known[node]).cells)

    def line(self, value: Node) -> None:
        """Write ∂E/∂value with its chain."""
        chain = self.derived.chains[value]
        name = derivative(self.derived.roots[value], value)
        if isinstance(chain, OverSamples):
            self.lines[value] = self.over_samples(name, chain)
        else:
            words = self.chains.words(chain, top=True)
            self.lines[value] = self.put(name, words, self.value(chain), GRADIENT)

    def over_samples(self, name: str, chain: OverSamples) -> LineValue:
        """Write each sample's contribution beside the sum or the mean."""
        if chain in self.lines:
            return self.lines[chain]
        inside, count = self.value(chain.inside), self.step.samples
        shares = LineValue(tuple(map(inside.at, range(count))), each=True)
        of = mark("sum over the samples of {chain}")
        of = mark("mean over the samples of {chain}") if chain.mean else of
        words = tr(of, chain=self.chains.words(chain.inside))
        total = call("SUM", self.samples(self.put(name, words, shares, GRADIENT)))
        total = total / count if chain.mean else total
        style = self.look.value(GRADIENT, SMALL_IN_FULL, bold=True)
        self.page.live(self.row, NUMBER, total, style)
        cell = LiveValue.at(xl_rowcol_to_cell(self.row, NUMBER), total.value)
        self.lines[chain] = LineValue((cell,))
        return self.lines[chain]

    def samples(self, value: LineValue) -> LiveValue:
        """The cells of a line's samples."""
        first, *_, last = value.contents
        return LiveValue.at(f"{first.cells}:{last.cells}", [it.value for it in value.contents])

    def put(self, name: str, words: str, value: LineValue, tint: Colour) -> LineValue:
        """Write a line, and return references to its numbers."""
        self.row += 1
        self.longest = max(self.longest, len(words))
        row = self.row
        self.sheet.write_string(row, NAME, name, self.look.name(tint))
        self.sheet.write_string(row, WORDS, words, self.look.style(indent=1))
        style = self.look.value(tint, SMALL if value.each else SMALL_IN_FULL)
        cells = []
        for column, content in enumerate(value.contents, SAMPLE if value.each else NUMBER):
            formula = content.cells.format(c=xl_col_to_name(column))
            self.page.live(row, column, LiveValue.at(formula, content.value), style)
            cells.append(LiveValue.at(xl_rowcol_to_cell(row, column), content.value))
        return LineValue(tuple(cells), value.each)

    def compare(self, weight: Node) -> None:
        """Write the gradient from Training beside the chain's result, and the verdict."""
        gradient, here = self.step.gradients[weight], self.lines[weight].at(0)
        content = LiveValue.at(self.in_epoch(gradient), self.book.record.values[gradient][0])
        self.page.live(self.row, TABLE, content, self.look.value(GRADIENT, SMALL_IN_FULL))
        there = LiveValue.at(xl_rowcol_to_cell(self.row, TABLE), content.value)
        near = SAME * call("MAX", call("MAX", self.gradients), -call("MIN", self.gradients))
        verdict = when(call("ABS", here - there) <= near, tr(AGREES), tr(DIFFERS))
        self.page.verdict(self.row, VERDICT, 1, verdict)

    @cached_property
    def gradients(self) -> LiveValue:
        """The gradients of the chosen epoch: a range of the table's row."""
        slopes, table = list(self.step.gradients.values()), self.book.training.of_step
        last = table.cell(slopes[-1], self.book.epochs - 1).rpartition("!")[2]
        cells = f"INDEX({table.cell(slopes[0])}:{last},{WORKED_EPOCH},0)"
        return LiveValue.at(cells, [self.book.record.values[it][0] for it in slopes])
