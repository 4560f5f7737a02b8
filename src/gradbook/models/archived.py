"""What lies in a zip archive of a stranger's, no more of it than was asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from gradbook import limits
from gradbook.archives import Archive, ArchiveError
from gradbook.errors import DataError


@contextmanager
def archive_of(stream: BinaryIO, file: str | os.PathLike[str], kind: str) -> Iterator[Archive]:
    """An archive; whatever is wrong with it, or with what is found in it, is told in one line."""
    try:
        yield Archive(stream)
    except DataError as error:
        raise DataError(error.message, file=os.fspath(file)) from error
    except (ArchiveError, RecursionError) as error:
        said = f" ({error.message})" if isinstance(error, ArchiveError) else ""
        raise DataError(f"no {kind} file that can be read{said}", file=os.fspath(file)) from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise DataError(
            f"its layers or weights aren't as a {kind} file has them", file=os.fspath(file)
        ) from error


def json_member(archive: Archive, name: str) -> dict[str, Any]:
    found = json.loads(archive.bytes_of(name, limits.SETTINGS))
    if not isinstance(found, dict):
        raise DataError(f"its {name} says something else than is expected there")
    return found
