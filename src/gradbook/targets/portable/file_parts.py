"""The C file: tables of weights and makers, the order of rows, and the functions that use them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from gradbook.targets.portable.c_text import (
    BYTES,
    ConstantArray,
    Numbers,
    fill,
    linked,
    piece,
    sections,
    smallest,
    switch,
)
from gradbook.targets.portable.makers import GIVING, RowMaker, Work
from gradbook.targets.portable.rules_in_c import RuleInC
from gradbook.targets.portable.schedule import RowOrder, Stream, is_chain, row_order, stream_of

FUNCTIONS = {Work.GIVEN: "given_at", Work.TOTAL: "total_of"}  # if the name is taken in C
ROWS_OF_SUMS = ("sums", "sums_flat", "sums_deep", "sums_each")  # ways to compute them
WHOLE_ROWS = (*ROWS_OF_SUMS, "bytes", Work.RULED, Work.WAVES, Work.HEARD)  # a row at a time
TWO_READ = (Work.BOTH, Work.PRODUCT, Work.BESIDE)
APART = "_apart"  # ending of works with irregular windows
OF_A_MAKER = r"(?:\(\w+\)|\b(?:own|map|maker|fed|seen(?:->|\.)(?:from|other)))"  # in C
FUNCTION = re.compile(r"^((?:APART )?static [^;{}=]*\)\n\{\n)(.*?^\}$)", re.MULTILINE | re.DOTALL)
A_MAKER = re.compile(r"const struct maker \*(\w+)")
REMARKS = {  # comments on fields of `struct maker`
    "reads": "the maker of its input map,",
    "also": "and of its second one, if it has two",
    "pad": "how far its window goes beyond its input map",
    "pooled": "it keeps the largest of this many by this many results",
    "rows": "of its own map",
    "each": "channels that a sum reads",
    "edge": "extra columns on both sides of a row",
    "depth": "rows held at once",
    "start": "the place of its rows in the arena",
    "weights": "where its own weights begin",
    "first": "the number of its first channel among all channels",
    "group": "the number of its first group among all normalised groups",
    "across": "columns from one position of its window to the next (`stride` is in rows),",
    "left": "and how far it goes beyond the map at the sides",
    "tall": "rows between two neighbours in its window",
    "wide": "and columns",
    "above": "how much of the padding counts in its averages",
}
EQUAL = {"rows": "columns", "window_rows": "window_columns"}  # for square windows and maps
SQUARE = {"columns": "and rows of its own map", "window_columns": "and rows"}
MAKERS_HERE, WEIGHTS_HERE = "//: makers", "//: weights"
READS = {  # reading from an AVR's flash
    "int8_t": "((int8_t)pgm_read_byte(at))",
    "uint8_t": "pgm_read_byte(at)",
    "uint16_t": "pgm_read_word(at)",
    "int16_t": "((int16_t)pgm_read_word(at))",
    "int32_t": "((int32_t)pgm_read_dword(at))",
    "float": "pgm_read_float(at)",
}
Columns = Mapping[str, Sequence[int | str]]


@dataclass(frozen=True)
class Dialect:
    """The differences between floats and integers."""

    value: str  # C's type of maps and weights,
    total: str  # C's type of sums,
    sample: str  # and of the network's input
    edge: str  # the value beyond a map, in C
    tables: Sequence[ConstantArray | str]
    keep: str  # the function that stores a result
    works: Sequence[str]  # the pieces of C with its works
    name: str  # the network's name
    sizes: Mapping[str, int] = field(default_factory=dict)  # further constants
    fields: Mapping[str, tuple[str, Sequence[int | str]]] = field(
        default_factory=dict
    )  # further fields
    includes: Sequence[str] = ()
    reads: Mapping[str, str] = field(default_factory=dict)  # further types of constants
    rules: Mapping[int, RuleInC] = field(default_factory=dict)  # by the maker's number
    finer: int = 1  # parts in which the input is given
    ways: Mapping[int, str] = field(default_factory=dict)  # by the maker's number: special works
    packed: Sequence[Numbers | None] = ()  # stored weights, if packed
    memory: int = 0  # bytes that its own works need
    tokens: bool = False  # whether each step of the input is the number of a token


@dataclass(frozen=True)
class BoardProgram:
    """A file without its head, and the sizes of its constants and variables in bytes."""

    text: str
    constants: int
    memory: int


def program(
    makers: Sequence[RowMaker], weights: Sequence[Numbers | None], dialect: Dialect, ending: str
) -> BoardProgram:
    """Write the file without its head; `ending` is the public functions."""
    order, stream = row_order(makers), stream_of(makers)
    chain = stream is None and is_chain(makers)
    ways = [
        dialect.ways.get(k, f"{m.work}{APART}" if m.is_irregular else str(m.work))
        for k, m in enumerate(makers)
    ]
    every = [*map(str, Work), *sorted({*ways} - {*Work})]  # numbered works
    works = [work for work in every if work in ways]
    numbers_of = dialect.packed or weights
    stored = {array.tobytes(): array.ravel() for array in numbers_of if array is not None}
    columns = _columns(makers, [every.index(work) for work in ways], weights, order)
    ends = _ends_before([len(array) for array in stored.values()])
    begins = dict(zip(stored, ends, strict=True))
    columns["weights"] = [0 if array is None else begins[array.tobytes()] for array in numbers_of]
    kinds = {name: smallest(max(map(int, numbers))) for name, numbers in columns.items()}
    columns |= {name: numbers for name, (_, numbers) in dialect.fields.items()}
    kinds |= {name: kind for name, (kind, _) in dialect.fields.items()}
    turn = {} if stream or chain else {"turn": smallest(len(makers))}
    types = {"value": dialect.value, "total": dialect.total, "sample": dialect.sample} | turn
    read = {name: kind for name, kind in types.items() if name != "sample"} | dict(dialect.reads)
    turns = ConstantArray("turn", "turns", np.array(order.turns))
    scratch = max((rule.scratch for rule in dialect.rules.values()), default=0)
    sizes = _sizes(makers, order, dialect, stream, chain)
    pieces = ("streaming",) if stream else ("in_turn" if chain else "all_turns",)
    enlarging = dict.fromkeys(w for w, m in zip(ways, makers, strict=True) if m.enlarges)
    parts = [
        "\n".join(f"#include <{name}>" for name in (*dialect.includes, "stdint.h")),
        "\n".join(f"typedef {kind} {name};" for name, kind in types.items()),
        fill(piece("constants"), {"READS": _reads(read)}),
        "enum {\n" + ",\n".join(f"    {name} = {size}" for name, size in sizes.items()) + "\n};",
        f"enum work {{ {', '.join(work.upper() for work in every)} }};\n"
        f"#define READS_TWO(maker) ({_is_one_of(TWO_READ, makers)}) //: two",
        *([WEIGHTS_HERE] if stored else []),
        *map(str, dialect.tables),
        MAKERS_HERE,
        *([f"/* Which maker makes its next row. */\n{turns}"] if turn else []),
        f"#define EDGE(map) {dialect.edge} /* the value of padding */",
        piece("rows"),
        dialect.keep,
        piece("view"),
        *_functions(makers, ways, works, columns, dialect, scratch, ending),
        fill(
            piece("making"),
            {
                "ROW_BY_WORK": _row_by_work(works),
                "LEFT_OF": _left(makers, enlarging),
                "ENLARGING": " || ".join(f"(maker)->work == {work.upper()}" for work in enlarging),
            },
        ),
        *map(piece, pieces),
        ending,
        *(["#undef arena\n#undef made"] if stream else []),
    ]
    text = fill(
        "\n\n".join(part.strip("\n") for part in parts),
        {"NAME": dialect.name},
        chain=chain,
        two=any(len(maker.reads) > 1 for maker in makers),
        beyond=order.longest_edge > 0,
        stream=stream is not None,
        after=stream is not None and stream.after < len(makers),
        hears=any(maker.work is Work.HEARD for maker in makers),
        enlarging=bool(enlarging),
    )
    equal = {name: other for name, other in EQUAL.items() if columns[name] == columns[other]}
    for name, other in equal.items():
        text = re.sub(rf"({OF_A_MAKER})->{name}\b", rf"\1->{other}", text)
    text = _without(_alike(columns, range(len(makers))), text)
    # `work` is always a field, any other only if something reads it
    fields = [n for n in columns if n == "work" or re.search(rf"{OF_A_MAKER}->{n}\b", text)]
    remarks = REMARKS | {other: SQUARE[other] for other in equal.values()}
    declared = {name: f"{kinds[name]} {name};" for name in fields}
    declared |= {n: f"{declared[n]} /* {remarks[n]} */" for n in fields if n in remarks}
    text = text.replace(MAKERS_HERE, _makers(declared, [columns[name] for name in fields]))
    constants = sum(it.bytes for it in dialect.tables if isinstance(it, ConstantArray))
    if stored:  # inserted last: they may be millions of numbers
        kind = "uint8_t" if dialect.packed else "value"
        array = ConstantArray(kind, "weights", np.concatenate(list(stored.values())))
        text = text.replace(WEIGHTS_HERE, str(array))
        constants += array.numbers.size * (1 if dialect.packed else BYTES[dialect.value])
    memory = _memory(makers, order, dialect, sizes, scratch) + dialect.memory
    return BoardProgram(text, constants, memory)


# Fields of makers -----------------------------------------------------------------


def _columns(
    makers: Sequence[RowMaker],
    works: Sequence[int],
    weights: Sequence[Numbers | None],
    order: RowOrder,
) -> dict[str, Sequence[int | str]]:
    """The columns of the table of `struct maker`."""
    windows = [maker.window for maker in makers]
    groups = [maker.groups for maker in makers]
    heights, widths, depths = zip(*(maker.shape for maker in makers), strict=True)
    columns: dict[str, Sequence[int | str]] = {
        "work": works,
        "reads": [maker.reads[0] if maker.reads else 0 for maker in makers],
        "also": [maker.reads[-1] if maker.reads else 0 for maker in makers],
        "window_rows": [window.span[0] for window in windows],
        "window_columns": [window.size[1] for window in windows],
        "stride": [window.stride[0] for window in windows],
        "pad": [window.pad[0] for window in windows],
        "pooled": [maker.pool for maker in makers],
        "rows": list(heights),
        "columns": list(widths),
        "channels": list(depths),
        "each": [
            maker.group_channels or (1 if weight is None else weight.shape[-1])
            for maker, weight in zip(makers, weights, strict=True)
        ],
        "edge": [buffer.edge for buffer in order.buffers],
        "depth": [buffer.depth for buffer in order.buffers],
        "start": [buffer.start for buffer in order.buffers],
        "weights": (),
        "first": _ends_before([maker.scaled for maker in makers]),
    }
    if any(groups):
        columns["group"] = _ends_before(groups)
    if any(maker.is_irregular for maker in makers):
        names = ("across", "left", "tall", "wide", "above", "before", "below", "after")
        apart = [
            (m.window.stride[1], m.window.pad[1], *m.window.dilation, *m.counted_sides)
            for m in makers
        ]
        columns |= dict(zip(names, map(list, zip(*apart, strict=True)), strict=True))
    return columns


def _ends_before(counts: Sequence[int]) -> list[int]:
    """The sum of all counts before each."""
    return [0, *accumulate(counts)][:-1]


def _alike(columns: Columns, numbers: Sequence[int]) -> dict[str, int | str]:
    """The fields that have the same value for all of these makers."""
    values = {name: {column[k] for k in numbers} for name, column in columns.items()}
    return {
        name: kinds.pop() for name, kinds in values.items() if len(kinds) == 1 and name != "work"
    }


def _without(alike: Mapping[str, int | str], text: str, of: str = OF_A_MAKER) -> str:
    """Replace fields that are equal for all makers by their values."""
    for name, number in alike.items():
        text_of_number = f"({number})" if str(number).startswith("-") else str(number)
        text = re.sub(rf"{of}->{name}\b", text_of_number, text)
    return FUNCTION.sub(_with_all_used, text)


def _with_all_used(function: re.Match[str]) -> str:
    """Mark unused makers in a function, so that compilers don't warn about them."""
    head, body = function.groups()
    idle = [name for name in A_MAKER.findall(head) if not re.search(rf"\b{name}\b", body)]
    return head + "".join(f"    (void){name};\n" for name in idle) + body


def _makers(declarations: Mapping[str, str], columns: Sequence[Sequence[int | str]]) -> str:
    """Write `struct maker` and the table of makers."""
    fields = "\n".join(f"    {field}" for field in declarations.values())
    rows = ",\n".join(f"    {{{', '.join(map(str, row))}}}" for row in zip(*columns, strict=True))
    return (
        f"/* What makes one map, row by row. */\nstruct maker {{\n{fields}\n}};\n\n"
        f"static const struct maker makers[MAKERS] IN_FLASH = {{\n{rows}\n}};"
    )


# Before and after the works.


def _reads(kinds: Mapping[str, str]) -> str:
    """Write the macros that read constants of these types, by their names here and in C."""
    every = {kind: kind for kind in kinds.values()} | dict(kinds)
    return "\n".join(f"#define READ_{name}(at) {READS[kind]}" for name, kind in every.items())


def _sizes(
    makers: Sequence[RowMaker],
    order: RowOrder,
    dialect: Dialect,
    stream: Stream | None,
    chain: bool,
) -> dict[str, int]:
    """The constants that set the sizes of C's arrays and counters."""
    going = {} if chain else {"TURNS": len(order.turns)}
    if stream:
        going = {"STEPS": stream.steps, "AFTER": stream.after, "PERIOD": stream.period}
        going["FEATURES"] = 1 if dialect.tokens else stream.features
    wide, groups = widest(makers), sum(maker.groups for maker in makers)
    sums_rows = any(way in ROWS_OF_SUMS for way in dialect.ways.values())
    return {
        "MAKERS": len(makers),
        **going,
        "ARENA": order.arena,
        "ANSWER": order.buffers[-1].start,
        **({"BEYOND": order.longest_edge} if order.longest_edge else {}),
        "TALLEST": order.tallest,
        **({"WIDEST": wide} if sums_rows or (wide > 1 and not dialect.ways) else {}),
        **({"GROUPS": groups} if groups else {}),
        **dialect.sizes,
    }


def _memory(
    makers: Sequence[RowMaker],
    order: RowOrder,
    dialect: Dialect,
    sizes: Mapping[str, int],
    scratch: int,
) -> int:
    """The bytes of kept rows, of a row's sums, and of normalisations' statistics, as the runtime
    declares them: floats and int32 have 4."""
    wide = BYTES[dialect.value]
    beyond = 2 if wide == 1 else 0  # a row of integer sums is longer by two
    sums = 2 * (sizes["WIDEST"] + beyond) if "WIDEST" in sizes else 0
    groups = sizes.get("GROUPS", 0) + any(maker.work is Work.ALONE for maker in makers)
    statistics = 4 * 2 * groups + (groups if wide == 1 else 0)  # two of a group, and a shift
    rows = wide * (order.arena + order.longest_edge + 2 * sizes.get("UNPACKED", 0))
    return rows + 4 * (sums + scratch) + 2 * len(makers) + statistics


def widest(makers: Sequence[RowMaker]) -> int:
    """The most sums in one row."""
    return max(
        (m.shape[1] * m.pool for m in makers if m.work is Work.SUMS and not m.is_irregular),
        default=1,
    )


def _is_one_of(works: Sequence[Work], makers: Sequence[RowMaker]) -> str:
    """Write the condition that a maker does one of these works."""
    used = {maker.work for maker in makers}
    return " || ".join(f"(maker)->work == {w.upper()}" for w in works if w in used) or "0"


def _left(makers: Sequence[RowMaker], enlarging: Mapping[str, None]) -> str:
    """Write how far a maker's window extends beyond the left of its map."""
    left = "((maker)->pad)"
    if any(maker.is_irregular for maker in makers):
        left = "((maker)->left)"
    elif any(maker.rule is not None for maker in makers):
        left = "((maker)->work == RULED ? 0 : (maker)->pad)"
    return f"(ENLARGES(maker) ? 0 : {left})" if enlarging else left


def _row_by_work(works: Sequence[str]) -> str:
    """Write how a row is made, by its maker's work."""
    calls = {work: f"{work}(own, &seen, out);" for work in works if work in WHOLE_ROWS}
    if Work.RULED in calls:
        calls[Work.RULED] = "ruled(number, own, &seen, out);"
    if len(calls) < len(works):
        calls["default"] = "value_by_value(own, &seen, out);"
    *others, last = calls
    if not others:
        return f"    {calls[last]}"
    cases = {work.upper(): f"\n        {calls[work]}\n        break;" for work in others}
    return switch("own->work", cases, calls[last]).rstrip()


def _functions(
    makers: Sequence[RowMaker],
    ways: Sequence[str],
    works: Sequence[str],
    columns: Columns,
    dialect: Dialect,
    scratch: int,
    ending: str,
) -> list[str]:
    """The functions that these works and the `ending` call, and those that select them."""
    library: dict[str, str] = {}
    for name in ("work", *dialect.works, "work_apart"):
        for key, text in sections(name).items():
            library.pop(key, None)
            library[key] = text
    single = library.pop("single_sums")  # for rows with one sum per channel
    if widest(makers) == 1 and not dialect.ways:
        library["sums"] = single
    for key in ("single", "one") if dialect.packed else ("several", "one_of_several"):
        library.pop(key, None)
    for way in {*dialect.ways.values()}:  # its makers may have more in common than all makers
        alike = _alike(columns, [k for k, work in enumerate(ways) if work == way])
        library[way] = _without(alike, library[way], "own")
    spelled = library.pop("stepwise_tokens")
    if dialect.tokens:
        library["stepwise"] = spelled
    if dialect.finer > 1:
        for work in GIVING:
            key = FUNCTIONS.get(work, str(work))
            library[key] = library[key].replace("(total)seen", f"(total){dialect.finer} * seen")
    functions = {str(work): function for work, function in FUNCTIONS.items()}
    values = {
        work.upper(): f"\n        return {functions.get(work, work)}(own, seen, x, c);"
        for work in works
        if work not in WHOLE_ROWS
    }
    choosing = []
    if values:
        head = "static total worked(const struct maker *own, const struct view *seen, int x, int c)"
        choosing.append(f"{head}\n{{\n{switch('own->work', values, 'return 0;')}}}")
        choosing.append(piece("value_by_value"))
    if dialect.rules:
        cases = {
            str(k): f"\n        {rule.name}(own, seen, out);\n        break;"
            for k, rule in dialect.rules.items()
        }
        head = "static void ruled(int number, const struct maker *own, const struct view *seen,"
        rest_of_head = "                  value *out)"
        choosing.append(f"{head}\n{rest_of_head}\n{{\n{switch('number', cases, 'break;')}}}")
    rules = [rule.text for rule in dialect.rules.values()]
    whole = [f"{work}(own, &seen, out)" for work in works if work in WHOLE_ROWS]
    memory = [f"static total scratch[{scratch}];"] if scratch else []
    return [*linked([*choosing, *whole, *rules, ending], library), *memory, *rules, *choosing]
