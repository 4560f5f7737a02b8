"""What Tab completes, asked of the command and in real shells."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gradbook.cli.main import PARTS, VERBS, every_command, main, verb_parser
from gradbook.cli.verbs.about import SCRIPTS, what_is_next
from tests.cases import for_each

if sys.platform != "win32":
    from tests.cli.pseudo import Session


def words(*typed):
    return [word for word, _ in what_is_next(list(typed))]


def test_verbs_come_first_each_with_what_it_does():
    assert what_is_next([""]) == what_is_next([]) == list(VERBS.items())
    assert what_is_next(["tr"]) == [("train", VERBS["train"])]


@for_each("verb", every_command())
def test_every_option_that_the_help_shows_is_there(verb):
    parser = verb_parser(verb)
    found = words(*verb.split(), "--")
    own = {flag for one in parser.own_options for flag in one.option_strings if flag[1] == "-"}
    assert {*found} == own | {"--force"} | ({"--language"} if parser.verb.speaks else set())
    assert all(flag in parser.format_help() for flag in own)


@for_each(
    ("typed", "found"),
    [
        (["quiz", "--form", "n"], ["number"]),
        (["quiz", "--form=n"], ["--form=number"]),
        (["quiz", "--form", "=", "n"], ["number"]),  # as bash parts it
        (["class", ""], list(PARTS["class"])),
        (["class", "m"], ["mark"]),
        (["class", "init", "--paper", "l"], ["letter"]),
        (["--language", "de", "explain", "wor"], ["worked"]),
        (["summary", "--batch", "2", "wor"], ["worked"]),
        (["explain", "wor"], ["worked"]),
        (["explain", "worked", ""], []),  # one network is enough
        (["train", "--seeds", "3", "qu"], ["quick"]),
        (["train", "qu"], ["quick"]),
        (["train", "--data", "digits"], ["digits", "digits8"]),
        (["predict", "runs/quick", ""], []),  # files are for the shell
        (["help", "warp"], ["warps"]),
        (["help", "completion", ""], list(SCRIPTS)),
        (["nothing", "--"], []),
    ],
)
def test_values_with_names_are_there(typed, found):
    assert words(*typed) == found


@for_each("asked", [["help", "completion"], ["completion"]])  # now, and by 1.0
def test_a_shell_asks_the_command_itself(asked, capsys):
    assert main([*asked, "--words", "explain", "--onl"]) == 0
    ((word, about),) = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert word == "--only"
    assert about in " ".join(verb_parser("explain").format_help().split())


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command on the PATH, as an installation puts it there."""
    path = tmp_path / "bin" / "gradbook"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m gradbook "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(gradbook help completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -U compinit && compinit -u -D && eval "$(gradbook help completion zsh)"',
    ),
}


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
@pytest.mark.parametrize("shell", [pytest.param(s, marks=pytest.mark.witness(s)) for s in SHELLS])
def test_tab_completes_verbs_networks_options_and_values(shell, command, tmp_path):
    program, setting_up = SHELLS[shell]
    session = Session(folder=tmp_path, program=program, columns=200, HOME=str(tmp_path))
    session.type(f"{setting_up}; echo re''ady\n")
    session.until(lambda seen: "ready" in seen)
    session.type("gradbook summ\twor\t--js\t| grep -c macs > counted; echo do''ne\n")
    session.until(lambda seen: "done" in seen)
    session.type("exit\n")
    assert session.leave() == 0
    assert int((tmp_path / "counted").read_text()) > 0


@pytest.mark.witness("fish")
@pytest.mark.parametrize(
    "typed",
    [["summ"], ["summary", "wor"], ["summary", "--js"], ["quiz", "--form", "n"], ["class", "m"]],
)
def test_fish_completes_verbs_networks_options_and_values(typed, command, tmp_path):
    line = " ".join(["gradbook", *typed])
    asked = f"gradbook help completion fish | source; complete --do-complete '{line}'"
    process = subprocess.run(
        ["fish", "--no-config", "-c", asked],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert process.stdout.splitlines() == [
        "\t".join(filter(None, found)) for found in what_is_next(typed)
    ]
