"""An SVG as PNG, by the extra 'plots'."""

from __future__ import annotations

from importlib.util import find_spec

from gradbook.errors import UsageError

SCALE = 2.0  # pixels for each point


def require_painter() -> None:
    """Complain where there is nothing here to paint with, best before any work is done."""
    if find_spec("vl_convert") is None:
        raise UsageError(
            "a PNG needs the extra 'plots': pip install 'gradbook[plots]', or write .svg instead"
        )


def png(svg: str) -> bytes:
    """The picture in light colours, two pixels for each point."""
    require_painter()
    from vl_convert import svg_to_png

    return bytes(svg_to_png(svg, scale=SCALE))
