"""Functions of arrays, and the operators of arrays."""

from __future__ import annotations

import cmath
import math
import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import pairwise, product
from types import SimpleNamespace
from typing import Any

from gradbook.arrays.array import (
    arange,
    array,
    asarray,
    broadcast_arrays,
    broadcast_shapes,
    concatenate,
    ndarray,
    ravel,
    repeat_,
    reshape,
    shape,
    spread_items,
    stack,
    swapaxes,
    transpose,
)

nan, inf = math.nan, math.inf

# Functions of each number -------------------------------------------------------------

Plain = Callable[..., Any]


def _each(plain: Plain, of_complex: Plain | None = None, otherwise: Plain | None = None) -> Plain:
    """A function of every number of an array; where it raises, the result is that of `otherwise`,
    or NaN."""

    def work(values: Any) -> Any:
        made = asarray(values)
        function = of_complex if of_complex and made.dtype is complex else plain
        try:
            return ndarray(list(map(function, made.items)), made.shape)
        except (ArithmeticError, ValueError):
            known = [_safely(function, otherwise, x) for x in made.items]
            return ndarray(known, made.shape)

    return work


def _pairs(
    plain: Plain,
    otherwise: Plain | None = None,
    of_lists: Callable[[list[Any], list[Any]], list[Any]] | None = None,
) -> Plain:
    """The same for two arrays; `of_lists` is a faster version for two lists."""

    def work(a: Any, b: Any) -> Any:
        if type(a) is ndarray and type(b) is ndarray and a.shape == b.shape:
            x, y, wanted = a.items, b.items, a.shape
        elif type(b) is float and isinstance(a, ndarray):
            x, y, wanted = a.items, [b] * len(a.items), a.shape
        elif type(a) is float and isinstance(b, ndarray):
            x, y, wanted = [a] * len(b.items), b.items, b.shape
        else:
            left, right = asarray(a), asarray(b)
            wanted = left.shape
            if wanted != right.shape:
                wanted = broadcast_shapes(wanted, right.shape)
            x, y = spread_items(left, wanted), spread_items(right, wanted)
        try:
            return ndarray(of_lists(x, y) if of_lists else list(map(plain, x, y)), wanted)
        except ArithmeticError:
            pairs = zip(x, y, strict=True)
            return ndarray([_safely(plain, otherwise, *some) for some in pairs], wanted)

    return work


def _safely(function: Plain, otherwise: Plain | None, *values: Any) -> Any:
    try:
        return function(*values)
    except (ArithmeticError, ValueError):
        return otherwise(*values) if otherwise else nan


def _is_nan(x: Any) -> bool:
    return bool(x != x)  # noqa: PLR0124


def _ratio(a: Any, b: Any) -> Any:
    """The result of a division by 0, as in IEEE 754."""
    if (
        b == 0
        and not isinstance(a, complex)
        and not isinstance(b, complex)
        and a
        and not _is_nan(a)
    ):
        return math.copysign(inf, a) * math.copysign(1.0, b)
    return nan


def _raised(x: Any, n: Any) -> Any:
    made = x**n
    if isinstance(made, complex) and not isinstance(x, complex) and not isinstance(n, complex):
        return nan
    return made


def _raised_too_far(x: Any, n: Any) -> Any:
    if isinstance(x, complex) or isinstance(n, complex):
        return nan
    if x < 0 and n != round(n):
        return nan
    is_odd = n == round(n) and n % 2 == 1
    return math.copysign(inf, x) if is_odd else inf


def _log(x: float) -> float:
    return -inf if x == 0 else nan


def _log_beside_1(x: float) -> float:
    return -inf if x == -1 else nan


def _larger(x: list[Any], y: list[Any]) -> list[Any]:
    return [a if a >= b or a != a else b for a, b in zip(x, y, strict=True)]  # noqa: PLR0124


def _smaller(x: list[Any], y: list[Any]) -> list[Any]:
    return [a if a <= b or a != a else b for a, b in zip(x, y, strict=True)]  # noqa: PLR0124


def _sign(x: Any) -> Any:
    return x if _is_nan(x) else type(x)((x > 0) - (x < 0))


def _log_of_sum(a: float, b: float) -> float:
    larger, smaller = max(a, b), min(a, b)
    return larger if larger == -inf else larger + math.log1p(math.exp(smaller - larger))


def _floor(x: Any) -> Any:
    return float(math.floor(x)) if isinstance(x, int) or math.isfinite(x) else x


add, subtract = _pairs(operator.add), _pairs(operator.sub)
multiply, _quotient = _pairs(operator.mul), _pairs(operator.truediv, _ratio)
remainder = _pairs(operator.mod)
power = _pairs(_raised, _raised_too_far)
maximum, minimum = _pairs(max, of_lists=_larger), _pairs(min, of_lists=_smaller)
logaddexp = _pairs(_log_of_sum)
less, less_equal = _pairs(operator.lt), _pairs(operator.le)
greater, greater_equal = _pairs(operator.gt), _pairs(operator.ge)
equal, not_equal = _pairs(operator.eq), _pairs(operator.ne)
bitwise_and, bitwise_or = _pairs(operator.and_), _pairs(operator.or_)
logical_and = _pairs(lambda a, b: bool(a and b))
logical_or = _pairs(lambda a, b: bool(a or b))
logical_not = _each(operator.not_)
negative, abs_ = _each(operator.neg), _each(abs)
exp = _each(math.exp, cmath.exp, lambda x: nan if isinstance(x, complex) else inf)
log = _each(math.log, cmath.log, _log)
sqrt, tanh = _each(math.sqrt, cmath.sqrt), _each(math.tanh, cmath.tanh)
sin, cos = _each(math.sin, cmath.sin), _each(math.cos, cmath.cos)
log1p, log10 = _each(math.log1p, otherwise=_log_beside_1), _each(math.log10, otherwise=_log)
expm1 = _each(math.expm1, otherwise=lambda x: inf)
floor, sign = _each(_floor), _each(_sign)
isfinite = _each(math.isfinite, cmath.isfinite)
isnan = _each(math.isnan, cmath.isnan)


def real(values: Any) -> ndarray:
    made = asarray(values)
    return ndarray([x.real for x in made.items], made.shape)


def imag(values: Any) -> ndarray:
    made = asarray(values)
    return ndarray([x.imag for x in made.items], made.shape)


def round_(values: Any, digits: int = 0) -> ndarray:
    made = asarray(values)
    some = (round(x, digits) if math.isfinite(x) else x for x in made.items)
    return ndarray(list(some), made.shape)


def where(condition: Any, a: Any, b: Any) -> ndarray:
    chosen, x, y = broadcast_arrays(condition, a, b)
    triples = zip(chosen.items, x.items, y.items, strict=True)
    return array(ndarray([p if is_first else q for is_first, p, q in triples], chosen.shape))


_where = where  # a parameter below has the same name


def roll(values: Any, shift: int) -> ndarray:
    """The values moved along, those at the end to the beginning."""
    moved = asarray(values)
    items = list(moved.items)
    by = shift % max(len(items), 1)
    return ndarray([*items[-by:], *items[:-by]] if by else items, moved.shape)


def divide(a: Any, b: Any, out: Any = None, where: Any = True) -> Any:
    """`out` has the results where nothing is divided."""
    ratios = _quotient(a, b)
    return ratios if out is None else _where(where, ratios, out)


def iscomplexobj(values: Any) -> bool:
    return asarray(values).dtype is complex


def isclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> ndarray:
    def is_close(x: Any, y: Any) -> bool:
        if x == y or (equal_nan and _is_nan(x) and _is_nan(y)):
            return True
        return bool(abs(x - y) <= atol + rtol * abs(y) < inf)

    return _pairs(is_close)(asarray(a), asarray(b))  # type: ignore[no-any-return]


def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    return all(isclose(a, b, rtol, atol, equal_nan).items)


def vectorize(function: Plain, otypes: object = None) -> Plain:
    return _each(function)


# Functions of all numbers, or of those along an axis ----------------------------------


def _along(function: Plain, empty: Any = None) -> Plain:
    """Turn a function of a list into one of an array: of all its numbers, or along an axis."""

    def work(values: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        made = asarray(values)
        known = [] if initial is None else [initial]
        if axis is None:
            whole = _of_list(made.items + known)
            return ndarray([whole], (1,) * made.ndim) if keepdims else whole
        axes = sorted(k % made.ndim for k in ((axis,) if isinstance(axis, int) else axis))
        rest = [k for k in range(made.ndim) if k not in axes]
        turned = transpose(made, [*rest, *axes])
        length = math.prod(made.shape[k] for k in axes)
        count = math.prod(made.shape[k] for k in rest)
        lines = (turned.items[k * length : (k + 1) * length] + known for k in range(count))
        kept = tuple(
            1 if k in axes else n for k, n in enumerate(made.shape) if keepdims or k in rest
        )
        return ndarray([_of_list(line) for line in lines], kept)

    def _of_list(numbers: list[Any]) -> Any:
        return function(numbers) if numbers or empty is None else empty

    return work


def _has_nan(numbers: list[Any]) -> bool:
    return _is_nan(sum(numbers)) and any(map(_is_nan, numbers))


def _largest(numbers: list[Any]) -> Any:
    return nan if _has_nan(numbers) else max(numbers)


def _smallest(numbers: list[Any]) -> Any:
    return nan if _has_nan(numbers) else min(numbers)


def _middle(numbers: list[Any]) -> Any:
    if not numbers or _has_nan(numbers):
        return nan
    ordered = sorted(numbers, key=lambda x: (x.real, x.imag))
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _known(numbers: list[Any]) -> list[Any]:
    return [x for x in numbers if not _is_nan(x)]


def _added(numbers: list[Any]) -> Any:
    return sum(numbers, 0.0) if numbers and type(numbers[0]) is float else sum(numbers)


sum_ = _along(_added, 0.0)
prod = _along(math.prod, 1.0)
mean = _along(lambda numbers: _added(numbers) / len(numbers), nan)
max_, min_ = _along(_largest), _along(_smallest)
all_, any_ = _along(all, True), _along(any, False)
median = _along(_middle, nan)
nanmedian = _along(lambda numbers: _middle(_known(numbers)), nan)
nanmax = _along(lambda numbers: max(_known(numbers), default=nan), nan)
ptp = _along(lambda numbers: _largest(numbers) - _smallest(numbers))
count_nonzero = _along(lambda numbers: sum(map(bool, numbers)), 0)


def argmax(values: Any) -> int:
    items = asarray(values).items
    return items.index(max(items))


def argmin(values: Any) -> int:
    items = asarray(values).items
    return items.index(min(items))


def clip(values: Any, low: float, high: float) -> ndarray:
    return minimum(maximum(values, low), high)  # type: ignore[no-any-return]


def nan_to_num(values: Any, nan: float) -> ndarray:
    """Only NaN is replaced."""
    return where(isnan(values), nan, values)


def array_split(values: Any, count: int) -> list[ndarray]:
    made = asarray(values)
    each, longer = divmod(len(made), count)
    ends = [k * each + min(k, longer) for k in range(count + 1)]
    return [made[a:b] for a, b in pairwise(ends)]


def flatnonzero(values: Any) -> ndarray:
    return array([k for k, item in enumerate(asarray(values).items) if item], int)


def argwhere(values: Any) -> ndarray:
    made = asarray(values)
    places = product(*map(range, made.shape))
    some = [place for place, item in zip(places, made.items, strict=True) if item]
    return ndarray([k for place in some for k in place], (len(some), made.ndim))


def unique(values: Any, return_counts: bool = False) -> Any:
    items = asarray(values).items
    different = sorted(set(items))
    if not return_counts:
        return array(different)
    counts = dict.fromkeys(different, 0)
    for item in items:
        counts[item] += 1
    return array(different), array(list(counts.values()))


def isin(values: Any, some: Iterable[Any]) -> ndarray:
    made, wanted = asarray(values), set(some)
    return ndarray([item in wanted for item in made.items], made.shape)


def searchsorted(ordered: ndarray, wanted: Any) -> ndarray:
    made = asarray(wanted)
    return ndarray([bisect_left(ordered.items, item) for item in made.items], made.shape)


def solve_least_squares(table: Any, wanted: Any, rcond: object = None) -> tuple[ndarray, ...]:
    """The factors of the columns that come nearest to the target, by Gram–Schmidt; a column that
    depends on the others gets 0."""
    made = asarray(table)
    count = made.shape[1]
    columns = [list(made.items[k::count]) for k in range(count)]
    bases: list[tuple[list[float], list[float]]] = []  # each with its factors of the columns
    for k, column in enumerate(columns):
        left, shares = column, [float(j == k) for j in range(count)]
        for base, base_factors in (*bases, *bases):  # twice, because once loses digits
            along = _dot(left, base)
            left = [x - along * b for x, b in zip(left, base, strict=True)]
            shares = [s - along * o for s, o in zip(shares, base_factors, strict=True)]
        length, whole = math.sqrt(_dot(left, left)), math.sqrt(_dot(column, column))
        if length > 1e-13 * whole:
            bases.append(([x / length for x in left], [s / length for s in shares]))
    target = asarray(wanted).items
    factors = [0.0] * count
    for base, base_factors in bases:
        along = _dot(target, base)
        factors = [f + along * o for f, o in zip(factors, base_factors, strict=True)]
    return (array(factors),)


def _dot(a: Iterable[float], b: Iterable[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


# Tables ---------------------------------------------------------------------------------


def outer(a: Any, b: Any) -> Any:
    return multiply(reshape(a, (-1, 1)), ravel(b))


def eye(count: int) -> ndarray:
    places = arange(count)
    return array(equal(places[:, None], places), float)


def tril(table: ndarray) -> ndarray:
    """The table with zeros above the diagonal."""
    rows, columns = (arange(length) for length in table.shape)
    return where(greater_equal(rows[:, None], columns), table, table.dtype(0))


def tile(table: ndarray, times: int) -> ndarray:
    return concatenate([table] * times, axis=-1)


def linspace(first: float, last: float, count: int) -> ndarray:
    step = (last - first) / (count - 1)
    return array([*(first + k * step for k in range(count - 1)), last])


def broadcast(*some: Any) -> SimpleNamespace:
    return SimpleNamespace(shape=broadcast_shapes(*map(shape, some)))


# Operators and methods ----------------------------------------------------------------


def _product(a: ndarray, b: ndarray) -> Any:
    columns = b if b.ndim > 1 else reshape(b, (-1, 1))
    sums = [sum_(multiply(a, column), axis=-1) for column in transpose(columns)]
    return stack(sums, axis=-1) if b.ndim > 1 else sums[0]


_OPERATORS: dict[str, Any] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "truediv": divide,
    "mod": remainder,
    "pow": power,
    "and": bitwise_and,
    "or": bitwise_or,
}
_METHODS: dict[str, Any] = {
    "__lt__": less,
    "__le__": less_equal,
    "__gt__": greater,
    "__ge__": greater_equal,
    "__eq__": equal,
    "__ne__": not_equal,
    "__neg__": negative,
    "__abs__": abs_,
    "__invert__": logical_not,
    "__matmul__": _product,
    "sum": sum_,
    "mean": mean,
    "max": max_,
    "min": min_,
    "all": all_,
    "any": any_,
    "argmax": argmax,
    "argmin": argmin,
    "ravel": ravel,
    "repeat": repeat_,
    "round": round_,
    "swapaxes": swapaxes,
    "reshape": lambda self, *shape: reshape(self, shape[0] if len(shape) == 1 else shape),
    "real": property(real),
    "imag": property(imag),
}


def _from_the_right(function: Plain) -> Plain:
    return lambda self, other: function(other, self)


for _name, _function in _OPERATORS.items():
    setattr(ndarray, f"__{_name}__", _function)
    setattr(ndarray, f"__r{_name}__", _from_the_right(_function))
for _name, _function in _METHODS.items():
    setattr(ndarray, _name, _function)
