"""How values look, and what is computed of them, that don't know it themselves.

The package's face names who does it. So a sweep prints itself, and a notebook shows it, without an
import of what stands above it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import gradbook

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray


def look(way: str, value: object) -> str:
    """Show a value in a way that the face names: `Sweep as html`."""
    shown: str = _show(way, value)
    return shown


def picture(way: str, value: object) -> bytes:
    """The same where it is shown by the bytes of an image: `Net as png`."""
    image: bytes = _show(way, value)
    return image


def numbers(way: str, value: object, *given: object) -> dict[str, NDArray[float64]]:
    """Numbers by name that are computed of a value: `Net forward`."""
    found: dict[str, NDArray[float64]] = _show(way, value, *given)
    return found


def _show(way: str, value: object, *given: object) -> Any:
    module, _, function = gradbook._SHOWN_BY[way].partition(":")
    return getattr(import_module(module), function)(value, *given)
