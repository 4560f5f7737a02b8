"""A content package: files and the manifest that lists them, in a zip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY

MANIFEST = "imsmanifest.xml"
CONTENT = "http://www.imsglobal.org/xsd/imscp_v1p1"


@dataclass(frozen=True)
class PackageFile:
    """A file, what it is if it is a resource of its own, and the files that it shows."""

    path: str
    content: str
    kind: str = ""  # of a resource
    needs: tuple[str, ...] = ()  # paths


def pack_quiz(files: Sequence[PackageFile], schema: str, version: str) -> bytes:
    """The zip of a quiz."""
    manifest = PackageFile(MANIFEST, "".join(_manifest(files, schema, version)))
    return zip_files((manifest, *files))


def zip_files(files: Sequence[PackageFile]) -> bytes:
    """The same for the same files."""
    found = BytesIO()
    with ZipFile(found, "w", ZIP_DEFLATED) as archive:
        for file in files:
            info = ZipInfo(file.path, FIRST_DAY)
            info.compress_type = ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.content)
    return found.getvalue()


def _manifest(files: Sequence[PackageFile], schema: str, version: str) -> Iterable[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<manifest xmlns="{CONTENT}" identifier="gradbook-quiz">\n<metadata>\n'
    yield f"<schema>{schema}</schema>\n<schemaversion>{version}</schemaversion>\n</metadata>\n"
    yield "<organizations/>\n<resources>\n"
    names = {file.path: f"r{number}" for number, file in enumerate(files) if file.kind}
    for file in files:
        if not file.kind:
            continue
        yield f'<resource identifier="{names[file.path]}" type="{file.kind}" '
        yield f'href="{escape(file.path)}">\n<file href="{escape(file.path)}"/>\n'
        for path in dict.fromkeys(file.needs):
            if path not in names:
                yield f'<file href="{escape(path)}"/>\n'
        for path in dict.fromkeys(file.needs):
            if path in names:
                yield f'<dependency identifierref="{names[path]}"/>\n'
        yield "</resource>\n"
    yield "</resources>\n</manifest>\n"


def pictures_of(pictures: Iterable[tuple[str, str]]) -> list[PackageFile]:
    """A file for each different path."""
    return [PackageFile(path, svg) for path, svg in dict(pictures).items()]
