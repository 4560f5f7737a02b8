"""A file that would be hundreds of times as large once parsed is refused before it is."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook import limits
from gradbook.errors import DataError
from gradbook.formats.onnx.content import require_modest
from gradbook.formats.onnx.write import onnx_bytes
from gradbook.net import Net
from tests.cases import for_each
from tests.hostile.messages import GRAPH, INITIALIZER, INT64_DATA, NODE, field
from tests.trained import trained_of

pytestmark = pytest.mark.witness("onnx")


def scanned(content: bytes) -> None:
    from onnx import ModelProto

    require_modest(content, ModelProto.DESCRIPTOR)


@for_each(
    ("content", "said"),
    [
        (field(GRAPH, field(NODE, b"") * limits.FIELDS.most), "more than 500,000 fields"),
        (field(99, b"") * (limits.FIELDS.most + 1), "more than 500,000 fields"),
        (field(GRAPH, field(INITIALIZER, field(INT64_DATA, bytes(2**25 + 1)))), "33,554,432 num"),
        (b"\x0b" * 9, "cut short, or it isn't an ONNX file"),  # a group, which none has
        (b"\xff" * 99, "cut short, or it isn't an ONNX file"),
        (field(GRAPH, b"12345")[:-1], "cut short, or it isn't an ONNX file"),
    ],
    ids=["nodes", "unknown fields", "numbers side by side", "group", "number", "cut"],
)
def test_what_becomes_much_larger_is_refused(content, said):
    with pytest.raises(DataError, match=said):
        scanned(content)


def test_messages_within_each_other_are_counted():
    content = b""
    for _ in range(limits.DEPTH.most):
        content = field(NODE, field(5, field(6, content)))  # an attribute that is a graph
    with pytest.raises(DataError, match="more than 60 messages within each other"):
        scanned(field(GRAPH, content))


@cache
def small() -> bytes:
    return onnx_bytes(trained_of(Net.parse("input 1x4x4; conv 2 3x3; relu; flatten; dense 2")))


@given(st.data())
def test_whatever_protobuf_parses_is_modest_here_too(data):
    """Nothing is refused for how it is written that its own parser reads."""
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    whole = small()
    place = data.draw(st.integers(0, len(whole) - 1))
    content = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
    try:
        ModelProto.FromString(content)
    except DecodeError:
        return
    scanned(content)
