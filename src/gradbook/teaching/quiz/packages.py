"""Content packages: elements of XML, and the files of a package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook.archives import FIRST_DAY
from gradbook.teaching.quiz.questions import Question, Quiz, QuizAnswer

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
MANIFEST = "imsmanifest.xml"


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
