"""The chain rule over recorded calls: from a number back to what it was computed from.

A function without a rule is nudged. Knows neither programs nor trainings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from gradbook.recording.calls import (
    CallChange,
    CallChanges,
    Masked,
    RecordedCall,
    Ref,
    Replay,
    Values,
    split_names,
    substitute,
)

NUDGE = 1e-6
MOST_NUDGES = 4096

Pull = Callable[..., list[Any]]  # (cotangent, value, *operand values, **options) → one per argument


def exact_slopes(
    replay: Replay,
    ends: Mapping[int, Any],
    numbers: Values,
    order: Iterable[int],
    changes: CallChanges | None = None,
) -> dict[int, Any]:
    """The slope of the sum of the ends with respect to each value before them.

    `ends` has each end's own factor, `numbers` the values of a replay, `order` its calls.
    """
    slopes: dict[int, Any] = {}
    for end, factor in ends.items():
        shape = np.shape(numbers[end])
        slopes[end] = np.broadcast_to(np.asarray(factor, float), shape).astype(float)
    last = max(ends, default=-1)
    with np.errstate(all="ignore"):
        for index in sorted((i for i in order if i <= last), reverse=True):
            slope = slopes.get(index)
            if slope is None or index in replay.inputs:
                continue
            call = changes[index] if changes and index in changes else replay.calls[index]
            pulled = _pull_number(replay, call, numbers, index, slope)
            for operand, part in pulled or pull(replay, call, numbers, index, slope):
                slopes[operand] = slopes[operand] + part if operand in slopes else part
    return slopes


def _pull_number(
    replay: Replay, call: RecordedCall | CallChange, numbers: Values, index: int, slope: Any
) -> list[tuple[int, Any]]:
    """As `pull`, for the call of a number by numbers alone."""
    factors = FACTORS.get(call.function)
    out = numbers[index]
    if factors is None or call.options or type(out) is not np.float64:
        return []
    values = [numbers[part.index] if type(part) is Ref else part for part in call.arguments]
    return [
        (part.index, slope * factor(out, *values))
        for part, factor, value in zip(call.arguments, factors, values, strict=True)
        if type(part) is Ref and part.index in replay.moving and type(value) is np.float64
    ]


def pull(
    replay: Replay,
    call: RecordedCall | CallChange,
    numbers: Values,
    index: int,
    slope: Any,
) -> list[tuple[int, Any]]:
    """What a call's slope means for the operands that move."""
    moving = {i for i in call.operands if i in replay.moving and _is_float(numbers[i])}
    if not moving:
        return []

    value = numbers.__getitem__
    function, arguments, options = call.function, call.arguments, call.options
    name = getattr(function, "__name__", "")
    out = numbers[index]
    if getattr(out, "dtype", None) is not None and out.dtype.kind != "f":
        return []
    rule = RULES.get(name)
    if isinstance(function, Masked):
        rule = _masked(function)
    if rule is not None and all(isinstance(part, Ref) or not _has(part) for part in arguments):
        values = [substitute(part, value) for part in arguments]
        try:
            parts = rule(slope, out, *values, **substitute(options, value))
        except _NoRuleError:
            parts = None
        if parts is not None:
            return [
                (argument.index, part)
                for argument, part in zip(arguments, parts, strict=False)
                if isinstance(argument, Ref) and argument.index in moving and part is not None
            ]
    if name == "item_of":
        return _pull_part(replay, numbers, index, slope)
    if name in REARRANGING:
        return _rearranged(function, arguments, options, moving, value, slope)
    return _nudged(function, arguments, options, moving, value, slope)


def _is_float(value: Any) -> bool:
    """Whether a number of it can move a little, as no mask and no index can."""
    kind = getattr(value, "dtype", None)
    return isinstance(value, (float, list, tuple)) or (kind is not None and kind.kind == "f")


def _has(part: Any) -> bool:
    """Whether there is a reference in it."""
    if isinstance(part, Ref):
        return True
    if isinstance(part, (list, tuple)):
        return any(_has(each) for each in part)
    return False


class _NoRuleError(Exception):
    """These operands are none that the rule is for."""


def fit_shape(slope: Any, shape: tuple[int, ...]) -> Any:
    """The slope of what was broadcast."""
    slope = np.asarray(slope)
    extra = slope.ndim - len(shape)
    if extra > 0:
        slope = slope.sum(axis=tuple(range(extra)))
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and slope.shape[i] != 1)
    if axes:
        slope = slope.sum(axis=axes, keepdims=True)
    return slope


def _of_two(left: Any, right: Any) -> Pull:
    def rule(g: Any, out: Any, a: Any, b: Any, **options: Any) -> list[Any]:
        if options.get("where", True) is not True:
            raise _NoRuleError
        return [
            fit_shape(g * left(out, a, b), np.shape(a)),
            fit_shape(g * right(out, a, b), np.shape(b)),
        ]

    return rule


def _of_one(slope: Any) -> Pull:
    def rule(g: Any, out: Any, a: Any, **options: Any) -> list[Any]:
        return [g * slope(out, np.asarray(a, float))]

    return rule


def _masked(function: Masked) -> Pull:
    def rule(g: Any, out: Any, array: Any, mask: Any, *inputs: Any, **options: Any) -> list[Any]:
        mask = np.broadcast_to(mask, out.shape)
        kept = fit_shape(np.where(mask, 0, g), np.shape(array))
        pull_inputs = RULES.get(function.ufunc.__name__)
        if pull_inputs is None:
            raise _NoRuleError
        filled = [np.where(mask, part, 1.0) for part in inputs]
        parts = pull_inputs(np.where(mask, g, 0), np.where(mask, out, 1.0), *filled, **options)
        slopes = [
            None if part is None else fit_shape(np.where(mask, part, 0), np.shape(operand))
            for part, operand in zip(parts, inputs, strict=True)
        ]
        return [kept, None, *slopes]

    return rule


def _spread(g: Any, shape: tuple[int, ...], axis: Any, keepdims: Any) -> Any:
    """A sum's slope, for each of its terms."""
    g = np.asarray(g)
    if axis is not None and not keepdims:
        axes = axis if isinstance(axis, tuple) else (axis,)
        for place in sorted(int(a) % len(shape) for a in axes):
            g = np.expand_dims(g, place)
    elif axis is None and not keepdims:
        g = g.reshape((1,) * len(shape))
    return np.broadcast_to(g, shape)


def _over_axes(slope: Callable[..., Any], *names: str) -> Pull:
    """A rule for what is computed over axes, by the slope of each entry: a function of the
    result's slope and the result, spread over the entries, of these, their count and the rest."""

    def rule(g: Any, out: Any, a: Any, *more: Any, **options: Any) -> list[Any]:
        options = {**dict(zip((*names, "keepdims"), more, strict=False)), **options}
        axis, keepdims = options.pop("axis", None), options.pop("keepdims", False)
        freedom = options.pop("ddof", 0)
        options.pop("dtype", None)
        if options.pop("out", None) is not None or options:
            raise _NoRuleError
        a, count = np.asarray(a), np.size(a) / np.size(out)
        g, out = (_spread(part, a.shape, axis, keepdims) for part in (g, out))
        return [slope(g, out, a, axis, count, freedom)]

    return rule


def _deviation(a: Any, axis: Any) -> Any:
    return a - np.mean(a, axis=axis, keepdims=True)


def _of_extreme(g: Any, out: Any, a: Any, axis: Any, count: Any, freedom: Any) -> Any:
    is_it = a == out
    return g * is_it / np.sum(is_it, axis=axis, keepdims=True)


_sum = _over_axes(lambda g, o, a, axis, n, free: g, "axis", "dtype", "out")
_mean = _over_axes(lambda g, o, a, axis, n, free: g / n, "axis", "dtype", "out")
_var = _over_axes(
    lambda g, o, a, axis, n, free: 2 * g * _deviation(a, axis) / (n - free),
    *("axis", "dtype", "out", "ddof"),
)
_std = _over_axes(
    lambda g, o, a, axis, n, free: g / o * _deviation(a, axis) / (n - free),
    *("axis", "dtype", "out", "ddof"),
)
_extreme = _over_axes(_of_extreme, "axis", "out")


def _lowered(out: Any, a: Any, b: Any) -> Any:
    """The slope of a power by its base."""
    b = np.asarray(b, float)
    return np.where(b == 0, 0, b * np.asarray(a, float) ** (b - 1))


def _logarithmic(out: Any, a: Any, b: Any) -> Any:
    a = np.asarray(a, float)
    return out * np.log(np.where(a > 0, a, 1))


def _matmul(g: Any, out: Any, a: Any, b: Any, **options: Any) -> list[Any]:
    a, b, g = np.asarray(a, float), np.asarray(b, float), np.asarray(g)
    if a.ndim == 0 or b.ndim == 0:
        return [fit_shape(g * b, a.shape), fit_shape(g * a, b.shape)]
    if a.ndim == 1 and b.ndim == 1:
        return [g * b, g * a]
    if a.ndim == 1:
        return [
            fit_shape((b @ g[..., None])[..., 0], a.shape),
            fit_shape(a[:, None] * g[..., None, :], b.shape),
        ]
    if b.ndim == 1:
        return [
            g[..., None] * b,
            fit_shape(np.swapaxes(a, -1, -2) @ g[..., None], (*b.shape, 1))[..., 0],
        ]
    return [
        fit_shape(g @ np.swapaxes(b, -1, -2), a.shape),
        fit_shape(np.swapaxes(a, -1, -2) @ g, b.shape),
    ]


def _dot(g: Any, out: Any, a: Any, b: Any, **options: Any) -> list[Any]:
    if np.ndim(a) > 2 or np.ndim(b) > 2:
        if np.ndim(b) == 2:
            a, g = np.asarray(a, float), np.asarray(g)
            flat, flat_g = a.reshape(-1, a.shape[-1]), g.reshape(-1, g.shape[-1])
            return [(flat_g @ np.transpose(b)).reshape(a.shape), flat.T @ flat_g]
        raise _NoRuleError
    return _matmul(g, out, a, b)


def _outer(g: Any, out: Any, a: Any, b: Any, **options: Any) -> list[Any]:
    return [(g @ np.ravel(b)).reshape(np.shape(a)), (np.ravel(a) @ g).reshape(np.shape(b))]


def _einsum(g: Any, out: Any, subscripts: Any, *operands: Any, **options: Any) -> list[Any]:
    if not isinstance(subscripts, str) or "..." in subscripts:
        raise _NoRuleError
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    if not arrow:
        output = "".join(sorted(each for each in set(inputs) - {","} if inputs.count(each) == 1))
    terms = inputs.split(",")
    if any(len(set(term)) < len(term) for term in terms):
        raise _NoRuleError
    parts: list[Any] = [None]
    for k, term in enumerate(terms):
        others = [t for j, t in enumerate(terms) if j != k]
        values = [np.asarray(o, float) for j, o in enumerate(operands) if j != k]
        known = set(output) | set("".join(others))
        shape = np.shape(operands[k])
        for letter, size in zip(term, shape, strict=True):
            if letter not in known:
                others.append(letter)
                values.append(np.ones(size))
        spec = ",".join([output, *others]) + "->" + term
        parts.append(np.einsum(spec, g, *values))
    return parts


def _tensordot(g: Any, out: Any, a: Any, b: Any, axes: Any = 2) -> list[Any]:
    a, b, g = np.asarray(a, float), np.asarray(b, float), np.asarray(g)
    if isinstance(axes, (int, np.integer)):
        axes = range(a.ndim - axes, a.ndim), range(int(axes))
    left, right = [
        [int(axis) % each.ndim for axis in np.ravel(list(part) if np.ndim(part) else [part])]
        for each, part in zip((a, b), axes, strict=True)
    ]
    free_left = [axis for axis in range(a.ndim) if axis not in left]
    free_right = [axis for axis in range(b.ndim) if axis not in right]
    count = len(free_left)
    of_a = np.tensordot(g, b, (range(count, g.ndim), free_right))  # free, then b's own order
    of_b = np.tensordot(g, a, (range(count), free_left))
    order_a = free_left + [left[n] for n in np.argsort(right)]
    order_b = free_right + [right[n] for n in np.argsort(left)]
    return [of_a.transpose(np.argsort(order_a)), of_b.transpose(np.argsort(order_b))]


def _inner(g: Any, out: Any, a: Any, b: Any) -> list[Any]:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return _matmul(g, out, a, b)
    return _tensordot(g, out, a, b, (-1, -1))


def _clip(g: Any, out: Any, a: Any, low: Any = None, high: Any = None, **options: Any) -> list[Any]:
    a = np.asarray(a)
    low = options.get("min", options.get("a_min", low))
    high = options.get("max", options.get("a_max", high))
    raised = a if low is None else np.maximum(a, low)
    is_low = a < raised
    is_high = raised > (np.inf if high is None else high)
    return [
        fit_shape(np.where(is_low | is_high, 0, g), a.shape),
        fit_shape(np.where(is_low & ~is_high, g, 0), np.shape(low)),
        fit_shape(np.where(is_high, g, 0), np.shape(high)),
    ]


def _where(g: Any, out: Any, condition: Any, a: Any = None, b: Any = None) -> list[Any]:
    if a is None:
        return [None]
    return [
        None,
        fit_shape(np.where(condition, g, 0), np.shape(a)),
        fit_shape(np.where(condition, 0, g), np.shape(b)),
    ]


def _setitem(g: Any, out: Any, a: Any, index: Any, value: Any) -> list[Any]:
    rest = np.array(g, float)
    part = rest[index]
    if not np.may_share_memory(part, rest) and np.ndim(part):  # a place may come twice
        order = np.arange(part.size).reshape(part.shape)
        last = np.zeros(rest.shape, int)
        last[index] = order
        part = np.where(last[index] == order, part, 0)
    else:
        part = np.array(part)
    rest[index] = 0
    return [rest, None, fit_shape(part, np.shape(value))]


def _put_flat(g: Any, out: Any, a: Any, places: Any, value: Any) -> list[Any]:
    rest = np.array(g, float)
    part = rest.reshape(-1)[places]
    rest.reshape(-1)[places] = 0
    return [rest, None, fit_shape(part, np.shape(value))]


def _add_at(g: Any, out: Any, a: Any, index: Any, value: Any) -> list[Any]:
    return [g, None, fit_shape(np.asarray(g)[index], np.shape(value))]


def _subtract_at(g: Any, out: Any, a: Any, index: Any, value: Any) -> list[Any]:
    return [g, None, fit_shape(-np.asarray(g)[index], np.shape(value))]


def _cumsum(g: Any, out: Any, a: Any, axis: Any = None, **options: Any) -> list[Any]:
    if axis is None:
        flat = np.cumsum(np.ravel(g)[::-1])[::-1]
        return [flat.reshape(np.shape(a))]
    return [np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)]


def _norm(
    g: Any, out: Any, a: Any, ord: Any = None, axis: Any = None, keepdims: Any = False
) -> list[Any]:
    if ord not in (None, 2, "fro") or (ord == 2 and np.ndim(a) > 1 and axis is None):
        raise _NoRuleError
    a, out = np.asarray(a, float), np.asarray(out)
    return [_spread(np.where(out == 0, 0, g / out), a.shape, axis, keepdims) * a]


def _log_softmax(g: Any, out: Any, a: Any, axis: Any = None) -> list[Any]:
    return [g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)]


def _average(
    g: Any, out: Any, a: Any, axis: Any = None, weights: Any = None, **options: Any
) -> list[Any]:
    if weights is not None:
        raise _NoRuleError
    return _mean(g, out, a, axis, **options)


def _softmax(g: Any, out: Any, a: Any, axis: Any = None) -> list[Any]:
    return [out * (g - np.sum(g * out, axis=axis, keepdims=True))]


def _same(g: Any, out: Any, a: Any, *more: Any, **options: Any) -> list[Any]:
    return [g]


def _none(g: Any, out: Any, *arguments: Any, **options: Any) -> list[Any]:
    return [None] * len(arguments)


FACTORS: dict[Any, tuple[Callable[..., Any], ...]] = {  # of each operand: the entry's own slope
    np.add: (lambda o, a, b: 1.0, lambda o, a, b: 1.0),
    np.subtract: (lambda o, a, b: 1.0, lambda o, a, b: -1.0),
    np.multiply: (lambda o, a, b: b, lambda o, a, b: a),
    np.divide: (lambda o, a, b: 1.0 / b, lambda o, a, b: -o / b),
    np.maximum: (
        lambda o, a, b: (a > b) + 0.5 * (a == b),
        lambda o, a, b: (b > a) + 0.5 * (a == b),
    ),
    np.minimum: (
        lambda o, a, b: (a < b) + 0.5 * (a == b),
        lambda o, a, b: (b < a) + 0.5 * (a == b),
    ),
    np.logaddexp: (lambda o, a, b: np.exp(a - o), lambda o, a, b: np.exp(b - o)),
    np.power: (_lowered, _logarithmic),
    np.float_power: (_lowered, _logarithmic),
    np.negative: (lambda o, a: -1.0,),
    np.positive: (lambda o, a: 1.0,),
    np.exp: (lambda o, a: o,),
    np.exp2: (lambda o, a: o * np.log(2),),
    np.expm1: (lambda o, a: o + 1,),
    np.log: (lambda o, a: 1 / a,),
    np.log2: (lambda o, a: 1 / (a * np.log(2)),),
    np.log10: (lambda o, a: 1 / (a * np.log(10)),),
    np.log1p: (lambda o, a: 1 / (1 + a),),
    np.sqrt: (lambda o, a: 0.5 / o,),
    np.square: (lambda o, a: 2 * a,),
    np.reciprocal: (lambda o, a: -o * o,),
    np.absolute: (lambda o, a: np.sign(a),),
    np.fabs: (lambda o, a: np.sign(a),),
    np.tanh: (lambda o, a: 1 - o * o,),
    np.sinh: (lambda o, a: np.cosh(a),),
    np.cosh: (lambda o, a: np.sinh(a),),
    np.sin: (lambda o, a: np.cos(a),),
    np.cos: (lambda o, a: -np.sin(a),),
    np.tan: (lambda o, a: 1 + o * o,),
    np.arctan: (lambda o, a: 1 / (1 + a * a),),
}
OF_SEVERAL = (_of_one, _of_two)
RULES: dict[str, Pull] = {
    **{f.__name__: OF_SEVERAL[f.nin - 1](*factors) for f, factors in FACTORS.items()},
    "expit": _of_one(lambda o, a: o * (1 - o)),
    "sign": _none,
    "floor": _none,
    "ceil": _none,
    "rint": _none,
    "sum": _sum,
    "mean": _mean,
    "average": _average,
    "var": _var,
    "std": _std,
    **dict.fromkeys(("max", "min", "amax", "amin"), _extreme),
    "matmul": _matmul,
    "dot": _dot,
    "outer": _outer,
    "einsum": _einsum,
    "clip": _clip,
    "where": _where,
    "setitem": _setitem,
    "put_flat": _put_flat,
    "add_at": _add_at,
    "subtract_at": _subtract_at,
    "tensordot": _tensordot,
    "inner": _inner,
    "cumsum": _cumsum,
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "nan_to_num": _same,
}
REARRANGING = frozenset(
    split_names("""
    getitem reshape transpose ravel flatten squeeze expand_dims swapaxes moveaxis concatenate
    vstack hstack dstack stack column_stack row_stack array asarray asanyarray copy astype
    broadcast_to repeat tile pad roll flip fliplr flipud rot90 diag diagonal take tril triu
    atleast_1d atleast_2d atleast_3d ascontiguousarray asfortranarray append insert delete split
    array_split hsplit vsplit dsplit sliding_window_view take_along_axis refill rollaxis
    permute_dims matrix_transpose unstack resize block broadcast_arrays compress extract""")
)
MIXING = frozenset(  # with numbers from elsewhere among the operand's
    split_names("""
    concatenate vstack hstack dstack stack column_stack row_stack array asarray asanyarray pad
    append insert block""")
)


def _rearranged(
    function: Any,
    arguments: Any,
    options: Any,
    moving: set[int],
    value: Any,
    slope: Any,
    part: Any = None,
) -> list[tuple[int, Any]]:
    """Every entry of the result is one of an operand: which one, is found with their numbers."""
    pieces = []
    name = getattr(function, "__name__", "")
    if name == "pad" and (len(arguments) > 2 or options.get("mode", "constant") != "constant"):
        return _nudged(function, arguments, options, moving, value, slope)
    if name in ("astype", "array", "asarray", "asanyarray"):
        options = {key: each for key, each in options.items() if key != "dtype"}
        arguments = arguments[:1]
        if name == "astype":
            function = np.array
    for operand in moving:
        shape, size = np.shape(value(operand)), int(np.size(value(operand)))

        if name == "refill":
            return [(operand, fit_shape(slope, shape))] if arguments[1].index == operand else []

        def places_from(
            first: float, operand: int = operand, size: int = size, shape: Any = shape
        ) -> Any:
            def numbered(index: int) -> Any:
                if index == operand:
                    return np.arange(first, first + size).reshape(shape)
                other = np.asarray(value(index))
                return value(index) if other.dtype.kind in "iub" else np.zeros(other.shape)

            result = function(*substitute(arguments, numbered), **substitute(options, numbered))
            return np.asarray(result if part is None else result[part], float).ravel()

        places = places_from(1.0)
        if name in MIXING:
            places = np.where(places_from(2.0) - places == 1, places, 0)
        places = places.astype(int)
        total = np.bincount(places, weights=np.ravel(slope), minlength=size + 1)[1:]
        pieces.append((operand, total.reshape(shape)))
    return pieces


def _pull_part(replay: Replay, numbers: Values, index: int, slope: Any) -> list[tuple[int, Any]]:
    """One of several results, such as of `np.split`."""
    call = replay.calls[index]
    whole, place = call.arguments
    inner: RecordedCall = replay.calls[whole.index]
    moving = {i for i in inner.operands if i in replay.moving and _is_float(numbers[i])}

    value = numbers.__getitem__
    if inner.name in REARRANGING:
        return _rearranged(
            inner.function, inner.arguments, inner.options, moving, value, slope, place
        )

    def function(*arguments: Any, **options: Any) -> Any:
        return inner.function(*arguments, **options)[place]  # type: ignore[misc]

    return _nudged(function, inner.arguments, inner.options, moving, value, slope)


def _nudged(
    function: Any, arguments: Any, options: Any, moving: set[int], value: Any, slope: Any
) -> list[tuple[int, Any]]:
    pieces = []
    name = getattr(function, "__name__", "")
    is_elementwise = isinstance(function, np.ufunc) or name == "elementwise"
    for operand in moving:
        base = np.array(value(operand), float)
        size = np.maximum(1, np.abs(base)) * NUDGE

        def result(numbers: Any, operand: int = operand) -> Any:
            def moved(index: int) -> Any:
                return numbers if index == operand else value(index)

            return np.asarray(
                function(*substitute(arguments, moved), **substitute(options, moved)), float
            )

        if is_elementwise:
            change = (result(base + size) - result(base - size)) / (2 * size)
            pieces.append((operand, fit_shape(slope * change, base.shape)))
            continue
        total = np.full(base.size, np.nan)
        if base.size <= MOST_NUDGES:
            for place in range(base.size):
                up, down = base.copy(), base.copy()
                up.reshape(-1)[place] += size.reshape(-1)[place]
                down.reshape(-1)[place] -= size.reshape(-1)[place]
                change = (result(up) - result(down)) / (2 * size.reshape(-1)[place])
                total[place] = np.sum(change * slope)
        pieces.append((operand, total.reshape(base.shape)))
    return pieces
