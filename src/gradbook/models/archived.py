"""What lies in a zip archive of a stranger's, no more of it than was asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from gradbook import limits
from gradbook.archives import Archive, ArchiveError
from gradbook.errors import DataError
from gradbook.schema import AnyRecord, Kind, SchemaError, read_json

ANYTHING = AnyRecord()


@contextmanager
def archive_of(stream: BinaryIO, file: str | os.PathLike[str], kind: str) -> Iterator[Archive]:
    """An archive; whatever is wrong with it, or with what is found in it, is told in one line."""
    try:
        yield Archive(stream)
    except (DataError, SchemaError) as error:
        raise DataError(error.message, file=os.fspath(file)) from error
    except (ArchiveError, RecursionError) as error:
        said = f" ({error.message})" if isinstance(error, ArchiveError) else ""
        raise DataError(f"no {kind} file that can be read{said}", file=os.fspath(file)) from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise DataError(
            f"its layers or weights aren't as a {kind} file has them", file=os.fspath(file)
        ) from error


def json_member(archive: Archive, name: str, kind: Kind = ANYTHING) -> dict[str, Any]:
    """A part that is JSON, if it is a record of this kind."""
    try:
        found: dict[str, Any] = read_json(archive.bytes_of(name, limits.SETTINGS), kind)
    except SchemaError as error:
        raise DataError(f"{name}: {error.message}") from error
    return found
