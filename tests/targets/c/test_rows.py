"""The plan knows what each pass reads, computes, stores and sums."""

from __future__ import annotations

from gradbook.targets.c.pass_plan import Plan
from gradbook.targets.c.pass_rows import From, Rows
from gradbook.targets.c.placing import MOST_ROWS, Pass
from tests.targets.c.networks import planned, text


def passes(plan: Plan, op: str) -> list[tuple[Pass, Rows]]:
    return [(one, rows) for one, rows in plan.rows.items() if one.heavy and one.heavy.op.name == op]


def test_a_value_between_two_loops_is_kept_by_the_first_and_read_by_the_second():
    plan = planned(text("conv 4 3x3", "conv 4 3x3"))
    (first, writing), (_, reading) = passes(plan, "conv")
    (kept,) = first.stores
    assert writing.finisher is not None
    assert writing.finisher.stores == (kept,)
    assert [row.loads for row in reading.readers] == [[kept]]


def test_what_is_cheap_is_computed_by_the_reader():
    plan = planned(text("conv 4 3x3 no bias", "batchnorm", "relu", "conv 4 3x3"))
    (first, _), (_, reading) = passes(plan, "conv")
    (row,) = reading.readers
    comes = {value.node.op.name: value.comes for value in row.values}
    assert comes["conv"] is From.MEMORY
    assert comes["relu"] is From.FORMULA
    assert row.loads == list(first.stores)


def test_values_come_after_those_they_are_computed_from():
    plan = planned(text("conv 4 3x3", "batchnorm", "gelu", "maxpool 2", "silu"))
    for rows in plan.rows.values():
        for row in rows.rows:
            known = set()
            for value in row.values:
                if value.comes is From.FORMULA:
                    assert known.issuperset(value.node.inputs)
                known.add(value.node)


def test_all_that_is_loaded_is_stored_before():
    plan = planned(text("conv 8 3x3 pad 1", "batchnorm", "relu", "conv 8 3x3 pad 1", "add back 4"))
    stored = set()
    for one, rows in plan.rows.items():
        for node in rows.loads:
            own = any(node in row.stores for row in rows.readers)
            assert node.op.name == "leaf" or own or node in stored
        stored |= {one.winners} | {node for row in rows.rows for node in row.stores}


def test_a_mean_comes_with_its_variance():
    plan = planned(text("conv 4 3x3", "batchnorm"))
    ((_, rows),) = passes(plan, "conv")
    assert [(one.squares, one.beside) for one in rows.sums] == [(False, True), (True, False)]


def test_a_sum_over_many_skips_is_kept_instead_of_being_made_anew():
    block = ("conv 8 3x3 pad 1", "batchnorm", "add back 2", "relu")
    plan = planned(text("conv 8 3x3 pad 1", *block * 9))
    reads = [len(set(row.loads)) for rows in plan.rows.values() for row in rows.rows]
    assert max(reads) <= MOST_ROWS + 2
