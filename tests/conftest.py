"""What every test can ask for: witnesses, golden files, the command, a quiet Hypothesis."""

from __future__ import annotations

import difflib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import ceil
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from tests.outside.witness import WITNESSES, missing

pytest_plugins = ("tests.toys",)

os.environ["LANGUAGE"] = "en"  # whatever the system speaks
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):  # hundreds of commands: none compiles us anew
    os.environ.setdefault(
        "PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    )
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    sys.dont_write_bytecode = False
REQUIRE_ALL = os.environ.get("REQUIRE_ALL", "") not in ("", "0")
THOROUGH = os.environ.get("THOROUGH", "") not in ("", "0")  # more of each family, as well
ABSENT = "no witness here: "
UNTRANSLATED = "still in English"
EXAMPLES = int(os.environ.get("EXAMPLES", "0")) or (50 if THOROUGH else 20)

settings.register_profile(
    "the same every time",
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("the same every time")


# What whoever started the tests ignores (as nohup does), every command would ignore as well.
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    number = getattr(signal, name, None)
    if number and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


# What takes long --------------------------------------------------------------

HERE = Path(__file__).parent
LONG = HERE / "long.txt"  # scripts/long_tests.py writes it
BUT_THE_FIRST = " after the first"  # behind a test of which only the other cases are meant; of a
# table of `for_each` all but some, from its first to its last row, that take no longer than this:
QUICK = 0.4  # seconds


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="write the golden files anew")
    parser.addoption(
        "--long",
        metavar="WHICH",
        default="all",
        help="of the tests in tests/long.txt: all, none, or a commit; those that a change since "
        "then concerns, the nearest first, for some minutes",
    )


TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


@cache
def left_out(which: str) -> dict[str, float]:
    """The seconds of the long tests that aren't run."""
    if which == "all":
        return {}
    lines = [line.split(" ", 1) for line in LONG.read_text("utf-8").splitlines()]
    left = {test: float(seconds) for seconds, test in lines}
    if which != "none":
        from scripts.changed_tests import changed, nearest

        for test in nearest(changed(which), left):
            del left[test]
    return left


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files of long tests alone aren't imported: that would take half a minute."""
    left = left_out(config.getoption("--long"))
    if not left or collection_path.suffix != ".py" or not collection_path.is_relative_to(HERE):
        return None
    tests = TEST.findall(collection_path.read_text("utf-8"))
    name = collection_path.relative_to(HERE).as_posix()
    return (tests and all(f"{name}::{test}" in left for test in tests)) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left = left_out(config.getoption("--long"))
    if not left:
        return
    seen = set[str]()
    kept, long = [], []
    for item in items:
        test = item.nodeid.partition("[")[0].removeprefix("tests/")
        is_long = test in left or (test in seen and test + BUT_THE_FIRST in left)
        (long if is_long else kept).append(item)
        if test + BUT_THE_FIRST in left and hasattr(item.function, "cases"):
            item.function.step = ceil(left[test + BUT_THE_FIRST] / QUICK)
        seen.add(test)
    items[:] = kept
    config.hook.pytest_deselected(items=long)


# Witnesses -------------------------------------------------------------------


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("witness"):
        require(*mark.args)


def require(*names: str) -> None:
    """Skip the test where one of these witnesses is missing; fail it under REQUIRE_ALL."""
    unknown = set(names) - set(WITNESSES)
    assert not unknown, f"unknown witness {unknown}: known are {WITNESSES}"
    absent = missing(names)
    if absent and REQUIRE_ALL:
        pytest.fail(ABSENT + ", ".join(absent), pytrace=False)
    if absent:
        pytest.skip(ABSENT + ", ".join(absent))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    unheard: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        for name in _absent_witnesses(report):
            unheard[name] = unheard.get(name, 0) + 1
    for name, tests in sorted(unheard.items()):
        terminalreporter.write_line(
            f"witness missing: {name} ({tests} tests skipped; see CONTRIBUTING.md)", yellow=True
        )
    english = [
        "{}: {}".format(*value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == UNTRANSLATED and value[1]
    ]
    if english:
        terminalreporter.write_line(f"messages still in English: {', '.join(sorted(english))}")


def _absent_witnesses(report: pytest.TestReport) -> list[str]:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    _, found, names = reason.partition(ABSENT)
    return names.split(", ") if found else []


@pytest.fixture
def torch() -> Iterator[ModuleType]:
    """PyTorch, in double precision on one thread; the test is skipped where it is missing."""
    require("torch")
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield torch
    torch.set_default_dtype(torch.float32)


# Golden files ----------------------------------------------------------------


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: the text is what golden/NAME beside the test's file holds.

    `pytest --accept` writes the files anew; look at the difference before you commit it.
    """
    folder = request.path.parent / "golden"
    accept = request.config.getoption("--accept")

    def compare(name: str, text: str) -> None:
        file = folder / name
        if accept:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        expected = file.read_text(encoding="utf-8") if file.exists() else ""
        if text != expected:
            pytest.fail(_difference(expected, text, file.name), pytrace=False)

    return compare


def _difference(expected: str, text: str, name: str) -> str:
    lines = difflib.unified_diff(
        expected.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm=""
    )
    return "\n".join(["differs from its golden file (pytest --accept to renew it)", *lines])


# The command -----------------------------------------------------------------

Gradbook = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def gradbook(tmp_path: Path) -> Gradbook:
    """`gradbook("explain", "worked")` runs the command, as a process, in an empty folder."""

    def run(
        *words: str, given: str = "", environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gradbook", *words],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            encoding="utf-8",
            env=_plain_environment() | (environment or {}),
            input=given,
            timeout=120,
        )

    return run


def _plain_environment() -> dict[str, str]:
    """The caller's, less what would change widths and colours."""
    unwanted = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "GRADBOOK_TRACEBACK"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return kept | {"PYTHONUTF8": "1", "COLUMNS": "80", "LANGUAGE": "en"}


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Sequence[str]], str]:
    """`refused(words)`: the command says no in one line, exit 2, and leaves no file behind."""
    from gradbook.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def refuse(words: Sequence[str]) -> str:
        before = set(tmp_path.rglob("*"))
        capsys.readouterr()
        code = main(words)
        output = capsys.readouterr()
        assert (code, output.out) == (2, ""), output
        assert output.err.startswith("gradbook: "), output
        assert output.err.count("\n") == 1, output
        assert set(tmp_path.rglob("*")) == before
        return output.err.removeprefix("gradbook: ").rstrip("\n")

    return refuse
