from __future__ import annotations

import pytest

from gradbook.lab.rates.sweep import sweep
from tests.lab.rates.made import WORKED


@pytest.fixture(scope="package")
def worked():
    return sweep(WORKED)
