"""What a workbook's cell depends on, and the chain to it from one input, for every medium.

Knows the words, the tables and the equations; it doesn't know how a slope is computed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any

from gradbook.cells.book import Book, show_value
from gradbook.cells.formula.address import Address, name_of, sheet_of
from gradbook.cells.formula.expression import references
from gradbook.cells.formula.pattern import CellReference
from gradbook.cells.formula.syntax import Expression, Reference, write
from gradbook.derivatives.algebra import NameReference, as_algebra
from gradbook.derivatives.formula_chain import ChainPath, InputChain, LocalSlope, chain_between
from gradbook.derivatives.labels import label
from gradbook.derivatives.public_book import Derivatives
from gradbook.derivatives.sensitivities import Sensitivity
from gradbook.errors import UsageError
from gradbook.graph.names import read_name
from gradbook.language import numeral, tr, tr_count
from gradbook.language.message import translate
from gradbook.report.derivation_page import SheetPicture, document_parts
from gradbook.report.document import PageOnly, Report
from gradbook.report.explanation import Explanation
from gradbook.report.markup import markup, report_cell
from gradbook.report.sheet_heat import HEAT_STYLE, notebook_heat, sheet_heat
from gradbook.targets.algebra.forms import (
    Cell,
    Code,
    Document,
    Factors,
    Form,
    Fraction,
    Inline,
    Numeral,
    Partial,
    Story,
    Symbol,
    Words,
    add_up,
    fill,
    numbers_in,
    sign_before,
    signed,
    worked_out,
)
from gradbook.targets.algebra.terminal_text import write_text

VERSION = 1  # of the JSON
MOST_INPUTS = 40  # in a table for people; programs get all
MOST_SENTENCES = 5
MOST_CELLS = 6  # of those that are held fixed, for each reason
MOST_FORMULAS = 16  # on the way from an input to the result
MOST_LINKS = 8  # of one path
MOST_COUNTED = 2**53  # paths; more are rounded in JSON


def explain_cell(derivatives: Derivatives, only: str | None = None) -> Explanation:
    """The list of what a cell depends on or, for one input, the chain from it to the cell."""
    if only is None:
        return Explanation(
            None,
            _list(derivatives),
            partial(list_record, derivatives),
            sheets=partial(_picture, derivatives),
        )
    source = derivatives.find(only)
    for one in derivatives.inputs:
        if one.by_one and one.cell == source:
            raise UsageError(f"{one.full_sentence}: it has no chain of derivatives")
    chain = chain_between(derivatives.slopes, source, derivatives.by_cell[source])
    return Explanation(
        None,
        _Telling(derivatives, chain).document(),
        partial(_with_chain, derivatives, chain),
        sheets=partial(_picture, derivatives),
    )


def _with_chain(derivatives: Derivatives, chain: InputChain) -> dict[str, Any]:
    return {**list_record(derivatives), "chain": _chain_record(chain)}


def _picture(derivatives: Derivatives) -> SheetPicture:
    return SheetPicture(sheet_heat(derivatives), HEAT_STYLE, notebook_heat(derivatives))


def derivatives_text(derivatives: Derivatives) -> str:
    """The list as text."""
    return write_text(_list(derivatives)).rstrip()


def derivatives_cell(derivatives: Derivatives) -> str:
    """The list and the coloured sheets in a notebook."""
    document = _list(derivatives)
    opening, *_ = document_parts(document.blocks)
    heat = PageOnly(lambda: notebook_heat(derivatives))
    return report_cell(Report(document.title, cell=[*opening.shown(), heat]))


def derivatives_list(derivatives: Derivatives) -> str:
    """The list as HTML without a page of its own."""
    document = _list(derivatives)
    return markup([block for part in document_parts(document.blocks) for block in part.shown()])


# The list -----------------------------------------------------------------------


def _list(derivatives: Derivatives) -> Document:
    result = derivatives.result
    inputs = derivatives.inputs
    story = Story(tr("What {cell} depends on", cell=_called(result.label, result.name)))
    story.say("{words}", words=_opening(derivatives))
    if derivatives.proposed is not None:
        story.say("{words}", words=proposal(derivatives))
    titles = (tr("input"), tr("cell"), tr("value"), tr("derivative"), tr("% per %"))
    story.table([(title,) for title in titles], map(_row, inputs[:MOST_INPUTS]))
    if len(inputs) > MOST_INPUTS:
        story.say(
            tr(
                "{number} further inputs, which matter less, are left out; {json} prints all, and "
                "{by} chooses."
            ),
            number=numeral(f"{len(inputs) - MOST_INPUTS:,}"),
            json=Code("--json"),
            by=Code("--by"),
        )
    telling = [
        sensitivity
        for sensitivity in inputs[:MOST_SENTENCES]
        if sensitivity.slope and isfinite(sensitivity.slope) and sensitivity.header is None
    ]
    if telling:
        story.heading(tr("In words"))
        for sensitivity in telling:
            story.say("{sentence}.", sentence=translate(sensitivity.full_sentence).rstrip("."))
    _tell_fixed(story, derivatives)
    return story.document()


def _called(words: str, name: str) -> str:
    """A cell by its label and its name: Call price (Model!B14)."""
    return f"{words} ({name})" if words else name


def _opening(derivatives: Derivatives) -> str:
    result, formulas = derivatives.result, len(derivatives.slopes.order)
    message = tr(
        "{cell} is {value}, computed from {inputs} by {formulas}. The numbers that matter most "
        "are first: % per % is how much the result changes if a number changes by 1 %."
    )
    if result.value is None:  # as in a file without values, of a function that has a slope only
        message = tr(
            "{cell} is computed from {inputs} by {formulas}. The file doesn't contain its value: "
            "open the file in a spreadsheet program and save it."
        )
    return message.format(
        cell=_called(result.label, result.name),
        value=numeral(show_value(result.value)),
        formulas=tr_count("{number} formula", "{number} formulas", formulas),
        inputs=tr_count("{number} number", "{number} numbers", len(derivatives.inputs)),
    )


def proposal(derivatives: Derivatives) -> tuple[Inline, ...]:
    """Which result was chosen for the reader, and which others are likely."""
    chosen = _called(derivatives.result.label, derivatives.result.name)
    others = ", ".join(derivatives.proposed or ())
    if others:
        words = tr("No result was named: {cell} is the likeliest. {of} names another: {others}.")
    else:
        words = tr("No result was named: {cell} is the likeliest. {of} names another.")
    return fill(words, cell=chosen, of=Code("--of"), others=others)


def _row(sensitivity: Sensitivity) -> Sequence[Cell]:
    percent = "–" if sensitivity.elasticity is None else Numeral(_rounded(sensitivity.elasticity))
    value = Numeral(sensitivity.value) if isfinite(sensitivity.value) else "–"
    return (
        (" – ".join(filter(None, (sensitivity.label, sensitivity.note))),),
        (sensitivity.name,),
        (value,),
        (Numeral(_rounded(sensitivity.slope)),),
        (percent,),
    )


def _rounded(value: float) -> float:
    """A number with as many digits as a list needs."""
    return float(f"{value:.5g}") if isfinite(value) else value


def _tell_fixed(story: Story, derivatives: Derivatives) -> None:
    """List what isn't differentiated, and where."""
    fixed = derivatives.slopes.fixed
    if not fixed:
        return
    story.heading(tr("Remarks"))
    book = derivatives.slopes.book
    for why, cells in fixed.items():
        shown = ", ".join(map(book.name_of, cells[:MOST_CELLS]))
        more = f" … ({numeral(f'{len(cells):,}')})" if len(cells) > MOST_CELLS else ""
        story.say("{why}: {cells}", why=translate(why), cells=shown + more)


# The chain ----------------------------------------------------------------------

SIGN = re.compile(r"[A-Za-zα-ωΑ-Ω]{1,2}(_[a-z]{1,5})?\d{0,3}(_\d{1,3}){0,2}")
LONGEST_NAME = 24  # characters of a label that stands for its cell in formulas


def _is_plain(character: str) -> bool:
    """Whether every medium can show the character in a formula."""
    is_ascii = character.isascii() and (character.isalnum() or character in " _")
    return is_ascii or unicodedata.name(character, "").startswith("LATIN ")


class _Names:
    """How each cell is called in formulas: by its label, unless another has the same one."""

    def __init__(self, book: Book, cells: Iterable[Address], home: int) -> None:
        self.book = book
        self.home = home  # the sheet whose cells need no sheet's name
        every = list(dict.fromkeys(cells))
        labels = {cell: label(book, cell) for cell in every}
        alike = Counter(words.casefold() for words in labels.values())
        self.labels = {c: words for c, words in labels.items() if alike[words.casefold()] == 1}

    def form(self, cell: Address) -> Form:
        word = self.word(cell)
        is_sign = word == self.labels.get(cell) and SIGN.fullmatch(word)
        return Symbol(read_name(word)) if is_sign else Words(word)

    def word(self, cell: Address) -> str:
        words = self.labels.get(cell, "")
        is_name = words[:1].isalpha() and len(words) <= LONGEST_NAME
        return words if is_name and all(map(_is_plain, words)) else self.short(cell)

    def short(self, cell: Address) -> str:
        """The cell's own name."""
        return name_of(cell) if sheet_of(cell) == self.home else self.book.name_of(cell)


@dataclass(frozen=True)
class _Telling:
    """Writes a chain: what the names mean, the formulas, their slopes, and the sum of products."""

    derivatives: Derivatives
    chain: InputChain

    @property
    def book(self) -> Book:
        return self.chain.slopes.book

    def document(self) -> Document:
        cells = self._cells_to_write_out()
        names = self._names_for(cells)
        ends = self.chain.slopes.result, self.chain.source
        words = [_called(label(self.book, end), self.book.name_of(end)) for end in ends]
        story = Story(tr("How {result} depends on {input}", result=words[0], input=words[1]))
        if self.derivatives.proposed is not None:
            story.say("{words}", words=proposal(self.derivatives))
        self._tell_names(story, names)
        story.heading(tr("Forward"))
        if len(cells) < len(self.chain.cells) - 1:
            story.say(
                tr(
                    "{number} formulas lie between them. Those on the paths that contribute most "
                    "are written out."
                ),
                number=numeral(f"{len(self.chain.cells) - 1:,}"),
            )
        for cell in cells:
            self._tell_formula(story, names, cell)
        self._tell_slopes(story, names, cells)
        self._tell_sum(story, names, Fraction(*(Words(f"d {names.word(end)}") for end in ends)))
        return story.document()

    def _cells_to_write_out(self) -> list[Address]:
        """The formulas to write out."""
        on_paths = {link.user for path in self.chain.paths for link in path.links}
        if len(on_paths) > MOST_FORMULAS:
            on_paths = {link.user for link in self.chain.paths[0].links}
        cells = [cell for cell in self.chain.cells if cell in on_paths]
        half = MOST_FORMULAS // 2
        return cells if len(cells) <= MOST_FORMULAS else [*cells[:half], *cells[-half:]]

    def _names_for(self, cells: Sequence[Address]) -> _Names:
        mentioned = (cell for user in cells for cell in self._mentioned(user))
        home = sheet_of(self.chain.slopes.result)
        return _Names(self.book, (*self.chain.cells[:1], *mentioned, *cells), home)

    def _mentioned(self, user: Address) -> Iterator[Address]:
        expression = self._formula(user)
        for part in references(expression) if expression else ():
            cell = self.book.reader.cell(part.text, user)
            if cell is not None:
                yield cell

    def _formula(self, cell: Address) -> Expression | None:
        return self.book.read_typed(cell).expression

    # Its parts

    def _tell_names(self, story: Story, names: _Names) -> None:
        rows = [
            (
                (names.form(cell) if names.word(cell) == words else words,),
                (names.short(cell),),
                (self._number(cell),),
            )
            for cell, words in sorted(names.labels.items())
            if words
        ]
        if rows:
            story.table([(tr("name"),), (tr("cell"),), (tr("value"),)], rows)

    def _number(self, cell: Address) -> Inline:
        value = self.book.values.get(cell)
        return Numeral(value) if isinstance(value, float) else show_value(value)

    def _tell_formula(self, story: Story, names: _Names, cell: Address) -> None:
        formula = self._formula(cell)
        if formula is None:
            return
        symbols = as_algebra(formula, self._in_symbols(names, cell))
        rights = [("=", symbols), *self._in_numbers(formula, cell, self.book.values.get(cell))]
        story.equation(names.form(cell), *rights)

    def _tell_slopes(self, story: Story, names: _Names, cells: Sequence[Address]) -> None:
        story.heading(tr("Backward"))
        story.explain(
            tr(
                "The chain rule: a change in the input changes the formulas that use it, which "
                "change others, and so on up to the result. How strongly the result changes is "
                "the product of how strongly each formula changes with the one before it; where "
                "several paths lead to the result, the products add up."
            )
        )
        on_paths = dict.fromkeys(link for path in self.chain.paths for link in path.links)
        for link in on_paths:
            if link.user in cells:
                self._tell_link(story, names, link)

    def _tell_link(self, story: Story, names: _Names, link: LocalSlope) -> None:
        symbols = as_algebra(link.partial, self._in_symbols(names, link.user))
        rights = [("=", symbols), *self._in_numbers(link.partial, link.user, link.slope)]
        story.equation(Partial(names.form(link.user), names.form(link.source)), *rights)

    def _tell_sum(self, story: Story, names: _Names, slope: Form) -> None:
        chain = self.chain
        story.heading(tr("The chain"))
        left_out = chain.count - len(chain.paths)
        if left_out:
            exact = chain.count < 10**9
            story.say(
                tr(
                    "{count} paths lead from the input to the result. The {shown} that contribute "
                    "most are written out; the others add up to {rest}."
                ),
                count=numeral(f"{chain.count:,}" if exact else f"{_roughly(chain.count):.1e}"),
                shown=str(len(chain.paths)),
                rest=Numeral(chain.rest),
            )
        partials = [_product(self._partials(path, names)) for path in chain.paths]
        numbers = [
            _product([Numeral(link.slope) for link in reversed(path.links)]) for path in chain.paths
        ]
        if left_out:
            partials.append(Words("…"))
            numbers.append(Numeral(chain.rest))
        rights: list[tuple[str, Form]] = [("=", add_up(partials))]
        if len(chain.paths) > 1 or len(chain.paths[0].links) > 1:
            rights += [(sign_before(add_up(numbers)), add_up(map(signed, numbers)))]
            if len(numbers) > 1:
                shares: list[Form] = [Numeral(path.product) for path in chain.paths]
                shares += [Numeral(chain.rest)] if left_out else []
                rights += [(sign_before(add_up(shares)), add_up(map(signed, shares)))]
        rights.append((sign_before(Numeral(chain.slope)), Numeral(chain.slope)))
        story.equation(slope, *rights)
        sensitivity = next((s for s in self.derivatives.inputs if s.cell == chain.source), None)
        if sensitivity is not None and isfinite(sensitivity.slope):
            story.say("{sentence}.", sentence=translate(sensitivity.full_sentence).rstrip("."))

    def _partials(self, path: ChainPath, names: _Names) -> list[Form]:
        links = reversed(path.links)
        return [Partial(names.form(link.user), names.form(link.source)) for link in links]

    # Formulas

    def _in_symbols(self, names: _Names, home: Address) -> NameReference:
        def name(part: Reference) -> Form:
            cell = self.book.reader.cell(part.text, home)
            return Words(self._range(part.text, names)) if cell is None else names.form(cell)

        return name

    def _range(self, text: str, names: _Names) -> str:
        title, mark, rest = text.replace("$", "").rpartition("!")
        is_home = self.book.sheet_number(title.strip("'")) == names.home
        return rest if is_home else title + mark + rest

    def _in_numbers(
        self, formula: Expression, home: Address, result: object
    ) -> list[tuple[str, Form]]:
        """The formula with the numbers of its cells, and its value."""

        def number(part: Reference) -> Form:
            mention = self.book.reader.mention(part.text, home)
            cell = mention.at(home) if isinstance(mention, CellReference) else None
            value = self.book.values.get(cell) if cell is not None else None
            if isinstance(value, float):
                return Numeral(value)
            return Words(part.text.rpartition("!")[2].replace("$", ""))

        value = result if isinstance(result, float) else float("nan")
        with_numbers = as_algebra(formula, number)
        if not any(numbers_in(with_numbers)) or not isfinite(value):
            return [(sign_before(Numeral(value)), Numeral(value))] if isfinite(value) else []
        return worked_out(with_numbers, value)


def _roughly(count: int) -> float:
    """A number that may have more digits than can be written."""
    return float(min(count, 10**300))


def _product(factors: Sequence[Form]) -> Form:
    """A product, of which the middle is left out if it is long."""
    if len(factors) > MOST_LINKS:
        half = MOST_LINKS // 2
        factors = [*factors[:half], Words("…"), *factors[-half + 1 :]]
    return factors[0] if len(factors) == 1 else Factors(tuple(factors))


# For programs -------------------------------------------------------------------


def list_record(derivatives: Derivatives) -> dict[str, Any]:
    """The list as a record, with all inputs and all digits."""
    slopes, result = derivatives.slopes, derivatives.result
    return {
        "version": VERSION,
        "book": str(result.book.path),
        "result": _cell_record(slopes.book, slopes.result),
        "other_results": list(derivatives.proposed or ()),
        "formulas": len(slopes.order),
        "inputs": [
            {
                "cell": sensitivity.name,
                "label": sensitivity.label,
                "value": _finite(sensitivity.value),
                "derivative": _finite(sensitivity.slope),
                "percent_per_percent": _finite(sensitivity.elasticity),
                "step": sensitivity.step,
                "nudged": _finite(sensitivity.nudged),
                "confirmed": sensitivity.is_confirmed,
                "by_one": sensitivity.by_one,
                "header": list(sensitivity.header) if sensitivity.header else None,
                "remark": sensitivity.note,
                "sentence": str(sensitivity.sentence),
            }
            for sensitivity in derivatives.inputs
        ],
        "remarks": [
            {"why": str(why), "cells": list(map(slopes.book.name_of, cells))}
            for why, cells in slopes.fixed.items()
        ],
    }


def _chain_record(chain: InputChain) -> dict[str, Any]:
    book = chain.slopes.book
    return {
        "input": _cell_record(book, chain.source),
        "derivative": _finite(chain.slope),
        "formulas": [_cell_record(book, cell) for cell in chain.cells[1:]],
        "slopes": [
            {
                "of": book.name_of(link.user),
                "by": book.name_of(link.source),
                "formula": f"={write(link.partial)}",
                "value": _finite(link.slope),
            }
            for cell in chain.cells
            for link in chain.links.get(cell, ())
        ],
        "paths": [
            {
                "cells": [
                    book.name_of(chain.source),
                    *(book.name_of(link.user) for link in path.links),
                ],
                "product": _finite(path.product),
            }
            for path in chain.paths
        ],
        "path_count": chain.count if chain.count < MOST_COUNTED else _roughly(chain.count),
        "other_paths": _finite(chain.rest) if chain.count > len(chain.paths) else 0.0,
    }


def _cell_record(book: Book, cell: Address) -> dict[str, Any]:
    value = book.values.get(cell)
    return {
        "cell": book.name_of(cell),
        "label": label(book, cell),
        "formula": book.formula(cell),
        "value": _finite(value) if isinstance(value, float) else value,
    }


def _finite(number: float | None) -> float | None:
    """The number, or None where JSON has none."""
    return number if number is not None and isfinite(number) else None
