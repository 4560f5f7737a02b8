"""Findings say which derivative a cell should be, and what is wrong with it, in its own cells."""

from __future__ import annotations

import pytest

from gradbook.audit.backward.judgement import BackwardWording, faults
from tests.audit.material.worked_once.list import listed_pass


def told(**other):
    back = listed_pass(**other)
    found = list(faults(back))
    wording = BackwardWording(back, found[-1].after if found else back)
    return wording, [wording.fault(fault) for fault in found]


def test_every_weight_is_a_gradient_right_or_wrong():
    wording, _ = told(E2="=E1*B7")
    right = {"w3": True, "w4": True, "w5": True, "w6": True}
    assert wording.gradients == {"w1": False, "w2": False, **right}


@pytest.mark.parametrize(
    ("cell", "text", "why"),
    [
        ("E6", "=E2*B2", "B2 (x2) should be B1 (x1)"),
        ("E2", "=E1*B7*B11*(1-B11)*B1", "B1 (x1) doesn't belong there"),
        ("E2", "=-E1*B7*B11*(1-B11)", "its sign is wrong"),
        ("E5", "=E1", "the factor B12 (a_h2) is missing"),
        ("E3", "=E2*B12+B1*B2", "it isn't that derivative"),
    ],
)
def test_the_reason_is_said_in_the_sheets_words(cell, text, why):
    _, (finding,) = told(**{cell: text})
    assert finding.why == why


def test_a_finding_has_the_formula_as_it_is_and_as_it_should_be():
    _, (finding,) = told(E6="=E2*B2")
    assert (finding.formula, finding.expected) == ("=E2*B2", "=E2*B1")
    assert finding.fixes == {"E6": "=E2*B1"}
