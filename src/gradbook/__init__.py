"""Write a small network once; read its backpropagation, work it in a sheet, sweep its rate.

The public face: each name below is fetched from its module when it is first used,
so that importing gradbook costs nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing itself would be half the cost of `gradbook --version`
if TYPE_CHECKING:
    from gradbook.data.table import read_table
    from gradbook.errors import GradbookError
    from gradbook.lab.sweep import sweep
    from gradbook.net import Net, Sample, builtin
    from gradbook.report.explanation import explain
    from gradbook.report.workbook import write_workbook

_HOME: dict[str, str] = {
    "GradbookError": "gradbook.errors",
    "Net": "gradbook.net",
    "Sample": "gradbook.net",
    "builtin": "gradbook.net",
    "explain": "gradbook.report.explanation",
    "read_table": "gradbook.data.table",
    "sweep": "gradbook.lab.sweep",
    "write_workbook": "gradbook.report.workbook",
}
"""Public name → the module that it lives in."""

__all__ = [
    "GradbookError",
    "Net",
    "Sample",
    "__version__",
    "builtin",
    "explain",
    "read_table",
    "sweep",
    "write_workbook",
]


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
