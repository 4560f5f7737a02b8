"""A cell's formula as mathematics: EXP(-rate*T)*N as a product of a power of e and N.

Names and numbers of cells come from whoever asks; operators and functions get the notation of
derivations here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradbook.cells.formula.expression import count_parts, inner
from gradbook.cells.formula.function_table import plain_name
from gradbook.cells.formula.syntax import (
    TABLE,
    Call,
    Expression,
    Infix,
    Number,
    Postfix,
    Prefix,
    Reference,
    Text,
    write,
)
from gradbook.graph.names import Name
from gradbook.language import tr
from gradbook.targets.algebra.forms import (
    BigSum,
    Bracket,
    Cases,
    Comparison,
    Factors,
    Form,
    Fraction,
    Function,
    Minus,
    Numeral,
    Power,
    Root,
    Symbol,
    Transposed,
    Words,
    add_up,
    multiply,
    shorten,
)

MOST_PARTS = 200  # of a formula; a longer one is shown as it is typed
LONGEST_TYPED = 120  # characters of it

NameReference = Callable[[Reference], Form]


def as_algebra(expression: Expression, name: NameReference) -> Form:
    """The expression as a formula, with each reference as `name` writes it.

    It is built from the inside outwards and not by recursion: a sum may be thousands of terms long.
    """
    if count_parts(expression) > MOST_PARTS and not _is_long_sum(expression):
        typed = write(expression)
        return Words(typed if len(typed) <= LONGEST_TYPED else f"{typed[:LONGEST_TYPED]}…")
    forms: list[Form] = []
    waiting = [(expression, False)]
    while waiting:
        part, is_opened = waiting.pop()
        pieces = inner(part)
        if pieces and not is_opened:
            waiting.append((part, True))
            waiting += [(piece, False) for piece in reversed(pieces)]
            continue
        count = len(pieces)
        arguments = forms[len(forms) - count :]
        del forms[len(forms) - count :]
        forms.append(_form(part, arguments, name))
    return shorten(forms[0])


def _is_long_sum(expression: Expression) -> bool:
    """Whether a long formula consists of many short terms."""
    depth = 0
    while isinstance(expression, Infix) and expression.operator in "+-":
        if count_parts(expression.right) > MOST_PARTS:
            return False
        expression, depth = expression.left, depth + 1
    return depth > 0 and count_parts(expression) <= MOST_PARTS


def _form(part: Expression, operands: Sequence[Form], name: NameReference) -> Form:
    match part:
        case Number(value):
            return Numeral(value)
        case Text(value):
            return Words(f"“{value}”")
        case Reference("TRUE" | "FALSE" as word):
            return Numeral(float(word == "TRUE"))
        case Reference():
            return name(part)
        case Prefix(sign):
            return Minus(operands[0]) if sign == "-" else operands[0]
        case Postfix():
            (form,) = operands
            return Numeral(form.value / 100) if isinstance(form, Numeral) else form / 100
        case Infix(operator):
            return _infix(operator, *operands)
        case Call(function, arguments):
            remaining = iter(operands)
            every = [Words("") if argument is None else next(remaining) for argument in arguments]
            name_of_it = plain_name(function)
            return Words(write(part)) if function == TABLE else _called(name_of_it, every)


RELATIONS = {"=": "=", "<>": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}


def _infix(operator: str, left: Form, right: Form) -> Form:
    if operator in RELATIONS:
        return Comparison(left, RELATIONS[operator], right)
    left, right = (Bracket(x) if isinstance(x, Comparison) else x for x in (left, right))
    match operator:
        case "+":
            return add_up([left, right])
        case "-":
            return add_up([left, Minus(right)])
        case "*":
            return multiply([left, right])
        case "/":
            return Fraction(left, right)
        case "^":
            return Power(left, right)
    return Function("join", (left, right))


# Functions --------------------------------------------------------------------

Notation = Callable[..., Form]


def _named(word: str) -> Notation:
    return lambda *arguments: Function(word, arguments)


def _sum(*terms: Form) -> Form:
    if len(terms) == 1 and not isinstance(terms[0], Symbol | Numeral | BigSum):
        return BigSum(terms[0])
    return add_up([BigSum(term) if _is_range(term) else term for term in terms])


def _is_range(form: Form) -> bool:
    """Whether the form stands for several cells."""
    return (isinstance(form, Words) and ":" in form.text) or isinstance(form, BigSum | Factors)


def _choice(condition: Form, then: Form, otherwise: Form | None = None) -> Form:
    rest = Numeral(0) if otherwise is None else otherwise
    return Cases(((then, condition), (rest, Words(tr("else")))))


def _standard_normal(x: Form, is_cumulative: Form | None = None) -> Form:
    is_density = is_cumulative == Numeral(0)
    return Function("φ" if is_density else "Φ", (x,))


def _normal(x: Form, mean: Form, deviation: Form, is_cumulative: Form) -> Form:
    shifted = x if mean == Numeral(0) else add_up([x, Minus(mean)])
    if deviation == Numeral(1):
        return _standard_normal(shifted, is_cumulative)
    standard = _standard_normal(Fraction(shifted, deviation), is_cumulative)
    return Fraction(standard, deviation) if is_cumulative == Numeral(0) else standard


NOTATION: dict[str, Notation] = {
    "EXP": _named("exp"),
    "LN": _named("ln"),
    "LOG10": lambda x: Function("log", (x, Numeral(10))),
    "SQRT": Root,
    "POWER": Power,
    "SUM": _sum,
    "SUMPRODUCT": lambda *factors: BigSum(multiply(factors)),
    "SUMSQ": lambda *terms: add_up([BigSum(Power(term, Numeral(2))) for term in terms]),
    "AVERAGE": _named("mean"),
    "IF": _choice,
    "NORM.S.DIST": _standard_normal,
    "NORMSDIST": _standard_normal,
    "NORM.DIST": _normal,
    "NORMDIST": _normal,
    "PI": lambda: Symbol(Name("π")),
    "MMULT": lambda a, b: Factors((a, b), ""),
    "TRANSPOSE": Transposed,
    "TRUE": lambda: Numeral(1),
    "FALSE": lambda: Numeral(0),
}
for _word in ("tanh", "sinh", "cosh", "sin", "cos", "tan", "abs", "max", "min", "round", "log"):
    NOTATION[_word.upper()] = _named(_word)


def _called(function: str, arguments: Sequence[Form]) -> Form:
    try:
        return NOTATION.get(function, _named(function))(*arguments)
    except TypeError:  # another number of arguments
        return Function(function, tuple(arguments))
