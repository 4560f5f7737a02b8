"""The cells between some inputs and a result as named formulas, for a page to play with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gradbook.cells.evaluate import as_node
from gradbook.cells.formula.address import Address, name_of, sheet_of
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.slopes import NoDerivative, Slopes
from gradbook.derivatives.labels import label
from gradbook.graph.node import Node, ancestors
from gradbook.language.message import Message, words_of
from gradbook.net.formulas import Formulas, is_taken, parse_formulas
from gradbook.statements import digits

MOST_CELLS = 120  # on a page: more can't be looked through
LONGEST_NAME = 16  # characters of a label that becomes a name
NAME = re.compile(r"[^\W\d]\w*")
SUM, PRODUCT, POWER, ALONE = range(4)  # how tightly an expression binds
INFIX = {
    "add": (" + ", SUM),
    "subtract": (" - ", SUM),
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    "power": ("^", POWER),
}
CALLED = {
    **{word: word for word in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid")},
    "largest": "max",
    "choose": "when",
    "normal_share": "Phi",
}
PASSED_ON = ("copy", "shown", "straight")  # ops that pass on their first input


def formulas_of(slopes: Slopes) -> Formulas:
    """The formulas on the way, with the inputs' numbers, in the order of their computation."""
    count = len(slopes.order)
    if count > MOST_CELLS:
        what = Message(
            "{count} formulas are on the way to {cell}, and a page shows at most {most}: "
            "use explain, or a result nearer to the inputs",
            count=f"{count:,}",
            cell=slopes.book.name_of(slopes.result),
            most=str(MOST_CELLS),
        )
        raise NoDerivative(what, slopes.result, slopes.book.name_of(slopes.result))
    names = _names(slopes)
    active = {*slopes.inputs, *slopes.order}
    lines = [f"{names[cell]} = {_formula(slopes, cell, active, names)}" for cell in slopes.order]
    lines += [
        f"{names[cell]} = {digits(float(slopes.book.values[cell] or 0))}" for cell in slopes.inputs
    ]
    return parse_formulas("\n".join([*lines, f"minimize {names[slopes.result]}"]))


def _names(slopes: Slopes) -> dict[Address, str]:
    """A name for each cell: its label if that is short and its own, or else its address."""
    cells = list(dict.fromkeys((*slopes.inputs, *slopes.order)))
    labels = {cell: "_".join(label(slopes.book, cell).split()) for cell in cells}
    several = [label.casefold() for label in labels.values()]
    home = sheet_of(slopes.result)
    names: dict[Address, str] = {}
    for cell in cells:
        name = labels[cell]
        is_name = NAME.fullmatch(name) and len(name) <= LONGEST_NAME and not is_taken(name)
        if not is_name or several.count(name.casefold()) > 1:
            name = name_of(cell)
            if sheet_of(cell) != home:
                title = re.sub(r"\W", "", slopes.book.sheets[sheet_of(cell)].title)
                name = f"{title or 'Sheet'}_{name}"
            name = name if NAME.fullmatch(name) and not is_taken(name) else f"cell_{name}"
        while name in names.values():
            name += "_"
        names[cell] = name
    return names


def _formula(
    slopes: Slopes, cell: Address, active: set[Address], names: Mapping[Address, str]
) -> str:
    book, flow = slopes.book, slopes.flow
    given = {source: book.values.get(source) for source in flow.sources(cell)}
    pattern = book.patterns[cell]
    try:
        node, leaves = as_node(flow, pattern, cell, given)
        if isinstance(node, str):
            raise NotUnderstood(Message("a text"))
        words = {
            leaf: names[at] if at in active else _number(float(book.values[at] or 0))
            for leaf, at in leaves.items()
        }
        return _written(node, words)
    except (NotUnderstood, OverflowError) as error:
        what = Message(
            "{cell} can't be shown on a page: {problem}; explain takes it",
            cell=book.name_of(cell),
            problem=words_of(error),
        )
        raise NoDerivative(what, cell, book.name_of(cell)) from error


def _written(result: Node, words: dict[Node, str]) -> str:
    """A value's expression in the language of formulas."""
    bindings = dict.fromkeys(words, ALONE)
    for node in ancestors([result]):
        if node not in words:
            words[node], bindings[node] = _in_words(node, words, bindings)
    return words[result]


def _in_words(
    node: Node, words: Mapping[Node, str], bindings: Mapping[Node, int]
) -> tuple[str, int]:
    """The words of an op's result, and how tightly its outermost operator binds."""

    def within(part: Node, at_least: int) -> str:
        return words[part] if bindings[part] >= at_least else f"({words[part]})"

    parts, op = node.inputs, node.op.name
    if node.is_constant():
        return _number(node.number), ALONE
    if op in PASSED_ON:
        return words[parts[0]], bindings[parts[0]]
    if op == "negate":
        return f"-{within(parts[0], POWER)}", PRODUCT
    if op in INFIX:
        sign, binding = INFIX[op]
        left = within(parts[0], binding + (op == "power"))
        right = within(parts[1], binding + (op in ("subtract", "divide", "power")))
        return f"{left}{sign}{right}", binding
    if op in CALLED:
        return f"{CALLED[op]}({', '.join(words[part] for part in parts)})", ALONE
    raise NotUnderstood(Message("the page has no {op}", op=op.replace("_", " ")))


def _number(value: float) -> str:
    return digits(value) if value >= 0 else f"({digits(value)})"
