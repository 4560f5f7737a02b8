"""Verbs on clusters of real schedulers and workers, some of which end in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.desk import RECIPE, laid_out

pytestmark = [
    pytest.mark.witness("cc"),
    pytest.mark.skipif(find_spec("distributed") is None, reason="distributed isn't here"),
]

ROOT = Path(__file__).parents[4]
STUDY = (RECIPE, "--vary", "schedule one cycle {0.01..1 log}", "--trials", "6")
PATIENCE = 60  # seconds


def begun(*words: str, **more) -> subprocess.Popen:
    paths = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    environment = os.environ | {"PYTHONPATH": paths} | more.pop("env", {})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", *words], env=environment, **pipes, **more)


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def a_cluster(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen, str, str]]:
    """A scheduler and two workers, their address and their file."""
    file = folder / f"{time.monotonic_ns()}.json"
    here = ("--scheduler-file", str(file), "--no-dashboard")
    workers = ("--nworkers", "2", "--nthreads", "1", "--local-directory", str(folder), *more)
    with ExitStack() as stack:
        scheduler = stack.enter_context(
            ended(begun("distributed.cli.dask_scheduler", "--port", "0", *here))
        )
        stack.enter_context(ended(begun("distributed.cli.dask_worker", *here, *workers)))
        until = time.monotonic() + PATIENCE
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.1)
        yield scheduler, json.loads(file.read_text())["address"], str(file)


def gradbook(folder: Path, *words: str, **more) -> tuple[int, str, str]:
    process = begun("gradbook", *words, cwd=folder, **more)
    out, err = process.communicate(timeout=4 * PATIENCE)
    return process.returncode, out, err


def trials(out: str) -> list[dict]:
    return json.loads(out.splitlines()[-1])["trials"]


@pytest.fixture
def here(tmp_path):
    return laid_out(tmp_path)


def test_a_scheduler_that_is_killed_is_told_and_the_study_goes_on_elsewhere(here):
    _, expected, _ = gradbook(here, "study", *STUDY, "--json", "-o", "undisturbed")
    with a_cluster(here) as (scheduler, address, _):
        driver = begun("gradbook", "study", *STUDY, "--json", "-o", "s", "--on", address, cwd=here)
        assert driver.stdout
        assert json.loads(driver.stdout.readline())["event"] == "started"
        assert json.loads(driver.stdout.readline())["event"] == "trial"
        scheduler.kill()
        _, said = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 2
    assert said.splitlines() == [
        f"gradbook: the scheduler at {address} is gone: start it again; "
        "then continue with gradbook study --resume s"
    ]
    with a_cluster(here) as (_, _, file):
        code, found, _ = gradbook(here, "study", "--resume", "s", "--json", "--on", file)
    assert code == 0
    assert trials(found) == trials(expected)


def test_a_machine_without_gradbook_is_named_and_nothing_is_written(here):
    without = "import sys; sys.modules['gradbook'] = None"
    with a_cluster(here, "--preload", without) as (_, address, _):
        code, out, said = gradbook(here, "study", *STUDY, "-o", "s", "--on", address)
    assert (code, out) == (2, "")
    assert said.count("\n") == 1
    assert f"a worker of {address}, runs no gradbook (" in said
    assert "ModuleNotFoundError" in said
    assert not (here / "s").exists()
