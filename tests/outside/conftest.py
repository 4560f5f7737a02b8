"""What tests with outside witnesses can ask for."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.conftest import require


@pytest.fixture(scope="session")
def twin() -> ModuleType:
    """The same networks in PyTorch; the test is skipped where it is missing."""
    require("torch")
    import torch

    from tests.outside import torch_twin

    torch.set_num_threads(1)
    return torch_twin
