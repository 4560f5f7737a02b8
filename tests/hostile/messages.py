"""ONNX files of next to nothing that become gigabytes once they are parsed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.hostile.cases import Case, Words

GRAPH, NODE, INITIALIZER, INT64_DATA, ATTRIBUTE, FUNCTION = 7, 1, 5, 7, 5, 25


def number(value: int) -> bytes:
    """As protobuf writes it, seven bits a byte."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def field(which: int, content: bytes) -> bytes:
    """A field of so many bytes."""
    return number(which << 3 | 2) + number(len(content)) + content


def _nested(count: int) -> bytes:
    content = b""
    for _ in range(count // 10_000):
        content = field(NODE, field(ATTRIBUTE, field(6, content)))
    return field(GRAPH, content)


BOMBS: dict[str, Callable[[int], bytes]] = {
    "nodes": lambda count: field(GRAPH, field(NODE, b"") * count),
    "tensors": lambda count: field(GRAPH, field(INITIALIZER, b"") * count),
    "attributes": lambda count: field(GRAPH, field(NODE, field(ATTRIBUTE, b"") * count)),
    "functions": lambda count: field(FUNCTION, b"") * count,
    "names": lambda count: field(GRAPH, field(NODE, field(1, b"") * count)),
    "numbers side by side": lambda count: field(
        GRAPH, field(INITIALIZER, field(INT64_DATA, bytes(count * 2)))
    ),
    "graphs in graphs": _nested,
}


def _file(bomb: Callable[[int], bytes]):
    def make(folder: Path, draw: Random) -> Words:
        content = bomb(draw.choice([499_000, 20_000_000, 100_000_000]))
        (folder / "net.onnx").write_bytes(content)
        return draw.choice(
            [["summary", "net.onnx"], ["import", "net.onnx", "-o", "made.safetensors"]]
        )

    return make


CASES = [Case(f"an ONNX file of {name}", _file(bomb)) for name, bomb in BOMBS.items()]
