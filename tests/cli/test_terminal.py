import sys

from gradbook.cli.terminal import busy


def test_what_takes_its_time_says_so_on_a_terminal_and_is_gone_afterwards(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with busy("writing book.xlsx"):
        pass
    said = capsys.readouterr()
    assert said.out == ""
    assert "writing book.xlsx" in said.err


def test_where_nobody_looks_nothing_is_said(capsys):
    with busy("writing book.xlsx"):
        pass
    assert capsys.readouterr() == ("", "")
