"""A value of a graph that is evaluated again and again, in less time than the reference takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np

from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.window import Shape


class Routine:
    """A value as calls in a row, prepared for many evaluations from other inputs: the same bits.

    If it is quick, weighted sums are products of matrices, and their last bits depend on how many
    threads NumPy's library takes. An array that only the next call reads is overwritten.
    """

    def __init__(
        self,
        output: Node,
        inputs: Node,
        example: Array,
        known: Mapping[str, Array],
        is_quick: bool = False,
    ) -> None:
        """`known` are the other leaves by their names; `example` is one sample of the inputs."""
        order = ancestors([output])
        self._reads = Counter(source for node in order for source in node.inputs)
        self._reader = {source: node for node in order for source in node.inputs}
        fixed = {
            node: node.op.value(node.number) if node.is_constant() else known[str(node.name)]
            for node in order
            if node is not inputs and node.op.name in ("constant", "leaf")
        }
        self._places = {node: place for place, node in enumerate([inputs, *fixed])}
        self._fixed, self._values = [*fixed.values()], [example, *fixed.values()]
        self._calls: list[tuple[Callable[..., Any], Callable[..., Any]]] = []
        with np.errstate(all="ignore"):
            for node in order:
                if node not in self._places:
                    self._append(node, is_quick)
        self._result = self._places[output]
        self._values = []

    def __call__(self, inputs: Array) -> Array:
        values = [inputs, *self._fixed]
        with np.errstate(all="ignore"):
            for function, take in self._calls:
                values.append(function(*take(values)))
        return values[self._result]

    def _append(self, node: Node, is_quick: bool) -> None:
        """The call of a node whose inputs have their places."""
        function, places = _function_of(node, is_quick), [self._places[x] for x in node.inputs]
        value = function(*(self._values[place] for place in places))
        if node.each and np.ndim(value) <= len(node.shape):
            function, places = _for_each_sample(function, node.shape), [0, *places]
            value = function(*(self._values[place] for place in places))
        elif self._is_stretched_by_its_reader(node):
            added = (None,) * (len(node.shape) - len(node.inputs[0].shape))
            function = lambda x: x[(..., *added)]  # noqa: E731
        elif self._overwrites(node, value):
            places.append(places[0])
        self._places[node] = len(self._values)
        self._values.append(value)
        one = slice(places[0], places[0] + 1)
        self._calls.append((function, itemgetter(*places) if places[1:] else itemgetter(one)))

    def _is_stretched_by_its_reader(self, node: Node) -> bool:
        """Whether the only reader of a spread value makes it as large as its other operand."""
        if node.op.name != "spread" or self._reads[node] != 1:
            return False
        reader = self._reader[node]
        others = (x for x in reader.inputs if x.each and x.op.name != "spread")
        return _writes_anywhere(reader) and any(x.shape == node.shape for x in others)

    def _overwrites(self, node: Node, value: Array) -> bool:
        """Whether a value may be written over the node's first input."""
        first = node.inputs[0]
        before = self._values[self._places[first]]
        is_new = first.each and (_writes_anywhere(first) or first.op.name == "linear")
        return (
            _writes_anywhere(node)
            and is_new
            and before.flags.writeable
            and self._reads[first] == 1
            and (first.shape, before.dtype) == (node.shape, value.dtype)
        )


def _writes_anywhere(node: Node) -> bool:
    """Whether an op's function takes an array for its result."""
    return isinstance(node.op.value, np.ufunc)


def _function_of(node: Node, is_quick: bool) -> Callable[..., Any]:
    if is_quick and node.op.name == "linear":
        return lambda w, x: x @ w.T
    value, attributes = node.op.value, node.attributes
    return (lambda *inputs: value(*inputs, *attributes)) if attributes else value


def _for_each_sample(function: Callable[..., Any], shape: Shape) -> Callable[..., Any]:
    """The function's value for each sample of its first argument."""
    return lambda samples, *inputs: np.broadcast_to(function(*inputs), (len(samples), *shape))
