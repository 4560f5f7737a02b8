"""The C file: tables of weights and makers, the order of rows, and what works through them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import accumulate
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

from gradbook.targets.portable.makers import GIVING, NORMING, RowMaker, Work
from gradbook.targets.portable.rules_in_c import RuleInC, function_of
from gradbook.targets.portable.streaming import Stream, stream_of

# When each row is made, and where rows are kept -----------------------------------


@dataclass(frozen=True)
class RowBuffer:
    """A map's rows in memory: its row y lies at slot y modulo `depth`, an edge on both sides."""

    depth: int
    edge: int  # columns of it on each side
    length: int  # of a row in values, with its edges
    start: int  # of the first row in the arena

    @property
    def size(self) -> int:
        return self.depth * self.length


@dataclass(frozen=True)
class RowOrder:
    """The number of the maker whose turn it is, row after row, and the memory for it all."""

    turns: tuple[int, ...]
    buffers: tuple[RowBuffer, ...]
    arena: int  # values that all the kept rows take together
    longest_edge: int  # values of the longest row that lies beyond a map
    tallest: int  # rows that one row is made of, at the most


def row_order(makers: Sequence[RowMaker]) -> RowOrder:
    turns = _turns(makers)
    depths, spans = _needs(makers, turns)
    if stream_of(makers):
        depths[-1] = 1
        spans = _spans_of_a_step(makers, depths)
    pads = [0 if m.enlarges else max(m.window.pad[1::2]) for m in makers]
    edges = [
        max((pad for pad, m in zip(pads, makers, strict=True) if k in m.reads), default=0)
        for k in range(len(makers))
    ]
    lengths = [(m.shape[1] + 2 * e) * m.shape[2] for m, e in zip(makers, edges, strict=True)]
    sizes = [depth * length for depth, length in zip(depths, lengths, strict=True)]
    starts = _place(sizes, spans)
    buffers = map(RowBuffer, depths, edges, lengths, starts)
    beyond = [lengths[m.reads[0]] for m in makers if any(m.window.pad) or m.enlarges]
    beyond += [lengths[k] for k, m in enumerate(makers) if m.looks_back]
    return RowOrder(
        tuple(turns),
        tuple(buffers),
        max(start + size for start, size in zip(starts, sizes, strict=True)),
        max(beyond, default=0),
        max(m.tall for m in makers),
    )


def _turns(makers: Sequence[RowMaker]) -> list[int]:
    """Whose turn it is: each row is made as late as can be, when another needs it."""
    made = [0] * len(makers)
    turns: list[int] = []

    def require(number: int, row: int) -> None:
        maker = makers[number]
        while made[number] <= row:
            last = maker.first_row(made[number]) + maker.tall - 1
            for read in maker.reads:
                require(read, min(last, makers[read].shape[0] - 1))
            turns.append(number)
            made[number] += 1

    require(len(makers) - 1, makers[-1].shape[0] - 1)
    return turns


def _needs(
    makers: Sequence[RowMaker], turns: Sequence[int]
) -> tuple[list[int], list[tuple[int, int]]]:
    """How many rows of each map must be there at once, and from which turn to which."""
    made, depths = [0] * len(makers), [2 if maker.looks_back else 1 for maker in makers]
    depths[-1] = makers[-1].shape[0]  # all of the last map are answers
    begun: dict[int, int] = {}
    ended = [0] * len(makers)
    for turn, number in enumerate(turns):
        maker = makers[number]
        begun.setdefault(number, turn)
        for read in maker.reads:
            first = max(maker.first_row(made[number]), 0)
            depths[read] = max(depths[read], made[read] - first)
            ended[read] = turn
        made[number] += 1
        ended[number] = turn
    ended[-1] = len(turns)
    return depths, [(begun[k], ended[k]) for k in range(len(makers))]


def _spans_of_a_step(makers: Sequence[RowMaker], depths: Sequence[int]) -> list[tuple[int, int]]:
    """From which maker to which rows must be there, where each makes one in turn at every step:
    those that are read at the next step all the time."""
    ends = [
        max((k for k, m in enumerate(makers) if n in m.reads), default=n)
        for n in range(len(makers))
    ]
    return [
        (0, len(makers)) if depth > 1 or maker.looks_back else (number, end)
        for number, (maker, depth, end) in enumerate(zip(makers, depths, ends, strict=True))
    ]


def _place(sizes: Sequence[int], spans: Sequence[tuple[int, int]]) -> list[int]:
    """Where each buffer begins, so that none overlaps another that is needed at the same time."""
    starts: dict[int, int] = {}
    for number in sorted(range(len(sizes)), key=lambda k: -sizes[k]):
        begin, end = spans[number]
        beside = sorted(
            (starts[k], starts[k] + sizes[k])
            for k in starts
            if spans[k][0] <= end and begin <= spans[k][1]
        )
        start = 0
        for low, high in beside:
            if low - start >= sizes[number]:
                break
            start = max(start, high)
        starts[number] = start
    return [starts[k] for k in range(len(sizes))]


# The file -------------------------------------------------------------------------

WIDTH = 100
TURNS = "/* Which maker makes its next row. */\n"
WHOLE = """\
#define IS_BELOW(map, row) ((row) >= (map)->rows)
#define GIVEN_ROW(row) (row)
#define SERVING(map, row) (row)"""
STREAMED = """\
#define IS_BELOW(map, row) 0 /* steps may come without end, */
#define GIVEN_ROW(row) 0     /* one at a time; */
#define SERVING(map, row) ((row) < (map)->rows ? (row) : (map)->rows - 1) /* the last goes on */"""
KERNELS = {  # the section of runtime/work.c that does a maker's work, and its function
    Work.GIVEN: "given_at",
    Work.STEPWISE: "stepwise",
    Work.TOTAL: "total_of",
    Work.LARGEST: "largest",
    Work.BOTH: "both",
    Work.PRODUCT: "product",
    Work.REPEATED: "repeated",
    Work.SAME: "same",
    Work.FLAT: "flat",
    Work.BESIDE: "beside",
    Work.NORMED: "normed",
    Work.ALONE: "alone",
    Work.PLACED: "placed",
    Work.LATEST: "latest",
}
SERVING = (
    "take_shares",
    "scaled",
    "times",
    "upper",
    "keep_two",
    "sigmoid_of",
    "tanh_of",
    "exp_of",
    "log_sum_exp",
)
NEEDED = {  # by those that serve others
    "times": ("log_sum_exp",),
    "sigmoid_of": ("tanh_of",),
    "exp_of": ("log_sum_exp",),
}
ROWS_OF_SUMS = ("sums", "sums_flat", "sums_deep", "sums_each")  # ways to make them
WHOLE_ROWS = (*ROWS_OF_SUMS, "bytes", Work.RULED, Work.WAVES, Work.HEARD)  # made at once
ROWS_SEEN = """\
        const int tall = (own->pooled - 1) * own->stride + own->window_rows;
        const int first = row * own->pooled * own->stride - own->pad;
"""
READS_ROWS = "own->work != GIVEN && own->work != STEPWISE"
APART = "_apart"  # what a work is called whose window doesn't go evenly over neighbours
FIELDS = {  # of `struct maker`
    "work": "",
    "reads": "the maker of its input map,",
    "also": "and of its second one, if it has two",
    "window_rows": "",
    "window_columns": "",
    "stride": "",
    "pad": "how far its window goes beyond its input map",
    "pooled": "it keeps the largest of this many by this many results",
    "rows": "of its own map",
    "columns": "",
    "channels": "",
    "each": "channels that a sum reads",
    "edge": "extra columns on both sides of a row",
    "depth": "rows held at once",
    "start": "the place of its rows in the arena",
    "weights": "where its own weights begin",
    "first": "the number of its first channel among all channels",
}
OF_A_MAKER = r"(?:\(\w+\)|\b(?:own|map|maker|fed|seen(?:->|\.)(?:from|other)))"  # in C
FUNCTION = re.compile(r"^((?:APART )?static [^;{}=]*\)\n\{\n)(.*?^\}$)", re.MULTILINE | re.DOTALL)
A_MAKER = re.compile(r"const struct maker \*(\w+)")
GROUP = "the number of its first group among all normalised groups"
FIELDS_APART = {  # further ones, where a window doesn't go evenly over neighbours
    "across": "columns from one position of its window to the next (`stride` is in rows),",
    "left": "and how far it goes beyond the map at the sides",
    "tall": "rows between two neighbours in its window",
    "wide": "and columns",
    "above": "how much of the padding counts in its averages",
    "before": "",
    "below": "",
    "after": "",
}
EQUAL = {"rows": "columns", "window_rows": "window_columns"}  # of what is square
SQUARE = {"columns": "and rows of its own map", "window_columns": "and rows"}
MAKERS_HERE, WEIGHTS_HERE = "//: makers", "//: weights"
READS = {  # how an AVR reads one from its flash
    "int8_t": "((int8_t)pgm_read_byte(at))",
    "uint8_t": "pgm_read_byte(at)",
    "uint16_t": "pgm_read_word(at)",
    "int16_t": "((int16_t)pgm_read_word(at))",
    "int32_t": "((int32_t)pgm_read_dword(at))",
    "float": "pgm_read_float(at)",
}
Numbers = NDArray[np.float32 | np.int64]


@dataclass(frozen=True)
class Dialect:
    """What floats and whole numbers say differently."""

    value: str  # C's type of what maps and weights are made of,
    total: str  # of what they add up to,
    sample: str  # and of what the network is given
    edge: str  # what lies beyond a map, in C
    tables: Sequence[str]
    keep: str  # the function that puts a result into its place
    works: Sequence[str]  # the pieces of C whose works are its own
    name: str  # of the network
    sizes: Mapping[str, int] = field(default_factory=dict)  # further constants
    fields: Mapping[str, tuple[str, Sequence[int | str]]] = field(
        default_factory=dict
    )  # further ones
    includes: Sequence[str] = ()
    reads: Mapping[str, str] = field(default_factory=dict)  # further types of constants
    rules: Mapping[int, RuleInC] = field(default_factory=dict)  # of the makers of these numbers
    finer: int = 1  # what is given is told in such parts
    ways: Mapping[int, str] = field(default_factory=dict)  # of the same: ways to work of its own
    packed: Sequence[Numbers | None] = ()  # the weights as they are stored, if not one by one

    @property
    def sums_rows(self) -> bool:
        """Whether the ways make sums of a whole row before they are scaled."""
        return any(way in ROWS_OF_SUMS for way in self.ways.values())


def program(
    makers: Sequence[RowMaker],
    weights: Sequence[Numbers | None],
    dialect: Dialect,
    *,
    remark: str,
    ending: str,
) -> str:
    """Write the whole file: `ending` is what others call."""
    order, stream = row_order(makers), stream_of(makers)
    each = [dialect.ways.get(k, _work(maker)) for k, maker in enumerate(makers)]
    works = _works(each)
    stored = dialect.packed or weights
    own = list(_stored(stored).values())
    columns = _columns(makers, each, weights, stored, order)
    kinds = {name: smallest(max(map(int, numbers))) for name, numbers in columns.items()}
    columns |= {name: numbers for name, (_, numbers) in dialect.fields.items()}
    kinds |= {name: kind for name, (kind, _) in dialect.fields.items()}
    alike = _alike(columns, range(len(makers)))
    settled = {
        way: _alike(columns, [k for k, own in enumerate(each) if own == way])
        for way in {*dialect.ways.values()}
    }
    chain, two = stream is None and is_chain(makers), any(len(m.reads) > 1 for m in makers)
    turn = {} if stream or chain else {"turn": smallest(len(makers))}
    types = {"value": dialect.value, "total": dialect.total}
    parts = [
        "\n".join(f"#include <{name}>" for name in (*dialect.includes, "stdint.h")),
        "\n".join(
            f"typedef {kind} {name};"
            for name, kind in (types | {"sample": dialect.sample} | turn).items()
        ),
        _constants({**types, **turn, **dialect.reads}),
        _sizes(makers, works, order, stream, dialect, chain),
        *([WEIGHTS_HERE] if own else []),
        *dialect.tables,
        MAKERS_HERE,
        *([TURNS + table("turn", "turns", np.array(order.turns))] if turn else []),
        f"#define EDGE(map) {dialect.edge} /* the value of padding */",
        _rows(stream, dialect.name, order.longest_edge > 0),
        dialect.keep,
        *_kernels(works, dialect, widest(makers) == 1 and not dialect.ways, ending, settled),
        _making(makers, works, dialect.rules),
        *_going(stream, chain, makers, dialect.name),
        ending,
        *(["#undef arena\n#undef made"] if stream else []),
    ]
    text = _if_so("\n\n".join(part.strip("\n") for part in parts) + "\n", chain=chain, two=two)
    equal = _equal(columns)
    text = _without(alike, _by_others(equal, text))
    read = {name: own for name, own in columns.items() if _is_read(name, text)}
    text = text.replace(MAKERS_HERE, "\n\n".join(_makers(read, kinds, equal)))
    if own:  # which may be millions, among which nothing is looked for
        kind = "uint8_t" if dialect.packed else "value"
        text = text.replace(WEIGHTS_HERE, table(kind, "weights", np.concatenate(own)))
    return f"{comment(remark)}\n\n{text}"


def is_chain(makers: Sequence[RowMaker]) -> bool:
    """Whether each reads the one before alone, through a window that goes on evenly from its first
    row, and the last makes a single row: then whose turn it is follows from how many rows there
    are, and needs no table."""
    return makers[-1].shape[0] == 1 and all(
        maker.reads == ((number - 1,) if number else ())
        and not (maker.enlarges or maker.rule or maker.skipped)
        for number, maker in enumerate(makers)
    )


def _if_so(text: str, **flags: bool) -> str:
    """The lines that are said only if something is so, or `no` such thing is."""
    for name, is_so in flags.items():
        text = re.sub(rf"^.* //: {'no ' * is_so}{name}\n", "", text, flags=re.MULTILINE)
        text = re.sub(rf" //: {'no ' * (not is_so)}{name}$", "", text, flags=re.MULTILINE)
    return text


def _equal(columns: Mapping[str, Sequence[int | str]]) -> dict[str, str]:
    """The fields that say of each maker what another one says: of square maps and windows."""
    return {name: other for name, other in EQUAL.items() if columns[name] == columns[other]}


def _by_others(equal: Mapping[str, str], text: str) -> str:
    for name, other in equal.items():
        text = re.sub(rf"({OF_A_MAKER})->{name}\b", rf"\1->{other}", text)
    return text


def _is_read(name: str, text: str) -> bool:
    """Whether anything asks makers for this field; what they do is always told."""
    return name == "work" or re.search(rf"{OF_A_MAKER}->{name}\b", text) is not None


def _alike(
    columns: Mapping[str, Sequence[int | str]], numbers: Sequence[int]
) -> dict[str, int | str]:
    """The fields that are the same for all of these makers."""
    found = {name: {column[k] for k in numbers} for name, column in columns.items()}
    return {name: own.pop() for name, own in found.items() if len(own) == 1 and name != "work"}


def _without(alike: Mapping[str, int | str], text: str, of: str = OF_A_MAKER) -> str:
    """The numbers themselves in the places of fields that are the same for all makers."""
    for name, number in alike.items():
        said = f"({number})" if str(number).startswith("-") else str(number)
        text = re.sub(rf"{of}->{name}\b", said, text)
    return FUNCTION.sub(_with_all_used, text)


def _with_all_used(function: re.Match[str]) -> str:
    """A function of which compilers don't say that it makes nothing of a maker."""
    head, body = function.groups()
    idle = [name for name in A_MAKER.findall(head) if not re.search(rf"\b{name}\b", body)]
    return head + "".join(f"    (void){name};\n" for name in idle) + body


def _rows(stream: Stream | None, name: str, beyond: bool) -> str:
    """Where rows are, and what of them; whether any is asked for that lies `beyond` a map."""
    kept = runtime("kept") if stream is None else named("kept_state", name)
    rows = _if_so(runtime("rows"), beyond=beyond)
    return f"{STREAMED if stream else WHOLE}\n\n" + rows.replace("//: kept\n", kept)


def _going(stream: Stream | None, chain: bool, makers: Sequence[RowMaker], name: str) -> list[str]:
    """What goes through all rows, or on by a step."""
    if stream is None:
        return [runtime("in_turn" if chain else "all_turns")]
    whole = [named("all_steps", name)] if stream.after < len(makers) else []
    return [named("streaming", name), *whole]


def named(piece: str, name: str) -> str:
    """A piece of C with the name of the network in it."""
    return runtime(piece).replace("NAME", name)


def _stored(weights: Sequence[Numbers | None]) -> dict[bytes, Numbers]:
    """The weights that are stored: each once, however many makers take them."""
    return {own.tobytes(): own.ravel() for own in weights if own is not None}


def _begins(weights: Sequence[Numbers | None]) -> list[int]:
    """Where the weights of each maker begin among all that are stored."""
    stored = _stored(weights)
    ends = accumulate(len(own) for own in stored.values())
    places = dict(zip(stored, (0, *ends), strict=False))
    return [0 if own is None else places[own.tobytes()] for own in weights]


def _constants(kinds: dict[str, str]) -> str:
    """How constants of these types, by their names here and in C, are kept and read."""
    every = {kind: kind for kind in kinds.values()} | kinds
    reads = (f"#define READ_{name}(at) {READS[kind]}" for name, kind in every.items())
    return runtime("constants").format(reads="\n".join(reads))


def comment(text: str) -> str:
    """A comment of as many lines as it takes."""
    lines = [
        line
        for paragraph in text.split("\n")
        for line in (wrap(paragraph, WIDTH - 3, break_long_words=False) or [""])
    ]
    safe = (line.replace("*/", "* /") for line in lines)
    return "/* " + "\n".join(f"   {line}".rstrip() for line in safe).lstrip() + " */"


def table(kind: str, name: str, numbers: Numbers) -> str:
    """An array of constants."""
    said = (spelt(number) for number in numbers.tolist())
    lines = wrap(", ".join(said), WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    body = "\n".join(f"    {line}" for line in lines)
    return f"static const {kind} {name}[{len(numbers)}] IN_FLASH = {{\n{body}\n}};"


def spelt(number: float) -> str:
    """A constant in C."""
    if isinstance(number, int):
        return str(number)
    short = str(np.float32(number))
    return f"{short}f" if {".", "e"} & set(short) else f"{short}.0f"


def smallest(most: int) -> str:
    """The smallest unsigned type that holds numbers up to this one."""
    return next(f"uint{bits}_t" for bits in (8, 16, 32) if most < 1 << bits)


def _sizes(
    makers: Sequence[RowMaker],
    works: Sequence[str],
    order: RowOrder,
    stream: Stream | None,
    dialect: Dialect,
    chain: bool,
) -> str:
    going = {} if chain else {"TURNS": len(order.turns)}
    if stream:
        going = {"STEPS": stream.steps, "AFTER": stream.after, "PERIOD": stream.period}
        going["FEATURES"] = stream.features
    wide = widest(makers)
    sizes = {
        "MAKERS": len(makers),
        **going,
        "ARENA": order.arena,
        "ANSWER": order.buffers[-1].start,
        **({"BEYOND": order.longest_edge} if order.longest_edge else {}),
        "TALLEST": order.tallest,
        **({"WIDEST": wide} if dialect.sums_rows or (wide > 1 and not dialect.ways) else {}),
        **({"GROUPS": groups} if (groups := groups_measured(makers)) else {}),
        **dialect.sizes,
    }
    lines = ",\n".join(f"    {name} = {size}" for name, size in sizes.items())
    named = ", ".join(work.upper() for work in _every(works))
    two = {Work.BOTH, Work.PRODUCT, Work.BESIDE}
    used = {maker.work for maker in makers} & two
    either = " || ".join(f"(maker)->work == {work.upper()}" for work in Work if work in used) or "0"
    enums = f"enum {{\n{lines}\n}};\n\nenum work {{ {named} }};"
    return f"{enums}\n#define READS_TWO(maker) ({either}) //: two"


def _makers(
    columns: Mapping[str, Sequence[int | str]], kinds: Mapping[str, str], equal: Mapping[str, str]
) -> list[str]:
    """`struct maker`, and one for each."""
    told = FIELDS | {"group": GROUP} | FIELDS_APART
    told |= {other: SQUARE[other] for other in equal.values()}
    remarks = (f" /* {told[n]} */" if told.get(n) else "" for n in columns)
    fields = [
        f"    {kinds[name]} {name};{remark}" for name, remark in zip(columns, remarks, strict=True)
    ]
    rows = [f"    {{{', '.join(map(str, row))}}}" for row in zip(*columns.values(), strict=True)]
    return [
        "/* What makes one map, row by row. */\nstruct maker {\n" + "\n".join(fields) + "\n};",
        "static const struct maker makers[MAKERS] IN_FLASH = {\n" + ",\n".join(rows) + "\n};",
    ]


def widest(makers: Sequence[RowMaker]) -> int:
    """The most sums that are added up at once: those of a row."""
    return max(
        (m.shape[1] * m.pool for m in makers if m.work is Work.SUMS and not m.is_irregular),
        default=1,
    )


def groups_measured(makers: Sequence[RowMaker]) -> int:
    """The groups of channels that are normalised, of all makers."""
    return sum(maker.groups for maker in makers)


def _columns(
    makers: Sequence[RowMaker],
    each: Sequence[str],
    weights: Sequence[Numbers | None],
    stored: Sequence[Numbers | None],
    order: RowOrder,
) -> dict[str, Sequence[int | str]]:
    works = _every(_works(each))
    begins, channels = _begins(stored), [maker.scaled for maker in makers]
    rows = [
        (
            works.index(each[number]),
            maker.reads[0] if maker.reads else 0,
            maker.reads[-1] if maker.reads else 0,
            maker.window.span[0],
            maker.window.size[1],
            maker.window.stride[0],
            maker.window.pad[0],
            maker.pool,
            *maker.shape,
            maker.group_channels or (1 if own is None else own.shape[-1]),
            buffer.edge,
            buffer.depth,
            buffer.start,
            begins[number],
            sum(channels[:number]),
        )
        for number, (maker, own, buffer) in enumerate(
            zip(makers, weights, order.buffers, strict=True)
        )
    ]
    found: dict[str, Sequence[int]] = dict(
        zip(FIELDS, map(list, zip(*rows, strict=True)), strict=True)
    )
    if groups_measured(makers):
        groups = [maker.groups for maker in makers]
        found["group"] = [sum(groups[:number]) for number in range(len(makers))]
    if any(maker.is_irregular for maker in makers):
        apart = zip(*map(_apart, makers), strict=True)
        found |= dict(zip(FIELDS_APART, map(list, apart), strict=True))
    return {**found}


def _apart(maker: RowMaker) -> tuple[int, ...]:
    window = maker.window
    return window.stride[1], window.pad[1], *window.dilation, *maker.counted_sides


def _works(each: Sequence[str]) -> list[str]:
    """What the makers do, in the order of the enum."""
    return [work for work in _every(each) if work in each]


def _every(works: Sequence[str]) -> list[str]:
    """All works that have a number, these among them."""
    even = [str(work) for work in Work]
    return [*even, *sorted({*works} - {*even})]


def _work(maker: RowMaker) -> str:
    return f"{maker.work}{APART}" if maker.is_irregular else str(maker.work)


def _row_by_work(works: Sequence[str]) -> str:
    """How a row is made, by what its maker does."""
    calls = {work: f"{work}(own, &seen, out);" for work in works if work in WHOLE_ROWS}
    if Work.RULED in calls:
        calls[Work.RULED] = "ruled(number, own, &seen, out);"
    if len(calls) < len(works):
        calls["default"] = "value_by_value(own, &seen, out);"
    *others, last = calls
    if not others:
        return f"    {calls[last]}\n"
    cases = (
        f"    case {work.upper()}:\n        {calls[work]}\n        break;\n" for work in others
    )
    return (
        f"    switch (own->work) {{\n{''.join(cases)}    default:\n        {calls[last]}\n    }}\n"
    )


def _making(makers: Sequence[RowMaker], works: Sequence[str], rules: Mapping[int, RuleInC]) -> str:
    """What makes the next row of any map, with a function for each rule."""
    ruled = [maker.rule for maker in makers if maker.rule is not None]
    cases = [
        f"    case {number}:\n        {function_of(rule)}(own, seen, out);\n        break;"
        for number, rule in zip(rules, ruled, strict=True)
    ]
    choice = "\n".join(
        (
            "static void ruled(int number, const struct maker *own, const struct view *seen,",
            "                  value *out)",
            "{",
            "    switch (number) {",
            *cases,
            "    default:",
            "        break;",
            "    }",
            "}\n\n",
        )
    )
    said = runtime("making").replace("    //: works\n", _row_by_work(works))
    if any(maker.work is Work.HEARD for maker in makers):
        said = said.replace(READS_ROWS, f"{READS_ROWS} && own->work != HEARD")
    apart = any(maker.is_irregular for maker in makers)
    left = "((maker)->work == RULED ? 0 : (maker)->pad)" if rules else "((maker)->pad)"
    left = "((maker)->left)" if apart else left
    if enlarging := list(dict.fromkeys(_work(maker) for maker in makers if maker.enlarges)):
        which = " || ".join(f"(maker)->work == {work.upper()}" for work in enlarging)
        enlarges = f"#define ENLARGES(maker) ({which})\n"
        left, said = (
            f"(ENLARGES(maker) ? 0 : {left})",
            said.replace(ROWS_SEEN, runtime("enlarging")),
        )
    else:
        enlarges = ""
    return f"{choice if rules else ''}{enlarges}#define LEFT(maker) {left}\n\n{said}"


def _kernels(
    works: Sequence[str],
    dialect: Dialect,
    single: bool,
    ending: str,
    settled: Mapping[str, Mapping[str, int | str]],
) -> list[str]:
    """The functions that these works and the `ending` need, and the one that chooses among them;
    where rows have a `single` sum for each channel, sums are simpler. Of some works `settled` says
    which numbers are the same for all their makers."""
    sections = functions_in("work")
    for piece in dialect.works:
        sections |= functions_in(piece)
    sections |= {str(Work.SUMS): sections["single_sums"]} if single else {}
    for work, alike in settled.items():
        sections[work] = _without(alike, sections[work], "own")
    functions = {str(work): function for work, function in KERNELS.items()}
    cases = [
        f"    case {work.upper()}:\n        return {functions.get(work, work)}(own, seen, x, c);"
        for work in works
        if work not in WHOLE_ROWS
    ]
    choice = f"{_choice(cases)}\n\n{runtime('value_by_value')}".rstrip() if cases else ""
    apart = [work for work in works if work.endswith(APART)]
    if apart:
        sections |= functions_in("work_apart")
    even = [work for work in works if work not in apart]
    shared = ["spread"] if "spread" in sections and {*NORMING} & {*works} else []
    looking = ["under"] if any(work != f"{Work.SCATTERED}{APART}" for work in apart) else []
    if dialect.finer > 1:
        for work in GIVING:
            said = sections[str(work)].replace("(total)seen", f"(total){dialect.finer} * seen")
            sections[str(work)] = said
    needed = ["always", *shared, *even, *(["apart"] if apart else []), *looking, *apart]
    needed = [name for name in needed if name != Work.RULED]
    ruled = any(_calls("weighed", [rule.text]) for rule in dialect.rules.values())
    weighs = (single and Work.SUMS in works) or ruled or f"{Work.SUMS}{APART}" in works
    needed[1:1] = ["weighed"] if weighs else []
    needed[1:1] = _weighing(dialect)
    rules = [rule.text for rule in dialect.rules.values()]
    helpers = [n for n in SERVING if n in sections and _calls(n, [*rules, ending])]
    scratch = max((rule.scratch for rule in dialect.rules.values()), default=0)
    memory = [f"static total scratch[{scratch}];"] if scratch else []
    helped = [*memory, *(sections[name] for name in helpers), *rules]
    return [*(sections[name] for name in needed), *helped, *([choice] if choice else [])]


def _weighing(dialect: Dialect) -> list[str]:
    """What serves the ways to make sums."""
    if dialect.sums_rows:
        return ["times_weight", "several" if dialect.packed else "single", "summing"]
    if dialect.ways:
        return ["times_weight", "one_of_several" if dialect.packed else "one"]
    return []


def _choice(cases: Sequence[str]) -> str:
    """What makes a value, by what its maker does."""
    head = "static total worked(const struct maker *own, const struct view *seen, int x, int c)"
    lines = (
        "{",
        "    switch (own->work) {",
        *cases,
        "    default:",
        "        return 0;",
        "    }",
        "}",
    )
    return "\n".join((head, *lines))


def _calls(name: str, texts: Sequence[str]) -> bool:
    """Whether they call one of the functions that serve them, or one that needs it."""
    called = rf"\b({'|'.join((name, *NEEDED.get(name, ())))})\("
    return any(re.search(called, text) for text in texts)


def functions_in(name: str) -> dict[str, str]:
    """The functions in a piece of C, by the works that they do."""
    return dict(re.findall(r"//: (\w+)\n(.*?)(?=\n//: |\Z)", runtime(name), re.DOTALL))


def runtime(name: str) -> str:
    """A piece of C that is the same in every file."""
    return (files("gradbook.targets.portable") / "runtime" / f"{name}.c").read_text("utf-8")
