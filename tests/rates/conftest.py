from __future__ import annotations

import pytest

from gradbook.rates.sweep import sweep
from tests.rates.made import WORKED


@pytest.fixture(scope="package")
def worked():
    return sweep(WORKED)
