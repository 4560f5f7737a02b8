from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradbook.data.formats import idx
from gradbook.data.formats.files import MOST_BYTES
from gradbook.errors import DataError

KINDS = st.sampled_from(["u1", "i1", "<i2", ">i2", "<i4", ">i4", "<f4", ">f4", "<f8", ">f8"])
SHAPES = arrays.array_shapes(max_dims=5, min_side=0, max_side=4)
HEADER = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 4)


@given(KINDS.flatmap(lambda kind: arrays.arrays(kind, SHAPES)))
def test_what_is_written_is_read(array):
    again = idx.parse(idx.write(array))
    assert again.shape == array.shape
    assert again.dtype == array.dtype.newbyteorder(">")
    assert np.array_equal(again, array, equal_nan=array.dtype.kind == "f")


@given(arrays.arrays("u1", SHAPES).map(idx.write), st.data())
def test_bytes_that_are_damaged_are_refused_in_a_line_or_read_as_something(content, data):
    place = data.draw(st.integers(0, len(content) - 1))
    wrong = data.draw(st.integers(0, 255))
    damaged = content[:place] + bytes([wrong]) + content[place + 1 :]
    with suppress(DataError):
        assert isinstance(idx.parse(damaged), np.ndarray)


@given(arrays.arrays("u1", SHAPES).map(idx.write), st.data())
def test_every_cut_is_noticed(content, data):
    kept = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(DataError):
        idx.parse(content[:kept])


def test_the_header_is_mnists():
    """60,000 images of 28 by 28 begin 00 00 08 03, 00 00 ea 60, 00 00 00 1c, 00 00 00 1c."""
    start = idx.write(np.empty((60000, 28, 28), np.uint8))[:16]
    assert start.hex() == "000008030000ea600000001c0000001c"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "byte 0: no idx file, it begins with nothing"),
        (b"\0\0", "byte 0: no idx file, it begins with 00 00"),
        (b"\x89PNG\r\n", "byte 0: no idx file, it begins with 89 50 4e 47"),
        (b"\0\0\x07\x01\0\0\0\0", "byte 2: idx knows no type 0x07"),
        (b"\0\0\x08\0", "byte 3: an array of 0 sides"),
        (b"\0\0\x08\xff" + 1020 * b"\0", "byte 3: an array of 255 sides"),
        (HEADER[:9], "ends at byte 9, within its header"),
        (HEADER + 23 * b"\0", "ends at byte 39 of the 40 that its header promises"),
        (HEADER + 25 * b"\0", "goes on after byte 40, where its header says it ends"),
        (HEADER[:4] + 12 * b"\xff", "byte 4: 4,294,967,295 x 4,294,967,295 x 4,294,967,295"),
    ],
)
def test_damage_is_named_with_its_byte(content, said):
    with pytest.raises(DataError) as caught:
        idx.parse(content, "a-file")
    assert str(caught.value).startswith(f"a-file: {said}")


def test_gigabytes_are_refused_before_they_are_asked_for():
    class Stream:
        pieces = iter([b"\0\0\x0e\x01", struct.pack(">I", MOST_BYTES // 8 + 1)])

        def read(self, size):
            assert size == 4
            return next(self.pieces)

    with pytest.raises(DataError, match=r"too many: at most 1,073,741,824 are read"):
        idx.read(Stream(), "a")


@pytest.mark.parametrize("array", [np.array(1), np.array(["a"]), np.zeros(3, np.int64)])
def test_what_idx_has_no_way_to_say_is_refused(array):
    with pytest.raises(DataError, match="idx has no way to write"):
        idx.write(array)
