"""Says rules of recurrent layers in C in whole numbers: the same loops, other arithmetic."""

from __future__ import annotations

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.targets.portable.makers import RowMaker
from gradbook.targets.portable.rules import source_of
from gradbook.targets.portable.rules_in_c import (
    Index,
    OpWords,
    RuleInC,
    RuleWriting,
    plus,
    spoken,
    times,
)
from gradbook.targets.portable.whole_rules import SAYS, UNIT_BITS, WholeRule

WORDS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "negate": "-{0}",
    "multiply": "times({0}, {1})",
    "sigmoid": "sigmoid_of({0})",
    "tanh": "tanh_of({0})",
}


def whole_rule_in_c(maker: RowMaker, whole: WholeRule) -> RuleInC:
    words = OpWords(
        SAYS,
        lambda node, terms: WORDS[node.op.name].format(*terms),
        lambda number: str(round(number * 2**UNIT_BITS)),
    )
    writing = _WholeWriting(maker, whole.rule, words)
    writing.whole = whole
    writing.write()
    return RuleInC(writing.text(), writing.scratch)


def tables_of(whole: WholeRule) -> dict[str, np.ndarray]:
    """Its constants beside the weights, by their names in C."""
    name, sums = whole.rule.name, (whole.fed, *whole.back.values())
    found = {
        f"biases_of_{name}": whole.fed.bias,
        f"factors_of_{name}": np.concatenate([one.factor for one in sums]),
    }
    if whole.constants:
        found[f"constants_of_{name}"] = np.concatenate([*whole.constants.values()])
    return found


class _WholeWriting(RuleWriting):
    whole: WholeRule

    def _fed(self, node: Node, index: Index) -> str:
        """A sum of the row's levels."""
        fed, name = self.whole.fed, self.rule.name
        place = plus(self.rule.given[node], index[0])
        width = fed.weights.shape[1]
        total = self._weighed(node, times(place, width), "here", width)
        biased = f"{total} + READ(int32_t, biases_of_{name} + {place})"
        return self._scaled(node, biased, place, fed.shift)

    def _scaled(self, node: Node, total: str, place: str, shift: int) -> str:
        said = f"scaled({total}, READ(int32_t, factors_of_{self.rule.name} + {place}), {shift})"
        name = self._fresh(spoken(node, "part"))
        self._line(f"const total {name} = {said};")
        return name

    def said(self, node: Node, index: Index, at: str = "") -> str:
        rule = self.rule
        key = (node, index, at)
        for scope in self.scopes:
            if key in scope:
                return scope[key]
        if node in rule.given:
            self.scopes[-1][key] = self._fed(node, index)
            return self.scopes[-1][key]
        if node in rule.before:
            shift = UNIT_BITS - self.whole.bits[rule.before.index(node)]
            high, low = self._bytes(node, index)
            both = f"256 * (total)before[{high}] + before[{low}]"
            return f"({both}) * {1 << shift}" if shift else both
        if node in rule.tensors:
            constants = list(self.whole.constants)
            earlier = constants[: constants.index(node)]
            first = sum(self.whole.constants[one].size for one in earlier)
            place = plus(first, index[0] if index else "0")
            return f"READ(int32_t, constants_of_{rule.name} + {place})"
        return super().said(node, index, at)

    def _bytes(self, node: Node, index: Index) -> tuple[str, str]:
        """Where its upper and its lower bytes are in a row."""
        rule = self.rule
        values = rule.before if node in rule.before else rule.made
        first = sum(one.shape[0] for one in values[: values.index(node)])
        return plus(first, index[0]), plus(first + rule.channels, index[0])

    def _linear(self, node: Node, index: Index, at: str) -> str:
        weights, x = (source_of(one) for one in node.inputs)
        own, (row,) = self.whole.back[weights], index
        first_weight, first_factor = self.whole.fed.weights.size, self.whole.fed.factor.size
        for leaf, one in self.whole.back.items():
            if leaf is weights:
                break
            first_weight += one.weights.size
            first_factor += one.factor.size
        width = own.weights.shape[1]

        read = plus(first_weight, times(row, width))
        if x in self.rule.before:
            total = self._weighed(node, read, self._where(x), width)
        else:
            total = self._total(
                node, width, lambda k: (f"READ(value, w + {read} + {k})", self.said(x, (k,)))
            )
        return self._scaled(node, total, plus(first_factor, row), own.shift)

    def _put(self, node: Node, said: str, index: Index) -> None:
        """A byte: only sums over all of them read it."""
        if self.uses[node] > 1:
            raise TargetError(f"{self.rule.name} can't be written with --int8: leave it out")
        self._line(f"{self._element(node, index)} = upper({said});")

    def _keep(self, node: Node, said: str, index: Index) -> None:
        shift = UNIT_BITS - self.whole.bits[self.rule.made.index(node)]
        high, low = self._bytes(node, index)
        self._line(f"keep_two(out + {high}, out + {low}, {said}, {shift});")

    def _reshaped(self, node: Node, index: Index, at: str) -> str:
        if not node.shape:
            return self.said(node.inputs[0], ("0",), at)
        raise TargetError(f"{self.rule.name} can't be written with --int8: leave it out")
