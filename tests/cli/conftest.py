from __future__ import annotations

from functools import partial

import pytest

from gradbook.cli.main import main


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """`command(words)` is what `gradbook` prints in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def say(*words, code=0):
        capsys.readouterr()
        assert main(list(map(str, words))) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return say


@pytest.fixture
def output_of(command, request):
    """`output_of(words)`: the same of the verb that the module's VERB names."""
    return partial(command, request.module.VERB)
