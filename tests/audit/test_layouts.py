"""Trainings laid out as people do: clean ones are right, mistakes stand where they are."""

from __future__ import annotations

import random

from gradbook.audit.check_book import check
from tests.audit.judge.test_optimisers import LINE
from tests.audit.material.layouts.catalogue import KINDS
from tests.audit.material.layouts.optimisers import with_rule
from tests.audit.material.layouts.places import laid
from tests.audit.material.layouts.planted import drawn
from tests.cases import for_each


@for_each("kind", KINDS)
@for_each("number", [1, 2])
def test_a_clean_training_is_right(kind, number, path):
    judged = KINDS[kind].clean(path, number)
    assert judged.found, judged.words


@for_each("kind", KINDS)
def test_a_mistake_is_found_in_its_cells_and_put_right(kind, path):
    judged = next(j for k in range(2, 12) if (j := KINDS[kind].spoilt(path, k)))
    assert judged.found, judged.words
    assert judged.repaired


def test_a_mistake_on_several_sheets_is_told_on_each(path):
    sketch, _ = drawn(3, "a sheet per step")
    wrong = next(q for q in sketch.of("gradient"))
    table = laid(sketch.with_formula(wrong.called, f"3*({wrong.formula})"), "a sheet per step")
    findings = check(table.save(path)).findings
    assert {finding.sheet for finding in findings} == {f"Step {k}" for k in range(1, 7)}
    assert len({finding.cells for finding in findings}) == 1


def test_a_schedules_rate_of_a_later_step_is_a_rate(path):
    for rate in ("rate over time", "rate by powers", "rate by steps", "rate going on"):
        sketch = with_rule(LINE, random.Random(7), "descent, change apart", rate)
        wrong = sketch.with_formula("∂E/∂w2", "{δo1}*{x1}")
        for layout in ("a step a row", "a sheet per step"):
            report = check(laid(wrong, layout).save(path))
            assert {f.quantity for f in report.findings} == {"∂E/∂w2"}, (rate, layout)


def test_a_wrong_gradient_is_blamed_and_not_what_keeps_it_within_bounds(path):
    sketch = with_rule(LINE, random.Random(7), "clipped").with_formula("∂E/∂w2", "{δo1}*{x1}")
    for layout in ("a step a row", "a form per step"):
        report = check(laid(sketch, layout).save(path))
        assert {f.quantity for f in report.findings} == {"∂E/∂w2"}, layout
