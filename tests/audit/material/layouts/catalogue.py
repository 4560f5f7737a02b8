"""All kinds of trainings that are laid out and spoilt: whoever has another adds a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.audit.material.layouts.places import LAYOUTS
from tests.audit.material.layouts.planted import Judged, clean, spoilt


@dataclass(frozen=True)
class Kind:
    """A kind of training: what becomes of its book of some number, clean and with a mistake."""

    clean: Callable[[Path, int], Judged]
    spoilt: Callable[[Path, int], Judged | None]  # None where there is no place for a mistake


KINDS: dict[str, Kind] = {
    name: Kind(partial(clean, layout=name), partial(spoilt, layout=name)) for name in LAYOUTS
}
