"""All kinds of books that are laid out and spoilt: whoever has another adds a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.audit.material.layouts.places import LAYOUTS
from tests.audit.material.layouts.planted import Judged, clean, spoilt
from tests.audit.material.worked_once import planted as worked_once


@dataclass(frozen=True)
class Kind:
    """A kind of training: what becomes of its book of some number, clean and with a mistake."""

    clean: Callable[[Path, int], Judged]
    spoilt: Callable[[Path, int], Judged | None]  # None where there is no place for a mistake


KINDS: dict[str, Kind] = {
    name: Kind(partial(clean, layout=name), partial(spoilt, layout=name)) for name in LAYOUTS
} | {
    name: Kind(partial(worked_once.clean, layout=name), partial(worked_once.spoilt, layout=name))
    for name in worked_once.LAYOUTS
}
