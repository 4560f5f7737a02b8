"""Networks that a page shows: whatever the others may be, less the layers that it doesn't."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from gradbook.net import Concat, Net
from gradbook.targets.page.content import SHOWABLE
from tests.families import networks


def shown(net: Net) -> Net:
    """The layers that are left out change no shape."""
    return replace(
        net,
        layers=tuple(layer for layer in net.layers if isinstance(layer, SHOWABLE)),
    )


def shown_networks(*, images: bool = False, **wishes) -> st.SearchStrategy[Net]:
    return networks(images=images, **wishes).filter(keeps_shapes).map(shown)


def keeps_shapes(net: Net) -> bool:
    """Whether what a page leaves out changes no shape."""
    return not any(isinstance(layer, Concat) for layer in net.layers)
