"""Networks that a page shows: whatever there may be, with dropout that draws."""

from __future__ import annotations

from hypothesis import strategies as st

from gradbook.net import Net
from tests.families import networks


def shown_networks(*, dropout: bool = True, **wishes) -> st.SearchStrategy[Net]:
    return networks(dropout=dropout, **{"images": False, **wishes})
