from __future__ import annotations

import pytest

from gradbook.net import builtin, parse
from gradbook.rates.sweep import sweep

RATES = (0.05, 0.5, 2, 100, 1000, 10000)  # 10 ends in nothing but rounding


@pytest.fixture(scope="module")
def worked():
    return sweep(builtin("worked"), RATES)


@pytest.fixture(scope="module")
def wild():
    """Losses that end as infinity and as no number at all."""
    net = parse("input 1; dense 1; dense 1; loss half squared error; name a</script><b>; seed 3")
    return sweep(net, [0.1, 10, 1e100, 1e300], 12)
