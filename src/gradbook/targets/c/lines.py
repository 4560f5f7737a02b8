"""Rows that are read value by value: what is the same along one goes into a `struct line`.

A row's formulas then run where the value is needed, in registers, and nothing is stored between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gradbook.targets.c.rows import Declared
from gradbook.targets.c.syntax import function

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
