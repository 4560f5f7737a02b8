import sys

from gradbook.cli.main import main
from gradbook.cli.output import busy
from tests.cases import for_each
from tests.cli.desk import RECIPE, laid_out


def test_what_takes_its_time_says_so_on_a_terminal_and_is_gone_afterwards(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with busy("writing book.xlsx"):
        pass
    output = capsys.readouterr()
    assert output.out == ""
    assert "writing book.xlsx" in output.err


def test_where_nobody_looks_nothing_is_said(capsys):
    with busy("writing book.xlsx"):
        pass
    assert capsys.readouterr() == ("", "")


@for_each(
    "words",
    [
        ["train", RECIPE, "--epochs", "1", "-o", "run"],
        ["data", "made.npz", "--show", "2"],
        ["train", "--list"],
        ["sweep", "worked", "--epochs", "5"],
        ["check", "nothing.xlsx"],
    ],
    ids=lambda words: words[0],
)
def test_without_any_output_the_work_is_done_all_the_same(words, tmp_path, monkeypatch):
    """As under a service, or after `>&-`: Python has no sys.stdout then."""
    monkeypatch.chdir(laid_out(tmp_path))
    monkeypatch.setattr(sys, "stdout", None)
    assert main(words) == (2 if words[0] == "check" else 0)
