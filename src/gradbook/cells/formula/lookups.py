"""Functions that look for a value, choose cells by a condition, or arrange cells anew.

Keys, conditions and positions count at the cells' present values; what is found has its slopes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from operator import eq, ge, gt, le, lt, ne

from gradbook.cells.budget import spend_exactly
from gradbook.cells.formula.formula_values import (
    CellBlock,
    Key,
    Meaning,
    NotUnderstood,
    Single,
    aligned,
    as_block,
    error,
    has_cases,
    has_values_only,
    key_of,
    number,
    present,
    present_number,
    refuse_many,
    whole_number,
)
from gradbook.cells.formula.operators import one_of
from gradbook.cells.formula.syntax import LINE, TABLE
from gradbook.cells.formula.totals import mean, total
from gradbook.graph.node import Graph, Node
from gradbook.language.message import Message

Test = Callable[[Key | None], bool]
ERROR_KEY = (2, 0.0)

# Conditions -----------------------------------------------------------------------

_CRITERION = re.compile(r"(<>|<=|>=|=|<|>)?(.*)", re.DOTALL)
_COMPARISONS = {"": eq, "=": eq, "<>": ne, "<": lt, ">": gt, "<=": le, ">=": ge}
_WILD = re.compile(r"~[*?~]|[*?]")
MOST_CASES = 60  # of a position that steps have
MOST_PATTERN = 255  # characters of a condition, in Excel
FEW_CHARACTERS = 1_000  # are compared without a charge


def condition(graph: Graph, value: Meaning) -> Test:
    """What COUNTIF and SUMIF ask of a cell: ">5", "<>", "a*", 3."""
    wanted = as_block(value).rows[0][0]
    if wanted is None:
        wanted = graph.constant(0)
    if isinstance(wanted, Node):
        number_key = (0, present(wanted))
        return lambda key: key == number_key
    criterion = _CRITERION.fullmatch(wanted[: MOST_PATTERN + 2])
    sign, text = (criterion[1] or "", criterion[2]) if criterion else ("", wanted)
    compare = _COMPARISONS[sign]
    limit = _as_number(text)
    if limit is not None:
        if sign == "<>":
            return lambda key: key != (0, limit)
        return lambda key: key is not None and key[0] == 0 and compare(key[1], limit)
    if not text:  # "=" asks for blanks, "<>" for what isn't blank
        return (lambda key: key is not None) if sign == "<>" else (lambda key: key is None)
    if sign in ("", "=", "<>"):
        matches = wildcard(text)
        is_equal = sign != "<>"
        return lambda key: (key is not None and key[0] == 1 and matches(str(key[1]))) == is_equal
    return lambda key: key is not None and key[0] == 1 and compare(key[1], text.lower())


def _as_number(text: str) -> float | None:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(text.lower())


def wildcard(pattern: str) -> Callable[[str], bool]:
    """Whether a text is of a form in which * stands for any characters, and ? for one.

    Without regular expressions, which may take very long on patterns by strangers.
    """
    tokens = _WILD.split(pattern.lower())
    marks = _WILD.findall(pattern.lower())
    parts: list[str | None] = []  # characters; None for *
    for k, token in enumerate(tokens):
        parts.extend(token)
        if k < len(marks):
            mark = marks[k]
            parts.append(None if mark == "*" else "\0?" if mark == "?" else mark[1])

    def matches(text: str) -> bool:
        text = text.lower()
        at = place = again = 0
        if len(text) > FEW_CHARACTERS:
            spend_exactly(len(text))
        star, kept = -1, 0
        while at < len(text):
            part = parts[place] if place < len(parts) else ""
            if place < len(parts) and part is None:
                star, kept = place, at
                place += 1
            elif place < len(parts) and part in ("\0?", text[at]):
                at, place = at + 1, place + 1
            elif star >= 0:
                again += at - kept
                if again > FEW_CHARACTERS:
                    spend_exactly(again)
                    again = 0
                kept += 1
                at, place = kept, star + 1
            else:
                return False
        return all(part is None for part in parts[place:])

    return matches


def _chosen(graph: Graph, areas: Sequence[Meaning], conditions: Sequence[Meaning]) -> list[int]:
    """The places at which all conditions hold, each in its range."""
    if not areas:
        raise NotUnderstood(Message("conditions without their ranges"))
    blocks = [as_block(area) for area in areas]
    if len({block.shape for block in blocks}) > 1:
        raise NotUnderstood(Message("ranges of different sizes in one operation"))
    places: Sequence[int] = range(len(blocks[0].keys))
    for block, wanted in zip(blocks, conditions, strict=True):
        keys, test = block.keys, condition(graph, wanted)
        spend_exactly(len(places))
        places = [k for k in places if test(keys[k])]
    return list(places)


def _numbers_at(area: Meaning, places: Sequence[int], shape: tuple[int, int]) -> list[Node]:
    block = as_block(area)
    if block.shape != shape:
        raise NotUnderstood(Message("ranges of different sizes in one operation"))
    rows, width = block.rows, block.shape[1]
    values = (rows[k // width][k % width] for k in places)
    return [value for value in values if isinstance(value, Node)]


def _by_condition(result: Callable[[Graph, Sequence[Node]], Node]) -> Callable[..., Meaning]:
    """SUMIF and AVERAGEIF: of the range with the keys, unless another is given."""

    def make(graph: Graph, area: Meaning, wanted: Meaning, target: Meaning = None) -> Meaning:
        def one(key: Single) -> Node:
            places = _chosen(graph, [area], [key])
            values = area if target is None else target
            return result(graph, _numbers_at(values, places, as_block(area).shape))

        return aligned(one, wanted)

    return make


def _by_conditions(result: Callable[[Graph, Sequence[Node]], Node]) -> Callable[..., Meaning]:
    """SUMIFS, AVERAGEIFS, MAXIFS and MINIFS."""

    def make(graph: Graph, target: Meaning, *pairs: Meaning) -> Meaning:
        def one(*keys: Single) -> Node:
            places = _chosen(graph, pairs[::2], keys)
            return result(graph, _numbers_at(target, places, as_block(target).shape))

        return aligned(one, *pairs[1::2])

    return make


def _count_by_conditions(graph: Graph, *pairs: Meaning) -> Meaning:
    def one(*keys: Single) -> Node:
        return graph.constant(len(_chosen(graph, pairs[::2], keys)))

    return aligned(one, *pairs[1::2])


def _largest(graph: Graph, numbers: Sequence[Node]) -> Node:
    return max(numbers, key=present) if numbers else graph.constant(0)


def _smallest(graph: Graph, numbers: Sequence[Node]) -> Node:
    return min(numbers, key=present) if numbers else graph.constant(0)


# Looking for a value --------------------------------------------------------------


def _exact(graph: Graph, wanted: Single, among: CellBlock, wild: bool = True) -> int | None:
    """The first place of a value."""
    key = key_of(graph.constant(0) if wanted is None else wanted)
    if isinstance(wanted, str) and wild and _WILD.search(wanted):
        matches = wildcard(wanted)
        texts = ((k, key) for k, key in enumerate(among.keys) if key is not None and key[0] == 1)
        return next((k for k, key in texts if matches(str(key[1]))), None)
    return None if key == ERROR_KEY else among.first_places.get(key)


def _nearest(
    wanted: Single, among: CellBlock, is_below: bool, is_ordered: bool = True
) -> int | None:
    """The place of the largest value that isn't above the wanted one, or of the smallest that isn't
    below: in order, the last before the first that is too far."""
    key = key_of(wanted)
    if key is None or key == ERROR_KEY:
        return None
    best: tuple[Key, int] | None = None
    spend_exactly(len(among.keys))
    for k, other in enumerate(among.keys):
        if other is None or other[0] != key[0]:
            continue
        if not (other <= key if is_below else other >= key):
            if is_ordered:
                break
        elif is_ordered or best is None or (other > best[0] if is_below else other < best[0]):
            best = other, k
    return None if best is None else best[1]


def _line(area: Meaning) -> CellBlock:
    block = as_block(area)
    if 1 not in block.shape:
        raise NotUnderstood(Message("a range of several rows and columns where one belongs"))
    return block


def _table(is_across: bool) -> Callable[..., Meaning]:
    """VLOOKUP and HLOOKUP."""

    def look_up(
        graph: Graph, keys: Meaning, table: Meaning, columns: Meaning, *nearest: Meaning
    ) -> Meaning:
        block = as_block(table)
        first = block.first_row if is_across else block.first_column
        width = block.shape[0 if is_across else 1]
        is_exact = bool(nearest) and not present_number(graph, *nearest)  # 0 or FALSE

        def one(wanted: Single, column: Single) -> Single:
            place = whole_number(graph, column) - 1
            is_missing = isinstance(wanted, Node) and isnan(present(wanted))
            if is_missing or not 0 <= place < width:
                return error(graph)
            wanted = graph.constant(0) if wanted is None else wanted
            index = (
                _exact(graph, wanted, first) if is_exact else _nearest(wanted, first, is_below=True)
            )
            if index is None:
                return error(graph)
            return _shown(graph, block.at(*((place, index) if is_across else (index, place))))

        return aligned(one, keys, columns)

    return look_up


def _shown(graph: Graph, value: Single) -> Single:
    """What a formula shows of a cell: a blank is 0."""
    return graph.constant(0) if value is None else value


def _match(graph: Graph, keys: Meaning, area: Meaning, *mode: Meaning) -> Meaning:
    """MATCH: the place of a value, counted from 1."""
    among = _line(area)
    kind = present_number(graph, *mode) if mode else 1.0

    def one(wanted: Single) -> Node:
        wanted = graph.constant(0) if wanted is None else wanted
        if kind == 0:
            place = _exact(graph, wanted, among)
        else:
            place = _nearest(wanted, among, is_below=kind > 0)
        return error(graph) if place is None else graph.constant(place + 1)

    return aligned(one, keys)


def _place(
    graph: Graph, wanted: Single, among: CellBlock, mode: Meaning = None, search: Meaning = None
) -> int | None:
    """XLOOKUP's and XMATCH's place: by the mode of matching and that of searching."""
    kind, is_back = whole_number(graph, mode), whole_number(graph, search) == -1
    line = CellBlock((tuple(among.singles()[::-1]),)) if is_back else among
    place = _exact(graph, wanted, line, wild=kind == 2)
    if place is None and kind in (-1, 1):
        place = _nearest(wanted, line, is_below=kind < 0, is_ordered=False)
    return None if place is None else len(line.keys) - 1 - place if is_back else place


def _x_lookup(
    graph: Graph, keys: Meaning, area: Meaning, target: Meaning, *options: Meaning
) -> Meaning:
    among, results = _line(area), as_block(target)
    instead, *modes = options or (None,)
    missing = error(graph) if instead is None else instead
    is_down = as_block(area).shape[1] == 1
    wanted = as_block(keys)

    def line(place: int) -> tuple[Single, ...]:
        if is_down:
            return results.rows[place]
        return tuple(row[place] for row in results.rows)

    if wanted.shape == (1, 1):
        place = _place(graph, wanted.rows[0][0], among, *modes)
        if place is None:
            return missing
        chosen = line(place)
        if len(chosen) == 1:
            return _shown(graph, chosen[0])
        return CellBlock((chosen,)) if is_down else CellBlock(tuple((x,) for x in chosen))

    def one(key: Single) -> Single:
        place = _place(graph, key, among, *modes)
        return number(graph, missing) if place is None else _shown(graph, line(place)[0])

    return aligned(one, wanted)


def _x_match(graph: Graph, keys: Meaning, area: Meaning, *modes: Meaning) -> Meaning:
    among = _line(area)

    def one(wanted: Single) -> Node:
        place = _place(graph, wanted, among, *modes)
        return error(graph) if place is None else graph.constant(place + 1)

    return aligned(one, keys)


def _lookup(graph: Graph, keys: Meaning, area: Meaning, *target: Meaning) -> Meaning:
    """LOOKUP: in order, and the result at the same place of another range, or of the last line."""
    block = as_block(area)
    if target:
        among, results = _line(block), _line(*target)
    else:
        rows = (
            block.rows if block.shape[0] >= block.shape[1] else tuple(zip(*block.rows, strict=True))
        )
        among = CellBlock((tuple(row[0] for row in rows),))
        results = CellBlock((tuple(row[-1] for row in rows),))

    def one(wanted: Single) -> Single:
        place = _nearest(wanted, among, is_below=True)
        return error(graph) if place is None else _shown(graph, results.singles()[place])

    return aligned(one, keys)


def _index(graph: Graph, area: Meaning, *at: Meaning) -> Meaning:
    """One cell of a range, counted from 1; for a single row or column one number is enough. A 0
    means the whole row or column."""
    block = as_block(area)
    if not at:
        raise NotUnderstood(Message("INDEX with a computed position"))
    if any(as_block(value).shape != (1, 1) for value in at[:2]):
        return aligned(lambda *at: number(graph, _index(graph, block, *at)), *at[:2])
    values = block.singles()
    if len(values) <= MOST_CASES and (len(at) > 1 or 1 in block.shape):
        position, *across = (number(graph, value) for value in at[:2])
        position = (position - 1) * block.shape[1] + across[0] if across else position
        if has_cases(graph, position, values):
            return one_of(graph, position, values)
    if has_values_only(graph) and any(isnan(present_number(graph, value)) for value in at[:2]):
        return error(graph)  # such as that of a MATCH without a match
    places = [whole_number(graph, value) - 1 for value in at[:2]]
    if len(places) == 1:
        places = (
            [0, *places] if block.shape[0] == 1 else [*places, 0 if block.shape[1] == 1 else -1]
        )
    row, column = places
    if not (-1 <= row < block.shape[0] and -1 <= column < block.shape[1]):
        return error(graph)  # perhaps in a branch that isn't taken
    rows = block.rows if row < 0 else block.rows[row : row + 1]
    if column >= 0:
        rows = tuple(cells[column : column + 1] for cells in rows)
    return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else CellBlock(rows)


# Arranging cells ------------------------------------------------------------------


def _sequence(graph: Graph, *args: Meaning) -> Meaning:
    """SEQUENCE(rows, columns, start, step), each 1 if it is left out."""
    numbers = [graph.constant(1) if x is None else number(graph, x) for x in (*args, *[None] * 4)]
    height, width = (whole_number(graph, x) for x in numbers[:2])
    start, step = numbers[2:4]
    if height < 1 or width < 1:
        return error(graph)
    refuse_many(height * width)
    return CellBlock(
        tuple(tuple(start + step * (r * width + c) for c in range(width)) for r in range(height))
    )


def _joined(is_down: bool) -> Callable[..., Meaning]:
    """VSTACK and HSTACK."""

    def join(graph: Graph, *args: Meaning) -> Meaning:
        blocks = [as_block(value) for value in args]
        if not is_down:
            blocks = [CellBlock(tuple(zip(*block.rows, strict=True))) for block in blocks]
        width = max(block.shape[1] for block in blocks)
        refuse_many(width * sum(block.shape[0] for block in blocks))
        rows = [
            (*row, *[error(graph)] * (width - len(row))) for block in blocks for row in block.rows
        ]
        return CellBlock(tuple(rows if is_down else zip(*rows, strict=True)))

    return join


def _flat(is_down: bool) -> Callable[..., Meaning]:
    """TOCOL and TOROW."""

    def spread(
        graph: Graph, area: Meaning, skips: Meaning = None, by_column: Meaning = None
    ) -> Meaning:
        if present_number(graph, skips):
            raise NotUnderstood(Message("TOCOL that leaves out cells"))
        block = as_block(area)
        if present_number(graph, by_column):
            block = CellBlock(tuple(zip(*block.rows, strict=True)))
        singles = block.singles()
        return CellBlock(tuple((x,) for x in singles) if is_down else (tuple(singles),))

    return spread


def _order(value: Single) -> tuple[int, float, str]:
    key = key_of(value)
    if key is None or key == ERROR_KEY:
        return 2, 0.0, ""
    return (0, key[1], "") if isinstance(key[1], float) else (1, 0.0, key[1])


def _sorted(
    graph: Graph,
    area: Meaning,
    by: Meaning = None,
    order: Meaning = None,
    across: Meaning = None,
) -> Meaning:
    """SORT, by one row or column."""
    block, is_across = as_block(area), present_number(graph, across) != 0
    place = 0 if by is None else whole_number(graph, by) - 1
    rows = tuple(zip(*block.rows, strict=True)) if is_across else block.rows
    is_falling = present_number(graph, order) < 0
    ordered = sorted(rows, key=lambda row: _order(row[place]), reverse=is_falling)
    return CellBlock(tuple(zip(*ordered, strict=True)) if is_across else tuple(ordered))


def _sorted_by(
    graph: Graph, area: Meaning, by: Meaning, order: Meaning = None, *more: Meaning
) -> Meaning:
    """SORTBY, by one column."""
    block, keys = as_block(area), _line(by).singles()
    is_falling = present_number(graph, order) < 0
    places = sorted(range(len(keys)), key=lambda k: _order(keys[k]), reverse=is_falling)
    if more or len(keys) != block.shape[0]:
        raise NotUnderstood(Message("SORTBY by several ranges"))
    return CellBlock(tuple(block.rows[k] for k in places))


def _filtered(graph: Graph, area: Meaning, includes: Meaning, *instead: Meaning) -> Meaning:
    block, kept = as_block(area), as_block(includes)
    flags = [present_number(graph, x) > 0 or present_number(graph, x) < 0 for x in kept.singles()]
    if kept.shape[1] == 1 and len(flags) == block.shape[0]:
        rows = tuple(row for row, keep in zip(block.rows, flags, strict=True) if keep)
    elif kept.shape[0] == 1 and len(flags) == block.shape[1]:
        rows = tuple(
            tuple(x for x, keep in zip(row, flags, strict=True) if keep) for row in block.rows
        )
    else:
        raise NotUnderstood(Message("ranges of different sizes in one operation"))
    if not rows or not rows[0]:
        return instead[0] if instead else error(graph)
    return CellBlock(rows)


def _distinct(graph: Graph, area: Meaning, *options: Meaning) -> Meaning:
    """UNIQUE: each row once."""
    known: dict[tuple[Key | None, ...], tuple[Single, ...]] = {}
    for row in as_block(area).rows:
        known.setdefault(tuple(map(key_of, row)), row)
    if options:
        raise NotUnderstood(Message("UNIQUE with these arguments"))
    return CellBlock(tuple(known.values()))


def _part(is_take: bool) -> Callable[..., Meaning]:
    """TAKE and DROP: so many rows and columns from the start, or the end if negative."""

    def cut(graph: Graph, area: Meaning, *counts: Meaning) -> Meaning:
        rows: Sequence[tuple[Single, ...]] = as_block(area).rows
        for k, number_of_lines in enumerate(counts[:2]):
            if number_of_lines is not None:
                count = whole_number(graph, number_of_lines)
                lines = list(zip(*rows, strict=True)) if k else rows
                begins = is_take == (count >= 0)  # DROP leaves what TAKE doesn't
                lines = lines[:count] if begins else lines[count:]
                rows = list(zip(*lines, strict=True)) if k else lines
        return CellBlock(tuple(rows)) if rows and rows[0] else error(graph)

    return cut


def _chosen_lines(is_columns: bool) -> Callable[..., Meaning]:
    """CHOOSECOLS and CHOOSEROWS."""

    def choose(graph: Graph, area: Meaning, *numbers: Meaning) -> Meaning:
        rows = as_block(area).rows
        lines = tuple(zip(*rows, strict=True)) if is_columns else rows
        places = [whole_number(graph, x) for value in numbers for x in as_block(value).singles()]
        if not all(1 <= abs(k) <= len(lines) for k in places):
            return error(graph)
        kept = tuple(lines[k - 1 if k > 0 else k] for k in places)
        return CellBlock(tuple(zip(*kept, strict=True)) if is_columns else kept)

    return choose


def _transposed(graph: Graph, area: Meaning) -> Meaning:
    return CellBlock(tuple(zip(*as_block(area).rows, strict=True)))


LOOKUPS: Mapping[str, Callable[..., Meaning]] = {
    "SUMIF": _by_condition(total),
    "SUMIFS": _by_conditions(total),
    "AVERAGEIF": _by_condition(mean),
    "AVERAGEIFS": _by_conditions(mean),
    "COUNTIF": _count_by_conditions,
    "COUNTIFS": _count_by_conditions,
    "MAXIFS": _by_conditions(_largest),
    "MINIFS": _by_conditions(_smallest),
    "VLOOKUP": _table(is_across=False),
    "HLOOKUP": _table(is_across=True),
    "XLOOKUP": _x_lookup,
    "LOOKUP": _lookup,
    "MATCH": _match,
    "XMATCH": _x_match,
    "INDEX": _index,
    "SEQUENCE": _sequence,
    **dict.fromkeys(("VSTACK", TABLE), _joined(is_down=True)),
    **dict.fromkeys(("HSTACK", LINE), _joined(is_down=False)),
    "TOCOL": _flat(is_down=True),
    "TOROW": _flat(is_down=False),
    "SORT": _sorted,
    "SORTBY": _sorted_by,
    "FILTER": _filtered,
    "UNIQUE": _distinct,
    "TAKE": _part(is_take=True),
    "DROP": _part(is_take=False),
    "CHOOSECOLS": _chosen_lines(is_columns=True),
    "CHOOSEROWS": _chosen_lines(is_columns=False),
    "TRANSPOSE": _transposed,
}
