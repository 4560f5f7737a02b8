from __future__ import annotations

import pytest

from gradbook.lab.runs import find_misread, open_runs
from tests.runs import finished, pictures, several

DATA = pictures(each=12)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    finished(folder / "plain", DATA, epochs=3)
    finished(folder / "adam", DATA, changes="update adam; batch 16", seed=4)
    several(folder / "seeds", DATA)
    return open_runs([folder / name for name in ("plain", "adam", "seeds")])


@pytest.fixture(scope="module")
def who(runs):
    return find_misread(runs, DATA)
