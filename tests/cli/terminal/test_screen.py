from __future__ import annotations

import io
import sys
import time

import pytest

from gradbook.cli import screen as module
from gradbook.cli.output import can_redraw
from gradbook.cli.screen import Screen
from gradbook.report.styled_text import Span
from tests.cases import for_each
from tests.cli.emulated import Terminal


class Stream(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def written(monkeypatch):
    """A terminal of 40 by 10 that keeps what is written; nothing is drawn but on demand."""
    stream = Stream()
    monkeypatch.setattr(module, "PERIOD", 60.0)
    for name, value in {"COLUMNS": "40", "LINES": "10", "TERM": "xterm", "NO_COLOR": ""}.items():
        monkeypatch.setenv(name, value)
    return stream


def output_of(*texts):
    return [[Span(text)] for text in texts]


def test_what_is_said_stays_above_and_the_foot_is_gone_in_the_end(written):
    terminal = Terminal(40, 10)
    with Screen(lambda columns, rows: output_of("the foot", "its end"), written) as screen:
        screen.say(output_of("one"))
        assert terminal.feed(written.getvalue()).text == "one\nthe foot\nits end\n"
        assert terminal.hidden
        screen.say(output_of("two", "three"))
    terminal = Terminal(40, 10).feed(written.getvalue())
    assert terminal.text == "one\ntwo\nthree\n"
    assert (terminal.row, terminal.column, terminal.hidden) == (3, 0, False)


def test_a_shorter_foot_leaves_nothing_of_a_longer_one(written):
    feet = iter([output_of("a long line", "another"), output_of("short"), output_of("x", "y", "z")])
    with Screen(lambda columns, rows: next(feet), written) as screen:
        screen.say([])
        screen.say([])
        assert Terminal(40, 10).feed(written.getvalue()).text == "short\n"
        screen.say(output_of("stays"))
        assert Terminal(40, 10).feed(written.getvalue()).text == "stays\nx\ny\nz\n"


def test_a_line_too_long_is_cut_and_never_folds(written):
    with Screen(lambda columns, rows: output_of("x" * 99, "end"), written) as screen:
        screen.say([])
        screen.say([])
        assert Terminal(40, 10).feed(written.getvalue()).text == "x" * 39 + "\nend\n"


def test_more_lines_than_the_terminal_has_scroll_away_above_the_foot(written):
    with Screen(lambda columns, rows: output_of("the", "foot"), written) as screen:
        for number in range(30):
            screen.say(output_of(str(number)))
    terminal = Terminal(40, 10).feed(written.getvalue())
    assert terminal.text == "".join(f"{number}\n" for number in range(30))


def test_the_foot_is_told_how_much_room_there_is(written, monkeypatch):
    rooms = []
    with Screen(lambda *room: rooms.append(room) or [], written) as screen:
        screen.say([])
        monkeypatch.setenv("COLUMNS", "500")
        screen.say([])
    assert rooms == [(39, 9), (120, 9)]


def test_lines_that_a_narrower_terminal_folded_are_drawn_over_too(written, monkeypatch):
    with Screen(lambda columns, rows: output_of("x" * (columns - 1), "end"), written) as screen:
        screen.say([])
        begun = len(written.getvalue())
        monkeypatch.setenv("COLUMNS", "20")
        screen.say([])
        assert written.getvalue()[begun:].startswith("\r\033[2A")  # 38 columns fold into 2 lines


def test_the_foot_is_drawn_again_and_again(written, monkeypatch):
    monkeypatch.setattr(module, "PERIOD", 0.01)
    drawn = []
    with Screen(lambda columns, rows: drawn.append(1) or [], written):
        deadline = time.monotonic() + 10
        while len(drawn) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(drawn) >= 3


@pytest.mark.parametrize(("wish", "coloured"), [("", True), ("1", False)])
def test_colours_come_unless_they_are_unwanted(written, monkeypatch, wish, coloured):
    monkeypatch.setenv("NO_COLOR", wish)
    with Screen(lambda columns, rows: [[Span("warm", "red"), Span(" plain")]], written) as screen:
        screen.say([])
    terminal = Terminal(40, 10).feed(written.getvalue())
    assert ("31" in terminal.colours) is coloured


def test_a_terminal_that_is_closed_is_no_fault(written, monkeypatch):
    with Screen(lambda columns, rows: [], written) as screen:
        monkeypatch.setattr(written, "flush", lambda: (_ for _ in ()).throw(OSError(5, "gone")))
        screen.say(output_of("nobody reads this"))


@for_each(("kind", "drawn_over"), [("xterm", True), ("dumb", False)])
def test_not_every_terminal_can_be_drawn_over(monkeypatch, kind, drawn_over):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", kind)
    assert can_redraw(sys.stdout) is drawn_over
