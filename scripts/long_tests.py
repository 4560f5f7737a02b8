"""Which tests `make test` leaves out unless they are asked for, by how long they take.

    python -m scripts.long_tests [TEST]...

runs all tests, or those that are named, and writes anew what tests/long.txt says of them. A line is
a test that takes more than QUICK seconds, behind its seconds: those that a processor or something
else kept it busy, without those that it waited for a processor, so that a machine may have other
work meanwhile. Where none of its cases takes that long, a quick run tries the first of them, or
some rows of its table.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import pytest

from tests.conftest import BUT_THE_FIRST, LONG, QUICK

FOLDER = "GRADBOOK_LONG_TESTS"  # the variable that says where each process writes what it measures
WAITED = Path("/proc/self/schedstat")  # its second number: nanoseconds, of Linux


def main(*tests: str) -> int:
    lines = {test_of(line): line for line in LONG.read_text("utf-8").splitlines()}
    with TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        words = ["-p", "scripts.long_tests", "-n", "auto", "--dist", "worksteal", "--long", "all"]
        words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # conftest was imported above
        code = pytest.main([*words, "-q", *tests])
        measured = [
            json.loads(line)
            for path in Path(folder).iterdir()
            for line in path.read_text("utf-8").splitlines()
        ]
    cases: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    for test, seconds, rows in measured:
        cases[test].append((seconds, rows))
    for test, times in cases.items():
        lines.pop(test, None)
        if (seconds := sum(time for time, _ in times)) > QUICK:
            is_several = len(times) > 1 or times[0][1] > 1
            in_part = is_several and max(time / rows for time, rows in times) <= QUICK
            lines[test] = f"{seconds:.1f} {test}{BUT_THE_FIRST * in_part}"
    LONG.write_text("".join(f"{lines[test]}\n" for test in sorted(lines)), "utf-8")
    return int(code)


def test_of(line: str) -> str:
    return line.partition(" ")[2].removesuffix(BUT_THE_FIRST)


# As a plugin of pytest: how long each test takes -------------------------------


def _busy() -> float:
    waited = int(WAITED.read_text("ascii").split()[1]) / 1e9 if WAITED.exists() else 0.0
    return perf_counter() - waited


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    passed.clear()
    start = _busy()
    result = yield
    seconds = _busy() - start
    if passed == {"setup", "call", "teardown"}:
        test = item.nodeid.partition("[")[0].removeprefix("tests/")
        rows = len(getattr(getattr(item, "function", None), "cases", [item]))
        with Path(os.environ[FOLDER], str(os.getpid())).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps([test, round(seconds, 3), rows])}\n")
    return result


passed = set[str]()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.passed:
        passed.add(report.when)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
