"""What holds of every crew."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from gradbook.errors import UsageError
from gradbook.work import LostTask, OurFault
from gradbook.work.processes import WorkCrew
from tests.work.tasks import all_of, dies, dies_once, fails, square


def every_task_comes_to_its_outcome(crew: WorkCrew, folder: Path) -> None:
    for number in range(40):
        crew.give(f"square {number}", partial(square, number))
    found = all_of(crew, 40)
    assert {name: one.value for name, one in found.items()} == {
        f"square {number}": number * number for number in range(40)
    }
    assert crew.at_work == 0


def what_goes_wrong_with_a_task_is_its_outcome(crew: WorkCrew, folder: Path) -> None:
    for number in range(2):
        crew.give(f"fails {number}", partial(fails, number))
    found = all_of(crew, 2)
    assert isinstance(found["fails 0"].error, OurFault)
    assert isinstance(found["fails 1"].error, UsageError)


def a_task_whose_process_dies_is_done_by_another(crew: WorkCrew, folder: Path) -> None:
    crew.give("dies once", partial(dies_once, folder / "mark"))
    for number in range(5):
        crew.give(f"beside {number}", partial(square, number))
    assert all_of(crew, 6)["dies once"].value == "lives"


def a_task_that_always_kills_is_lost_and_the_others_arent(crew: WorkCrew, folder: Path) -> None:
    crew.give("dies", dies)
    crew.give("beside", partial(square, 3))
    found = all_of(crew, 2)
    assert isinstance(found["dies"].error, LostTask)
    assert found["beside"].value == 9


def what_is_forgotten_is_not_waited_for(crew: WorkCrew, folder: Path) -> None:
    for number in range(6):
        crew.give(f"sleeps {number}", partial(time.sleep, 0.3))
    crew.forget("sleeps 5")
    assert len(all_of(crew, 5)) == 5
    assert crew.at_work == 0


CLAIMS = (
    every_task_comes_to_its_outcome,
    what_goes_wrong_with_a_task_is_its_outcome,
    a_task_whose_process_dies_is_done_by_another,
    a_task_that_always_kills_is_lost_and_the_others_arent,
    what_is_forgotten_is_not_waited_for,
)
