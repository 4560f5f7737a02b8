"""A worker that dies of its task or takes too long is replaced, and nobody else notices."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from multiprocessing import active_children

import pytest

from gradbook.errors import NetTextError
from gradbook.net import parse
from gradbook.work import LostTask, OurFault, do
from gradbook.work.processes import Worker


@pytest.fixture
def worker():
    made = Worker(longest=30.0)
    yield made
    made.end()
    assert not active_children()


def answer(worker, task):
    worker.give(task)
    while (found := worker.outcome(1.0)) is None:
        pass
    return found


def test_it_does_one_task_after_the_other(worker):
    assert [answer(worker, partial(pow, 2, k)).value for k in range(4)] == [1, 2, 4, 8]


def test_it_is_another_process(worker):
    assert answer(worker, os.getpid).value not in (None, os.getpid())


def test_what_a_user_can_put_right_keeps_its_place(worker):
    error = answer(worker, partial(parse, "input 2\ndense two", "net.txt")).error
    assert isinstance(error, NetTextError)
    assert (error.line, error.column) == (2, 7)
    assert str(error) == str(do(partial(parse, "input 2\ndense two", "net.txt")).error)


def test_a_fault_of_ours_is_one_line(worker):
    error = answer(worker, partial(int, "1\n2")).error
    assert isinstance(error, OurFault)
    assert str(error).startswith("an internal error in gradbook (ValueError: ")
    assert len(str(error).splitlines()) == 1


def test_after_one_that_died_comes_another(worker):
    assert isinstance(answer(worker, partial(os._exit, 3)).error, LostTask)
    assert answer(worker, partial(pow, 2, 3)).value == 8


def test_what_takes_too_long_is_ended():
    worker = Worker(longest=1.0)
    try:
        assert str(answer(worker, partial(time.sleep, 60)).error) == "it takes longer than 1 second"
    finally:
        worker.end()


def test_a_task_that_nobody_waits_for_is_given_up(worker):
    worker.give(partial(time.sleep, 60))
    assert worker.outcome(0.05) is None
    worker.begin_anew()
    assert answer(worker, partial(pow, 3, 2)).value == 9


BUSY = """\
import subprocess
import sys
import time
from functools import partial
from gradbook.work.processes import Worker
if __name__ == "__main__":
    worker = Worker(600)
    worker.give(partial(time.sleep, 600))
    print(worker.process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks Linux who lives")
def test_a_worker_at_work_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=-1, text=True) as parent:
        worker = int(parent.stdout.readline())
        time.sleep(0.5)
        assert lives(worker)
        parent.kill()
    until = time.monotonic() + 20
    while lives(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not lives(worker)


def lives(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as told:
            return told.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


LEFT = """
import signal

from gradbook.interruption import interruptible
from gradbook.work.processes import Worker

interruptible(lambda: bool(Worker(60.0)), 130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there a process hears of no signals")
def test_a_worker_that_nobody_ended_ends_with_its_program():
    subprocess.run([sys.executable, "-c", LEFT], check=True, timeout=30)
