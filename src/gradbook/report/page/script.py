"""The modules of `web/` as one script, for a page that may load nothing.

Each module becomes a scope of its own that hands out what it exports. Modules import each other
by name alone, at their beginning, and export where they declare. Comments and types stay behind,
and so does what stands before a line: no text in a module goes over several.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from posixpath import dirname, join, normpath

IMPORT = re.compile(r'^import (\{[^}]*\}) from "([^"]+)"\n', re.MULTILINE)
COMMENT = re.compile(
    r"^ *(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/)\n|/\*\* @type \{.*?\} \*/ ?| +// [^`'\"\n]*$",
    re.MULTILINE,
)
MARGIN = re.compile("^ +", re.MULTILINE)
EXPORT = re.compile(
    r"^export (?=(?:async )?(?:function\*?|class|const|let) )"
    r"((?:async )?(?:function\*?|class|const|let) (\w+))",
    re.MULTILINE,
)


@cache
def script(main: str) -> str:
    """The module and all that it imports, those first that others need."""
    scopes: dict[str, str] = {}
    _collect(main, scopes)
    body = "".join(scopes.values())
    assert "</script" not in body
    return f'(() => {{\n"use strict"\n{body}}})()\n'


def _collect(name: str, scopes: dict[str, str]) -> str:
    """Add a module's scope, after those that it needs; what the scope is called."""
    called = re.sub(r"\W", "_", name)
    if name not in scopes:
        text = files("gradbook").joinpath("web", *name.split("/")).read_text("utf-8")
        text = MARGIN.sub("", COMMENT.sub("", text))

        def given(found: re.Match[str]) -> str:
            source = _collect(normpath(join(dirname(name), found[2])), scopes)
            return f"const {found[1]} = {source}\n"

        inside = EXPORT.sub(r"\1", IMPORT.sub(given, text))
        exports = ", ".join(found[2] for found in EXPORT.finditer(text))
        scopes[name] = f"const {called} = (() => {{\n{inside}return {{ {exports} }}\n}})()\n"
    return called
