"""What has been read of a network so far, and which line each part of it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gradbook.errors import GradbookError, NetTextError
from gradbook.net.layers import Layer
from gradbook.net.task import Sample
from gradbook.net.text.line import Line
from gradbook.net.wants import Role, Shape


@dataclass
class Draft:
    """What has been read so far."""

    source: str | None
    shape: Shape = ()
    layers: list[Layer] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    start: dict[Role, tuple[float, ...]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Line] = field(default_factory=dict)  # which line a part of the net stands in

    def set(self, key: str, value: object, line: Line) -> None:
        if key in self.settings:
            line.fail(f"a second {line.words[0].group()!r}: say it once", at=0)
        self.settings[key] = value
        self.places[key] = line


@contextmanager
def pointing(line: Line, at: int) -> Iterator[None]:
    """What the network's parts complain of, with its place in the text."""
    try:
        yield
    except NetTextError:
        raise
    except GradbookError as error:
        line.fail(error.message, at)
