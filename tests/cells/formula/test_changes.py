"""The change between two formulas: what it says, and that it gives the other formula."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from gradbook.cells.formula.changes import change_between, flat, said_change
from gradbook.cells.formula.expression import paths, put, regroup, shorten
from gradbook.cells.formula.syntax import Infix, Number, Reference, read, write
from tests.cases import for_each


@for_each(
    "old, new, said",
    [
        ("=J3*(1-J3)*C3", "=L3*(1-L3)*C3", "replace J3 by L3 in both places"),
        ("=E8*H3*(1-H3)", "=E8", ""),  # almost all of it
        ("=E8*A2*B2*H3*(1-H3)", "=E8*A2*B2", "delete *H3*(1-H3)"),
        ("=(B4*J4)+(C4*K4)", "=B4*G4+C4*K4", "replace J4 by G4"),
        ("=A2-B2*C2", "=A2-$B$1*B2*C2", "insert $B$1* before B2"),
        ("=(A1-B1)*A1*(1-A1)*C1", "=(A1-B1)*A1*(1-B1)*C1", "replace 1-A1 by 1-B1"),
        ("=A1*B1+C1*D1*E1", "=(A1*B1+C1*D1)*E1", "put A1*B1+C1*D1 in parentheses"),
        ("=(A1+B1)*C1+D1", "=A1+B1*C1+D1", "remove the parentheses around A1+B1"),
        ("=A2-$B$1*C2", "=A2+$B$1*C2", "replace - by +"),
        ("=-LOG(B3)*G3", "=-LN(B3)*G3", "replace LOG by LN"),
        ("=A1*(B1-C1)*D1", "=D1*(B1-C1)*A1", "exchange A1 and D1"),
        ("=(A1-B1)/3", "=(B1-A1)/3", "exchange A1 and B1"),
        ("=(A1-B1)/A1", "=(B1-A1)/A1", "exchange A1 and B1 in A1-B1"),
        ("=(A1-B1)*(A1-B1)", "=(B1-A1)*(A1-B1)", ""),
        ("=2*(A1*B1+C1)", "=A1*B1+C1", "delete 2* and the parentheses around A1*B1+C1"),
        ("=(A1+B1)/2", "=A1+B1", "delete /2 and the parentheses around A1+B1"),
        ("=2*(A1+B1)*C1", "=(A1+B1)*C1", "delete 2*"),
        ("=it1!A1+it1!B1", "='it1'!A1-'it1'!B1", "replace + by -"),  # IT1 is a cell, too
        ("=E8*F8", "=E8*F8*2", "add *2 at the end"),
        ("=AVERAGE(I3:I8)*2", "=-AVERAGE(I3:I8)*2", "add - at the beginning"),
        ("=2*SUMPRODUCT(E2*A2:A6)*A6/5", "=2*SUMPRODUCT(E2*A2:A6)/5", "delete *A6"),
        ("{=A9:B10+$B$1*V9:W10}", "{=A9:B10-$B$1*V9:W10}", "replace + by -"),
        ("{=MMULT(A1:B2,C1:D2)}", "{=MMULT(A1:B2,E1:F2)}", "replace C1:D2 by E1:F2"),
        ("=A1*(B1*C1)", "=A1*B1*C1", ""),  # the same
        ("0.3", "=A1*B1", ""),  # no formula before
        ("=A1", "=B1", ""),  # the whole formula
        ("=A1*B1*", "=A1*B1", ""),  # not a formula
    ],
)
def test_a_change_is_said_as_a_person_would(old, new, said):
    assert said_change(old, new) == said


CELLS = st.sampled_from(["A1", "$B$2", "C3", "D4", "E5", "Sheet2!F6"]).map(Reference)
LEAVES = CELLS | st.sampled_from([1.0, 2.0, 0.5]).map(Number)
FORMULAS = st.recursive(
    LEAVES,
    lambda part: st.builds(Infix, st.sampled_from("+-*/"), part, part),
    max_leaves=14,
)


@st.composite
def edited(draw):
    """A formula, and the same with another part, without a part or with other parentheses."""
    old = draw(FORMULAS)
    kind = draw(st.sampled_from(["other", "shorter", "regrouped", "unrelated"]))
    if kind == "unrelated":
        return old, draw(FORMULAS)
    if kind == "other":
        path = draw(st.sampled_from([path for path, _ in paths(old)]))
        return old, put(old, path, draw(LEAVES))
    some = [new for new, _ in shorten(old)] if kind == "shorter" else list(regroup(old))
    return old, draw(st.sampled_from(some)) if some else old


@given(edited())
@settings(max_examples=300, deadline=None)
def test_what_is_said_makes_the_one_formula_of_the_other(pair):
    old, new = (f"={write(part)}" for part in pair)
    change = change_between(old, new)
    if change is not None:
        assert flat(read(change.apply())) == flat(read(new))
        said = said_change(old, new)
        if said and "…" not in said:
            assert flat(read(done_by_hand(change.tokens, said))) == flat(read(new))


def done_by_hand(tokens: Sequence[str], said: str) -> str:
    """What a person gets who does as it says."""
    for step in said.split("; "):
        tokens = TOKENS.findall("".join(one_step(tokens, step)))
    return "".join(tokens)


TOKENS = re.compile(r"[A-Za-z]\w*\(|(?:\w+!)?[$\w.:]+|.")
STEPS = {
    r"replace (?P<old>\S+) by (?P<new>\S+?)(?: in both places| in all [0-9]+ places)?": "{new}",
    r"exchange (?P<old>\S+) and (?P<other>\S+)(?: in (?P<part>\S+))?": "",
    r"delete (?P<old>\S+)": "",
    r"delete (?:(?P<after>[-+*/]\S+)|(?P<before>\S+)) and the parentheses around (?P<inside>\S+)": (
        "{inside}"
    ),
    r"insert (?P<new>\S+) after (?P<old>\S+)": "{old}{new}",
    r"insert (?P<new>\S+) before (?P<old>\S+)": "{new}{old}",
    r"put (?P<old>\S+) in parentheses": "({old})",
    r"remove the parentheses around (?P<inside>\S+)": "{inside}",
}


def one_step(tokens: Sequence[str], step: str) -> list[str]:
    if added := re.fullmatch(r"add (\S+) at the (end|beginning)", step):
        piece, where = added.groups()
        return [*tokens, piece] if where == "end" else [piece, *tokens]
    for form, result in STEPS.items():
        if match := re.fullmatch(form, step):
            named = match.groupdict()
            if "other" in named:
                pair, part = (named["old"], named["other"]), named["part"] or "".join(tokens)
                (start,) = (at for at in range(len(tokens)) if spelled(tokens, at, part))
                inside = range(start, start + spelled(tokens, start, part))
                sizes = [(at, n) for at in inside if (n := swapped(tokens, at, pair))]
                (first, a), (second, b) = sizes
                between = tokens[first + a : second]
                parts = tokens[second : second + b], between, tokens[first : first + a]
                return [*tokens[:first], *chain(*parts), *tokens[second + b :]]
            before, after = named.get("before") or "", named.get("after") or ""
            old = f"{before}({named['inside']}){after}" if "inside" in named else named["old"]
            places = [at for at in range(len(tokens)) if spelled(tokens, at, old)]
            count = re.search(r"all ([0-9]+) places", step)
            often = int(count[1]) if count else 1 + ("both" in step)
            assert len(places) == often, f"{old} is {len(places)} times in {''.join(tokens)}"
            piece = result.format(**{**named, "old": old})
            for at in reversed(places):
                tokens = [*tokens[:at], piece, *tokens[at + spelled(tokens, at, old) :]]
            return tokens
    raise AssertionError(f"not understood: {step}")


def swapped(tokens: Sequence[str], at: int, pair: Sequence[str]) -> int:
    return next(filter(None, (spelled(tokens, at, text) for text in pair)), 0)


def spelled(tokens: Sequence[str], at: int, text: str) -> int:
    """How many tokens from a place on make this text; 0 if they don't."""
    for size in range(1, len(tokens) - at + 1):
        made = "".join(tokens[at : at + size])
        if made == text:
            return size
        if not text.startswith(made):
            return 0
    return 0
