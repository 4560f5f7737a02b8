"""The mistakes that students make in our exercises, each in twenty networks and styles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score
from gradbook.audit.findings import BookReport
from tests.audit.material.exercises import Variation, exercise, hand_in, mistakes
from tests.cases import for_each

VARIATIONS = for_each("seed", range(20))
Held = Callable[[int, str], list[BookReport]]


def wrong_columns(report: BookReport) -> set[str]:
    return {part.mark.name for part in score(report).parts if part.mark.state != "right"}


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("given")


@pytest.fixture
def held(given) -> Held:
    """A variation with that mistake in it: what is said is what is to be said."""

    def hold(seed: int, letter: str) -> list[BookReport]:
        variation = Variation.of(seed)
        book = exercise(variation, given)
        reports = []
        for mistake in mistakes(variation):
            if mistake.letter != letter:
                continue
            report = check(hand_in(book, mistake.entries, variation))
            assert wrong_columns(report) == mistake.wrong
            if mistake.kinds or letter == "h":
                assert {finding.kind for finding in report.findings} == mistake.kinds
            assert all(mistake.said in finding.why for finding in report.findings)
            assert score(report).points == mistake.points
            reports.append(report)
        return reports

    return hold


@VARIATIONS
def test_a_forgotten_way_is_missing_in_the_hidden_gradients_alone(held, seed):
    (report,) = held(seed, "a")
    assert all(finding.fixes for finding in report.findings)


@VARIATIONS
def test_one_sign_through_all_is_said_once_and_costs_once(held, seed):
    (report,) = held(seed, "b")
    assert len(report.findings) == 1
    assert score(report, Rubric(repeated=100)).points == 0


@VARIATIONS
def test_two_columns_exchanged_are_those_two(held, seed):
    held(seed, "c")


@VARIATIONS
def test_gradients_halved_or_doubled_are_no_derivatives_of_this_loss(held, seed):
    assert [len(report.findings) for report in held(seed, "d")] == [1, 1]


@VARIATIONS
def test_a_slope_left_out_is_named(held, seed):
    held(seed, "e")


@VARIATIONS
def test_the_way_through_one_output_alone_lacks_the_others(held, seed):
    held(seed, "f")


@VARIATIONS
def test_typed_numbers_are_no_formulas(held, seed):
    held(seed, "g")


@VARIATIONS
def test_another_formula_that_is_right_is_right(held, seed):
    (report,) = held(seed, "h")
    assert report.verdict == "right"


@VARIATIONS
def test_blanks_are_to_be_filled_in(held, seed):
    (report,) = held(seed, "i")
    assert report.verdict == "unfinished"


@VARIATIONS
def test_an_early_mistake_is_marked_once_and_carried_on(held, seed):
    (report,) = held(seed, "j")
    assert len(report.findings) == 1
    found = score(report)
    assert (found.points, found.right) == (found.out_of - 1, found.out_of - 1)
