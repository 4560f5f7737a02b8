"""`gradbook explain train.py --only W1`: the program is run, and its chain written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradbook.audit.programs.check_program import explain_program
from gradbook.cli.main import main
from gradbook.errors import GradbookError

PROGRAM = """\
import numpy as np

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0.0], [1], [1], [1]])
W, b = np.full((2, 1), 0.1), np.zeros(1)
print("not the report")
for epoch in range(30):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dz = (p - y) / 4
    W -= 0.5 * X.T @ dz
    b -= 0.5 * dz.sum(axis=0)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(PROGRAM)
    return "train.py"


def test_the_chain_is_printed_and_nothing_else(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", program, "--only", "W"]) == 0
    printed = capsys.readouterr().out
    assert "train.py:9   loss = " in printed
    assert "train.py:8   p = " in printed
    assert "∂loss/∂W = ∂loss/∂p · ∂p/∂W" in printed
    assert "not the report" not in printed


def test_without_a_name_it_is_the_first_weight(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", program, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["weight"] == "W"
    assert [link["name"] for link in record["links"]] == ["loss", "p"]


def test_a_page_has_the_chain(program: str, tmp_path: Path) -> None:
    assert main(["explain", program, "--only", "b", "-o", "chain.html"]) == 0
    page = (tmp_path / "chain.html").read_text("utf-8")
    assert "∂loss/∂b = ∂loss/∂p · ∂p/∂b" in page
    assert "gradbook explain train.py --only b" in page


@pytest.mark.parametrize(
    "words", [["--only", "W9"], ["--data", "x.csv"], ["-o", "chain.tex"], ["--of", "B4"]]
)
def test_what_is_not_possible_is_refused_in_one_line(
    program: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        raise SystemExit(main(["explain", program, *words]))
    assert end.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_program_that_stops_at_once_says_why(program: str) -> None:
    Path(program).write_text("import numpy as np\n1 / 0\n")
    with pytest.raises(GradbookError, match="ZeroDivisionError"):
        explain_program(program)
