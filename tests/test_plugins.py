"""A package that adds a layer, a loss and an export is found once it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gradbook.cli.main import main
from tests.cases import for_each

EXAMPLE = Path(__file__).parent.parent / "examples/plugin"
NET = "input 2; dense 2; softsign; dense 1; loss log cosh; sample 1 2 -> 3; sample -1 0.5 -> 1"
ONE_SAMPLE = "input 2; dense 2; softsign; dense 1; loss log cosh; sample 1 2 -> 3"
NAMES = ("w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3")
HIDDEN = "input 2; dense 3; softsign; dense 2; softmax"
TABLE = "a,b,class\n" + "".join(f"{k % 7},{k % 5},{'xy'[k % 2]}\n" for k in range(60))
BROKEN = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "gradbook-broken"
version = "1"
[project.entry-points."gradbook.layers"]
broken = "gradbook_broken"
"""


def installed(source: Path, folder: Path) -> dict[str, str]:
    """The environment in which a package is installed beside those of the tests."""
    words = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    command = [sys.executable, "-m", "pip", "install", *words, "--target", folder, source]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def with_example(tmp_path_factory):
    return installed(EXAMPLE, tmp_path_factory.mktemp("site"))


@pytest.mark.witness("build")
def test_its_layer_and_its_loss_are_ours_from_then_on(gradbook, with_example, tmp_path):
    process = gradbook("explain", NET, "--only", "w1", environment=with_example)
    assert process.returncode == 0, process.stderr
    assert "(softsign)" in process.stdout
    assert "= tanh(o1 − t1)" in process.stdout
    wrote = gradbook("sheet", NET, "-o", "book.xlsx", environment=with_example)
    assert wrote.returncode == 0, wrote.stderr
    judged = gradbook("check", "book.xlsx", environment=with_example)
    assert judged.returncode == 0, judged.stdout
    helped = gradbook("help", "networks", environment=with_example).stdout
    assert "softsign" in helped
    assert "loss log cosh" in helped


@pytest.mark.witness("build")
def test_its_gradients_are_pytorchs(gradbook, with_example, torch):
    process = gradbook("explain", ONE_SAMPLE, "--json", environment=with_example)
    weights = {it["name"]: it for it in json.loads(process.stdout)["weights"]}
    leaves = {
        name: torch.tensor(it["value"], dtype=torch.float64, requires_grad=True)
        for name, it in weights.items()
    }
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = (leaves[name] for name in NAMES)
    bend = torch.nn.functional.softsign
    out = w5 * bend(w1 + 2 * w2 + b1) + w6 * bend(w3 + 2 * w4 + b2) + b3
    torch.log(torch.cosh(3 - out)).backward()
    for name, leaf in leaves.items():
        assert weights[name]["gradient"] == pytest.approx(leaf.grad.item(), rel=1e-12), name


@pytest.mark.witness("build")
def test_its_network_trains_and_is_exported_by_it(gradbook, with_example, tmp_path):
    (tmp_path / "table.csv").write_text(TABLE, "utf-8")
    words = ("train", "table.csv", "-o", "run", "--network", HIDDEN)
    trained = gradbook(*words, environment=with_example)
    assert trained.returncode == 0, trained.stderr
    wrote = gradbook("export", "run", "-o", "weights.csv", environment=with_example)
    assert wrote.returncode == 0, wrote.stderr
    head, *rows = (tmp_path / "weights.csv").read_text("utf-8").splitlines()
    assert head == "tensor,place,value"
    assert len(rows) == 3 * 2 + 3 + 2 * 3 + 2


@pytest.mark.witness("build")
def test_one_that_cannot_be_loaded_is_named(gradbook, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(BROKEN, "utf-8")
    (source / "gradbook_broken.py").write_text("raise ValueError('not today')\n", "utf-8")
    environment = installed(source, tmp_path / "site")
    process = gradbook("explain", NET, environment=environment)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert "the plug-in 'broken' of gradbook-broken can't be loaded: not today" in process.stderr
    assert "pip uninstall gradbook-broken" in process.stderr
    assert gradbook("explain", "worked", environment=environment).returncode == 0


def test_without_it_its_word_is_unknown(capsys):
    assert main(["explain", NET]) == 2
    assert "unknown layer 'softsign'" in capsys.readouterr().err


@for_each("words", [("--version",), ("explain", "worked"), ("summary", "worked")])
def test_who_asks_for_nothing_of_theirs_waits_for_none(gradbook, words):
    code = "import sys; from gradbook.cli.main import entry; sys.argv[1:] = {!r}; entry()"
    told = (
        "import atexit, sys; atexit.register(lambda: print('importlib.metadata' in sys.modules));"
    )
    command = [sys.executable, "-c", told + code.format(list(words))]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout.endswith("False\n")
