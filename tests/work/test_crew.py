"""Crews of processes and of a cluster: the same tasks come to the same, whoever dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gradbook.errors import UsageError
from gradbook.work.cluster import ClusterCrew
from gradbook.work.processes import ProcessCrew
from tests.cases import for_each
from tests.work.claims import CLAIMS

ROOT = Path(__file__).parents[2]


@for_each("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_of_processes(claim, tmp_path):
    crew = ProcessCrew(3)
    try:
        claim(crew, tmp_path)
    finally:
        crew.end()


@pytest.mark.witness("cc")
def test_of_a_cluster(tmp_path):
    words = [sys.executable, "-m", "tests.work.clustered", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout.endswith("all of it holds\n"), done.stdout + done.stderr


WRONG = {
    "host:8786": "write it like tcp://host:8786",
    "tcp://127.0.0.1:1": "no scheduler answers at tcp://127.0.0.1:1",
    "tcp://nowhere.invalid:8786": "no scheduler answers",
    "tcp://127.0.0.1:99999": "no scheduler answers",
}


@for_each("address", WRONG)
def test_a_cluster_that_isnt_there_is_told(address):
    with pytest.raises(UsageError, match=WRONG[address]):
        ClusterCrew(address)
