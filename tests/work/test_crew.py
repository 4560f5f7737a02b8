"""Crews of processes and of a cluster: the same tasks come to the same, whoever dies."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from gradbook.errors import UsageError
from gradbook.work.cluster import ClusterCrew
from gradbook.work.crew import WorkCrew, ProcessCrew
from gradbook.work.processes import Lost, OurFault


def square(number: int) -> int:
    return number * number


def fails(number: int) -> int:
    if number % 2:
        raise UsageError(f"{number} is odd")
    raise ZeroDivisionError


def dies_once(mark: Path) -> str:
    """Of a signal, the first time that it is done anywhere."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return "lives"
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def all_of(crew: WorkCrew, count: int) -> dict:
    found = {}
    while len(found) < count:
        found |= dict(crew.outcomes())
    return found


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=4,
        threads_per_worker=1,
        dashboard_address=None,
        silence_logs=60,
        memory_limit=None,
    ) as made:
        yield made


@pytest.fixture(params=["processes", "cluster"])
def crew(request):
    if request.param == "processes":
        found = ProcessCrew(3)
    else:
        found = ClusterCrew(request.getfixturevalue("cluster").scheduler_address)
    yield found
    found.end()


def test_every_task_comes_to_its_outcome(crew):
    for number in range(40):
        crew.give(f"square {number}", partial(square, number))
    found = all_of(crew, 40)
    assert {name: one.value for name, one in found.items()} == {
        f"square {number}": number * number for number in range(40)
    }
    assert crew.at_work == 0


def test_what_goes_wrong_with_a_task_is_its_outcome(crew):
    for number in range(2):
        crew.give(f"fails {number}", partial(fails, number))
    found = all_of(crew, 2)
    assert isinstance(found["fails 0"].error, OurFault)
    assert isinstance(found["fails 1"].error, UsageError)


def test_a_task_whose_process_dies_is_done_by_another(crew, tmp_path):
    crew.give(f"dies once {tmp_path}", partial(dies_once, tmp_path / "mark"))
    for number in range(5):
        crew.give(f"{tmp_path} {number}", partial(square, number))
    found = all_of(crew, 6)
    assert found[f"dies once {tmp_path}"].value == "lives"


def test_a_task_that_always_kills_is_lost_and_the_others_arent(crew, tmp_path):
    crew.give(f"dies {tmp_path}", dies)
    crew.give(f"square {tmp_path}", partial(square, 3))
    found = all_of(crew, 2)
    assert isinstance(found[f"dies {tmp_path}"].error, Lost)
    assert found[f"square {tmp_path}"].value == 9


def test_what_is_forgotten_is_not_waited_for(crew, tmp_path):
    for number in range(6):
        crew.give(f"{tmp_path} {number}", partial(time.sleep, 0.3))
    crew.forget(f"{tmp_path} 5")
    assert len(all_of(crew, 5)) == 5
    assert crew.at_work == 0


WRONG = {
    "host:8786": "write it like tcp://host:8786",
    "tcp://127.0.0.1:1": "no scheduler answers at tcp://127.0.0.1:1",
    "tcp://nowhere.invalid:8786": "no scheduler answers",
}


@pytest.mark.parametrize("address", WRONG)
def test_a_cluster_that_isnt_there_is_told(address, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("gradbook.work.cluster.PATIENCE", 1.0)
    with pytest.raises(UsageError, match=WRONG[address]):
        ClusterCrew(address)


def test_a_cluster_of_another_version_is_refused_with_both(cluster, monkeypatch):
    monkeypatch.setattr("gradbook.work.cluster.__version__", "9.9")
    with pytest.raises(UsageError, match=r"runs gradbook \S+, this is 9\.9"):
        ClusterCrew(cluster.scheduler_address)
    monkeypatch.setattr("distributed.__version__", "1.0")
    with pytest.raises(UsageError, match=r"runs distributed \S+, this is 1\.0"):
        ClusterCrew(cluster.scheduler_address)
