"""Says why a repair is one, as a teacher would, in the sheet's own cells and names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gradbook.audit.formula.address import Address, column_of, row_of
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.formula.expression import factors
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.targets.excel.language.grammar import Expression, Infix, Number, Reference, write


def kind_of(tested: StepUnderTest, owner: Address, changes: Sequence[Edit]) -> str:
    """What sort of mistake it is."""
    if len(changes) == 2 and {c.kind for c in changes} == {EditKind.REFERENCE}:
        a, b = changes
        if (a.old, a.new) == (b.new, b.old):
            return "swapped references"
    first = changes[0]
    if first.kind == EditKind.REFERENCE:
        return _kind_of_reference(tested, owner, first)
    return str(first.kind.value)


def _kind_of_reference(tested: StepUnderTest, owner: Address, change: Edit) -> str:
    old = _cell(tested, change.old, owner)
    new = _cell(tested, change.new, owner)
    if old is not None and _is_blank(tested, old):
        return "blank reference"
    if old is None or new is None:
        return EditKind.REFERENCE.value
    if isinstance(tested.training.book.values.get(old), str):
        return "text reference"
    if _is_of_another_step(tested, old) or _same_line(tested, old, new):
        return "frozen row" if "$" in write(change.old) else "another row"
    if tested.training.flow.sources(new) == (old,):
        return "pre-activation"
    return EditKind.REFERENCE.value


def _is_blank(tested: StepUnderTest, cell: Address) -> bool:
    book = tested.training.book
    return cell not in book.patterns and cell not in book.values


def _is_of_another_step(tested: StepUnderTest, cell: Address) -> bool:
    return cell in tested.training.weight_cells and cell not in tested.step.weights


def _same_line(tested: StepUnderTest, a: Address, b: Address) -> bool:
    line = tested.training.axis.beside
    return a != b and line(a) == line(b)


def why(tested: StepUnderTest, owner: Address, weight: str, edits: Iterable[Edit]) -> str:
    """The repair with its reason."""
    return "; ".join(_because(tested, owner, weight, change) for change in edits)


def _because(tested: StepUnderTest, owner: Address, weight: str, change: Edit) -> str:
    old, new = write(change.old), write(change.new)
    match change.kind:
        case EditKind.REFERENCE | EditKind.NUMBER | EditKind.EXCHANGE:
            back = replace(change, old=change.new, new=change.old)
            both = (change, back) if change.kind == EditKind.EXCHANGE else (change,)
            return "; ".join(_reference(tested, owner, weight, one) for one in both)
        case EditKind.OPERATOR | EditKind.ORDER:
            assert isinstance(change.old, Infix)
            return f"{_short(old)} should be {_short(new)}{_difference(change)}"
        case EditKind.SIGN:
            return f"the sign of {_short(old)} is turned round"
        case EditKind.PARENTHESES:
            return _parentheses(tested, owner, change)
        case EditKind.FACTOR:
            assert isinstance(change.new, Infix)
            factor = _named(tested, owner, change.new.right)
            verb = "multiplied" if change.new.operator == "*" else "divided"
            chain = f"the chain to {weight} has one factor more: " if weight else ""
            return f"{chain}{_short(old)} is to be {verb} by {factor}"
        case EditKind.TERM:
            assert isinstance(change.new, Infix)
            return f"the term {_named(tested, owner, change.new.right)} is left out"
        case EditKind.OMISSION:
            chain = f": the chain to {weight} has no such part" if weight else ""
            return f"{_named(tested, owner, change.old)} doesn't belong there{chain}"
    return (
        "no small change makes this the gradient; "
        f"the chain rule gives the formula below for {weight}"
    )


def _difference(change: Edit) -> str:
    assert isinstance(change.old, Infix)
    assert isinstance(change.new, Infix)
    names = {"+": "a sum", "-": "a difference", "*": "a product", "/": "a quotient", "^": "a power"}
    if change.old.operator == change.new.operator:
        return ": the two sides are exchanged"
    return f": {names[change.new.operator]}, not {names[change.old.operator]}"


def _reference(tested: StepUnderTest, owner: Address, weight: str, change: Edit) -> str:
    old_cell, new_cell = _cell(tested, change.old, owner), _cell(tested, change.new, owner)
    old, new = write(change.old), write(change.new)
    if old_cell is not None and _is_blank(tested, old_cell):
        return f"{old} is blank: {_named(tested, owner, change.new)} belongs there"
    if isinstance(change.new, Number) or new_cell is None:
        return f"{_named(tested, owner, change.old)} should be {new}"
    if old_cell is not None and _same_line(tested, old_cell, new_cell):
        where = "stays with one row" if "$" in old else "is of another row"
        return f"{old} {where}: {_named(tested, owner, change.new)} belongs there"
    name = label_of(tested, new_cell)
    said = label_of(tested, old_cell) if old_cell is not None else ""
    what = f"{old} is {said}; " if said else f"not {old}: "
    if not weight:
        return f"{what}it is {name or new} that belongs there, so {new}"
    through = "goes through" if _is_between(tested, new_cell) else "needs"
    return f"{what}the chain to {weight} {through} {name or new}, so {new}"


def _is_between(tested: StepUnderTest, cell: Address) -> bool:
    return cell in tested.training.computed


def _parentheses(tested: StepUnderTest, owner: Address, change: Edit) -> str:
    split = factors(change.new)
    sums = [f.part for f in split.parts if isinstance(f.part, Infix) and f.part.operator in "+-"]
    rest = [f.part for f in split.parts if f.part not in sums[:1]]
    if (
        len(sums) >= 1
        and len(rest) >= 1
        and isinstance(change.old, Infix)
        and change.old.operator in "+-"
    ):
        names = "·".join(_bare(tested, owner, part) for part in rest)
        return (
            "the sum needs its parentheses: as it stands, "
            f"only one of its terms is multiplied by {names}"
        )
    return "the parentheses stand in the wrong place"


def _bare(tested: StepUnderTest, owner: Address, part: Expression) -> str:
    if isinstance(part, Infix) and part.operator in "+-":
        left, right = (_bare(tested, owner, side) for side in (part.left, part.right))
        return f"({left}{part.operator.replace('-', '−')}{right})"
    cell = _cell(tested, part, owner)
    return (label_of(tested, cell) if cell is not None else "") or write(part)


def _named(tested: StepUnderTest, owner: Address, part: Expression) -> str:
    cell = _cell(tested, part, owner)
    name = label_of(tested, cell) if cell is not None else ""
    return f"{write(part)} ({name})" if name else write(part)


def _cell(tested: StepUnderTest, part: Expression, owner: Address) -> Address | None:
    if not isinstance(part, Reference):
        return None
    return tested.training.book.reader.cell(part.text, owner)


def label_of(tested: StepUnderTest, cell: Address) -> str:
    """What the sheet calls a cell."""
    return tested.training.book.label(cell, tested.training.axis)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:24]} … {text[-12:]}"


def named(tested: StepUnderTest, owner: Address, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Edits with each cell by what the sheet calls it or, where it has no name, by how far it is
    away: the same for each book that has the mistake."""

    def name(mention: Reference) -> str:
        cell = _cell(tested, mention, owner)
        if cell is None:
            return mention.text
        down, right = row_of(cell) - row_of(owner), column_of(cell) - column_of(owner)
        return label_of(tested, cell) or f"[{down},{right}]"

    return tuple(edit.called(name) for edit in edits)
