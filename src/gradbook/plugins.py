"""Additions from other packages, through their entry points: layers, losses, exports.

A package lists what to import in its pyproject.toml, in `[project.entry-points."gradbook.layers"]`
and the like. The search starts only if a word, a file ending or a name isn't known here, so that
it delays nobody else.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from gradbook.errors import UsageError, one_line

LAYERS, EXPORTS = "gradbook.layers", "gradbook.exports"


@cache
def plugins(group: str) -> dict[str, Any]:
    """What the installed packages provide in this group, by name, imported."""
    from importlib.metadata import entry_points

    return {point.name: _load(point) for point in entry_points(group=group)}


def _load(point: Any) -> Any:
    try:
        return point.load()
    except Exception as error:
        package = point.dist.name if point.dist else point.value
        raise UsageError(
            f"the plug-in '{point.name}' of {package} can't be loaded: {one_line(str(error))}; "
            f"update it, or remove it: pip uninstall {package}"
        ) from error
