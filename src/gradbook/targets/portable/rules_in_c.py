"""Says rules in C: of each a function that makes one row, in loops over its values.

What is read again, by a sum over it or by several values, is put into an array first; all else is
computed where it is used. The arrays of all rules lie in the same memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod

from gradbook.errors import TargetError
from gradbook.graph.node import Node
from gradbook.lowering import Vocabulary
from gradbook.targets.portable.makers import RowMaker
from gradbook.targets.portable.rules import Rule, Sight, source_of

PASSED_ON = ("copy", "step", "spread", "spread_channels", "reshape")  # whose values are others'
OF_TWO_STEPS = ("scores", "shares")
TAKEN = {"own", "seen", "out", "here", "steps", "count", "before", "x", "w"}  # names in C
ATOM = r"[\w.]+(\[[^\]]*\])*|[\d.]+e-\d+f"  # what needs no brackets
Index = tuple[str, ...]


@dataclass(frozen=True)
class OpWords:
    """How single values are said: ops with their templates, and constants."""

    says: Vocabulary
    expression: Callable[[Node, Sequence[str]], str]
    constant: Callable[[float], str]


@dataclass(frozen=True)
class RuleInC:
    """The function, and how many values its arrays take."""

    text: str
    scratch: int


def rule_in_c(maker: RowMaker, wording: OpWords) -> RuleInC:
    assert maker.rule is not None
    writing = RuleWriting(maker, maker.rule, wording)
    writing.write()
    return RuleInC(writing.text(), writing.scratch)


def function_of(rule: Rule) -> str:
    """What its function is called."""
    return f"row_of_{rule.name}"


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
            for one in node.inputs if not self._is_given(node) else ():
                self.uses[one] = self.uses.get(one, 0) + 1
        self.held = self._held()

    # What is computed in which loop -------------------------------------------------

    def write(self) -> None:
        for group in self._groups():
            if group[0].op.name == "shares":
                self._write_shares(group[0])
                continue
            for node in group:
                if node in self.held:
                    self._declare(node)
            with self._loops(self._axes(group[0])) as index:
                for node in group:
                    said = self._computed(node, index, "")
                    if node in self.held:
                        self._put(node, said, index)
                    if node in self.rule.made:
                        self._keep(node, said, index)

    def _put(self, node: Node, said: str, index: Index) -> None:
        self._line(f"{self._element(node, index)} = {said};")

    def _keep(self, node: Node, said: str, index: Index) -> None:
        made = self.rule.made
        first = sum(one.shape[0] for one in made[: made.index(node)])
        place = plus(first, index[0])
        self._line(f"keep(own, out + {place}, {place}, {said});")

    def _groups(self) -> list[list[Node]]:
        """What is put into arrays or made, by the loops in which that is done."""
        wanted = sorted({*self.held, *self.rule.made}, key=lambda node: node.index)
        groups: list[list[Node]] = []
        for node in wanted:
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
        """What is read as a whole, and isn't there yet."""
        found = set()
        for node in self.rule.order:
            if not self._is_given(node):
                found |= {one for one in self._whole_inputs(node) if not self._is_plain(one)}
        return found

    def _whole_inputs(self, node: Node) -> tuple[Node, ...]:
        """Which of its inputs are read at other places than its own, or more than once."""
        match node.op.name:
            case "linear" | "weigh" | "shares" | "spread_channels" | "log_sum_exp_all":
                return (source_of(node.inputs[1 if node.op.name == "linear" else 0]),)
            case "spread" if node.inputs[0].shape != node.shape[:1]:
                return (source_of(node.inputs[0]),)
            case _:
                return ()

    def _read_whole(self, node: Node) -> set[Node]:
        """What arrays it needs as a whole."""
        found, waiting = set[Node](), [node]
        while waiting:
            one = waiting.pop()
            if not self._is_given(one):
                found.update(self._whole_inputs(one))
                waiting += one.inputs
        return found

    def _is_plain(self, node: Node) -> bool:
        """Whether it lies somewhere already."""
        if self._is_given(node) or node.is_constant():
            return True
        return node.op.name in PASSED_ON and self._is_plain(node.inputs[0])

    def _is_given(self, node: Node) -> bool:
        rule = self.rule
        return node in rule.given or node in rule.before or node in rule.tensors

    # Where values lie ---------------------------------------------------------------

    def _axes(self, node: Node) -> tuple[int | str, ...]:
        """The sizes of its loops at one place."""
        if self._is_given(node):
            return node.shape[:1]
        if node.op.name in OF_TWO_STEPS:
            return node.shape[0], "count"
        if not node.op.elements and any(self._axes(one)[1:] for one in node.inputs):
            return next(axes for one in node.inputs if (axes := self._axes(one))[1:])
        return node.shape[:1]

    def _declare(self, node: Node, instead: Node | None = None) -> None:
        if instead is not None:
            self.arrays[node] = self.arrays[instead]
            return
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

    # What they are ------------------------------------------------------------------

    def said(self, node: Node, index: Index, at: str = "") -> str:
        """A value at a place of its own; `at` is another step than that of the row."""
        rule = self.rule
        if node in rule.given:
            row = f"steps[{at}]" if at else "here"
            return f"{row}[{plus(rule.given[node], index[0])}]"
        if node in rule.before:
            first = sum(one.shape[0] for one in rule.before[: rule.before.index(node)])
            return f"before[{plus(first, index[0])}]"
        if node in rule.tensors:
            return self._tensor(node, index[0] if index else "0")
        if node.is_constant():
            return self.wording.constant(node.number)
        key = (node, index, at)
        for scope in self.scopes:
            if key in scope:
                return scope[key]
        if node in self.arrays:
            return self._element(node, index)
        return self._computed(node, index, at)

    def _computed(self, node: Node, index: Index, at: str) -> str:
        own = _TENSOR_OPS.get(node.op.name)
        if own is not None:
            return str(getattr(self, own)(node, index, at))
        simpler = self.wording.says.simpler(node)
        if simpler is not None:
            return self.said(simpler, index, at)
        terms = [atom(self.said(one, index if one.shape else (), at)) for one in node.inputs]
        return self._local(node, index, at, self.wording.expression(node, terms))

    def _passed_on(self, node: Node, index: Index, at: str) -> str:
        return self.said(node.inputs[0], index, at)

    def _spread(self, node: Node, index: Index, at: str) -> str:
        (x,) = node.inputs
        return self.said(x, index[: len(x.shape)], at)

    def _spread_channels(self, node: Node, index: Index, at: str) -> str:
        return self.said(node.inputs[0], ("0",), at)

    def _linear(self, node: Node, index: Index, at: str) -> str:
        weights, x = (source_of(one) for one in node.inputs)
        row = plus(self.rule.begins[weights], times(index[0], weights.shape[1]))
        return self._weighed(node, row, self._where(x), x.shape[0])

    def _where(self, x: Node) -> str:
        """Where all its values begin."""
        rule = self.rule
        if x in rule.before:
            first = sum(one.shape[0] for one in rule.before[: rule.before.index(x)])
            return f"before + {first}" if first else "before"
        if x in rule.given:
            return f"here + {rule.given[x]}" if rule.given[x] else "here"
        return self.arrays[x]

    def _weighed(self, node: Node, weights: str, values: str, count: int) -> str:
        """Values that lie side by side, weighed and added up."""
        name = self._fresh(spoken(node, "sum"))
        self._line(f"const total {name} = weighed(0, w + {weights}, {values}, {count});")
        return name

    def _sum(self, node: Node, index: Index, at: str) -> str:
        (x,) = node.inputs
        return self._total(node, x.shape[0], lambda k: (self.said(x, (k,), at),))

    def _log_sum_exp(self, node: Node, index: Index, at: str) -> str:
        (x,) = map(source_of, node.inputs)
        return f"log_sum_exp({self._where(x)}, {x.shape[0]})"

    def _scores(self, node: Node, index: Index, at: str) -> str:
        q, k = node.inputs
        each = q.shape[0] // node.shape[0]
        head, step = index

        def products(i: str) -> list[str]:
            place = (head if each == 1 else f"{head} * {each} + {i}",)
            return [self.said(q, place), self.said(k, place, step)]

        return self._total(node, each, products)

    def _weigh(self, node: Node, index: Index, at: str) -> str:
        share, x = node.inputs
        each = x.shape[0] // share.shape[0]
        head = index[0] if each == 1 else f"{index[0]} / {each}"
        return self._total(
            node, "count", lambda k: (self.said(share, (head, k)), self.said(x, index, k))
        )

    def _reshaped(self, node: Node, index: Index, at: str) -> str:
        """A single value; or values in line, feature by feature, put back into their places."""
        (x,) = node.inputs
        if not node.shape:
            return self.said(x, ("0",), at)
        if len(x.shape) == 1 and len(node.shape) > 1:
            return self._in_line(x, node, index)
        raise TargetError(f"{self.rule.name} can't be written in C: use another layer")

    def _in_line(self, x: Node, node: Node, index: Index) -> str:
        """What lies in line at a place of values of the node's shape."""
        if x in self.rule.tensors:
            area = prod(node.shape[1:])
            return self._tensor(x, f"{index[0]} * {area} + place")
        if x.op.name == "reshape":
            return self.said(x.inputs[0], index)
        terms = [
            self._in_line(one, node, index) if one.shape else self.said(one, ()) for one in x.inputs
        ]
        return self.wording.expression(x, [atom(term) for term in terms])

    def _local(self, node: Node, index: Index, at: str, said: str) -> str:
        """Under a name, where a loop is open and it is used several times or called so."""
        if self.uses.get(node, 2) == 1 and node.name is None:
            return said
        name = self._fresh(spoken(node, "part"))
        self._line(f"const total {name} = {said};")
        self.scopes[-1][node, index, at] = name
        return name

    def _total(self, node: Node, count: int | str, terms: Callable[[str], Sequence[str]]) -> str:
        name, k = self._fresh(spoken(node, "sum")), self._fresh("k")
        self._line(f"total {name} = 0;")
        self._line(f"for (int {k} = 0; {k} < {count}; {k}++) {{")
        with self._inside():
            factors = terms(k)
            said = " * ".join(map(atom, factors)) if len(factors) > 1 else factors[0]
            self._line(f"{name} += {said};")
        self._line("}")
        self.names.discard(k)
        return name

    def _write_shares(self, node: Node) -> None:
        (scores,) = map(source_of, node.inputs)
        self._declare(node, instead=scores)
        heads, steps, name = node.shape[0], self.rule.steps, self.arrays[node]
        self._line(f"for (int head = 0; head < {heads}; head++)")
        self._line(f"    take_shares({name} + head * {steps}, count);")

    # Lines --------------------------------------------------------------------------

    @contextmanager
    def _loops(self, axes: Sequence[int | str]) -> Iterator[Index]:
        """Inside loops over so many values."""
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
        known = {*self.names}
        yield index
        self.names = known - {*index}
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

    def text(self) -> str:
        """The whole function."""
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
        given = "const struct maker *own, const struct view *seen, value *out"
        head = f"static void {function_of(rule)}({given})"
        return "\n".join([head, "{", *(f"    {line}" for line in opening), *inner, "}"])

    def _opening(self, body: str) -> tuple[str, list[str]]:
        """Where its own row lies, and what stands before all loops."""
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


_TENSOR_OPS = {  # and what says them
    "copy": "_passed_on",
    "step": "_passed_on",
    "spread": "_spread",
    "spread_channels": "_spread_channels",
    "reshape": "_reshaped",
    "linear": "_linear",
    "sum": "_sum",
    "sum_channels": "_sum",
    "log_sum_exp_all": "_log_sum_exp",
    "scores": "_scores",
    "weigh": "_weigh",
}


def plus(first: int, place: str) -> str:
    """A place so many after the first."""
    if place.isdigit():
        return str(first + int(place))
    return f"{first} + {place}" if first else place


def times(place: str, width: int) -> str:
    """Where a row of such a width begins."""
    return "0" if place == "0" else f"{atom(place)} * {width}"


def atom(term: str) -> str:
    """In brackets where it isn't a single thing."""
    return term if re.fullmatch(ATOM, term) or _is_call(term) else f"({term})"


def _is_call(term: str) -> bool:
    """Whether it is what one function makes, and nothing more."""
    opening = re.match(r"\w+\(", term)
    open_ones, ends = 0, []
    for place, letter in enumerate(term):
        open_ones += (letter == "(") - (letter == ")")
        if letter == ")" and not open_ones:
            ends.append(place)
    return bool(opening) and ends == [len(term) - 1]


def spoken(node: Node, otherwise: str) -> str:
    """What a value is called in C."""
    said = re.sub(r"\W", "", str(node.name.at_step(None)), flags=re.ASCII) if node.name else ""
    return said if said[:1].isalpha() else otherwise
