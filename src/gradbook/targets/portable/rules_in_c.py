"""Writes rules in C: for each a function that makes one row, in loops over its values.

A value that is read by a sum over it, or by several values, is stored in an array first; others are
computed where they are used. All rules' arrays share the same memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from math import prod

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.node import OPS, Node
from gradbook.lowering import Vocabulary
from gradbook.targets.portable.c_text import ConstantArray
from gradbook.targets.portable.makers import RowMaker
from gradbook.targets.portable.rules import Rule, Sight, source_of
from gradbook.targets.portable.whole_formulas import MOST_MADE, WholeFormula
from gradbook.targets.portable.whole_ops import OF_RULES, PASSED_ON, SAYS, UNIT_BITS, WholeOp
from gradbook.targets.portable.whole_rules import WholeRule

OF_TWO_STEPS = ("scores", "shares")
TAKEN = {"own", "seen", "out", "here", "steps", "count", "before", "x", "w"}  # names in C
ATOM = r"[\w.]+(\[[^\]]*\])*|[\d.]+e-\d+f"  # needs no brackets
CALL = r"[^()]*"  # a function's arguments, with nested brackets
for _ in range(9):
    CALL = rf"[^()]*(?:\({CALL}\)[^()]*)*"
CALL = rf"\w+\({CALL}\)"
Index = tuple[str, ...]


@dataclass(frozen=True)
class OpWords:
    """How single values are written: templates for ops, and constants."""

    says: Vocabulary
    expression: Callable[[Node, Sequence[str]], str]
    constant: Callable[[float], str]


@dataclass(frozen=True)
class RuleInC:
    """A function, and the number of values that its arrays hold."""

    name: str
    text: str
    scratch: int


@dataclass
class RuleWriting:
    """Writes one rule, loop by loop."""

    maker: RowMaker
    rule: Rule
    wording: OpWords
    scratch: int = 0
    lines: list[str] = field(default_factory=list)
    depth: int = 1
    arrays: dict[Node, str] = field(default_factory=dict)
    scopes: list[dict[tuple[Node, Index, str], str]] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: {*TAKEN})

    def __post_init__(self) -> None:
        self.uses = dict.fromkeys(self.rule.order, 0)
        for node in self.rule.order:
            for source in node.inputs if not self._is_input(node) else ():
                self.uses[source] = self.uses.get(source, 0) + 1
        self.held = self._held()

    # Loops and what each computes.

    def write(self) -> None:
        for group in self._groups():
            if group[0].op.name == "shares":  # they replace the scores
                (scores,) = map(source_of, group[0].inputs)
                self.arrays[group[0]] = name = self.arrays[scores]
                row = f"{name} + head * {self.rule.steps}"
                self._line(f"for (int head = 0; head < {group[0].shape[0]}; head++)")
                self._line(f"    {self._shared_out(group[0], row)};")
                continue
            for node in group:
                if node in self.held:
                    self._declare(node)
            with self._loops(self._axes(group[0])) as index:
                for node in group:
                    text = self._computed(node, index, "")
                    if node in self.held:
                        self._put(node, text, index)
                    if node in self.rule.results:
                        self._keep(node, text, index)

    def _shared_out(self, node: Node, row: str) -> str:
        return f"take_shares({row}, count)"

    def _put(self, node: Node, text: str, index: Index) -> None:
        self._line(f"{self._element(node, index)} = {text};")

    def _keep(self, node: Node, text: str, index: Index) -> None:
        place = plus(first_of(node, self.rule.results), index[0])
        self._line(f"keep(own, out + {place}, {place}, {text});")

    def _groups(self) -> list[list[Node]]:
        """Group what is stored or made by the loops that it needs."""
        nodes = sorted({*self.held, *self.rule.results}, key=lambda node: node.index)
        groups: list[list[Node]] = []
        for node in nodes:
            last = groups[-1] if groups else []
            joins = (
                last
                and "shares" not in (node.op.name, last[0].op.name)
                and self._axes(node) == self._axes(last[0])
                and not self._read_whole(node) & {*last}
            )
            if joins:
                last.append(node)
            else:
                groups.append([node])
        return groups

    def _held(self) -> set[Node]:
        """Find the values that are read as a whole and have no memory yet."""
        arrays = set()
        for node in self.rule.order:
            if not self._is_input(node):
                inputs = self._whole_inputs(node)
                arrays |= {source for source in inputs if not self._is_plain(source)}
        return arrays

    def _whole_inputs(self, node: Node) -> tuple[Node, ...]:
        """Which of its inputs are read at other places, or more than once."""
        match node.op.name:
            case "linear" | "weigh" | "shares" | "spread_channels" | "log_sum_exp_all":
                return (source_of(node.inputs[1 if node.op.name == "linear" else 0]),)
            case "spread" if node.inputs[0].shape != node.shape[:1]:
                return (source_of(node.inputs[0]),)
            case _:
                return ()

    def _read_whole(self, node: Node) -> set[Node]:
        """Which arrays it needs as a whole."""
        arrays, waiting = set[Node](), [node]
        while waiting:
            source = waiting.pop()
            if not self._is_input(source):
                arrays.update(self._whole_inputs(source))
                waiting += source.inputs
        return arrays

    def _is_plain(self, node: Node) -> bool:
        """Whether it is already in memory."""
        if self._is_input(node) or node.is_constant():
            return True
        return node.op.name in PASSED_ON and self._is_plain(node.inputs[0])

    def _is_input(self, node: Node) -> bool:
        rule = self.rule
        return node in rule.reads or node in rule.before or node in rule.tensors

    # The memory of values.

    def _axes(self, node: Node) -> tuple[int | str, ...]:
        """The sizes of its loops at one place."""
        if self._is_input(node):
            return node.shape[:1]
        if node.op.name in OF_TWO_STEPS:
            return node.shape[0], "count"
        if not node.op.elements and any(self._axes(source)[1:] for source in node.inputs):
            return next(axes for source in node.inputs if (axes := self._axes(source))[1:])
        return node.shape[:1]

    def _declare(self, node: Node) -> None:
        sizes = [self.rule.steps if size == "count" else size for size in self._axes(node)]
        name = self._fresh(f"{spoken(node, 'part')}s")
        self._line(f"total *const {name} = scratch + {self.scratch};")
        self.arrays[node] = name
        self.scratch += prod(int(size) for size in sizes)

    def _element(self, node: Node, index: Index) -> str:
        name = self.arrays[node]
        if len(index) > 1:
            return f"{name}[{index[0]} * {self.rule.steps} + {index[1]}]"
        return f"{name}[{index[0] if index else 0}]"

    def _tensor(self, node: Node, place: str) -> str:
        return f"READ(value, w + {plus(self.rule.begins[node], place)})"

    # Expressions.

    def value_text(self, node: Node, index: Index, at: str = "") -> str:
        """Write a value at its place; `at` is a step other than the row's."""
        rule, key = self.rule, (node, index, at)
        text = next((scope[key] for scope in self.scopes if key in scope), None)
        if text is not None:
            return text
        if node in rule.reads:
            return self._of_row(node, index, at)
        if node in rule.before:
            return self._before(node, index)
        if node in rule.tensors:
            return self._tensor(node, index[0] if index else "0")
        if node.is_constant():
            return self.wording.constant(node.number)
        if node in self.arrays:
            return self._element(node, index)
        return self._computed(node, index, at)

    def _of_row(self, node: Node, index: Index, at: str) -> str:
        row = f"steps[{at}]" if at else "here"
        return f"{row}[{plus(self.rule.reads[node], index[0])}]"

    def _before(self, node: Node, index: Index) -> str:
        return f"before[{plus(first_of(node, self.rule.before), index[0])}]"

    def _computed(self, node: Node, index: Index, at: str) -> str:
        text = ""
        match node.op.name:
            case "copy" | "step":
                text = self.value_text(node.inputs[0], index, at)
            case "spread":
                text = self.value_text(node.inputs[0], index[: len(node.inputs[0].shape)], at)
            case "spread_channels":
                text = self.value_text(node.inputs[0], ("0",), at)
            case "reshape":
                text = self._reshaped(node, index, at)
            case "linear":
                text = self._linear(node, index)
            case "sum" | "sum_channels":
                (x,) = node.inputs
                text = self._total(node, x.shape[0], lambda k: (self.value_text(x, (k,), at),))
            case "log_sum_exp_all":
                (x,) = map(source_of, node.inputs)
                text = f"log_sum_exp({self._where(x)}, {x.shape[0]})"
            case "scores":
                text = self._scores(node, *index)
            case "weigh":
                text = self._weigh(node, index)
            case _ if (simpler := self.wording.says.simpler(node)) is not None:
                text = self.value_text(simpler, index, at)
        return text or self._formula(node, index, at)

    def _formula(self, node: Node, index: Index, at: str) -> str:
        """Write a formula; one that is used several times, or has a name, becomes a variable."""
        terms = [atom(self.value_text(x, index if x.shape else (), at)) for x in node.inputs]
        text = self._expressed(node, terms)
        if self.uses.get(node, 2) == 1 and node.name is None:
            return text
        self.scopes[-1][node, index, at] = self._named(spoken(node, "part"), text)
        return self.scopes[-1][node, index, at]

    def _expressed(self, node: Node, terms: Sequence[str]) -> str:
        return self.wording.expression(node, terms)

    def _linear(self, node: Node, index: Index) -> str:
        weights, x = (source_of(source) for source in node.inputs)
        row = plus(self.rule.begins[weights], times(index[0], weights.shape[1]))
        return self._weighed(node, row, self._where(x), x.shape[0])

    def _where(self, x: Node) -> str:
        """Write the address of its first value."""
        rule = self.rule
        if x in rule.before:
            first = first_of(x, rule.before)
            return f"before + {first}" if first else "before"
        if x in rule.reads:
            return f"here + {rule.reads[x]}" if rule.reads[x] else "here"
        return self.arrays[x]

    def _weighed(self, node: Node, weights: str, values: str, count: int) -> str:
        """Write the weighted sum of adjacent values."""
        call = f"weighed(0, w + {weights}, {values}, {count})"
        return self._named(spoken(node, "sum"), call)

    def _scores(self, node: Node, head: str, step: str) -> str:
        q, k = node.inputs
        size = q.shape[0] // node.shape[0]

        def products(i: str) -> list[str]:
            place = (head if size == 1 else f"{head} * {size} + {i}",)
            return [self.value_text(q, place), self.value_text(k, place, step)]

        return self._total(node, size, products)

    def _weigh(self, node: Node, index: Index) -> str:
        share, x = node.inputs
        size = x.shape[0] // share.shape[0]
        head = index[0] if size == 1 else f"{index[0]} / {size}"
        return self._total(
            node,
            "count",
            lambda k: (self.value_text(share, (head, k)), self.value_text(x, index, k)),
        )

    def _reshaped(self, node: Node, index: Index, at: str) -> str:
        """Write a single value; or flattened values in the layout of the node."""
        (x,) = node.inputs
        if not node.shape:
            return self.value_text(x, ("0",), at)
        if len(x.shape) == 1 and len(node.shape) > 1:
            return self._in_line(x, node, index)
        raise TargetError(f"{self.rule.name} can't be written in C: use another layer")

    def _in_line(self, x: Node, node: Node, index: Index) -> str:
        """Write the flattened value at a place in the node's shape."""
        if x in self.rule.tensors:
            area = prod(node.shape[1:])
            return self._tensor(x, f"{index[0]} * {area} + place")
        if x.op.name == "reshape":
            return self.value_text(x.inputs[0], index)
        terms = [
            self._in_line(source, node, index) if source.shape else self.value_text(source, ())
            for source in x.inputs
        ]
        return self._expressed(x, [atom(term) for term in terms])

    def _named(self, stem: str, text: str) -> str:
        """Write a value to a line of its own; return its name."""
        name = self._fresh(stem)
        self._line(f"const total {name} = {text};")
        return name

    def _total(self, node: Node, count: int | str, terms: Callable[[str], Sequence[str]]) -> str:
        return self._added_up(node, count, terms, "total")

    def _added_up(
        self, node: Node, count: int | str, terms: Callable[[str], Sequence[str]], kind: str
    ) -> str:
        name, k = self._fresh(spoken(node, "sum")), self._fresh("k")
        self._line(f"{kind} {name} = 0;")
        self._line(f"for (int {k} = 0; {k} < {count}; {k}++) {{")
        with self._inside():
            factors = terms(k)
            product = " * ".join(map(atom, factors)) if len(factors) > 1 else factors[0]
            product = f"({kind}){product}" if kind != "total" and len(factors) > 1 else product
            self._line(f"{name} += {product};")
        self._line("}")
        self.names.discard(k)
        return name

    # Lines --------------------------------------------------------------------------

    @contextmanager
    def _loops(self, axes: Sequence[int | str]) -> Iterator[Index]:
        """Open loops of these sizes."""
        names = (self._fresh(name) for name, _ in zip("ik", axes, strict=False))
        index = tuple("0" if size == 1 else next(names) for size in axes)
        loops = [
            f"for (int {name} = 0; {name} < {size}; {name}++) {{"
            for name, size in zip(index, axes, strict=True)
            if name != "0"
        ]
        for opening in loops or ["{"]:
            self._line(opening)
            self.depth += 1
        self.scopes.append({})
        names_outside = {*self.names}
        yield index
        self.names = names_outside - {*index}
        self.scopes.pop()
        for _ in loops or [""]:
            self.depth -= 1
            self._line("}")

    @contextmanager
    def _inside(self) -> Iterator[None]:
        self.depth += 1
        self.scopes.append({})
        yield
        self.scopes.pop()
        self.depth -= 1

    def _line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def _fresh(self, stem: str) -> str:
        number, name = 2, stem
        while name in self.names:
            name, number = f"{stem}_{number}", number + 1
        self.names.add(name)
        return name

    def rule_in_c(self) -> RuleInC:
        """Return the whole function."""
        self.write()
        rule, columns = self.rule, self.maker.shape[1]
        body = "\n".join(self.lines)
        row, opening = self._opening(body)
        apart = "" if columns == 1 else " + x * seen->from->channels"
        inner = [f"const value *const here = {row}{apart};"]
        if re.search(r"\bplace\b", body):
            row_served = "SERVING(own, seen->row)"
            place = row_served if columns == 1 else f"{row_served} * {columns} + x"
            inner.append(f"const int place = {place};")
        inner = [*(f"    {line}" for line in inner), *self.lines]
        if columns > 1:
            loop = f"for (int x = 0; x < {columns}; x++, out += {rule.channels}) {{"
            inner = [f"    {loop}", *(f"    {line}" for line in inner), "    }"]
        parameters = "const struct maker *own, const struct view *seen, value *out"
        name = f"row_of_{rule.name}"
        lines = [f"static void {name}({parameters})", "{", *(f"    {line}" for line in opening)]
        return RuleInC(name, "\n".join([*lines, *inner, "}"]), self.scratch)

    def _opening(self, body: str) -> tuple[str, list[str]]:
        """Return its own row, and the lines before all loops."""
        steps, row, lines = self.rule.steps, "seen->rows[0]", []
        if re.search(r"\bbefore\b", body):
            lines.append("const value *const before = row_of(own, seen->row - 1, 0);")
        if self.rule.sight is Sight.EARLIER:
            lines.append(f"const int count = seen->row < {steps} ? seen->row + 1 : {steps};")
            lines.append(f"const value *const *steps = seen->rows + {steps} - count;")
            row = "steps[count - 1]"
        elif self.rule.sight is Sight.ALL:
            lines.append(f"const int count = {steps};")
            lines.append("const value *const *steps = seen->rows;")
            row = "steps[seen->row]"
        if " w + " in body:
            lines.append("const value *const w = weights + own->weights;")
        return row, lines


def first_of(node: Node, beside: Sequence[Node]) -> int:
    """The first channel of one of several concatenated values."""
    return sum(earlier.shape[0] for earlier in beside[: beside.index(node)])


def plus(first: int, place: str) -> str:
    """Add a place to a first index."""
    if place.isdigit():
        return str(first + int(place))
    return f"{first} + {place}" if first else place


def times(place: str, width: int) -> str:
    """The beginning of a row of this width."""
    return "0" if place == "0" else f"{atom(place)} * {width}"


def atom(term: str) -> str:
    """Add brackets unless it is a single term."""
    return term if re.fullmatch(ATOM, term) or re.fullmatch(CALL, term) else f"({term})"


def spoken(node: Node, otherwise: str) -> str:
    """The name of a value in C."""
    word = re.sub(r"\W", "", str(node.name.at_step(None)), flags=re.ASCII) if node.name else ""
    return word if word[:1].isalpha() else otherwise


# In integers -----------------------------------------------------------------------


def whole_words(ops: Mapping[str, WholeOp], says: Vocabulary) -> OpWords:
    """How these ops are written in integers."""
    return OpWords(
        says,
        lambda node, terms: ops[node.op.name].words.format(*terms),
        lambda number: str(round(number * 2**UNIT_BITS)),
    )


def in_c(maker: RowMaker, whole: WholeRule | WholeFormula) -> RuleInC:
    """Return the function of a rule."""
    if isinstance(whole, WholeRule):
        words = whole_words(OF_RULES, SAYS)
        return WholeRuleWriting(maker, whole.rule, words, whole=whole).rule_in_c()
    wording = OpWords(Vocabulary(SAYS.target, OPS), lambda node, terms: "", str)
    changed = replace(maker, rule=whole.rule)
    return FormulaWriting(changed, whole.rule, wording, whole=whole).rule_in_c()


def tables_of(whole: WholeRule | WholeFormula) -> list[ConstantArray]:
    """The rule's constants besides its weights."""
    if isinstance(whole, WholeFormula):
        arrays, constants = {}, [x.ravel() for x in whole.stored.values()]
    else:
        factors = [each.factor for each in (whole.fed, *whole.back.values())]
        arrays = {"biases": whole.fed.bias, "factors": np.concatenate(factors)}
        constants = [*whole.constants.values()]
    if constants:
        arrays["constants"] = np.concatenate(constants)
    name = whole.rule.name
    return [ConstantArray("int32_t", f"{what}_of_{name}", x) for what, x in arrays.items()]


@dataclass
class WholeRuleWriting(RuleWriting):
    """Writes the same loops in integers: sums are scaled, values to keep have two bytes."""

    whole: WholeRule = field(kw_only=True)

    def _of_row(self, node: Node, index: Index, at: str) -> str:
        """A sum of the row's levels."""
        fed, place = self.whole.fed, plus(self.rule.reads[node], index[0])
        width = fed.weights.shape[1]
        total = self._weighed(node, times(place, width), "here", width)
        biased = f"{total} + READ(int32_t, biases_of_{self.rule.name} + {place})"
        self.scopes[-1][node, index, at] = self._scaled(node, biased, place, fed.shift)
        return self.scopes[-1][node, index, at]

    def _scaled(self, node: Node, total: str, place: str, shift: int) -> str:
        call = f"scaled({total}, READ(int32_t, factors_of_{self.rule.name} + {place}), {shift})"
        return self._named(spoken(node, "part"), call)

    def _before(self, node: Node, index: Index) -> str:
        shift = UNIT_BITS - self.whole.bits[self.rule.before.index(node)]
        high, low = self._bytes(node, index)
        value = f"256 * (total)before[{high}] + before[{low}]"
        return f"({value}) * {1 << shift}" if shift else value

    def _tensor(self, node: Node, place: str) -> str:
        constants = self.whole.constants
        first = sum(x.size for x in islice(constants.values(), [*constants].index(node)))
        return f"READ(int32_t, constants_of_{self.rule.name} + {plus(first, place)})"

    def _bytes(self, node: Node, index: Index) -> tuple[str, str]:
        """The places of its upper and lower bytes in a row."""
        rule = self.rule
        values = rule.before if node in rule.before else rule.results
        first = first_of(node, values)
        return plus(first, index[0]), plus(first + rule.channels, index[0])

    def _linear(self, node: Node, index: Index) -> str:
        weights, x = (source_of(source) for source in node.inputs)
        back, (row,) = self.whole.back, index
        weighed, width = back[weights], weights.shape[1]
        earlier = [self.whole.fed, *islice(back.values(), [*back].index(weights))]
        first_weight = sum(sums.weights.size for sums in earlier)
        first_factor = sum(sums.factor.size for sums in earlier)
        read = plus(first_weight, times(row, width))
        if x in self.rule.before:
            total = self._weighed(node, read, self._where(x), width)
        else:
            total = self._total(
                node, width, lambda k: (f"READ(value, w + {read} + {k})", self.value_text(x, (k,)))
            )
        return self._scaled(node, total, plus(first_factor, row), weighed.shift)

    def _put(self, node: Node, text: str, index: Index) -> None:
        """Store a byte, since only sums over all of them read it."""
        if self.uses[node] > 1:
            raise TargetError(f"{self.rule.name} can't be written with --int8: leave it out")
        self._line(f"{self._element(node, index)} = upper({text});")

    def _keep(self, node: Node, text: str, index: Index) -> None:
        shift = UNIT_BITS - self.whole.bits[self.rule.results.index(node)]
        high, low = self._bytes(node, index)
        self._line(f"keep_two(out + {high}, out + {low}, {text}, {shift});")

    def _reshaped(self, node: Node, index: Index, at: str) -> str:
        if not node.shape:
            return self.value_text(node.inputs[0], ("0",), at)
        raise TargetError(f"{self.rule.name} can't be written with --int8: leave it out")


# Rules without memory ------------------------------------------------------------


@dataclass
class FormulaWriting(RuleWriting):
    """Writes the same loops in integers, each value with its own number of fractional bits."""

    whole: WholeFormula = field(kw_only=True)

    def _shared_out(self, node: Node, row: str) -> str:
        return f"share_out({row}, count, {self.whole.shifts[node]})"

    def _of_row(self, node: Node, index: Index, at: str) -> str:
        """Convert a level to a number."""
        read = self.whole.read
        level = super()._of_row(node, index, at)
        factor, bias = str(read.factor[0]), f"({read.bias[0]})"
        if read.factor.size > 1:
            place = plus(self.rule.reads[node], index[0])
            factor = self._constant("factors of levels", place)
            bias = self._constant("biases of levels", place)
        number = f"scaled({level}, {factor}, {read.shift}) + {bias}"
        self.scopes[-1][node, index, at] = self._named(spoken(node, "part"), number)
        return self.scopes[-1][node, index, at]

    def _constant(self, key: object, place: str) -> str:
        name = f"constants_of_{self.rule.name}"
        return f"READ(int32_t, {name} + {plus(self.whole.begins[key], place)})"

    def _tensor(self, node: Node, place: str) -> str:
        numbers = self.whole.constants[node]
        return str(numbers.item()) if numbers.size == 1 else self._constant(node, place)

    def _expressed(self, node: Node, terms: Sequence[str]) -> str:
        begin = self.whole.begins.get((node, "curve"))
        table = f"constants_of_{self.rule.name} + {begin}"
        return self.whole.ops[node].words.format(*terms, table=table)

    def _linear(self, node: Node, index: Index) -> str:
        whole, x, (row,) = self.whole, source_of(node.inputs[1]), index
        sums, width = whole.sums[node], x.shape[0]
        before = [whole.sums[other] for other in takewhile(lambda o: o is not node, whole.sums)]
        read = plus(sum(each.weights.size for each in before), times(row, width))
        if x in self.rule.reads:
            total = self._weighed(node, read, self._where(x), width)
            total = f"{total} + {self._constant((node, 'bias'), row)}"
        else:
            total = self._total(
                node, width, lambda k: (f"READ(value, w + {read} + {k})", self.value_text(x, (k,)))
            )
        factor = self._constant((node, "factor"), row)
        return self._named(spoken(node, "part"), f"scaled({total}, {factor}, {sums.shift})")

    def _total(self, node: Node, count: int | str, terms: Callable[[str], Sequence[str]]) -> str:
        """Sum in 64 bits, then shift to the result's unit."""
        long = self._added_up(node, count, terms, "int64_t")
        return self._named(spoken(node, "part"), f"moved({long}, {self.whole.shifts[node]})")

    def _keep(self, node: Node, text: str, index: Index) -> None:
        by = self.whole.point - self.whole.points[node]
        number = f"moved({text}, {by})" if by else text
        super()._keep(node, f"within({number}, {MOST_MADE})", index)
