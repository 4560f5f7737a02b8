"""Shows values, and computes from them, with functions that the values' modules don't import.

The package's face lists the functions. So a sweep can print itself, and a notebook can show it,
without importing modules above it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import gradbook

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray


def look(way: str, value: object) -> str:
    """Show a value in a way that the face lists: `Sweep as html`."""
    shown: str = _show(way, value)
    return shown


def picture(way: str, value: object) -> bytes:
    """The same for a way that returns an image's bytes: `Net as png`."""
    image: bytes = _show(way, value)
    return image


def numbers(way: str, value: object, *arguments: object) -> dict[str, NDArray[float64]]:
    """Numbers by name that are computed from a value: `Net forward`."""
    values: dict[str, NDArray[float64]] = _show(way, value, *arguments)
    return values


def _show(way: str, value: object, *arguments: object) -> Any:
    module, _, function = gradbook._SHOWN_BY[way].partition(":")
    return getattr(import_module(module), function)(value, *arguments)
