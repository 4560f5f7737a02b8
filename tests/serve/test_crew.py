"""What a page asks for is done by a few workers, what is urgent first, and ended when unwanted."""

from __future__ import annotations

import os
import time
from functools import partial
from multiprocessing import active_children

import pytest

from gradbook.errors import UsageError
from gradbook.net import parse
from gradbook.serve.crew import LAST, USUAL, Crew
from gradbook.work import LostTask


@pytest.fixture
def crew():
    made = Crew(1, longest=30.0)
    yield made
    made.close()
    assert not active_children()


def wanted():
    return True


def test_everybody_gets_their_own_answer(crew):
    errands = [crew.submit(partial(pow, 2, k)) for k in range(5)]
    assert [errand.outcome(wanted).value for errand in errands] == [1, 2, 4, 8, 16]


def test_what_is_urgent_goes_before_what_waits(crew):
    done = []
    crew.submit(partial(time.sleep, 0.5))
    late = crew.submit(partial(pow, 2, 1), lambda _: done.append("late"), LAST)
    usual = crew.submit(partial(pow, 2, 1), lambda _: done.append("usual"), USUAL)
    crew.submit(partial(pow, 2, 1), lambda _: done.append("urgent")).outcome(wanted)
    usual.outcome(wanted)
    late.outcome(wanted)
    assert done[:2] == ["urgent", "usual"]


def test_what_nobody_waits_for_is_ended_and_the_next_one_done(crew):
    settled = []
    errand = crew.submit(partial(time.sleep, 60), settled.append)
    end = time.monotonic() + 0.5
    assert isinstance(errand.outcome(lambda: time.monotonic() < end).error, LostTask)
    assert crew.submit(partial(pow, 2, 5)).outcome(wanted).value == 32
    assert settled == []


def test_what_is_given_up_before_it_begins_is_never_begun(crew, tmp_path):
    first = crew.submit(partial(time.sleep, 0.3))
    second = crew.submit(partial(os.mkdir, tmp_path / "made"))
    second.give_up()
    first.outcome(wanted)
    assert crew.submit(partial(pow, 1, 1)).outcome(wanted).value == 1
    assert not (tmp_path / "made").exists()


def test_errors_come_back_as_they_are(crew):
    error = crew.submit(partial(parse, "input two")).outcome(wanted).error
    assert error is not None
    assert not isinstance(error, LostTask | UsageError)
    assert "line 1" in str(error)


def test_closing_ends_what_is_under_way():
    crew = Crew(2, longest=30.0)
    errands = [crew.submit(partial(time.sleep, 60)) for _ in range(2)]
    time.sleep(0.3)
    crew.close()
    assert all(isinstance(errand.outcome(wanted).error, LostTask) for errand in errands)
    assert not active_children()
