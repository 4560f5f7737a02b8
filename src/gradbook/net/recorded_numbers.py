"""Numbers that remember how they were computed: `L = (a*b + c)*f`, then `L.backward()`.

The operators build the same formulas as a text does; `formulas.py` defines their meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradbook.arguments import number
from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.chain import gradients
from gradbook.graph.names import RATE, read_name
from gradbook.graph.node import Arithmetic, Array, Graph, Node, ancestors
from gradbook.graph.reference import evaluate_in_order
from gradbook.looks import look, picture
from gradbook.net.formula_functions import FUNCTIONS, OPERATORS, SYNONYMS, function_called
from gradbook.net.formulas import (
    Formulas,
    parse_formulas,
    reads_as_formulas,
)
from gradbook.net.network import Net, as_net
from gradbook.statements import digits

MOST_IN_ARRAY = 1_000
LONGEST_PART = 12  # values in a formula; a longer part gets a formula of its own
RESULT, UNNAMED = "L", "v"  # the names of values without a name


class Value(Arithmetic):
    """A number, or the result of operators on numbers; `gb.values` makes the first ones.

    `data` is the number itself, and `grad`, after `backward()`, is the derivative of the result
    with respect to it. Functions are methods, such as `a.tanh()`.

    >>> import gradbook as gb
    >>> w, x = gb.values(w=0.5, x=2.0)
    >>> E = (w * x - 3) ** 2
    >>> E.data
    4.0
    >>> E.backward()
    >>> w.grad
    -8.0
    """

    def __init__(self, data: float, name: str = "") -> None:
        self.data = number("a value", data)
        self.grad = 0.0
        self.name = _checked(name) if name else ""
        self._is_literal = False  # a plain number beside an operator, as the 2 of x ** 2
        self._word = ""
        self._inputs: tuple[Value, ...] = ()

    def named(self, name: str) -> Value:
        """The same value with a name, which explanations and workbooks use.

        >>> import gradbook as gb
        >>> a, b = gb.values(a=2, b=3)
        >>> (a * b).named("e").name
        'e'
        """
        self.name = _checked(name)
        return self

    def backward(self) -> None:
        """Compute `grad`, the derivative of this value, for every value that it depends on.

        >>> import gradbook as gb
        >>> a, b = gb.values(a=2, b=-3)
        >>> (a * b + a).backward()
        >>> a.grad, b.grad
        (-2.0, 2.0)
        """
        order = _made_of(self)
        graph = Graph()
        nodes: dict[Value, Node] = {}
        leaf_values: dict[Node, Any] = {}
        for place, value in enumerate(order):
            if value._word:
                nodes[value] = _node(value._word, [nodes[part] for part in value._inputs])
            elif not value._is_literal:
                nodes[value] = graph.leaf(read_name(f"x{place}"))
                leaf_values[nodes[value]] = np.float64(value.data)
            else:
                nodes[value] = graph.constant(value.data)
        slopes = gradients(nodes[self], list(nodes.values()))
        with np.errstate(all="ignore"):
            worked = evaluate_in_order(graph.nodes, leaf_values, 1)
        for value, node in nodes.items():
            value.grad = float(worked[slopes[node]])

    def formulas(self) -> Formulas:
        """The formulas and numbers that this value consists of, as from a text."""
        order = _made_of(self)
        if not self._word:
            raise UsageError("this is only a number: use it in a formula such as w * x")
        uses = Counter(part for value in order for part in value._inputs)
        taken = {value.name for value in order}
        free = (f"{UNNAMED}{k}" for k in range(1, 10**9) if f"{UNNAMED}{k}" not in taken)
        names: dict[Value, str] = {}
        written: dict[Value, _Text] = {}
        lines = []

        def is_result(value: Value) -> bool:
            return value is self and RESULT not in taken

        for value in order:
            if not value._word:
                lines += [f"{value.name} = {digits(value.data)}"] if value.name else []
                signed = BINDING["+"] if value.data < 0 else ALONE
                number_text = _Text(digits(value.data), binding=signed)
                written[value] = _Text(value.name) if value.name else number_text
                continue
            written[value] = _written(value._word, [written[part] for part in value._inputs])
            is_long = written[value].size > LONGEST_PART
            if value.name or value is self or uses[value] > 1 or is_long:
                names[value] = value.name or (RESULT if is_result(value) else next(free))
                lines.append(f"{names[value]} = {written[value].text}")
                written[value] = _Text(names[value])
        return parse_formulas("\n".join([*lines, f"minimize {names[self]}"]))

    def __repr__(self) -> str:
        name = f"{self.name}=" if self.name else ""
        return f"Value({name}{digits(self.data)}, grad={digits(self.grad)})"

    def _repr_svg_(self) -> str:
        return look("Net as svg", self.formulas())

    def _repr_png_(self) -> bytes:
        return picture("Net as png", self.formulas())

    def _operate(self, sign: str, a: Value | float, b: Value | float) -> Value:
        return _result_of(sign, a, b)

    def __neg__(self) -> Value:
        return _result_of("*", -1.0, self)

    def __abs__(self) -> Value:
        return _result_of("abs", self)

    def __gt__(self, other: Value | float) -> Value:
        """1 or 0, for `np.where` and products."""
        return _compared(self, other, 1, 0)

    def __lt__(self, other: Value | float) -> Value:
        return _compared(other, self, 1, 0)

    def __ge__(self, other: Value | float) -> Value:
        return _compared(other, self, 0, 1)

    def __le__(self, other: Value | float) -> Value:
        return _compared(self, other, 0, 1)

    def __bool__(self) -> bool:
        if self._word != CHOICE:
            return True
        raise UsageError(
            "a comparison of values is a value, too, neither True nor False: use np.where, "
            "np.maximum or .max(), or compare their .data"
        )

    def __float__(self) -> float:
        raise UsageError(
            "this would forget how the number was computed: use np.sin(x) or x.sin() instead of "
            "math.sin(x), and x.data for the number alone"
        )

    def __getattr__(self, word: str) -> Any:
        """A function as a method: x.tan(), x.gelu()."""
        function = function_called(word)
        if function is None:
            raise AttributeError(f"a value has no {word!r}{did_you_mean(word, METHODS)}")
        return lambda *others: _result_of(word, self, *others)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        return _of_numpy(ufunc, method, *inputs, **settings)

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        arrays = [_plain(x).view(ValueArray) if isinstance(x, Value) else x for x in inputs]
        return function(*arrays, **settings)


class ValueArray(np.ndarray[Any, np.dtype[np.object_]]):
    """An array of values, which NumPy computes with: `np.tanh(X @ w + b).mean()`.

    `grad` is an array, too.
    """

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        return _of_numpy(ufunc, method, *inputs, **settings)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return _as_values(array)

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        if function is np.where:
            return _chosen(*inputs, **settings)
        try:
            result = super().__array_function__(function, types, inputs, settings)
            return _as_values(result) if isinstance(result, np.ndarray) else result
        except (TypeError, UsageError) as error:
            raise _unknown(function.__name__) from error

    def var(self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0) -> Any:  # type: ignore[override]
        """The mean square of the distances from the mean."""
        mean = self.mean(axis=axis, keepdims=True)
        total = ((self - mean) ** 2).sum(axis=axis)
        return total / (self.size / np.size(total) - ddof)

    def std(self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0) -> Any:  # type: ignore[override]
        return np.sqrt(self.var(axis, ddof=ddof))

    @property
    def grad(self) -> Array:
        """The derivative of the result with respect to each value, after its `backward()`."""
        return np.reshape([value.grad for value in self.ravel().tolist()], self.shape)

    @property
    def numbers(self) -> Array:
        """The number of each value."""
        return np.reshape([value.data for value in self.ravel().tolist()], self.shape)


def values(**numbers: ArrayLike) -> tuple[Any, ...]:
    """Numbers to compute with, each with its name; an array becomes an array of values.

    >>> import gradbook as gb
    >>> a, b, c, f = gb.values(a=2.0, b=-3.0, c=10.0, f=-2.0)
    >>> L = (a * b + c) * f
    >>> L.backward()
    >>> a.grad
    6.0
    """
    return tuple(
        Value(number, name) if isinstance(number, int | float) else _array(number, name)
        for name, number in numbers.items()
    )


def _array(values: ArrayLike, name: str) -> Value | ValueArray:
    """The values of an array: w1, w2 or W1_1, W1_2."""
    numbers = np.asarray(values)
    if not numbers.ndim:
        return Value(numbers.item(), name)
    if numbers.size > MOST_IN_ARRAY:
        raise UsageError(
            f"{name} has {numbers.size:,} numbers, but each is a value of its own here, and "
            f"{MOST_IN_ARRAY:,} is the most: train larger arrays as the weights of a network"
        )
    array = np.empty(numbers.shape, object).view(ValueArray)
    for place in np.ndindex(numbers.shape):
        array[place] = Value(numbers[place].item(), name + "_".join(str(k + 1) for k in place))
    return array


def as_net_or_formulas(what: Net | Formulas | Value | str) -> Net | Formulas:
    """A network or formulas; also a built-in network by its name, or from a text."""
    if isinstance(what, Formulas):
        return what
    if isinstance(what, Value):
        return what.formulas()
    is_text = isinstance(what, str) and reads_as_formulas(what)
    return parse_formulas(str(what)) if is_text else as_net(what)


def _checked(name: str) -> str:
    if not name.isidentifier() or name == str(RATE):
        raise UsageError(f"{name!r} can't name a value: choose another name, such as 'w1'")
    return name


def _result_of(word: str, *parts: Value | float) -> Value:
    """A function that makes the value of an operator or a function; NumPy does it for arrays."""
    if any(isinstance(part, np.ndarray) for part in parts):
        return NotImplemented  # type: ignore[no-any-return]
    inputs = tuple(part if isinstance(part, Value) else _literal(part) for part in parts)
    graph = Graph()
    node = _node(word, [graph.constant(part.data) for part in inputs])
    with np.errstate(all="ignore"):
        data = float(evaluate_in_order(ancestors([node]), {}, 1)[node])
    value = Value(0.0)
    value.data, value._word, value._inputs = data, word, inputs
    return value


def _compared(a: Value | float, b: Value | float, yes: float, no: float) -> Value:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return NotImplemented
    is_zero = not isinstance(b, Value) and b == 0
    return _result_of(CHOICE, a if is_zero else _result_of("-", a, b), yes, no)


# NumPy's functions on values -------------------------------------------------------

CHOICE = "when"
BY_OPERATORS = {  # for these NumPy uses the values' own operators
    *(np.add, np.subtract, np.multiply, np.divide, np.power, np.negative, np.square, np.matmul),
    *(np.greater, np.less, np.greater_equal, np.less_equal),
}
METHODS = [word for word in (*FUNCTIONS, *SYNONYMS) if word.isascii()]
UFUNCS: dict[np.ufunc, str] = {
    **{ufunc: word for word in METHODS if isinstance(ufunc := getattr(np, word, None), np.ufunc)},
    np.maximum: "max",
    np.fmax: "max",
    np.minimum: "min",
    np.fmin: "min",
}


def _of_numpy(ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
    """A function of NumPy for each value, or of several, as for a sum."""
    plain = [_plain(x) for x in inputs]
    kept = {name: x for name, x in settings.items() if name in ("axis", "keepdims")}
    is_partial = settings.get("where", True) is not True or ufunc not in {*BY_OPERATORS, *UFUNCS}
    if is_partial or settings.get("initial") not in (None, np._NoValue):
        raise _unknown(ufunc.__name__)
    if ufunc in BY_OPERATORS:
        objects = {} if ufunc is np.matmul else {"dtype": object}
        result = _as_values(getattr(ufunc, method)(*plain, **kept, **objects))
    else:
        function = np.frompyfunc(partial(_result_of, UFUNCS[ufunc]), ufunc.nin, 1)
        if method == "reduce" and kept.get("axis", 0) is None:
            plain, kept = [plain[0].ravel()], {}
        result = _as_values(getattr(function, method)(*plain, **kept))
    if settings.get("out") is None:
        return result
    (out,) = settings["out"]
    out[...] = result
    return out


def _plain(array: Any) -> Any:
    """The array with Python's own numbers, whose operators leave the work to a value."""
    return np.asarray(array).astype(object)


def _as_values(result: Any) -> Any:
    """A single value, or an array of them."""
    is_array = isinstance(result, np.ndarray) and result.ndim and result.dtype == object
    return result.view(ValueArray) if is_array else np.asarray(result)[()]


def _chosen(*inputs: Any, **settings: Any) -> Any:
    """np.where: one or the other at each place."""
    if len(inputs) != 3 or settings:
        raise _unknown(np.where.__name__)

    def choose(condition: Any, yes: Any, no: Any) -> Value:
        if not isinstance(condition, Value):
            chosen = yes if condition else no
            return chosen if isinstance(chosen, Value) else _literal(chosen)
        if condition._word == CHOICE:  # a comparison: 1 or 0, or the other way round
            condition, then, _ = condition._inputs
            yes, no = (yes, no) if then.data else (no, yes)
        return _result_of(CHOICE, condition, yes, no)

    plain = [_plain(x) for x in inputs]
    return _as_values(np.frompyfunc(choose, 3, 1)(*plain))


def _unknown(name: str) -> UsageError:
    known = ", ".join(sorted({"where", *(f.__name__ for f in (*BY_OPERATORS, *UFUNCS))}))
    return UsageError(f"np.{name} can't remember how its numbers are computed; these can: {known}")


def _literal(data: float) -> Value:
    value = Value(data)
    value._is_literal = True
    return value


def _node(word: str, inputs: Sequence[Node]) -> Node:
    operator = OPERATORS.get(word)
    if operator:
        return operator(*inputs)
    function = function_called(word)
    assert function
    return function[1](*inputs)


def _made_of(result: Value) -> list[Value]:
    """The value and everything that it depends on, parts before the values made of them."""
    order: dict[Value, None] = {}
    waiting = [(result, False)]
    while waiting:
        value, is_ready = waiting.pop()
        if is_ready:
            order[value] = None
        elif value not in order:
            waiting.append((value, True))
            waiting.extend((part, False) for part in reversed(value._inputs))
    return list(order)


BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
ALONE = 4  # the binding strength of names, numbers and calls


@dataclass(frozen=True)
class _Text:
    """A part of a formula: the number of its values and its binding strength."""

    text: str
    size: int = 1
    binding: int = ALONE

    def within(self, binding: int) -> str:
        return self.text if self.binding >= binding else f"({self.text})"


def _written(word: str, parts: Sequence[_Text]) -> _Text:
    size = sum(part.size for part in parts)
    if word not in OPERATORS:
        return _Text(f"{word}({', '.join(part.text for part in parts)})", size)
    binding = BINDING[word]
    left, right = parts
    before, after = left.within(binding + (word == "^")), right.within(binding + (word != "^"))
    return _Text(
        f"{before}{word}{after}" if word == "^" else f"{before} {word} {after}", size, binding
    )
