"""Writes gradbook.oxt, the extension of LibreOffice Calc: the same bytes on every machine.

python -m scripts.extension [FILE]    out/gradbook.oxt, unless another file is named
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gradbook import __version__
from gradbook.archives import FIRST_DAY
from gradbook.language import LANGUAGES, in_language, tr
from gradbook.report.in_spreadsheet import COMMANDS
from gradbook.report.packed_modules import packed_modules

ROOT = Path(__file__).resolve().parents[1]
OFFICE = files("gradbook") / "office"
COMPONENT = "gradbook_office.py"
CALLED = (
    "gradbook/arrays/stand_in.py",
    "gradbook/office/calc_solver.py",
    "gradbook/office/open_document.py",
    "gradbook/office/panel.py",
)
READ_THERE = ("language/catalogues",)
ON_TOOLBAR = ("check", "next", "correct", "depends", "clear")
MOST_BYTES = 2_000_000
KINDS = {".py": "application/vnd.sun.star.uno-component;type=Python"}
SETTINGS = "application/vnd.sun.star.configuration-data"
BUTTON = """\
NODE<prop oor:name="URL"><value>org.gradbook.calc:{command}</value></prop>
NODE<prop oor:name="Title">{titles}</prop>
NODE<prop oor:name="Target"><value>_self</value></prop>
"""


def extension() -> bytes:
    """The extension's file."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        for path, content in sorted(_contents()):
            entry = ZipInfo(path, FIRST_DAY)
            entry.compress_type, entry.create_system = ZIP_DEFLATED, 3  # as on any system
            archive.writestr(entry, content, compresslevel=9)
    return packed.getvalue()


def _contents() -> Iterator[tuple[str, bytes]]:
    names = [COMPONENT]
    yield COMPONENT, (OFFICE / "component.py").read_bytes()
    for part in (OFFICE / "extension").iterdir():
        if part.name.endswith(".png"):
            yield part.name, part.read_bytes()
            continue
        text = part.read_text("utf-8").replace("VERSION", __version__)
        if part.name == "Addons.xcu":
            text = text.replace("MENU", _buttons(COMMANDS, 10))
            text = text.replace("TOOLBAR", _buttons(ON_TOOLBAR, 8, is_toolbar=True))
        names += [part.name] if part.name.endswith(".xcu") else []
        yield part.name, text.encode()
    yield "META-INF/manifest.xml", _manifest(names).encode()
    for name in ("LICENSE", "NOTICE"):
        yield name, (ROOT / name).read_bytes()
    for path, content in packed_modules(CALLED, READ_THERE):
        yield f"pythonpath/{path}", content


def _manifest(names: list[str]) -> str:
    entry = '  <manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>\n'
    entries = (entry.format(name, KINDS.get(Path(name).suffix, SETTINGS)) for name in sorted(names))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<manifest:manifest xmlns:manifest="http://openoffice.org/2001/manifest">\n'
        f"{''.join(entries)}</manifest:manifest>\n"
    )


def _buttons(commands: object, indent: int, *, is_toolbar: bool = False) -> str:
    """The entries of a menu or a toolbar, with their titles in every language."""
    buttons = []
    space = " " * indent
    for place, command in enumerate(commands):  # type: ignore[call-overload]
        node = BUTTON.format(command=command, titles=_titles(COMMANDS[command]))
        if is_toolbar:
            node += 'NODE<prop oor:name="Context">'
            node += "<value>com.sun.star.sheet.SpreadsheetDocument</value></prop>\n"
        buttons.append(
            f'{space}<node oor:name="b{place}" oor:op="replace">\n'
            f"{node.replace('NODE', f'{space}  ')}{space}</node>\n"
        )
    return "".join(buttons)


def _titles(message: str) -> str:
    titles = []
    for code in LANGUAGES:
        with in_language(code):
            titles.append(f'<value xml:lang="{code}">{escape(tr(message))}</value>')
    return "".join(titles)


def main(words: list[str]) -> None:
    path = Path(words[0]) if words else ROOT / "out" / "gradbook.oxt"
    content = extension()
    if len(content) > MOST_BYTES:
        sys.exit(f"the extension has {len(content):,} bytes, and may have {MOST_BYTES:,}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"wrote {path}, {len(content):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
