"""Formulas over one row of places, in C: what is the same along the row, then the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gradbook.graph.node import Node
from gradbook.targets.c.emit.syntax import function
from gradbook.targets.c.rewrite.linear import channelwise

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
CALLS = {
    "exp": "exponential",
    "log": "logarithm",
    "tanh": "hyperbolic_tangent",
    "softplus": "soft_plus",
    "sqrt": "root",
}


def literal(value: float) -> str:
    """A number in C, in the program's precision."""
    return f"(real){value!r}" if value >= 0 else f"-(real){-value!r}"


@dataclass(frozen=True)
class Term:
    """A C expression; `vector` has a value per lane, `along` changes along the row."""

    text: str
    vector: bool
    along: bool

    @property
    def lanes(self) -> str:
        return self.text if self.vector else f"all({self.text})"


@dataclass(frozen=True)
class Declared:
    """A name that is the same along a row: a number, a vector, or where values or bits lie."""

    kind: str  # real, vec, vec * or bits *
    name: str
    text: str

    def __str__(self) -> str:
        return (
            f"const {self.kind}{'' if self.kind.endswith('*') else ' '}{self.name} = {self.text};"
        )


class Kept(Protocol):
    """Where row h of a value begins, or None where it isn't in memory."""

    def __call__(self, node: Node, h: str = "h") -> str | None: ...


@dataclass
class Row:
    """The formulas of one hook.

    `once(node)` gives the C expression of a value of the step as a whole, for channel c;
    `kept(node)` that of the buffer of a value per sample.
    """

    once: Callable[[Node], str]
    kept: Kept
    mask: Callable[[Node], str | None]  # of what lies as bits the scale, else None
    name: Callable[[Node], str]
    given: Mapping[Node, str] = field(default_factory=dict)  # at hand: node → expression
    before: list[Declared] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    terms: dict[Node, Term] = field(default_factory=dict)
    loaded: list[Node] = field(default_factory=list)  # from memory, place by place

    def term(self, node: Node, make: bool = False) -> Term:
        """The value; `make` computes it even where it is also kept."""
        if node not in self.terms:
            self.terms[node] = self._term(node, make)
        return self.terms[node]

    def _term(self, node: Node, make: bool) -> Term:
        if node in self.given:
            return self._said(node, self.given[node], along=True)
        if not node.each or node.op.name == "repeat":
            return self._once(node)
        if not make or node.op.name == "leaf":
            start = self.kept(node)
            if start is not None:
                return self._loaded(node, start)
        if node.op.name == "spread":
            return self._spread(node)
        if node.op.name == "unpooled":
            return self._unpooled(node)
        return self._pointwise(node)

    def _once(self, node: Node) -> Term:
        if node.op.name == "repeat":
            return self.term(node.inputs[0])
        if node.is_constant():
            return Term(literal(node.number), vector=False, along=False)
        source = channelwise(node)
        if source is None:
            return Term(self.once(node), vector=False, along=True)
        if source is not node:
            return self.term(source)
        return self._said(node, self.once(node), along=False, vector=False)

    def _loaded(self, node: Node, start: str) -> Term:
        self.loaded.append(node)
        scale = self.mask(node)
        name = self.name(node)
        kind = "vec *" if scale is None else "bits *"
        self.before.append(Declared(kind, f"{name}_row", start))
        load = f"{name}_row[w]"
        if scale is not None:
            load = f"where_set({load}, {scale})"
        return self._said(node, load, along=True)

    def _spread(self, node: Node) -> Term:
        if channelwise(node) is not None:
            return self._once(node)
        source = node.inputs[0]
        start = self.kept(source)
        assert start is not None, "what is spread is kept"
        scale = self.mask(source)
        load = f"*({start})" if scale is None else f"where_set(*({start}), {scale})"
        return self._said(node, load, along=False)

    def _unpooled(self, node: Node) -> Term:
        """From the row, and the place in it, that the window has among the windows."""
        (window,), (source,) = node.attributes, node.inputs
        assert isinstance(window, tuple)
        rows, columns = window
        start = self.kept(source, f"(h / {rows})")
        assert start is not None, "what a window was given is kept"
        self.loaded.append(source)
        name = self.name(node)
        self.before.append(Declared("vec *", f"{name}_row", start))
        return self._said(node, f"{name}_row[w / {columns}]", along=True)

    def _pointwise(self, node: Node) -> Term:
        terms = [self.term(source) for source in node.inputs]
        along = any(term.along for term in terms)
        return self._said(node, self._formula(node, terms), along=along)

    def _formula(self, node: Node, terms: list[Term]) -> str:
        name = node.op.name
        if name in INFIX:
            a, b = terms
            left = a.text if a.vector or b.vector else a.lanes
            return f"{left} {INFIX[name]} {b.text}"
        if name == "negate":
            return f"-{terms[0].lanes}"
        if name == "power":
            if node.inputs[1].is_constant(2):
                return f"{terms[0].lanes} * {terms[0].lanes}"
            return f"raised({terms[0].lanes}, {terms[1].text})"
        if name == "relu":
            return f"largest(all(0), {terms[0].lanes})"  # what is no number stays none
        if name == "choose":
            return f"if_positive({', '.join(term.lanes for term in terms)})"
        return f"{CALLS[name]}({terms[0].lanes})"

    def _said(self, node: Node, text: str, along: bool, vector: bool = True) -> Term:
        """The value under a name of its own."""
        name = self.name(node)
        kind = "vec" if vector else "real"
        if along:
            self.inside.append(f"const {kind} {name} = {text};")
        else:
            self.before.append(Declared(kind, name, text))
        return Term(name, vector, along)


ARRAYS = {"vec *": "rows", "bits *": "drops", "vec": "vectors", "real": "numbers"}


@dataclass
class LineFields:
    """How many of each kind the longest line holds."""

    most: dict[str, int] = field(default_factory=lambda: dict.fromkeys([*ARRAYS, "sum"], 1))

    def hold(self, kind: str, count: int) -> None:
        self.most[kind] = max(self.most[kind], count)

    @property
    def lines(self) -> list[str]:
        """The members of `struct line`."""
        held = [
            f"{'const ' if kind.endswith('*') else ''}{kind}{' ' * (kind[-1] != '*')}"
            f"{name}[{self.most[kind]}];"
            for kind, name in ARRAYS.items()
        ]
        return [*held, f"vec sums[{self.most['sum']}];"]


def line_functions(
    name: str,
    declared: Sequence[Declared],
    inside: Sequence[str],
    result: str,
    totals: Sequence[tuple[str, str]],
    fields: LineFields,
) -> str:
    """`find_`, `value_` and, where there are totals, `leave_` of this name.

    `totals` are sums over the row: where each is added to, and of which value.
    """
    count = dict.fromkeys(ARRAYS, 0)
    find = ["struct line line = {.at = at, .h = h, .c = c};"]
    value = ["struct place *at = line->at;", "const int h = line->h, c = line->c;"]
    for each in declared:
        place = f"{ARRAYS[each.kind]}[{count[each.kind]}]"
        count[each.kind] += 1
        find += [str(each), f"line.{place} = {each.name};"]
        value.append(str(Declared(each.kind, each.name, f"line->{place}")))
    for kind, number in count.items():
        fields.hold(kind, number)
    fields.hold("sum", len(totals))
    find += [*(f"line.sums[{k}] = (vec){{0}};" for k in range(len(totals))), "return line;"]
    value += [*inside, *(f"line->sums[{k}] += {x};" for k, (_, x) in enumerate(totals))]
    value += ["(void)at, (void)h, (void)c;", f"return {result};"]
    texts = [
        function(f"INLINE struct line find_{name}(struct place *at, int h, int c)", find),
        function(f"INLINE vec value_{name}(struct line *line, int w)", value, ("w",)),
    ]
    if totals:
        leave = [f"{to} += line->sums[{k}];" for k, (to, _) in enumerate(totals)]
        head = f"INLINE void leave_{name}(struct place *at, int c, const struct line *line)"
        texts.append(function(head, leave))
    return "\n".join(texts)
