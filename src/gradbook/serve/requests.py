"""What a page asks of us and what we answer, whatever carries it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from typing import IO

LARGEST_RECORD = 4 * 2**20  # bytes of JSON
CHUNK = 2**16


class Refused(Exception):
    """What can't be done for who asks: a status, why, and what else its page is told."""

    def __init__(self, status: int, why: str = "", **told: object) -> None:
        super().__init__(why)
        self.status, self.why, self.told = status, why, told


class Cut(Exception):
    """Who asked has gone away."""


class Content:
    """What comes with a request: so many bytes, of which none may have arrived yet."""

    def __init__(self, source: IO[bytes] | BufferedIOBase, length: int) -> None:
        self.source = source
        self.left = length

    def whole(self) -> bytes:
        """A small content."""
        return b"".join(self.pieces(LARGEST_RECORD))

    def pieces(self, most: int) -> Iterator[bytes]:
        """As it comes; more than `most` bytes are refused before any is read."""
        if self.left > most:
            raise Refused(413, f"that is larger than {most:,} bytes")
        while self.left:
            piece = self.source.read(min(self.left, CHUNK))
            if not piece:
                raise Cut
            self.left -= len(piece)
            yield piece


@dataclass(frozen=True)
class Request:
    """What is asked for: where within the page, with which words and how much content."""

    method: str
    path: str
    query: str
    content: Content
    is_wanted: Callable[[], bool]  # whether anybody still waits for an answer


@dataclass(frozen=True)
class Answer:
    """Content, which kind it is (as its file would end), and what it is saved as, if it is."""

    content: bytes | IO[bytes] = b""
    kind: str = ""
    name: str = ""
    status: int = 200


def said(found: object, status: int = 200) -> Answer:
    """An answer for the page's own script."""
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    return Answer(text.encode("utf-8", "backslashreplace"), ".json", status=status)


NOTHING = Answer(status=204)
