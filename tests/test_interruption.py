"""Ctrl-C is heard once: what tidies up, and the process as it ends, go on undisturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from threading import Event, Thread, current_thread

import pytest

from gradbook.cli.main import INTERRUPTED
from gradbook.interruption import (
    IMPATIENT,
    heard_alike,
    interruptible,
    side_by_side,
    uninterrupted,
    until_stopped,
)
from gradbook.system import interrupting
from tests.cases import for_each


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def press_ctrl_c_from_a_thread() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def _own_handlers():
    before = {number: signal.getsignal(number) for number in interrupting()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_it_interrupts_the_command():
    def command() -> int:
        press_ctrl_c()
        raise AssertionError

    assert interruptible(command, INTERRUPTED) == INTERRUPTED


@for_each("number", interrupting())
def test_whatever_asks_it_to_end_interrupts_the_command(number):
    def command() -> int:
        signal.raise_signal(number)
        raise AssertionError

    assert interruptible(command, INTERRUPTED) == INTERRUPTED


STUBBORN = """\
import time
from gradbook.interruption import interruptible
def command():
    try:
        print("begun", flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print("tidying up", flush=True)
        time.sleep(600)
raise SystemExit(interruptible(command, 130))
"""


UNRAISABLE = """\
import signal, sys, time
from gradbook.interruption import interruptible
class Going:
    def __del__(self):
        signal.raise_signal({number})
        time.sleep(0)
def command():
    Going()
    time.sleep(600)
raise SystemExit(interruptible(command, 130))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
@for_each("number", interrupting())
def test_one_that_comes_where_nothing_can_be_raised_is_not_lost(number):
    words = [sys.executable, "-c", UNRAISABLE.format(number=int(number))]
    done = subprocess.run(words, capture_output=True, timeout=120, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
@for_each("number", interrupting())
def test_who_asks_again_a_while_later_ends_it_at_once(number):
    words = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(words, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        process.send_signal(signal.SIGTERM)  # with it, as from a shutdown
        assert process.stdout.readline() == "tidying up\n"
        time.sleep(IMPATIENT / 2)
        assert process.poll() is None
        time.sleep(IMPATIENT)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (
        INTERRUPTED,
        "gradbook: ended at once; all saved files are complete\n",
    )


def test_it_doesnt_interrupt_what_tidies_up_after_an_interruption():
    def command() -> int:
        try:
            press_ctrl_c()
        except KeyboardInterrupt:
            press_ctrl_c()
        return 7

    assert interruptible(command, INTERRUPTED) == 7


def test_it_doesnt_interrupt_a_process_that_only_has_to_end():
    assert interruptible(lambda: 3, INTERRUPTED) == 3
    press_ctrl_c()


def test_it_isnt_heard_where_the_shell_said_so():
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def command() -> int:
        press_ctrl_c()
        return 5

    assert interruptible(command, INTERRUPTED) == 5


def test_what_is_heard_alike_interrupts_once_with_ctrl_c():
    def command() -> int:
        before = signal.getsignal(signal.SIGTERM)
        with heard_alike():
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            press_ctrl_c()
        assert signal.getsignal(signal.SIGTERM) is before
        return 7

    assert interruptible(command, INTERRUPTED) == 7


def test_an_interruption_waits_for_the_end_of_what_must_not_be_torn_apart():
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        press_ctrl_c()
        done.append(1)
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_each_that_waited_is_told_whatever_the_first_one_raises():
    told = []
    signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        press_ctrl_c()
        press_ctrl_c()
        signal.raise_signal(signal.SIGTERM)
    assert told == [signal.SIGTERM]


@for_each("block", [uninterrupted, heard_alike])
@for_each("call", range(8))
def test_one_that_comes_while_handlers_are_put_back_is_heard_and_all_are_back(block, call):
    """It comes just after the so-manieth handler was set, or at the end."""
    for number in interrupting():
        signal.signal(number, signal.default_int_handler)
    calls = []

    def look(frame, event, what) -> None:
        if event == "c_return" and getattr(what, "__qualname__", "") == "signal":
            calls.append(what)
            if len(calls) == call + 1:
                press_ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        try:
            with block():
                sys.setprofile(look)
        finally:
            sys.setprofile(None)
        assert len(calls) <= call, "it was lost"
        press_ctrl_c()
    for number in interrupting():
        assert signal.getsignal(number) is signal.default_int_handler


# Work in threads.


def test_works_side_by_side_come_to_what_they_came_to():
    assert side_by_side(lambda: 1, lambda: "two", stop=pytest.fail) == [1, "two"]


def test_an_interruption_stops_all_works_and_goes_on_when_they_have_ended():
    begun, stopped, ended = Event(), Event(), []

    def work() -> None:
        begun.set()
        assert stopped.wait(60)
        ended.append(current_thread().name)

    def interrupting() -> None:
        assert begun.wait(60)
        press_ctrl_c_from_a_thread()
        work()

    with pytest.raises(KeyboardInterrupt):
        side_by_side(interrupting, work, stop=stopped.set)
    assert len(ended) == 2


def test_work_that_is_stopped_by_an_interruption_simply_ends():
    stopped = Event()

    def work() -> None:
        press_ctrl_c_from_a_thread()
        assert stopped.wait(60)

    until_stopped(work, stopped.set)
    assert stopped.is_set()


def test_what_goes_wrong_after_an_interruption_is_told():
    def work() -> None:
        press_ctrl_c_from_a_thread()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        until_stopped(work, lambda: None)


def test_impatience_stops_nothing_but_the_work():
    stops = []

    def work() -> None:
        while len(stops) < 3:
            press_ctrl_c_from_a_thread()
            time.sleep(0.001)

    until_stopped(work, lambda: stops.append(1))


def test_whatever_a_users_own_handler_raises_nobody_goes_on_while_there_is_work():
    """Native code would then work on what is freed; so the second time, too, all is waited for."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(3))
    stopped, ended = Event(), Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)  # in which whoever doesn't wait goes on
        ended.set()

    with pytest.raises(SystemExit):
        side_by_side(work, stop=stopped.set)
    assert ended.is_set()


def test_in_another_thread_the_work_is_done_there():
    names = []
    other = Thread(
        target=until_stopped, args=(lambda: names.append(current_thread().name), list), name="other"
    )
    other.start()
    other.join()
    assert names == ["other"]
