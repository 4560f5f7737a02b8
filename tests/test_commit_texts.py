"""Commits are titled by what changed, and name no branch and no machine."""

from __future__ import annotations

import subprocess

import pytest

from scripts.commit_texts import main, objections

GOOD = (
    "A table's reading streams; /dev/null is refused as an output",
    "Rates of 1/2/3 are read; see docs/install.md and ~/.cache",
    "The chart is drawn under /api/tmp/, as the page asks",
)
BAD = {
    "Merge branch 'main' of ../elsewhere": "rebase",
    "fixup! The chart is drawn": "squash",
    "WIP": "squash",
    "The chart is drawn\n\nFound in /home/somebody/books": "path of your machine",
    r"Books in C:\Users\somebody are read": "path of your machine",
}


def test_titles_that_say_what_changed_pass():
    assert [objections(text) for text in GOOD] == [[], [], []]


@pytest.mark.parametrize("text", BAD)
def test_what_names_a_branch_or_a_machine_does_not(text):
    (remedy,) = objections(text)
    assert BAD[text] in remedy


def test_commits_after_a_base_are_read(tmp_path, capsys):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], check=True, capture_output=True, cwd=tmp_path)

    git("init")
    for text in ("Merge branch 'old'", "First line", "Second line\n\nwith a text", "wip"):
        git("commit", "--allow-empty", "-m", text)
    assert main(["HEAD~1"], tmp_path) == 1
    assert "wip: squash it" in capsys.readouterr().err
    git("reset", "--hard", "HEAD~1")
    assert main(["HEAD~2"], tmp_path) == 0
