"""How values look that don't know it themselves: the package's face names who shows them.

So a sweep prints itself, and a notebook shows it, without an import of what stands above it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import gradbook


def look(way: str, value: object) -> str:
    """Show a value in a way that the face names: `Sweep as html`."""
    shown: str = _show(way, value)
    return shown


def picture(way: str, value: object) -> bytes:
    """The same where it is shown by the bytes of an image: `Net as png`."""
    image: bytes = _show(way, value)
    return image


def _show(way: str, value: object) -> Any:
    module, _, function = gradbook._SHOWN_BY[way].partition(":")
    return getattr(import_module(module), function)(value)
