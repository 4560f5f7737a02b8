"""Write a small network once; read its backpropagation, work it in a sheet, sweep its rate.

The public face: each name below is fetched from its module when it is first used,
so that importing gradbook costs nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

_HOME: dict[str, str] = {
    "Net": "gradbook.net",
    "builtin": "gradbook.net",
    "explain": "gradbook.report.explanation",
    "sweep": "gradbook.lab.sweep",
    "write_workbook": "gradbook.report.workbook",
}
"""Public name → the module that it lives in."""

__all__ = ["Net", "__version__", "builtin", "explain", "sweep", "write_workbook"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'gradbook' has no attribute {name!r}")
    from importlib import import_module

    from gradbook.notebook import attach

    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    attach()
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
