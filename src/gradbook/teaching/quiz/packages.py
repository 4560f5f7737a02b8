"""Content packages: elements of XML, the files of a package, and the manifest that lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY
from gradbook.teaching.quiz.questions import Question, Quiz, QuizAnswer

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
MANIFEST = "imsmanifest.xml"
CONTENT = "http://www.imsglobal.org/xsd/imscp_v1p1"


def element(tag: str, *content: str, **attributes: str) -> str:
    """An XML element around content that is already XML; attributes are escaped here."""
    opening = tag + "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{opening}>{''.join(content)}</{tag}>" if content else f"<{opening}/>"


def plain(words: str) -> str:
    """Words as the content of an element, where quotation marks need no escape."""
    return escape(words, quote=False)


def answers_of(quiz: Quiz, question: Question) -> Sequence[QuizAnswer]:
    """The choices that are shown, or else the numbers that are recognised."""
    return question.choices if quiz.by_choice(question) else (question.right, *question.wrong)


@dataclass(frozen=True)
class PackageFile:
    """A file, its kind if it is a resource of its own, and the files that it shows."""

    path: str
    content: str
    kind: str = ""  # the type of a resource
    needs: tuple[str, ...] = ()  # paths


def pack_quiz(
    files: Sequence[PackageFile], pictures: Iterable[tuple[str, str]], schema: str, version: str
) -> bytes:
    """The zip of a quiz, with a file for each different picture."""
    files = [*files, *(PackageFile(path, svg) for path, svg in dict(pictures).items())]
    manifest = PackageFile(MANIFEST, "".join(_manifest(files, schema, version)))
    return zip_files((manifest, *files))


def zip_files(files: Sequence[PackageFile]) -> bytes:
    """A zip file, identical for the same files."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for file in files:
            info = ZipInfo(file.path, FIRST_DAY)
            info.compress_type = ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.content)
    return content.getvalue()


def _manifest(files: Sequence[PackageFile], schema: str, version: str) -> Iterable[str]:
    yield f'{HEAD}<manifest xmlns="{CONTENT}" identifier="gradbook-quiz">\n<metadata>\n'
    yield f"<schema>{schema}</schema>\n<schemaversion>{version}</schemaversion>\n</metadata>\n"
    yield "<organizations/>\n<resources>\n"
    names = {file.path: f"r{number}" for number, file in enumerate(files) if file.kind}
    for file in files:
        if not file.kind:
            continue
        yield f'<resource identifier="{names[file.path]}" type="{file.kind}" '
        yield f'href="{escape(file.path)}">\n{element("file", href=file.path)}\n'
        for path in sorted(dict.fromkeys(file.needs), key=names.__contains__):  # files come first
            depends = element("dependency", identifierref=names.get(path, ""))
            yield f"{depends if path in names else element('file', href=path)}\n"
        yield "</resource>\n"
    yield "</resources>\n</manifest>\n"
