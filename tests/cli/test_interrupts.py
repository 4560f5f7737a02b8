"""Ctrl-C is heard once: what tidies up, and the process as it ends, go on undisturbed."""

from __future__ import annotations

import signal

import pytest

from gradbook.cli.main import INTERRUPTED
from gradbook.cli.terminal.interrupts import interruptible


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def _own_handler():
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_it_interrupts_the_command():
    def command() -> int:
        press_ctrl_c()
        raise AssertionError

    assert interruptible(command) == INTERRUPTED


def test_it_doesnt_interrupt_what_tidies_up_after_an_interruption():
    def command() -> int:
        try:
            press_ctrl_c()
        except KeyboardInterrupt:
            press_ctrl_c()
        return 7

    assert interruptible(command) == 7


def test_it_doesnt_interrupt_a_process_that_only_has_to_end():
    assert interruptible(lambda: 3) == 3
    press_ctrl_c()


def test_it_isnt_heard_where_the_shell_said_so():
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def command() -> int:
        press_ctrl_c()
        return 5

    assert interruptible(command) == 5
