"""How one formula differs from another: the shortest change, as a person would say it.

Both are compared as they are written without superfluous parentheses. A change is a few
replacements of neighbouring signs, cells and numbers; if there are more, the formulas have too
little in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import permutations

from gradbook.cells.formula.expression import replace_parts
from gradbook.cells.formula.syntax import (
    Expression,
    FormulaError,
    Infix,
    Prefix,
    read,
    written_tokens,
)
from gradbook.language.message import Message, joined

MOST_TOKENS = 600  # of a formula that is compared
MOST_STEPS = 4  # of a change that is still shorter than the formula
LONGEST_PIECE = 48  # characters of a part that is shown whole
MOST_BESIDE = 12  # tokens beside a part that show which one is meant
MOST_SHARE = 0.7  # of the formula that may change
OPERATORS = frozenset("+-*/^&=<>") | {"<>", "<=", ">="}


@dataclass(frozen=True)
class Replacement:
    """The tokens from `start` to `end` of a formula, and those that replace them."""

    start: int
    end: int
    new: tuple[str, ...]


@dataclass(frozen=True)
class FormulaChange:
    """A formula, and the replacements that make another of it, from the left."""

    tokens: tuple[str, ...]
    replacements: tuple[Replacement, ...]

    def apply(self, tokens: Sequence[str] = ()) -> str:
        """The other formula, without its =; or these tokens instead, changed in the same places."""
        done = list(tokens or self.tokens)
        for replacement in reversed(self.replacements):
            done[replacement.start : replacement.end] = replacement.new
        return "".join(done)

    def apply_to(self, formula: str) -> str | None:
        """The same change of a formula that only mentions other cells, with its =."""
        expression = _read(formula)
        for form in () if expression is None else (expression, flat(expression)):
            tokens = written_tokens(form)
            if len(tokens) == len(self.tokens):
                return f"={self.apply(tokens)}"
        return None


@dataclass(frozen=True)
class ChangeStep:
    """What a person does with a part of a formula, in words; '' if they would be too many."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    words: str

    def disturbs(self, other: ChangeStep) -> bool:
        """Whether the other part isn't the same, or isn't the only one, after this step."""
        return _count(self.new, other.old) > 0 or _count(self.old, other.old) > 0


@lru_cache(maxsize=1024)
def said_change(old: str, new: str) -> str:
    """How a formula becomes another, both with their =: replace J3 by L3; '' if it is no short
    change."""
    change = change_between(old, new)
    steps = Counter(_steps(change)) if change is not None else {}
    if not 0 < len(steps) <= MOST_STEPS or not all(step.words for step in steps):
        return ""
    if change and len(steps) == 2 and (exchanged := _exchanged(change, *steps)):
        return exchanged
    if any(a.disturbs(b) for a, b in permutations(steps, 2)):
        return ""
    return joined("; ", (_often(step.words, times) for step, times in steps.items()))


def change_between(old: str, new: str) -> FormulaChange | None:
    """The shortest change from one formula to another; None if they have too little in common."""
    a, b = _read(old), _read(new)
    if a is None or b is None or flat(a) == flat(b):
        return None
    ways = (_change(a, b), _change(flat(a), flat(b)))
    return min(filter(None, ways), key=lambda change: len(change.replacements), default=None)


def _change(old: Expression, new: Expression) -> FormulaChange | None:
    before = tuple(written_tokens(old))
    spelt = {token.replace("'", ""): token for token in before}  # it1!B14 is 'it1'!B14, too
    after = tuple(spelt.get(token.replace("'", ""), token) for token in written_tokens(new))
    if max(len(before), len(after)) > MOST_TOKENS:
        return None
    differences = list(_widened(before, after, _differences(before, after)))
    if sum(b - a for a, b, _, _ in differences) > MOST_SHARE * len(before):
        return None
    return FormulaChange(before, tuple(Replacement(a, b, after[c:d]) for a, b, c, d in differences))


def _read(formula: str) -> Expression | None:
    text = formula.strip("{}").strip()
    try:
        return read(text) if text.startswith("=") else None
    except FormulaError:
        return None


def flat(expression: Expression) -> Expression:
    """The same sums and products without the parentheses that they don't need: a*(b*c) as a*b*c,
    -(a*b) as -a*b."""
    return replace_parts(expression, lambda part: None, flattened)


def flattened(part: Expression) -> Expression:
    """A sum or product whose last part is one, too, without parentheses."""
    match part:
        case Infix("*", left, Infix("*" | "/" as inside, a, b)):
            return Infix(inside, flattened(Infix("*", left, a)), b)
        case Infix("+", left, Infix("+" | "-" as inside, a, b)):
            return Infix(inside, flattened(Infix("+", left, a)), b)
        case Prefix("+", operand):
            return operand
        case Prefix("-", Infix("*" | "/" as inside, a, b)):
            return Infix(inside, flattened(Prefix("-", a)), b)
    return part


# Where they differ ------------------------------------------------------------------------

Hunk = tuple[int, int, int, int]  # old tokens from, to; new tokens from, to


def _differences(before: Sequence[str], after: Sequence[str]) -> list[Hunk]:
    shorter, first, last = min(len(before), len(after)), 0, 0
    while first < shorter and before[first] == after[first]:
        first += 1
    while last < shorter - first and before[-1 - last] == after[-1 - last]:
        last += 1
    pair = before[first : len(before) - last], after[first : len(after) - last]
    if len(pair[0]) == len(pair[1]) > 1:  # only the sides are exchanged, around an operator
        inside = [k for k, (old, new) in enumerate(zip(*pair, strict=True)) if old != new]
        if len(inside) == 2 and pair[0][0] == pair[1][-1] and pair[0][-1] == pair[1][0]:
            return [(first + k, first + k + 1) * 2 for k in inside]
    opcodes = SequenceMatcher(None, *pair, autojunk=False).get_opcodes()
    hunks = ([first + place for place in hunk] for kind, *hunk in opcodes if kind != "equal")
    return [_slid(before, after, hunk) for hunk in hunks]


def _slid(before: Sequence[str], after: Sequence[str], hunk: Sequence[int]) -> Hunk:
    """What is only added, or only left out, at the place where it begins, or ends, with an
    operator: *H3*(1-H3) and not H3)*(1-H3*."""
    a, b, c, d = hunk
    if (a < b) == (c < d):
        return a, b, c, d
    tokens, start, end = (before, a, b) if a < b else (after, c, d)
    places = [0]
    while start + places[-1] > 0 and tokens[start + places[-1] - 1] == tokens[end + places[-1] - 1]:
        places.append(places[-1] - 1)
    places.reverse()
    while end + places[-1] < len(tokens) and tokens[start + places[-1]] == tokens[end + places[-1]]:
        places.append(places[-1] + 1)
    away = min(places, key=lambda k: (_oddness(tokens[start + k : end + k]), abs(k)))
    if all(token == ")" for token in tokens[start:end]):
        away = places[-1]  # around the whole part
    return a + away, b + away, c + away, d + away


def _oddness(tokens: Sequence[str]) -> int:
    if not _is_balanced(tokens):
        return 3
    if tokens[0] in OPERATORS and tokens[-1] not in OPERATORS:
        return 0
    return 1 if tokens[-1] in OPERATORS and tokens[0] not in OPERATORS else 2


def _is_balanced(tokens: Sequence[str]) -> bool:
    depth = 0
    for token in tokens:
        depth += token.endswith("(") - (token == ")")
        if depth < 0:
            return False
    return depth == 0


def _widened(before: Sequence[str], after: Sequence[str], hunks: list[Hunk]) -> Iterator[Hunk]:
    """The differences; those between which a parenthesis is left open are joined, except for pairs
    that are only added or removed, or belong to another function."""
    waiting = list(hunks)
    while waiting:
        a, b, c, d = waiting.pop(0)
        stays = _is_other_function(before[a:b], after[c:d]) or any(
            _is_pair(before, after, (a, b, c, d), later) for later in waiting
        )
        if len(hunks) == 2 and waiting and a == b and after[d - 1] == "(":
            _, later_b, later_c, _ = waiting[0]
            stays = stays or (waiting[0][0] == later_b and after[later_c] == ")")
        if len(hunks) == 2 and waiting and c == d and before[b - 1] == "(":
            later_a, _, later_c, later_d = waiting[0]
            stays = stays or (later_c == later_d and before[later_a] == ")")
        is_last = before[a:b] in ((), (")",)) and after[c:d] in ((), (")",))
        while not (stays or is_last) and waiting:
            if _is_balanced(before[a:b]) and _is_balanced(after[c:d]):
                break
            _, b, _, d = waiting.pop(0)
        yield a, b, c, d


def _is_other_function(old: Sequence[str], new: Sequence[str]) -> bool:
    return len(old) == len(new) == 1 and all(len(t) > 1 and t.endswith("(") for t in (*old, *new))


def _is_pair(before: Sequence[str], after: Sequence[str], first: Hunk, last: Hunk) -> bool:
    """Whether two differences only put a part in parentheses, or take it out of them."""
    pieces = [(before[a:b], after[c:d]) for a, b, c, d in (first, last)]
    pair = ("(",), (")",)
    added = not pieces[0][0] and not pieces[1][0] and (pieces[0][1], pieces[1][1]) == pair
    removed = not pieces[0][1] and not pieces[1][1] and (pieces[0][0], pieces[1][0]) == pair
    return (added or removed) and _is_balanced(before[first[1] : last[0]])


# In words ---------------------------------------------------------------------------------


def _steps(change: FormulaChange) -> Iterator[ChangeStep]:
    """The steps of a change, from the left; the same step may be necessary several times."""
    around = _around(change)
    waiting = list(change.replacements) if around is None else []
    if around is not None:
        yield around
    while waiting:
        first = waiting.pop(0)
        last = next((other for other in waiting if _are_parentheses(change, first, other)), None)
        if last is not None:
            waiting.remove(last)
        yield _replaced(change, first) if last is None else _parentheses(change, first, last)


def _are_parentheses(change: FormulaChange, first: Replacement, last: Replacement) -> bool:
    size = len(first.new)
    hunks = (first.start, first.end, 0, size), (last.start, last.end, size, size + len(last.new))
    return _is_pair(change.tokens, (*first.new, *last.new), *hunks)


def _around(change: FormulaChange) -> ChangeStep | None:
    """A part put in parentheses with something before or after these, if that is the whole
    change."""
    if len(change.replacements) != 2:
        return None
    first, last = change.replacements
    inside = change.tokens[first.end : last.start]
    if not first.new and not last.new:
        return _no_longer_around(change, first, last)
    opened, closed = first.new, last.new
    is_added = first.start == first.end and last.start == last.end and bool(opened and closed)
    if not is_added or (opened[-1], closed[0]) != ("(", ")") or not _is_balanced(inside):
        return None
    before, after = opened[:-1], closed[1:]
    if bool(before) == bool(after) or not _is_balanced((*before, *after)):
        return None
    if _count(change.tokens, inside) > 1 or len("".join((*before, *after))) > LONGEST_PIECE:
        return None
    part, more = _short("".join(inside)), "".join((*before, *after))
    message = (
        Message("put {part} in parentheses, with {more} before them", part=part, more=more)
        if before
        else Message("put {part} in parentheses, with {more} after them", part=part, more=more)
    )
    return ChangeStep(inside, (*opened, *inside, *closed), message)


def _no_longer_around(
    change: FormulaChange, first: Replacement, last: Replacement
) -> ChangeStep | None:
    """A part taken out of its parentheses, with a factor before or after these, which goes, too."""
    opened, closed = change.tokens[first.start : first.end], change.tokens[last.start : last.end]
    inside, enclosed = change.tokens[first.end : last.start], change.tokens[first.start : last.end]
    if (opened[-1], closed[0]) != ("(", ")") or not _is_balanced(inside):
        return None
    before, after = opened[:-1], closed[1:]
    if bool(before) == bool(after) or not _is_balanced((*before, *after)):
        return None
    part, less = _short("".join(inside)), "".join((*before, *after))
    if len(less) > LONGEST_PIECE or _count(change.tokens, enclosed) > 1:
        return None
    message = Message("delete {less} and the parentheses around {part}", less=less, part=part)
    return ChangeStep(enclosed, inside, message)


def _parentheses(change: FormulaChange, first: Replacement, last: Replacement) -> ChangeStep:
    """Parentheses added or removed."""
    inside, enclosed = (
        change.tokens[start:end]
        for start, end in ((first.end, last.start), (first.start, last.end))
    )
    is_only = _count(change.tokens, enclosed) == 1
    part = _short("".join(inside))
    if first.new:
        message = Message("put {part} in parentheses", part=part)
        return ChangeStep(enclosed, ("(", *enclosed, ")"), message if is_only else "")
    message = Message("remove the parentheses around {part}", part=part)
    return ChangeStep(enclosed, inside, message if is_only else "")


def _replaced(change: FormulaChange, replacement: Replacement) -> ChangeStep:
    """A replacement, with the parts beside it if the formula contains the same elsewhere."""
    start, end = _unambiguous(change, replacement)
    before, after = change.tokens[start : replacement.start], change.tokens[replacement.end : end]
    old, new = change.tokens[start:end], (*before, *replacement.new, *after)
    return ChangeStep(old, new, _words(change, replacement, old, new))


def _words(
    change: FormulaChange, replacement: Replacement, old: Sequence[str], new: Sequence[str]
) -> str:
    if _is_other_function(old, new):
        return Message("replace {old} by {new}", old=old[0][:-1], new=new[0][:-1])
    if not (old and _is_balanced(old) and _is_balanced(new)) or len("".join(new)) > LONGEST_PIECE:
        return ""
    if not new:
        return Message("delete {old}", old=_short("".join(old)))
    added = "".join(replacement.new)
    if replacement.start == replacement.end == len(change.tokens):
        return Message("add {new} at the end", new=added)
    if replacement.start == replacement.end == 0:
        return Message("add {new} at the beginning", new=added)
    if replacement.start == replacement.end and new[: len(replacement.new)] == replacement.new:
        return Message("insert {new} before {part}", new=added, part="".join(old))
    if replacement.start == replacement.end:
        return Message("insert {new} after {part}", new=added, part="".join(old))
    return Message("replace {old} by {new}", old=_short("".join(old)), new="".join(new))


def _unambiguous(change: FormulaChange, replacement: Replacement) -> tuple[int, int]:
    """The smallest part with a replacement that the formula contains only once, or that is replaced
    wherever it is; of an insertion, what is before or after it."""
    tokens, start, end = change.tokens, replacement.start, replacement.end
    alike = [
        other
        for other in change.replacements
        if tokens[other.start : other.end] == tokens[replacement.start : replacement.end]
        and other.new == replacement.new
    ]
    if start < end and _count(tokens, tokens[start:end]) == len(alike):
        return start, end
    lefts = rights = range(MOST_BESIDE)
    if start == end:
        is_before = start == 0 or replacement.new[-1] in OPERATORS
        lefts, rights = (range(1), rights) if is_before else (lefts, range(1))
    sides = [(start - left, end + right) for left in lefts for right in rights]
    for first, last in sorted(sides, key=lambda side: side[1] - side[0]):
        part = tokens[max(first, 0) : last]
        if first < 0 or last > len(tokens) or not part or not _is_whole(part):
            continue
        if any(first < r.end and r.start < last for r in change.replacements if r != replacement):
            continue
        if _count(tokens, part) == 1:
            return first, last
    return start, end


def _is_whole(tokens: Sequence[str]) -> bool:
    """Whether tokens begin and end as a formula may, and their parentheses are complete."""
    ends = OPERATORS | {","}
    return _is_balanced(tokens) and tokens[0] not in ends and tokens[-1] not in ends


def _count(tokens: Sequence[str], part: Sequence[str]) -> int:
    size = len(part)
    return sum(tokens[k : k + size] == part for k in range(len(tokens) - size + 1)) if size else 0


def _exchanged(change: FormulaChange, step: ChangeStep, other: ChangeStep) -> str:
    """Two parts that change places, as the sides of a difference do; '' for other steps."""
    first, second = step.old, step.new
    if other.old and not other.new:
        sign, *after = other.old
        second = tuple(after) if step.new == (*after, sign, *first) else ()
        if any(_count(change.tokens, p) != 1 for p in (first, second, (*first, *other.old))):
            return ""
    elif (first, second) != (other.new, other.old):
        return ""
    sides = {"one": "".join(first), "other": "".join(second)}
    part = change.tokens[change.replacements[0].start : change.replacements[-1].end]
    if all(_count(change.tokens, side) == 1 for side in (first, second)) or not _is_whole(part):
        return Message("exchange {one} and {other}", **sides)
    if _count(change.tokens, part) > 1:
        return ""
    return Message("exchange {one} and {other} in {part}", **sides, part=_short("".join(part)))


def _often(step: str, times: int) -> str:
    if times == 1:
        return step
    if times == 2:
        return Message("{change} in both places", change=step)
    return Message("{change} in all {count} places", change=step, count=times)


def _short(text: str) -> str:
    if len(text) <= LONGEST_PIECE:
        return text
    return f"{text[:24]} … {text[-18:]}"
