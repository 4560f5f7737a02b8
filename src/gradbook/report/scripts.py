"""The scripts of pages: modules of `web/` joined into one, with translated messages."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from posixpath import dirname, join, normpath

from gradbook.language import Language, current_language, plural, tr

IMPORT = re.compile(r'^import (\{[^}]*\}) from "([^"]+)"\n', re.MULTILINE)
COMMENT = re.compile(
    r"^ *(?://.*|/\*\*(?:[^*/]|\*(?!/)|/(?!\*\*))*\*/)\n"
    r"|/\*\* @type \{(?:(?!/\*\*).)*?\} \*/ ?|(?<! ) +// [^`'\"\n]*$",
    re.MULTILINE,
)
CAST = re.compile(r"(?<= = )\((\[\]|null|new \w+\(\))\)$", re.MULTILINE)  # left by a type
MARGIN = re.compile(r"^\s+", re.MULTILINE)  # indentation, and empty lines
MESSAGE = re.compile(r'(?<![.\w])(mark|tr)\(("(?:[^"\\\n]|\\.)*")([),])')
COUNTED = re.compile(r'trCount\(("(?:[^"\\\n]|\\.)*"), ?("(?:[^"\\\n]|\\.)*")')
EXPORT = re.compile(
    r"^export (?=(?:async )?(?:function\*?|class|const|let) )"
    r"((?:async )?(?:function\*?|class|const|let) (\w+))",
    re.MULTILINE,
)


def script(main: str) -> str:
    """The script of a page, with its messages in the reader's language."""
    return _script(main, current_language())


@cache
def _script(main: str, language: Language) -> str:
    """A module of `web/` and all that it imports as one script: a page can load nothing, and has
    one language.

    Each module becomes a scope that returns its exports. Modules import each other by name, at
    their beginning, and export where they declare. Comments, types, indentation and spaces around
    signs are removed: no text in a module spans several lines.
    """
    scopes: dict[str, str] = {}
    _collect(main, scopes)
    body = COUNTED.sub(_forms, MESSAGE.sub(_translated, "".join(scopes.values())))
    assert "</script" not in body
    return f'(() => {{\n"use strict"\n{body}}})()\n'


def modules_imported(path: str) -> list[str]:
    """The paths of the modules that a module of the package's pages imports."""
    text = files("gradbook").joinpath(*path.split("/")[1:]).read_text("utf-8")
    return [normpath(join(dirname(path), match[2])) for match in IMPORT.finditer(text)]


def _translated(message: re.Match[str]) -> str:
    call, english, end = message.groups()
    words = json.dumps(tr(json.loads(english)), ensure_ascii=False)
    return words if call == "mark" else f"{call}({words}{end}"


def _forms(message: re.Match[str]) -> str:
    """The translated forms for one and for several."""
    single, several = map(json.loads, message.groups())
    forms = (json.dumps(plural(single, several, k), ensure_ascii=False) for k in (1, 2))
    return f"trCount({','.join(forms)}"


def _collect(name: str, scopes: dict[str, str]) -> str:
    """Add a module's scope after those that it needs, and return the scope's name."""
    if name not in scopes:
        text = files("gradbook").joinpath("web", *name.split("/")).read_text("utf-8")
        text = CAST.sub(r"\1", MARGIN.sub("", COMMENT.sub("", text)))

        def scope_of(match: re.Match[str]) -> str:
            source = _collect(normpath(join(dirname(name), match[2])), scopes)
            return f"const {match[1]} = {source}\n"

        inside = EXPORT.sub(r"\1", IMPORT.sub(scope_of, text))
        exports = ",".join(match[2] for match in EXPORT.finditer(text))
        scopes[name] = f"const ${len(scopes)}=(()=>{{\n{inside}return{{{exports}}}\n}})()\n"
    return scopes[name].removeprefix("const ").partition("=")[0]
