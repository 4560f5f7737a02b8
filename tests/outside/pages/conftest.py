from __future__ import annotations

import pytest

from tests.outside.browser import browser


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened
