"""Reads the entries of untrusted zip archives, piece by piece and within limits.

Only stored or deflated entries are read, since other compression methods take as much memory as the
file demands. The sizes that an archive declares are trusted only if they make its entries larger.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from gradbook import limits
from gradbook.errors import DataError, GradbookError
from gradbook.limits import ReadLimit
from gradbook.schema import AnyRecord, Kind, SchemaError, read_json

CHUNK = 2**16
SMALL = 2**20  # bytes that may have any compression ratio
PACKINGS = (ZIP_STORED, ZIP_DEFLATED)  # the methods that are read
IS_ENCRYPTED = 0x1
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of the .zip calendar: the date in our files, for equal bytes
DAMAGED = (
    *(BadZipFile, zlib.error, EOFError, OSError, NotImplementedError),
    *(RuntimeError, ValueError, LookupError, struct.error, OverflowError),
)
MISFITTING = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError),
    RuntimeError,  # from h5py, for damaged files
)


class ArchiveError(GradbookError):
    """An archive that can't be read, or an entry in it that can't."""


class MissingEntry(ArchiveError):
    """The archive has no entry with that name."""


class EncryptedEntry(ArchiveError):
    """The entry can only be read with a password."""


class TooManyEntries(ArchiveError):
    """The archive has more entries than are read."""


class OddlyPacked(ArchiveError):
    """The entry has a compression method that can take any amount of memory."""


class Overlarge(ArchiveError):
    """The entry unpacks to more than the limit."""


class Archive:
    """An archive in an open file: its entries, by name.

    An archive within another one shares the limit of that one.
    """

    def __init__(
        self,
        file: BinaryIO,
        limit: ReadLimit = limits.ARCHIVE,
        within: tuple[Archive, str] | None = None,
    ) -> None:
        self.limit, self.within = limit, within
        self._read: dict[str, int] = {}  # bytes read of each entry
        try:
            self.zip: ZipFile = ZipFile(_InPieces(file))
        except DAMAGED as error:
            raise ArchiveError(f"damaged, or no archive at all ({_error_text(error)})") from error
        self.entries: dict[str, ZipInfo] = {
            entry.filename.lstrip("/"): entry for entry in self.zip.infolist()
        }
        if len(self.entries) > limits.ENTRIES.most:
            raise TooManyEntries(
                f"it has {len(self.entries):,} entries, and at most {limits.ENTRIES} are read"
            )

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    @property
    def names(self) -> list[str]:
        return list(self.entries)

    def size(self, name: str) -> int:
        """The declared unpacked size of an entry; 0 if there is no such entry."""
        return self.entries[name].file_size if name in self.entries else 0

    def bytes_of(self, name: str, limit: ReadLimit) -> bytes:
        return b"".join(self.chunks(name, limit))

    def chunks(self, name: str, limit: ReadLimit) -> Iterator[bytes]:
        """The contents of an entry, piece by piece."""
        with self.stream(name, limit) as stream:
            while piece := stream.read(CHUNK):
                yield piece

    @contextmanager
    def stream(self, name: str, limit: ReadLimit) -> Iterator[BinaryIO]:
        """The contents of an entry, as a stream that ends at the limit."""
        entry = self._readable(name, limit)
        try:
            with self.zip.open(entry) as packed:
                yield io.BufferedReader(_Unpacked(self, packed, entry, limit), CHUNK)
        except GradbookError:
            raise
        except DAMAGED as error:
            raise ArchiveError(f"its entry {name} is damaged ({_error_text(error)})") from error

    def spend(self, name: str, done: int) -> None:
        """Count the unpacked bytes of an entry; bytes that are read again aren't counted again."""
        self._read[name] = max(done, self._read.get(name, 0))
        if sum(self._read.values()) > self.limit.most:
            raise _overlarge(name, self.limit)
        if self.within is not None:
            outer, called = self.within
            outer.spend(f"{called}/{name}", done)

    def _readable(self, name: str, limit: ReadLimit) -> ZipInfo:
        entry = self.entries.get(name)
        if entry is None:
            raise MissingEntry(f"it has no {name}")
        if entry.flag_bits & IS_ENCRYPTED:
            raise EncryptedEntry(f"its entry {name} is encrypted")
        if entry.compress_type not in PACKINGS:
            raise OddlyPacked(f"its entry {name} has an unusual compression method: use deflate")
        if entry.file_size > limit.most:
            raise _overlarge(name, limit)
        return entry


def is_bomb(unpacked: int, packed: int) -> bool:
    """Whether a compression ratio is so large that it can't be legitimate."""
    return unpacked > SMALL and unpacked > limits.RATIO.most * max(packed, 1)


def _overlarge(name: str, limit: ReadLimit) -> Overlarge:
    return Overlarge(f"its entry {name} unpacks to more than the limit of {limit}")


def _error_text(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Unpacked(io.RawIOBase):
    """The contents of an entry, counted as they are unpacked."""

    def __init__(
        self, archive: Archive, packed: IO[bytes], entry: ZipInfo, limit: ReadLimit
    ) -> None:
        self._archive, self._packed, self._entry, self._limit = archive, packed, entry, limit
        self._done = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._done

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        piece = self._packed.read(min(len(target), CHUNK))
        self._done += len(piece)
        if self._done > self._limit.most or is_bomb(self._done, self._entry.compress_size):
            raise _overlarge(self._entry.filename, self._limit)
        self._archive.spend(self._entry.filename, self._done)
        target[: len(piece)] = piece
        return len(piece)


class _InPieces:
    """A file that is never read as a whole, as a directory with a million names would cause."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        most = limits.DIRECTORY.most
        content = self._file.read(min(size, most + 1) if size >= 0 else most + 1)
        if len(content) > most:
            raise BadZipFile(f"its directory is larger than {limits.DIRECTORY}")
        return content


ANYTHING = AnyRecord()


@contextmanager
def archive_of(stream: BinaryIO, file: str | os.PathLike[str], kind: str) -> Iterator[Archive]:
    """An archive; any error in it, or in its contents, is reported in one line."""
    try:
        yield Archive(stream)
    except (DataError, SchemaError) as error:
        raise DataError(error.message, file=os.fspath(file)) from error
    except (ArchiveError, RecursionError) as error:
        reason = f" ({error.message})" if isinstance(error, ArchiveError) else ""
        raise DataError(f"no {kind} file that can be read{reason}", file=os.fspath(file)) from error
    except GradbookError:
        raise
    except MISFITTING as error:
        raise DataError(
            f"its layers or weights aren't as a {kind} file has them", file=os.fspath(file)
        ) from error


def json_member(archive: Archive, name: str, kind: Kind = ANYTHING) -> dict[str, Any]:
    """An entry with JSON, if it is a record of this kind."""
    try:
        record: dict[str, Any] = read_json(archive.bytes_of(name, limits.SETTINGS), kind)
    except SchemaError as error:
        raise DataError(f"{name}: {error.message}") from error
    return record
