"""The formulas that small edits can make of one, with many alternatives evaluated at once.

A formula is evaluated at a few points, and so are its alternatives, those of each part in one
array. Each kind of edit proposes alternatives. A missing factor, or a missing activation, may be a
template applied to a cell: a function that the sheet's own formulas use, such as 1−x, 1/(1+EXP(−x))
or IF(x>0,1,0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, combinations, islice

import numpy as np

from gradbook.audit.formulas.points import CLOSE, ENOUGH_POINTS, FAINT
from gradbook.audit.formulas.sampled_formulas import EvaluatedFormula, operate
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.cells.formula.address import Address, sheet_of
from gradbook.cells.formula.changes import flattened
from gradbook.cells.formula.expression import (
    Edit,
    EditKind,
    Path,
    factors,
    parts,
    paths,
    product,
    put,
    references,
    regroup,
    rename_cells,
    replace_parts,
    shorten,
    terms,
    tidy,
    total,
    with_natural_logarithms,
)
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import neighbours
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    number,
    read,
    write,
)
from gradbook.graph.node import Array


@dataclass(frozen=True)
class Substitute:
    """An expression that could be used in a formula, and its values."""

    expression: Expression
    values: Array


@dataclass(frozen=True)
class Alternatives:
    """Edits of one part that differ in the replacement, and the formula's values with each."""

    kind: EditKind
    paths: tuple[Path, ...]
    old: Expression
    new: Callable[[int], Expression]  # the replacements, made when needed: hardly any are
    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, k: int) -> Edit:
        return Edit(self.kind, self.paths, self.old, self.new(k))


def edits_that_give(every: Iterable[Alternatives], true: Array) -> Iterator[Edit]:
    """The edits that give the formula the right values."""
    find = _finder_of(true)
    for alternatives in every:
        for (k,) in find(alternatives.values):
            yield alternatives[k]


def hits(values: Array, true: Array) -> list[tuple[int, ...]]:
    """The indices of alternatives with the right values; the last axis is the points."""
    return _finder_of(true)(values)


def _finder_of(true: Array) -> Callable[[Array], list[tuple[int, ...]]]:
    """A function that finds alternatives with these values, of which it knows the usual size."""
    sure = np.flatnonzero(np.isfinite(true))
    if len(sure) < ENOUGH_POINTS:
        return lambda values: []
    wanted = true[sure]
    usual = FAINT * np.max(np.abs(wanted))

    def equal(some: Array, wanted: Array) -> Array:
        size = np.maximum(np.minimum(np.abs(some), np.finfo(float).max), np.abs(wanted))
        found: Array = np.abs(some - wanted) <= CLOSE * np.maximum(size, usual)
        return found

    def find(values: Array) -> list[tuple[int, ...]]:
        values = values[:, None] if values.ndim == 1 else values  # a number, the same everywhere
        values = np.broadcast_to(values, (*values.shape[:-1], len(true)))
        with np.errstate(all="ignore"):
            likely = np.argwhere(equal(values[..., int(sure[0])], wanted[:1]))
            if not len(likely):
                return []  # most differ at the first point
            each = values[tuple(likely.T)][:, sure]
            right = likely[np.all(equal(each, wanted), axis=-1)]
        return [tuple(map(int, place)) for place in right]

    return find


# Kinds of edits -----------------------------------------------------------------------

OPERATORS = "+-*/^"
COMPARISONS = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "<>", "<>": "="}  # reversed
MOST_GROUPINGS = 400
MOST_EXCHANGED = 12  # references
MOST_WITHIN = 90  # edits inside functions of ranges
MOST_NEAR = 16  # cells that are tried there
SHORT = 60  # parts of a formula in which missing terms are tried anywhere
ZERO = Number(0.0)


@dataclass(frozen=True)
class Substitutes:
    """What may replace a cell or a number of a formula, or be added to it."""

    references: Sequence[Substitute]
    numbers: Sequence[Substitute]
    factors: Callable[[], Sequence[Substitute]]  # made last: there are many
    terms: Callable[[], Sequence[Substitute]]
    activations: Mapping[str, str] = field(default_factory=dict)  # sum → its activation


@dataclass(frozen=True)
class EditGenerator:
    name: str
    propose: Callable[[EvaluatedFormula, Substitutes], Iterator[Alternatives]]
    adds: bool = False  # adds something that is missing; others change what is there


def constants(shape: tuple[int, ...]) -> list[Substitute]:
    """Numbers that such formulas often contain."""
    usual = (1.0, 2.0, 0.5, -1.0, 0.0, 3.0, 4.0, 0.25)
    return [Substitute(number(value), np.full(shape, value)) for value in usual]


def _single_edit(
    formula: EvaluatedFormula, kind: EditKind, path: Path, old: Expression, new: Expression
) -> Alternatives:
    """A single edit; `old` is the part that changes, or the part to report."""
    return _single_alternative(kind, (path,), old, new, formula.with_({path: formula.worth(new)}))


def _single_alternative(
    kind: EditKind, paths: tuple[Path, ...], old: Expression, new: Expression, values: Array
) -> Alternatives:
    return Alternatives(kind, paths, old, lambda _: new, np.asarray(values)[None])


def _each_substitute(
    formula: EvaluatedFormula,
    kind: EditKind,
    spots: Iterable[tuple[Path, ...]],
    substitutes: Sequence[Substitute],
    operators: Iterable[str] = ("",),
) -> Iterator[Alternatives]:
    """Each substitute instead of a part or, with an operator, combined with it."""
    if not substitutes:
        return
    stack = _stack(substitutes)
    for operator in operators:
        for places in spots:
            old, values = formula.parts[places[0]], stack
            if operator:
                with np.errstate(all="ignore"):
                    values = operate(operator, formula.values[places[0]], stack)

            def new(k: int, operator: str = operator, old: Expression = old) -> Expression:
                said = substitutes[k].expression
                if operator == "*" and isinstance(said, Number):
                    return flattened(Infix("*", said, old))  # 2*x rather than x*2
                return Infix(operator, old, said) if operator else said

            whole = formula.with_(dict.fromkeys(places, values))
            yield Alternatives(kind, places, old, new, whole)


def other_references(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """A reference replaced by another, or by a number."""
    substitutes = [one for one in known.references if one.expression != ZERO]
    spots = [p for p in _spots(formula) if isinstance(formula.parts[p[0]], Reference)]
    return _each_substitute(formula, EditKind.REFERENCE, spots, substitutes)


def other_numbers(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """A number replaced by another, or by a cell; a cell for its square, for 1 − x or for its sign:
    1 − a for 1 − a²."""
    spots = [p for p in _spots(formula) if isinstance(formula.parts[p[0]], Number)]
    yield from _each_substitute(formula, EditKind.NUMBER, spots, known.numbers)
    for path, part in formula.parts.items():
        if isinstance(part, Reference) and ":" not in part.text:
            square, rest = Infix("^", part, Number(2.0)), Infix("-", Number(1.0), part)
            instead: list[Expression] = [square, Call("SIGN", (part,))]
            if _is_inside_product(formula, path):
                instead.insert(1, rest)
            for new in instead:
                yield _single_edit(formula, EditKind.NUMBER, path, part, new)


def other_operators(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """Another operator, operands exchanged, or a sign reversed."""
    for path, part in formula.parts.items():
        for kind, new in _turned(part):
            yield _single_edit(formula, kind, path, part, new)
        for new in (*_parted(formula, path, part), *_multiplied(part)):
            yield _single_edit(formula, EditKind.OPERATOR, path, part, new)


def _turned(part: Expression) -> Iterator[tuple[EditKind, Expression]]:
    """Another operator or sign, a reversed comparison, operands or branches exchanged."""
    match part:
        case Infix(operator, left, right) if operator in OPERATORS:
            for other in OPERATORS:
                if other != operator:
                    yield EditKind.OPERATOR, flattened(Infix(other, left, right))
            if operator in "-/^":
                yield EditKind.ORDER, Infix(operator, right, left)
        case Infix(operator, left, right) if operator in COMPARISONS:
            yield EditKind.OPERATOR, Infix(COMPARISONS[operator], left, right)
        case Call("IF", (condition, then, otherwise)):
            yield EditKind.ORDER, Call("IF", (condition, otherwise, then))
    if isinstance(part, Prefix) and part.operator == "-":
        yield EditKind.SIGN, part.operand
    else:
        yield EditKind.SIGN, Prefix("-", part)


def _parted(formula: EvaluatedFormula, path: Path, part: Expression) -> Iterator[Expression]:
    """a·b·c as a·b + c, a + b·c and with a minus: a sum of products that became one product."""
    if not (isinstance(part, Infix) and part.operator == "*") or _is_inside_product(formula, path):
        return
    split = factors(part)
    if split.sign < 0 or not all(factor.above for factor in split.parts):
        return
    for k in range(1, len(split.parts) - 1):  # splitting off the last factor changes an operator
        left, right = product(split.parts[:k]), product(split.parts[k:])
        yield Infix("+", left, right)
        yield Infix("-", left, right)
        rest = [*split.parts[:k], *split.parts[k + 1 :]]
        yield Infix("+", product(rest), split.parts[k].part)  # factors may be in any order


def _multiplied(part: Expression) -> Iterator[Expression]:
    """a·b + c + d + e as a·b + c·d + e: a product within a sum that became two terms."""
    if not (isinstance(part, Infix) and part.operator == "+"):
        return
    every = terms(part)
    for k in range(1, len(every) - 1):  # joining the first two changes an operator
        (sign, left), (other, right) = every[k : k + 2]
        if isinstance(left, Reference) and isinstance(right, Reference) and other > 0:
            yield total([*every[:k], (sign, Infix("*", left, right)), *every[k + 2 :]])


def every_activation(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """All sums replaced by their activations at once."""
    whole = formula.expression
    mentioned = {reference.text for reference in references(whole)}
    if len(mentioned & known.activations.keys()) > 1:
        new = rename_cells(whole, lambda ref: known.activations.get(ref.text, ref.text))
        yield _single_edit(formula, EditKind.ACTIVATION, (), whole, new)


def exchanges(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """Two references exchanged, or a reference and 1 minus it elsewhere in the formula."""
    spots = [(path, part) for path, part in formula.parts.items() if isinstance(part, Reference)]
    rests: Iterable[tuple[tuple[Path, Expression], tuple[Path, Expression]]] = (
        ((path, part), (other, rest))
        for other, rest in formula.parts.items()
        if isinstance(rest, Infix) and rest.operator == "-" and rest.left == Number(1.0)
        for path, part in spots
        if part == rest.right and path[: len(other)] != other
    )
    for (one, a), (other, b) in chain(combinations(spots[:MOST_EXCHANGED], 2), rests):
        if a != b:
            values = formula.with_({one: formula.values[other], other: formula.values[one]})
            yield _single_alternative(EditKind.EXCHANGE, (one, other), a, b, values)


def groupings(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """Parentheses that are missing, misplaced or superfluous."""
    for new in islice(regroup(formula.expression), MOST_GROUPINGS):
        yield _single_edit(formula, EditKind.PARENTHESES, (), formula.expression, new)


def omissions(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """A factor or a term too many."""
    for shorter, left_out in shorten(formula.expression):
        yield _single_edit(formula, EditKind.OMISSION, (), left_out, shorter)


def missing_factors(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """A part multiplied, or divided, by something."""
    substitutes = [one for one in known.factors() if one.expression != ZERO]
    # multiplying a whole product is the same as multiplying one of its factors
    spots = [(path,) for path in formula.parts if not _is_inside_product(formula, path)]
    return _each_substitute(formula, EditKind.FACTOR, spots, substitutes, "*/")


def missing_terms(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """A term added to a sum."""
    spots = [(path,) for path in formula.parts if len(path) < 2 or len(formula.parts) <= SHORT]
    return _each_substitute(formula, EditKind.TERM, spots, known.terms(), "+-")


def _is_inside_product(formula: EvaluatedFormula, path: Path) -> bool:
    above = formula.parts[path[:-1]] if path else None
    return isinstance(above, Infix) and above.operator in "*/"


def other_ranges(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """A range with another beginning or end, or another range."""
    for path, part in formula.parts.items():
        if not (isinstance(part, Reference) and ":" in part.text):
            continue
        above = (path[:k] for k in range(len(path)))
        call = next((place for place in above if isinstance(formula.parts[place], Call)), path)
        around = formula.parts[path[:-1]]
        if isinstance(around, Call) and around.function == "INDEX" and path[-1] == 0:
            continue  # a wrong position in a table is likelier than another table
        for new in map(Reference, neighbours(part.text)):
            values = np.full(1, np.nan)
            with suppress(NotUnderstood):
                values = formula.value_of(put(formula.parts[call], path[len(call) :], new))
            yield _single_alternative(
                EditKind.RANGE, (path,), part, new, formula.with_({call: values})
            )


def within_totals(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """One cell or number inside a SUMPRODUCT or another function of ranges replaced, an operator
    or something left out. Each needs a calculation of its own, so only the nearest cells are
    tried."""
    tried = chain.from_iterable(_within(path, call, known) for path, call in formula.totals.items())
    for path, edit, call in islice(tried, MOST_WITHIN):
        value = formula.value_of(call)
        if np.isfinite(value).any():
            whole = formula.with_({path: value})
            yield _single_alternative(edit.kind, edit.paths, edit.old, edit.new, whole)


def _within(
    path: Path, call: Expression, known: Substitutes
) -> Iterator[tuple[Path, Edit, Expression]]:
    """The edits in a call, each with the call that they make of it."""

    def made(kind: EditKind, inside: Path, old: Expression, new: Expression) -> Edit:
        return Edit(kind, ((*path, *inside),), old, new)

    for inside, part in paths(call):
        if isinstance(part, Reference) and ":" not in part.text:
            near = [one.expression for one in known.references[:MOST_NEAR]]
            for new in near:
                if new not in (part, ZERO):
                    yield path, made(EditKind.REFERENCE, inside, part, new), put(call, inside, new)
        elif isinstance(part, Infix) and part.operator in OPERATORS:
            for kind, new in _turned(part):
                yield path, made(kind, inside, part, new), put(call, inside, new)
    for shorter, left_out in shorten(call):
        yield path, Edit(EditKind.OMISSION, (path,), left_out, shorter), shorter


MISTAKEN = {a: b for pair in (("ABS", "SIGN"), ("SIN", "COS")) for a, b in (pair, pair[::-1])}


def other_functions(formula: EvaluatedFormula, known: Substitutes) -> Iterator[Alternatives]:
    """LN for LOG, which has base 10 in a sheet; a function for its slope; the cell itself for a
    function of it, for example when the slope of a sigmoid is computed from a cell that already is
    a sigmoid."""
    whole = formula.expression
    natural = with_natural_logarithms(whole)
    if natural != whole:
        yield _single_edit(formula, EditKind.FUNCTION, (), whole, natural)
    applied = (template for part in parts(whole) if (template := _of_one_cell(part)) is not None)
    for template in dict.fromkeys(applied):

        def bare(part: Expression, template: Expression = template) -> Expression | None:
            return next(references(part)) if _of_one_cell(part) == template else None

        new = replace_parts(whole, bare)
        yield _single_edit(formula, EditKind.FUNCTION, (), template, new)
    for path, part in formula.parts.items():
        if isinstance(part, Call) and part.function in MISTAKEN:
            new = Call(MISTAKEN[part.function], part.arguments)
            yield _single_edit(formula, EditKind.FUNCTION, path, part, new)


def _of_one_cell(part: Expression) -> Expression | None:
    """A function of one cell that calls a named function, with x in the cell's place."""
    cells = [reference.text for reference in references(part)]
    named = any(isinstance(piece, Call) for piece in parts(part))
    is_of_one = named and len(cells) == 1 and ":" not in cells[0]
    return rename_cells(part, lambda _: "x") if is_of_one else None


EDITS = (
    EditGenerator("references", other_references),
    EditGenerator("ranges", other_ranges),
    EditGenerator("operators", other_operators),
    EditGenerator("activations", every_activation),
    EditGenerator("exchanges", exchanges),
    EditGenerator("parentheses", groupings),
    EditGenerator("omissions", omissions),
    EditGenerator("numbers", other_numbers),
    EditGenerator("functions", other_functions),
    EditGenerator("totals", within_totals),
    EditGenerator("missing factors", missing_factors, adds=True),
    EditGenerator("missing terms", missing_terms, adds=True),
)
"""Every kind of single edit, the most frequent first."""


# Searching for edits -----------------------------------------------------------------------

UNKNOWN = np.zeros(1)  # values for a formula of which only the text is needed


def edits_by_kind(
    formula: EvaluatedFormula,
    known: Substitutes,
    true: Array,
    most: int,
    is_fit: Callable[[Edit], bool] = lambda _: True,
) -> Iterator[list[Edit]]:
    """For each kind that has any, the first fit edits that give the formula the right values,
    except those that leave a part without effect, which nobody intends."""
    for kind in EDITS:
        right = filter(is_fit, edits_that_give(kind.propose(formula, known), true))
        some = list(islice((edit for edit in right if not formula.is_pointless([edit])), most))
        if some:
            yield some


def edits_of(
    expression: Expression,
    names: Collection[str],
    cells: Sequence[Expression],
    numbers: Sequence[Expression],
    more: Iterable[Expression] = (),
) -> Iterator[Edit]:
    """The edits of some kinds if a formula's right values aren't known: these cells and numbers may
    be used in it, and they and `more` may be added to it."""
    formula = EvaluatedFormula(expression, lambda _: UNKNOWN)
    offered, others = ([Substitute(one, UNKNOWN) for one in some] for some in (cells, numbers))
    known = Substitutes(
        offered,
        others,
        lambda: [*offered, *others],
        lambda: [*offered, *(Substitute(one, UNKNOWN) for one in more)],
    )
    for kind in EDITS:
        if kind.name in names:
            for edits in kind.propose(formula, known):
                yield from map(edits.__getitem__, range(len(edits)))


def pairs(
    formula: EvaluatedFormula, substitutes: Sequence[Substitute], true: Array
) -> Iterator[tuple[Edit, Edit]]:
    """Pairs of edits that each replace a reference or number, for example where cells are
    swapped, and leave no part without effect."""
    if not substitutes:
        return
    stack = _stack(substitutes)
    across, down = stack[:, None, :], stack[None, :, :]
    for one, other in combinations(_spots(formula), 2):
        if set(one) & set(other):
            continue
        given = {**dict.fromkeys(one, across), **dict.fromkeys(other, down)}
        for j, k in hits(formula.with_(given), true):
            two = (
                Edit(EditKind.REFERENCE, one, formula.parts[one[0]], substitutes[j].expression),
                Edit(EditKind.REFERENCE, other, formula.parts[other[0]], substitutes[k].expression),
            )
            if not formula.is_pointless(two):
                yield two


def _spots(formula: EvaluatedFormula) -> list[tuple[Path, ...]]:
    """Every reference and number: all equal references together, then each one separately."""
    said: dict[Expression, list[Path]] = {}
    for path, part in formula.parts.items():
        if isinstance(part, Reference | Number):
            said.setdefault(part, []).append(path)
    together = [
        tuple(spots)
        for part, spots in said.items()
        if len(spots) > 1 and isinstance(part, Reference)
    ]
    return together + [(path,) for spots in said.values() for path in spots]


def _stack(substitutes: Sequence[Substitute]) -> Array:
    return np.stack(np.broadcast_arrays(*(one.values for one in substitutes)))


# Matrices ---------------------------------------------------------------------------------

MOST_RANGES = 150


def matrix_edits(
    expression: Expression, array: bool, other_ranges: Callable[[Reference], Iterable[Reference]]
) -> Iterator[Edit]:
    """A matrix transposed, exchanged or replaced, a part left out, or the whole formula scaled."""
    for path, part in paths(expression):
        match part:
            case Call("TRANSPOSE", (inside,)) if inside is not None:
                yield Edit(EditKind.TRANSPOSITION, (path,), part, inside)
            case Call("MMULT", (a, b)) if a is not None and b is not None:
                yield Edit(EditKind.EXCHANGE, ((*path, 0), (*path, 1)), a, b)
                of_a, of_b = Call("TRANSPOSE", (a,)), Call("TRANSPOSE", (b,))
                for pair in ((of_b, a), (b, of_a), (of_a, of_b)) if array else ():
                    yield Edit(EditKind.TRANSPOSITION, (path,), part, Call("MMULT", pair))
            case Reference(text) if ":" in text and array:
                yield Edit(EditKind.TRANSPOSITION, (path,), part, Call("TRANSPOSE", (part,)))
    for path, part in paths(expression):
        if isinstance(part, Reference) and ":" in part.text:
            for other in islice(other_ranges(part), MOST_RANGES):
                yield Edit(EditKind.REFERENCE, (path,), part, other)
    for rest, left_out in shorten(expression):
        yield Edit(EditKind.OMISSION, ((),), left_out, rest)
    yield from _scaled(expression)


def _scaled(expression: Expression) -> Iterator[Edit]:
    """The whole formula with the opposite sign, doubled or halved."""
    match expression:
        case Prefix("-", operand):
            yield Edit(EditKind.SIGN, ((),), expression, operand)
        case _:
            yield Edit(EditKind.SIGN, ((),), expression, tidy(Prefix("-", expression)))
    for scale in (2.0, 0.5):
        times = Infix("*", Number(scale), expression)
        yield Edit(EditKind.FACTOR, ((),), expression, times)


# Templates ----------------------------------------------------------------------------

USUAL_TEMPLATES = ("1-x", "1-x^2", "IF(x>0,1,0)", "1/(1+EXP(-x))")
MOST_TEMPLATES = 10
LONGEST_TEMPLATE = 12  # parts
X = Reference("x")


def templates(tested: StepUnderTest) -> list[Expression]:
    """The functions of one cell, x, in the step's formulas, the most frequent first."""
    votes: Counter[str] = Counter()
    book = tested.training.book
    patterns = (book.patterns[cell] for cell in tested.step.cells if cell in book.patterns)
    for pattern in dict.fromkeys(patterns):
        if pattern.expression is not None:
            said = map(write, _templates_of(pattern.expression))
            votes.update(list(dict.fromkeys(said)))
    known = dict.fromkeys([*USUAL_TEMPLATES, *(said for said, _ in votes.most_common())])
    return [read(said) for said in list(known)[: MOST_TEMPLATES + len(USUAL_TEMPLATES)]]


def _templates_of(expression: Expression) -> Iterator[Expression]:
    """The parts that mention only one cell, with x in its place."""
    for part in parts(expression):
        mentioned = {reference.text for reference in references(part)}
        if isinstance(part, Reference | Prefix) or len(mentioned) != 1 or ":" in mentioned.pop():
            continue
        match part:
            case Infix("+" | "*", _, Reference()):
                pass  # 2·x, x+1: other kinds of edits find these
            case _ if len(list(parts(part))) <= LONGEST_TEMPLATE:
                yield rename_cells(part, lambda _: "x")


def fill_template(template: Expression, cell: Expression) -> Expression:
    """A template's x replaced by a cell."""
    return replace_parts(template, lambda part: cell if part == X else None)


def fill_templates(
    known: Sequence[Expression], offered: Sequence[Substitute]
) -> Iterator[Substitute]:
    """Every template filled with every cell that is offered, all cells at once."""
    cells = [one for one in offered if isinstance(one.expression, Reference)]
    if not cells:
        return
    stack, no_number = _stack(cells), np.full(1, np.nan)
    for template in known:
        values = EvaluatedFormula(template, lambda part: stack if part == X else no_number).whole
        if np.shape(values) == np.shape(stack):
            for one, value in zip(cells, values, strict=True):
                yield Substitute(fill_template(template, one.expression), value)


def differences(tested: StepUnderTest, home: Address) -> list[Expression]:
    """The differences of two cells, an output and its target, in formulas beside a cell and in the
    loss on another sheet; none that is computed from that cell."""
    reader, row = tested.training.book.reader, tested.positions.row
    below = tested.training.flow.below([home], tested.training.weight_cells).union([home])
    cells = [cell for cell in tested.step.cells if cell in tested.training.book.patterns]
    near = [cell for cell in cells if sheet_of(cell) == sheet_of(home)]
    beside = [cell for cell in near if row(cell) == row(home)]
    elsewhere = [cell for cell in cells if cell in tested.forward and cell not in near]
    found: dict[tuple[Address, Address], None] = {}
    for cell in (*(beside or near), *elsewhere):
        pattern = tested.formula(cell)
        if pattern is None or pattern.expression is None:
            continue
        for part in parts(pattern.expression):
            match part:
                case Infix("-", Reference(a), Reference(b)):
                    one, other = reader.cell(a, cell), reader.cell(b, cell)
                    if one is not None and other is not None and below.isdisjoint({one, other}):
                        found |= {(one, other): None, (other, one): None}
    reference = tested.mentions.reference
    some = list(found)[:MOST_TEMPLATES]
    return [Infix("-", reference(one, home), reference(other, home)) for one, other in some]
