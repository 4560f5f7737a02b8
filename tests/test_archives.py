"""Of an archive is read what was packed into it, and never more than its limits allow."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gradbook import limits
from gradbook.archives import Archive, ArchiveError, MissingEntry, OddlyPacked, Overlarge
from gradbook.limits import BYTES, ReadLimit
from tests.cases import for_each

SMALL = ReadLimit(1000, BYTES, "a part")
LARGE = ReadLimit(2**30, BYTES, "a part")


def packed(entries: dict[str, bytes], method: int = ZIP_DEFLATED) -> BytesIO:
    file = BytesIO()
    with ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file


@given(some.dictionaries(some.from_regex(r"[a-z]{1,8}", fullmatch=True), some.binary(max_size=900)))
def test_what_was_packed_comes_out(entries):
    archive = Archive(packed(entries))
    assert archive.names == list(entries)
    for name, content in entries.items():
        assert archive.bytes_of(name, SMALL) == content
        assert archive.size(name) == len(content)


@for_each("method", [ZIP_BZIP2, ZIP_LZMA])
def test_what_takes_any_amount_of_memory_is_not_unpacked(method):
    with pytest.raises(OddlyPacked, match="use deflate"):
        Archive(packed({"a": b"1"}, method)).bytes_of("a", SMALL)


def test_what_is_not_there_is_said():
    with pytest.raises(MissingEntry, match="it has no b"):
        Archive(packed({"a": b"1"})).bytes_of("b", SMALL)


@for_each("method", [ZIP_STORED, ZIP_DEFLATED])
def test_no_entry_is_larger_than_its_limit(method):
    with pytest.raises(Overlarge, match="more than the limit of 1,000 bytes"):
        Archive(packed({"a": bytes(1001)}, method)).bytes_of("a", SMALL)


def lying(size: int) -> BytesIO:
    """An archive whose entry says that it is one byte, and is as large as this."""
    file = packed({"a": bytes(size)})
    said, told = size.to_bytes(4, "little"), (1).to_bytes(4, "little")
    content = file.getvalue()
    assert content.count(said) == 2
    return BytesIO(content.replace(said, told))


def test_a_size_that_lies_yields_no_more_than_was_said():
    with pytest.raises(ArchiveError):
        Archive(lying(3_000_001)).bytes_of("a", LARGE)


def test_few_bytes_do_not_hide_very_many():
    many = bytes(8 * 2**20)
    assert len(packed({"a": many}).getvalue()) < len(many) // limits.RATIO.most
    with pytest.raises(Overlarge):
        Archive(packed({"a": many})).bytes_of("a", LARGE)


def test_all_entries_together_have_a_limit():
    archive = Archive(packed({"a": b"1" * 600, "b": b"2" * 600}), SMALL)
    archive.bytes_of("a", LARGE)
    archive.bytes_of("a", LARGE)  # counted once
    with pytest.raises(Overlarge):
        archive.bytes_of("b", LARGE)


def test_very_many_entries_are_refused():
    many = {str(k): b"" for k in range(limits.ENTRIES.most + 1)}
    with pytest.raises(ArchiveError, match="4,001 entries"):
        Archive(packed(many))


@for_each("content", [b"", b"PK", b"no archive at all" * 10])
def test_what_is_no_archive_is_said(content):
    with pytest.raises(ArchiveError, match="no archive at all"):
        Archive(BytesIO(content))
