"""What was wrong in most steps is wrong in the others, too."""

from __future__ import annotations

import random
from dataclasses import replace

from gradbook.audit.check_book import check
from gradbook.audit.repair.departures import known_columns
from gradbook.audit.repair.symptoms import EarlierRows
from tests.audit.material.layouts.optimisers import RULES, by_rule
from tests.audit.material.layouts.places import laid, spots
from tests.audit.material.layouts.sketch import Quantity, Shape, sketched
from tests.audit.material.made import cells_of
from tests.audit.material.network import NETWORK, groups_of, proposed, symptoms_of
from tests.audit.material.small import at
from tests.cases import for_each

# What put a column or a claim right in most rows is tried again in a row of another ----


SUM = {"E2:E8": "=B2*C2"}
APART = {"F5": "=($L$2-E5)^2/2"}  # a row that says the same in other words


def known_in_the_other_row(changed, known):
    """What is wrong in the fourth row, once `known` has told what most rows taught."""
    usual, other = groups_of({**NETWORK, **changed})
    earlier = EarlierRows()
    known(symptoms_of(usual), earlier)
    return list(known_columns(other, earlier))


def column(usual, earlier):
    hypothesis = max(proposed("changed columns", usual), key=lambda one: len(one.explains))
    earlier.columns.append((usual.under_test.step, hypothesis))


def test_a_column_is_put_right_as_in_other_rows():
    (hypothesis,) = known_in_the_other_row({**SUM, **APART}, column)
    assert (hypothesis.cells, hypothesis.formulas) == ((at("E5"),), ("B5*D5",))


@for_each("changed", [{"E5": "=B5*D5"}, {"E5": "=A5*D5"}], ids=["a right cell", "another formula"])
def test_where_the_row_says_something_else_nothing_is_known(changed):
    assert known_in_the_other_row({**SUM, **changed}, column) == []


def test_where_nothing_was_wrong_nothing_is_known():
    assert known_in_the_other_row({**SUM, **APART}, lambda usual, earlier: None) == []


def test_a_mask_of_1_hides_no_mask_left_out_in_the_last_column(path):
    """The mask was left out in all columns; after the last one there is no update."""
    draw = random.Random(2)
    passes, weights = sketched(Shape(2, 2, 1, "sigmoid", "line", 1, False, True), draw)
    given = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    masks = [Quantity(f"m{k}", kind="input", given=some) for k, some in enumerate(given, 1)]
    passes = [*masks, *map(_masked, passes)]
    sketch = by_rule(passes, weights, 1, draw, RULES["clipped"])
    assert check(laid(sketch, "a step a column").save(path)).verdict == "right"
    bare = next(q.formula for q in passes if q.name == "a_h2").removesuffix("*{m2}")
    report = check(laid(sketch.with_formula("a_h2", bare), "a step a column").save(path))
    blamed = {cell for f in report.findings for cell in cells_of(f.cells)}
    assert blamed == {spot[1:] for spot in spots(sketch, "a step a column", "a_h2")}


def _masked(q):
    """An activation, or the slope by its sum, with the mask of its unit."""
    is_inside = q.name in ("a_h1", "a_h2", "δh1", "δh2")
    return replace(q, formula=f"{q.formula}*{{m{q.name[-1]}}}") if is_inside else q
